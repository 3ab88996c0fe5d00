//! Keys and encrypted bodies, taken apart and put together again. Nothing is decrypted here: keys, messages and
//! signatures are the digits that stand in the packet, hexadecimal or, where [`Ciphers::BASE64`] says so, base64.

use crate::body::BodyError;
use crate::command::{AnyOptions, Command, Mode, Options};
use crate::limits::MAX_KEY_DIGITS;
use crate::number;
use crate::packet::Packet;

/// Ciphers, signatures and spellings: those that a node can, or those that a message uses. Unknown ones are kept.
/// iptux's header has other numbers under these names, and implements none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ciphers(pub u32);

/// A public key of RSA (`ANSPUBKEY`), `ciphers:exponent-modulus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey<'a> {
    /// What its owner can.
    pub ciphers: Ciphers,
    /// In hexadecimal digits.
    pub exponent: &'a [u8],
    /// In hexadecimal digits, the most significant first.
    pub modulus: &'a [u8],
}

/// An encrypted message or request for a file, `ciphers:key:message[:signature]`. The sections behind it are those of
/// the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encrypted<'a> {
    /// What is encrypted; always with [`Options::ENCRYPT`].
    pub command: Command,
    /// What was used.
    pub ciphers: Ciphers,
    /// The key of the message, encrypted with the receiver's key.
    pub key: &'a [u8],
    /// The message, encrypted with that key.
    pub message: &'a [u8],
    /// The sender's signature.
    pub signature: Option<&'a [u8]>,
}

impl Ciphers {
    /// RSA with 1024 bits.
    pub const RSA_1024: Self = Self(0x0000_0002);
    /// RSA with 2048 bits.
    pub const RSA_2048: Self = Self(0x0000_0004);
    /// RSA with 4096 bits.
    pub const RSA_4096: Self = Self(0x0000_0008);
    /// Blowfish with 128 bits.
    pub const BLOWFISH_128: Self = Self(0x0002_0000);
    /// AES with 256 bits.
    pub const AES_256: Self = Self(0x0010_0000);
    /// IPDict in counter mode.
    pub const IPDICT_CTR: Self = Self(0x0040_0000);
    /// The packet number is the initial vector.
    pub const PACKETNO_IV: Self = Self(0x0080_0000);
    /// Base64 instead of hexadecimal.
    pub const BASE64: Self = Self(0x0100_0000);
    /// Files go in clear.
    pub const NOENC_FILEBODY: Self = Self(0x0400_0000);
    /// Signed over SHA-1.
    pub const SIGN_SHA1: Self = Self(0x2000_0000);
    /// Signed over SHA-256.
    pub const SIGN_SHA256: Self = Self(0x4000_0000);

    /// Whether all of these are among them.
    #[must_use]
    pub const fn has(self, ciphers: Self) -> bool {
        self.0 & ciphers.0 == ciphers.0
    }

    /// These and those.
    #[must_use]
    pub const fn with(self, ciphers: Self) -> Self {
        Self(self.0 | ciphers.0)
    }

    pub(crate) fn parse(digits: &[u8]) -> Result<Self, BodyError> {
        number::hex32(digits).map(Self).ok_or(BodyError::Missing("set of ciphers"))
    }

    /// As the question for a key.
    pub(crate) fn write(self) -> (Command, Vec<u8>) {
        let body = format!("{:x}\0", self.0).into_bytes();
        (Command::new(Mode::GETPUBKEY, Options::<AnyOptions>::NONE), body)
    }

    fn allow(self, byte: u8) -> bool {
        if self.has(Self::BASE64) {
            byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
        } else {
            byte.is_ascii_hexdigit()
        }
    }
}

impl<'a> PublicKey<'a> {
    pub(crate) fn parse(packet: &Packet<'a>) -> Result<Self, BodyError> {
        let mut halves = packet.additional().splitn(2, |byte| *byte == b':');
        let ciphers = Ciphers::parse(halves.next().unwrap_or_default())?;
        let mut key = halves.next().unwrap_or_default().splitn(2, |byte| *byte == b'-');
        let mut number = |what| {
            let digits = key.next().unwrap_or_default();
            let good = !digits.is_empty()
                && digits.len() <= MAX_KEY_DIGITS
                && digits.iter().all(u8::is_ascii_hexdigit);
            if good { Ok(digits) } else { Err(BodyError::Missing(what)) }
        };
        Ok(Self { ciphers, exponent: number("exponent")?, modulus: number("modulus")? })
    }

