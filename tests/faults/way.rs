//! A way between two programs that can be made slow, cut small, shut or reset: what networks do to connections.

use socket2::SockRef;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

/// What the way does to bytes, in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toll {
    Free,
    /// So long later.
    Delay(Duration),
    /// So many a second.
    Rate(u32),
    /// Every byte is a segment of its own.
    Bytes,
    /// None passes, and nobody is told.
    Shut,
}

pub struct Way {
    pub address: SocketAddr,
    toll: watch::Sender<Toll>,
    resets: watch::Sender<()>,
    /// Bytes taken from whoever came.
    taken: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Way {
    /// A free way from a new port of this address.
    pub async fn from(address: &str, target: SocketAddr) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (toll, resets, taken) = (watch::Sender::new(Toll::Free), watch::Sender::new(()), Arc::default());
        let crossing =
            Crossing { target, toll: toll.subscribe(), resets: resets.subscribe(), taken: Arc::clone(&taken) };
        let task = tokio::spawn(async move {
            let mut crossings = JoinSet::new();
            loop {
                let (from, _) = listener.accept().await.unwrap();
                crossings.spawn(crossing.clone().run(from));
            }
        });
        Self { address, toll, resets, taken, task }
    }

    pub fn set(&self, toll: Toll) {
        self.toll.send_replace(toll);
    }

    /// Resets every connection on both sides (RST).
    pub fn reset(&self) {
        self.resets.send_replace(());
    }

    pub fn taken(&self) -> u64 {
        self.taken.load(Relaxed)
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Crossing {
    target: SocketAddr,
    toll: watch::Receiver<Toll>,
    resets: watch::Receiver<()>,
    taken: Arc<AtomicU64>,
}

impl Crossing {
    async fn run(mut self, mut from: TcpStream) -> io::Result<()> {
        let mut to = TcpStream::connect(self.target).await?;
        for stream in [&from, &to] {
            stream.set_nodelay(true)?;
        }
        self.resets.mark_unchanged();
        let nobody = AtomicU64::new(0);
        let ((reads, writes), (hears, says)) = (from.split(), to.split());
        tokio::select! {
            _ = self.resets.changed() => {
                // Closing a socket that lingers for no time resets it (socket(7)).
                SockRef::from(&from).set_linger(Some(Duration::ZERO))?;
                SockRef::from(&to).set_linger(Some(Duration::ZERO))?;
            }
            _ = async { tokio::join!(
                carry(reads, says, self.toll.clone(), &self.taken),
                carry(hears, writes, self.toll.clone(), &nobody),
            ) } => {}
        }
        Ok(())
    }
}

async fn carry(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut toll: watch::Receiver<Toll>,
    taken: &AtomicU64,
) -> io::Result<()> {
    let (mut buffer, mut due) = ([0; 4096], Instant::now());
    loop {
        let toll_of = |toll: &mut watch::Receiver<Toll>| *toll.borrow_and_update();
        while toll_of(&mut toll) == Toll::Shut {
            toll.changed().await.map_err(io::Error::other)?;
        }
        let most = if let Toll::Rate(rate) = toll_of(&mut toll) { (rate as usize / 8).max(1) } else { buffer.len() };
        let count = from.read(&mut buffer[..most]).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        taken.fetch_add(count as u64, Relaxed);
        let now = Instant::now();
        due = match toll_of(&mut toll) {
            Toll::Delay(delay) => now + delay,
            Toll::Rate(rate) => due.max(now) + Duration::from_secs(1) * count as u32 / rate,
            Toll::Free | Toll::Bytes | Toll::Shut => now,
        };
        sleep_until(due).await;
        let most = if toll_of(&mut toll) == Toll::Bytes { 1 } else { count };
        for piece in buffer[..count].chunks(most) {
            to.write_all(piece).await?;
        }
    }
}
