//! The three lines an entry may have. Each has a parameter for its address: one address, or in a range one for each
//! name ([`crate::book::Each`]).

use std::fmt;
use std::str::FromStr;

use net::charset::Charset;
use net::frame::Framing;
use net::{AddressError, HostPort};
use thiserror::Error;

use super::Address;
use super::login::{Login, Via, host_and_port};

/// Where IP Messenger listens, unless told otherwise.
pub const CHAT_PORT: u16 = ipmsg::node::PORT;

/// How a person is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatLine<At = ChatAddress> {
    /// Where, and by which protocol.
    pub at: At,
    /// The charset the far side speaks, where it is known.
    pub charset: Option<Charset>,
    /// The key that has to be shown; only IP Messenger has keys.
    pub key: Option<Fingerprint>,
}

/// How a machine is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshLine<At = Login> {
    /// The host, and where they are not the usual ones its port and the user.
    pub at: At,
    /// The charset of what programs print there, where it is known.
    pub charset: Option<Charset>,
    /// The machines on the way, nearest first; none where it is reached directly.
    pub via: Vec<Via>,
}

/// How an endpoint is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketLine<At = Address> {
    /// What [`net::client`] connects to.
    pub at: At,
    /// How its stream is cut into messages, where that is known.
    pub framing: Option<Framing>,
}

/// Where a chat line leads. Always has a host, and a port that is not 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChatAddress {
    /// IP Messenger and what speaks its protocol: UDP, files over TCP at the same port.
    IpMessenger(HostPort),
    /// Bare texts in datagrams.
    Udp(HostPort),
}

/// Why a text is not the address of a chat line.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ChatAddressError {
    /// `tcp://` and the like.
    #[error("{text} is no chat line: write the HOST or HOST:PORT of an IP Messenger, or udp://HOST:PORT")]
    Scheme {
        /// What was given.
        text: String,
    },
    /// No host, or port 0: nobody can be sent to there.
    #[error("{text} leads nowhere: write a host, and a port from 1 to 65535")]
    Nowhere {
        /// What was given.
        text: String,
    },
    /// Anything else that is wrong with it.
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// The name of a person's key in IP Messenger: 8 bytes, written as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 8]);

/// A text that is no fingerprint.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a key is written as the 16 hexadecimal digits of its fingerprint, such as 0123456789abcdef")]
pub struct FingerprintError;

impl FromStr for ChatAddress {
    type Err = ChatAddressError;

    fn from_str(text: &str) -> Result<Self, ChatAddressError> {
        let address = if let Some(rest) = text.strip_prefix("udp://") {
            Self::Udp(rest.parse()?)
        } else if text.contains("://") || text.starts_with("unix") && text.contains(':') {
            return Err(ChatAddressError::Scheme { text: text.to_owned() });
        } else {
            let (host, port) = host_and_port(text)?;
            Self::IpMessenger(HostPort { host: Some(host), port: port.unwrap_or(CHAT_PORT) })
        };
        let (Self::IpMessenger(at) | Self::Udp(at)) = &address;
        if at.host.is_none() || at.port == 0 {
            return Err(ChatAddressError::Nowhere { text: text.to_owned() });
        }
        Ok(address)
    }
}

/// Reads back as the same.
impl fmt::Display for ChatAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IpMessenger(at) => at.fmt(f),
            Self::Udp(at) => write!(f, "udp://{at}"),
        }
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match u64::from_str_radix(text, 16) {
            Ok(number) if digits => Ok(Self(number.to_be_bytes())),
            _ => Err(FingerprintError),
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip_messenger(host: &str, port: u16) -> ChatAddress {
        ChatAddress::IpMessenger(HostPort { host: Some(host.to_owned()), port })
    }

    fn error(text: &str) -> String {
        text.parse::<ChatAddress>().expect_err(text).to_string()
    }

    #[test]
    fn a_bare_host_is_an_ip_messenger_at_its_usual_port() {
        assert_eq!("10.0.0.21".parse(), Ok(ip_messenger("10.0.0.21", 2425)));
        assert_eq!("pc21.lab:2426".parse(), Ok(ip_messenger("pc21.lab", 2426)));
        assert_eq!("::1".parse(), Ok(ip_messenger("::1", 2425)));
        assert_eq!("[fe80::1%eth0]".parse(), Ok(ip_messenger("fe80::1%eth0", 2425)));
        let udp = ChatAddress::Udp(HostPort { host: Some("10.0.0.30".to_owned()), port: 9000 });
        assert_eq!("udp://10.0.0.30:9000".parse(), Ok(udp));
    }

    #[test]
    fn chat_addresses_print_as_they_are_read() {
        for text in ["10.0.0.21:2425", "[::1]:2426", "udp://张三:9000"] {
            assert_eq!(text.parse::<ChatAddress>().expect(text).to_string(), text);
        }
    }

    #[test]
    fn what_nobody_can_be_sent_to_is_no_chat_address() {
        for text in ["tcp://10.0.0.1:80", "unix:/run/a.sock", "unix-dgram:/run/a.sock"] {
            assert_eq!(
                error(text),
                format!(
                    "{text} is no chat line: write the HOST or HOST:PORT of an IP Messenger, or udp://HOST:PORT"
                )
            );
        }
        for text in ["udp://:9000", "10.0.0.1:0", "udp://10.0.0.1:0"] {
            assert_eq!(
                error(text),
                format!("{text} leads nowhere: write a host, and a port from 1 to 65535")
            );
        }
        assert!(error("udp://10.0.0.1").contains("has no port"));
        assert!(error("a b").contains("is not a host"));
        assert!(error(":2425").contains("is not a host"));
    }

    #[test]
    fn a_fingerprint_has_16_digits_of_either_case() {
        let key: Fingerprint = "0123456789ABCDEF".parse().unwrap();
        assert_eq!(key, Fingerprint([0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]));
        assert_eq!(key.to_string(), "0123456789abcdef");
        for text in [
            "",
            "0123456789abcde",
            "0123456789abcdef0",
            "+123456789abcdef",
            "0123456789abcdeg",
            "０１２３456",
        ] {
            assert_eq!(text.parse::<Fingerprint>(), Err(FingerprintError), "{text}");
        }
    }
}
