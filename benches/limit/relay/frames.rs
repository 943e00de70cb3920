//! A relay of frames on fastwebsockets: reads a frame, writes it as it came, masked or not, and flushes.

use super::accept::{self, Arguments, Legs};
use crate::{Outcome, upgrade};
use fastwebsockets::{Role, WebSocket};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, AsyncWriteExt as _, join, split};

/// A head is far smaller.
const MOST_HEAD: usize = 16 * 1024;
/// The largest frame of pveproxy, and some.
const MOST: usize = 256 * 1024;

/// Relays until the process ends.
pub async fn run(arguments: Arguments) -> Outcome<()> {
    accept::run(arguments, relay).await
}

async fn relay(legs: Legs) -> Outcome<()> {
    let Legs { mut client, mut node } = legs;
    pass_head(&mut client, &mut node).await?;
    pass_head(&mut node, &mut client).await?;
    let (from_client, to_client) = split(client);
    let (from_node, to_node) = split(node);
    tokio::try_join!(pass_frames(from_client, to_node), pass_frames(from_node, to_client))?;
    Ok(())
}

async fn pass_head(from: &mut (impl AsyncBufRead + Unpin), to: &mut (impl AsyncWrite + Unpin)) -> Outcome<()> {
    let mut head = Vec::new();
    upgrade::read_head(from, &mut head, MOST_HEAD).await?;
    to.write_all(&head).await?;
    Ok(to.flush().await?)
}

/// One direction. Its reader reads one leg and its writer writes the other, so that neither waits for the other direction.
async fn pass_frames(from: impl AsyncRead + Unpin, to: impl AsyncWrite + Unpin) -> Outcome<()> {
    // The role of a server does not mask what it writes, and without the mask taken off frames go on as they came.
    let mut socket = WebSocket::after_handshake(join(from, to), Role::Server);
    socket.set_auto_apply_mask(false);
    socket.set_auto_close(false);
    socket.set_auto_pong(false);
    socket.set_max_message_size(MOST);
    loop {
        let frame = socket.read_frame().await?;
        socket.write_frame(frame).await?;
        // Nobody outside can tell whether its reader holds another frame already.
        socket.flush().await?;
    }
}
