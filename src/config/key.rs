//! Key material: a signing key fits its algorithm, a certificate fits its key.
//!
//! Owns what may stand in a key file. Decides on bytes already read; the error is problem and cure, without content.
//! Hostile inputs C03.

use super::KeyMaterial;
use crate::secret::Secret;
use aws_lc_rs::rsa::PublicEncryptingKey;
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use jsonwebtoken::Algorithm;
use rustls::client::verify_server_name;
use rustls::pki_types::pem::{self, PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;

/// Problem and cure.
pub(super) type Refused = (String, String);

const MIN_SECRET: usize = 32;

/// Whether the algorithm verifies with a shared secret.
pub(super) const fn is_shared(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512)
}

/// A shared secret, long enough to be one.
pub(super) fn shared(secret: Secret) -> Result<KeyMaterial, Refused> {
    if secret.reveal().starts_with(b"-----BEGIN") {
        return Err(refused(
            "holds a PEM key, not a shared secret",
            "use public_key_file and the algorithm of that key",
        ));
    }
    long_enough(&secret)?;
    Ok(KeyMaterial::Shared(secret))
}

/// Refuses a secret that could be guessed.
pub(super) fn long_enough(secret: &Secret) -> Result<(), Refused> {
    let length = secret.reveal().len();
    if length < MIN_SECRET {
        let what = format!("holds {length} bytes; a secret has at least {MIN_SECRET}");
        return Err((what, "make one: openssl rand -hex 32".to_owned()));
    }
    Ok(())
}

/// A public key of the algorithm's type.
pub(super) fn public(algorithm: Algorithm, pem: Vec<u8>) -> Result<KeyMaterial, Refused> {
    let der = public_der(&pem)?;
    let (verifies, type_name): (&'static dyn VerificationAlgorithm, _) = match algorithm {
        Algorithm::EdDSA => (&signature::ED25519, "an Ed25519 key"),
        Algorithm::ES256 => (&signature::ECDSA_P256_SHA256_FIXED, "an EC key on P-256"),
        Algorithm::ES384 => (&signature::ECDSA_P384_SHA384_FIXED, "an EC key on P-384"),
        Algorithm::RS256
        | Algorithm::RS384
        | Algorithm::RS512
        | Algorithm::PS256
        | Algorithm::PS384
        | Algorithm::PS512 => (&signature::RSA_PKCS1_2048_8192_SHA256, "an RSA key"),
        // The enum may grow: an algorithm nobody here knows is no reason to accept its key.
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 | _ => {
            return Err(refused("is a public key, and the algorithm needs a shared secret", "use secret_file"));
        }
    };
    if ParsedPublicKey::new(verifies, &der).is_err() {
        let what = format!("does not fit: {algorithm:?} needs {type_name}");
        return Err((what, "set the algorithm of this key, or name the right file".to_owned()));
    }
    if type_name == "an RSA key" && PublicEncryptingKey::from_der(&der).is_err() {
        return Err(refused("is an RSA key below 2048 bits or above 8192", "make one: openssl genrsa 3072"));
    }
    Ok(KeyMaterial::PublicPem(pem))
}

/// The key inside a `PUBLIC KEY` section.
fn public_der(pem: &[u8]) -> Result<Vec<u8>, Refused> {
    let nothing = || refused("holds no PEM public key", "it must begin with -----BEGIN PUBLIC KEY-----");
    let (kind, der) = <(SectionKind, Vec<u8>)>::from_pem_slice(pem).map_err(|_| nothing())?;
    match kind {
        SectionKind::PublicKey => Ok(der),
        SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey => Err(refused(
            "holds a private key, which must never leave the panel",
            "take its public half: openssl pkey -in private.pem -pubout",
        )),
        SectionKind::Certificate => Err(refused(
            "holds a certificate",
            "take the key out of it: openssl x509 -in certificate.pem -pubkey -noout",
        )),
        SectionKind::Crl | SectionKind::Csr | SectionKind::EchConfigList | _ => Err(nothing()),
    }
}

/// How many certificates a CA file holds; each parses.
///
/// # Errors
/// What is wrong with it, and the cure.
pub fn authorities(pem: &[u8]) -> Result<usize, Refused> {
    let chain = certificates(pem)?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in &chain {
        if let Err(error) = roots.add(certificate.clone()) {
            return Err((format!("holds a certificate that cannot be used: {error}"), "export it again".to_owned()));
        }
    }
    Ok(chain.len())
}

/// Checks that a TLS key belongs to the first certificate of its chain.
pub(super) fn server(chain: &[u8], key: &Secret) -> Result<(), Refused> {
    let chain = certificates(chain)?;
    let key = PrivateKeyDer::from_pem_slice(key.reveal())
        .map_err(|_| refused("goes with a key file that holds no PEM private key", "check listen.tls.key"))?;
    CertifiedKey::from_der(chain, key, &rustls::crypto::aws_lc_rs::default_provider())
        .map(|_| ())
        .map_err(|error| (format!("does not go with its key: {error}"), "name the pair that was issued".to_owned()))
}

/// Whether the first certificate of a chain is valid for this name or address, as browsers see it: by its subject
/// alternative names alone (RFC 9525 section 6.3). What cannot be read as a certificate or a name is left to others.
pub(super) fn is_for(chain: &[u8], host: &str) -> bool {
    let (Ok(chain), Ok(host)) = (certificates(chain), ServerName::try_from(host)) else { return true };
    let leaf = chain.first().and_then(|leaf| ParsedCertificate::try_from(leaf).ok());
    leaf.is_none_or(|leaf| verify_server_name(&leaf, &host).is_ok())
}

/// Checks that a key set can verify something and holds nothing secret. Keys of other uses may stand beside.
pub(super) fn jwks(json: &[u8]) -> Result<(), Refused> {
    #[derive(serde::Deserialize)]
    struct Set {
        keys: Vec<Key>,
    }
    #[derive(serde::Deserialize)]
    struct Key {
        kty: String,
        kid: Option<String>,
        d: Option<serde::de::IgnoredAny>,
    }
    let set: Set = serde_json::from_slice(json)
        .map_err(|error| (format!("is not a JSON Web Key Set: {error}"), "write {\"keys\": [...]}".to_owned()))?;
    if set.keys.iter().any(|key| key.kty == "oct") {
        return Err(refused("holds a shared secret", "use [[issuer.key]] with secret_file for shared secrets"));
    }
    if set.keys.iter().any(|key| key.d.is_some()) {
        return Err(refused(
            "holds a private key (d), which must never leave the panel",
            "make a new key, for this one is lost, and put its public half alone into the set",
        ));
    }
    if !set.keys.iter().any(|key| key.kid.is_some()) {
        return Err(refused("holds no key with a kid", "add the panel's public key and give it a kid"));
    }
    Ok(())
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Refused> {
    let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(refused("holds no certificate", "it must begin with -----BEGIN CERTIFICATE-----")),
        Err(error) => Err((format!("is not PEM: {}", in_words(&error)), "export it again".to_owned())),
    }
}

/// What rustls shows as numbers of bytes.
fn in_words(error: &pem::Error) -> String {
    if matches!(error, pem::Error::MissingSectionEnd { .. }) {
        return "a line -----END ...----- is missing; is it cut off".to_owned();
    }
    if matches!(error, pem::Error::IllegalSectionStart { .. }) {
        return "a line -----BEGIN ...----- does not end as it should".to_owned();
    }
    error.to_string()
}

fn refused(what: &str, fix: &str) -> Refused {
    (what.to_owned(), fix.to_owned())
}
