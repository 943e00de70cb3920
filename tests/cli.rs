//! The binary as an operator meets it: verdicts, exit codes, and tokens that the gateway itself would accept.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod gate;

use assert_cmd::Command;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gate::Gate;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

const MINIMAL: &str = include_str!("../examples/minimal.toml");
const FULL: &str = include_str!("../examples/full.toml");

/// Exit code, standard output and standard error of a command.
fn ran(arguments: &[&str], input: &str) -> (i32, String, String) {
    let output = Command::cargo_bin("consolegate").unwrap().args(arguments).write_stdin(input).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A command with the configuration of this folder.
fn with(gate: &Gate, arguments: &[&str], input: &str) -> (i32, String, String) {
    let config = gate.path().join("consolegate.toml");
    let mut all = arguments.to_vec();
    all.extend(["--config", config.to_str().unwrap()]);
    ran(&all, input)
}

fn configured(text: &str) -> Gate {
    let gate = Gate::new();
    gate.write("consolegate.toml", text, 0o644);
    gate
}

fn check(path: &Path) -> (i32, String, String) {
    ran(&["check", "--config", path.to_str().unwrap()], "")
}

#[test]
fn c10_check_says_one_line_and_zero_for_a_good_configuration() {
    for (text, summary) in [(MINIMAL, "1 issuer, 1 cluster, 1 node;"), (FULL, "1 issuer, 2 clusters, 3 nodes;")] {
        let gate = configured(text);
        let (code, out, err) = with(&gate, &["check"], "");
        assert_eq!((code, err.as_str(), out.lines().count()), (0, "", 1), "{out}");
        assert!(out.contains(summary), "{out}");
    }
}

#[test]
fn c10_a_certificate_that_is_over_fails_check_like_serve() {
    let gate = configured(MINIMAL);
    let key = rcgen::KeyPair::generate().unwrap();
    let mut over = rcgen::CertificateParams::new(["console.example.com".to_owned()]).unwrap();
    over.not_before = rcgen::date_time_ymd(2020, 1, 1);
    over.not_after = rcgen::date_time_ymd(2021, 1, 1);
    gate.write("fullchain.pem", over.self_signed(&key).unwrap().pem(), 0o644);
    gate.write("privkey.pem", key.serialize_pem(), 0o640);
    for command in ["check", "serve"] {
        let (code, out, err) = with(&gate, &[command], "");
        assert_eq!((code, out.as_str()), (78, ""), "{command}: {err}");
        assert!(err.contains("fullchain.pem ended"), "{command}: {err}");
    }
}

#[test]
fn check_warns_of_placeholders_and_of_a_certificate_for_another_host_and_finds_the_rest_good() {
    let token = FULL.lines().find_map(|line| line.strip_prefix("#token = ")).unwrap();
    let zeros = format!("{{ name = \"zeros\", sha256 = \"{}\", scopes = [\"read\"] }}", "0".repeat(64));
    let admin = format!("[admin]\ntoken = {}, {zeros}]\n[[issuer]]", token.trim_end_matches(']'));
    let gate = configured(&MINIMAL.replace("[[issuer]]", &admin).replace("console.example.com", "other.example.com"));
    gate.write("pve.secret", "00000000-0000-0000-0000-000000000000\n", 0o640);
    let (code, out, err) = with(&gate, &["check"], "");
    assert_eq!((code, out.lines().count()), (0, 1), "{err}");
    let file = gate.path().join("consolegate.toml").display().to_string();
    let lines: Vec<&str> = err.lines().collect();
    for (at, (place, words, cure)) in [
        (
            ":7: listen.tls.certificate: warning: ",
            "fullchain.pem is not valid for other.example.com, the host of public_url",
            "; name one that is; openssl x509 -in fullchain.pem -noout -ext subjectAltName",
        ),
        (
            ":10: admin.token[0].sha256: warning: ",
            "is a placeholder",
            "; printf %s \"$TOKEN\" | sha256sum | cut -c1-64",
        ),
        (
            ":10: admin.token[1].sha256: warning: ",
            "is a placeholder",
            "; printf %s \"$TOKEN\" | sha256sum | cut -c1-64",
        ),
        (
            ":23: cluster[0].credential.secret_file: warning: ",
            "pve.secret still holds a placeholder",
            "; write the value that pveum user token add printed into it",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let line = lines.get(at).copied().unwrap_or_default();
        assert!(line.starts_with(&format!("{file}{place}{words}")) && line.contains(cure), "{place}\n{err}");
    }
    assert_eq!(lines.len(), 4, "{err}");

    for (host, names) in [("[::1]:8443", "::1"), ("a.example.com", "*.example.com"), ("console.example.com", "")] {
        let gate = configured(&MINIMAL.replace("console.example.com", host));
        if !names.is_empty() {
            let made = rcgen::generate_simple_self_signed([names.to_owned()]).unwrap();
            gate.write("fullchain.pem", made.cert.pem(), 0o644);
            gate.write("privkey.pem", made.signing_key.serialize_pem(), 0o640);
        }
        let (code, _, err) = with(&gate, &["check"], "");
        assert_eq!((code, err.as_str()), (0, ""), "{host}");
    }
}

#[test]
fn c01_check_says_every_problem_with_file_and_line_and_exits_78() {
    let gate = configured(&MINIMAL.replace("origins", "orgins").replace(":8006\"", ":port\""));
    let (code, out, err) = with(&gate, &["check"], "");
    let file = gate.path().join("consolegate.toml").display().to_string();
    assert_eq!((code, out.as_str()), (78, ""));
    let lines: Vec<_> = err.lines().collect();
    assert_eq!(lines.len(), 2, "{err}");
    assert_eq!(lines[0], format!("{file}:11: issuer[0].orgins: unknown key; did you mean origins?"));
    assert!(lines[1].starts_with(&format!("{file}:26: cluster[0].node[0].address: ")), "{err}");
}

#[test]
fn c01_a_slip_of_a_files_key_is_said_once_and_blames_nothing_else() {
    for (right, wrong, path) in [
        ("secret_file = \"panel.key\"", "secretfile = \"panel.key\"", "issuer[0].key[0].secretfile"),
        ("secret_file = \"pve.secret\"", "secretfile = \"pve.secret\"", "cluster[0].credential.secretfile"),
    ] {
        let gate = configured(&MINIMAL.replace(right, wrong));
        let (code, _, err) = with(&gate, &["check"], "");
        assert_eq!((code, err.lines().count()), (78, 1), "{err}");
        assert!(err.contains(&format!("{path}: unknown key; did you mean secret_file?")), "{err}");
    }
    for (right, words) in [
        (
            ", secret_file = \"pve.secret\"",
            "cluster[0].credential: is neither an API token nor a user with a password;",
        ),
        ("secret_file = \"panel.key\"\n", "issuer[0].key[0]: HS256 is verified with secret_file and nothing else;"),
    ] {
        let gate = configured(&MINIMAL.replace(right, ""));
        let (_, _, err) = with(&gate, &["check"], "");
        assert!(err.contains(words), "{err}");
    }
}

#[test]
fn c09_what_is_no_file_is_refused_at_once() {
    let gate = Gate::new();
    let fifo = gate.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    for (path, word) in [
        (fifo.as_path(), "not a regular file"),
        (gate.path(), "not a regular file"),
        (Path::new("nowhere.toml"), "there is no such file; make it with consolegate init"),
    ] {
        let (code, _, err) = check(path);
        assert_eq!(code, 78, "{err}");
        assert!(err.contains(word), "{err}");
    }
}

#[test]
fn c09_a_systemd_credential_is_found_where_systemd_says() {
    let gate = configured(&MINIMAL.replace("panel.key", "${CREDENTIALS_DIRECTORY}/panel"));
    let credentials = tempfile::tempdir().unwrap();
    std::fs::copy(gate.path().join("panel.key"), credentials.path().join("panel")).unwrap();
    let config = gate.path().join("consolegate.toml");
    let mut command = Command::cargo_bin("consolegate").unwrap();
    command.arg("check").arg("--config").arg(config).env("CREDENTIALS_DIRECTORY", credentials.path());
    command.assert().code(0);
    command.env_remove("CREDENTIALS_DIRECTORY").assert().code(78);
}

#[test]
fn a_minted_token_is_accepted_and_shown() {
    let gate = configured(MINIMAL);
    let mint = ["token", "mint", "--issuer", "panel", "--vmid", "100", "--right", "input", "--right", "clipboard"];
    let (code, token, err) = with(&gate, &mint, "");
    assert_eq!((code, err.as_str()), (0, ""));
    let (code, out, err) = with(&gate, &["token", "inspect", "-"], &token);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    for line in [
        "alg                  \"HS256\"",
        "kid                  \"2026-11\"",
        "typ                  \"JWT\"",
        "console.vmid         100",
        "console.rights       [\"input\",\"clipboard\"]",
        "good: this gateway accepts it",
    ] {
        assert!(out.contains(line), "{line} is not in\n{out}");
    }
    let exp = out.lines().find(|line| line.trim_start().starts_with("exp ")).unwrap();
    assert!(exp.contains("(in 60 s)") || exp.contains("(in 59 s)") || exp.contains("(in 58 s)"), "{exp}");
    assert_eq!(with(&gate, &["token", "inspect", token.trim()], "").0, 0);
}

#[test]
fn every_way_to_print_a_token_prints_the_same_claims() {
    let gate = configured(MINIMAL);
    let mint = ["token", "mint", "--kind", "node", "--node", "pve1", "--protocol", "term", "--view-only"];
    let (code, out, err) = with(&gate, &mint, "");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("would refuse the token: ") && err.contains("fix: "), "{err}");

    let gate = configured(&MINIMAL.replace("[[issuer.key]]", "kinds = [\"node\", \"lxc\"]\n[[issuer.key]]"));
    let (code, out, _) = with(&gate, &[mint.as_slice(), &["--json", "--sub", "ann"]].concat(), "");
    assert_eq!(code, 0);
    let printed: Value = serde_json::from_str(&out).unwrap();
    let claims = &printed["claims"];
    assert_eq!(
        claims["console"],
        serde_json::json!({"kind": "node", "node": "pve1", "protocol": "term", "rights": []})
    );
    assert_eq!((claims["aud"].as_str(), claims["sub"].as_str()), (Some("consolegate"), Some("ann")));
    assert_eq!(claims["jti"].as_str().unwrap().len(), 32);
    let token = printed["token"].as_str().unwrap();
    assert_eq!(printed["url"], format!("https://console.example.com/console#{token}"));

    let (code, url, _) = with(&gate, &["token", "mint", "--kind", "lxc", "--vmid", "101", "--url"], "");
    assert_eq!((code, url.lines().count()), (0, 1));
    assert!(url.starts_with("https://console.example.com/console#ey"), "{url}");
    assert_eq!(with(&gate, &["token", "inspect", "-"], &url).0, 0);
}

#[test]
fn two_tokens_are_never_the_same() {
    let gate = configured(MINIMAL);
    let jti = || {
        let (_, out, _) = with(&gate, &["token", "mint", "--vmid", "100", "--json"], "");
        serde_json::from_str::<Value>(&out).unwrap()["claims"]["jti"].clone()
    };
    assert_ne!(jti(), jti());
}

#[test]
fn inspect_explains_every_refusal_with_a_fix() {
    let gate = configured(MINIMAL);
    let signed = |claims: &Value, secret: &[u8]| {
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("2026-11".to_owned());
        encode(&header, claims, &EncodingKey::from_secret(secret)).unwrap()
    };
    let right = b"0123456789abcdef0123456789abcdef0123456789abcdef";
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let claims = |age: u64, cluster: &str, sub: &str| {
        serde_json::json!({"iss": "panel", "aud": "consolegate", "sub": sub, "jti": "0123456789abcdef", "iat": now - age,
            "exp": now - age + 60, "console": {"cluster": cluster, "kind": "qemu", "vmid": 100, "protocol": "vnc"}})
    };
    for (token, words) in [
        (
            signed(&claims(0, "eu1", "ann"), b"another secret of more than 32 bytes"),
            vec!["refused: signature: ", "fix: the signature is wrong"],
        ),
        (signed(&claims(1000, "eu1", "ann"), right), vec!["refused: expired: ", "s ago)", "NTP"]),
        (signed(&claims(1000, "mars", "ann"), right), vec!["refused: expired: ", "refused: scope: "]),
        (signed(&claims(0, "mars", "ann"), right), vec!["refused: scope: ", "see its clusters"]),
        (
            signed(&claims(0, "eu1", ""), right),
            vec!["refused: claim_value: sub is", "fix: correct the value in the panel"],
        ),
        (
            signed(&serde_json::json!({"iss": "panel", "aud": "consolegate"}), right),
            vec!["refused: claim_type: ", "fix: correct the claim in the panel; EMBED.md lists every claim"],
        ),
        (signed(&claims(0, "eu1", "\u{1b}[31m\u{202e}"), right), vec!["refused: claim_value", "\\u001b[31m\\u{202e}"]),
        ("no token".to_owned(), vec!["header: not base64url of a JSON object", "refused: malformed"]),
        (String::new(), vec!["refused: malformed"]),
    ] {
        let (code, out, err) = with(&gate, &["token", "inspect", "-"], &token);
        assert_eq!((code, err.as_str()), (1, ""), "{out}");
        assert!(!out.contains('\u{1b}'), "{out:?}");
        for word in words {
            assert!(out.contains(word), "{word:?} is not in\n{out}");
        }
    }
    let (code, _, err) = with(&gate, &["token", "inspect", "-"], "https://console.example.com/console");
    assert!(code == 64 && err.contains("has no #"), "{code} {err}");
}

#[test]
fn a_gateway_with_only_a_public_key_signs_nothing() {
    let text = MINIMAL
        .replace("HS256", "EdDSA")
        .replace("secret_file = \"panel.key\"", "public_key_file = \"panel-ed25519.pem\"");
    let gate = configured(&text);
    let (code, out, err) = with(&gate, &["token", "mint", "--vmid", "100"], "");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("only the public key") && err.contains("fix:"), "{err}");
}

