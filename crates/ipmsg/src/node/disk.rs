//! What waits for the disk: nothing that was told is acted on before it is stored.

use super::Node;
use super::event::{Refusal, Token, Transmit};
use super::inbox::Arrived;
use super::peers::PeerId;
use crate::extension::MessageId;

/// What is done when it is stored.
#[derive(Debug)]
pub(super) enum Waiting {
    /// A message is sent.
    Accepted(MessageId),
    /// A message is acknowledged.
    Message(Arrived),
    /// That a sealed message was opened is acknowledged, if that is wanted.
    Opened { peer: PeerId, number: u32, wants_answer: bool },
}

impl Node {
    /// What is to be sent as soon as the event with this token is stored, for a driver whose disk can have it sent that very
    /// moment, before the node hears that it is stored. From now on the node does not send it itself. Nothing towards other
    /// programs, which want numbers that grow, nor where something else has to go first.
    pub fn take_ahead(&mut self, token: Token) -> Vec<Transmit> {
        match self.waiting.get_mut(&token) {
            Some(Waiting::Accepted(message)) => {
                let message = *message;
                self.send_ahead(message)
            }
            Some(Waiting::Message(arrived)) => {
                let receipt = arrived.take_receipt();
                receipt
                    .and_then(|(to, number, key)| self.receipt(to, number, Some(key)))
                    .into_iter()
                    .collect()
            }
            Some(Waiting::Opened { .. }) | None => Vec::new(),
        }
    }

    pub(super) fn await_disk(&mut self, waiting: Waiting) -> Token {
        self.last_token += 1;
        let token = Token(self.last_token);
        self.waiting.insert(token, waiting);
        token
    }

    pub(super) fn stored(&mut self, token: Token) -> Result<(), Refusal> {
        match self.waiting.remove(&token).ok_or(Refusal::NoToken)? {
            Waiting::Accepted(message) => self.send_stored(message),
            Waiting::Message(arrived) => self.arrived(&arrived),
            Waiting::Opened { peer, number, wants_answer: true } => self.note_opened(peer, number),
            Waiting::Opened { wants_answer: false, .. } => {}
        }
        Ok(())
    }

    pub(super) fn not_stored(&mut self, token: Token) -> Result<(), Refusal> {
        match self.waiting.remove(&token).ok_or(Refusal::NoToken)? {
            Waiting::Accepted(message) => self.cancel(message),
            Waiting::Message(arrived) => {
                self.forget_arrived(&arrived);
                Ok(())
            }
            Waiting::Opened { .. } => Ok(()),
        }
    }
}
