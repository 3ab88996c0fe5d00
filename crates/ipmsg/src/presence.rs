//! Who is there: entries, their answers, changes and exits.
//!
//! Three dialects are read from one body, and the one that is written suits all of them:
//!
//! ```text
//! nick\0group\0                                                             FeiQ, old IP Messenger
//! nick\0group\0icon\0utf-8\0                                                iptux
//! nick\0group\0\nUN:user\nHN:host\nNN:nick\nGN:group\nVS:version\0          IP Messenger
//! nick\0group\0\nUN:..\nHN:..\nNN:..\nGN:..\nVS:..\0utf-8\0trunkline:1:..\0 ours
//! ```
//!
//! IP Messenger reads the lines of the third section and nothing behind; iptux reads the name of the charset in the fourth, and
//! then keeps to it.

use std::borrow::Cow;

use crate::body::{BodyError, BuildError, text};
use crate::charset::{Charset, Dialect, Evidence, Reader};
use crate::command::{Command, EntryOptions, Mode, Options};
use crate::extension::NodeTag;
use crate::limits::MAX_NAME;
use crate::packet::Packet;

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence<'a> {
    /// Why it says it.
    pub kind: PresenceKind,
    /// What it can do, and whether it is away; without [`Options::UTF8`], which is for the codec.
    pub options: Options<EntryOptions>,
    /// The name that people see.
    pub nick: Cow<'a, str>,
    /// The group that people see, empty for none.
    pub group: Cow<'a, str>,
    /// The login name, where it is said in UTF-8 beside the packet's own field.
    pub user: Option<Cow<'a, str>>,
    /// The host name, likewise.
    pub host: Option<Cow<'a, str>>,
    /// The program's version as IP Messenger writes it, in hexadecimal numbers with colons.
    pub client: Option<Cow<'a, str>>,
    /// Our own section: the node is one of ours.
    pub ours: Option<NodeTag>,
}

/// Why a node says who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresenceKind {
    /// It has come and wants answers (`BR_ENTRY`).
    Entry,
    /// It answers an entry (`ANSENTRY`); never answered.
    Answer,
    /// Something of it has changed (`BR_ABSENCE`); never answered.
    Change,
    /// It goes (`BR_EXIT`); anybody can say that in its name.
    Exit,
}

/// The lines of IP Messenger; `IP:`, `PL:` and whatever else there is are skipped.
#[derive(Default)]
struct Lines<'a> {
    user: Option<&'a [u8]>,
    host: Option<&'a [u8]>,
    nick: Option<&'a [u8]>,
    group: Option<&'a [u8]>,
    client: Option<&'a [u8]>,
}

impl PresenceKind {
    /// The mode of its packets.
    #[must_use]
    pub fn mode(self) -> Mode {
        match self {
            Self::Entry => Mode::BR_ENTRY,
            Self::Answer => Mode::ANSENTRY,
            Self::Change => Mode::BR_ABSENCE,
            Self::Exit => Mode::BR_EXIT,
        }
    }
}

impl<'a> Presence<'a> {
    /// With a nick, and nothing else.
    #[must_use]
    pub fn new(kind: PresenceKind, nick: &'a str) -> Self {
        Self {
            kind,
            options: Options::NONE,
            nick: nick.into(),
            group: "".into(),
            user: None,
            host: None,
            client: None,
            ours: None,
        }
    }

    pub(crate) fn parse(
        kind: PresenceKind,
        packet: &Packet<'a>,
        reader: &mut Reader,
    ) -> Result<Self, BodyError> {
        let options = Options::from_bits(packet.command.options().bits());
        let utf8 = options.has(Options::UTF8);
        let mut sections = packet.sections().peekable();
        let nick = sections.next().unwrap_or_default();
        // An empty group may be left out before the lines.
        let group = sections.next_if(|section| !section.starts_with(b"\n")).unwrap_or_default();
        let third = sections.next().unwrap_or_default();
        let charset = sections.peek().and_then(|label| Charset::parse(std::str::from_utf8(label).ok()?));
        if let Some(charset) = charset {
            reader.peer.learn(charset, Evidence::Announced);
        }
        let lines = if options.has(Options::CAPUTF8) { Lines::of(third) } else { Lines::default() };
        let mut utf8_line =
            |line: Option<&'a [u8]>| line.map(|line| name(reader.read_utf8(line))).transpose();
        let user = utf8_line(lines.user)?;
        let host = utf8_line(lines.host)?;
        let client = utf8_line(lines.client)?;
        let (utf8_nick, utf8_group) = (utf8_line(lines.nick)?, utf8_line(lines.group)?);
        // Read in any case: the old fields tell the charset of a peer that has both.
        let (old_nick, old_group) = (name(reader.read(nick, utf8))?, name(reader.read(group, utf8))?);
        Ok(Self {
            kind,
            options: options.without(Options::UTF8),
            nick: utf8_nick.unwrap_or(old_nick),
            group: utf8_group.unwrap_or(old_group),
            user,
            host,
            client,
            ours: NodeTag::find(sections),
        })
    }

    pub(crate) fn write(&self, dialect: Dialect) -> Result<(Command, Vec<u8>), BuildError> {
        let mut body = Vec::new();
        for old in [&self.nick, &self.group] {
            body.extend_from_slice(&text(old, dialect.charset, &['\0', '\n'])?);
            body.push(0);
        }
        if self.options.has(Options::CAPUTF8) {
            let lines = [
                ("UN", self.user.as_ref()),
                ("HN", self.host.as_ref()),
                ("NN", Some(&self.nick)),
                ("GN", Some(&self.group)),
                ("VS", self.client.as_ref()),
            ];
            for (key, value) in lines {
                let Some(value) = value else { continue };
                body.extend_from_slice(b"\n");
                body.extend_from_slice(key.as_bytes());
                body.push(b':');
                body.extend_from_slice(&text(value, Charset::UTF_8, &['\0', '\n'])?);
            }
        }
        body.push(0);
        body.extend_from_slice(dialect.charset.label().as_bytes());
        body.push(0);
        if let Some(ours) = self.ours {
            ours.write(&mut body);
            body.push(0);
        }
        // What is sent to everybody must be readable for those who do not know the option (protocol.txt).
        let options = match self.kind {
            PresenceKind::Answer => dialect.flag(self.options),
            _ => self.options.without(Options::UTF8),
        };
        Ok((Command::new(self.kind.mode(), options), body))
    }
}

impl<'a> Lines<'a> {
    fn of(section: &'a [u8]) -> Self {
        let mut lines = Self::default();
        for line in section.split(|byte| *byte == b'\n') {
            match line.split_at_checked(3) {
                Some((b"UN:", value)) => lines.user = Some(value),
                Some((b"HN:", value)) => lines.host = Some(value),
                Some((b"NN:", value)) => lines.nick = Some(value),
                Some((b"GN:", value)) => lines.group = Some(value),
                Some((b"VS:", value)) => lines.client = Some(value),
                _ => {}
            }
        }
        lines
    }
}

fn name(name: Cow<'_, str>) -> Result<Cow<'_, str>, BodyError> {
    if name.len() > MAX_NAME { Err(BodyError::NameTooLong { length: name.len() }) } else { Ok(name) }
}
