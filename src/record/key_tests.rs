//! Sealing and opening against the trace of RFC 8448, and what must not open.

use super::super::head::TAIL;
use super::*;
use rustls::crypto::cipher::{AeadKey, Iv};

fn secrets(suite: u8) -> Secrets {
    let mut key = [0; 32];
    key[..16].copy_from_slice(&CLIENT_KEY);
    let (key, iv) = (AeadKey::from(key), Iv::from(CLIENT_IV));
    match suite {
        0 => Secrets::Aes128Gcm { key, iv },
        1 => Secrets::Aes256Gcm { key, iv },
        _ => Secrets::Chacha20Poly1305 { key, iv },
    }
}

fn pair(suite: u8) -> (Sealer, Opener) {
    (Sealer::new(&secrets(suite), 0, 1 << 24).unwrap(), Opener::new(&secrets(suite), 0).unwrap())
}

fn sealed(sealer: &mut Sealer, kind: ContentType, plain: &[u8]) -> Vec<u8> {
    let mut record = [&[0; HEADER][..], plain, &[0; TAIL]].concat();
    sealer.seal(kind, &mut record).unwrap();
    record
}

/// RFC 8448 section 3, "client application traffic secret 0", and its first record of application data.
const CLIENT_KEY: [u8; 16] =
    [0x17, 0x42, 0x2d, 0xda, 0x59, 0x6e, 0xd5, 0xd9, 0xac, 0xd8, 0x90, 0xe3, 0xc6, 0x3f, 0x50, 0x51];
const CLIENT_IV: [u8; 12] = [0x5b, 0x78, 0x92, 0x3d, 0xee, 0x08, 0x57, 0x90, 0x33, 0xe5, 0x23, 0xd9];
const RECORD: [u8; 72] = [
    0x17, 0x03, 0x03, 0x00, 0x43, 0xa2, 0x3f, 0x70, 0x54, 0xb6, 0x2c, 0x94, 0xd0, 0xaf, 0xfa, 0xfe, 0x82, 0x28, 0xba,
    0x55, 0xcb, 0xef, 0xac, 0xea, 0x42, 0xf9, 0x14, 0xaa, 0x66, 0xbc, 0xab, 0x3f, 0x2b, 0x98, 0x19, 0xa8, 0xa5, 0xb4,
    0x6b, 0x39, 0x5b, 0xd5, 0x4a, 0x9a, 0x20, 0x44, 0x1e, 0x2b, 0x62, 0x97, 0x4e, 0x1f, 0x5a, 0x62, 0x92, 0xa2, 0x97,
    0x70, 0x14, 0xbd, 0x1e, 0x3d, 0xea, 0xe6, 0x3a, 0xee, 0xbb, 0x21, 0x69, 0x49, 0x15, 0xe4,
];

#[test]
fn the_record_of_rfc_8448() {
    let plain: Vec<u8> = (0..50).collect();
    let (mut sealer, mut opener) = pair(0);
    assert_eq!(sealed(&mut sealer, ContentType::Data, &plain), RECORD);
    let mut record = RECORD;
    assert_eq!(opener.open(&mut record), Ok((ContentType::Data, 50)));
    assert_eq!(record[HEADER..HEADER + 50], plain);
}

#[test]
fn every_suite_opens_what_it_sealed_in_its_order_and_once() {
    for suite in 0..3 {
        let (mut sealer, mut opener) = pair(suite);
        let records: Vec<Vec<u8>> =
            (0..300).map(|n| sealed(&mut sealer, ContentType::Data, &vec![n as u8; n])).collect();
        for (n, record) in records.iter().enumerate() {
            let mut record = record.clone();
            assert_eq!(opener.open(&mut record), Ok((ContentType::Data, n)));
            assert!(record[HEADER..HEADER + n].iter().all(|byte| *byte == n as u8));
        }
        assert_eq!(opener.open(&mut records[299].clone()), Err(Broke::Sealed), "a record comes once");
        let (_, mut opener) = pair(suite);
        assert_eq!(opener.open(&mut records[1].clone()), Err(Broke::Sealed), "none is left out");
    }
}

