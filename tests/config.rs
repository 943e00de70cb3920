//! What a configuration is refused for, and with which words: hostile inputs C01 to C09, through the public functions.
//! Shapes, ranges and files are here; whom it may believe is in `trust`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "config/brand.rs"]
mod brand;
mod gate;
#[path = "config/trust.rs"]
mod trust;

use consolegate::config::{Config, Problems, Store};
use gate::Gate;
use std::net::IpAddr;
use std::os::unix::net::UnixListener;

const MINIMAL: &str = include_str!("../examples/minimal.toml");

/// The problems of the minimal example with one piece replaced.
fn problems(gate: &Gate, from: &str, to: &str) -> Problems {
    Config::parse(&changed(from, to), gate.path()).unwrap_err()
}

fn changed(from: &str, to: &str) -> String {
    assert!(MINIMAL.contains(from), "{from:?} is not in the example");
    MINIMAL.replacen(from, to, 1)
}

/// Exactly one problem: its path and its words.
#[track_caller]
fn one(problems: &Problems, path: &str, word: &str) {
    assert_eq!(problems.list.len(), 1, "{problems}");
    assert_eq!(problems.list[0].path, path, "{problems}");
    assert!(problems.to_string().contains(word), "{problems}");
}

#[test]
fn c01_everything_wrong_is_said_at_once_with_path_line_and_cure() {
    let gate = Gate::new();
    let text = r#"public_ulr = "https://console.example.com"
public_url = "https://console.example.com/"

[listen]
adress = "[::]:443"
trusted_proxies = ["10.0.0.0/8", "everybody"]

[limits]
sessions = "many"
per_guest = 1.5
per_guset = 3

[issuer]
name = "panel"

[[cluster]]
name = "eu1"
credential = { token_id = "gate@pve!console", secret = "11111111" }
[[cluster.node]]
name = "pve1"
"#;
    let found = Config::parse(text, gate.path()).unwrap_err().to_string();
    let expected = [
        "configuration:1: public_ulr: unknown key; did you mean public_url?",
        "configuration:2: public_url: \"https://console.example.com/\" is not an origin; expected an origin without a path",
        "configuration:5: listen.adress: unknown key; did you mean address?",
        "configuration:6: listen.trusted_proxies[1]: \"everybody\" is not a network;",
        "configuration:9: limits.sessions: expected a whole number, found a text; write a number from 1 to 100000",
        "configuration:10: limits.per_guest: expected a whole number, found a number with a point;",
        "configuration:11: limits.per_guset: unknown key; did you mean per_guest?",
        "configuration:13: issuer: expected a list of tables, found a table; write [[issuer]] before each one",
        "configuration:16: cluster[0]: nothing says whom to believe at its nodes; add ca_file",
        "configuration:18: cluster[0].credential.secret: unknown key: nothing secret stands in the configuration itself;",
        "configuration:19: cluster[0].node[0].address: is missing; add address = \"10.0.0.11:8006\"",
    ];
    for expected in expected {
        assert!(found.contains(expected), "{expected}\nis not in\n{found}");
    }
    // `[issuer]` is there, though wrongly written: it is not also missing.
    assert_eq!(found.lines().count(), expected.len(), "{found}");
}

#[test]
fn c01_mistakes_of_toml_itself_come_with_the_other_problems() {
    let gate = Gate::new();
    let text = "public_url = \n[listen]\naddress = \"[::]:443\"\n[listen]\nfoo = 1\n[limits]\nsessions = 0\n";
    let found = Config::parse(text, gate.path()).unwrap_err();
    let lines: Vec<_> = found.list.iter().map(|problem| (problem.line, problem.path.as_str())).collect();
    assert_eq!(lines, [(Some(1), ""), (Some(4), ""), (Some(5), "listen.foo"), (Some(7), "limits.sessions")], "{found}");
    assert!(found.to_string().contains("duplicate key at `listen`"), "{found}");
}

