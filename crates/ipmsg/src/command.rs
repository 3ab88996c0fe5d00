//! The command number: a mode in the low 8 bits, options in the 24 above.
//!
//! Numbers and names are those of `ipmsg.h` of IP Messenger 4.99; iptux and FeiQ have added theirs. The same bit
//! means one thing on an entry and another on a message (0x100: absence, and "acknowledge this"), so options have the
//! type of the commands that they belong to.

use std::fmt;
use std::marker::PhantomData;
use std::ops::BitOr;

/// A command as it stands in a packet. Modes and options that are not known here are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Command(u32);

/// What a packet is for: the low 8 bits of its command.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mode(pub u8);

/// The options of a command: its upper 24 bits, in their place. `K` says which commands they belong to.
#[derive(PartialEq, Eq, Hash)]
pub struct Options<K = AnyOptions> {
    bits: u32,
    of: PhantomData<K>,
}

/// Marks [`Options`] that mean the same on every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AnyOptions;

/// Marks [`Options`] of presence: entries, exits, their answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EntryOptions;

/// Marks [`Options`] of messages and receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageOptions;

/// Marks [`Options`] of requests for files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileOptions;

const MODE: u32 = 0xff;

impl Command {
    /// A command of this mode with these options.
    #[must_use]
    pub const fn new<K>(mode: Mode, options: Options<K>) -> Self {
        Self(options.bits | mode.0 as u32)
    }

    /// The command that this number is; every number is one.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// As it is written into a packet.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// What the packet is for.
    #[must_use]
    pub const fn mode(self) -> Mode {
        Mode(self.0.to_le_bytes()[0])
    }

    /// The options, as far as they mean the same on every command.
    #[must_use]
    pub const fn options(self) -> Options {
        Options::from_bits(self.0)
    }
}

