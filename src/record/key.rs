//! A key with its counter: what seals and what opens the records of one direction (RFC 8446 5.2, 5.3).
//!
//! The counter lives beside the key, goes up with each use and ends the key before it could come round: no nonce can be
//! used twice. Keys cannot be cloned, and are wiped when they are dropped. A key at rest is its bytes alone; what the
//! cipher makes of them is eighteen times as large, made at the first use and given back when nothing goes on. No I/O.

use super::aead::{Aead, NONCE, Nonce, Suite};
use super::head::{Broke, ContentType, HEADER, MAX_PLAIN, TAG, header};
use rustls::ConnectionTrafficSecrets as Secrets;
use zeroize::Zeroizing;

/// Records that are left when a sealing key asks for the next one, so that what is under way still goes out.
const RESERVE: u64 = 4096;
/// The longest key of a suite.
const MAX_KEY: usize = 32;

/// The nonces of one key: its IV with the record's number (5.3).
#[derive(Debug)]
struct Nonces {
    iv: Zeroizing<[u8; NONCE]>,
    next: u64,
    end: u64,
}

impl Nonces {
    /// The next nonce. Whoever holds it has the only one of its kind.
    fn advance(&mut self) -> Result<Nonce, Broke> {
        if self.next >= self.end {
            return Err(Broke::Exhausted);
        }
        let mut nonce = *self.iv;
        for (byte, count) in nonce.iter_mut().rev().zip(self.next.to_le_bytes()) {
            *byte ^= count;
        }
        self.next += 1;
        Ok(Nonce(nonce))
    }

    const fn left(&self) -> u64 {
        self.end - self.next
    }
}

/// A key at rest or at work.
struct Cipher {
    suite: Suite,
    key: Zeroizing<[u8; MAX_KEY]>,
    at_work: Option<Aead>,
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cipher").field("suite", &self.suite).finish_non_exhaustive()
    }
}

impl Cipher {
    fn at_work(&mut self) -> Result<&Aead, Broke> {
        if self.at_work.is_none() {
            let key = self.key.get(..self.suite.key_len()).ok_or(Broke::Exhausted)?;
            self.at_work = Some(Aead::new(self.suite, key)?);
        }
        self.at_work.as_ref().ok_or(Broke::Exhausted)
    }
}

fn bound(secrets: &Secrets, next: u64, end: u64) -> Result<(Cipher, Nonces), Broke> {
    let (suite, key, iv) = match secrets {
        Secrets::Aes128Gcm { key, iv } => (Suite::Aes128Gcm, key, iv),
        Secrets::Aes256Gcm { key, iv } => (Suite::Aes256Gcm, key, iv),
        Secrets::Chacha20Poly1305 { key, iv } => (Suite::Chacha20Poly1305, key, iv),
        _ => return Err(Broke::Exhausted),
    };
    let mut bytes = Zeroizing::new([0; MAX_KEY]);
    bytes.iter_mut().zip(key.as_ref()).for_each(|(to, from)| *to = *from);
    let iv = Zeroizing::new(iv.as_ref().try_into().map_err(|_| Broke::Exhausted)?);
    Ok((Cipher { suite, key: bytes, at_work: None }, Nonces { iv, next, end: end.max(next) }))
}

/// Opens what the peer sealed.
#[derive(Debug)]
pub(super) struct Opener {
    cipher: Cipher,
    nonces: Nonces,
}

impl Opener {
    /// `next`: the number of the record that comes next.
    pub(super) fn new(secrets: &Secrets, next: u64) -> Result<Self, Broke> {
        let (cipher, nonces) = bound(secrets, next, u64::MAX)?;
        Ok(Self { cipher, nonces })
    }

    /// Opens a whole record where it lies: what it carries, and how long that is, from behind the header on.
    ///
    /// # Errors
    /// What is wrong with it. Nothing in `record` means anything then.
    pub(super) fn open(&mut self, record: &mut [u8]) -> Result<(ContentType, usize), Broke> {
        let (header, sealed) = record.split_first_chunk_mut::<HEADER>().ok_or(Broke::Malformed)?;
        let (key, nonce) = (self.cipher.at_work()?, self.nonces.advance()?);
        let inner = key.open(nonce, *header, sealed)?;
        if inner.len() > MAX_PLAIN + 1 {
            return Err(Broke::TooLong);
        }
        // The type stands behind the plaintext and before any padding, which is zeros (5.4).
        let len = inner.iter().rposition(|byte| *byte != 0).ok_or(Broke::Unexpected)?;
        let kind = inner.get(len).copied().and_then(ContentType::from_bits).ok_or(Broke::Unexpected)?;
        Ok((kind, len))
    }

    /// Nothing goes on for now.
    pub(super) fn rest(&mut self) {
        self.cipher.at_work = None;
    }
}

/// Seals what we send.
#[derive(Debug)]
pub(super) struct Sealer {
    cipher: Cipher,
    nonces: Nonces,
}

impl Sealer {
    /// `next`: the number of the record that comes next; `most`: records that the suite may seal with one key.
    pub(super) fn new(secrets: &Secrets, next: u64, most: u64) -> Result<Self, Broke> {
        let (cipher, nonces) = bound(secrets, next, most)?;
        Ok(Self { cipher, nonces })
    }

    /// The next key is due (RFC 8446 5.5).
    pub(super) const fn is_worn(&self) -> bool {
        self.nonces.left() <= RESERVE
    }

    /// Seals a record where it lies: `record` is room for the header, the plaintext, and [`super::head::TAIL`] bytes.
    ///
    /// # Errors
    /// More than a record holds, or the key is used up. Nothing may be sent then.
    pub(super) fn seal(&mut self, kind: ContentType, record: &mut [u8]) -> Result<(), Broke> {
        let (head, sealed) = record.split_first_chunk_mut::<HEADER>().ok_or(Broke::Malformed)?;
        *head = header(sealed.len())?;
        let (inner, place) = sealed.split_last_chunk_mut::<TAG>().ok_or(Broke::Malformed)?;
        let (last, plain) = inner.split_last_mut().ok_or(Broke::Malformed)?;
        if plain.len() > MAX_PLAIN {
            return Err(Broke::TooLong);
        }
        *last = kind.bits();
        let (key, nonce) = (self.cipher.at_work()?, self.nonces.advance()?);
        *place = key.seal(nonce, *head, inner)?;
        Ok(())
    }

    /// Nothing goes on for now.
    pub(super) fn rest(&mut self) {
        self.cipher.at_work = None;
    }
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
