//! When a certificate ends: the `notAfter` of an X.509 certificate, read from its DER.
//!
//! Reads only the road to that field (RFC 5280 4.1) and knows nothing else of certificates.

use crate::calendar::days_since_1970;

/// `notAfter` in Unix seconds; none where the bytes are not a certificate.
#[must_use]
pub fn not_after(certificate: &[u8]) -> Option<u64> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let (_, body, _) = element(certificate).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, mut rest, _) = element(body).filter(|(tag, ..)| *tag == SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        (_, _, rest) = element(rest)?;
    }
    // serialNumber, signature, issuer, then validity.
    for _ in 0..3 {
        (_, _, rest) = element(rest)?;
    }
    let (_, validity, _) = element(rest).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, _, rest) = element(validity)?;
    let (tag, text, _) = element(rest)?;
    seconds(tag, text)
}

/// One DER element: its tag, its content, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first & 0x80 != 0 {
        let count = usize::from(first & 0x7f);
        let (digits, after) = rest.split_at_checked(count).filter(|_| (1..=4).contains(&count))?;
        length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
        rest = after;
    }
    let (content, after) = rest.split_at_checked(length)?;
    Some((tag, content, after))
}

/// `UTCTime` (YYMMDDHHMMSSZ, 1950 to 2049) or `GeneralizedTime` (YYYYMMDDHHMMSSZ).
fn seconds(tag: u8, text: &[u8]) -> Option<u64> {
    const UTC_TIME: u8 = 0x17;
    const GENERALIZED_TIME: u8 = 0x18;
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let year: i64 = text.get(..2)?.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, text.get(2..)?)
        }
        GENERALIZED_TIME => (text.get(..4)?.parse().ok()?, text.get(4..)?),
        _ => return None,
    };
    if rest.len() != 10 {
        return None;
    }
    let part = |at: usize| rest.get(at..at + 2)?.parse::<u8>().ok();
    let days = u64::try_from(days_since_1970(year, part(0)?, part(2)?)?).ok()?;
    let [hours, minutes, seconds] = [part(4)?, part(6)?, part(8)?].map(u64::from);
    Some(days * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_both_forms_are_unix_seconds() {
        assert_eq!(seconds(0x17, b"700101000000Z"), Some(0));
        assert_eq!(seconds(0x17, b"261121231506Z"), Some(1_795_302_906));
        assert_eq!(seconds(0x18, b"20000229120000Z"), Some(951_825_600));
        assert_eq!(seconds(0x18, b"40960101000000Z"), Some(67_090_118_400));
        for bad in [&b"261321231506Z"[..], b"2611212315Z", b"261121231506", b""] {
            assert_eq!(seconds(0x17, bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_real_certificate_ends_when_it_was_made_to_end() {
        let mut params = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2031, 5, 6);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        assert_eq!(not_after(certificate.der()), Some(1_935_792_000));
        let der = certificate.der();
        for cut in 0..der.len() {
            assert_eq!(not_after(der.get(..cut).unwrap()), None, "{cut}");
        }
    }
}
