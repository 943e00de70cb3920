//! A node's listening socket, which can be shut and opened again at a word: at once, not when a task gets round to it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How a node answers connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// As it should.
    Up,
    /// It refuses connections.
    Down,
    /// It takes connections and says nothing.
    Silent,
}

/// The socket and what became of it.
#[derive(Debug)]
pub(super) struct Door {
    address: SocketAddr,
    state: Mutex<State>,
    opened: Notify,
}

#[derive(Debug)]
struct State {
    health: Health,
    listener: Option<TcpListener>,
    /// Ends the connections when the node goes down.
    connections: CancellationToken,
}

impl Door {
    pub(super) fn new(address: SocketAddr, listener: TcpListener) -> Self {
        let state = State { health: Health::Up, listener: Some(listener), connections: CancellationToken::new() };
        Self { address, state: Mutex::new(state), opened: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn health(&self) -> Health {
        self.lock().health
    }

    /// Fails or recovers. Going down shuts the socket and ends the connections.
    pub(super) fn set_health(&self, health: Health) -> io::Result<()> {
        let mut state = self.lock();
        if health == Health::Down {
            state.listener = None;
            std::mem::take(&mut state.connections).cancel();
        } else if state.listener.is_none() {
            let listener = std::net::TcpListener::bind(self.address)?;
            listener.set_nonblocking(true)?;
            state.listener = Some(TcpListener::from_std(listener)?);
            self.opened.notify_one();
        }
        state.health = health;
        Ok(())
    }

    /// The next connection, and what ends it. For one task alone.
    ///
    /// # Errors
    /// The peer is gone already, or descriptors are.
    pub(super) async fn accept(&self) -> io::Result<(TcpStream, CancellationToken)> {
        let accepted = std::future::poll_fn(|context| {
            let state = self.lock();
            let Some(listener) = &state.listener else { return Poll::Pending };
            listener.poll_accept(context).map_ok(|(stream, _)| (stream, state.connections.clone()))
        });
        tokio::pin!(accepted);
        loop {
            tokio::select! {
                accepted = &mut accepted => return accepted,
                // A new socket has to be asked for its connections.
                () = self.opened.notified() => {}
            }
        }
    }
}
