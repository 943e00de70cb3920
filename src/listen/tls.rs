//! The server's side of TLS: one certificate, replaced while connections go on.
//!
//! HTTP/1.1 alone is offered by ALPN, 1.2 and 1.3 alone as versions, and no early data, because it can be replayed.
//! Sessions resume by stateless tickets. A certificate that does not fit its key or is over never takes the place of
//! one that works. S01 to S09 of the hostile-inputs reference.

use crate::config::{Engine, TlsFiles};
use crate::not_after::not_after;
use crate::record::{TlsStream, accept};
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;

/// A listener's TLS; clones share the certificate.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    engine: Engine,
    current: Arc<Current>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("not_after", &self.not_after()).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files. `now` is Unix seconds.
    ///
    /// # Errors
    /// In the operator's words: a file that cannot be read, holds no certificate or key, a key of another certificate,
    /// or a certificate that is over.
    pub fn new(files: &TlsFiles, now: u64) -> Result<Self, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let certificate = Certificate::read(files, &provider, now)?;
        let current = Arc::new(Current(ArcSwap::from_pointee(certificate)));
        let config = server_config(provider, Arc::clone(&current) as Arc<dyn ResolvesServerCert>)?;
        Ok(Self { config: Arc::new(config), engine: files.engine, current })
    }

    /// Reads the files again; new handshakes get the new certificate. On an error the old one stays.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn reload(&self, files: &TlsFiles, now: u64) -> Result<(), String> {
        let certificate = Certificate::read(files, &aws_lc_rs::default_provider(), now)?;
        self.current.0.store(Arc::new(certificate));
        Ok(())
    }

    /// When the certificate ends, in Unix seconds.
    #[must_use]
    pub fn not_after(&self) -> u64 {
        self.current.0.load().not_after
    }

    /// Shakes hands.
    ///
    /// # Errors
    /// That of the handshake, or that it took too long.
    pub async fn accept(&self, stream: TcpStream, within: Duration) -> io::Result<TlsStream> {
        tokio::time::timeout(within, accept(stream, Arc::clone(&self.config), self.engine)).await?
    }
}

fn server_config(
    provider: Arc<CryptoProvider>,
    certificate: Arc<dyn ResolvesServerCert>,
) -> Result<ServerConfig, String> {
    let ticketer = aws_lc_rs::Ticketer::new().map_err(|error| format!("no key for session tickets: {error}"))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("no TLS version: {error}"))?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.ticketer = ticketer;
    config.enable_secret_extraction = true;
    Ok(config)
}

struct Certificate {
    key: Arc<CertifiedKey>,
    not_after: u64,
}

impl Certificate {
    fn read(files: &TlsFiles, provider: &CryptoProvider, now: u64) -> Result<Self, String> {
        let name = files.certificate.display();
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
            .and_then(Iterator::collect)
            .map_err(|error| format!("cannot read the certificate {name}: {error}"))?;
        let leaf = chain.first().ok_or_else(|| format!("no certificate in {name}"))?;
        let not_after = not_after(leaf).ok_or_else(|| format!("the certificate {name} states no end"))?;
        if not_after <= now {
            return Err(format!("the certificate {name} ended {} s ago", now - not_after));
        }
        let key = PrivateKeyDer::from_pem_file(&files.key)
            .map_err(|error| format!("cannot read the key {}: {error}", files.key.display()))?;
        let key = CertifiedKey::from_der(chain, key, provider).map_err(|error| {
            format!("the key {} does not serve the certificate {name}: {error}", files.key.display())
        })?;
        Ok(Self { key: Arc::new(key), not_after })
    }
}

/// The certificate of the moment, whatever name the client asked for.
struct Current(ArcSwap<Certificate>);

impl std::fmt::Debug for Current {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Current")
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.load().key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn pair(folder: &Path, name: &str) -> TlsFiles {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        let files = TlsFiles {
            certificate: folder.join(format!("{name}.pem")),
            key: folder.join(format!("{name}.key")),
            engine: Engine::Auto,
        };
        std::fs::write(&files.certificate, made.cert.pem()).unwrap();
        std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        files
    }

    #[test]
    fn s09_a_pair_that_does_not_serve_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let (good, other) = (pair(folder.path(), "good"), pair(folder.path(), "other"));
        let tls = Tls::new(&good, 0).unwrap();
        let end = tls.not_after();
        let leaf = |tls: &Tls| tls.current.0.load().key.cert.clone();
        let before = leaf(&tls);

        let mixed = TlsFiles { certificate: good.certificate.clone(), key: other.key.clone(), engine: Engine::Auto };
        assert!(tls.reload(&mixed, 0).unwrap_err().contains("does not serve"));
        let half = std::fs::read_to_string(&other.certificate).unwrap();
        let half_written =
            TlsFiles { certificate: folder.path().join("half.pem"), key: other.key.clone(), engine: Engine::Auto };
        std::fs::write(&half_written.certificate, half.get(..half.len() / 2).unwrap()).unwrap();
        assert!(tls.reload(&half_written, 0).is_err());
        assert!(tls.reload(&other, end + 1).unwrap_err().contains("ended"));
        assert!(Tls::new(&other, end + 1).is_err(), "a start with a certificate that is over is refused");
        assert_eq!(leaf(&tls), before);

        tls.reload(&other, 0).unwrap();
        assert_ne!(leaf(&tls), before);
    }
}
