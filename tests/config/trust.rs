//! Whom a configuration may believe and with what: secrets, keys, certificates, origins, credentials. C02 to C05.

use super::gate::Gate;
use super::{MINIMAL, changed, one, problems};
use consolegate::config::{AdminScope, Config, Credential, KeyMaterial, Trust};

#[test]
fn c02_secrets_open_to_others_are_refused_and_those_of_a_group_are_not() {
    let gate = Gate::new();
    let files = [
        ("panel.key", "issuer[0].key[0].secret_file"),
        ("pve.secret", "cluster[0].credential.secret_file"),
        ("privkey.pem", "listen.tls.key"),
    ];
    for (file, path) in files {
        let content = std::fs::read(gate.path().join(file)).unwrap();
        for mode in [0o644, 0o641, 0o604, 0o642, 0o660, 0o777] {
            gate.write(file, &content, mode);
            let found = Config::parse(MINIMAL, gate.path()).unwrap_err();
            one(&found, path, &format!("(mode {mode:04o}); chmod 640 "));
        }
        for mode in [0o400, 0o440, 0o600, 0o640] {
            gate.write(file, &content, mode);
            Config::parse(MINIMAL, gate.path()).unwrap();
        }
    }
    gate.write("pve-root-ca.pem", std::fs::read(gate.path().join("pve-root-ca.pem")).unwrap(), 0o646);
    one(&Config::parse(MINIMAL, gate.path()).unwrap_err(), "cluster[0].ca_file", "chmod o-w");
}

#[test]
fn c03_weak_keys_and_keys_of_another_type_are_refused() {
    let gate = Gate::new();
    gate.write("short.key", "0123456789abcdef0123456789abcde\n", 0o640);
    gate.write("private.pem", std::fs::read(gate.path().join("privkey.pem")).unwrap(), 0o640);
    gate.write("rsa-1024.pem", include_str!("../keys/rsa-1024.pem"), 0o644);
    gate.write("rsa-2048.pem", include_str!("../keys/rsa-2048.pem"), 0o644);
    gate.write("p256.pem", include_str!("../keys/p256.pem"), 0o644);
    gate.write("p384.pem", include_str!("../keys/p384.pem"), 0o644);
    gate.write("public.key", include_str!("../keys/p256.pem"), 0o640);
    let from = "algorithm = \"HS256\"\nsecret_file = \"panel.key\"";
    for (algorithm, file, word) in [
        ("HS256", "secret_file = \"short.key\"", "holds 31 bytes; a secret has at least 32"),
        ("HS512", "secret_file = \"public.key\"", "holds a PEM key"),
        ("HS256", "public_key_file = \"p256.pem\"", "HS256 is verified with secret_file"),
        ("ES256", "secret_file = \"panel.key\"", "ES256 is verified with public_key_file"),
        ("ES256", "secret_file = \"panel.key\"\npublic_key_file = \"p256.pem\"", "and nothing else"),
        ("RS256", "public_key_file = \"rsa-1024.pem\"", "below 2048 bits"),
        ("PS256", "public_key_file = \"p256.pem\"", "PS256 needs an RSA key"),
        ("ES256", "public_key_file = \"p384.pem\"", "ES256 needs an EC key on P-256"),
        ("ES384", "public_key_file = \"rsa-2048.pem\"", "ES384 needs an EC key on P-384"),
        ("EdDSA", "public_key_file = \"p256.pem\"", "EdDSA needs an Ed25519 key"),
        ("EdDSA", "public_key_file = \"private.pem\"", "holds a private key"),
        ("ES256", "public_key_file = \"fullchain.pem\"", "holds a certificate"),
        ("ES256", "public_key_file = \"pve.secret\"", "holds no PEM public key"),
        ("hs256", "secret_file = \"panel.key\"", "did you mean \"HS256\"?"),
        ("none", "secret_file = \"panel.key\"", "\"none\" is not known"),
    ] {
        let found = problems(&gate, from, &format!("algorithm = \"{algorithm}\"\n{file}"));
        assert_eq!(found.list.len(), 1, "{algorithm} {file}: {found}");
        assert!(found.to_string().contains(word), "{algorithm} {file}: {found}");
    }
    for (algorithm, file) in [
        ("RS256", "rsa-2048.pem"),
        ("PS512", "rsa-2048.pem"),
        ("ES256", "p256.pem"),
        ("ES384", "p384.pem"),
        ("EdDSA", "panel-ed25519.pem"),
    ] {
        let text = changed(from, &format!("algorithm = \"{algorithm}\"\npublic_key_file = \"{file}\""));
        let config = Config::parse(&text, gate.path()).unwrap();
        assert!(
            matches!(&config.issuers[0].keys[0].material, KeyMaterial::PublicPem(pem) if pem.starts_with(b"-----"))
        );
    }
}