#[test]
fn wrong_usage_exits_64_and_help_exits_0() {
    let gate = configured(MINIMAL);
    for arguments in [
        vec!["chekc"],
        vec!["token", "mint"],
        vec!["token", "mint", "--vmid", "100", "--issuer", "nobody"],
        vec!["token", "mint", "--vmid", "100", "--key", "none"],
        vec!["token", "mint", "--vmid", "100", "--right", "root"],
        vec!["token", "mint", "--vmid", "100", "--url", "--json"],
        vec!["token", "mint", "--vmid", "abc"],
        vec!["token", "mint", "--vmid", "99"],
    ] {
        let (code, out, err) = with(&gate, &arguments, "");
        assert_eq!((code, out.as_str()), (64, ""), "{arguments:?}: {err}");
        assert!(!err.is_empty());
    }
    for arguments in [["--help"].as_slice(), &["--version"], &["token", "mint", "--help"]] {
        let (code, out, err) = ran(arguments, "");
        assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
        assert!(out.contains("consolegate"), "{out}");
    }
    assert_eq!(ran(&[], "").0, 64);
    let (_, _, err) = with(&gate, &["token", "mint", "--vmid", "abc"], "");
    assert!(err.contains("'abc' for '--vmid <NUMBER>': a guest's number is a whole number from 100"), "{err}");
}

