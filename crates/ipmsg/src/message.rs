//! Messages from person to person.
//!
//! ```text
//! text\0
//! text\0id:name:size:mtime:attributes:\a...\0          with files offered
//! text\0[offers]\0TO:user:host\auser:host\0            with those who got it too
//! text\0[offers]\0[TO:...]\0trunkline:1:...\0          between two of ours
//! ```

use std::borrow::Cow;

use crate::body::{Body, BuildError, Sender, text};
use crate::charset::{Charset, Dialect, Reader, Unmappable};
use crate::command::{Command, MessageOptions, Mode, Options};
use crate::extension::{MessageTag, Part};
use crate::feiq;
use crate::file::{Offer, OfferError};
use crate::limits::{MAX_NAME, MAX_OFFERS, MAX_PARTS, MAX_RECIPIENTS, MAX_SENT};
use crate::packet::{Packet, PacketError};

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// How it is to be treated: answered, sealed, logged. [`Options::UTF8`], [`Options::FILEATTACH`] and
    /// [`Options::ENCRYPT`] say how the rest is written: they are for the codec, and left out here.
    pub options: Options<MessageOptions>,
    /// The text, its lines separated by LF.
    pub text: Cow<'a, str>,
    /// What it offers, in the order of the packet; or, one by one, why not.
    pub offers: Vec<Result<Offer, OfferError>>,
    /// Those who got the same message; empty where the sender does not tell.
    pub recipients: Vec<Recipient<'a>>,
    /// Our own section: it comes from a node of ours.
    pub ours: Option<MessageTag>,
}

/// Somebody who got the same message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient<'a> {
    /// The login name.
    pub user: Cow<'a, str>,
    /// The host name.
    pub host: Cow<'a, str>,
}

/// Options that say how the rest is written, not how the message is to be treated.
const CODEC: Options<MessageOptions> = Options::UTF8.with(Options::FILEATTACH).with(Options::ENCRYPT);

impl<'a> Message<'a> {
    /// A text that wants a receipt.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self {
            options: Options::SENDCHECK,
            text: text.into(),
            offers: Vec::new(),
            recipients: Vec::new(),
            ours: None,
        }
    }

    /// Whether a receipt is wanted and allowed: never for what went to everybody or was sent by a program.
    #[must_use]
    pub fn wants_receipt(&self) -> bool {
        self.options.has(Options::SENDCHECK)
            && !self.options.has_any(Options::BROADCAST.with(Options::AUTORET))
    }

    /// Cuts the message into several that fit into a datagram each, where it does not fit as it is. Texts are cut between
    /// characters of the charset; put together, they are the text. What else the message has, files and recipients, goes into a
    /// last one, without text. Each is sent with a number of its own. Between ours they are the [`Part`]s of one message; for
    /// others they are messages.
    ///
    /// # Errors
    /// When a character does not exist in the charset, the files and recipients alone are too long, or a text between ours
    /// makes more than [`MAX_PARTS`].
    pub fn split(&self, from: Sender<'_>, dialect: Dialect) -> Result<Vec<Message<'_>>, BuildError> {
        // The longest number, so that it fits with any.
        let datagram = |message: Message<'_>| Body::Message(message).build(u32::MAX, from, dialect);
        match datagram(self.clone()) {
            Ok(_) => return Ok(vec![self.clone()]),
            Err(BuildError::Packet(PacketError::TooLong { .. })) => {}
            Err(error) => return Err(error),
        }
        let ours = self.ours.map(|tag| MessageTag { part: Part::LONGEST, ..tag });
        let bare = Message { options: self.options, ours, ..Message::new("") };
        let room = MAX_SENT - datagram(bare.clone())?.len();
        let mut messages: Vec<_> = pieces(&self.text, dialect.charset, room)?
            .into_iter()
            .map(|piece| Message { text: piece.into(), ..bare.clone() })
            .collect();
        if !self.offers.is_empty() || !self.recipients.is_empty() {
            let rest = Message { offers: self.offers.clone(), recipients: self.recipients.clone(), ..bare };
            datagram(rest.clone())?;
            messages.push(rest);
        }
        let count = messages.len();
        let too_many = || BuildError::TooMany { what: "datagrams", most: MAX_PARTS.into(), count };
        for (index, message) in messages.iter_mut().enumerate() {
            if let Some(tag) = &mut message.ours {
                tag.part = Part::of(index, count).ok_or_else(too_many)?;
            }
        }
        Ok(messages)
    }

    pub(crate) fn parse(packet: &Packet<'a>, reader: &mut Reader) -> Self {
        let utf8 = packet.command.options().has(Options::UTF8);
        let options = if packet.command.mode() == Mode::SENDMSG {
            Options::from_bits(packet.command.options().bits()).without(CODEC)
        } else {
            // What iptux sends to a group or to everybody has options of its own, and is never answered.
            Options::BROADCAST
        };
        let mut sections = packet.sections();
        let text = reader.read(sections.next().unwrap_or_default(), utf8);
        let offers = match sections.clone().next() {
            Some(section) if packet.command.options().has(Options::FILEATTACH) => {
                Offer::list(section, reader, utf8)
            }
            _ => Vec::new(),
        };
        let recipients = sections.clone().find_map(|section| section.strip_prefix(b"TO:"));
        let recipients = recipients.map(|list| Recipient::list(list, reader, utf8)).unwrap_or_default();
        let text =
            if feiq::Version::parse(packet.version).is_some() { feiq::without_font(text) } else { text };
        Self { options, text, offers, recipients, ours: MessageTag::find(sections) }
    }

    pub(crate) fn write(&self, dialect: Dialect) -> Result<(Command, Vec<u8>), BuildError> {
        let at_most = |what, count, most| match count > most {
            true => Err(BuildError::TooMany { what, most, count }),
            false => Ok(()),
        };
        at_most("files", self.offers.len(), MAX_OFFERS)?;
        at_most("recipients", self.recipients.len(), MAX_RECIPIENTS)?;
        let mut body = text(&self.text, dialect.charset, b"\0")?.into_owned();
        body.push(0);
        for offer in &self.offers {
            offer.as_ref().map_err(Clone::clone)?.write(&mut body, dialect.charset)?;
        }
        body.push(0);
        Recipient::write_list(&self.recipients, &mut body, dialect)?;
        body.push(0);
        if let Some(ours) = self.ours {
            ours.write(&mut body);
            body.push(0);
        }
        // Sections at the end that hold nothing are not sent.
        while body.ends_with(b"\0\0") {
            body.pop();
        }
        let mut options = dialect.flag(self.options.without(CODEC));
        if !self.offers.is_empty() {
            options = options | Options::FILEATTACH;
        }
        Ok((Command::new(Mode::SENDMSG, options), body))
    }
}

