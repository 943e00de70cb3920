//! TLS as the gateway speaks it: rustls shakes hands, and where both legs of a session speak TLS 1.3, records are opened
//! with one leg's key and sealed with the other's where they lie (RFC 8446 5). No plaintext is copied, and an idle
//! connection holds no buffer.
//!
//! Owns records, keys and alerts; knows nothing of what is said in them. Certificates and their checks are rustls's and
//! its caller's. A record that does not open ends its connection, and nothing of it is passed on.
//!
//! ```text
//!   socket ──▶ Batch ──open──▶ pieces ──▶ the splice says what leaves ──▶ cuts ──seal──▶ socket
//! ```

mod aead;
mod batch;
mod buffered;
mod handshake;
mod head;
mod key;
mod layer;
mod place;
#[cfg(test)]
mod scene;
mod stream;
mod transport;

pub use batch::{Batch, Cut, Cuts, with_batch};
pub use handshake::{accept, connect};
pub use stream::TlsStream;
pub use transport::{Gathered, IntoTransport, Plain, Transport};
