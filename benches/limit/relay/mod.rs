//! What is measured: the gateway, and what would otherwise stand in its place. Each is a process of its own with one worker
//! thread, TLS 1.3 on both legs, in front of the same node.

pub mod accept;
pub mod bare;
pub mod frames;
mod gateway;
mod haproxy;
mod nginx;

pub use gateway::{Nodes, Settings, admin, command as gateway_command};

use crate::Outcome;
use crate::ground::{Ground, free_address, listens, this_program};
use crate::guests::Cluster;
use crate::load::{Door, Order, Rights};
use crate::process::{Load, Rank, Server};
use std::net::SocketAddr;

/// A relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Gateway,
    /// With the rights that a usual panel grants; elsewhere it is all of them.
    GatewayUsual,
    /// tokio-rustls and `copy_bidirectional`.
    Bare,
    /// The same with buffers of 1 KiB.
    BareSmall,
    /// Frames, by fastwebsockets.
    Frames,
    Nginx,
    HaProxy,
}

impl Kind {
    /// Those of most tables.
    pub const ALL: [Self; 5] = [Self::Gateway, Self::Bare, Self::Frames, Self::Nginx, Self::HaProxy];

    /// Whether it is the gateway.
    pub const fn is_gateway(self) -> bool {
        matches!(self, Self::Gateway | Self::GatewayUsual)
    }

    /// As tables name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "consolegate",
            Self::GatewayUsual => "consolegate, usual rights",
            Self::Bare => "bare copy loop",
            Self::BareSmall => "bare, 1 KiB buffers",
            Self::Frames => "fastwebsockets",
            Self::Nginx => "nginx",
            Self::HaProxy => "HAProxy",
        }
    }
}

/// A relay that runs.
#[derive(Debug)]
pub struct Relay {
    pub kind: Kind,
    pub address: SocketAddr,
    /// The gateway's admin listener; of no meaning for others.
    pub admin: SocketAddr,
    server: Server,
    /// The next guest in turn.
    next_guest: u32,
}

impl Relay {
    /// Starts it with one worker thread.
    pub async fn start(kind: Kind, ground: &Ground) -> Outcome<Self> {
        Self::start_with(kind, ground, Settings::default()).await
    }

    /// Starts it, the gateway with these settings.
    pub async fn start_with(kind: Kind, ground: &Ground, settings: Settings) -> Outcome<Self> {
        let (address, admin) = (free_address()?, free_address()?);
        let log = ground.folder().join(format!("{}-{}.log", kind.name().replace([' ', ','], "-"), address.port()));
        let own = |part: &str, more: &[&str]| -> Outcome<Vec<String>> {
            let mut command = this_program(part, ground.folder(), address)?;
            command.extend(["--node".to_owned(), ground.node.to_string()]);
            command.extend(more.iter().map(|&word| word.to_owned()));
            Ok(command)
        };
        let mut environment = Vec::new();
        let command = match kind {
            Kind::Gateway | Kind::GatewayUsual => {
                environment.extend(settings.workers());
                gateway::command(ground, address, admin, settings)?
            }
            Kind::Bare => own("bare", &[])?,
            Kind::BareSmall => own("bare", &["--buffer", "1024"])?,
            Kind::Frames => own("frames", &[])?,
            Kind::Nginx => nginx::command(ground, address)?,
            Kind::HaProxy => haproxy::command(ground, address)?,
        };
        let failed = |error| format!("{}: {error}", kind.name());
        let mut server = Server::start(&command, log, &environment).await.map_err(failed)?;
        listens(&mut server, address).await.map_err(failed)?;
        if kind.is_gateway() && settings.wait_until_ready {
            gateway::ready(admin).await.map_err(failed)?;
        }
        Ok(Self { kind, address, admin, server, next_guest: 0 })
    }

    /// Its process.
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// Opens sessions through it, so many at a time.
    pub async fn load(&mut self, ground: &Ground, sessions: u32, at_once: usize) -> Outcome<Load> {
        self.load_of(ground, (Cluster::Usual, Rank::Usual), sessions, at_once).await
    }

    /// Opens sessions of a cluster through it, the clients being of this rank.
    pub async fn load_of(
        &mut self,
        ground: &Ground,
        (cluster, rank): (Cluster, Rank),
        sessions: u32,
        at_once: usize,
    ) -> Outcome<Load> {
        let rights = if self.kind == Kind::GatewayUsual { Rights::Usual } else { Rights::All };
        let door = match self.kind.is_gateway() {
            true => Door::Gateway { cluster, first_guest: self.next_guest, rights },
            false => Door::Raw,
        };
        self.next_guest += sessions;
        let order = Order { folder: ground.folder().to_owned(), address: self.address, door, sessions, at_once };
        let named = |error| format!("{}: {error}\n{}", self.kind.name(), self.server.last_words());
        Load::open(&order, rank).await.map_err(|error| named(error).into())
    }

    /// Ends it.
    pub async fn stop(self) -> Outcome<()> {
        self.server.stop().await
    }
}
