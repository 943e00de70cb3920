//! A key with its counter: what seals and what opens the records of one direction (RFC 8446 5.2, 5.3).
//!
//! The counter lives inside the key, goes up with each use and ends the key before it could come round: no nonce can be
//! used twice. Keys cannot be cloned, and are wiped when they are dropped. No I/O.

use super::head::{Broke, ContentType, HEADER, MAX_PLAIN, TAG, header};
use aws_lc_rs::aead::{
    AES_128_GCM, AES_256_GCM, Aad, BoundKey, CHACHA20_POLY1305, NONCE_LEN, Nonce, NonceSequence, OpeningKey,
    SealingKey, UnboundKey,
};
use aws_lc_rs::error::Unspecified;
use rustls::ConnectionTrafficSecrets as Secrets;
use zeroize::Zeroize;

/// Records that are left when a sealing key asks for the next one, so that what is under way still goes out.
const RESERVE: u64 = 1024;

/// The nonces of one key: its IV with the record's number.
#[derive(Debug)]
struct Nonces {
    iv: [u8; NONCE_LEN],
    next: u64,
    end: u64,
}

impl NonceSequence for Nonces {
    fn advance(&mut self) -> Result<Nonce, Unspecified> {
        if self.next >= self.end {
            return Err(Unspecified);
        }
        let mut nonce = self.iv;
        for (byte, count) in nonce.iter_mut().rev().zip(self.next.to_le_bytes()) {
            *byte ^= count;
        }
        self.next += 1;
        Ok(Nonce::assume_unique_for_key(nonce))
    }
}

impl Drop for Nonces {
    fn drop(&mut self) {
        self.iv.zeroize();
    }
}

fn bound(secrets: &Secrets, next: u64, end: u64) -> Result<(UnboundKey, Nonces), Broke> {
    let (algorithm, key, iv) = match secrets {
        Secrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv),
        Secrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv),
        Secrets::Chacha20Poly1305 { key, iv } => (&CHACHA20_POLY1305, key, iv),
        _ => return Err(Broke::Exhausted),
    };
    // rustls keeps every key in as much room as the longest takes.
    let key = key.as_ref().get(..algorithm.key_len()).ok_or(Broke::Exhausted)?;
    let key = UnboundKey::new(algorithm, key).map_err(|_| Broke::Exhausted)?;
    let iv = iv.as_ref().try_into().map_err(|_| Broke::Exhausted)?;
    Ok((key, Nonces { iv, next, end }))
}

/// Opens what the peer sealed.
#[derive(Debug)]
pub(super) struct Opener(OpeningKey<Nonces>);

impl Opener {
    /// `next`: the number of the record that comes next.
    pub(super) fn new(secrets: &Secrets, next: u64) -> Result<Self, Broke> {
        let (key, nonces) = bound(secrets, next, u64::MAX)?;
        Ok(Self(OpeningKey::new(key, nonces)))
    }

    /// Opens a whole record where it lies: what it carries, and how long that is, from behind the header on.
    ///
    /// # Errors
    /// What is wrong with it. Nothing in `record` means anything then.
    pub(super) fn open(&mut self, record: &mut [u8]) -> Result<(ContentType, usize), Broke> {
        let (header, sealed) = record.split_first_chunk_mut::<HEADER>().ok_or(Broke::Malformed)?;
        let inner = self.0.open_in_place(Aad::from(*header), sealed).map_err(|_| Broke::Sealed)?;
        if inner.len() > MAX_PLAIN + 1 {
            return Err(Broke::TooLong);
        }
        // The type stands behind the plaintext and before any padding, which is zeros (5.4).
        let len = inner.iter().rposition(|byte| *byte != 0).ok_or(Broke::Unexpected)?;
        let kind = inner.get(len).copied().and_then(ContentType::from_bits).ok_or(Broke::Unexpected)?;
        Ok((kind, len))
    }
}

/// Seals what we send.
#[derive(Debug)]
pub(super) struct Sealer {
    key: SealingKey<Nonces>,
    left: u64,
}

impl Sealer {
    /// `next`: the number of the record that comes next; `most`: records that the suite may seal with one key.
    pub(super) fn new(secrets: &Secrets, next: u64, most: u64) -> Result<Self, Broke> {
        let (key, nonces) = bound(secrets, next, most)?;
        Ok(Self { key: SealingKey::new(key, nonces), left: most.saturating_sub(next) })
    }

    /// The next key is due (RFC 8446 5.5).
    pub(super) const fn is_worn(&self) -> bool {
        self.left <= RESERVE
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
        self.left = self.left.saturating_sub(1);
        let tag = self.key.seal_in_place_separate_tag(Aad::from(*head), inner).map_err(|_| Broke::Exhausted)?;
        *place = tag.as_ref().try_into().map_err(|_| Broke::Exhausted)?;
        Ok(())
    }
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
