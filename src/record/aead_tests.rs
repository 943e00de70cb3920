//! Both libraries are one cipher: what one seals the other opens, and neither opens anything else.

use super::*;

const SUITES: [Suite; 3] = [Suite::Aes128Gcm, Suite::Aes256Gcm, Suite::Chacha20Poly1305];
#[cfg(target_arch = "x86_64")]
const LIBRARIES: [Library; 2] = [Library::AwsLc, Library::Ring];
#[cfg(not(target_arch = "x86_64"))]
const LIBRARIES: [Library; 1] = [Library::AwsLc];
const HEAD: [u8; HEADER] = [23, 3, 3, 1, 2];

fn cipher(library: Library, suite: Suite) -> Aead {
    let key: Vec<u8> = (0..suite.key_len()).map(|n| n as u8).collect();
    Aead::by(library, suite, &key).unwrap()
}

const fn nonce(n: u8) -> Nonce {
    Nonce([n; NONCE])
}

fn sealed(cipher: &Aead, plain: &[u8]) -> Vec<u8> {
    let mut record = plain.to_vec();
    let tag = cipher.seal(nonce(7), HEAD, &mut record).unwrap();
    [&record[..], &tag].concat()
}

#[test]
fn what_one_library_seals_every_one_opens() {
    for suite in SUITES {
        for len in (0..600).chain([1024, 4095, 4096, 4097, 16_383, 16_384, 16_385]) {
            let plain: Vec<u8> = (0..len).map(|n| (n * 7) as u8).collect();
            let all = LIBRARIES.map(|library| sealed(&cipher(library, suite), &plain));
            assert!(all.iter().all(|sealed| *sealed == all[0]), "{suite:?}, {len} bytes");
            for library in LIBRARIES {
                let mut sealed = all[0].clone();
                assert_eq!(cipher(library, suite).open(nonce(7), HEAD, &mut sealed), Ok(&mut plain.clone()[..]));
            }
        }
    }
}

#[test]
fn neither_opens_what_was_changed() {
    for suite in SUITES {
        for library in LIBRARIES {
            let cipher = cipher(library, suite);
            let good = sealed(&cipher, &[9; 300]);
            for bit in 0..good.len() * 8 {
                let mut bad = good.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(cipher.open(nonce(7), HEAD, &mut bad), Err(Broke::Sealed), "{library:?}, bit {bit}");
            }
            assert_eq!(cipher.open(nonce(8), HEAD, &mut good.clone()), Err(Broke::Sealed), "another number");
            assert_eq!(
                cipher.open(nonce(7), [23, 3, 3, 1, 3], &mut good.clone()),
                Err(Broke::Sealed),
                "another header"
            );
            for len in 0..TAG {
                assert_eq!(cipher.open(nonce(7), HEAD, &mut good.clone()[..len]), Err(Broke::Sealed), "{len} bytes");
            }
        }
    }
}

#[test]
fn a_key_of_another_length_is_none() {
    for suite in SUITES {
        for library in LIBRARIES {
            for len in (0..48).filter(|len| *len != suite.key_len()) {
                assert!(Aead::by(library, suite, &vec![1; len]).is_err(), "{library:?}, {suite:?}, {len}");
            }
        }
    }
}

/// What is in the place of a wiped key is the key of zeros, whatever it was.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_wiped_key_is_the_key_of_zeros() {
    let zeros = Aead::by(Library::Ring, Suite::Aes256Gcm, &[0; 32]).unwrap();
    for suite in SUITES {
        let Aead::Ring(mut key) = cipher(Library::Ring, suite) else { panic!("not what was asked for") };
        key.wipe();
        assert_eq!(sealed(&Aead::Ring(key), b"text"), sealed(&zeros, b"text"));
    }
}

/// A processor that has what ring's code needs and not what aws-lc's needs gets ring's, and no other does.
#[cfg(target_arch = "x86_64")]
#[test]
fn the_processor_chooses() {
    let flags = std::fs::read_to_string("/proc/cpuinfo").unwrap();
    let flags = flags.lines().find(|line| line.starts_with("flags")).unwrap();
    let has = |wanted: &str| flags.split_whitespace().any(|flag| flag == wanted);
    let avx512 = ["avx512f", "avx512bw", "avx512dq", "avx512vl"].into_iter().all(has);
    let ring = has("vaes") && has("vpclmulqdq") && has("avx2") && !avx512;
    for suite in [Suite::Aes128Gcm, Suite::Aes256Gcm] {
        assert_eq!(Library::faster(suite), if ring { Library::Ring } else { Library::AwsLc });
    }
    assert_eq!(Library::faster(Suite::Chacha20Poly1305), Library::AwsLc);
}