/// Writes the modes that have a name down once: as constants, and for [`Mode::name`].
macro_rules! modes {
    ($($(#[$documentation:meta])* $name:ident = $number:literal;)*) => {
        impl Mode {
            $($(#[$documentation])* pub const $name: Self = Self($number);)*

            /// The name in the protocol; none for a mode that is not known here.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some(stringify!($name)),)*
                    Self(_) => None,
                }
            }
        }
    };
}

modes! {
    /// Nothing; it may carry the lines of presence.
    NOOPERATION = 0x00;
    /// "I am here": everybody answers with [`Mode::ANSENTRY`].
    BR_ENTRY = 0x01;
    /// "I am gone."
    BR_EXIT = 0x02;
    /// The answer to an entry; itself never answered.
    ANSENTRY = 0x03;
    /// "My nick, group or absence has changed"; never answered.
    BR_ABSENCE = 0x04;

    /// Asks whether somebody has a list of hosts.
    BR_ISGETLIST = 0x10;
    /// "I have one."
    OKGETLIST = 0x11;
    /// Asks for the list.
    GETLIST = 0x12;
    /// A part of the list.
    ANSLIST = 0x13;
    /// A part of the list as an IPDict.
    ANSLIST_DICT = 0x14;
    /// As [`Mode::BR_ISGETLIST`], since version 2.
    BR_ISGETLIST2 = 0x18;

    /// A message.
    SENDMSG = 0x20;
    /// "Your message has arrived."
    RECVMSG = 0x21;
    /// A message to a group, of FeiQ.
    FEIQ_GROUPMSG = 0x23;
    /// "Your sealed message was opened."
    READMSG = 0x30;
    /// "Your sealed message was discarded."
    DELMSG = 0x31;
    /// The answer to [`Mode::READMSG`].
    ANSREADMSG = 0x32;

    /// Asks which program this is.
    GETINFO = 0x40;
    /// The program and its version, as text.
    SENDINFO = 0x41;
    /// Asks for the text of an absence.
    GETABSENCEINFO = 0x50;
    /// The text of an absence.
    SENDABSENCEINFO = 0x51;

    /// Asks for a file, over TCP.
    GETFILEDATA = 0x60;
    /// "I do not need your files any more."
    RELEASEFILES = 0x61;
    /// Asks for a folder, over TCP.
    GETDIRFILES = 0x62;
    /// Of shared folders, reserved.
    DIRFILES_AUTH = 0x63;
    /// Of shared folders, reserved.
    DIRFILES_AUTHRET = 0x64;

    /// Asks for a public key.
    GETPUBKEY = 0x72;
    /// A public key.
    ANSPUBKEY = 0x73;

    /// A window was opened, of FeiQ.
    FEIQ_OPEN = 0x77;
    /// Status and signature, of FeiQ.
    FEIQ_STATUS = 0x78;
    /// "I am writing to you", of FeiQ.
    FEIQ_TYPING = 0x79;
    /// "I am not writing any more", of FeiQ.
    FEIQ_TYPING_END = 0x7a;

    /// Of agents between segments.
    AGENT_REQ = 0xa0;
    /// Of agents between segments.
    AGENT_ANSREQ = 0xa1;
    /// Of agents between segments.
    AGENT_PACKET = 0xa2;
    /// Of agents between segments.
    AGENT_PROXYREQ = 0xa3;

    /// Of the member master.
    DIR_POLL = 0xb0;
    /// Of the member master.
    DIR_POLLAGENT = 0xb1;
    /// Of the member master.
    DIR_BROADCAST = 0xb2;
    /// Of the member master.
    DIR_ANSBROAD = 0xb3;
    /// Of the member master.
    DIR_PACKET = 0xb4;
    /// Of the member master.
    DIR_REQUEST = 0xb5;
    /// Of the member master.
    DIR_AGENTPACKET = 0xb6;
    /// Of the member master.
    DIR_EVBROAD = 0xb7;
    /// Of the member master.
    DIR_AGENTREJECT = 0xb8;

    /// An image inside a message, of FeiQ.
    FEIQ_IMAGE = 0xc0;
    /// "This group is here", of FeiQ.
    FEIQ_GROUP = 0xc9;
    /// Shakes the window, of FeiQ.
    FEIQ_KNOCK = 0xd1;

    /// A message to many, of iptux.
    IPTUX_SENDMSG = 0xfb;
    /// A signature, of iptux.
    IPTUX_SENDSIGN = 0xfc;
    /// A picture follows over TCP, of iptux.
    IPTUX_SENDSUBLAYER = 0xfd;
    /// An icon, of iptux.
    IPTUX_SENDICON = 0xfe;
    /// Asks for shared files, of iptux.
    IPTUX_ASKSHARED = 0xff;
}

impl<K> Options<K> {
    /// None.
    pub const NONE: Self = Self::from_bits(0);
    /// On entries: the sender is not reached by broadcasts and wants entries sent to it alone.
    pub const DIALUP: Self = Self::from_bits(0x0001_0000);
    /// The sender can encrypt files.
    pub const CAPFILEENC: Self = Self::from_bits(0x0004_0000);
    /// On entries: the sender takes files. On messages: files are offered.
    pub const FILEATTACH: Self = Self::from_bits(0x0020_0000);
    /// On entries: the sender can decrypt. On messages: this one is encrypted.
    pub const ENCRYPT: Self = Self::from_bits(0x0040_0000);
    /// This packet's text is UTF-8.
    pub const UTF8: Self = Self::from_bits(0x0080_0000);
    /// The sender understands [`Options::UTF8`].
    pub const CAPUTF8: Self = Self::from_bits(0x0100_0000);
    /// The sender understands IPDict.
    pub const CAPIPDICT: Self = Self::from_bits(0x0200_0000);
    /// Offers and recipients are, or may be, inside the encrypted part.
    pub const ENCEXTMSG: Self = Self::from_bits(0x0400_0000);
    /// The sender takes images inside messages.
    pub const CLIPBOARD: Self = Self::from_bits(0x0800_0000);
    /// The sender is a member master.
    pub const DIR_MASTER: Self = Self::from_bits(0x1000_0000);

    /// The options in the upper 24 bits of this number.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self { bits: bits & !MODE, of: PhantomData }
    }

    /// In their place in the command number.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.bits
    }

    /// Whether all of these are among them.
    #[must_use]
    pub const fn has(self, options: Self) -> bool {
        self.bits & options.bits == options.bits
    }

    /// Whether at least one of these is among them.
    #[must_use]
    pub const fn has_any(self, options: Self) -> bool {
        self.bits & options.bits != 0
    }

    /// These and those.
    #[must_use]
    pub const fn with(self, options: Self) -> Self {
        Self::from_bits(self.bits | options.bits)
    }

    /// These but not those.
    #[must_use]
    pub const fn without(self, options: Self) -> Self {
        Self::from_bits(self.bits & !options.bits)
    }
}