    pub(crate) fn write(&self) -> (Command, Vec<u8>) {
        let mut body = format!("{:X}:", self.ciphers.0).into_bytes();
        body.extend_from_slice(self.exponent);
        body.push(b'-');
        body.extend_from_slice(self.modulus);
        body.push(0);
        (Command::new(Mode::ANSPUBKEY, Options::<AnyOptions>::NONE), body)
    }
}

impl<'a> Encrypted<'a> {
    pub(crate) fn parse(packet: &Packet<'a>) -> Result<Self, BodyError> {
        let mut fields = packet.additional().splitn(4, |byte| *byte == b':');
        let ciphers = Ciphers::parse(fields.next().unwrap_or_default())?;
        let check = |digits: &'a [u8], most, what| {
            let good =
                !digits.is_empty() && digits.len() <= most && digits.iter().all(|byte| ciphers.allow(*byte));
            if good { Ok(digits) } else { Err(BodyError::Missing(what)) }
        };
        let key = check(fields.next().unwrap_or_default(), MAX_KEY_DIGITS, "encrypted key")?;
        let message = check(fields.next().unwrap_or_default(), usize::MAX, "encrypted message")?;
        let signature = fields.next().map(|digits| check(digits, MAX_KEY_DIGITS, "signature")).transpose()?;
        Ok(Self { command: packet.command, ciphers, key, message, signature })
    }

    pub(crate) fn write(&self) -> (Command, Vec<u8>) {
        let mut body = format!("{:x}", self.ciphers.0).into_bytes();
        for digits in [self.key, self.message].into_iter().chain(self.signature) {
            body.push(b':');
            body.extend_from_slice(digits);
        }
        body.push(0);
        (self.command, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::{Body, Sender};
    use crate::charset::{Charset, Dialect, Reader};

    fn read(datagram: &str) -> Result<Body<'_>, BodyError> {
        Body::parse(&Packet::parse(datagram.as_bytes()).unwrap(), &mut Reader::new(Charset::GBK))
    }

    #[test]
    fn keys_and_encrypted_bodies_are_read_and_written() {
        let message = Command::from_number(0x40_0120);
        let request = Command::from_number(0x40_0862);
        let suite = Ciphers(0x40b0_0004);
        for (datagram, body) in [
            ("1:7:u:h:114:20b00004\0", Body::KeyRequest(Ciphers(0x20b0_0004))),
            (
                "1:7:u:h:115:20B00004:10001-ABCDEF\0",
                Body::PublicKey(PublicKey {
                    ciphers: Ciphers(0x20b0_0004),
                    exponent: b"10001",
                    modulus: b"ABCDEF",
                }),
            ),
            (
                "1:7:u:h:4194592:40b00004:aa11:bb22:cc33\0",
                Body::Encrypted(Encrypted {
                    command: message,
                    ciphers: suite,
                    key: b"aa11",
                    message: b"bb22",
                    signature: Some(b"cc33"),
                }),
            ),
            (
                "1:7:u:h:4196450:1000002:aZ+/==:Zz09\0",
                Body::Encrypted(Encrypted {
                    command: request,
                    ciphers: Ciphers::BASE64.with(Ciphers::RSA_1024),
                    key: b"aZ+/==",
                    message: b"Zz09",
                    signature: None,
                }),
            ),
        ] {
            assert_eq!(read(datagram).as_ref(), Ok(&body), "{datagram}");
            let bytes = body.build(7, Sender { user: "u", host: "h" }, Dialect::UTF_8).unwrap();
            assert_eq!(String::from_utf8(bytes).unwrap(), datagram);
        }
    }

    #[test]
    fn what_is_no_key_and_no_cipher_text_is_refused() {
        for (datagram, missing) in [
            ("1:7:u:h:114:\0", "set of ciphers"),
            ("1:7:u:h:115:4\0", "exponent"),
            ("1:7:u:h:115:4:10001\0", "modulus"),
            ("1:7:u:h:115:4:10001-XYZ\0", "modulus"),
            ("1:7:u:h:115:4:-AB\0", "exponent"),
            ("1:7:u:h:4194592:hello\0", "set of ciphers"),
            ("1:7:u:h:4194592:4:aa\0", "encrypted message"),
            ("1:7:u:h:4194592:4:aZ:bb\0", "encrypted key"),
            ("1:7:u:h:4194592:4:aa:bb:\0", "signature"),
        ] {
            assert_eq!(read(datagram), Err(BodyError::Missing(missing)), "{datagram}");
        }
    }

    #[test]
    fn an_entry_that_says_it_can_decrypt_is_still_an_entry() {
        assert!(matches!(read("1_lbt6_0#128#1#0:7:u:h:6291457:n\0"), Ok(Body::Presence(_))));
    }
}
