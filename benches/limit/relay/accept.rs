//! What the two relays of this program have in common: TLS in, TLS out to the node, one worker thread.

use crate::Outcome;
use crate::certificates::Certificates;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

/// What a relay is told when it starts.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[arg(long)]
    folder: PathBuf,
    #[arg(long)]
    port: u16,
    #[arg(long)]
    node: SocketAddr,
    /// Bytes of buffer in each direction.
    #[arg(long, default_value_t = 8192)]
    pub buffer: usize,
}

/// The two legs of a connection.
pub struct Legs {
    pub client: server::TlsStream<TcpStream>,
    pub node: client::TlsStream<TcpStream>,
}

/// Accepts for ever; `relay` gets every connection, with both legs ready.
pub async fn run<F>(arguments: Arguments, relay: impl Fn(Legs) -> F + Clone + Send + 'static) -> Outcome<()>
where
    F: Future<Output = Outcome<()>> + Send,
{
    let certificates = Certificates::of(&arguments.folder);
    let acceptor = TlsAcceptor::from(Arc::new(certificates.server(false)?));
    let connector = TlsConnector::from(Arc::new(certificates.client(false)?));
    let listener = TcpListener::bind(("127.0.0.1", arguments.port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let (acceptor, connector, relay) = (acceptor.clone(), connector.clone(), relay.clone());
        tokio::spawn(async move {
            let legs = legs(stream, &acceptor, &connector, arguments.node).await;
            match legs {
                Ok(legs) => drop(relay(legs).await),
                // A port that is tried whether it is open ends here too.
                Err(error) => eprintln!("no connection: {error}"),
            }
        });
    }
}

async fn legs(stream: TcpStream, acceptor: &TlsAcceptor, connector: &TlsConnector, node: SocketAddr) -> Outcome<Legs> {
    stream.set_nodelay(true)?;
    let client = acceptor.accept(stream).await?;
    let stream = TcpStream::connect(node).await?;
    stream.set_nodelay(true)?;
    let node = connector.connect(ServerName::IpAddress(node.ip().into()), stream).await?;
    Ok(Legs { client, node })
}
