//! Two TLS legs at work on each other as in a splice, without the frames: what one receives, the other sends.

use consolegate::record::{Gathered, Transport, with_batch};
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

/// Moves bytes both ways until one leg ends, then says goodbye to both.
///
/// # Errors
/// How a leg broke, after the other was told.
pub(crate) async fn relay(mut client: impl Transport, mut node: impl Transport) -> io::Result<()> {
    let ended = poll_fn(|cx| match (pump(cx, &mut node, &mut client), pump(cx, &mut client, &mut node)) {
        (Poll::Ready(ended), _) | (_, Poll::Ready(ended)) => Poll::Ready(ended),
        (Poll::Pending, Poll::Pending) => {
            client.rest();
            node.rest();
            Poll::Pending
        }
    })
    .await;
    // A leg that broke may take nothing more.
    let _ = poll_fn(|cx| goodbye(cx, &mut client)).await;
    let _ = poll_fn(|cx| goodbye(cx, &mut node)).await;
    ended
}

/// Ready when `from` has ended.
fn pump(cx: &mut Context<'_>, from: &mut impl Transport, to: &mut impl Transport) -> Poll<io::Result<()>> {
    loop {
        ready!(to.poll_drain(cx, &mut 0))?;
        let gathered = with_batch(|batch, cuts| {
            let gathered = from.poll_gather(cx, batch);
            for piece in batch.parts().1 {
                cuts.range(piece.clone());
            }
            if cuts.as_slice().is_empty() { Ok(gathered) } else { to.send(cx, batch, cuts).map(|()| gathered) }
        })?;
        match gathered {
            Gathered::Full => {}
            Gathered::Open => {
                ready!(to.poll_drain(cx, &mut 0))?;
                ready!(to.poll_flush(cx))?;
                return Poll::Pending;
            }
            Gathered::End => {
                ready!(to.poll_drain(cx, &mut 0))?;
                return Poll::Ready(Ok(()));
            }
            Gathered::Broken(error) => return Poll::Ready(Err(error)),
        }
    }
}

fn goodbye(cx: &mut Context<'_>, leg: &mut impl Transport) -> Poll<io::Result<()>> {
    ready!(leg.poll_drain(cx, &mut 0))?;
    ready!(leg.poll_shutdown(cx))?;
    leg.poll_flush(cx)
}
