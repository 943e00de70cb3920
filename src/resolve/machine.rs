//! Which machine has a guest's number: what a guest's configuration says of its birth.
//!
//! Proxmox gives the number of a destroyed guest again, so a number alone does not name a machine. A virtual machine has a
//! UUID of its own and the second it was made in; a container has neither, and is told by the address of its first network
//! card, which Proxmox makes up anew for each. Readable with VM.Audit. Never keeps the text: it may hold keys.

use super::cluster::{ClusterApi, Refused};
use super::exchange::{Ask, NodeApi};
use super::locate;
use super::loose::Text;
use crate::id::{Guest, Machine, NodeName};
use crate::reason::{Failure, Reason};
use crate::sha256;
use serde::Deserialize;

/// Largest answer taken: a configuration has room for notes and keys.
const LIMIT: usize = 256 * 1024;

/// The machine that has the guest's number now; none where Proxmox does not say.
pub(super) async fn machine(
    cluster: &ClusterApi,
    guest: &Guest,
    hint: Option<&NodeName>,
) -> Result<Option<Machine>, Failure> {
    if let Guest::Node(name) = guest {
        return Ok(digest(name.as_str(), &[]));
    }
    let node = locate::home(cluster, guest, hint, false).await?;
    match ask(cluster, node, guest).await {
        // It may have moved since the list.
        Err(Refused { failure, .. }) if failure.reason == Reason::GuestNotFound => {
            let node = locate::home(cluster, guest, hint, true).await?;
            ask(cluster, node, guest).await.or_else(unreadable)
        }
        asked => asked.or_else(unreadable),
    }
}

/// A credential that may open consoles of it and not look at it.
fn unreadable(refused: Refused) -> Result<Option<Machine>, Failure> {
    if refused.status == 403 { Ok(None) } else { Err(refused.failure) }
}

async fn ask(cluster: &ClusterApi, node: &NodeApi, guest: &Guest) -> Result<Option<Machine>, Refused> {
    let path = format!("/api2/json/nodes/{}/{guest}/config", node.name);
    let ask = Ask { operation: "config", path, form: None, limit: LIMIT, once: false, sent: None };
    let granted = cluster.ask(node, &ask).await?;
    Ok(read(guest, granted.answer.body.reveal())?)
}

#[derive(Deserialize)]
struct Body {
    data: Config,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    smbios1: Text,
    #[serde(default)]
    meta: Text,
    #[serde(default)]
    net0: Text,
}

fn read(guest: &Guest, json: &[u8]) -> Result<Option<Machine>, Failure> {
    let wrong = |_| Failure::new(Reason::PveAnswer, "the answer to config is not one");
    let Body { data: Config { smbios1, meta, net0 } } = serde_json::from_slice(json).map_err(wrong)?;
    Ok(match guest {
        Guest::Qemu(_) => digest("qemu", &[value(&smbios1, "uuid"), value(&meta, "ctime")]),
        Guest::Lxc(_) => digest("lxc", &[value(&net0, "hwaddr")]),
        Guest::Node(_) => None,
    })
}

/// The value of a key in Proxmox's lists, `key=value,key=value`.
fn value<'t>(list: &'t Text, key: &str) -> Option<&'t str> {
    list.0.split(',').find_map(|item| item.strip_prefix(key)?.strip_prefix('='))
}

/// None where none of what tells machines apart is there.
fn digest(kind: &str, told: &[Option<&str>]) -> Option<Machine> {
    if !told.is_empty() && told.iter().all(Option::is_none) {
        return None;
    }
    let parts: Vec<&str> = told.iter().map(|told| told.unwrap_or_default()).collect();
    let digest = sha256::of(format!("{kind}\n{}", parts.join("\n")).as_bytes());
    digest.first_chunk().map(|first| Machine::from_bits(u128::from_be_bytes(*first)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Vmid;

    fn of(guest: fn(Vmid) -> Guest, json: &str) -> Option<Machine> {
        read(&guest(Vmid::try_from(100).unwrap()), json.as_bytes()).unwrap()
    }

    #[test]
    fn x05_machines_differ_by_what_proxmox_gives_each_at_its_birth_and_by_nothing_that_changes_later() {
        let vm = |smbios: &str, meta: &str, memory: u32| {
            of(
                Guest::Qemu,
                &format!(r#"{{"data":{{"smbios1":"{smbios}","meta":"{meta}","memory":{memory},"name":"web-01"}}}}"#),
            )
        };
        let first = vm("uuid=7c9e6679-7425-40de-944b-e07fc1f90ae7", "creation-qemu=9.0.2,ctime=1795300000", 2048);
        assert!(first.is_some());
        assert_eq!(first, vm("uuid=7c9e6679-7425-40de-944b-e07fc1f90ae7,serial=1", "ctime=1795300000", 4096));
        assert_ne!(
            first,
            vm("uuid=7c9e6679-7425-40de-944b-e07fc1f90ae8", "creation-qemu=9.0.2,ctime=1795300000", 2048)
        );
        assert_ne!(
            first,
            vm("uuid=7c9e6679-7425-40de-944b-e07fc1f90ae7", "creation-qemu=9.0.2,ctime=1795300001", 2048)
        );
        let ct = |net: &str| of(Guest::Lxc, &format!(r#"{{"data":{{"net0":"{net}","lxc":[["lxc.cap","x"]]}}}}"#));
        let first = ct("name=eth0,bridge=vmbr0,hwaddr=BC:24:11:2C:69:EC,ip=dhcp");
        assert_eq!(first, ct("name=eth0,bridge=vmbr1,hwaddr=BC:24:11:2C:69:EC"));
        assert_ne!(first, ct("name=eth0,bridge=vmbr0,hwaddr=BC:24:11:2C:69:ED,ip=dhcp"));
    }

    #[test]
    fn a_configuration_without_any_of_it_names_no_machine() {
        assert_eq!(of(Guest::Qemu, r#"{"data":{"net0":"virtio=BC:24:11:2C:69:EC"}}"#), None);
        assert_eq!(of(Guest::Lxc, r#"{"data":{"hostname":"mail-01"}}"#), None);
        for wrong in ["{}", r#"{"data":null}"#, "<html>"] {
            assert!(read(&Guest::Qemu(Vmid::try_from(100).unwrap()), wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
