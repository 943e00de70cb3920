//! What a simulated cluster consists of: nodes, guests, style and delays.
//!
//! Plain values; nothing here runs. The defaults behave like a current Proxmox VE (protocol reference section 12).

use crate::id::Kind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A cluster to simulate.
#[derive(Debug, Clone)]
pub struct SimConfig {
    /// The nodes, each a listener of its own.
    pub nodes: Vec<NodeConfig>,
    /// The guests.
    pub guests: Vec<GuestConfig>,
    /// Which generation of Proxmox is played.
    pub style: Style,
    /// `port` in console replies as a JSON number instead of a string.
    pub port_as_number: bool,
    /// Error bodies carry `message` (from pve-http-server 5.2.0 on).
    pub message_in_errors: bool,
    /// The delays.
    pub timing: Timing,
    /// A console that ends on the node's side leaves half a frame behind.
    pub cut_in_mid_frame: bool,
    /// `OK` of a terminal shares its frame with the first output.
    pub glue_ok: bool,
    /// A terminal header split over reads ends the terminal (and is counted) instead of being misread.
    pub term_strict: bool,
    /// Time-based one-time password of the users; set, a login takes a second round.
    pub totp: Option<String>,
    /// Tokens have privileges of their own (the default of Proxmox): theirs and the user's must both allow.
    pub token_privsep: bool,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            nodes: vec![NodeConfig::new("pve1")],
            guests: vec![
                GuestConfig::qemu(100, "pve1").named("web-01"),
                GuestConfig::lxc(101, "pve1").named("mail-01"),
            ],
            style: Style::New,
            port_as_number: false,
            message_in_errors: true,
            timing: Timing::default(),
            cut_in_mid_frame: false,
            glue_ok: false,
            term_strict: false,
            totp: None,
            token_privsep: true,
        }
    }
}

impl SimConfig {
    /// The default cluster without the delays that only make tests slow.
    #[must_use]
    pub fn quick() -> Self {
        Self { timing: Timing::quick(), ..Self::default() }
    }
}

/// The generation of Proxmox that is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Since April 2026: `password` in the reply, ticket prefixed with it and bound to the port.
    New,
    /// Before: no `password`, plain ticket, any port; tokens cannot use terminals.
    Legacy,
}

/// The delays of a node.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// How long an answer 401 is held back.
    pub auth_delay: Duration,
    /// How long a console waits for its one connection.
    pub listener_life: Duration,
    /// How long a given port is not given again.
    pub port_reserve: Duration,
    /// How long a VNC password holds from the connection on.
    pub password_life: Duration,
    /// Silence in both directions that ends a VGA console.
    pub idle_cut: Duration,
    /// Silence that ends an HTTP connection.
    pub keep_alive: Duration,
    /// From the connection to the end, for a guest that is off.
    pub stopped_end: Duration,
    /// How long a terminal waits for its login line.
    pub login: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            auth_delay: Duration::from_secs(3),
            listener_life: Duration::from_secs(10),
            port_reserve: Duration::from_secs(5),
            password_life: Duration::from_secs(30),
            idle_cut: Duration::from_secs(15 * 60),
            keep_alive: Duration::from_secs(5),
            stopped_end: Duration::from_secs(1),
            login: Duration::from_secs(10),
        }
    }
}

impl Timing {
    /// No pause before a refusal or an end, and ports free at once; what others must not overstep stays as it is.
    #[must_use]
    pub fn quick() -> Self {
        Self {
            auth_delay: Duration::from_millis(20),
            port_reserve: Duration::ZERO,
            stopped_end: Duration::from_millis(20),
            ..Self::default()
        }
    }
}

/// A node.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// Its name.
    pub name: String,
    /// Where it listens; left out, a free port of 127.0.0.1.
    pub address: Option<SocketAddr>,
    /// What it shows to TLS clients.
    pub certificate: Certificate,
}

impl NodeConfig {
    /// A node on a free port with a good certificate.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), address: None, certificate: Certificate::Good }
    }
}

