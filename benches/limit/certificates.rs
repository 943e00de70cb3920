//! The certificates of one run and who believes them: a cluster's CA, and a leaf for every server of the run.
//!
//! One cipher suite and one key exchange for all, so that relays differ in what they do and not in what they chose. The
//! suite is what rustls and OpenSSL both prefer. No session resumes, on either leg.

use crate::Outcome;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the files of a run are.
#[derive(Debug, Clone)]
pub struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Makes a CA and a leaf for this machine's loopback names, both P-256.
    pub fn make(folder: &Path) -> Outcome<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "a cluster to measure");
        let key = KeyPair::generate()?;
        let root = params.self_signed(&key)?.pem();
        let issuer = Issuer::new(params, key);
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let leaf_key = KeyPair::generate()?;
        let leaf = CertificateParams::new(names)?.signed_by(&leaf_key, &issuer)?.pem();
        let these = Self::of(folder);
        these.write("ca.pem", &root)?;
        these.write("leaf.pem", &leaf)?;
        these.write("leaf.key", &leaf_key.serialize_pem())?;
        // HAProxy wants both in one file.
        these.write("both.pem", &(leaf + &leaf_key.serialize_pem()))?;
        Ok(these)
    }

    /// Those that were made in this folder.
    pub fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// A file's full path.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file that only this user may read: the gateway refuses others where it holds secrets.
    pub fn write(&self, name: &str, text: &str) -> Outcome<()> {
        use std::io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;
        let mut file =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(self.path(name))?;
        Ok(file.write_all(text.as_bytes())?)
    }

    /// A server of the run. `restricted`: with the one suite and key exchange of the run, as the node is, so that it
    /// decides for whoever dials it.
    pub fn server(&self, restricted: bool) -> Outcome<ServerConfig> {
        let chain = CertificateDer::pem_file_iter(self.path("leaf.pem"))?.collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_file(self.path("leaf.key"))?;
        let provider = if restricted { restricted_provider() } else { Arc::new(aws_lc_rs::default_provider()) };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        if restricted {
            // Nobody can resume towards the node: nginx would by default, the others not.
            config.send_tls13_tickets = 0;
        }
        Ok(config)
    }

    /// A client that checks the server against the CA.
    pub fn client(&self, restricted: bool) -> Outcome<ClientConfig> {
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_file_iter(self.path("ca.pem"))? {
            roots.add(root?)?;
        }
        let provider = if restricted { restricted_provider() } else { Arc::new(aws_lc_rs::default_provider()) };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

/// AES-256-GCM and X25519 alone.
fn restricted_provider() -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites = vec![aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384];
    provider.kx_groups = vec![aws_lc_rs::kx_group::X25519];
    Arc::new(provider)
}