#[test]
fn c01_every_kind_of_wrong_type_is_named() {
    let gate = Gate::new();
    for (from, to, path, word) in [
        ("public_url = \"https://console.example.com\"", "public_url = 1", "public_url", "found a whole number"),
        ("origins = [\"https://panel.example.com\"]", "origins = \"x\"", "issuer[0].origins", "expected a list"),
        ("clusters = [\"eu1\"]", "clusters = [1]", "issuer[0].clusters[0]", "expected a text"),
        ("clusters = [\"eu1\"]", "clusters = []", "issuer[0].clusters", "is empty"),
        ("tls = {", "tls = true # {", "listen.tls", "expected a table, found true or false"),
        ("[listen]", "[metrics]\nper_session = \"no\"\n[listen]", "metrics.per_session", "expected true or false"),
        ("[listen]", "[[session]]\n[listen]", "session", "expected a table, found a list"),
    ] {
        one(&problems(&gate, from, to), path, word);
    }
}

#[test]
fn c01_no_damage_to_any_line_goes_without_a_word() {
    let gate = Gate::new();
    let full = include_str!("../examples/full.toml");
    let lines: Vec<&str> = full.lines().collect();
    let mut refused = 0;
    for (index, line) in lines.iter().enumerate() {
        let (key, _) = line.split_once('=').unwrap_or((line, ""));
        for damage in
            [String::new(), format!("{key}= []"), format!("{key}= {{}}"), format!("{key}= 1979-05-27"), "[".into()]
        {
            let mut damaged = lines.clone();
            damaged[index] = &damage;
            if let Err(problems) = Config::parse(&damaged.join("\n"), gate.path()) {
                refused += 1;
                assert!(!problems.list.is_empty(), "{damage:?} for {line:?}");
                assert!(
                    problems.list.iter().all(|problem| problem.line.is_some() && !problem.fix.is_empty()),
                    "{problems}"
                );
            }
        }
    }
    assert!(refused > 200, "{refused}");
}

#[test]
fn c07_addresses_that_are_more_than_host_and_port_are_refused() {
    let gate = Gate::new();
    for (address, word) in [
        ("https://10.0.0.11:8006/", "write \\\"10.0.0.11:8006\\\""),
        ("http://10.0.0.11", "is a URL"),
        ("root@10.0.0.11:8006", "holds a user name"),
        ("10.0.0.11:8006/api2", "holds a path"),
        ("10.0.0.11:8006?x=1", "holds a path"),
        ("10.0.0.11:0", "a port from 1 to 65535"),
        ("2001:db8::1:8006", "in brackets"),
        ("10.0.0", "IPv4 address of four numbers"),
        ("", "is not an address"),
        ("pve1 .example", "is not an address"),
    ] {
        let found = problems(&gate, "\"10.0.0.11:8006\"", &format!("\"{address}\""));
        one(&found, "cluster[0].node[0].address", &word.replace('\\', ""));
    }
    let config = Config::parse(&changed("10.0.0.11:8006", "[2001:DB8::1]:8007"), gate.path()).unwrap();
    let node = &config.clusters[0].nodes[0];
    assert_eq!((node.host.as_str(), node.port), ("2001:db8::1", 8007));
    assert!(node.host.parse::<IpAddr>().is_ok());
}

#[test]
fn c07_names_given_twice_and_ranges_that_overlap_are_refused() {
    let gate = Gate::new();
    let issuer = "name = \"panel\"";
    for (from, to, path, word) in [
        (issuer, "name = \"panel\"\nvmids = [\"100-200\", \"200-300\"]", "issuer[0].vmids[1]", "overlaps 100-200"),
        (issuer, "name = \"panel\"\nvmids = [\"99-200\"]", "issuer[0].vmids[0]", "not a range"),
        (issuer, "name = \"panel\"\nvmids = [\"300-200\"]", "issuer[0].vmids[0]", "not a range"),
        (issuer, "name = \"panel\"\nkinds = [\"vm\"]", "issuer[0].kinds[0]", "qemu, lxc, node"),
        ("clusters = [\"eu1\"]", "clusters = [\"eu2\"]", "issuer[0].clusters[0]", "did you mean \"eu1\"?"),
        (
            "[[cluster.node]]",
            "[[cluster.node]]\nname = \"pve1\"\naddress = \"10.0.0.12\"\n[[cluster.node]]",
            "cluster[0].node[1].name",
            "two nodes",
        ),
        (
            "[[issuer.key]]",
            "[[issuer.key]]\nid = \"2026-11\"\nalgorithm = \"EdDSA\"\npublic_key_file = \"panel-ed25519.pem\"\n[[issuer.key]]",
            "issuer[0].key[1].id",
            "two keys",
        ),
        (
            "[listen]",
            "[[cluster]]\nname = \"eu1\"\ntls = \"system\"\ncredential = { user = \"gate@pve\", password_file = \"pve.password\" }\n[[cluster.node]]\nname = \"pve1\"\naddress = \"pve1\"\n[listen]",
            "cluster[1].name",
            "two clusters",
        ),
        (
            "[listen]",
            "[[issuer]]\nname = \"panel\"\nclusters = [\"eu1\"]\n[[issuer.key]]\nid = \"1\"\nalgorithm = \"EdDSA\"\npublic_key_file = \"panel-ed25519.pem\"\n[listen]",
            "issuer[1].name",
            "two issuers",
        ),
    ] {
        one(&problems(&gate, from, to), path, word);
    }
}