/// The text in pieces of at most `room` bytes of this charset each.
fn pieces(text: &str, charset: Charset, room: usize) -> Result<Vec<&str>, Unmappable> {
    let mut pieces = Vec::new();
    let (mut start, mut size) = (0, 0);
    for (at, character) in text.char_indices() {
        let width = charset.encode(character.encode_utf8(&mut [0; 4]))?.len();
        if size + width > room {
            pieces.push(&text[start..at]);
            (start, size) = (at, 0);
        }
        size += width;
    }
    pieces.extend(Some(&text[start..]).filter(|rest| !rest.is_empty()));
    Ok(pieces)
}

impl<'a> Recipient<'a> {
    /// Those beyond [`MAX_RECIPIENTS`], names beyond [`MAX_NAME`], and what is no pair, are left out.
    fn list(list: &'a [u8], reader: &mut Reader, utf8: bool) -> Vec<Self> {
        let mut name = |bytes| Some(reader.read(bytes, utf8)).filter(|name| name.len() <= MAX_NAME);
        let pairs = list.split(|byte| *byte == b'\x07').take(MAX_RECIPIENTS);
        pairs
            .filter_map(|pair| {
                let colon = pair.iter().position(|byte| *byte == b':')?;
                Some(Self { user: name(&pair[..colon])?, host: name(&pair[colon + 1..])? })
            })
            .collect()
    }

