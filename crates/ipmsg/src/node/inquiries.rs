//! Questions that peers ask about each other, and small things that they say.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use super::peers::PeerId;
use super::rate::INQUIRIES_TO_ONE;
use super::voice::in_charset;
use super::{Event, Node, Refusal};
use crate::body::{Body, Topic};

/// Our own questions of late.
#[derive(Debug, Default)]
pub(super) struct Inquiries {
    open: VecDeque<(PeerId, Topic, Duration)>,
}

/// Questions that wait for an answer, at most.
const MAX_OPEN: usize = 256;

/// How long an answer is waited for; later ones were not asked for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What IP Messenger says for somebody who is not away.
const NOT_AWAY: &str = "Not absence mode";

impl Node {
    pub(super) fn question(&mut self, id: PeerId, topic: Topic) -> Result<(), Refusal> {
        let to = *self.peers.get(id).and_then(|peer| peer.addresses.first()).ok_or(Refusal::NoPeer)?;
        let dialect = self.dialect(id);
        let now = self.elapsed();
        let open = &mut self.inquiries.open;
        open.retain(|(.., asked)| now - *asked < PATIENCE);
        if open.len() == MAX_OPEN {
            open.pop_front();
        }
        open.push_back((id, topic, now));
        self.send_plain(to, &Body::Question(topic), dialect);
        Ok(())
    }

    pub(super) fn handle_question(&mut self, from: SocketAddr, topic: Topic) {
        let now = self.elapsed();
        let Some(id) = self.polite(from) else { return };
        if self.peers.get_mut(id).is_some_and(|peer| peer.inquiries.take(INQUIRIES_TO_ONE, now)) {
            let dialect = self.dialect(id);
            let config = &self.config;
            let answer = match topic {
                Topic::Program => &config.program,
                Topic::Absence => config.profile.away.as_deref().unwrap_or(NOT_AWAY),
            };
            let answer = in_charset(answer, dialect.charset);
            self.send_plain(from, &Body::Answer(topic, answer.into()), dialect);
        }
    }

    pub(super) fn handle_answer(&mut self, from: SocketAddr, topic: Topic, text: Cow<'_, str>) {
        let now = self.elapsed();
        let Some(peer) = self.polite(from) else { return };
        let open = &mut self.inquiries.open;
        let asked = open
            .iter()
            .position(|(id, about, asked)| (*id, *about) == (peer, topic) && now - *asked < PATIENCE);
        if asked.and_then(|index| open.remove(index)).is_some() {
            self.tell(Event::Answered { peer, topic, text: text.into_owned() });
        }
    }

    pub(super) fn handle_typing(&mut self, from: SocketAddr, now: bool) {
        if let Some(peer) = self.polite(from) {
            self.tell(Event::Typing { peer, now });
        }
    }

    pub(super) fn handle_encrypted(&mut self, from: SocketAddr) {
        let now = self.elapsed();
        let Some(peer) = self.polite(from) else { return };
        if self.peers.get_mut(peer).is_some_and(|peer| peer.inquiries.take(INQUIRIES_TO_ONE, now)) {
            self.tell(Event::Unreadable { peer });
        }
    }

    /// The peer at this address, if it is known and not blocked. That it is there is noted.
    fn polite(&mut self, from: SocketAddr) -> Option<PeerId> {
        let id = self.peers.at(from)?;
        let peer = self.peers.get(id).filter(|peer| !self.is_blocked(peer))?;
        if !peer.is_met {
            return None;
        }
        self.hear(id, from);
        Some(id)
    }
}
