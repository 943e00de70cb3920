//! One node, step by step, as a console is opened: name, connection, certificate, clock, credential, privileges, ticket,
//! console. Each step needs the one before it.
//!
//! Owns what counts as good. The console is left at its greeting: nothing is typed, nobody is thrown out.

use super::report::Finding;
use crate::config::{Cluster, Node, Timeouts};
use crate::id::{Console, Guest, Protocol, Vmid};
use crate::net::{self, fingerprint};
use crate::reason::{Failure, Reason};
use crate::resolve::{Place, Probe, Resolver};
use crate::upstream;
use crate::wire::rfb::{VERSION_LEN, Version};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};

/// Proxmox refuses tickets above 20 s; half of that is soon too much.
const MOST_SKEW: u64 = 10;
/// How long a console waits for its one connection (protocol reference 1).
const CONSOLE_WAITS: Duration = Duration::from_secs(10);
/// What a console needs on its guest.
const NEEDED: [&str; 2] = ["VM.Audit", "VM.Console"];
/// The steps, in order.
const STEPS: [&str; 8] =
    ["name", "connection", "certificate", "clock", "credential", "privileges", "ticket", "console"];

/// What a node is examined with.
pub(super) struct Examiner<'a> {
    pub(super) resolver: &'a Resolver,
    pub(super) timeouts: &'a Timeouts,
    pub(super) cluster: &'a Cluster,
    pub(super) node: &'a Node,
    pub(super) vmid: Option<Vmid>,
}

