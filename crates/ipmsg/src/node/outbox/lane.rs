//! The messages for one peer.

use std::collections::VecDeque;
use std::time::Duration;

use super::Outgoing;
use super::parcel::Parcel;
use crate::body::BuildError;
use crate::extension::MessageId;
use crate::node::peers::Person;
use crate::node::stream::WINDOW;

/// A message is sent so many times, so far apart, as IP Messenger does it; then it waits.
const SENDS: u32 = 5;
const SEND_AGAIN: Duration = Duration::from_millis(750);

/// A lane that rests tries again after so long, then twice as long, and so on to the last: a program that is not ours says
/// nothing when it answers again.
const REST: Duration = Duration::from_secs(5);
const LONGEST_REST: Duration = Duration::from_secs(300);

/// A lane whose peer is heard rests at least for this long, so that one which talks and does not acknowledge is not
/// flooded.
const SHORTEST_REST: Duration = Duration::from_secs(1);

/// The messages for one peer, in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Lane {
    messages: VecDeque<Queued>,
    pace: Pace,
    /// When something was acknowledged last.
    acknowledged: Option<Duration>,
}

/// How much is sent.
#[derive(Clone, Copy, Debug, Default)]
enum Pace {
    /// As much as may be under way.
    #[default]
    Full,
    /// The oldest message, to see whether somebody answers; the next rest is so long.
    Try(Duration),
    /// Nothing, since then, until then; the rest after it is so long. `asks` if it is not known yet who is there.
    Rest { since: Duration, until: Duration, next: Duration, asks: bool },
}

#[derive(Debug)]
struct Queued {
    message: Outgoing,
    /// Whether it is on disk, and may be sent.
    is_stored: bool,
    /// Empty until it is cut.
    parts: Vec<Sending>,
    /// When it was first sent, in this run.
    sent: Option<Duration>,
    /// Whether all sendings went unanswered, and whether that was told.
    waits: Waits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    No,
    Untold,
    Told,
}

/// One datagram of a message.
#[derive(Debug)]
struct Sending {
    text: String,
    state: State,
}

#[derive(Debug)]
enum State {
    Waits,
    UnderWay { datagram: Vec<u8>, after: u32, sends: u32, next: Duration },
    Acknowledged,
}

impl Lane {
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether a message for exactly this person is in it.
    pub(super) fn is_for(&self, to: &Person) -> bool {
        self.messages.iter().any(|queued| queued.message.to == *to)
    }

    /// The texts are those of its datagrams; none if it is not cut yet.
    pub(super) fn push(&mut self, message: Outgoing, is_stored: bool, texts: Vec<String>) {
        let parts = waiting(texts);
        self.messages.push_back(Queued { message, is_stored, parts, sent: None, waits: Waits::No });
    }

    pub(super) fn stored(&mut self, message: MessageId, now: Duration) {
        if let Some(queued) = self.messages.iter_mut().find(|queued| queued.message.id == message) {
            queued.is_stored = true;
            queued.set_out(now);
        }
    }

    pub(super) fn remove(&mut self, message: MessageId) {
        self.messages.retain(|queued| queued.message.id != message);
    }

    /// Takes those messages out.
    pub(super) fn take(&mut self, those: impl Fn(&Outgoing) -> bool) -> Vec<(Outgoing, bool)> {
        let messages = std::mem::take(&mut self.messages).into_iter();
        let (taken, kept): (Vec<_>, Vec<_>) = messages.partition(|queued| those(&queued.message));
        self.messages = kept.into();
        taken.into_iter().map(|queued| (queued.message, queued.is_stored)).collect()
    }

    /// Adds what waited in another lane. Everything is written anew, for the peer may be another.
    pub(super) fn join(&mut self, messages: Vec<(Outgoing, bool)>) {
        for (message, is_stored) in messages {
            self.push(message, is_stored, Vec::new());
        }
        self.messages.make_contiguous().sort_by_key(|queued| queued.message.number);
        self.pace = Pace::Full;
    }

    /// When something is to be done.
    pub(super) fn next(&self) -> Option<Duration> {
        if let Pace::Rest { until, .. } = self.pace {
            return Some(until);
        }
        let stored = self.messages.iter().take(WINDOW).take_while(|queued| queued.is_stored);
        let under_way = stored.flat_map(|queued| &queued.parts);
        let next = |part: &Sending| match part.state {
            State::UnderWay { next, .. } => Some(next),
            State::Waits | State::Acknowledged => None,
        };
        under_way.filter_map(next).min()
    }

