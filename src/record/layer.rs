//! Both directions of a TLS 1.3 connection after its handshake (RFC 8446 4.6, 5, 6): what a record means, and which key
//! comes next.
//!
//! rustls made the handshake and goes on making the keys; here they are used. Whatever does not belong on a connection
//! after its handshake ends it. No I/O.

use super::head::{Broke, ContentType, HEADER, TAIL};
use super::key::{Opener, Sealer};
use rustls::client::ClientConnectionData;
use rustls::kernel::KernelConnection;
use rustls::server::ServerConnectionData;
use rustls::{ConnectionTrafficSecrets, Error, ExtractedSecrets, SupportedCipherSuite};

/// Records in a row without data that a peer may send: tickets, key updates, empty ones. Each costs us more than it.
const MOST_QUIET: u32 = 64;

const NEW_SESSION_TICKET: u8 = 4;
const KEY_UPDATE: u8 = 24;
/// The longest ticket message: its fields are at most this long together.
const MAX_TICKET: usize = 0xffff;

const CLOSE_NOTIFY: u8 = 0;
const USER_CANCELED: u8 = 90;

/// What a record was.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// This many bytes of data, from behind the header on.
    Data(usize),
    /// Something between the two ends of TLS.
    Nothing,
    /// The peer sends no more (6.1).
    Closed,
}

/// What rustls keeps of the connection.
pub(super) enum Kernel {
    Client(KernelConnection<ClientConnectionData>),
    Server(KernelConnection<ServerConnectionData>),
}

impl Kernel {
    fn suite(&self) -> SupportedCipherSuite {
        match self {
            Self::Client(kernel) => kernel.negotiated_cipher_suite(),
            Self::Server(kernel) => kernel.negotiated_cipher_suite(),
        }
    }

    fn next_to_open(&mut self) -> Result<(u64, ConnectionTrafficSecrets), Error> {
        match self {
            Self::Client(kernel) => kernel.update_rx_secret(),
            Self::Server(kernel) => kernel.update_rx_secret(),
        }
    }

    fn next_to_seal(&mut self) -> Result<(u64, ConnectionTrafficSecrets), Error> {
        match self {
            Self::Client(kernel) => kernel.update_tx_secret(),
            Self::Server(kernel) => kernel.update_tx_secret(),
        }
    }
}

/// A connection's keys, and what its ends owe each other.
pub(super) struct Layer {
    kernel: Kernel,
    opener: Opener,
    sealer: Sealer,
    /// Records that one key may seal.
    most: u64,
    /// A handshake message that has not come whole.
    message: Vec<u8>,
    quiet: u32,
    owes_update: bool,
}

impl std::fmt::Debug for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layer").field("owes_update", &self.owes_update).finish_non_exhaustive()
    }
}

impl Layer {
    /// Takes over after the handshake.
    ///
    /// # Errors
    /// A suite that cannot be used here.
    pub(super) fn new(secrets: &ExtractedSecrets, kernel: Kernel) -> Result<Self, Broke> {
        let most = kernel.suite().tls13().ok_or(Broke::Exhausted)?.common.confidentiality_limit;
        Self::with_most(secrets, kernel, most)
    }

    fn with_most(secrets: &ExtractedSecrets, kernel: Kernel, most: u64) -> Result<Self, Broke> {
        let ExtractedSecrets { tx, rx } = secrets;
        let (sealer, opener) = (Sealer::new(&tx.1, tx.0, most)?, Opener::new(&rx.1, rx.0)?);
        Ok(Self { kernel, opener, sealer, most, message: Vec::new(), quiet: 0, owes_update: false })
    }

    /// Opens a whole record where it lies.
    ///
    /// # Errors
    /// What the peer broke. The connection is over then, and nothing of the record may be used.
    pub(super) fn open(&mut self, record: &mut [u8]) -> Result<Opened, Broke> {
        let (kind, len) = self.opener.open(record)?;
        if !self.message.is_empty() && kind != ContentType::Handshake {
            return Err(Broke::Unexpected);
        }
        if kind == ContentType::Data && len > 0 {
            self.quiet = 0;
            return Ok(Opened::Data(len));
        }
        self.quiet += 1;
        if self.quiet > MOST_QUIET {
            return Err(Broke::Unexpected);
        }
        let content = record.get(HEADER..HEADER + len).unwrap_or_default();
        match kind {
            ContentType::Data => Ok(Opened::Nothing),
            ContentType::Alert => alerted(content),
            ContentType::Handshake if content.is_empty() => Err(Broke::Unexpected),
            ContentType::Handshake => self.handshake(content).map(|()| Opened::Nothing),
        }
    }

    fn handshake(&mut self, content: &[u8]) -> Result<(), Broke> {
        if self.message.is_empty() {
            return self.messages(content);
        }
        let mut whole = std::mem::take(&mut self.message);
        whole.extend_from_slice(content);
        self.messages(&whole)
    }