impl Examiner<'_> {
    /// Every step; those behind the first failure that makes them pointless are skipped.
    pub(super) async fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Err(failed) = self.walk(&mut findings).await {
            let at = failed.check;
            let why = format!("not looked at without {at}");
            findings.push(failed);
            let left = STEPS.iter().skip_while(|step| **step != at).skip(1);
            findings.extend(left.map(|step| Finding::skipped(step, &*why)));
        }
        findings
    }

    async fn walk(&self, findings: &mut Vec<Finding>) -> Result<(), Finding> {
        let addresses = self.name(findings).await?;
        self.connection(findings, &addresses).await?;
        self.certificate(findings, &addresses).await?;
        let probe =
            self.resolver.probe(&self.cluster.name, &self.node.name).map_err(|error| Finding::of("clock", &error))?;
        self.clock(findings, &probe).await?;
        self.credential(findings, &probe).await?;
        let Some(guest) = self.guest(findings, &probe).await? else { return Ok(()) };
        self.privileges(findings, &probe, &guest).await?;
        self.console(findings, guest).await
    }

    async fn name(&self, findings: &mut Vec<Finding>) -> Result<Vec<SocketAddr>, Finding> {
        let fix = "give the node an address that this machine can resolve, or an IP address";
        let failed = |why: String| Finding::failed("name", format!("{}: {why}", self.node.host), fix);
        let asked = timeout(self.timeouts.node_connect, lookup_host((self.node.host.as_str(), self.node.port))).await;
        let found = asked.map_err(|_| failed("the resolver does not answer".to_owned()))?;
        let addresses: Vec<SocketAddr> = found.map_err(|error| failed(error.to_string()))?.collect();
        if addresses.is_empty() {
            return Err(failed("the name has no address".to_owned()));
        }
        let list: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
        findings.push(Finding::good("name", list.join(", ")));
        Ok(addresses)
    }

    async fn connection(&self, findings: &mut Vec<Finding>, addresses: &[SocketAddr]) -> Result<(), Finding> {
        let mut last = Failure::from(Reason::NodeUnreachable);
        for address in addresses {
            let began = Instant::now();
            match timeout(self.timeouts.node_connect, TcpStream::connect(address)).await {
                Ok(Ok(_)) => {
                    findings
                        .push(Finding::good("connection", format!("{address} in {} ms", began.elapsed().as_millis())));
                    return Ok(());
                }
                Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                    last = Failure::new(Reason::NodeRefused, format!("{address}: {error}"));
                }
                Ok(Err(error)) => last = Failure::new(Reason::NodeUnreachable, format!("{address}: {error}")),
                Err(_) => last = Failure::new(Reason::NodeUnreachable, format!("{address}: no answer in time")),
            }
        }
        Err(Finding::of("connection", &last))
    }

    async fn certificate(&self, findings: &mut Vec<Finding>, addresses: &[SocketAddr]) -> Result<(), Finding> {
        let tls = net::node_tls(self.cluster, self.node)
            .map_err(|error| Finding::failed("certificate", error, "correct what it names"))?;
        let mut last = Failure::from(Reason::NodeTls);
        for address in addresses {
            match net::dial(*address, &tls, self.timeouts.node_connect).await {
                Ok(dialled) => {
                    let by = if self.node.fingerprint.is_some() { "as configured" } else { "of a trusted authority" };
                    findings.push(Finding::good("certificate", format!("{} {by}", fingerprint(&dialled.leaf))));
                    return Ok(());
                }
                Err(failure) => last = failure,
            }
        }
        Err(Finding::of("certificate", &last))
    }

    async fn clock(&self, findings: &mut Vec<Finding>, probe: &Probe<'_>) -> Result<(), Finding> {
        let skew = probe.skew().await.map_err(|failure| Finding::of("clock", &failure))?;
        findings.push(match skew {
            None => Finding::skipped("clock", "the node's answer has no Date"),
            Some(seconds) if seconds.unsigned_abs() < MOST_SKEW => {
                Finding::good("clock", format!("{seconds:+} s off ours"))
            }
            // Not the end of it: what else is wrong should be seen too.
            Some(seconds) => Finding::failed(
                "clock",
                format!("{seconds:+} s off ours; Proxmox refuses tickets above 20 s"),
                "let chrony or systemd-timesyncd set the clocks of all nodes and of this machine",
            ),
        });
        Ok(())
    }

    async fn credential(&self, findings: &mut Vec<Finding>, probe: &Probe<'_>) -> Result<(), Finding> {
        let version = probe.version().await.map_err(|failure| {
            if failure.reason != Reason::PveAuth {
                return Finding::of("credential", &failure);
            }
            let fix = "compare name and secret of the API token with pveum user token list; make a new one where the \
                       secret is lost";
            Finding::failed("credential", failure.to_string(), fix)
        })?;
        findings.push(Finding::good("credential", format!("accepted; Proxmox VE {version}")));
        Ok(())
    }

    /// The guest whose console is opened: the one that was named, if it runs here, or the first that does.
    async fn guest(&self, findings: &mut Vec<Finding>, probe: &Probe<'_>) -> Result<Option<Guest>, Finding> {
        let running = probe.running().await.map_err(|failure| Finding::of("privileges", &failure))?;
        let meant = |guest: &Guest| self.vmid.is_none_or(|vmid| guest.vmid() == Some(vmid));
        let guest = running.here.into_iter().find(meant);
        if guest.is_none() {
            let why = match self.vmid {
                Some(vmid) => format!("guest {} does not run here, or the credential lacks VM.Audit on it", vmid.get()),
                None => "no guest runs here, or the credential lacks VM.Audit; name one with --vmid".to_owned(),
            };
            let nodes = running.nodes.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let why = if nodes.is_empty() { why } else { format!("{why}; guests are listed for: {nodes}") };
            let steps = ["privileges", "ticket", "console"];
            findings.extend(steps.map(|step| Finding::skipped(step, &*why)));
        }
        Ok(guest)
    }

    async fn privileges(&self, findings: &mut Vec<Finding>, probe: &Probe<'_>, guest: &Guest) -> Result<(), Finding> {
        let path = guest.vmid().map_or_else(|| "/vms".to_owned(), |vmid| format!("/vms/{}", vmid.get()));
        let held = probe.privileges(&path).await.map_err(|failure| Finding::of("privileges", &failure))?;
        let missing: Vec<&str> = NEEDED.into_iter().filter(|name| !held.iter().any(|one| one == name)).collect();
        if missing.is_empty() {
            let power = if held.iter().any(|one| one == "VM.PowerMgmt") {
                "VM.PowerMgmt too"
            } else {
                "no VM.PowerMgmt: customers cannot switch guests"
            };
            findings.push(Finding::good("privileges", format!("{} on {path}; {power}", NEEDED.join(" and "))));
            return Ok(());
        }
        let says = format!("{} missing on {path}", missing.join(" and "));
        let fix = "give a role with VM.Console and VM.Audit on /vms to the user and, with privilege separation, to the \
                   token: pveum acl modify /vms --users ... and --tokens ...";
        findings.push(Finding::failed("privileges", says, fix));
        Ok(())
    }

    /// Ticket, WebSocket and the VNC server's first words, while Proxmox waits for them.
    async fn console(&self, findings: &mut Vec<Finding>, guest: Guest) -> Result<(), Finding> {
        let name = guest.to_string();
        let console = Console { cluster: self.cluster.name.clone(), guest, protocol: Protocol::Vnc };
        let place = self.resolver.locate(&console, None).await.map_err(|failure| Finding::of("ticket", &failure))?;
        let began = Instant::now();
        let target = self.resolver.open(&place).await.map_err(|failure| Finding::of("ticket", &failure))?;
        findings.push(Finding::good("ticket", format!("for {name} in {} ms", began.elapsed().as_millis())));
        let left = CONSOLE_WAITS.min(self.timeouts.handshake).saturating_sub(began.elapsed());
        let greeting = timeout(left, self.greeting(target, &place)).await.map_err(|_| {
            let why = format!("{name}: no WebSocket with a VNC greeting within {} s", left.as_secs_f32().ceil());
            Finding::of("console", &Failure::new(Reason::NodeHandshakeTimeout, why))
        })?;
        let version = greeting.map_err(|failure| Finding::of("console", &failure))?;
        let took = began.elapsed().as_millis();
        findings
            .push(Finding::good("console", format!("{version} from {name}, {took} ms after the ticket was asked for")));
        Ok(())
    }

    async fn greeting(&self, target: crate::resolve::Target, place: &Place) -> Result<String, Failure> {
        let mut open = upstream::connect(target, self.timeouts).await?;
        let said = open.leg.take::<VERSION_LEN>().await;
        let ended = |what: String| Failure::new(Reason::RfbVersion, format!("node {}: {what}", place.node()));
        let said =
            said.map_err(|error| Failure::new(error.node_reason(), format!("node {}: {error}", place.node())))?;
        match Version::parse(&said) {
            Some(_) => Ok(String::from_utf8_lossy(&said).trim_end().to_owned()),
            None => Err(ended(format!("the console began with {:?}", said.escape_ascii().to_string()))),
        }
    }
}