/// A node's certificate, right or wrong in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// Of the cluster's CA, for the node's name, `localhost` and 127.0.0.1.
    Good,
    /// Of the cluster's CA, for another name.
    OtherName,
    /// Of another CA of the same name.
    OtherCa,
    /// Of the cluster's CA, no longer valid.
    Expired,
}

/// Whether a guest runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It runs.
    Running,
    /// It is off.
    Stopped,
}

/// A guest.
#[derive(Debug, Clone)]
pub struct GuestConfig {
    /// Its number.
    pub vmid: u32,
    /// Virtual machine or container.
    pub kind: Kind,
    /// The node it is on at first.
    pub node: String,
    /// Its name.
    pub name: String,
    /// Whether it runs at first.
    pub status: Status,
    /// What its console is connected to.
    pub backend: Backend,
    /// A virtual machine's serial port: its terminal is a shell. Without one, a terminal says so and ends. Containers
    /// need none.
    pub serial: bool,
    /// Serial socket of a real QEMU: its terminal is what speaks there.
    pub serial_socket: Option<PathBuf>,
    /// QMP socket of a real QEMU: its VNC password is set by it on each connection.
    pub qmp: Option<PathBuf>,
    /// The fixed VNC password of a TCP or Unix backend without QMP.
    pub vnc_password: Option<String>,
}

impl GuestConfig {
    /// A running virtual machine with a moving picture.
    #[must_use]
    pub fn qemu(vmid: u32, node: &str) -> Self {
        Self {
            vmid,
            kind: Kind::Qemu,
            node: node.to_owned(),
            name: format!("vm-{vmid}"),
            status: Status::Running,
            backend: Backend::picture(),
            serial: false,
            serial_socket: None,
            qmp: None,
            vnc_password: None,
        }
    }

    /// A running container with a shell.
    #[must_use]
    pub fn lxc(vmid: u32, node: &str) -> Self {
        Self { kind: Kind::Lxc, name: format!("ct-{vmid}"), backend: Backend::Shell, ..Self::qemu(vmid, node) }
    }

    /// With another name.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// With another backend.
    #[must_use]
    pub fn backend(self, backend: Backend) -> Self {
        Self { backend, ..self }
    }

    /// With a serial port.
    #[must_use]
    pub fn with_serial(self) -> Self {
        Self { serial: true, ..self }
    }

    /// Switched off.
    #[must_use]
    pub fn stopped(self) -> Self {
        Self { status: Status::Stopped, ..self }
    }
}

/// What a console is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backend {
    /// A VNC server with a picture that moves, and shows what is typed and pointed at.
    Picture {
        /// Pixels.
        width: u16,
        /// Pixels.
        height: u16,
    },
    /// The same, but nothing moves by itself.
    Still {
        /// Pixels.
        width: u16,
        /// Pixels.
        height: u16,
    },
    /// Any VNC server behind TCP.
    Tcp(SocketAddr),
    /// Any VNC server behind a Unix socket.
    Unix(PathBuf),
    /// Gives every byte back. A VNC console does so from the first byte, without RFB; a terminal after `OK`.
    Echo,
    /// The same behind a complete RFB login: gives every byte back that follows `ClientInit`. A terminal gives back what is
    /// typed.
    RfbEcho,
    /// After the login (RFB or terminal) sends this many bytes as fast as they are taken, then ends.
    Flood {
        /// How many bytes.
        bytes: u64,
        /// Bytes of one write, so of one frame (at most 131072).
        piece: usize,
    },
    /// A terminal with a small shell. Its VNC console is a still picture.
    Shell,
    /// The same, but the terminal is this program with its arguments, on a pseudo-terminal of this machine.
    Program(Vec<String>),
}

impl Backend {
    /// A moving picture of the usual size.
    #[must_use]
    pub const fn picture() -> Self {
        Self::Picture { width: 640, height: 400 }
    }
}