#[test]
fn a_key_that_rested_goes_on_where_it_was() {
    for suite in 0..3 {
        let (mut sealer, mut opener) = pair(suite);
        for n in 0..20_u8 {
            let mut record = sealed(&mut sealer, ContentType::Data, &[n; 9]);
            assert_eq!(opener.open(&mut record), Ok((ContentType::Data, 9)), "no number comes twice");
            if n % 3 == 0 {
                sealer.rest();
            }
            if n % 4 == 0 {
                opener.rest();
                assert!(opener.cipher.at_work.is_none());
            }
        }
    }
}

#[test]
fn a_changed_bit_anywhere_does_not_open() {
    let (mut sealer, _) = pair(0);
    let good = sealed(&mut sealer, ContentType::Data, b"key press");
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(pair(0).1.open(&mut bad), Err(Broke::Sealed), "bit {bit}");
    }
    for len in 0..good.len() {
        assert!(pair(0).1.open(&mut good[..len].to_vec()).is_err(), "cut at {len}");
    }
}

/// Seals inner plaintext as it is: type and padding are the test's.
fn raw(inner: &[u8]) -> Vec<u8> {
    let (mut cipher, mut nonces) = bound(&secrets(0), 0, 9).unwrap();
    let mut inner = inner.to_vec();
    let head = [23, 3, 3, ((inner.len() + TAG) >> 8) as u8, (inner.len() + TAG) as u8];
    let (key, nonce) = (cipher.at_work().unwrap(), nonces.advance().unwrap());
    let tag = key.seal(nonce, head, &mut inner).unwrap();
    [&head[..], &inner, &tag].concat()
}

#[test]
fn padding_is_taken_off_and_only_the_three_types_come() {
    let open = |inner: &[u8]| pair(0).1.open(&mut raw(inner));
    assert_eq!(open(&[&b"text"[..], &[23], &[0; 4000]].concat()), Ok((ContentType::Data, 4)));
    assert_eq!(open(&[23]), Ok((ContentType::Data, 0)), "an empty record is one");
    assert_eq!(open(&[0, 0, 22, 0]), Ok((ContentType::Handshake, 2)), "zeros of the content are no padding");
    assert_eq!(open(&[1, 0, 21]), Ok((ContentType::Alert, 2)));
    for inner in [&[][..], &[0; 40], &[7, 20], &[7, 24, 0]] {
        assert_eq!(open(inner), Err(Broke::Unexpected), "{inner:?}");
    }
    let full = [&[9; MAX_PLAIN][..], &[23]].concat();
    assert_eq!(open(&full), Ok((ContentType::Data, MAX_PLAIN)));
    assert_eq!(open(&[&full[..], &[0]].concat()), Err(Broke::TooLong), "padding counts too");
}

#[test]
fn a_key_ends_before_its_suite_does_and_says_so_in_time() {
    let most = RESERVE + 2;
    let mut sealer = Sealer::new(&secrets(0), 0, most).unwrap();
    assert!(!sealer.is_worn());
    sealed(&mut sealer, ContentType::Data, b"x");
    sealed(&mut sealer, ContentType::Data, b"x");
    assert!(sealer.is_worn());
    for _ in 0..RESERVE {
        sealed(&mut sealer, ContentType::Data, b"x");
    }
    let mut record = [0; HEADER + TAIL];
    assert_eq!(sealer.seal(ContentType::Data, &mut record), Err(Broke::Exhausted));
    assert_eq!(sealer.seal(ContentType::Data, &mut record), Err(Broke::Exhausted));
}

#[test]
fn more_than_a_record_holds_is_not_sealed() {
    let (mut sealer, _) = pair(0);
    let mut record = vec![0; HEADER + MAX_PLAIN + 1 + TAIL];
    assert_eq!(sealer.seal(ContentType::Data, &mut record), Err(Broke::TooLong));
    assert_eq!(sealer.seal(ContentType::Data, &mut [0; HEADER + TAG]), Err(Broke::Malformed), "no room for its type");
}
