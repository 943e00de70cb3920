//! A configuration as somebody in a hurry writes it.

use consolegate::config::Config;
use std::path::Path;

/// Good, or every problem with its line, in words, with a cure. No file is there.
pub fn configuration(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Err(problems) = Config::parse(&text, Path::new("/nonexistent")) else { return };
    assert!(!problems.list.is_empty());
    // What is missing at the end is missing in the line behind the last.
    let lines = text.split('\n').count();
    for problem in &problems.list {
        assert!(problem.line.is_none_or(|line| (1..=lines).contains(&line)), "{problem:?}");
        assert!(!problem.what.is_empty() && !problem.fix.is_empty(), "{problem:?}");
    }
    let printed = problems.to_string();
    assert_eq!(printed.lines().count(), problems.list.len(), "a line each: {printed:?}");
    assert!(!printed.chars().any(|letter| letter.is_control() && letter != '\n'), "{printed:?}");
}

pub fn seeds() -> Vec<Vec<u8>> {
    let small =
        "public_url = \"https://console.example.com\"\n[listen]\naddress = \"[::]:443\"\n[limits]\nsessions = 4\n";
    let odd = "publik_url = 'x'\n[timeouts]\nstall = -1\n[[issuer]]\nname = \"panel\"\nvmids = [\"9-1\"]\n[listen]\naddress = 5";
    let full = include_str!("../../examples/full.toml");
    let open = "public_url = '''https://console.example.com\n";
    [small, odd, open, full].map(|text| text.as_bytes().to_vec()).to_vec()
}
