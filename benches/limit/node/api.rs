//! The answers of the Proxmox API: the list of guests, made once, and a ticket for a console. Protocol reference 5 and 9.

use super::http::{self, Request};
use crate::Outcome;
use crate::certificates::Certificates;
use crate::guests;
use serde_json::{Value, json};

/// The prepared answers.
pub(super) struct Api {
    resources: Vec<u8>,
    ca: String,
}

impl Api {
    pub(super) fn new(certificates: &Certificates, count: u32) -> Outcome<Self> {
        let list: Vec<Value> = (0..count).map(listed).collect();
        let resources = http::answer(json!({ "data": list }).to_string().as_bytes());
        Ok(Self { resources, ca: std::fs::read_to_string(certificates.path("ca.pem"))? })
    }

    pub(super) fn answer(&self, request: &Request) -> Vec<u8> {
        if request.path.ends_with("/cluster/resources") {
            return self.resources.clone();
        }
        let parts: Vec<&str> = request.path.split('/').collect();
        match parts[..] {
            [.., "qemu", vmid, "vncproxy"] => self.ticket(vmid),
            [.., "qemu", vmid, "config"] => http::answer(configured(vmid).to_string().as_bytes()),
            _ => b"HTTP/1.1 501 no such path on this node\r\nContent-Length: 0\r\n\r\n".to_vec(),
        }
    }

    /// As long as a real one: its signature is one of RSA with 2048 bits.
    fn ticket(&self, vmid: &str) -> Vec<u8> {
        let (node, user) = (guests::NODE, guests::USER);
        let signature = "b".repeat(342);
        let data = json!({
            "port": "5900", "user": user, "password": "a8charpw", "cert": self.ca,
            "ticket": format!("a8charpw:PVEVNC:65F0A1B2::{signature}=="),
            "upid": format!("UPID:{node}:0012AB34:00AB12CD:65F0A1B2:vncproxy:{vmid}:{user}:"),
        });
        http::answer(json!({ "data": data }).to_string().as_bytes())
    }
}

/// What is asked to know a machine again, with what else a small one has.
fn configured(vmid: &str) -> Value {
    json!({ "data": {
        "name": format!("guest-{vmid}"), "cores": 4, "memory": "4096", "ostype": "l26", "boot": "order=scsi0",
        "scsi0": format!("local-lvm:vm-{vmid}-disk-0,size=32G"), "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0",
        "smbios1": format!("uuid=00000000-0000-4000-8000-{vmid:0>12}"), "meta": "creation-qemu=9.0.2,ctime=1765000000",
    } })
}

/// A guest with the fields of a real list.
fn listed(index: u32) -> Value {
    let vmid = guests::FIRST + index;
    json!({
        "id": format!("qemu/{vmid}"), "type": "qemu", "vmid": vmid, "node": guests::NODE, "status": "running",
        "name": format!("guest-{vmid}"), "template": 0, "uptime": 86_400 + index, "maxcpu": 4, "cpu": 0.012_345,
        "mem": 2_147_483_648_u64, "maxmem": 4_294_967_296_u64, "disk": 0, "maxdisk": 34_359_738_368_u64,
        "netin": 123_456_789, "netout": 987_654_321, "diskread": 1_234_567, "diskwrite": 7_654_321,
    })
}
