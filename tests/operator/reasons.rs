//! The closed list of reasons, in the documentation, on the command line and by close code.

use consolegate::reason::Reason;
use std::process::Command;

/// Exit code, standard output and standard error of a command.
fn ran(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_consolegate")).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_page_of_reasons_is_what_the_command_prints_and_has_a_heading_for_each() {
    let page = include_str!("../../docs/reasons.md");
    let (code, printed, _) = ran(&["explain", "--markdown"]);
    assert_eq!(code, 0);
    assert!(page == printed, "docs/reasons.md is old: consolegate explain --markdown > docs/reasons.md");
    let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let words: Vec<&str> = Reason::ALL.iter().map(|reason| reason.word()).collect();
    assert_eq!(headings, words);
}

#[test]
fn every_reason_close_code_and_status_is_explained() {
    for (code, words) in [
        ("guest_stopped", ["the guest is not running", "The machine is powered off."].as_slice()),
        (
            "node_cert",
            &["fingerprint of its [[cluster.node]]", "ca_file of its [[cluster]]", "remove fingerprint there and"],
        ),
        ("client_gone", &["told by:  code closed, close code 1000\n"]),
        ("guest_stopped", &["close code 4423, HTTP status 409\n"]),
        ("4423", &["guest_stopped\n", "guest_locked\n"]),
        ("token_rejected", &["signature\n", "kid\n", "compare the secret of the panel"]),
        (
            "401",
            &[
                "on the admin side the reason",
                "POST /v1/sessions",
                "GET /v1/ws",
                "\nreplay ",
                "\nbefore_boot ",
                "\nadmin_token ",
            ],
        ),
        ("403", &["origin", "\npower_denied ", "\nadmin_scope "]),
        ("431", &["\ntoo_large ", "what cannot be read as HTTP (400, 431)"]),
        ("429", &["a trusted proxy", "\nlimit_client ", "\nlimit_guest ", "4429"]),
        ("503", &["/readyz", "\ndraining ", "\nstore_down "]),
        ("1006", &["never sends it", "a proxy in between", "the upgrade", "the network", "certificate", "client_gone"]),
    ] {
        let (exit, said, _) = ran(&["explain", code]);
        assert_eq!(exit, 0, "{code}");
        for word in words {
            assert!(said.contains(word), "{word:?} is not in\n{said}");
        }
    }
    for reason in Reason::ALL {
        let (_, said, _) = ran(&["explain", reason.word()]);
        assert!(!said.contains("HTTP status 200"), "no request is refused with it:\n{said}");
        assert!(!said.contains("in this line"), "there is none here:\n{said}");
    }
    let (exit, said, _) = ran(&["explain"]);
    assert_eq!((exit, said.lines().count()), (0, Reason::ALL.len() + 1));
    let (exit, said, cause) = ran(&["explain", "guest_stoped"]);
    assert_eq!((exit, said.as_str()), (64, ""));
    assert!(cause.contains("did you mean guest_stopped?"), "{cause}");
}