#[test]
fn no_command_prints_a_secret() {
    let gate = configured(&MINIMAL.replace("algorithm = \"HS256\"", "algorithm = \"ES256\""));
    for arguments in [["check"].as_slice(), &["token", "mint", "--vmid", "100"]] {
        let (code, out, err) = with(&gate, arguments, "");
        assert_eq!(code, 78);
        assert!(!format!("{out}{err}").contains("0123456789abcdef"), "{out}{err}");
    }
}

#[test]
fn the_readme_shows_the_minimal_example_as_it_is() {
    let readme = include_str!("../README.md");
    assert!(readme.contains(&format!("```toml\n{MINIMAL}```\n")));
    for file in ["LICENSE", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "THIRD-PARTY.md", "examples/full.toml"] {
        assert!(readme.contains(&format!("({file})")), "{file} is not linked");
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(file).is_file(), "{file} is not there");
    }
}

#[test]
fn inspect_asks_for_the_keys_that_a_panel_publishes_and_check_does_not() {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let x = URL_SAFE_NO_PAD.encode(pair.public_key_raw());
    let set = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"published","x":"{x}"}}]}}"#);
    let panel = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("jwks_url = \"http://{}/keys\"\n[[issuer.key]]", panel.local_addr().unwrap());
    let gate = configured(&MINIMAL.replace("[[issuer.key]]", &url));

    assert_eq!(with(&gate, &["check"], "").0, 0);
    panel.set_nonblocking(true).unwrap();
    assert!(panel.accept().is_err(), "check opens no connection");
    panel.set_nonblocking(false).unwrap();

    let answers = std::thread::spawn(move || {
        let (mut stream, _) = panel.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}", set.len());
        stream.write_all(format!("{head}\r\n\r\n{set}").as_bytes()).unwrap();
    });
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let now = consolegate::clock::unix_now();
    let claims = json!({
        "iss": "panel", "aud": "consolegate", "sub": "customer-42", "jti": "0123456789abcdef", "iat": now, "exp": now + 60,
        "console": {"kind": "qemu", "vmid": 100, "protocol": "vnc"},
    });
    let header = Header { kid: Some("published".into()), ..Header::new(Algorithm::EdDSA) };
    let token = encode(&header, &claims, &EncodingKey::from_ed_der(pair.serialized_der())).unwrap();
    let (code, out, err) = with(&gate, &["token", "inspect", "-"], &token);
    assert_eq!(code, 0, "{out}{err}");
    answers.join().unwrap();
}