impl Options<EntryOptions> {
    /// The sender is away.
    pub const ABSENCE: Self = Self::from_bits(0x0000_0100);
    /// The sender is a server; reserved.
    pub const SERVER: Self = Self::from_bits(0x0000_0200);
}

impl Options<MessageOptions> {
    /// Wants a [`Mode::RECVMSG`]. iptux sets it on that answer too, which must not be answered.
    pub const SENDCHECK: Self = Self::from_bits(0x0000_0100);
    /// Sealed: shown when the receiver opens it, which [`Mode::READMSG`] tells.
    pub const SECRET: Self = Self::from_bits(0x0000_0200);
    /// Sent to everybody; never answered.
    pub const BROADCAST: Self = Self::from_bits(0x0000_0400);
    /// Sent to several.
    pub const MULTICAST: Self = Self::from_bits(0x0000_0800);
    /// Sent by a program, not by a person; never answered.
    pub const AUTORET: Self = Self::from_bits(0x0000_2000);
    /// Sent again.
    pub const RETRY: Self = Self::from_bits(0x0000_4000);
    /// Sealed, and opened by the receiver's own password only.
    pub const PASSWORD: Self = Self::from_bits(0x0000_8000);
    /// Not to be logged.
    pub const NOLOG: Self = Self::from_bits(0x0002_0000);
    /// The sender is not to be put on the receiver's list.
    pub const NOADDLIST: Self = Self::from_bits(0x0008_0000);
    /// On a sealed message and on its [`Mode::READMSG`]: wants that answered with [`Mode::ANSREADMSG`].
    pub const READCHECK: Self = Self::from_bits(0x0010_0000);
}

impl Options<FileOptions> {
    /// The contents are to be encrypted.
    pub const ENCFILE: Self = Self::from_bits(0x0000_0800);
}

// Derived, they would ask the same of `K`.
impl<K> Clone for Options<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Options<K> {}

impl<K> Default for Options<K> {
    fn default() -> Self {
        Self::NONE
    }
}

impl<K> BitOr for Options<K> {
    type Output = Self;

    fn bitor(self, options: Self) -> Self {
        self.with(options)
    }
}

/// The name, or the number where there is none.
impl fmt::Debug for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#04x}", self.0),
        }
    }
}

impl<K> fmt::Debug for Options<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_mode_and_options_and_back() {
        for (number, mode, options) in [
            (257, Mode::BR_ENTRY, 0x100),
            (259, Mode::ANSENTRY, 0x100),
            (288, Mode::SENDMSG, 0x100),
            (289, Mode::RECVMSG, 0x100),
            (8_388_896, Mode::SENDMSG, 0x80_0100),
            (2_097_184, Mode::SENDMSG, 0x20_0000),
            (2_097_250, Mode::GETDIRFILES, 0x20_0000),
            (65_538, Mode::BR_EXIT, 0x1_0000),
            (6_291_459, Mode::ANSENTRY, 0x60_0000),
            (209, Mode::FEIQ_KNOCK, 0),
            (u32::MAX, Mode::IPTUX_ASKSHARED, 0xffff_ff00),
        ] {
            let command = Command::from_number(number);
            assert_eq!(command.mode(), mode, "{number}");
            assert_eq!(command.options().bits(), options, "{number}");
            assert_eq!(Command::new(mode, command.options()).number(), number);
        }
    }

    #[test]
    fn one_bit_has_a_name_for_entries_and_another_for_messages() {
        assert_eq!(Options::<EntryOptions>::ABSENCE.bits(), Options::<MessageOptions>::SENDCHECK.bits());
    }

    #[test]
    fn modes_without_a_name_are_kept_and_shown_as_numbers() {
        assert_eq!(format!("{:?} {:?}", Mode::BR_ENTRY, Mode(0x05)), "BR_ENTRY 0x05");
        assert_eq!(Command::from_number(0x105).number(), 0x105);
    }

    #[test]
    fn options_are_sets() {
        let options = Options::<MessageOptions>::SENDCHECK | Options::SECRET;
        assert!(options.has(Options::SECRET) && !options.has(Options::SECRET | Options::READCHECK));
        assert!(options.has_any(Options::SECRET | Options::READCHECK));
        assert_eq!(options.without(Options::SECRET), Options::SENDCHECK);
        assert_eq!(Options::<MessageOptions>::from_bits(0x1ff).bits(), 0x100, "the mode is no option");
    }
}
