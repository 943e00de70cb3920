//! Claims: presence, types, boundaries. The clock is an argument.

use super::*;
use crate::id::{Guest, NodeName, Protocol, Right, Vmid};

#[test]
fn a_good_token_becomes_a_grant() {
    let console = json!({
        "cluster": "eu1", "kind": "lxc", "vmid": 5000, "protocol": "term", "node": "pve2",
        "rights": ["input", "clipboard", "input"], "max_seconds": 3600, "idle_seconds": 900,
        "title": "web-01 (Zürich)", "lang": "pt-BR", "theme": "dark",
    });
    let grant = verify(&with("/console", console)).unwrap().grant;
    assert_eq!((grant.issuer(), grant.subject()), ("panel", "customer-42"));
    assert_eq!(grant.console().guest, Guest::Lxc(Vmid::try_from(5000).unwrap()));
    assert_eq!((grant.console().cluster.as_str(), grant.console().protocol), ("eu1", Protocol::Term));
    assert_eq!(grant.node().map(NodeName::as_str), Some("pve2"));
    assert_eq!(grant.rights(), [Right::Input, Right::Clipboard]);
    assert_eq!((grant.max_seconds, grant.idle_seconds), (Some(3600), Some(900)));
    assert_eq!((grant.title(), grant.lang(), grant.theme()), (Some("web-01 (Zürich)"), Some("pt-BR"), Some("dark")));
}

#[test]
fn what_may_be_left_out_has_its_default() {
    let grant = verify(&with("/console/cluster", Value::Null)).unwrap().grant;
    assert_eq!(grant.console().cluster.as_str(), "eu1");
    assert_eq!(grant.rights(), [Right::Input]);
    assert_eq!((grant.node(), grant.max_seconds, grant.idle_seconds), (None, None, None));
    assert_eq!((grant.title(), grant.lang(), grant.theme(), grant.origin()), (None, None, None, None));
    let grant = verify(&with("/console/rights", json!([]))).unwrap().grant;
    assert!(!grant.may(Right::Input), "no rights are a view-only session");
}

#[test]
fn t13_times_that_are_not_whole_numbers_are_refused() {
    let wrong = [
        "\"never\"",
        "\"1795300060\"",
        "null",
        "1795300060.0",
        "1.79530006e9",
        "1e400",
        "-1",
        "[1795300060]",
        "{}",
        "true",
        "1000000000000000",
        "18446744073709551616",
    ];
    let gate = gateway(&[issuer(&[&panel()])]);
    for claim in ["/exp", "/iat", "/nbf"] {
        for text in wrong {
            let token = panel().sign(&panel().header(), with_text(claim, text));
            assert_eq!(reason(gate.verify(&token, NOW)), Reason::TokenClaimType, "{claim} {text}");
        }
    }
    assert_eq!(refused(&with("/exp", Value::Null)), Reason::TokenClaimType);
}

#[test]
fn t14_exp_counts_to_the_second() {
    let (gate, token) = (gateway(&[issuer(&[&panel()])]), panel().token(&good()));
    for (now, accepted) in [(NOW + 59, true), (NOW + 64, true), (NOW + 65, false), (NOW + 66, false)] {
        assert_eq!(gate.verify(&token, now).is_ok(), accepted, "exp + {}", now - NOW - 60);
    }
    let Rejected { failure, seconds } = gate.verify(&token, NOW + 72).unwrap_err();
    assert_eq!((failure.reason, seconds), (Reason::TokenExpired, Some(12)));
    assert!(failure.cause.contains("expired 12 s ago") && failure.cause.contains("NTP"), "{failure}");
}

#[test]
fn t15_nbf_counts_to_the_second() {
    for (nbf, accepted) in [(NOW - 10, true), (NOW + 4, true), (NOW + 5, true), (NOW + 6, false)] {
        assert_eq!(verify(&with("/nbf", json!(nbf))).is_ok(), accepted, "nbf {nbf}");
    }
    let Rejected { failure, seconds } = verify(&with("/nbf", json!(NOW + 30))).unwrap_err();
    assert_eq!((failure.reason, seconds), (Reason::TokenNotYet, Some(30)));
    assert!(failure.cause.contains("in 30 s") && failure.cause.contains("NTP"), "{failure}");
}

#[test]
fn t16_iat_and_the_lifetime_are_bounded() {
    assert_eq!(refused(&with("/iat", Value::Null)), Reason::TokenLifetime);
    for (iat, exp, accepted) in [
        (NOW, NOW + 120, true),
        (NOW, NOW + 121, false),
        (NOW + 5, NOW + 60, true),
        (NOW + 6, NOW + 60, false),
        (NOW, NOW, false),
        (NOW + 1, NOW, false),
        (NOW, NOW + 1, true),
        (NOW, 253_402_300_799, false),
    ] {
        let mut claims = with("/iat", json!(iat));
        claims["exp"] = json!(exp);
        let result = verify(&claims);
        assert_eq!(result.is_ok(), accepted, "{iat} {exp}");
        if !accepted {
            assert_eq!(reason(result), Reason::TokenLifetime, "{iat} {exp}");
        }
    }
}

#[test]
fn t16_a_clock_ahead_is_named_with_its_seconds() {
    let mut claims = with("/iat", json!(NOW + 40));
    claims["exp"] = json!(NOW + 100);
    let failure = verify(&claims).unwrap_err().failure;
    assert!(failure.cause.contains("40 s ahead") && failure.cause.contains("NTP"), "{failure}");
}