#[test]
fn c03_one_secret_for_two_panels_is_refused() {
    let gate = Gate::new();
    let second = "[[issuer]]\nname = \"staff\"\nclusters = [\"eu1\"]\n[[issuer.key]]\nid = \"1\"\nalgorithm = \"HS384\"\nsecret_file = \"panel.key\"\n\n[[cluster]]";
    one(&problems(&gate, "[[cluster]]", second), "issuer[1]", "one panel could sign for another");
}

#[test]
fn c04_no_node_is_reached_without_a_check_of_its_certificate() {
    let gate = Gate::new();
    let ca = "ca_file = \"pve-root-ca.pem\"";
    for (to, path, word) in [
        ("", "cluster[0]", "nothing says whom to believe"),
        ("tls = \"off\"", "cluster[0].tls", "whoever answers at its address gets the credential"),
        ("tls = \"insecure\"", "cluster[0].tls", "is not offered"),
        ("ca_file = \"pve-root-ca.pem\"\ntls = \"system\"", "cluster[0].tls", "beside ca_file"),
        ("ca_file = \"panel.key\"", "cluster[0].ca_file", "holds no certificate"),
    ] {
        one(&problems(&gate, ca, to), path, word);
    }
    let found = problems(&gate, ca, "dangerous_accept_any_certificate = true");
    assert!(found.to_string().contains("no way to switch a check off"), "{found}");
    let pin = format!("address = \"10.0.0.11\"\nfingerprint = \"{}\"", "aB".repeat(32));
    let text = changed(ca, "").replace("address = \"10.0.0.11:8006\"", &pin);
    let config = Config::parse(&text, gate.path()).unwrap();
    assert!(matches!(config.clusters[0].trust, Trust::Pinned));
    assert_eq!(config.clusters[0].nodes[0].fingerprint, Some([0xab; 32]));
    assert_eq!(config.clusters[0].nodes[0].port, 8006);
    let text = text + "[[cluster.node]]\nname = \"pve2\"\naddress = \"10.0.0.12\"\n";
    one(&Config::parse(&text, gate.path()).unwrap_err(), "cluster[0]", "nothing says whom to believe");
}

#[test]
fn c05_origins_that_are_not_one_exact_origin_are_refused_and_the_others_are_normalised() {
    let gate = Gate::new();
    let written = "[\"https://panel.example.com\"]";
    let found = problems(
        &gate,
        written,
        "[\"*\", \"null\", \"panel.example.com\", \"https://a.example/x\", \"https://ok.example\"]",
    );
    let paths: Vec<_> = found.list.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["issuer[0].origins[0]", "issuer[0].origins[1]", "issuer[0].origins[2]", "issuer[0].origins[3]"]);
    let config = Config::parse(&changed(written, "[\"HTTPS://Panel.Example.com:443\"]"), gate.path()).unwrap();
    assert_eq!(config.issuers[0].origins[0].as_str(), "https://panel.example.com");
}

#[test]
fn a_certificate_goes_with_its_key_or_is_refused() {
    let gate = Gate::new();
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    gate.write("other.pem", other, 0o640);
    one(&problems(&gate, "privkey.pem", "other.pem"), "listen.tls.certificate", "does not go with its key");
    one(&problems(&gate, "privkey.pem", "panel.key"), "listen.tls.certificate", "holds no PEM private key");
    one(&problems(&gate, "fullchain.pem", "panel.key"), "listen.tls.certificate", "holds no certificate");
    one(&problems(&gate, "certificate = \"fullchain.pem\", ", ""), "listen.tls.certificate", "is missing");
}

#[test]
fn credentials_are_what_proxmox_calls_them() {
    let gate = Gate::new();
    gate.write("header.secret", "PVEAPIToken=gate@pve!console=1111", 0o640);
    for (from, to, path) in [
        ("gate@pve!console", "gate!console", "cluster[0].credential.token_id"),
        ("gate@pve!console", "gate@pve", "cluster[0].credential.token_id"),
        ("gate@pve!console", "gate@pve!con sole", "cluster[0].credential.token_id"),
        ("pve.secret", "header.secret", "cluster[0].credential.secret_file"),
        ("token_id = ", "user = \"gate@pve\", token_id = ", "cluster[0].credential"),
    ] {
        one(&problems(&gate, from, to), path, "");
    }
    let text = changed(
        "token_id = \"gate@pve!console\", secret_file = \"pve.secret\"",
        "user = \"a@b@ldap\", password_file = \"pve.password\"",
    );
    let config = Config::parse(&text, gate.path()).unwrap();
    let Credential::Password { user, password } = &config.clusters[0].credential else { panic!("a password") };
    assert_eq!((user.as_str(), password.reveal_text()), ("a@b@ldap", Some("correct horse battery staple")));
    let shown = format!("{config:?}");
    assert!(!shown.contains("correct horse") && !shown.contains("0123456789abcdef"), "{shown}");
}

