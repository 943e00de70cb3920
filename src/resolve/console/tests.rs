//! The checks of a console answer, field by field.

use super::*;
use crate::id::{Console, Vmid};
use serde_json::{Value, json};

const USER: &str = "gate@pve!console";

fn place(guest: Guest, protocol: Protocol) -> Place {
    let console = Console { cluster: "eu1".parse().unwrap(), guest, protocol };
    Place { console, node: "pve1".parse().unwrap(), asked: Arc::default() }
}

fn vm() -> Place {
    place(Guest::Qemu(Vmid::try_from(100).unwrap()), Protocol::Vnc)
}

fn good() -> Value {
    json!({
        "user": USER, "port": "5901", "ticket": "pw0rd!!!:PVEVNC:6A2F11C0::abc", "password": "pw0rd!!!",
        "upid": format!("UPID:pve1:000A1B2C:0D3E4F50:6A2F11C0:vncproxy:100:{USER}:"), "cert": "x",
    })
}

/// Everything `open` checks, in its order.
fn check(data: &Value, place: &Place) -> Result<(String, Vec<u8>), Failure> {
    let reply = Reply::read(json!({ "data": data }).to_string().as_bytes())?;
    reply.check_subject(place, USER)?;
    let password = reply.password()?;
    let path = reply.websocket_path(&base_path(&place.console.guest, &place.node));
    Ok((path.reveal_text().unwrap().to_owned(), password.reveal().to_vec()))
}

fn refused(field: &str, value: Value) -> Failure {
    let mut data = good();
    data[field] = value;
    check(&data, &vm()).unwrap_err()
}

#[test]
fn a_port_may_be_text_or_number() {
    let mut data = good();
    for port in [json!(5999), json!("5900")] {
        data["port"] = port.clone();
        assert!(check(&data, &vm()).is_ok(), "{port}");
    }
}

#[test]
fn u08_impossible_ports_and_tickets_are_refused() {
    for port in
        [json!(22), json!(5899), json!(6000), json!("5900;"), json!(null), json!(-5900), json!([5900]), json!(5900.5)]
    {
        assert_eq!(refused("port", port.clone()).reason, Reason::PveAnswer, "{port}");
    }
    let tickets = [String::new(), "x".repeat(513), "a\r\nb".into(), "a b".into(), "a\u{e9}".into(), "a\0".into()];
    for ticket in tickets {
        assert_eq!(refused("ticket", json!(ticket)).reason, Reason::PveAnswer, "{ticket:?}");
    }
    assert_eq!(refused("ticket", json!(null)).reason, Reason::PveAnswer);
    let mut longest = good();
    longest["ticket"] = json!("x".repeat(512));
    assert!(check(&longest, &vm()).is_ok());
}

#[test]
fn u11_another_guest_user_task_or_host_is_refused() {
    assert_eq!(refused("user", json!("root@pam")).reason, Reason::Identity);
    assert_eq!(refused("user", json!("gate@pve")).reason, Reason::Identity);
    let rows = [
        ("vncproxy:101", USER, "pve1", Reason::Identity),
        ("vncproxy:", USER, "pve1", Reason::Identity),
        ("qmstart:100", USER, "pve1", Reason::Identity),
        ("vncproxy:100", "root@pam", "pve1", Reason::Identity),
        ("vncproxy:100", USER, "pve2", Reason::NodeMoved),
        ("vncproxy:100:1", USER, "pve1", Reason::PveAnswer),
    ];
    for (task, user, node, reason) in rows {
        let upid = format!("UPID:{node}:000A1B2C:0D3E4F50:6A2F11C0:{task}:{user}:");
        assert_eq!(refused("upid", json!(upid)).reason, reason, "{upid}");
    }
    for upid in ["", "UPID", "UPID:pve1:::::::::::"] {
        assert_eq!(refused("upid", json!(upid)).reason, Reason::PveAnswer, "{upid}");
    }
}