#[test]
fn c08_limits_and_times_out_of_range_are_refused() {
    let gate = Gate::new();
    for (section, key) in [
        ("limits", "sessions"),
        ("limits", "per_client"),
        ("limits", "per_node_opening"),
        ("timeouts", "handshake"),
        ("session", "max_seconds"),
        ("session", "resume_seconds"),
    ] {
        for number in ["0", "-1", "100001", "99999999999999999999999999"] {
            let found = problems(&gate, "[listen]", &format!("[{section}]\n{key} = {number}\n[listen]"));
            one(&found, &format!("{section}.{key}"), "use 1 to 100000");
        }
        Config::parse(&changed("[listen]", &format!("[{section}]\n{key} = 100_000\n[listen]")), gate.path()).unwrap();
    }
    let found = problems(&gate, "[listen]", "[timeouts]\nping = 20\ndead = 20\n[listen]");
    one(&found, "timeouts.dead", "set dead above ping");
}

#[test]
fn c09_files_that_are_no_configuration_are_refused_without_waiting() {
    let gate = Gate::new();
    let load = |path: &std::path::Path| Config::load(path).unwrap_err().to_string();
    for (content, word) in [
        (b"".as_slice(), "it is empty"),
        (b" \n\n", "it is empty"),
        (b"\xef\xbb\xbfpublic_url = \"x\"", "byte order mark"),
        (b"\xff\xfe", "not UTF-8"),
        (&[b'#'; 1024 * 1024 + 1], "larger than 1 MiB"),
    ] {
        let path = gate.write("consolegate.toml", content, 0o644);
        let found = load(&path);
        assert!(found.starts_with(path.to_str().unwrap()) && found.contains(word), "{found}");
    }
    let fifo = gate.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let socket = gate.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    for path in [fifo.as_path(), &socket, gate.path(), "/dev/zero".as_ref()] {
        assert!(load(path).contains("is not a regular file"), "{path:?}");
    }
    assert!(load(&gate.path().join("nowhere")).contains("there is no such file"));
    // Nor is what cannot be looked at, as in a folder of another user's, taken for absent.
    assert!(load(&gate.path().join("consolegate.toml/x")).contains("cannot be read"));
    one(&problems(&gate, "\"panel.key\"", "\"fifo\""), "issuer[0].key[0].secret_file", "is not a regular file");
    one(&problems(&gate, "\"panel.key\"", "\"none.key\""), "issuer[0].key[0].secret_file", "cannot be read");
}

#[test]
fn c09_references_to_the_environment_that_are_not_defined_are_refused() {
    let gate = Gate::new();
    for (name, word) in [
        ("${HOME}/panel.key", "undefined reference"),
        ("$HOME/panel.key", "refers to the environment"),
        ("keys/${NAME}", "refers to the environment"),
        ("${CREDENTIALS_DIRECTORY}/panel.key", "CREDENTIALS_DIRECTORY is not in the environment"),
    ] {
        one(&problems(&gate, "panel.key", name), "issuer[0].key[0].secret_file", word);
    }
}

#[test]
fn a02_an_admin_side_beyond_loopback_has_tls_and_tokens() {
    let gate = Gate::new();
    let found = problems(&gate, "[listen]", "[admin]\naddress = \"0.0.0.0:9464\"\n[listen]");
    one(&found, "admin.address", "no TLS with tokens");
}

