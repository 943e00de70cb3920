//! Makes and checks the cluster's tickets: login, CSRF and VNC (protocol reference section 4).
//!
//! The signature is an HMAC stretched to the length of Proxmox's RSA one, so tickets have the real shape and length.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::fill;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io;

/// The cluster's signing key.
#[derive(Debug)]
pub(super) struct Tickets {
    key: hmac::Key,
}

/// What a VNC ticket is signed over.
#[derive(Debug, Clone, Copy)]
pub(super) struct VncClaim<'a> {
    pub(super) identity: &'a str,
    pub(super) path: &'a str,
    /// Left out before April 2026.
    pub(super) port: Option<u16>,
}

impl Tickets {
    pub(super) fn new() -> io::Result<Self> {
        let mut key = [0; 32];
        random(&mut key)?;
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key) })
    }

    /// A login ticket: `PVE:<user>:<time>::<signature>`.
    pub(super) fn login(&self, user: &str, now: i64) -> String {
        let plain = format!("PVE:{user}:{now:08X}");
        let signature = self.sign(&plain);
        format!("{plain}::{signature}")
    }

    /// The user of a good login ticket of at most two hours.
    pub(super) fn check_login(&self, ticket: &str, now: i64) -> Option<String> {
        let (plain, signature) = ticket.split_once("::")?;
        let (user, time) = plain.strip_prefix("PVE:")?.rsplit_once(':')?;
        let good = self.sign(plain) == signature && in_window(time, now, -300, 7200);
        good.then(|| user.to_owned())
    }

    /// The text for `CSRFPreventionToken`.
    pub(super) fn csrf(&self, user: &str, now: i64) -> String {
        let time = format!("{now:08X}");
        let tag = hmac::sign(&self.key, format!("csrf:{time}:{user}").as_bytes());
        format!("{time}:{}", STANDARD.encode(tag.as_ref()).trim_end_matches('='))
    }

    pub(super) fn check_csrf(&self, text: &str, user: &str, now: i64) -> bool {
        let Some((time, _)) = text.split_once(':') else { return false };
        let Ok(made) = i64::from_str_radix(time, 16) else { return false };
        in_window(time, now, -300, 7200) && self.csrf(user, made) == text
    }

    /// A VNC ticket without prefix: `PVEVNC:<time>::<signature>`.
    pub(super) fn vnc(&self, claim: VncClaim<'_>, now: i64) -> String {
        let signature = self.sign(&vnc_text(claim, &format!("{now:08X}")));
        format!("PVEVNC:{now:08X}::{signature}")
    }

    /// Whether a VNC ticket, with or without prefix, is of this identity, path and port, and not too old.
    pub(super) fn check_vnc(&self, ticket: &str, claim: VncClaim<'_>, now: i64) -> bool {
        let bare = match ticket.split_at_checked(9) {
            Some((prefix, rest)) if prefix.ends_with(':') && rest.starts_with("PVEVNC:") => rest,
            Some(_) | None => ticket,
        };
        let Some((time, signature)) = bare.strip_prefix("PVEVNC:").and_then(|rest| rest.split_once("::")) else {
            return false;
        };
        in_window(time, now, -20, 40) && self.sign(&vnc_text(claim, time)) == signature
    }

    /// 256 bytes in base64, as a 2048-bit RSA key gives.
    fn sign(&self, plain: &str) -> String {
        let mut signature = Vec::with_capacity(256);
        for part in 0_u8..8 {
            let mut context = hmac::Context::with_key(&self.key);
            context.update(&[part]);
            context.update(plain.as_bytes());
            signature.extend_from_slice(context.sign().as_ref());
        }
        STANDARD.encode(signature)
    }
}

fn vnc_text(claim: VncClaim<'_>, time: &str) -> String {
    match claim.port {
        Some(port) => format!("PVEVNC:{}:{}:{port}:{time}", claim.identity, claim.path),
        None => format!("PVEVNC:{}:{}:{time}", claim.identity, claim.path),
    }
}

/// `from < now - time < to`, both ends outside.
fn in_window(time: &str, now: i64, from: i64, to: i64) -> bool {
    let Ok(made) = i64::from_str_radix(time, 16) else { return false };
    let age = now - made;
    from < age && age < to
}

/// Eight characters `!` to `` ` ``, as Proxmox makes VNC passwords.
pub(super) fn vnc_password() -> io::Result<String> {
    let mut bytes = [0; 8];
    random(&mut bytes)?;
    Ok(bytes.iter().map(|byte| char::from(0x21 + (byte & 0x3f))).collect())
}

/// A random UUID, as API token secrets are.
pub(super) fn uuid() -> io::Result<String> {
    let mut bytes = [0; 16];
    random(&mut bytes)?;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    let (a, rest) = hex.split_at_checked(8).unwrap_or_default();
    let (b, rest) = rest.split_at_checked(4).unwrap_or_default();
    let (c, rest) = rest.split_at_checked(4).unwrap_or_default();
    let (d, e) = rest.split_at_checked(4).unwrap_or_default();
    Ok(format!("{a}-{b}-{c}-{d}-{e}"))
}

pub(super) fn random(bytes: &mut [u8]) -> io::Result<()> {
    fill(bytes).map_err(|_| io::Error::other("no random bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sim_08_vnc_tickets_hold_for_one_identity_path_port_and_forty_seconds() {
        let tickets = Tickets::new().unwrap();
        let claim = VncClaim { identity: "gate@pve!console", path: "/vms/100", port: Some(5900) };
        let ticket = tickets.vnc(claim, 1000);
        assert_eq!(ticket.len(), 361);
        assert!(tickets.check_vnc(&ticket, claim, 1000));
        assert!(tickets.check_vnc(&format!("a&b=c;d+:{ticket}"), claim, 1039));
        for (now, good) in [(980, false), (981, true), (1039, true), (1040, false)] {
            assert_eq!(tickets.check_vnc(&ticket, claim, now), good, "{now}");
        }
        for other in [
            VncClaim { identity: "gate@pve", ..claim },
            VncClaim { path: "/vms/101", ..claim },
            VncClaim { port: Some(5901), ..claim },
            VncClaim { port: None, ..claim },
        ] {
            assert!(!tickets.check_vnc(&ticket, other, 1000), "{other:?}");
        }
    }

    #[test]
    fn passwords_use_the_characters_that_need_encoding() {
        let all: String = (0..64).map(|_| vnc_password().unwrap()).collect();
        assert!(all.bytes().all(|byte| (0x21..=0x60).contains(&byte)));
        assert!(all.contains(['&', ';', '+', '%', '#', '=']));
    }
}