    fn messages(&mut self, mut rest: &[u8]) -> Result<(), Broke> {
        while let Some(kind) = rest.first() {
            let most = match (*kind, &self.kernel) {
                (KEY_UPDATE, _) => 1,
                (NEW_SESSION_TICKET, Kernel::Client(_)) => MAX_TICKET,
                _ => return Err(Broke::Unexpected),
            };
            let Some(([_, a, b, c], body)) = rest.split_first_chunk() else { break };
            let len = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).map_err(|_| Broke::Malformed)?;
            if len > most {
                return Err(Broke::Malformed);
            }
            let Some((body, after)) = body.split_at_checked(len) else { break };
            match (&mut self.kernel, body) {
                (Kernel::Client(kernel), ticket) if *kind == NEW_SESSION_TICKET => {
                    kernel.handle_new_session_ticket(ticket).map_err(|_| Broke::Malformed)?;
                }
                // The next record has another key, so none of this one may be left (5.1).
                (_, [_]) if !after.is_empty() => return Err(Broke::Unexpected),
                (_, [asks]) => self.key_update(*asks)?,
                _ => return Err(Broke::Malformed),
            }
            rest = after;
        }
        self.message = rest.to_vec();
        Ok(())
    }

    fn key_update(&mut self, asks: u8) -> Result<(), Broke> {
        match asks {
            0 => {}
            // However often it is asked, one answer before the next data is right (4.6.3).
            1 => self.owes_update = true,
            _ => return Err(Broke::BadKeyUpdate),
        }
        let (next, secrets) = self.kernel.next_to_open().map_err(|_| Broke::Exhausted)?;
        self.opener = Opener::new(&secrets, next)?;
        Ok(())
    }

    /// A KeyUpdate has to go out before the next data.
    pub(super) const fn is_due(&self) -> bool {
        self.owes_update || self.sealer.is_worn()
    }

    /// Adds the KeyUpdate that is due, if one is, and goes over to the next key.
    ///
    /// # Errors
    /// No key is left.
    pub(super) fn update(&mut self, out: &mut Vec<u8>) -> Result<(), Broke> {
        if !self.is_due() {
            return Ok(());
        }
        self.add(ContentType::Handshake, &[KEY_UPDATE, 0, 0, 1, 0], out)?;
        let (next, secrets) = self.kernel.next_to_seal().map_err(|_| Broke::Exhausted)?;
        self.sealer = Sealer::new(&secrets, next, self.most)?;
        self.owes_update = false;
        Ok(())
    }

    /// Seals data where it lies; see [`Sealer::seal`].
    ///
    /// # Errors
    /// As there.
    pub(super) fn seal(&mut self, record: &mut [u8]) -> Result<(), Broke> {
        self.sealer.seal(ContentType::Data, record)
    }

    /// Adds data, in as many records as it takes.
    ///
    /// # Errors
    /// No key is left.
    pub(super) fn add_data(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), Broke> {
        for part in plain.chunks(super::head::MAX_PLAIN) {
            self.update(out)?;
            self.add(ContentType::Data, part, out)?;
        }
        Ok(())
    }

    /// Nothing goes on for now: only the bytes of the keys are kept.
    pub(super) fn rest(&mut self) {
        self.opener.rest();
        self.sealer.rest();
    }

    /// Adds the alert that says goodbye.
    ///
    /// # Errors
    /// No key is left.
    pub(super) fn add_close_notify(&mut self, out: &mut Vec<u8>) -> Result<(), Broke> {
        self.add(ContentType::Alert, &[1, CLOSE_NOTIFY], out)
    }

    /// Adds the alert that tells the peer what it broke. Nothing may be sent after it.
    ///
    /// # Errors
    /// No key is left.
    pub(super) fn add_alert(&mut self, broke: Broke, out: &mut Vec<u8>) -> Result<(), Broke> {
        broke.alert().map_or(Ok(()), |alert| self.add(ContentType::Alert, &[2, alert], out))
    }

    fn add(&mut self, kind: ContentType, plain: &[u8], out: &mut Vec<u8>) -> Result<(), Broke> {
        let start = out.len();
        out.extend_from_slice(&[0; HEADER]);
        out.extend_from_slice(plain);
        out.extend_from_slice(&[0; TAIL]);
        let record = out.get_mut(start..).unwrap_or_default();
        self.sealer.seal(kind, record).inspect_err(|_| out.truncate(start))
    }
}

/// What an alert means. Its level says nothing in TLS 1.3 (6).
fn alerted(content: &[u8]) -> Result<Opened, Broke> {
    match content {
        [_, CLOSE_NOTIFY] => Ok(Opened::Closed),
        [_, USER_CANCELED] => Ok(Opened::Nothing),
        [_, description] => Err(Broke::Alerted(*description)),
        _ => Err(Broke::Malformed),
    }
}

#[cfg(test)]
#[path = "layer_tests.rs"]
mod tests;
