//! A node's list of guests, from a node that is not what it seems.

use consolegate::reason::Reason;
use consolegate::resolve::Guests;

/// Read or refused for the one reason there is, in words that never quote it.
pub fn guests(data: &[u8]) {
    if let Err(failure) = Guests::read(data) {
        assert_eq!(failure.reason, Reason::PveAnswer);
        let words = failure.cause.to_string();
        assert!(words.len() < 120 && words.is_ascii(), "{words:?}");
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let guest =
        r#"{"id":"qemu/100","type":"qemu","vmid":100,"node":"pve1","status":"running","template":0,"name":"web"}"#;
    let loose = r#"{"type":"lxc","vmid":"101","node":"pve2","status":"stopped","template":"1"},{"type":"storage"},{}"#;
    let list = format!(r#"{{"data":[{guest},{loose}]}}"#);
    let deep = "[".repeat(300);
    let none = Guests::read(list.as_bytes()).err().map(|failure| failure.reason);
    assert_eq!(none, None, "the seed is read");
    [list, deep, r#"{"data":null}"#.to_owned(), String::new()].map(String::into_bytes).to_vec()
}