#[test]
fn t17_the_audience_is_exactly_one_text() {
    for aud in [
        Value::Null,
        json!("other"),
        json!("Consolegate"),
        json!("consolegate "),
        json!(""),
        json!([]),
        json!(["consolegate"]),
        json!(["consolegate", "other"]),
        json!(1),
        json!({"aud": "consolegate"}),
        json!(true),
    ] {
        assert_eq!(refused(&with("/aud", aud.clone())), Reason::TokenAudience, "{aud}");
    }
}

#[test]
fn jti_and_sub_have_their_shapes() {
    use Reason::{TokenClaimType, TokenClaimValue};
    for (claim, value, expected) in [
        ("/jti", Value::Null, TokenClaimType),
        ("/jti", json!(1), TokenClaimType),
        ("/jti", json!("a".repeat(15)), TokenClaimValue),
        ("/jti", json!("a".repeat(65)), TokenClaimValue),
        ("/jti", json!("0123456789 abcdef"), TokenClaimValue),
        ("/jti", json!("0123456789abcdeé"), TokenClaimValue),
        ("/jti", json!("0123456789abcdef\n"), TokenClaimValue),
        ("/sub", Value::Null, TokenClaimType),
        ("/sub", json!(42), TokenClaimType),
        ("/sub", json!(["a"]), TokenClaimType),
        ("/sub", json!(""), TokenClaimValue),
        ("/sub", json!("a".repeat(129)), TokenClaimValue),
        ("/sub", json!("a\u{7}b"), TokenClaimValue),
        ("/sub", json!("a\u{202e}b"), TokenClaimValue),
        ("/sub", json!("a\u{85}b"), TokenClaimValue),
    ] {
        assert_eq!(refused(&with(claim, value.clone())), expected, "{claim} {value}");
    }
    assert!(verify(&with("/jti", json!("~".repeat(64)))).is_ok());
    assert!(verify(&with("/sub", json!("ü".repeat(128)))).is_ok());
}

#[test]
fn console_claims_have_their_types_and_shapes() {
    use Reason::{TokenClaimType, TokenClaimValue};
    for (claim, value, expected) in [
        ("/console", Value::Null, TokenClaimType),
        ("/console", json!([]), TokenClaimType),
        ("/console", json!("qemu/100"), TokenClaimType),
        ("/console/kind", Value::Null, TokenClaimType),
        ("/console/kind", json!(1), TokenClaimType),
        ("/console/vmid", Value::Null, TokenClaimType),
        ("/console/protocol", Value::Null, TokenClaimType),
        ("/console/cluster", json!(1), TokenClaimType),
        ("/console/rights", json!("input"), TokenClaimType),
        ("/console/rights", json!([1]), TokenClaimType),
        ("/console/rights", json!(["admin"]), TokenClaimValue),
        ("/console/rights", json!(["Input"]), TokenClaimValue),
        ("/console/max_seconds", json!(0), TokenClaimValue),
        ("/console/max_seconds", json!(-1), TokenClaimType),
        ("/console/max_seconds", json!("60"), TokenClaimType),
        ("/console/idle_seconds", json!(0), TokenClaimValue),
        ("/console/idle_seconds", json!(1.5), TokenClaimType),
        ("/console/title", json!(""), TokenClaimValue),
        ("/console/title", json!("a".repeat(129)), TokenClaimValue),
        ("/console/title", json!("a\u{1b}[2J"), TokenClaimValue),
        ("/console/title", json!(7), TokenClaimType),
        ("/console/lang", json!("d"), TokenClaimValue),
        ("/console/lang", json!("de_DE"), TokenClaimValue),
        ("/console/lang", json!("de-"), TokenClaimValue),
        ("/console/lang", json!("de-a-b-c-d"), TokenClaimValue),
        ("/console/lang", json!("<script>"), TokenClaimValue),
        ("/console/theme", json!("Dark"), TokenClaimValue),
        ("/console/theme", json!(true), TokenClaimType),
        ("/console/autostart", json!(true), TokenClaimValue),
        ("/console/Vmid", json!(100), TokenClaimValue),
        ("/origin", json!(1), TokenClaimType),
        ("/amr", json!("mfa"), TokenClaimType),
        ("/acr", json!(2), TokenClaimType),
    ] {
        assert_eq!(refused(&with(claim, value.clone())), expected, "{claim} {value}");
    }
    for (claim, value) in [
        ("/console/lang", json!("de")),
        ("/console/lang", json!("gsw")),
        ("/console/lang", json!("zh-Hant-TW")),
        ("/console/theme", json!("auto")),
        ("/console/title", json!("日本語 (1/2) <b>")),
        ("/name", json!("Ada")),
        ("/roles", json!({"realm": {"roles": ["customer"]}})),
        ("/console/max_seconds", json!(1)),
    ] {
        assert!(verify(&with(claim, value.clone())).is_ok(), "{claim} {value}");
    }
}

#[test]
fn null_is_not_the_same_as_left_out() {
    let gate = gateway(&[issuer(&[&panel()])]);
    for claim in ["/console/node", "/console/title", "/console/max_seconds", "/console/rights", "/origin", "/nbf"] {
        let token = panel().sign(&panel().header(), with_text(claim, "null"));
        assert!(gate.verify(&token, NOW).is_err(), "{claim}");
    }
}
