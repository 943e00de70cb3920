//! The chain that was found good last: the same certificates for the same name are not checked again while they last.
//!
//! Of a node's certificate nothing changes between two calls but the time, so that is what is looked at: a chain is good
//! from the moment it was checked until the first of its certificates ends. Whoever holds it belongs to one set of roots,
//! and goes with them. That the peer has the certificate's key is another question, and asked each time.

use super::not_after::not_after;
use aws_lc_rs::digest::{Context, SHA256};
use rustls::Error;
use rustls::client::danger::ServerCertVerified;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};

/// One chain, by its digest, and when it is good (Unix seconds).
#[derive(Debug, Default)]
pub(super) struct Believed(Mutex<Option<(Digest, RangeInclusive<u64>)>>);

type Digest = Vec<u8>;

impl Believed {
    /// Believes the chain it knows, and another one if the check does.
    ///
    /// # Errors
    /// The check's.
    pub(super) fn or_check(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
        check: impl FnOnce() -> Result<ServerCertVerified, Error>,
    ) -> Result<ServerCertVerified, Error> {
        let (digest, now) = (digest(leaf, intermediates, name), now.as_secs());
        if self.lock().as_ref().is_some_and(|(known, good)| *known == digest && good.contains(&now)) {
            return Ok(ServerCertVerified::assertion());
        }
        let verified = check()?;
        let ends = std::iter::once(leaf).chain(intermediates).map(|certificate| not_after(certificate));
        // One whose end cannot be read is checked each time.
        *self.lock() = ends.min().flatten().map(|end| (digest, now..=end));
        Ok(verified)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(Digest, RangeInclusive<u64>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Each part with its length, so that no two chains are the same bytes.
fn digest(leaf: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>], name: &ServerName<'_>) -> Digest {
    let mut all = Context::new(&SHA256);
    let name = name.to_str();
    let certificates = std::iter::once(leaf).chain(intermediates).map(AsRef::as_ref);
    for part in std::iter::once(name.as_bytes()).chain(certificates) {
        all.update(&(part.len() as u64).to_be_bytes());
        all.update(part);
    }
    all.finish().as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::CertificateError;
    use std::cell::Cell;
    use std::time::Duration;

    /// A certificate that ends on the first of January 2031.
    fn certificate() -> CertificateDer<'static> {
        let mut of = rcgen::CertificateParams::new(vec!["node.example".into()]).unwrap();
        of.not_after = rcgen::date_time_ymd(2031, 1, 1);
        of.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    const END: u64 = 1_924_992_000;

    struct Scene {
        believed: Believed,
        checks: Cell<u32>,
    }

    impl Scene {
        fn new() -> Self {
            Self { believed: Believed::default(), checks: Cell::new(0) }
        }

        /// How often it was checked, after this was shown too.
        fn show(&self, chain: &[&CertificateDer<'static>], name: &'static str, now: u64) -> u32 {
            let (leaf, intermediates) = chain.split_first().unwrap();
            let intermediates: Vec<_> = intermediates.iter().map(|one| (*one).clone()).collect();
            let (name, now) =
                (ServerName::try_from(name).unwrap(), UnixTime::since_unix_epoch(Duration::from_secs(now)));
            let verified = self.believed.or_check(leaf, &intermediates, &name, now, || {
                self.checks.set(self.checks.get() + 1);
                Ok(ServerCertVerified::assertion())
            });
            verified.unwrap();
            self.checks.get()
        }
    }

    #[test]
    fn u04_a_chain_is_checked_once_while_it_lasts_and_again_when_its_time_is_over() {
        let (scene, leaf) = (Scene::new(), certificate());
        assert_eq!(scene.show(&[&leaf], "node.example", END - 100), 1);
        assert_eq!(scene.show(&[&leaf], "node.example", END), 1);
        assert_eq!(scene.show(&[&leaf], "node.example", END + 1), 2);
        assert_eq!(scene.show(&[&leaf], "node.example", END + 1), 3, "what is over is never believed");
    }

    #[test]
    fn u04_a_clock_that_goes_back_checks_again() {
        let (scene, leaf) = (Scene::new(), certificate());
        scene.show(&[&leaf], "node.example", END - 100);
        assert_eq!(scene.show(&[&leaf], "node.example", END - 101), 2);
    }

    #[test]
    fn u04_another_leaf_chain_or_name_is_checked() {
        let (scene, leaf, other) = (Scene::new(), certificate(), certificate());
        assert_eq!(scene.show(&[&leaf], "node.example", 1), 1);
        assert_eq!(scene.show(&[&other], "node.example", 1), 2);
        assert_eq!(scene.show(&[&leaf], "node.example", 1), 3, "one is known at a time");
        assert_eq!(scene.show(&[&leaf], "other.example", 1), 4);
        assert_eq!(scene.show(&[&leaf, &other], "other.example", 1), 5);
        assert_eq!(scene.show(&[&leaf, &other], "other.example", 1), 5);
    }

    #[test]
    fn u04_what_is_refused_stays_refused_and_what_was_believed_is_kept() {
        let (scene, leaf, other) = (Scene::new(), certificate(), certificate());
        scene.show(&[&leaf], "node.example", 1);
        let (name, now) = (ServerName::try_from("node.example").unwrap(), UnixTime::since_unix_epoch(Duration::ZERO));
        let refuse = || Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        assert!(scene.believed.or_check(&other, &[], &name, now, refuse).is_err());
        assert!(scene.believed.or_check(&other, &[], &name, now, refuse).is_err());
        assert_eq!(scene.show(&[&leaf], "node.example", 1), 1);
    }
}
