//! A way from a gateway to its store, which a test may cut and mend.

use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A way to the store that can be cut.
pub struct Way {
    pub address: SocketAddr,
    target: SocketAddr,
    task: JoinHandle<()>,
}

impl Way {
    pub async fn to(target: SocketAddr) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), target)
    }

    fn on(listener: TcpListener, target: SocketAddr) -> Self {
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut ways = tokio::task::JoinSet::new();
            loop {
                let (mut from, _) = listener.accept().await.unwrap();
                ways.spawn(async move {
                    let mut to = TcpStream::connect(target).await.unwrap();
                    // Either side may leave.
                    let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                });
            }
        });
        Self { address, target, task }
    }

    /// Every connection ends and no other comes.
    pub async fn cut(&mut self) {
        self.task.abort();
        assert!((&mut self.task).await.is_err_and(|ended| ended.is_cancelled()));
    }

    /// Whoever comes is let through again.
    pub async fn again(&mut self) {
        *self = Self::on(TcpListener::bind(self.address).await.unwrap(), self.target);
    }
}
