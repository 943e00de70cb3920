//! What every measurement stands on: a folder, certificates, the node, and the programs to measure.

use crate::certificates::Certificates;
use crate::load::{connect, connector};
use crate::process::{Rank, Server};
use crate::{Outcome, guests, upgrade};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

/// How long a server may take until it listens.
const LISTENING: Duration = Duration::from_secs(15);
/// More than any measurement needs.
const MOST_DESCRIPTORS: u32 = 20_000;

/// The ground of one run.
#[derive(Debug)]
pub struct Ground {
    folder: tempfile::TempDir,
    pub certificates: Certificates,
    /// The gateway's program.
    pub gateway: PathBuf,
    pub node: SocketAddr,
    /// Files that each process of the run may open.
    pub descriptors: u32,
    server: Server,
    asked: AtomicU64,
}

impl Ground {
    /// Makes the certificates and starts the node.
    pub async fn prepare(gateway: &Path) -> Outcome<Self> {
        let descriptors = raise_descriptors()?;
        let folder = tempfile::Builder::new().prefix("consolegate-limit-").tempdir()?;
        let certificates = Certificates::make(folder.path())?;
        let (node, server) = start_node(folder.path(), Rank::Usual).await?;
        Ok(Self {
            folder,
            certificates,
            gateway: gateway.to_owned(),
            node,
            descriptors,
            server,
            asked: AtomicU64::new(0),
        })
    }

    /// The most sessions a relay can have: each takes two descriptors, and there are files and listeners too.
    pub const fn most_sessions(&self) -> u32 {
        self.descriptors.saturating_sub(500) / 2
    }

    /// The folder of the run.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Connections that the node has accepted so far, without the one that asks.
    pub async fn connections(&self) -> Outcome<u64> {
        let mut stream = connect(&connector(&self.certificates)?, self.node, 1).await?;
        stream.write_all(b"GET /connections HTTP/1.1\r\nHost: node\r\n\r\n").await?;
        stream.flush().await?;
        upgrade::read_head(&mut stream, &mut Vec::new(), 4096).await?;
        let number = std::str::from_utf8(stream.fill_buf().await?)?.parse::<u64>()?;
        Ok(number - 1 - self.asked.fetch_add(1, Relaxed))
    }

    /// Starts one more node.
    pub async fn one_more_node(&self, rank: Rank) -> Outcome<(SocketAddr, Server)> {
        start_node(self.folder(), rank).await
    }

    /// Why the node may be the cause of a failure.
    pub fn last_words(&self) -> String {
        self.server.last_words()
    }

    /// Ends the node and removes the folder.
    pub async fn clear(self) -> Outcome<()> {
        self.server.stop().await?;
        Ok(self.folder.close()?)
    }
}

async fn start_node(folder: &Path, rank: Rank) -> Outcome<(SocketAddr, Server)> {
    let node = free_address()?;
    let mut command = rank.words();
    command.extend(this_program("node", folder, node)?);
    command.extend(["--guests".to_owned(), guests::COUNT.to_string()]);
    let mut server = Server::start(&command, folder.join(format!("node-{}.log", node.port())), &[]).await?;
    listens(&mut server, node).await.map_err(|error| format!("the node: {error}"))?;
    Ok((node, server))
}

/// As many as the system allows this user, for all processes that are started from here on.
fn raise_descriptors() -> Outcome<u32> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    Ok(limit
        .maximum
        .map_or(MOST_DESCRIPTORS, |most| u32::try_from(most).unwrap_or(MOST_DESCRIPTORS))
        .min(MOST_DESCRIPTORS))
}

/// This program as another of its processes, listening at this address.
pub fn this_program(part: &str, folder: &Path, address: SocketAddr) -> Outcome<Vec<String>> {
    let program = std::env::current_exe()?.display().to_string();
    let (folder, port) = (folder.display().to_string(), address.port().to_string());
    Ok([&program, part, "--folder", &folder, "--port", &port].map(str::to_owned).to_vec())
}

/// A loopback address that nobody listens at.
pub fn free_address() -> Outcome<SocketAddr> {
    Ok(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// Waits until a server listens, and says why where it does not.
pub async fn listens(server: &mut Server, address: SocketAddr) -> Outcome<()> {
    let until = Instant::now() + LISTENING;
    while TcpStream::connect(address).await.is_err() {
        if let Some(words) = server.ended()? {
            return Err(format!("it ended: {words}").into());
        }
        if Instant::now() > until {
            return Err(format!("it does not listen: {}", server.last_words()).into());
        }
        sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}
