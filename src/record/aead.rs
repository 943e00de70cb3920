//! The cipher of records (RFC 8446 5.2), by the library whose code is faster on this processor. Never counts: a nonce comes
//! from whoever does, and is used up here. No I/O.
//!
//! aws-lc has AES-GCM for AVX-512 and for AES-NI, and nothing between: where a processor has VAES but no AVX-512, ring
//! takes half its time. Everything else about TLS is aws-lc's on every processor.

use super::head::{Broke, HEADER, TAG};
use aws_lc_rs::aead as aws_lc;
#[cfg(target_arch = "x86_64")]
use ring::aead as ring_aead;

/// The length of every suite's nonce.
pub(super) const NONCE: usize = aws_lc::NONCE_LEN;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Suite {
    Aes128Gcm,
    Aes256Gcm,
    Chacha20Poly1305,
}

impl Suite {
    /// In bytes.
    pub(super) const fn key_len(self) -> usize {
        match self {
            Self::Aes128Gcm => 16,
            Self::Aes256Gcm | Self::Chacha20Poly1305 => 32,
        }
    }
}

/// A nonce that its key has not met before. It cannot be copied, and whoever uses it gives it away.
pub(super) struct Nonce(pub(super) [u8; NONCE]);

/// Whose code works with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Library {
    AwsLc,
    #[cfg(target_arch = "x86_64")]
    Ring,
}

impl Library {
    /// The faster one on this processor.
    #[cfg(target_arch = "x86_64")]
    fn faster(suite: Suite) -> Self {
        // What aws-lc asks for before it uses AVX-512, and what ring asks for before it uses VAES.
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        let vaes = is_x86_feature_detected!("vaes")
            && is_x86_feature_detected!("vpclmulqdq")
            && is_x86_feature_detected!("avx2");
        if suite != Suite::Chacha20Poly1305 && vaes && !avx512 { Self::Ring } else { Self::AwsLc }
    }

    #[cfg(not(target_arch = "x86_64"))]
    const fn faster(_: Suite) -> Self {
        Self::AwsLc
    }
}

/// A key as its cipher works with it. Wiped when it is dropped.
pub(super) enum Aead {
    AwsLc(aws_lc::LessSafeKey),
    #[cfg(target_arch = "x86_64")]
    Ring(Box<Wiped>),
}

impl Aead {
    /// # Errors
    /// The key is not as long as the suite's are.
    pub(super) fn new(suite: Suite, key: &[u8]) -> Result<Self, Broke> {
        Self::by(Library::faster(suite), suite, key)
    }

    fn by(library: Library, suite: Suite, key: &[u8]) -> Result<Self, Broke> {
        match library {
            Library::AwsLc => {
                let algorithm = match suite {
                    Suite::Aes128Gcm => &aws_lc::AES_128_GCM,
                    Suite::Aes256Gcm => &aws_lc::AES_256_GCM,
                    Suite::Chacha20Poly1305 => &aws_lc::CHACHA20_POLY1305,
                };
                let key = aws_lc::UnboundKey::new(algorithm, key).map_err(|_| Broke::Exhausted)?;
                Ok(Self::AwsLc(aws_lc::LessSafeKey::new(key)))
            }
            #[cfg(target_arch = "x86_64")]
            Library::Ring => {
                let algorithm = match suite {
                    Suite::Aes128Gcm => &ring_aead::AES_128_GCM,
                    Suite::Aes256Gcm => &ring_aead::AES_256_GCM,
                    Suite::Chacha20Poly1305 => &ring_aead::CHACHA20_POLY1305,
                };
                let key = ring_aead::UnboundKey::new(algorithm, key).map_err(|_| Broke::Exhausted)?;
                Ok(Self::Ring(Box::new(Wiped(ring_aead::LessSafeKey::new(key)))))
            }
        }
    }

    /// Opens what was sealed, in place: the inner plaintext, with its type and padding.
    ///
    /// # Errors
    /// It was not sealed with this key, nonce and header. Nothing in `sealed` means anything then.
    pub(super) fn open<'a>(
        &self,
        nonce: Nonce,
        header: [u8; HEADER],
        sealed: &'a mut [u8],
    ) -> Result<&'a mut [u8], Broke> {
        match self {
            Self::AwsLc(key) => key
                .open_in_place(aws_lc::Nonce::assume_unique_for_key(nonce.0), aws_lc::Aad::from(header), sealed)
                .map_err(|_| Broke::Sealed),
            #[cfg(target_arch = "x86_64")]
            Self::Ring(key) => key
                .0
                .open_in_place(ring_aead::Nonce::assume_unique_for_key(nonce.0), ring_aead::Aad::from(header), sealed)
                .map_err(|_| Broke::Sealed),
        }
    }

    /// Seals an inner plaintext in place: the tag that goes behind it.
    ///
    /// # Errors
    /// It is longer than the cipher takes, which no record is.
    pub(super) fn seal(&self, nonce: Nonce, header: [u8; HEADER], inner: &mut [u8]) -> Result<[u8; TAG], Broke> {
        match self {
            Self::AwsLc(key) => {
                let nonce = aws_lc::Nonce::assume_unique_for_key(nonce.0);
                let tag = key.seal_in_place_separate_tag(nonce, aws_lc::Aad::from(header), inner);
                tag.map_err(|_| Broke::Exhausted)?.as_ref().try_into().map_err(|_| Broke::Exhausted)
            }
            #[cfg(target_arch = "x86_64")]
            Self::Ring(key) => {
                let nonce = ring_aead::Nonce::assume_unique_for_key(nonce.0);
                let tag = key.0.seal_in_place_separate_tag(nonce, ring_aead::Aad::from(header), inner);
                tag.map_err(|_| Broke::Exhausted)?.as_ref().try_into().map_err(|_| Broke::Exhausted)
            }
        }
    }
}

/// A key of ring's, which does not wipe its keys, as aws-lc does.
#[cfg(target_arch = "x86_64")]
pub(super) struct Wiped(ring_aead::LessSafeKey);

#[cfg(target_arch = "x86_64")]
impl Wiped {
    /// Puts a key that is no secret in the place of this one: round keys, table and all are of one size for every key.
    fn wipe(&mut self) {
        static NO_SECRET: std::sync::LazyLock<Option<ring_aead::LessSafeKey>> = std::sync::LazyLock::new(|| {
            ring_aead::UnboundKey::new(&ring_aead::AES_256_GCM, &[0; 32]).ok().map(ring_aead::LessSafeKey::new)
        });
        if let Some(key) = NO_SECRET.as_ref() {
            self.0 = key.clone();
        }
        // Nobody reads it any more, so a compiler that saw through this could leave the writing out.
        std::hint::black_box(self);
    }
}

#[cfg(target_arch = "x86_64")]
impl Drop for Wiped {
    fn drop(&mut self) {
        self.wipe();
    }
}

#[cfg(test)]
#[path = "aead_tests.rs"]
mod tests;
