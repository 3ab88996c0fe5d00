//! Messages from person to person.
//!
//! ```text
//! text\0
//! text\0id:name:size:mtime:attributes:\a...\0          with files offered
//! text\0[offers]\0TO:user:host\auser:host\0            with those who got it too
//! text\0[offers]\0[TO:...]\0trunkline:1:...\0          between two of ours
//! ```

use std::borrow::Cow;

use crate::body::{BuildError, text};
use crate::charset::{Dialect, Reader};
use crate::command::{Command, MessageOptions, Mode, Options};
use crate::extension::MessageTag;
use crate::limits::MAX_RECIPIENTS;
use crate::packet::Packet;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// How it is to be treated: answered, sealed, logged; without [`Options::UTF8`] and [`Options::FILEATTACH`], which
    /// are for the codec.
    pub options: Options<MessageOptions>,
    /// The text, its lines separated by LF.
    pub text: Cow<'a, str>,
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

impl<'a> Message<'a> {
    /// A text that wants a receipt.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { options: Options::SENDCHECK, text: text.into(), recipients: Vec::new(), ours: None }
    }

    /// Whether a receipt is wanted and allowed: never for what went to everybody or was sent by a program.
    #[must_use]
    pub fn wants_receipt(&self) -> bool {
        self.options.has(Options::SENDCHECK)
            && !self.options.has_any(Options::BROADCAST.with(Options::AUTORET))
    }

    pub(crate) fn parse(packet: &Packet<'a>, reader: &mut Reader) -> Self {
        let options = Options::<MessageOptions>::from_bits(packet.command.options().bits());
        let utf8 = options.has(Options::UTF8);
        let mut sections = packet.sections();
        let text = reader.read(sections.next().unwrap_or_default(), utf8);
        let recipients = packet.sections().skip(1).find_map(|section| section.strip_prefix(b"TO:"));
        Self {
            options: options.without(Options::UTF8 | Options::FILEATTACH),
            text,
            recipients: recipients.map(|list| Recipient::list(list, reader, utf8)).unwrap_or_default(),
            ours: MessageTag::find(sections),
        }
    }

    pub(crate) fn write(&self, dialect: Dialect) -> Result<(Command, Vec<u8>), BuildError> {
        let mut body = text(&self.text, dialect.charset, &['\0'])?.into_owned();
        body.push(0);
        let more = !self.recipients.is_empty() || self.ours.is_some();
        if more {
            body.push(0);
        }
        if !self.recipients.is_empty() {
            Recipient::write_list(&self.recipients, &mut body, dialect)?;
        }
        if let Some(ours) = self.ours {
            body.push(0);
            ours.write(&mut body);
        }
        if more {
            body.push(0);
        }
        let utf8 = if dialect.utf8_option { Options::UTF8 } else { Options::NONE };
        Ok((Command::new(Mode::SENDMSG, self.options.without(Options::UTF8) | utf8), body))
    }
}

impl<'a> Recipient<'a> {
    /// Those beyond [`MAX_RECIPIENTS`], and what is no pair, are left out.
    fn list(list: &'a [u8], reader: &mut Reader, utf8: bool) -> Vec<Self> {
        let pairs = list.split(|byte| *byte == b'\x07').take(MAX_RECIPIENTS);
        pairs
            .filter_map(|pair| {
                let colon = pair.iter().position(|byte| *byte == b':')?;
                Some(Self {
                    user: reader.read(&pair[..colon], utf8),
                    host: reader.read(&pair[colon + 1..], utf8),
                })
            })
            .collect()
    }

    fn write_list(list: &[Self], body: &mut Vec<u8>, dialect: Dialect) -> Result<(), BuildError> {
        if list.len() > MAX_RECIPIENTS {
            return Err(BuildError::TooManyRecipients { count: list.len() });
        }
        for (number, recipient) in list.iter().enumerate() {
            body.extend_from_slice(if number == 0 { b"TO:" } else { b"\x07" });
            body.extend_from_slice(&text(&recipient.user, dialect.charset, &['\0', '\x07', ':'])?);
            body.push(b':');
            body.extend_from_slice(&text(&recipient.host, dialect.charset, &['\0', '\x07'])?);
        }
        Ok(())
    }
}
