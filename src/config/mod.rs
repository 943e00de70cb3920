//! The configuration, as meant: every value checked, every file read.
//!
//! `raw` is the file as written; `check` turns it into [`Config`] or into the list of everything that is wrong with it,
//! each with its TOML path, line and cure. What can be told from text and files is told here. What a room makes of them,
//! such as keys, certificates and roots of trust, that room reads again and may still refuse: a start and `check` make all
//! of it.

mod check;
mod check_admin;
mod check_brand;
mod check_cluster;
mod check_issuer;
mod check_listen;
mod check_rules;
mod check_store;
mod files;
mod key;
mod key_set;
mod origin;
mod problem;
mod raw;
mod spelling;
#[cfg(test)]
mod tests;
mod value;

pub use check_cluster::{fingerprint, node_address};
pub use key::authorities;
pub use key_set::JwksUrl;
pub use origin::Origin;
pub use problem::{Problem, Problems};

use crate::id::{ClusterName, Kind, NodeName, Vmid};
use crate::secret::Secret;
use crate::wire::proxy::Versions;
use ipnet::IpNet;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The origin browsers see, e.g. `https://console.example.com`; no path.
    pub public_url: Origin,
    /// The public listener.
    pub listen: Listen,
    /// The admin listener.
    pub admin: Admin,
    /// The panels.
    pub issuers: Vec<Issuer>,
    /// The clusters.
    pub clusters: Vec<Cluster>,
    /// Session rules.
    pub session: Session,
    /// How many of what.
    pub limits: Limits,
    /// How long for what.
    pub timeouts: Timeouts,
    /// Where is remembered what must not be forgotten.
    pub store: Store,
    /// How the gateway leaves.
    pub drain: Drain,
    /// Whether `/metrics/sessions` has figures of each session.
    pub per_session: bool,
    /// How log lines look.
    pub log: LogFormat,
    /// Where the audit log goes; none without `[audit]`.
    pub audit_file: Option<PathBuf>,
    /// What may stand there, and is hardly meant.
    pub warnings: Vec<Problem>,
}

/// The public listener.
#[derive(Debug, Clone)]
pub struct Listen {
    /// Where it listens.
    pub address: SocketAddr,
    /// Certificate chain and key, PEM files that have been read once; none: plain HTTP behind a balancer.
    pub tls: Option<TlsFiles>,
    /// The PROXY headers that every connection must begin with; none: they are not understood.
    pub proxy_protocol: Option<Versions>,
    /// Networks whose PROXY and forwarded headers are believed.
    pub trusted_proxies: Vec<IpNet>,
}

/// The files of a server certificate.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// PEM chain, leaf first.
    pub certificate: PathBuf,
    /// PEM private key.
    pub key: PathBuf,
    /// Who opens and seals the records.
    pub engine: Engine,
}

/// Who opens and seals the records of an established TLS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// The gateway, where they lie, for TLS 1.3 and the suites it knows; rustls for anything else.
    #[default]
    Auto,
    /// rustls always.
    Buffered,
}

/// The admin listener.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Where it listens; loopback, unless it has a certificate and tokens.
    pub address: SocketAddr,
    /// Its certificate; none: plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Names by which it may be asked, besides IP addresses and `localhost`.
    pub hosts: Vec<String>,
    /// Who may ask for more than metrics and health.
    pub tokens: Vec<AdminToken>,
}

/// One bearer token of the admin listener.
#[derive(Debug, Clone)]
pub struct AdminToken {
    /// Its name in the audit log.
    pub name: String,
    /// SHA-256 of the token.
    pub sha256: [u8; 32],
    /// What it may do; never empty.
    pub scopes: Vec<AdminScope>,
    /// Unix seconds from which it no longer counts; none: it stays.
    pub expires: Option<u64>,
}

/// What an admin token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AdminScope {
    /// Metrics and the list of sessions.
    Read,
    /// End a session.
    Kill,
    /// Start and stop draining.
    Drain,
    /// Revoke tokens, subjects and guests.
    Revoke,
}

/// A panel.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// `iss`.
    pub name: String,
    /// `aud`.
    pub audience: String,
    /// Pages that may frame the console and open sockets, besides the gateway's own origin.
    pub origins: Vec<Origin>,
    /// Clusters its tokens may name.
    pub clusters: Vec<ClusterName>,
    /// Kinds its tokens may name.
    pub kinds: Vec<Kind>,
    /// Guest numbers its tokens may name.
    pub vmids: Vec<RangeInclusive<u32>>,
    /// The longest `exp - iat`.
    pub max_token: Duration,
    /// Every one of these must be in `amr`.
    pub require_amr: Vec<String>,
    /// One of these must be `acr`; empty: any.
    pub require_acr: Vec<String>,
    /// Keys from the file.
    pub keys: Vec<Key>,
    /// More keys, read again when an unknown kid comes.
    pub jwks_file: Option<PathBuf>,
    /// And more, asked for over the network.
    pub jwks_url: Option<JwksUrl>,
    /// What the page wears for its customers.
    pub brand: Option<Brand>,
}

/// How the page looks for an issuer's customers.
#[derive(Debug, Clone)]
pub struct Brand {
    /// 1 to 64 characters.
    pub name: String,
    /// Its picture.
    pub logo: Option<Logo>,
    /// `#rrggbb`, for light pages.
    pub accent: Option<String>,
    /// `#rrggbb`, for dark pages.
    pub accent_dark: Option<String>,
}

