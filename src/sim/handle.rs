//! The handles on a running cluster: what a test or the demonstration reads of it and does to it.

use super::cluster::{Cluster, Node, Seen};
use super::counters::Counters;
use super::door::{Door, Health};
use super::fault::Fault;
use super::guest::Guest;
use super::identity::{PASSWORD, TOKEN, USER};
use super::node;
use super::ports::{Thief, Waiting};
use super::record::Event;
use super::setup::{Certificate, SimConfig, Status};
use super::tickets::{VncClaim, vnc_password};
use crate::id::Protocol;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// A running cluster. Dropping it ends all its tasks and connections.
#[derive(Debug)]
pub struct Sim {
    cluster: Arc<Cluster>,
    _nodes: JoinSet<()>,
}

impl Sim {
    /// Binds the nodes and serves them.
    ///
    /// # Errors
    /// An address that cannot be bound, or no random bytes for keys.
    pub async fn start(config: SimConfig) -> io::Result<Self> {
        let mut doors = Vec::new();
        for node in &config.nodes {
            let address = node.address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
            let listener = TcpListener::bind(address).await?;
            doors.push(Door::new(listener.local_addr()?, listener));
        }
        let cluster = Arc::new(Cluster::new(config, doors)?);
        let mut nodes = JoinSet::new();
        for node in cluster.nodes.values() {
            nodes.spawn(node::serve(Arc::clone(&cluster), Arc::clone(node)));
        }
        Ok(Self { cluster, _nodes: nodes })
    }

    /// The cluster's CA certificate.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        self.cluster.authority.pem()
    }

    /// Where a node listens.
    ///
    /// # Panics
    /// If there is no such node.
    #[must_use]
    pub fn node_address(&self, node: &str) -> SocketAddr {
        self.node(node).door.address()
    }

    /// SHA-256 of a node's certificate, as Proxmox writes it.
    ///
    /// # Panics
    /// If there is no such node.
    #[must_use]
    pub fn fingerprint(&self, node: &str) -> String {
        self.node(node).identity().fingerprint
    }

    /// The API token: its id and its secret.
    #[must_use]
    pub fn api_token(&self) -> (&'static str, &str) {
        (TOKEN, self.cluster.access.secret())
    }

    /// The user whose token it is, and the password.
    #[must_use]
    pub const fn user(&self) -> (&'static str, &'static str) {
        (USER, PASSWORD)
    }

    /// The counts so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.cluster.ledger.read()
    }

    /// Waits until the counts are as wanted.
    ///
    /// # Errors
    /// They are not within 20 s.
    pub async fn wait_for(&self, wanted: impl FnMut(&Counters) -> bool) -> io::Result<Counters> {
        self.cluster.ledger.wait_for(wanted).await
    }

    /// The requests so far, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.cluster.seen()
    }

    /// A guest.
    ///
    /// # Panics
    /// If there is none with this number.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a guest that was never configured is a mistake of the test")]
    pub fn guest(&self, vmid: u32) -> GuestHandle {
        GuestHandle(Arc::clone(self.cluster.guests.get(&vmid).expect("a configured guest")))
    }

    /// A node's own shell.
    ///
    /// # Panics
    /// If there is no such node.
    #[must_use]
    pub fn shell(&self, node: &str) -> GuestHandle {
        GuestHandle(Arc::clone(&self.node(node).shell))
    }

    /// What a user or token may on a path and below, in the place of what it could.
    pub fn set_privileges(&self, subject: &str, path: &str, privileges: &[&str]) {
        let privileges = privileges.iter().map(|word| (*word).to_owned()).collect();
        self.cluster.access.set_privileges(subject, path, privileges);
    }

    /// Accepts the API token or refuses it.
    pub fn enable_token(&self, enabled: bool) {
        self.cluster.access.enable_token(enabled);
    }

    /// Lets a node fail or recover, at once. Down, it also ends its connections.
    ///
    /// # Panics
    /// If there is no such node, or its address was taken in the meantime.
    #[expect(clippy::expect_used, reason = "a test cannot go on without the node")]
    pub fn set_health(&self, node: &str, health: Health) {
        self.node(node).door.set_health(health).expect("the node's address is still free");
    }

    /// Makes a node's clock wrong by this many seconds.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn set_clock_offset(&self, node: &str, seconds: i64) {
        self.node(node).clock.set_offset(seconds);
    }

    /// Gives a node another key and certificate, for new connections.
    ///
    /// # Errors
    /// No random bytes.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn set_certificate(&self, node: &str, certificate: Certificate) -> io::Result<()> {
        self.node(node).set_identity(self.cluster.authority.issue(node, certificate)?);
        Ok(())
    }

    /// The next request whose path ends so gets this instead.
    pub fn fail_next(&self, path_end: &str, fault: Fault) {
        self.cluster.faults.add(path_end, fault);
    }

    /// Lets a guest's VNC console wait on a port of a node, in the place of whatever waits there: what happens when a
    /// port is given to somebody else between two calls.
    ///
    /// # Errors
    /// No random bytes.
    ///
    /// # Panics
    /// If there is no such node or guest.
    pub fn place_console(&self, node: &str, port: u16, vmid: u32) -> io::Result<()> {
        let (node, guest) = (self.node(node), self.guest(vmid).0);
        let password = vnc_password()?;
        let (path, now) = (format!("/vms/{vmid}"), node.clock.now());
        let claim = VncClaim { identity: "root@pam", path: &path, port: Some(port) };
        let ticket = format!("{password}:{}", self.cluster.tickets.vnc(claim, now));
        let upid = self.cluster.tasks.name(&node.name, "vncproxy", &vmid.to_string(), "root@pam", now);
        let waiting =
            Waiting { guest, protocol: Protocol::Vnc, user: "root@pam".into(), ticket, password, tls: false, upid };
        let (now, timing) = (Instant::now(), &self.cluster.config.timing);
        node.ports().listen(port, waiting, now + timing.listener_life, now + timing.port_reserve);
        Ok(())
    }

    /// Lets this guest's VNC console wait on every port that the node gives from now on, whoever asked: the port was
    /// given to somebody else between two calls.
    ///
    /// # Errors
    /// No random bytes.
    ///
    /// # Panics
    /// If there is no such node or guest.
    pub fn steal_ports(&self, node: &str, vmid: u32) -> io::Result<()> {
        let thief = Thief { guest: self.guest(vmid).0, password: vnc_password()? };
        self.node(node).ports().steal(thief);
        Ok(())
    }

    /// Every ticket and VNC password that the nodes gave so far.
    #[must_use]
    pub fn given_secrets(&self) -> Vec<String> {
        let mut secrets: Vec<String> =
            self.cluster.nodes.values().flat_map(|node| node.ports().given().to_vec()).collect();
        secrets.sort();
        secrets.dedup();
        secrets
    }

    #[expect(clippy::expect_used, reason = "a node that was never configured is a mistake of the test")]
    fn node(&self, name: &str) -> &Node {
        self.cluster.nodes.get(name).expect("a configured node")
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        for node in self.cluster.nodes.values() {
            // Going down cannot fail.
            let _ = node.door.set_health(Health::Down);
        }
    }
}

