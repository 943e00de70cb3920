//! The cluster's own CA and the nodes' certificates. Never a system root, never a file.

use super::setup::Certificate;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::io;
use std::sync::Arc;

/// A cluster's CA, and another one of the same name that no client trusts.
#[derive(Debug)]
pub(super) struct Authority {
    pem: String,
    own: Issuer<'static, KeyPair>,
    other: Issuer<'static, KeyPair>,
}

/// A node's TLS side.
#[derive(Debug, Clone)]
pub(super) struct NodeIdentity {
    pub(super) config: Arc<ServerConfig>,
    pub(super) fingerprint: String,
}

impl Authority {
    pub(super) fn new() -> io::Result<Self> {
        let (own, pem) = issuer()?;
        let (other, _) = issuer()?;
        Ok(Self { pem, own, other })
    }

    /// `pve-root-ca.pem`.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// A fresh key and certificate for a node.
    pub(super) fn issue(&self, node: &str, certificate: Certificate) -> io::Result<NodeIdentity> {
        let names = match certificate {
            Certificate::OtherName => vec!["elsewhere.example".to_owned()],
            Certificate::Good | Certificate::OtherCa | Certificate::Expired => {
                vec![node.to_owned(), "localhost".to_owned(), "127.0.0.1".to_owned()]
            }
        };
        let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, node);
        if certificate == Certificate::Expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let issuer = if certificate == Certificate::OtherCa { &self.other } else { &self.own };
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let leaf = params.signed_by(&key, issuer).map_err(io::Error::other)?;
        let fingerprint = fingerprint(leaf.der());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)
            .map_err(io::Error::other)?;
        Ok(NodeIdentity { config: Arc::new(config), fingerprint })
    }
}

fn issuer() -> io::Result<(Issuer<'static, KeyPair>, String)> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "Proxmox Virtual Environment");
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let pem = params.self_signed(&key).map_err(io::Error::other)?.pem();
    Ok((Issuer::new(params, key), pem))
}

/// SHA-256 of a certificate's DER as Proxmox writes it: upper-case hexadecimal with colons.
fn fingerprint(der: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
    let bytes: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}