#[test]
fn r10_the_password_is_the_one_given_or_the_tickets_first_8_bytes() {
    assert_eq!(check(&good(), &vm()).unwrap().1, b"pw0rd!!!");
    let mut old = good();
    old.as_object_mut().unwrap().remove("password");
    old["ticket"] = json!("PVEVNC:6A2F11C0::abc");
    assert_eq!(check(&old, &vm()).unwrap().1, b"PVEVNC:6");
    old["ticket"] = json!("abc");
    assert_eq!(check(&old, &vm()).unwrap().1, b"abc");
    for bad in ["", "123456789"] {
        let failure = refused("password", json!(bad));
        assert_eq!(failure.reason, Reason::PveAnswer);
        assert!(failure.cause.contains("ticket_shape"), "{failure}");
    }
}

#[test]
fn r10_every_password_character_survives_the_query_as_pveproxy_reads_it() {
    for character in b'!'..=b'`' {
        let ticket = format!("{}x{0}={0}:PVEVNC:6A2F11C0::+/=", char::from(character));
        let mut data = good();
        data["ticket"] = json!(ticket);
        let (path, _) = check(&data, &vm()).unwrap();
        assert_eq!(as_pveproxy_reads(&path, "vncticket"), Some(ticket), "{path}");
        assert_eq!(as_pveproxy_reads(&path, "port").as_deref(), Some("5901"));
    }
}

/// Protocol reference 2: split at `&` and `;`, `+` is a space, a raw `=` ends the value.
fn as_pveproxy_reads(path: &str, key: &str) -> Option<String> {
    let (_, query) = path.split_once('?')?;
    let pairs = query.split(['&', ';']).map(|pair| pair.splitn(3, '=').collect::<Vec<_>>());
    let value = pairs.filter(|pair| pair[0] == key).map(|pair| pair[1].replace('+', " ")).next()?;
    let decoded = percent_encoding::percent_decode_str(&value).decode_utf8().unwrap().into_owned();
    Some(decoded)
}

#[test]
fn node_consoles_have_no_guest_in_path_and_task() {
    let shell = place(Guest::Node("pve1".parse().unwrap()), Protocol::Term);
    let mut data = good();
    data.as_object_mut().unwrap().remove("password");
    assert_eq!(check(&data, &shell).unwrap_err().reason, Reason::Identity, "a guest's task is not the shell's");
    data["upid"] = json!(format!("UPID:pve1:000A1B2C:0D3E4F50:6A2F11C0:vncshell::{USER}:"));
    let (path, _) = check(&data, &shell).unwrap();
    assert!(path.starts_with("/api2/json/nodes/pve1/vncwebsocket?port=5901&vncticket="), "{path}");
}

#[test]
fn each_kind_and_protocol_has_its_call() {
    let guest = Guest::Lxc(Vmid::try_from(101).unwrap());
    let node = Guest::Node("pve1".parse().unwrap());
    let rows = [
        (guest.clone(), Protocol::Vnc, "/api2/json/nodes/pve1/lxc/101/vncproxy", "websocket=1"),
        (guest, Protocol::Term, "/api2/json/nodes/pve1/lxc/101/termproxy", ""),
        (node.clone(), Protocol::Vnc, "/api2/json/nodes/pve1/vncshell", "websocket=1"),
        (node, Protocol::Term, "/api2/json/nodes/pve1/termproxy", ""),
    ];
    for (guest, protocol, path, form) in rows {
        let place = place(guest, protocol);
        let asked = ask(&place, &base_path(&place.console.guest, &place.node));
        assert_eq!((asked.path.as_str(), asked.form.unwrap().reveal()), (path, form.as_bytes()));
    }
}

#[test]
fn u15_what_is_wrong_with_an_answer_never_quotes_it() {
    let odd = r#"{"data":{"port":{"PVEVNC:secret":1},"ticket":"PVEVNC:secret"}}"#;
    let failure = Reply::read(odd.as_bytes()).unwrap_err();
    assert!(!failure.cause.contains("PVEVNC"), "{failure}");
    let failure = refused("ticket", json!("PVEVNC:\r\nsecret"));
    assert!(!failure.cause.contains("PVEVNC"), "{failure}");
}