#[test]
fn admin_tokens_are_checked_whole() {
    let gate = Gate::new();
    let digest = "ab".repeat(32);
    let token =
        |sha256: &str, rest: &str| format!("[[admin.token]]\nname = \"ops\"\nsha256 = \"{sha256}\"\n{rest}\n[listen]");
    for (sha256, rest, path) in [
        ("ab", "scopes = [\"read\"]", "admin.token[0].sha256"),
        (
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "scopes = [\"read\"]",
            "admin.token[0].sha256",
        ),
        (&digest, "scopes = []", "admin.token[0].scopes"),
        (&digest, "", "admin.token[0].scopes"),
        (&digest, "scopes = [\"write\"]", "admin.token[0].scopes[0]"),
        (&digest, "scopes = [\"read\"]\nexpires = \"tomorrow\"", "admin.token[0].expires"),
        (&digest, "scopes = [\"read\"]\nexpires = 10:00:00", "admin.token[0].expires"),
    ] {
        one(&problems(&gate, "[listen]", &token(sha256, rest)), path, "");
    }
    let right = token(&digest, "scopes = [\"read\", \"kill\"]\nexpires = 2027-11-21");
    let config = Config::parse(&changed("[listen]", &right), gate.path()).unwrap();
    let [ops] = &config.admin.tokens[..] else { panic!("one token") };
    assert_eq!((ops.sha256, ops.expires), ([0xab; 32], Some(1_826_755_200)));
    assert_eq!(ops.scopes, [AdminScope::Read, AdminScope::Kill]);
}

#[test]
fn key_sets_hold_public_keys_with_names() {
    let gate = Gate::new();
    let ed =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a","alg":"EdDSA"}"#;
    let oct = r#"{"kty":"oct","k":"AAAA","kid":"b","alg":"HS256"}"#;
    let from = "[[issuer.key]]\nid = \"2026-11\"\nalgorithm = \"HS256\"\nsecret_file = \"panel.key\"";
    for (json, word) in [
        ("[]".to_owned(), "not a JSON Web Key Set"),
        (r#"{"keys":[]}"#.to_owned(), "holds no key with a kid"),
        (format!(r#"{{"keys":[{ed},{oct}]}}"#), "holds a shared secret"),
        (format!(r#"{{"keys":[{}]}}"#, ed.replace('{', r#"{"d":"AAAA","#)), "holds a private key"),
        (format!(r#"{{"keys":[{}]}}"#, ed.replace(r#""kid":"a","#, "")), "holds no key with a kid"),
    ] {
        gate.write("keys.json", json, 0o644);
        one(&problems(&gate, from, "jwks_file = \"keys.json\""), "issuer[0].jwks_file", word);
    }
    gate.write("keys.json", format!(r#"{{"keys":[{ed}]}}"#), 0o644);
    let config = Config::parse(&changed(from, "jwks_file = \"keys.json\""), gate.path()).unwrap();
    assert_eq!(config.issuers[0].jwks_file, Some(gate.path().join("keys.json")));
    let url = |more: &str| format!("jwks_url = \"https://panel.example.com/keys.json\"\n{more}");
    let config = Config::parse(&changed(from, &url("jwks_ca_file = \"pve-root-ca.pem\"")), gate.path()).unwrap();
    let jwks = config.issuers[0].jwks_url.as_ref().unwrap();
    assert_eq!((jwks.host.as_str(), jwks.max_stale.as_secs(), jwks.ca.is_some()), ("panel.example.com", 3600, true));
    one(&problems(&gate, from, &url("jwks_ca_file = \"panel.key\"")), "issuer[0].jwks_ca_file", "certificate");
    one(&problems(&gate, from, &url("jwks_max_stale_seconds = 0")), "issuer[0].jwks_max_stale_seconds", "out of range");
    one(&problems(&gate, from, &url("").replace("https", "http")), "issuer[0].jwks_url", "is http");
    let alone = problems(&gate, "origins =", "jwks_ca_file = \"pve-root-ca.pem\"\norigins =");
    one(&alone, "issuer[0].jwks_ca_file", "jwks_url, which is missing");
    one(&problems(&gate, from, ""), "issuer[0].key", "is missing");
}

#[test]
fn networks_that_are_everybody_are_not_trusted() {
    let gate = Gate::new();
    let found = problems(&gate, "[listen]", "[listen]\ntrusted_proxies = [\"10.0.0.1\", \"0.0.0.0/0\"]");
    one(&found, "listen.trusted_proxies[1]", "everybody");
}

#[test]
fn l03_proxy_headers_are_believed_from_somebody_or_not_asked_for() {
    let gate = Gate::new();
    for word in ["v1", "v2", "any"] {
        let text = format!("[listen]\nproxy_protocol = \"{word}\"");
        one(&problems(&gate, "[listen]", &text), "listen.proxy_protocol", "nobody could connect");
        let text = changed("[listen]", &format!("{text}\ntrusted_proxies = [\"10.0.0.1\"]"));
        assert!(Config::parse(&text, gate.path()).unwrap().listen.proxy_protocol.is_some());
    }
    one(&problems(&gate, "[listen]", "[listen]\nproxy_protocol = \"v3\""), "listen.proxy_protocol", "is not known");
}