#[test]
fn a_store_of_a_fleet_has_an_address_and_its_password_in_a_file() {
    let gate = Gate::new();
    let store = |rest: &str| format!("[store]\n{rest}\n[listen]");
    for (rest, path, word) in [
        ("backend = \"redis\"", "store.url", "redis://127.0.0.1:6379"),
        ("url = \"redis://10.0.0.1\"", "store.url", "belongs to backend"),
        ("backend = \"redis\"\nurl = \"http://10.0.0.1\"", "store.url", "not the address"),
        ("backend = \"redis\"\nurl = \"redis://:secret@10.0.0.1\"", "store.url", "store.password_file"),
        ("backend = \"redis\"\nurl = \"redis://10.0.0.1/one\"", "store.url", "no number of a database"),
        ("backend = \"redis\"\nurl = \"redis:///1\"", "store.url", "no host"),
        ("backend = \"redis\"\nurl = \"redis://a\"\nca_file = \"pve-root-ca.pem\"", "store.url", "no TLS"),
        ("backend = \"redis\"\nurl = \"redis://a\"\npassword_file = \"none\"", "store.password_file", ""),
    ] {
        one(&problems(&gate, "[listen]", &store(rest)), path, word);
    }
    let rest = "backend = \"redis\"\nurl = \"rediss://gate@[::1]:6380/2\"\npassword_file = \"pve.secret\"\n\
                ca_file = \"pve-root-ca.pem\"";
    let alone = problems(&gate, "[listen]", &store(rest));
    one(&alone, "session.key_file", "the same file on every gateway");
    gate.write("session.key", "0123456789abcdef0123456789abcdef", 0o640);
    let rest = &format!("{rest}\n[session]\nkey_file = \"session.key\"");
    let config = Config::parse(&changed("[listen]", &store(rest)), gate.path()).unwrap();
    let Store::Redis(place) = config.store else { panic!("a Redis") };
    assert!(place.tls && place.password.is_some() && place.ca.is_some());
    assert_eq!((&*place.authority, place.database, place.user.as_deref()), ("[::1]:6380", 2, Some("gate")));
}

#[test]
fn c10_a_public_address_without_tls_is_not_one_of_a_listener_with_it() {
    let gate = Gate::new();
    let problems = problems(&gate, "https://console.example.com", "http://console.example.com");
    one(&problems, "public_url", "write https://, or leave out listen.tls");
}

/// Whether the certificate is warned of, where the minimal example is at this host and has these lines more in `[listen]`.
fn is_doubted(gate: &Gate, host: &str, more: &str) -> bool {
    let text = changed("console.example.com", host).replace("[listen]", &format!("[listen]\n{more}"));
    let warnings = Config::parse(&text, gate.path()).unwrap().warnings;
    assert!(warnings.iter().all(|warning| warning.path == "listen.tls.certificate"), "{warnings:?}");
    !warnings.is_empty()
}

#[test]
fn a_certificate_that_browsers_will_not_take_for_the_public_host_is_doubted_and_no_other() {
    let gate = Gate::new();
    for (host, names, doubted) in [
        ("a.example.com", ["*.example.com"].as_slice(), false),
        ("example.com", &["*.example.com"], true),
        ("a.b.example.com", &["*.example.com"], true),
        ("A.example.com:8443", &["other.example.com", "a.EXAMPLE.com"], false),
        ("xn--bcher-kva.example", &["xn--bcher-kva.example"], false),
        ("192.0.2.7", &["192.0.2.7"], false),
        ("192.0.2.8", &["192.0.2.7"], true),
        ("[2001:db8::1]", &["2001:db8:0:0::1"], false),
        // A common name counts nowhere any more.
        ("a.example.com", &[], true),
    ] {
        let mut named =
            rcgen::CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        named.distinguished_name.push(rcgen::DnType::CommonName, host);
        let key = rcgen::KeyPair::generate().unwrap();
        gate.write("fullchain.pem", named.self_signed(&key).unwrap().pem(), 0o644);
        gate.write("privkey.pem", key.serialize_pem(), 0o640);
        assert_eq!(is_doubted(&gate, host, ""), doubted, "{host} {names:?}");
    }
}

#[test]
fn a_certificate_that_only_a_balancer_sees_is_not_doubted() {
    let gate = Gate::new();
    let balancer = "trusted_proxies = [\"10.0.0.5\"]\n";
    assert!(!is_doubted(&gate, "other.example.com", balancer), "it speaks HTTP: browsers see a certificate of its own");
    assert!(is_doubted(&gate, "other.example.com", &format!("{balancer}proxy_protocol = \"v2\"")), "it passes TCP on");
}
