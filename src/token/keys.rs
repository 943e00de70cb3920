//! Keys that verify signatures, each with its one algorithm.
//!
//! Owns which material fits which algorithm, checked once when keys are read. A token never chooses: `alg` must be the
//! algorithm of the key its issuer and `kid` name. jsonwebtoken does the arithmetic.

use crate::config::{Key, KeyMaterial};
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind};

/// HMAC secrets are at least as long as the shortest hash (RFC 7518 section 3.2).
const SHORTEST_SECRET: usize = 32;

/// RSA moduli, in bits (RFC 7518 section 3.3).
const SHORTEST_MODULUS: usize = 2048;
const LONGEST_MODULUS: usize = 8192;

/// A key and its one algorithm.
#[derive(Debug)]
pub(super) struct VerifyKey {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl VerifyKey {
    /// A key of the configuration.
    pub(super) fn configured(key: &Key) -> Result<Self, String> {
        let decoding = match (&key.material, key.algorithm.family()) {
            (KeyMaterial::Shared(secret), AlgorithmFamily::Hmac) if secret.reveal().len() < SHORTEST_SECRET => {
                return Err(format!("the secret is shorter than {SHORTEST_SECRET} bytes"));
            }
            (KeyMaterial::Shared(secret), AlgorithmFamily::Hmac) => DecodingKey::from_secret(secret.reveal()),
            (KeyMaterial::PublicPem(pem), family) => return Self::public(key.algorithm, from_pem(pem, family)?),
            (KeyMaterial::Shared(_), _) => return Err(format!("{:?} needs a public key, not a secret", key.algorithm)),
        };
        Ok(Self { algorithm: key.algorithm, key: decoding })
    }

    /// A public key; refused where it does not fit the algorithm, such as a key of another curve or too short a modulus.
    pub(super) fn public(algorithm: Algorithm, key: DecodingKey) -> Result<Self, String> {
        let misfit = || format!("the public key is not one for {algorithm:?} (RSA: 2048 to 8192 bits)");
        if key.family() != algorithm.family() {
            return Err(misfit());
        }
        let fits = match key.kind() {
            DecodingKeyKind::RsaModulusExponent { n, .. } => long_enough(n),
            DecodingKeyKind::SecretOrDer(der) if key.family() == AlgorithmFamily::Rsa => {
                (DEFAULT_PROVIDER.key_utils.rsa_pub_components_from_public_key)(der).is_ok_and(|(n, _)| long_enough(&n))
            }
            DecodingKeyKind::SecretOrDer(point) => is_point_of(algorithm, point),
        };
        if !fits {
            return Err(misfit());
        }
        Ok(Self { algorithm, key })
    }

    /// The one algorithm.
    pub(super) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether `signature` (base64url) is this key's over `signed`.
    pub(super) fn verifies(&self, signed: &str, signature: &str) -> bool {
        jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &self.key, self.algorithm).unwrap_or(false)
    }
}

fn from_pem(pem: &[u8], family: AlgorithmFamily) -> Result<DecodingKey, String> {
    let text = String::from_utf8_lossy(pem);
    if text.contains("PRIVATE KEY") {
        return Err("this is a private key; give the gateway the public one only".to_owned());
    }
    if !text.contains("-----BEGIN PUBLIC KEY-----") && !text.contains("-----BEGIN RSA PUBLIC KEY-----") {
        return Err("expected a PEM file with BEGIN PUBLIC KEY".to_owned());
    }
    let parsed = match family {
        AlgorithmFamily::Rsa => DecodingKey::from_rsa_pem(pem),
        AlgorithmFamily::Ec => DecodingKey::from_ec_pem(pem),
        AlgorithmFamily::Ed => DecodingKey::from_ed_pem(pem),
        AlgorithmFamily::Hmac => return Err("an HMAC algorithm needs a secret, not a public key".to_owned()),
    };
    parsed.map_err(|_| format!("the file does not hold a public key of the family {family:?}"))
}

/// aws-lc-rs refuses anything else at each verification; here it is refused at start.
fn long_enough(modulus: &[u8]) -> bool {
    let bits = modulus.iter().skip_while(|byte| **byte == 0).count() * 8;
    (SHORTEST_MODULUS..=LONGEST_MODULUS).contains(&bits)
}

/// The algorithms that have a curve, and which.
const CURVES: [(Algorithm, &dyn VerificationAlgorithm); 3] = [
    (Algorithm::ES256, &signature::ECDSA_P256_SHA256_FIXED),
    (Algorithm::ES384, &signature::ECDSA_P384_SHA384_FIXED),
    (Algorithm::EdDSA, &signature::ED25519),
];

fn is_point_of(algorithm: Algorithm, point: &[u8]) -> bool {
    let curve = CURVES.iter().find(|(named, _)| *named == algorithm);
    curve.is_some_and(|(_, curve)| ParsedPublicKey::new(*curve, point).is_ok())
}
