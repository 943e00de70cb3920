//! What a token may name: scope, nodes, kinds, assurance, and what must never be in it.

use super::*;
use crate::id::{Guest, NodeName};
use Reason::{TokenAssurance, TokenClaimType, TokenClaimValue, TokenKind, TokenPlaintextSecret, TokenScope};

#[test]
fn t25_node_names_are_those_of_the_configuration_letter_by_letter() {
    for node in [
        "pve1/../../access",
        "pve1:8006@evil",
        "..%2f",
        "pve1\0",
        "pvе1",
        "xn--pv1-0la",
        "PVE1",
        "Pve1",
        "pve9",
        "",
        " pve1",
        "pve1.",
        "pve7",
        "10.0.0.11",
    ] {
        assert_eq!(refused(&with("/console/node", json!(node))), TokenClaimValue, "{node:?}");
    }
    for node in [json!(1), json!(["pve1"]), json!({"name": "pve1"}), json!(true)] {
        assert_eq!(refused(&with("/console/node", node.clone())), TokenClaimValue, "{node}");
    }
    let misnamed = verify(&with("/console/node", json!("pve9"))).unwrap_err().failure;
    assert!(misnamed.cause.contains("which cluster eu1 does not have; it has pve1, pve2"), "{misnamed}");
    assert_eq!(verify(&with("/console/node", json!("pve2"))).unwrap().grant.node().map(NodeName::as_str), Some("pve2"));
}

#[test]
fn t25_guest_numbers_are_plain_numbers_in_range() {
    let gate = gateway(&[issuer(&[&panel()])]);
    for vmid in [
        "0",
        "99",
        "-1",
        "1000000000",
        "4294967396",
        "\"100\"",
        "\"100/..\"",
        "100.0",
        "1e2",
        "null",
        "[100]",
        "true",
        "-0",
        "18446744073709551716",
        "{}",
    ] {
        let token = panel().sign(&panel().header(), with_text("/console/vmid", vmid));
        assert_eq!(reason(gate.verify(&token, NOW)), TokenClaimValue, "{vmid}");
    }
}

#[test]
fn t26_an_issuer_opens_only_what_it_may() {
    for vmid in [1000, 4999, 6000, 999_999_999] {
        assert_eq!(refused(&with("/console/vmid", json!(vmid))), TokenScope, "{vmid}");
    }
    for vmid in [100, 999, 5000, 5999] {
        assert!(verify(&with("/console/vmid", json!(vmid))).is_ok(), "{vmid}");
    }
    for cluster in ["us1", "eu2", "", "EU1", "eu1/../us1", "eu1\n"] {
        assert_eq!(refused(&with("/console/cluster", json!(cluster))), TokenScope, "{cluster}");
    }
    let mut rules = issuer(&[&panel()]);
    rules.kinds = vec![Kind::Lxc];
    assert_eq!(reason(gateway(&[rules]).verify(&panel().token(&good()), NOW)), TokenScope);
}

#[test]
fn t26_one_panels_range_is_not_the_others() {
    let other_key = Signer::shared("other", Algorithm::HS256, &[8; 32]);
    let mut other = issuer(&[&other_key]);
    (other.name, other.vmids, other.clusters) = ("panel2".into(), vec![200..=299], vec!["us1".parse().unwrap()]);
    let gate = gateway(&[issuer(&[&panel()]), other]);
    let mut claims = with("/iss", json!("panel2"));
    assert_eq!(reason(gate.verify(&other_key.token(&claims), NOW)), TokenScope, "the other's cluster");
    claims["console"]["cluster"] = json!("us1");
    assert_eq!(reason(gate.verify(&other_key.token(&claims), NOW)), TokenScope, "the other's range");
    claims["console"]["vmid"] = json!(250);
    assert!(gate.verify(&other_key.token(&claims), NOW).is_ok());
    claims["console"]["node"] = json!("pve1");
    assert_eq!(reason(gate.verify(&other_key.token(&claims), NOW)), TokenClaimValue, "a node of another cluster");
}

#[test]
fn a_cluster_may_be_left_out_only_where_there_is_one() {
    let mut rules = issuer(&[&panel()]);
    rules.clusters.push("us1".parse().unwrap());
    let gate = gateway(&[rules]);
    let token = panel().token(&with("/console/cluster", Value::Null));
    assert_eq!(reason(gate.verify(&token, NOW)), TokenClaimType);
    assert!(gate.verify(&panel().token(&with("/console/cluster", json!("us1"))), NOW).is_ok());
}

