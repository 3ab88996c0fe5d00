//! Keys and encrypted bodies, taken apart and put together again. Nothing is decrypted here: keys, messages and signatures
//! are the digits that stand in the packet, hexadecimal or, where [`Ciphers::BASE64`] says so, base64.

use crate::body::BodyError;
use crate::command::{AnyOptions, Command, Mode, Options};
use crate::limits::MAX_KEY_DIGITS;
use crate::number;
use crate::packet::Packet;

/// Ciphers, signatures and spellings: those that a node can, or those that a message uses. Unknown ones are kept. iptux's
/// header has other numbers under these names, and implements none of them.
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

/// An encrypted message or request for a file, `ciphers:key:message[:signature]`. The sections behind it are those of the
/// packet.
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
