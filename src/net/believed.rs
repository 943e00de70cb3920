//! The chain that was found good last: the same certificates for the same name are not checked again while they last.
//!
//! Between two calls nothing changes about a node's certificates but the time, so only that is looked at: a chain is good
//! from the moment it was checked until the first of its certificates ends. It is kept beside the roots it was checked
//! against, and a reload, which reads the roots again, forgets it. That the peer has the certificate's key is asked in
//! every handshake.

use crate::not_after::not_after;
use rustls::Error;
use rustls::client::danger::ServerCertVerified;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The chain of one server, if there is one.
#[derive(Debug, Default)]
pub(super) struct Believed(Mutex<Option<Good>>);

/// A chain as it was shown, for whom, and when it is good (Unix seconds).
#[derive(Debug)]
struct Good {
    certificates: Vec<CertificateDer<'static>>,
    name: ServerName<'static>,
    during: RangeInclusive<u64>,
}

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
        let (shown, now) = (std::iter::once(leaf).chain(intermediates), now.as_secs());
        if self.good().as_ref().is_some_and(|good| {
            good.during.contains(&now) && good.name == *name && good.certificates.iter().eq(shown.clone())
        }) {
            return Ok(ServerCertVerified::assertion());
        }
        let verified = check()?;
        // One whose end cannot be read is the least of all, and its chain is checked each time.
        let end = shown.clone().map(AsRef::as_ref).map(not_after).min().flatten();
        *self.good() = end.map(|end| Good {
            certificates: shown.cloned().map(CertificateDer::into_owned).collect(),
            name: name.to_owned(),
            during: now..=end,
        });
        Ok(verified)
    }

    fn good(&self) -> MutexGuard<'_, Option<Good>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::CertificateError;
    use std::cell::Cell;
    use std::time::Duration;

    /// A certificate that ends on the first of January of this year.
    fn certificate(year: i32) -> CertificateDer<'static> {
        let mut of = rcgen::CertificateParams::new(vec!["node.example".into()]).unwrap();
        of.not_after = rcgen::date_time_ymd(year, 1, 1);
        of.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    /// The first of January 2031.
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
        let (scene, leaf) = (Scene::new(), certificate(2031));
        assert_eq!(scene.show(&[&leaf], "node.example", END - 100), 1);
        assert_eq!(scene.show(&[&leaf], "node.example", END), 1);
        assert_eq!(scene.show(&[&leaf], "node.example", END + 1), 2);
        assert_eq!(scene.show(&[&leaf], "node.example", END + 1), 3, "what is over is never believed");
    }

    #[test]
    fn u04_a_clock_that_goes_back_checks_again() {
        let (scene, leaf) = (Scene::new(), certificate(2031));
        assert_eq!(scene.show(&[&leaf], "node.example", END - 100), 1);
        assert_eq!(scene.show(&[&leaf], "node.example", END - 101), 2);
    }

    #[test]
    fn u04_a_chain_is_good_until_the_first_of_its_certificates_ends() {
        let (scene, leaf, intermediate) = (Scene::new(), certificate(2032), certificate(2031));
        assert_eq!(scene.show(&[&leaf, &intermediate], "node.example", END), 1);
        assert_eq!(scene.show(&[&leaf, &intermediate], "node.example", END + 1), 2);
    }

    #[test]
    fn u04_a_chain_whose_end_cannot_be_read_is_checked_each_time() {
        let (scene, leaf, odd) = (Scene::new(), certificate(2031), CertificateDer::from(vec![0x30, 0]));
        assert_eq!(scene.show(&[&leaf, &odd], "node.example", 1), 1);
        assert_eq!(scene.show(&[&leaf, &odd], "node.example", 1), 2);
    }

    #[test]
    fn u04_another_leaf_chain_or_name_is_checked() {
        let (scene, leaf, other) = (Scene::new(), certificate(2031), certificate(2031));
        assert_eq!(scene.show(&[&leaf], "node.example", 1), 1);
        assert_eq!(scene.show(&[&other], "node.example", 1), 2);
        assert_eq!(scene.show(&[&leaf], "node.example", 1), 3, "one is known at a time");
        assert_eq!(scene.show(&[&leaf], "other.example", 1), 4);
        assert_eq!(scene.show(&[&leaf, &other], "other.example", 1), 5);
        assert_eq!(scene.show(&[&leaf, &other], "other.example", 1), 5);
    }

    #[test]
    fn u04_what_is_refused_is_never_believed_nor_takes_the_place_of_what_is() {
        let (scene, leaf, other) = (Scene::new(), certificate(2031), certificate(2031));
        scene.show(&[&leaf], "node.example", 1);
        let (name, now) = (ServerName::try_from("node.example").unwrap(), UnixTime::since_unix_epoch(Duration::ZERO));
        let refuse = || Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        assert!(scene.believed.or_check(&other, &[], &name, now, refuse).is_err());
        assert!(scene.believed.or_check(&other, &[], &name, now, refuse).is_err());
        assert_eq!(scene.show(&[&leaf], "node.example", 1), 1);
    }
}
