//! Making oneself known, and answering those who do.
//!
//! Nodes that are not ours answer every entry and expect an answer to each of theirs, so they get one from each of us,
//! jittered as IP Messenger does it. Between ours it takes less:
//!
//! - An entry is heard by everybody at once; what a newcomer lacks is the others, and one of them gives it the list of
//!   all (`list.rs`). The others keep silent.
//! - Each says a [`PresenceKind::Note`] from time to time, at most one a second of all on a segment together, so that
//!   whatever was lost is found in time and silence means something.
//! - From time to time such a note is an entry that only others answer: what became of them is found out as well.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::ops::Bound::{Excluded, Unbounded};
use std::time::Duration;

use super::config::{Interface, Profile};
use super::list::Line;
use super::peers::{Claim, PeerId};
use super::rate::{PRESENCE_TO_ALL, PRESENCE_TO_ONE};
use super::{Event, Node, Task};
use crate::charset::{Charset, Dialect, Reader};
use crate::command::Options;
use crate::extension::Wants;
use crate::packet::Packet;
use crate::page::Page;
use crate::presence::{Presence, PresenceKind};

/// What the node knows of where it is, and who was told.
#[derive(Debug, Default)]
pub(super) struct Sight {
    /// By the address of the interface.
    pub(super) lines: BTreeMap<IpAddr, Line>,
    /// Addresses of other subnets.
    asked: BTreeSet<SocketAddr>,
    /// The last of them that was asked in this round.
    asked_last: Option<SocketAddr>,
    /// Rounds that are over.
    rounds: usize,
    /// Entries sent since the last change of interfaces, and whether one was answered.
    entries: u32,
    pub(super) is_answered: bool,
    /// When everybody was asked last.
    asked_all: Duration,
    /// When everybody was told of this node last.
    pub(super) announced: Duration,
    /// When it was last said that another machine is this node.
    doubled: Option<Duration>,
    pub(super) has_left: bool,
}

/// The most addresses of other subnets that are asked: sixteen subnets of 254 hosts.
pub const MAX_ASKED: usize = 4096;

/// An entry that nobody answers is sent three times in all, so far apart: longer than the longest jitter.
const ENTRIES: u32 = 3;
const ENTER_AGAIN: Duration = Duration::from_secs(5);

/// Addresses of other subnets are asked so far apart that a list of thousands is no burst.
const ASK_PACE: Duration = Duration::from_millis(20);

/// Time between two rounds over those of them who do not answer; the last one stays.
const ASK_ROUNDS: [Duration; 3] = [Duration::from_secs(3), Duration::from_secs(15), Duration::from_secs(300)];

/// The least time between two of the node's own notes, and what each of ours in sight adds to it: a segment of any size
/// carries about one a second.
const REFRESH: Duration = Duration::from_secs(60);
const REFRESH_EACH: Duration = Duration::from_secs(1);

/// The least time between two of the node's entries, and what each pair of one of ours and one of the others adds to it:
/// the others of a segment of any size answer at most five times a second.
const ENTRY: Duration = Duration::from_secs(600);
const ENTRY_EACH: Duration = Duration::from_millis(200);

/// The least time between two announcements, and what each of ours in sight adds to it: whoever forges pages makes a segment
/// of any size announce itself fifty times a second.
const ANNOUNCE: Duration = Duration::from_secs(4);
const ANNOUNCE_EACH: Duration = Duration::from_millis(20);

/// Goodbye is said twice, as IP Messenger does it.
const LEAVE_AGAIN: Duration = Duration::from_millis(100);

/// Another machine with this node's id is told of once in so long.
const DOUBLED: Duration = Duration::from_secs(600);

impl Sight {
    /// Whether this is an address of everybody: nothing comes from there that is not forged.
    pub(super) fn is_everybody(&self, address: SocketAddr) -> bool {
        self.lines.values().any(|line| line.interface.everybody.ip() == address.ip())
    }

    /// The interface whose subnet this address is of.
    pub(super) fn interface(&self, address: IpAddr) -> Option<IpAddr> {
        let line = self.lines.values().find(|line| line.interface.contains(address))?;
        Some(line.interface.address)
    }
}

impl Node {
    pub(super) fn is_own_address(&self, address: SocketAddr) -> bool {
        address.port() == self.config.port && self.sight.lines.contains_key(&address.ip())
    }

