//! How the messages for one peer are written.

use super::Outgoing;
use crate::body::{Body, BuildError, Sender};
use crate::charset::Dialect;
use crate::command::{MessageOptions, Options};
use crate::extension::{MessageTag, NodeId, Part};
use crate::message::Message;

/// How a peer's messages are written and sealed.
#[derive(Clone, Debug)]
pub(super) struct Parcel {
    pub(super) user: String,
    pub(super) host: String,
    pub(super) dialect: Dialect,
    /// From whom to whom, if the peer is one of ours, or could be.
    pub(super) ours: Option<(NodeId, NodeId)>,
    /// Datagrams that may be under way at once.
    pub(super) window: usize,
}

impl Parcel {
    /// The texts of the datagrams that a message makes.
    pub(super) fn split(&self, message: &Outgoing) -> Result<Vec<String>, BuildError> {
        let whole = Message {
            options: options(message),
            ours: self.tag(message, Part::WHOLE, u32::MAX),
            ..Message::new(&message.text)
        };
        let parts = whole.split(self.sender(), self.dialect)?;
        Ok(parts.into_iter().map(|part| part.text.into_owned()).collect())
    }

    /// The one with this text, which is one of so many, counted from 0.
    pub(super) fn datagram(
        &self,
        message: &Outgoing,
        text: &str,
        (index, count): (usize, usize),
        after: u32,
    ) -> Result<Vec<u8>, BuildError> {
        let number = message.number.saturating_add(u32::try_from(index).unwrap_or(u32::MAX));
        let part = Part::of(index, count).unwrap_or(Part::WHOLE);
        let body = Body::Message(Message {
            options: options(message),
            ours: self.tag(message, part, after),
            ..Message::new(text)
        });
        body.build(number, self.sender(), self.dialect)
    }

    fn tag(&self, message: &Outgoing, part: Part, after: u32) -> Option<MessageTag> {
        self.ours.map(|(from, to)| MessageTag { from, to, id: message.id, part, after })
    }

    fn sender(&self) -> Sender<'_> {
        Sender { user: &self.user, host: &self.host }
    }
}

fn options(message: &Outgoing) -> Options<MessageOptions> {
    let options = Options::SENDCHECK;
    if message.sealed { options | Options::SECRET | Options::READCHECK } else { options }
}
