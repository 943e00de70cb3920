//! A token of the admin side, from its making to its end, as an operator without one learns of it.

use super::gate::Gate;
use std::path::PathBuf;
use std::process::Command;

const MINIMAL: &str = include_str!("../../examples/minimal.toml");

fn configured(text: &str) -> (Gate, PathBuf) {
    let gate = Gate::new();
    gate.write("consolegate.toml", text, 0o644);
    let config = gate.path().join("consolegate.toml");
    (gate, config)
}

/// Exit code and standard error of a command with this configuration; the variable of the token is as given.
fn said(config: &PathBuf, arguments: &[&str], token: Option<&str>) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_consolegate"));
    command.args(arguments).arg("--config").arg(config).env_remove("CONSOLEGATE_ADMIN_TOKEN");
    let output = command.envs(token.map(|token| ("CONSOLEGATE_ADMIN_TOKEN", token))).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn who_asks_without_a_token_reads_how_to_make_one_and_what_is_read_works() {
    let (_gate, config) = configured(MINIMAL);
    let (code, cure) = said(&config, &["sessions", "list"], None);
    assert_eq!(code, 64);
    for words in ["--token-file", "CONSOLEGATE_ADMIN_TOKEN", "systemctl reload consolegate"] {
        assert!(cure.contains(words), "{words} is not in\n{cure}");
    }
    let line = |begin: &str| cure.lines().map(str::trim).find(|line| line.starts_with(begin)).unwrap_or_default();
    let shell = format!("{}\n{}", line("TOKEN="), line("printf"));
    let digest = Command::new("sh").args(["-ec", &shell]).output().unwrap();
    let digest = String::from_utf8(digest.stdout).unwrap();
    let lines = ["[[admin.token]]", "name = ", "sha256 = ", "scopes = "].map(line).join("\n");
    let lines = lines.replace("THE 64 DIGITS", digest.trim_end_matches('\n'));
    let (_gate, config) = configured(&format!("{MINIMAL}{lines}\n"));
    assert_eq!(said(&config, &["check"], None), (0, String::new()), "{lines}\nas in\n{cure}");
}

#[test]
fn a_token_of_nothing_is_none_and_a_file_that_is_not_there_is_named() {
    let (_gate, config) = configured(MINIMAL);
    let none = said(&config, &["sessions", "list"], None);
    for nothing in ["", " \n"] {
        assert_eq!(said(&config, &["sessions", "list"], Some(nothing)), none, "{nothing:?}");
    }
    let (code, cause) = said(&config, &["sessions", "list", "--token-file", "NOTHING"], None);
    assert!(code == 1 && cause.starts_with("error: --token-file NOTHING: No such file"), "{cause}");
}

#[test]
fn check_warns_of_a_token_that_is_over() {
    let token = |name: &str, digits: &str, expires: &str| {
        let sha256 = digits.repeat(32);
        format!("{{ name = \"{name}\", sha256 = \"{sha256}\", scopes = [\"read\"], expires = {expires} }}")
    };
    let tokens = [token("ahead", "12", "2999-11-21"), token("over", "34", "2021-11-21")].join(", ");
    let (_gate, config) =
        configured(&MINIMAL.replace("[[issuer]]", &format!("[admin]\ntoken = [{tokens}]\n[[issuer]]")));
    let (code, warned) = said(&config, &["check"], None);
    let words = "admin.token[1].expires: warning: lies in the past, so that \"over\" may ask for nothing; ";
    assert!(code == 0 && warned.starts_with(&format!("{}: {words}", config.display())), "{warned}");
    assert_eq!(warned.lines().count(), 1, "{warned}");
}