    fn write_list(list: &[Self], body: &mut Vec<u8>, dialect: Dialect) -> Result<(), BuildError> {
        for (number, recipient) in list.iter().enumerate() {
            body.extend_from_slice(if number == 0 { b"TO:" } else { b"\x07" });
            body.extend_from_slice(&text(&recipient.user, dialect.charset, b"\0\x07:")?);
            body.push(b':');
            body.extend_from_slice(&text(&recipient.host, dialect.charset, b"\0\x07")?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extension::{MessageId, NodeId};
    use crate::file::{FileAttributes, FileKind, FileName};
    use crate::seal::seal;

    const SENDER: Sender<'_> = Sender { user: "u", host: "h" };

    fn read(datagram: &[u8]) -> Message<'_> {
        match Body::parse(&Packet::parse(datagram).unwrap(), &mut Reader::new(Charset::GBK)) {
            Ok(Body::Message(message)) => message,
            other => panic!("{other:?}"),
        }
    }

    fn written(message: Message<'_>) -> String {
        let bytes = Body::Message(message).build(7, SENDER, Dialect::UTF_8).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn offer() -> Offer {
        let name = FileName::new("12:30.txt").unwrap();
        let (kind, attributes) = (FileKind::REGULAR, FileAttributes::default());
        Offer { id: 10001, name, size: 1234, modified: 0x6b02_ee8e, kind, attributes, extras: Vec::new() }
    }

    #[test]
    fn each_section_has_its_place_whatever_the_others_hold() {
        let bob = || vec![Recipient { user: "bob".into(), host: "hostb".into() }];
        let tag =
            MessageTag { from: NodeId(2), to: NodeId(3), id: MessageId(1), part: Part::WHOLE, after: 6 };
        let ours = format!("trunkline:1:{:032x}:{:032x}:{:032x}:0:1:6\0", 2, 3, 1);
        let bare = || Message::new("hi");
        for (message, text) in [
            (bare(), "1:7:u:h:288:hi\0".to_owned()),
            (
                Message { offers: vec![Ok(offer())], ..bare() },
                "1:7:u:h:2097440:hi\x0010001:12::30.txt:4d2:6b02ee8e:1:\x07\0".to_owned(),
            ),
            (Message { recipients: bob(), ..bare() }, "1:7:u:h:288:hi\0\0TO:bob:hostb\0".to_owned()),
            (Message { ours: Some(tag), ..bare() }, format!("1:7:u:h:288:hi\0\0\0{ours}")),
            (
                Message {
                    offers: vec![Ok(offer())],
                    recipients: [bob(), bob()].concat(),
                    ours: Some(tag),
                    ..bare()
                },
                format!(
                    "1:7:u:h:2097440:hi\x0010001:12::30.txt:4d2:6b02ee8e:1:\x07\0TO:bob:hostb\x07bob:hostb\0{ours}"
                ),
            ),
        ] {
            let mut datagram = text.into_bytes();
            if message.ours.is_some() {
                seal(&mut datagram);
            }
            assert_eq!(written(message.clone()).into_bytes(), datagram);
            assert_eq!(read(&datagram), message);
        }
    }

    #[test]
    fn a_receipt_is_never_wanted_for_what_went_to_everybody_or_came_from_a_program() {
        for (command, wanted) in
            [(0x120, true), (0x20, false), (0x520, false), (0x2120, false), (0x1_6b20, false)]
        {
            let datagram = format!("1:7:u:h:{command}:hi\0");
            assert_eq!(read(datagram.as_bytes()).wants_receipt(), wanted, "{command:#x}");
        }
        let to_many = read(b"1_iptux 0.8.3:7:u:h:507:hi\0");
        assert!(!to_many.wants_receipt() && to_many.options == Options::BROADCAST, "iptux's own way");
    }

    #[test]
    fn a_feiq_is_read_without_its_font_and_others_to_the_letter() {
        let text = "hi{/font;-16 0 0 0 400 0 0 0 134 0 0 2 32 Arial 0;}";
        assert_eq!(read(format!("1_lbt6_0#128#1#0:7:u:h:288:{text}\0").as_bytes()).text, "hi");
        assert_eq!(read(format!("1:7:u:h:288:{text}\0").as_bytes()).text, text);
    }

    #[test]
    fn offers_are_read_as_the_programs_write_them() {
        let offers = |list: &str| {
            read(format!("1:7:u:h:2097184:\0{list}\0").as_bytes())
                .offers
                .into_iter()
                .map(Result::unwrap)
                .collect::<Vec<_>>()
        };
        let one = "10001:12::30.txt:4d2:6b02ee8e:1";
        for list in [
            format!("{one}:\x07"),
            format!("{one}:\x07:"),
            format!("{one}:"),
            one.to_owned(),
            format!("{one}:2=bob:30=1,2,3:\x07"),
        ] {
            assert_eq!(offers(&list), [offer()], "{list}");
        }
        assert_eq!(offers(&format!("{one}:\x07:{one}:\x07:")), [offer(), offer()]);
        let image = &offers("7:a.png:1:0:20:8=c:\x07")[0];
        assert_eq!((image.kind, image.extras[0].value), (FileKind::CLIPBOARD, 12));
        assert_eq!(
            read(b"1:7:u:h:32:text\x001:a:1:1:1:\x07\0").offers,
            [],
            "the command does not speak of files"
        );
    }

    #[test]
    fn a_text_that_fits_is_not_cut() {
        let message = Message::new("short");
        assert_eq!(message.split(SENDER, Dialect::UTF_8).unwrap(), std::slice::from_ref(&message));
    }

    #[test]
    fn a_long_text_is_cut_between_characters_of_the_receivers_charset() {
        let text = "中".repeat(1000);
        let message = Message::new(&text);
        let lengths = |dialect| {
            let parts = message.split(SENDER, dialect).unwrap();
            parts.iter().map(|part| part.text.chars().count()).collect::<Vec<_>>()
        };
        assert_eq!(lengths(Dialect::FLAGGED_UTF_8), [458, 458, 84]);
        assert_eq!(lengths(Dialect { charset: Charset::GBK, utf8_option: false }), [689, 311]);
        let error =
            message.split(SENDER, Dialect { charset: Charset::parse("latin1").unwrap(), utf8_option: false });
        assert!(matches!(error, Err(BuildError::Unmappable(_))));
    }

    #[test]
    fn files_that_do_not_fit_beside_a_text_follow_it() {
        let text = "x".repeat(1378);
        let message = Message { offers: vec![Ok(offer())], ..Message::new(&text) };
        let parts = message.split(SENDER, Dialect::UTF_8).unwrap();
        assert_eq!((&*parts[0].text, parts[0].offers.len()), (&*text, 0));
        assert_eq!((&*parts[1].text, parts[1].offers.len()), ("", 1));
        let message = Message { offers: vec![Ok(offer()); 50], ..Message::new("") };
        let error = message.split(SENDER, Dialect::UTF_8).unwrap_err();
        assert!(matches!(error, BuildError::Packet(PacketError::TooLong { .. })), "{error}");
    }
}
