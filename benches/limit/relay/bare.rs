//! The bare copy loop: what anybody writes first, and the least a relay can do that knows nothing of what it carries.

use super::accept::{self, Arguments, Legs};
use crate::Outcome;
use tokio::io::copy_bidirectional_with_sizes;

/// Relays until the process ends.
pub async fn run(arguments: Arguments) -> Outcome<()> {
    let buffer = arguments.buffer;
    accept::run(arguments, move |Legs { mut client, mut node }| async move {
        copy_bidirectional_with_sizes(&mut client, &mut node, buffer, buffer).await?;
        Ok(())
    })
    .await
}