    pub(super) fn handle_presence(
        &mut self,
        from: SocketAddr,
        packet: &Packet<'_>,
        presence: Presence<'_>,
        mut reader: Reader,
    ) {
        let utf8 = packet.command.options().has(Options::UTF8);
        let user = presence.user.unwrap_or_else(|| reader.read(packet.user, utf8));
        let host = presence.host.unwrap_or_else(|| reader.read(packet.host, utf8));
        let claim = Claim {
            node: presence.ours.map(|tag| tag.node),
            user: &user,
            host: &host,
            nick: &presence.nick,
            group: &presence.group,
            options: presence.options,
            version: &String::from_utf8_lossy(packet.version),
            charset: reader.peer,
            is_presence: true,
        };
        if claim.node == Some(self.config.node) {
            return self.meet_double(from);
        }
        match presence.kind {
            PresenceKind::Exit => return self.handle_exit(from, &claim),
            PresenceKind::Note if claim.node.is_none() => return,
            _ => {}
        }
        let is_answer = presence.kind == PresenceKind::Answer;
        let Some(id) = self.meet(from, &claim, is_answer) else { return };
        self.sight.is_answered |= is_answer;
        if presence.kind == PresenceKind::Entry {
            self.inbox.restarted(id, packet.number);
            self.handle_entry(id, from, presence.ours.map(|tag| tag.wants));
        }
        if is_answer {
            self.spell_out(id);
        }
        if let Some(page) = presence.page.as_deref().and_then(Page::parse)
            && let Some(node) = claim.node
        {
            self.handle_page(from, node, &page);
        }
    }

    /// Answers an entry, now or later; `wants` is none for those who are not ours.
    fn handle_entry(&mut self, id: PeerId, from: SocketAddr, wants: Option<Wants>) {
        match (wants, self.sight.interface(from.ip())) {
            (Some(Wants::Nothing), _) => {}
            (Some(Wants::Answer), _) => self.send_answer(id, from),
            (Some(Wants::List), Some(interface)) => self.want_list(interface),
            (Some(Wants::List), None) | (None, _) => {
                let at = self.elapsed() + self.spread();
                self.schedule.set_by(Task::Answer(id), at);
            }
        }
    }

    pub(super) fn answer_entry(&mut self, id: PeerId) {
        if let Some(to) = self.peers.get(id).and_then(|peer| peer.addresses.first().copied()) {
            self.send_answer(id, to);
        }
    }

    fn send_answer(&mut self, id: PeerId, to: SocketAddr) {
        let now = self.elapsed();
        let Some(peer) = self.peers.get_mut(id) else { return };
        if !peer.presence.take(PRESENCE_TO_ONE, now) || !self.buckets.presence.take(PRESENCE_TO_ALL, now) {
            return;
        }
        let dialect = self.dialect(id);
        let answer = self.presence(PresenceKind::Answer, Wants::Nothing, dialect, None);
        self.transmit(to, answer);
    }

    /// Tells a peer our names in its charset, if what it has heard so far was UTF-8 that it cannot read. A change is
    /// never answered, so this ends here.
    fn spell_out(&mut self, id: PeerId) {
        let now = self.elapsed();
        let dialect = self.dialect(id);
        let Profile { nick, group, .. } = &self.config.profile;
        if dialect.charset == Charset::UTF_8 || nick.is_ascii() && group.is_ascii() {
            return;
        }
        let Some(peer) = self.peers.get_mut(id) else { return };
        if let Some(&to) = peer.addresses.first()
            && peer.presence.take(PRESENCE_TO_ONE, now)
        {
            let change = self.presence(PresenceKind::Change, Wants::Nothing, dialect, None);
            self.transmit(to, change);
        }
    }

    pub(super) fn set_interfaces(&mut self, interfaces: Vec<Interface>) {
        let old = std::mem::take(&mut self.sight.lines);
        let mut new = Vec::new();
        for interface in interfaces {
            let line = match old.get(&interface.address) {
                Some(line) if line.interface == interface => line.clone(),
                _ => {
                    new.push(interface.everybody);
                    Line::new(interface, &mut self.chance)
                }
            };
            self.sight.lines.insert(interface.address, line);
        }
        if !new.is_empty() {
            self.begin_entering();
            for everybody in new {
                let entry = self.presence(PresenceKind::Entry, Wants::List, Dialect::UTF_8, None);
                self.transmit(everybody, entry);
            }
        }
        if self.schedule.at(Task::Refresh).is_none() {
            self.schedule_refresh();
        }
    }

    /// Asks everybody.
    pub(super) fn enter(&mut self) {
        self.begin_entering();
        self.broadcast(PresenceKind::Entry, Wants::List);
    }

    pub(super) fn enter_again(&mut self) {
        if self.sight.is_answered || self.sight.entries >= ENTRIES {
            return;
        }
        self.sight.entries += 1;
        self.broadcast(PresenceKind::Entry, Wants::List);
        self.schedule.set(Task::Enter, self.elapsed() + ENTER_AGAIN);
    }

    fn begin_entering(&mut self) {
        self.sight.entries = 1;
        self.sight.asked_all = self.elapsed();
        self.sight.is_answered = false;
        self.schedule.set(Task::Enter, self.elapsed() + ENTER_AGAIN);
    }

    pub(super) fn set_asked(&mut self, addresses: Vec<SocketAddr>) {
        self.sight.asked = addresses.into_iter().take(MAX_ASKED).collect();
        self.sight.asked_last = None;
        self.sight.rounds = 0;
        self.schedule.set(Task::Ask, self.elapsed());
    }