#[test]
fn t27_no_ticket_password_host_or_address_in_clear() {
    for name in [
        "ticket",
        "vncticket",
        "vnc_ticket",
        "PVEAuthCookie",
        "CSRFPreventionToken",
        "password",
        "Password",
        "vnc-password",
        "pass",
        "secret",
        "api_token",
        "host",
        "hostname",
        "node_address",
        "nodeHost",
        "port",
        "url",
        "URL",
        "endpoint",
    ] {
        for place in ["", "/console"] {
            let failure = verify(&with(&format!("{place}/{name}"), json!("hunter2-value"))).unwrap_err().failure;
            assert_eq!(failure.reason, TokenPlaintextSecret, "{place}/{name}");
            assert!(!failure.cause.contains("hunter2"), "{failure}");
        }
    }
    for value in ["PVE:root@pam:65A1::sig", "PVEVNC:65A1::sig", "PVEAPIToken=root@pam!x=uuid", "PVEAuthCookie=PVE:root"]
    {
        for claim in ["/note", "/sub", "/console/title"] {
            let failure = verify(&with(claim, json!(value))).unwrap_err().failure;
            assert_eq!(failure.reason, TokenPlaintextSecret, "{claim} {value}");
            assert!(!failure.cause.contains("65A1"), "{failure}");
        }
        assert_eq!(refused(&with("/extra", json!({"deep": [value]}))), TokenPlaintextSecret);
    }
}

#[test]
fn t27_it_is_said_even_of_a_token_that_is_refused_anyway() {
    let mut claims = with("/password", json!("x"));
    claims["exp"] = json!(NOW - 3600);
    assert_eq!(refused(&claims), TokenPlaintextSecret);
}

#[test]
fn t31_unknown_kinds_and_protocols_and_the_shell_of_a_node() {
    for kind in ["vm", "QEMU", "openvz", "", "qemu "] {
        assert_eq!(refused(&with("/console/kind", json!(kind))), TokenKind, "{kind}");
    }
    for protocol in ["spice", "VNC", "xterm", "", "ssh"] {
        assert_eq!(refused(&with("/console/protocol", json!(protocol))), TokenKind, "{protocol}");
    }
    let shell = json!({"cluster": "eu1", "kind": "node", "node": "pve1", "protocol": "term"});
    assert_eq!(refused(&with("/console", shell.clone())), TokenKind);
    let mut rules = issuer(&[&panel()]);
    rules.kinds.push(Kind::Node);
    let gate = gateway(&[rules]);
    let grant = gate.verify(&panel().token(&with("/console", shell.clone())), NOW).unwrap().grant;
    assert_eq!(grant.console().guest, Guest::Node("pve1".parse().unwrap()));
    for (name, value, expected) in [
        ("vmid", json!(100), TokenClaimValue),
        ("node", Value::Null, TokenClaimType),
        ("node", json!("pve9"), TokenClaimValue),
    ] {
        let mut claims = with("/console", shell.clone());
        claims["console"].as_object_mut().unwrap().remove("node");
        if name == "vmid" {
            claims["console"]["node"] = json!("pve1");
        }
        if value != Value::Null {
            claims["console"][name] = value;
        }
        assert_eq!(reason(gate.verify(&panel().token(&claims), NOW)), expected, "{claims}");
    }
}

#[test]
fn x09_no_claim_makes_the_shell_of_a_host_out_of_a_guest() {
    for protocol in ["term", "vnc"] {
        for rest in [json!({"node": "pve1"}), json!({"node": "pve1", "vmid": 100}), json!({})] {
            let mut console = json!({"cluster": "eu1", "kind": "node", "protocol": protocol});
            console.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            let reason = refused(&with("/console", console.clone()));
            assert!([TokenKind, TokenClaimType, TokenClaimValue].contains(&reason), "{console}");
        }
        let shell = json!({"cluster": "eu1", "kind": "node", "node": "pve1", "protocol": protocol});
        assert_eq!(refused(&with("/console", shell.clone())), TokenKind, "{protocol}");
        let mut rules = issuer(&[&panel()]);
        rules.kinds = vec![Kind::Node];
        let gate = gateway(&[rules]);
        assert!(gate.verify(&panel().token(&with("/console", shell)), NOW).is_ok(), "{protocol}");
        let guest = json!({"cluster": "eu1", "kind": "qemu", "vmid": 100, "protocol": protocol});
        assert_eq!(reason(gate.verify(&panel().token(&with("/console", guest)), NOW)), TokenScope, "{protocol}");
    }
}

#[test]
fn a_panel_that_wants_strong_logins_gets_them() {
    let mut rules = issuer(&[&panel()]);
    (rules.require_amr, rules.require_acr) = (vec!["mfa".into(), "hwk".into()], vec!["urn:gold".into(), "2".into()]);
    let gate = gateway(&[rules]);
    let verify = |amr: Value, acr: Value| {
        let mut claims = with("/amr", amr);
        claims["acr"] = acr;
        if claims["acr"].is_null() {
            claims.as_object_mut().unwrap().remove("acr");
        }
        gate.verify(&panel().token(&claims), NOW)
    };
    assert!(verify(json!(["pwd", "hwk", "mfa"]), json!("2")).is_ok());
    assert_eq!(reason(verify(json!(["mfa"]), json!("2"))), TokenAssurance, "one of two methods");
    assert_eq!(reason(verify(Value::Null, json!("2"))), TokenAssurance, "no amr");
    assert_eq!(reason(verify(json!(["mfa", "hwk"]), json!("1"))), TokenAssurance, "another acr");
    assert_eq!(reason(verify(json!(["mfa", "hwk"]), Value::Null)), TokenAssurance, "no acr");
    assert_eq!(reason(verify(json!("mfa hwk"), json!("2"))), TokenClaimType, "amr is a list");
}
