//! Whom the gateway believes to be a node, or another server it asks: a pinned leaf certificate, or one that a root signed
//! for its name.
//!
//! A pin replaces the chain, and so does a chain that was found good before ([`believed`](super::believed)); neither replaces
//! the handshake's signature: who replays the certificate without its key is refused.
//! Nothing is ever learned from what a node shows. Every refusal carries the fingerprint seen. Hostile input U04.

use super::NodeTls;
use super::believed::Believed;
use super::group::ChosenGroup;
use crate::config::{Cluster, Engine, Node, Trust};
use ::aws_lc_rs::digest;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, Tls12Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use std::fmt;
use std::sync::Arc;

/// How one node of a cluster is verified.
///
/// # Errors
/// What is wrong with the cluster's CA, the system's roots, or the node's name.
pub fn node_tls(cluster: &Cluster, node: &Node) -> Result<NodeTls, String> {
    ClusterTls::new(cluster)?.node(node)
}

/// A cluster's roots, read once for all its nodes.
#[derive(Debug)]
pub struct ClusterTls {
    provider: Arc<CryptoProvider>,
    roots: Option<Arc<WebPkiServerVerifier>>,
    /// What the roots are, as the configuration calls it.
    setting: String,
    engine: Engine,
}

impl ClusterTls {
    /// Reads the cluster's roots. System roots are read only where a node needs them.
    ///
    /// # Errors
    /// A CA file without a usable certificate, or a system without roots.
    pub fn new(cluster: &Cluster) -> Result<Self, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let all_pinned = cluster.nodes.iter().all(|node| node.fingerprint.is_some());
        let roots = match &cluster.trust {
            Trust::Ca(pem) => {
                Some(ca_roots(pem).map_err(|error| format!("cluster {}: ca_file: {error}", cluster.name))?)
            }
            Trust::System if all_pinned => None,
            Trust::System => Some(system_roots().map_err(|error| format!("cluster {}: {error}", cluster.name))?),
            Trust::Pinned => None,
        };
        let named = |error: String| format!("cluster {}: {error}", cluster.name);
        let roots = roots.map(|roots| chain(roots, &provider)).transpose().map_err(named)?;
        let key = if cluster.trust == Trust::System { "tls = \"system\"" } else { "ca_file" };
        let setting = format!("{key} of [[cluster]] {}", cluster.name);
        Ok(Self { provider, roots, setting, engine: cluster.engine })
    }

    /// How this node is verified: its fingerprint, or else the cluster's roots.
    ///
    /// # Errors
    /// A node without fingerprint in a cluster without roots, or a host that is no name and no address.
    pub fn node(&self, node: &Node) -> Result<NodeTls, String> {
        let (check, setting) = match (node.fingerprint, &self.roots) {
            (Some(pin), _) => (Check::Pin(pin), format!("fingerprint of [[cluster.node]] {}", node.name)),
            (None, Some(roots)) => (Check::Chain(Arc::clone(roots), Believed::default()), self.setting.clone()),
            (None, None) => {
                return Err(format!("node {}: it has no fingerprint and the cluster no ca_file", node.name));
            }
        };
        let named = |error: String| format!("node {}: {error}", node.name);
        client(Arc::clone(&self.provider), check, setting, &node.host, self.engine).map_err(named)
    }
}

/// How a web server is verified: by these authorities (PEM), or by those of the system.
///
/// # Errors
/// What is wrong with the authorities, the system's roots, or the host.
pub fn server_tls(host: &str, ca: Option<&[u8]>) -> Result<NodeTls, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let roots = ca.map_or_else(system_roots, ca_roots)?;
    let check = Check::Chain(chain(roots, &provider)?, Believed::default());
    let setting = if ca.is_some() { "that of the CA file" } else { "one of the system's" };
    client(provider, check, setting.to_owned(), host, Engine::Buffered)
}

fn client(
    provider: Arc<CryptoProvider>,
    check: Check,
    setting: String,
    host: &str,
    engine: Engine,
) -> Result<NodeTls, String> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| format!("{host:?} is neither an IP address nor a DNS name"))?;
    let verifier = NodeVerifier { provider: Arc::clone(&provider), check, setting };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    // Nothing is resumed: a resumed session skips the verifier, and both calls of a console must show the certificate they
    // compare. rustls asks the store for the key exchange to begin with too, and that alone is what this one knows.
    config.resumption = Resumption::store(Arc::new(ChosenGroup::default())).tls12_resumption(Tls12Resumption::Disabled);
    config.enable_secret_extraction = true;
    Ok(NodeTls { config: Arc::new(config), name, engine })
}

fn chain(roots: RootCertStore, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, String> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| error.to_string())
}

fn ca_roots(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| format!("not PEM: {error}"))?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() { Err("holds no certificate".into()) } else { Ok(roots) }
}

fn system_roots() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        Err("the system has no root certificates; install ca-certificates".into())
    } else {
        Ok(roots)
    }
}

/// A fingerprint as Proxmox writes it: upper-case hexadecimal with colons.
#[must_use]
pub fn fingerprint(sha256: &[u8; 32]) -> String {
    let bytes: Vec<String> = sha256.iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}

pub(super) fn sha256(der: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(digest::digest(&digest::SHA256, der).as_ref()) {
        *to = *from;
    }
    out
}

/// A refused certificate: what was seen, what was expected, and why they differ.
#[derive(Debug)]
pub(super) struct Refused {
    seen: [u8; 32],
    expected: Option<[u8; 32]>,
    setting: String,
    why: String,
}

impl Refused {
    /// Finds it in rustls's error.
    pub(super) fn of(error: &Error) -> Option<&Self> {
        if let Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) = error {
            inner.downcast_ref()
        } else {
            None
        }
    }

    fn into_error(self) -> Error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(self))))
    }
}

impl std::error::Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; it shows {}", self.why, fingerprint(&self.seen))?;
        match &self.expected {
            Some(expected) => write!(f, ", configured is {}", fingerprint(expected))?,
            None => f.write_str(", configured is a certificate authority")?,
        }
        write!(f, " ({})", self.setting)
    }
}

#[derive(Debug)]
enum Check {
    Pin([u8; 32]),
    Chain(Arc<WebPkiServerVerifier>, Believed),
}

#[derive(Debug)]
struct NodeVerifier {
    provider: Arc<CryptoProvider>,
    check: Check,
    /// Where the check comes from, for whoever has to mend it.
    setting: String,
}

impl NodeVerifier {
    fn refused(&self, leaf: &CertificateDer<'_>, why: &dyn fmt::Display) -> Error {
        let expected = match &self.check {
            Check::Pin(pin) => Some(*pin),
            Check::Chain(..) => None,
        };
        Refused { seen: sha256(leaf), expected, setting: self.setting.clone(), why: why.to_string() }.into_error()
    }
}

impl ServerCertVerifier for NodeVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.check {
            Check::Pin(pin) if sha256(leaf) == *pin => Ok(ServerCertVerified::assertion()),
            Check::Pin(_) => Err(self.refused(leaf, &"another certificate than the pinned one")),
            Check::Chain(roots, believed) => believed
                .or_check(leaf, intermediates, name, now, || {
                    roots.verify_server_cert(leaf, intermediates, name, ocsp, now)
                })
                .map_err(|error| self.refused(leaf, &error)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, leaf, signed, &self.provider.signature_verification_algorithms)
            .map_err(|error| self.refused(leaf, &error))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, leaf, signed, &self.provider.signature_verification_algorithms)
            .map_err(|error| self.refused(leaf, &error))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
