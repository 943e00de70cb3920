//! One key pair for each algorithm, made once.

use super::*;
use rcgen::{KeyPair, RsaKeySize, SignatureAlgorithm};
use std::sync::LazyLock;

/// One signer for each algorithm that a key may have; the `kid` is the algorithm's name.
pub(super) static PAIRS: LazyLock<Vec<Signer>> = LazyLock::new(|| {
    let mut pairs = vec![
        Signer::shared("HS256", Algorithm::HS256, &[1; 32]),
        Signer::shared("HS384", Algorithm::HS384, &[2; 48]),
        Signer::shared("HS512", Algorithm::HS512, &[3; 64]),
        elliptic(Algorithm::ES256, &rcgen::PKCS_ECDSA_P256_SHA256),
        elliptic(Algorithm::ES384, &rcgen::PKCS_ECDSA_P384_SHA384),
        elliptic(Algorithm::EdDSA, &rcgen::PKCS_ED25519),
    ];
    // All six with one RSA key: only the configured algorithm keeps them apart.
    let rsa = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    for algorithm in
        [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512]
    {
        let key = EncodingKey::from_rsa_pem(rsa.serialize_pem().as_bytes()).unwrap();
        pairs.push(Signer::public(&format!("{algorithm:?}"), algorithm, key, &rsa.public_key_pem()));
    }
    pairs
});

/// The signer of this algorithm.
pub(super) fn pair(algorithm: Algorithm) -> &'static Signer {
    PAIRS.iter().find(|signer| signer.algorithm == algorithm).unwrap()
}

fn elliptic(algorithm: Algorithm, curve: &'static SignatureAlgorithm) -> Signer {
    let pair = KeyPair::generate_for(curve).unwrap();
    let pem = pair.serialize_pem();
    let key = if algorithm == Algorithm::EdDSA {
        EncodingKey::from_ed_pem(pem.as_bytes())
    } else {
        EncodingKey::from_ec_pem(pem.as_bytes())
    };
    Signer::public(&format!("{algorithm:?}"), algorithm, key.unwrap(), &pair.public_key_pem())
}
