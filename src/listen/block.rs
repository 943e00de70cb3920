//! The address block that one client can be expected to own: an IPv4 address, or the /64 of an IPv6 address.

use std::net::IpAddr;

/// What is counted as one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Block {
    /// One address.
    V4([u8; 4]),
    /// The first half of an address: a household or a server gets at least that much.
    V6([u16; 4]),
}

impl Block {
    /// What one network has: the /24 of an IPv4 address, or the /48 of an IPv6 address, which one site can be expected to
    /// own.
    #[must_use]
    pub const fn network(self) -> Self {
        match self {
            Self::V4([a, b, c, _]) => Self::V4([a, b, c, 0]),
            Self::V6([a, b, c, _]) => Self::V6([a, b, c, 0]),
        }
    }
}

impl From<IpAddr> for Block {
    fn from(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(v4) => Self::V4(v4.octets()),
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                Self::V6([a, b, c, d])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> Block {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn e03_a_64_is_one_client_and_an_ipv4_address_is_one() {
        assert_eq!(block("2001:db8:1:2::1"), block("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(block("2001:db8:1:2::1"), block("2001:db8:1:3::1"));
        assert_ne!(block("192.0.2.1"), block("192.0.2.2"));
        assert_eq!(block("::ffff:192.0.2.1"), block("192.0.2.1"));
    }
}
