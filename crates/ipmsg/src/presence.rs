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
//! IP Messenger reads the lines of the third section and nothing behind; iptux reads the name of the charset in the
//! fourth, and then keeps to it.

use std::borrow::Cow;

use crate::body::{BodyError, BuildError, text};
use crate::charset::{Charset, Dialect, Evidence, Reader};
use crate::command::{Command, EntryOptions, Mode, Options};
use crate::extension::NodeTag;
use crate::limits::MAX_NAME;
use crate::packet::Packet;
use crate::page::Page;
use crate::seal::is_marked;

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
    /// A page of the list of ours that the node has heard: for [`Page::parse`].
    pub page: Option<Cow<'a, [u8]>>,
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
    /// For others of its kind, who know why (`NOOPERATION`); all others pass over it.
    Note,
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
            Self::Note => Mode::NOOPERATION,
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
            page: None,
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
            ours: NodeTag::find(sections.clone()),
            page: sections.find(|section| Page::is_page(section)).map(Cow::Borrowed),
        })
    }

    pub(crate) fn write(&self, dialect: Dialect) -> Result<(Command, Vec<u8>), BuildError> {
        if is_marked(self.group.as_bytes()) {
            return Err(BuildError::Reserved);
        }
        let mut body = Vec::new();
        for old in [&self.nick, &self.group] {
            body.extend_from_slice(&text(old, dialect.charset, b"\0\n")?);
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
                body.extend_from_slice(&text(value, Charset::UTF_8, b"\0\n")?);
            }
        }
        body.push(0);
        body.extend_from_slice(dialect.charset.label().as_bytes());
        body.push(0);
        if let Some(ours) = self.ours {
            ours.write(&mut body);
            body.push(0);
        }
        if let Some(page) = &self.page {
            body.extend_from_slice(page);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::{Body, Sender};
    use crate::extension::{Capabilities, NodeId, Wants};
    use crate::seal::seal;

    fn read(datagram: &[u8]) -> (Presence<'_>, Reader) {
        let mut reader = Reader::new(Charset::GBK);
        match Body::parse(&Packet::parse(datagram).unwrap(), &mut reader) {
            Ok(Body::Presence(presence)) => (presence, reader),
            other => panic!("{other:?}"),
        }
    }

    fn ours() -> Presence<'static> {
        let options = Options::CAPUTF8.with(Options::FILEATTACH);
        let node = NodeTag { node: NodeId(0xabc), capabilities: Capabilities(1), wants: Wants::List };
        Presence {
            options,
            group: "组".into(),
            user: Some("bob".into()),
            host: Some("hostb".into()),
            client: Some("0".into()),
            ours: Some(node),
            ..Presence::new(PresenceKind::Entry, "名")
        }
    }

    const SENDER: Sender<'_> = Sender { user: "bob", host: "hostb" };

    #[test]
    fn ours_is_one_form_for_all_programs() {
        let bytes = Body::Presence(ours()).build(7, SENDER, Dialect::FLAGGED_UTF_8).unwrap();
        let mut expected = "1:7:bob:hostb:18874369:名\0组\0\nUN:bob\nHN:hostb\nNN:名\nGN:组\nVS:0\0utf-8\0\
                            trunkline:1:00000000000000000000000000000abc:1:1\0"
            .as_bytes()
            .to_vec();
        seal(&mut expected);
        assert_eq!(bytes, expected);
    }

    #[test]
    fn to_a_gbk_peer_the_old_fields_are_gbk_and_the_lines_stay_utf8() {
        let bytes = Body::Presence(Presence { group: "".into(), ours: None, ..ours() });
        let gbk = Dialect { charset: Charset::GBK, utf8_option: false };
        let bytes = bytes.build(7, SENDER, gbk).unwrap();
        let line = "\nUN:bob\nHN:hostb\nNN:名\nGN:\nVS:0\0gbk\0";
        assert_eq!(bytes, [&b"1:7:bob:hostb:18874369:\xc3\xfb\0\0"[..], line.as_bytes()].concat());
    }

    #[test]
    fn only_an_answer_may_have_the_option_for_utf8() {
        for (kind, flagged) in [
            (PresenceKind::Entry, false),
            (PresenceKind::Change, false),
            (PresenceKind::Exit, false),
            (PresenceKind::Answer, true),
        ] {
            let body = Body::Presence(Presence { kind, ..ours() });
            let bytes = body.build(7, SENDER, Dialect::FLAGGED_UTF_8).unwrap();
            let command = Packet::parse(&bytes).unwrap().command;
            assert_eq!(command.options().has(Options::UTF8), flagged, "{kind:?}");
        }
    }

    #[test]
    fn the_lines_win_over_the_old_fields_if_the_peer_says_that_it_has_them() {
        let with_lines =
            "1:7:u:h:16777217:?\0?\0\nUN:用\nHN:机\nNN:名\nGN:组\nVS:00010002:4:9:9:1\nIP:IP2:x\0";
        let (presence, reader) = read(with_lines.as_bytes());
        assert_eq!((&*presence.nick, &*presence.group), ("名", "组"));
        assert_eq!((presence.user.as_deref(), presence.host.as_deref()), (Some("用"), Some("机")));
        assert_eq!(presence.client.as_deref(), Some("00010002:4:9:9:1"));
        assert_eq!(reader.peer.charset(), None, "lines in UTF-8 do not tell what the old fields have");
        let without_option = with_lines.replace("16777217", "1");
        let (presence, _) = read(without_option.as_bytes());
        assert_eq!((&*presence.nick, presence.user), ("?", None));
    }

    #[test]
    fn an_empty_group_may_be_there_or_left_out_before_the_lines() {
        for body in ["n\0\0\nNN:名\nGN:组", "n\0\nNN:名\nGN:组"] {
            let datagram = format!("1:7:u:h:16777217:{body}\0");
            let (presence, _) = read(datagram.as_bytes());
            assert_eq!((&*presence.nick, &*presence.group), ("名", "组"));
        }
    }

    #[test]
    fn the_charset_that_iptux_names_holds_for_the_same_packet() {
        let (presence, reader) = read(b"1_iptux 0.9.4:7:u:h:259:\xd2\xbb\0\0icon.png\0gb18030\0");
        assert_eq!((&*presence.nick, reader.peer.charset()), ("一", Some(Charset::GB18030)));
    }

    #[test]
    fn a_feiq_is_gbk_unless_it_says_otherwise() {
        let (presence, reader) = read(b"1_lbt6_0#128#020000000001#0#0#0#4001#9:7:u:h:1:\xd2\xbb\0");
        assert_eq!((&*presence.nick, reader.peer.charset()), ("一", Some(Charset::GBK)));
        let clone = "1_lbt6_0#128#020000000001#0#0#0#4001#9:7:u:h:1:一\0\0\0utf-8\0";
        let (presence, reader) = read(clone.as_bytes());
        assert_eq!((&*presence.nick, reader.peer.charset()), ("一", Some(Charset::UTF_8)));
    }

    #[test]
    fn the_greatest_presence_of_ours_fits_into_a_datagram() {
        let name = "n".repeat(120);
        let names = || Some(name.as_str().into());
        let greatest = Presence {
            nick: name.as_str().into(),
            group: name.as_str().into(),
            user: names(),
            host: names(),
            ..ours()
        };
        let sender = Sender { user: &name, host: &name };
        assert!(Body::Presence(greatest).build(u32::MAX, sender, Dialect::FLAGGED_UTF_8).is_ok());
    }
}