/// A guest of a running cluster.
#[derive(Debug, Clone)]
pub struct GuestHandle(Arc<Guest>);

impl GuestHandle {
    /// Starts or stops it; stopping ends its consoles.
    pub fn set_status(&self, status: Status) {
        self.0.set_status(status);
    }

    /// Whether it runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.0.state().status == Status::Running
    }

    /// Sets or takes away its lock, such as `migrate` or `backup`.
    pub fn set_lock(&self, word: Option<&str>) {
        self.0.set_lock(word);
    }

    /// The first part of a migration: locked, but still here.
    pub fn begin_migration(&self) {
        self.0.set_lock(Some("migrate"));
    }

    /// Ends a migration: the guest is on the other node, unlocked, and only then its consoles end.
    pub fn migrate_to(&self, node: &str) {
        self.0.move_to(node);
    }

    /// Destroys it: its number is free.
    pub fn destroy(&self) {
        self.0.destroy();
    }

    /// Gives its number to another machine, which runs.
    pub fn create_anew(&self) {
        self.0.create_anew();
    }

    /// Ends its consoles; the guest runs on.
    pub fn kill_console(&self) {
        self.0.end_consoles();
    }

    /// What it received, in order.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.0.record.events()
    }

    /// Waits until what it received is as wanted.
    ///
    /// # Errors
    /// It is not within 20 s.
    pub async fn wait_for(&self, wanted: impl FnMut(&[Event]) -> bool) -> io::Result<()> {
        self.0.record.wait_for(wanted).await
    }

    /// Waits until a key was pressed.
    ///
    /// # Errors
    /// It is not within 20 s.
    pub async fn wait_for_key(&self, wanted: u32) -> io::Result<()> {
        self.wait_for(|events| events.contains(&Event::Key { down: true, keysym: wanted })).await
    }

    /// Everything typed into its terminals.
    #[must_use]
    pub fn input(&self) -> Vec<u8> {
        input(&self.events())
    }

    /// Waits until this was typed into its terminals.
    ///
    /// # Errors
    /// It is not within 20 s.
    pub async fn wait_for_input(&self, wanted: &[u8]) -> io::Result<()> {
        self.wait_for(|events| {
            let typed = input(events);
            typed.windows(wanted.len().max(1)).any(|window| window == wanted)
        })
        .await
    }
}

fn input(events: &[Event]) -> Vec<u8> {
    let typed = events.iter().filter_map(|event| if let Event::Input(bytes) = event { Some(bytes) } else { None });
    typed.flatten().copied().collect()
}