    /// Asks the next address at which nobody was heard.
    pub(super) fn ask_next(&mut self) {
        let after = self.sight.asked_last.map_or(Unbounded, Excluded);
        let is_silent = |address: &SocketAddr| {
            let peer = self.peers.at(*address).and_then(|id| self.peers.get(id));
            peer.is_none_or(|peer| !peer.is_present()) && !self.is_own_address(*address)
        };
        match self.sight.asked.range((after, Unbounded)).copied().find(is_silent) {
            Some(address) => {
                let entry = self.presence(PresenceKind::Entry, Wants::Answer, Dialect::UTF_8, None);
                self.transmit(address, entry);
                self.sight.asked_last = Some(address);
                self.schedule.set(Task::Ask, self.elapsed() + ASK_PACE);
            }
            None if self.sight.asked.is_empty() => {}
            None => {
                let pause = ASK_ROUNDS[self.sight.rounds.min(ASK_ROUNDS.len() - 1)];
                self.sight.asked_last = None;
                self.sight.rounds += 1;
                self.schedule.set(Task::Ask, self.elapsed() + pause);
            }
        }
    }

    pub(super) fn set_profile(&mut self, profile: Profile) {
        self.config.profile = profile.cleaned();
        self.broadcast(PresenceKind::Change, Wants::Nothing);
        let inside = self.peers.iter().filter(|peer| peer.is_present() && !self.is_outside(peer));
        for id in inside.map(|peer| peer.id).collect::<Vec<_>>() {
            self.spell_out(id);
        }
    }

    /// Our own news, and a page of the list.
    pub(super) fn refresh(&mut self) {
        let now = self.elapsed();
        let kind = if now >= self.sight.asked_all + self.entry_interval() {
            self.sight.asked_all = now;
            PresenceKind::Entry
        } else {
            PresenceKind::Note
        };
        let lines: Vec<IpAddr> = self.sight.lines.keys().copied().collect();
        for interface in lines {
            self.send_note(interface, kind);
        }
        let note = self.presence(PresenceKind::Note, Wants::Nothing, Dialect::UTF_8, None);
        for (_, to) in self.outside(|peer| peer.node.is_some()) {
            self.transmit(to, note.clone());
        }
        self.sight.announced = now;
        self.schedule_refresh();
    }

    fn schedule_refresh(&mut self) {
        let interval = self.refresh_interval();
        let at = self.elapsed() + interval.mul_f64(0.75) + self.jitter(interval / 2);
        self.schedule.set(Task::Refresh, at);
    }

    /// The time between two notes of one node, on average.
    pub(super) fn refresh_interval(&self) -> Duration {
        REFRESH.max(REFRESH_EACH * self.peers.ours())
    }

    /// The time between two entries of this node, which those of other programs answer.
    pub(super) fn entry_interval(&self) -> Duration {
        let others = self.peers.present() - self.peers.ours();
        ENTRY.max(ENTRY_EACH * (self.peers.ours() * others)) + self.refresh_interval()
    }

    /// Will announce this node: somebody of ours does not know it, or not as it is.
    pub(super) fn contradict(&mut self) {
        let earliest = self.sight.announced + ANNOUNCE.max(ANNOUNCE_EACH * self.peers.ours());
        let at = self.elapsed().max(earliest) + self.spread();
        self.schedule.set_by(Task::Announce, at);
    }

    pub(super) fn announce(&mut self) {
        self.sight.announced = self.elapsed();
        self.broadcast(PresenceKind::Note, Wants::Nothing);
    }

    pub(super) fn leave(&mut self) {
        self.broadcast(PresenceKind::Exit, Wants::Nothing);
        self.sight.has_left = true;
        self.schedule = super::Schedule::default();
        self.schedule.set(Task::Leave, self.elapsed() + LEAVE_AGAIN);
    }

    pub(super) fn leave_again(&mut self) {
        self.broadcast(PresenceKind::Exit, Wants::Nothing);
        self.tell(Event::Left);
    }

    fn meet_double(&mut self, from: SocketAddr) {
        let now = self.elapsed();
        if self.sight.doubled.is_none_or(|last| now - last >= DOUBLED) {
            self.sight.doubled = Some(now);
            self.tell(Event::SameNode { address: from });
        }
    }

    /// The time within which everybody answers an entry, a random part of it: IP Messenger's defence against storms.
    pub(super) fn spread(&mut self) -> Duration {
        let most = self.spread_most();
        self.jitter(most)
    }

    pub(super) fn spread_most(&self) -> Duration {
        Duration::from_secs(match self.peers.present() {
            0..50 => 1,
            50..300 => 2,
            _ => 4,
        })
    }
}

/// Addresses that no packet that wants an answer comes from: forged ones, and those of services that answer anything.
pub(super) fn is_answerable(address: SocketAddr) -> bool {
    let reserved = match address.ip() {
        IpAddr::V4(ip) => ip.is_broadcast() || ip.is_multicast() || ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_multicast() || ip.is_unspecified(),
    };
    !reserved && address.port() >= FIRST_PORT
}

/// Below are the well-known services: a forged packet could make one of them and this node answer each other.
const FIRST_PORT: u16 = 1024;
