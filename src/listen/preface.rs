//! The PROXY header of a connection, read off its socket before anything else is.
//!
//! Bytes are looked at before they are taken, so that not one behind the header is: what follows is the client's. Owns the
//! deadline; the format is [`crate::wire::proxy`]'s, and whether a peer may send one the caller's.

use crate::wire::proxy::{Progress, Reader, Versions, Whose};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Looked at in one go: any header but one with extensions.
const GLANCE: usize = 256;

/// Why there is no header.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// The connection ended before its first byte, as those of balancers do that only look whether the port is open.
    Silent,
    /// The balancer does not do what the configuration says.
    Wrong(String),
}

/// Takes the header and nothing behind it.
pub(super) async fn read(stream: &mut TcpStream, versions: Versions, within: Duration) -> Result<Whose, Missing> {
    let late = |_| Missing::Wrong(format!("no whole PROXY header within {} s", within.as_secs_f32()));
    timeout(within, header(stream, versions)).await.unwrap_or_else(|elapsed| Err(late(elapsed)))
}

async fn header(stream: &mut TcpStream, versions: Versions) -> Result<Whose, Missing> {
    let (mut reader, mut begun) = (Reader::new(versions), false);
    loop {
        let mut glance = [0; GLANCE];
        let seen = match stream.peek(&mut glance).await {
            Ok(0) | Err(_) if !begun => return Err(Missing::Silent),
            Ok(0) => return Err(Missing::Wrong("the connection ended within the PROXY header".to_owned())),
            Ok(seen) => seen,
            Err(error) => return Err(Missing::Wrong(format!("within the PROXY header: {error}"))),
        };
        begun = true;
        let seen = glance.get_mut(..seen).unwrap_or_default();
        let progress = reader.push(seen).map_err(|error| Missing::Wrong(error.to_string()))?;
        let (own, whose) = match progress {
            Progress::More => (seen, None),
            Progress::Done { taken, whose } => (seen.get_mut(..taken).unwrap_or_default(), Some(whose)),
        };
        // They are there: they were seen.
        stream.read_exact(own).await.map_err(|error| Missing::Wrong(error.to_string()))?;
        if let Some(whose) = whose {
            return Ok(whose);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (balancer, accepted) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        (balancer.unwrap(), accepted.unwrap().0)
    }

    const PATIENCE: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn what_follows_the_header_is_left_for_the_client() {
        let (mut balancer, mut accepted) = pair().await;
        let extension = [&[0xf0, 0x02, 0x00][..], &[0; 512]].concat();
        let length = u16::try_from(12 + extension.len()).unwrap().to_be_bytes();
        let header =
            [b"\r\n\r\n\0\r\nQUIT\n\x21\x11", &length[..], &[192, 0, 2, 7, 10, 0, 0, 1, 0, 1, 0, 2], &extension];
        balancer.write_all(&[&header.concat()[..], b"\x16\x03\x01 hello"].concat()).await.unwrap();
        balancer.shutdown().await.unwrap();
        let whose = read(&mut accepted, Versions::Any, PATIENCE).await;
        assert_eq!(whose, Ok(Whose::Client("192.0.2.7".parse().unwrap())));
        let mut rest = Vec::new();
        accepted.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"\x16\x03\x01 hello");
    }

    #[tokio::test]
    async fn a_header_that_comes_in_pieces_is_waited_for() {
        let (mut balancer, mut accepted) = pair().await;
        balancer.set_nodelay(true).unwrap();
        let pieces = async {
            for piece in ["PROX", "Y TCP4 192.0.2.7 10.", "0.0.1 1 2\r", "\nGET"] {
                balancer.write_all(piece.as_bytes()).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let (whose, ()) = tokio::join!(read(&mut accepted, Versions::V1, PATIENCE), pieces);
        assert_eq!(whose, Ok(Whose::Client("192.0.2.7".parse().unwrap())));
    }

    #[tokio::test]
    async fn l04_silence_ends_at_the_deadline_and_a_look_at_the_port_is_no_fault() {
        let (mut balancer, mut accepted) = pair().await;
        balancer.write_all(b"PROXY TCP4").await.unwrap();
        let late = read(&mut accepted, Versions::V1, Duration::from_millis(50)).await;
        assert!(matches!(&late, Err(Missing::Wrong(why)) if why.contains("within 0.05 s")), "{late:?}");
        let (balancer, mut accepted) = pair().await;
        drop(balancer);
        assert_eq!(read(&mut accepted, Versions::V1, PATIENCE).await, Err(Missing::Silent));
        let (mut balancer, mut accepted) = pair().await;
        balancer.write_all(b"PROXY TCP4").await.unwrap();
        drop(balancer);
        let half = read(&mut accepted, Versions::V1, PATIENCE).await;
        assert!(matches!(&half, Err(Missing::Wrong(why)) if why.contains("ended within")), "{half:?}");
    }
}