    /// Waits until it is known who is there; true if that has just begun, again or for the first time.
    pub(super) fn ask(&mut self, now: Duration) -> bool {
        if matches!(self.pace, Pace::Rest { .. }) || !self.messages.iter().any(|queued| queued.is_stored) {
            return false;
        }
        let was_tried = matches!(self.pace, Pace::Try(_));
        self.begin_rest(now);
        if let Pace::Rest { asks, .. } = &mut self.pace {
            *asks = true;
        }
        for queued in self.messages.iter_mut().filter(|_| was_tried) {
            queued.waits = queued.waits.begin();
        }
        true
    }

    /// The peer was heard; `is_met` if it has said who it is.
    pub(super) fn wake(&mut self, is_met: bool, now: Duration) {
        match &mut self.pace {
            Pace::Rest { asks: true, .. } if is_met => self.pace = Pace::Full,
            Pace::Rest { since, until, .. } => {
                *until = (*until).min(now.max(*since + SHORTEST_REST));
                self.end_rest(now);
            }
            Pace::Full | Pace::Try(_) => {}
        }
    }

    /// Puts under way what may be, and gives it; with the messages that can never be sent, and why. They are gone.
    #[allow(clippy::type_complexity, reason = "two lists, used in one place")]
    pub(super) fn fill(
        &mut self,
        parcel: &Parcel,
        now: Duration,
    ) -> (Vec<Vec<u8>>, Vec<(MessageId, BuildError)>) {
        let (mut datagrams, mut failed) = (Vec::new(), Vec::new());
        let window = parcel.window;
        let messages = match self.pace {
            Pace::Rest { .. } => 0,
            Pace::Try(_) => 1,
            Pace::Full => usize::MAX,
        };
        let (mut under_way, mut after) = (0, 0);
        for queued in self.messages.iter_mut().take(messages) {
            if !queued.is_stored || under_way >= window {
                break;
            }
            if let Err(why) = queued.fill(parcel, now, window, &mut under_way, &mut after, &mut datagrams) {
                failed.push((queued.message.id, why));
            }
        }
        for (message, _) in &failed {
            self.remove(*message);
        }
        (datagrams, failed)
    }