/// A picture of at most 64 KiB.
#[derive(Debug, Clone)]
pub struct Logo {
    /// Which kind, by its content.
    pub kind: LogoKind,
    /// 32 hexadecimal digits of its SHA-256.
    pub hash: String,
    /// The file.
    pub bytes: Arc<[u8]>,
}

/// What a logo is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoKind {
    /// A drawing.
    Svg,
    /// Pixels.
    Png,
}

impl Issuer {
    /// Whether the guest number is in the issuer's ranges.
    #[must_use]
    pub fn allows_vmid(&self, vmid: Vmid) -> bool {
        self.vmids.iter().any(|range| range.contains(&vmid.get()))
    }
}

/// One signing key of an issuer. Its material fits its algorithm.
#[derive(Debug, Clone)]
pub struct Key {
    /// `kid`.
    pub id: String,
    /// The one algorithm it verifies.
    pub algorithm: jsonwebtoken::Algorithm,
    /// What verifies.
    pub material: KeyMaterial,
}

/// What verifies a signature.
#[derive(Debug, Clone)]
pub enum KeyMaterial {
    /// A shared secret of at least 32 bytes.
    Shared(Secret),
    /// A public key in PEM.
    PublicPem(Vec<u8>),
}

/// A Proxmox cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Its name in tokens and metrics.
    pub name: ClusterName,
    /// How the gateway signs in.
    pub credential: Credential,
    /// Whom the gateway believes, where a node has no fingerprint.
    pub trust: Trust,
    /// The nodes; never empty.
    pub nodes: Vec<Node>,
    /// Who opens and seals the records of their connections.
    pub engine: Engine,
}

/// How the gateway signs in to a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// An API token.
    ApiToken {
        /// `user@realm!name`.
        token_id: String,
        /// Its UUID.
        secret: Secret,
    },
    /// A user and password; the login ticket is renewed before it ends.
    Password {
        /// `user@realm`.
        user: String,
        /// Its password.
        password: Secret,
    },
}

/// What a node's certificate is checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// The certificates of this PEM text (the cluster's `pve-root-ca.pem`).
    Ca(Vec<u8>),
    /// The system's roots.
    System,
    /// Every node has its fingerprint.
    Pinned,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// As Proxmox calls it.
    pub name: NodeName,
    /// Host of pveproxy: an IP address, IPv6 without brackets, or a DNS name.
    pub host: String,
    /// Port of pveproxy.
    pub port: u16,
    /// SHA-256 of the leaf certificate; stands in for the cluster's trust.
    pub fingerprint: Option<[u8; 32]>,
}

/// Session rules.
#[derive(Debug, Clone)]
pub struct Session {
    /// Seals session tickets and resume tokens; none: made at start.
    pub key: Option<Secret>,
    /// The longest session.
    pub max: Duration,
    /// The longest time without input; none: no limit.
    pub idle: Option<Duration>,
    /// How long after a cut a session may be resumed.
    pub resume: Duration,
}

/// How many of what.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Sessions in all.
    pub sessions: usize,
    /// Sessions of one guest, its screens and terminals together.
    pub per_guest: usize,
    /// Sessions of one subject of one issuer.
    pub per_subject: usize,
    /// Sessions of one node.
    pub per_node: usize,
    /// Consoles being opened on one node at once.
    pub per_node_opening: usize,
    /// Unauthenticated connections of one IPv4 address or IPv6 /64.
    pub per_client: usize,
}

/// How long for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts {
    /// TLS handshake of a client.
    pub tls: Duration,
    /// A request's head.
    pub header: Duration,
    /// TCP and TLS to a node.
    pub node_connect: Duration,
    /// An answer of the Proxmox API.
    pub node_answer: Duration,
    /// From acceptance to the console's first byte.
    pub handshake: Duration,
    /// Between our pings.
    pub ping: Duration,
    /// Without a pong.
    pub dead: Duration,
    /// Without the other side reading.
    pub stall: Duration,
    /// Without a byte of a screen, after which its console gets a sign of life.
    pub keep_alive: Duration,
}

/// Where is remembered what must not be forgotten: used tokens, sessions that may come back, revocations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// In the process, and with it forgotten.
    Memory,
    /// In a Redis that the gateways of a fleet share.
    Redis(RedisPlace),
}

/// A Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisPlace {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// Host and port.
    pub authority: String,
    /// The number of its database.
    pub database: i64,
    /// Who signs in; none: its default user.
    pub user: Option<String>,
    /// The password, where it asks for one.
    pub password: Option<Secret>,
    /// Whom TLS believes, in PEM; none: the system's roots.
    pub ca: Option<Vec<u8>>,
}

/// How the gateway leaves, asked by SIGTERM or by its operator.
#[derive(Debug, Clone)]
pub struct Drain {
    /// How long new consoles are still taken while readiness says no, so that balancers notice first.
    pub lame_duck: Duration,
    /// How long sessions may go on then.
    pub deadline: Duration,
    /// Over how long their ends are spread, so that they do not all come back at once.
    pub spread: Duration,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// One JSON object a line.
    Json,
    /// Readable text.
    Text,
}