    /// Puts a message under way that is not stored yet, if it is the only one, and gives it.
    pub(super) fn fill_ahead(&mut self, message: MessageId, parcel: &Parcel, now: Duration) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        if let (Pace::Full, [only]) = (self.pace, self.messages.make_contiguous())
            && only.message.id == message
            && only.fill(parcel, now, parcel.window, &mut 0, &mut 0, &mut datagrams).is_err()
        {
            // It is found again, and told, when it is stored.
            datagrams.clear();
        }
        datagrams
    }

    /// Gives what is due to be sent again, and whether nobody seems to be there.
    pub(super) fn send_again(&mut self, parcel: &Parcel, now: Duration) -> (Vec<Vec<u8>>, bool) {
        if matches!(self.pace, Pace::Rest { .. }) {
            self.end_rest(now);
            return (Vec::new(), false);
        }
        let answers = self.acknowledged.is_some_and(|last| now - last < SEND_AGAIN * SENDS);
        let mut datagrams = Vec::new();
        let mut before = 0;
        for queued in self.messages.iter_mut().take(WINDOW).take_while(|queued| queued.is_stored) {
            for index in 0..queued.parts.len() {
                let number = queued.number(index);
                let State::UnderWay { datagram, after, sends, next } = &mut queued.parts[index].state else {
                    continue;
                };
                if *next <= now {
                    if *sends >= SENDS {
                        if !answers {
                            self.begin_rest(now);
                            return (Vec::new(), true);
                        }
                        queued.waits = queued.waits.begin();
                        *sends = 0;
                    }
                    (*sends, *next) = (*sends + 1, now + SEND_AGAIN);
                    if *after != before && parcel.ours.is_some() {
                        *after = before;
                        if let Ok(anew) = queued.datagram(parcel, index, before) {
                            queued.parts[index].replace(anew.clone());
                            datagrams.push(anew);
                        }
                    } else {
                        datagrams.push(datagram.clone());
                    }
                }
                before = number;
            }
        }
        (datagrams, false)
    }

    /// The messages that wait from now on, though they were sent.
    pub(super) fn newly_waiting(&mut self) -> Vec<MessageId> {
        let untold = self.messages.iter_mut().filter(|queued| queued.waits == Waits::Untold);
        untold
            .map(|queued| {
                queued.waits = Waits::Told;
                queued.message.id
            })
            .collect()
    }

    /// The packet with this number has arrived; and the whole of `message`, which ours say. Gives the message that is
    /// delivered with it, and the time that took.
    pub(super) fn acknowledge(
        &mut self,
        number: u32,
        message: Option<MessageId>,
        parcel: &Parcel,
        now: Duration,
    ) -> Option<(MessageId, Duration)> {
        let index = self.messages.iter().position(|queued| {
            let numbers = queued.message.number..=queued.message.last_number();
            queued.is_stored && numbers.contains(&number) && message.is_none_or(|id| id == queued.message.id)
        })?;
        let queued = &mut self.messages[index];
        self.acknowledged = Some(now);
        self.pace = Pace::Full;
        if message.is_none() {
            // An answer to what was sent before a restart counts too.
            queued.split(parcel).ok()?;
            let part = usize::try_from(number - queued.message.number).ok()?;
            queued.parts.get_mut(part)?.state = State::Acknowledged;
            if !queued.parts.iter().all(|part| matches!(part.state, State::Acknowledged)) {
                return None;
            }
        }
        let took = queued.sent.map_or(Duration::ZERO, |sent| now - sent);
        let delivered = queued.message.id;
        self.messages.remove(index);
        Some((delivered, took))
    }

    fn begin_rest(&mut self, now: Duration) {
        let length = match self.pace {
            Pace::Try(next) => next,
            Pace::Full | Pace::Rest { .. } => REST,
        };
        let next = (length * 2).min(LONGEST_REST);
        self.pace = Pace::Rest { since: now, until: now + length, next, asks: false };
        for queued in &mut self.messages {
            if queued.sent.is_some() {
                queued.waits = queued.waits.begin();
            }
            for part in &mut queued.parts {
                if let State::UnderWay { .. } = part.state {
                    part.state = State::Waits;
                }
            }
        }
    }

    fn end_rest(&mut self, now: Duration) {
        if let Pace::Rest { until, next, .. } = self.pace
            && until <= now
        {
            self.pace = Pace::Try(next);
        }
    }
}

fn waiting(texts: Vec<String>) -> Vec<Sending> {
    texts.into_iter().map(|text| Sending { text, state: State::Waits }).collect()
}

impl Queued {
    fn number(&self, index: usize) -> u32 {
        self.message.number.saturating_add(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// What was put under way before it was stored is sent now.
    fn set_out(&mut self, now: Duration) {
        for part in &mut self.parts {
            if let State::UnderWay { next, .. } = &mut part.state {
                *next = now + SEND_AGAIN;
                self.sent = Some(now);
            }
        }
    }

    fn split(&mut self, parcel: &Parcel) -> Result<(), BuildError> {
        if self.parts.is_empty() {
            self.parts = waiting(parcel.split(&self.message)?);
        }
        Ok(())
    }

    fn datagram(&self, parcel: &Parcel, index: usize, after: u32) -> Result<Vec<u8>, BuildError> {
        parcel.datagram(&self.message, &self.parts[index].text, (index, self.parts.len()), after)
    }

    /// Puts parts of it under way.
    fn fill(
        &mut self,
        parcel: &Parcel,
        now: Duration,
        window: usize,
        under_way: &mut usize,
        after: &mut u32,
        datagrams: &mut Vec<Vec<u8>>,
    ) -> Result<(), BuildError> {
        self.split(parcel)?;
        for index in 0..self.parts.len() {
            match self.parts[index].state {
                State::Acknowledged => continue,
                State::UnderWay { .. } => {}
                State::Waits if *under_way >= window => return Ok(()),
                State::Waits => {
                    let datagram = self.datagram(parcel, index, *after)?;
                    datagrams.push(datagram.clone());
                    let next = now + SEND_AGAIN;
                    self.parts[index].state = State::UnderWay { datagram, after: *after, sends: 1, next };
                    self.sent.get_or_insert(now);
                }
            }
            *under_way += 1;
            *after = self.number(index);
        }
        Ok(())
    }
}

impl Waits {
    fn begin(self) -> Self {
        if self == Self::No { Self::Untold } else { self }
    }
}

impl Sending {
    fn replace(&mut self, anew: Vec<u8>) {
        if let State::UnderWay { datagram, .. } = &mut self.state {
            *datagram = anew;
        }
    }
}
