//! A story that a seed tells: hosts come and go, write to each other, are cut off from each other and attacked, on bad
//! wires. Then it becomes calm, though the wires stay as they are, and everything must come right.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use super::impair::Impairment;
use super::world::{Host, Other, Ours, Program, World, address, host_at};
use crate::body::{Body, Sender};
use crate::charset::Dialect;
use crate::command::Options;
use crate::extension::{Capabilities, NodeId, NodeTag, Wants};
use crate::message::Message;
use crate::node::{Command, Outgoing, Person, Profile, Standing};
use crate::page::{Listed, Page};
use crate::presence::{Presence, PresenceKind};

/// How large a story is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Hosts with nodes of ours, at most; at least two.
    pub(super) ours: usize,
    /// Hosts with programs of others, at most.
    pub(super) others: usize,
    /// How long it is troubled.
    pub(super) trouble: Duration,
    /// How long it may take to come right.
    pub(super) patience: Duration,
    /// How often that is looked at.
    pub(super) step: Duration,
}

/// What a story had in it, for whoever wants to know whether the stories are any good.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Report {
    pub(super) messages: usize,
    pub(super) starts: usize,
    pub(super) handled: usize,
    /// From the end of the trouble until all was right.
    pub(super) settled: Duration,
}

/// Runs the story of a seed.
///
/// # Errors
/// What was not right at its end.
pub(super) fn run(seed: u64, size: Size) -> Result<Report, String> {
    let mut story = Story::begin(seed, size);
    let trouble_ends = size.trouble;
    while story.world.now < trouble_ends {
        story.make_trouble();
        let pause = Duration::from_millis(story.world.chance.u64(0..1500));
        let until = (story.world.now + pause).min(trouble_ends);
        story.world.run_to(until);
    }
    story.calm_down();
    while let Err(wrong) = story.is_right() {
        if story.world.now >= trouble_ends + size.patience {
            return Err(wrong);
        }
        let until = story.world.now + size.step;
        story.world.run_to(until);
    }
    Ok(Report {
        messages: story.world.hosts.iter().map(|host| accepted(host).len()).sum(),
        starts: story.starts,
        handled: story.world.traffic.handled,
        settled: story.world.now - trouble_ends,
    })
}

struct Story {
    world: World,
    starts: usize,
    texts: usize,
    cut_ends: Duration,
}

fn accepted(host: &Host) -> &[(usize, Outgoing)] {
    match host {
        Host::Ours(ours) => &ours.disk.accepted,
        Host::Other(_) => &[],
    }
}

impl Story {
    fn begin(seed: u64, size: Size) -> Self {
        let mut chance = fastrand::Rng::with_seed(seed);
        let milliseconds = |chance: &mut fastrand::Rng, most| Duration::from_millis(chance.u64(0..most));
        // One story in four is on good wires, so that not everything is blamed on bad ones.
        let is_bad = chance.u8(0..4) > 0;
        let impairment = Impairment {
            loss: if is_bad { chance.f64() / 2.0 } else { 0.0 },
            duplicate: if is_bad { chance.f64() / 5.0 } else { 0.0 },
            flip: if is_bad { chance.f64() / 20.0 } else { 0.0 },
            delay: milliseconds(&mut chance, 200),
            jitter: milliseconds(&mut chance, 300),
            outages: Vec::new(),
        };
        let mut world = World::new(impairment, chance.u64(..));
        for _ in 0..chance.usize(2..=size.ours.max(2)) {
            let host = world.add_ours();
            if let Host::Ours(ours) = &mut world.hosts[host] {
                // A clock in ten is wrong by up to a month.
                ours.skew = if chance.u8(0..10) == 0 { chance.i64(-2_600_000..2_600_000) } else { 0 };
            }
        }
        for _ in 0..chance.usize(0..=size.others) {
            world.add_other(if chance.bool() { Program::Iptux } else { Program::IpMessenger });
        }
        let mut story = Self { world, starts: 0, texts: 0, cut_ends: Duration::ZERO };
        for host in 0..story.world.hosts.len() {
            story.start(host);
            let until = story.world.now + Duration::from_millis(story.world.chance.u64(0..500));
            story.world.run_to(until);
        }
        story
    }

    fn any_host(&mut self) -> usize {
        let hosts = self.world.hosts.len();
        self.world.chance.usize(0..hosts)
    }

    fn is_up(&self, host: usize) -> bool {
        match &self.world.hosts[host] {
            Host::Ours(ours) => ours.is_up(),
            Host::Other(other) => other.is_up,
        }
    }

    fn start(&mut self, host: usize) {
        self.starts += 1;
        self.world.with(host, |host, now| match host {
            Host::Ours(ours) => ours.start(now),
            Host::Other(other) => other.start(now),
        });
    }

    fn kill(&mut self, host: usize) {
        self.world.with(host, |host, _| match host {
            Host::Ours(ours) => ours.kill(),
            Host::Other(other) => other.kill(),
        });
    }

    fn make_trouble(&mut self) {
        if self.world.now >= self.cut_ends {
            self.world.sides.fill(false);
        }
        let host = self.any_host();
        match self.world.chance.u8(0..100) {
            0..50 => self.write(host),
            50..60 if self.is_up(host) => self.kill(host),
            50..70 if !self.is_up(host) => self.start(host),
            60..64 => self.command(host, Command::Leave),
            64..68 => {
                let nick = format!("名{host} {}", self.texts);
                let away = self.world.chance.bool().then(|| "at lunch".to_owned());
                self.profile(host, Profile { nick, group: "组".to_owned(), away });
            }
            68..70 => self.command(host, Command::Refresh),
            70..74 => self.cancel(host),
            74..78 => self.cut(),
            78..100 => self.attack(),
            _ => {}
        }
    }

    fn write(&mut self, from: usize) {
        let to = self.any_host();
        if to == from {
            return;
        }
        self.texts += 1;
        // Most texts are short; one in ten makes several datagrams.
        let length = if self.world.chance.u8(0..10) == 0 { self.world.chance.usize(0..1500) } else { 0 };
        let text = format!("text {} {}", self.texts, "字".repeat(length));
        // Whoever is at an address, or a node of ours wherever it is.
        let by_id = self.world.chance.u8(0..4) > 0;
        let node = self.world.ours(to).filter(|_| by_id).map(|ours| ours.id);
        let person = node.map_or(Person::Address(address(to)), Person::Node);
        if self.world.other(from).is_some() && self.world.other(to).is_some() {
            return; // what others make of each other is not ours to answer for
        }
        self.world.with(from, |host, now| match host {
            Host::Ours(ours) => ours.write(now, person, to, text),
            Host::Other(other) => other.write(now, to, text.trim_end_matches('字').to_owned()),
        });
    }

    fn command(&mut self, host: usize, command: Command) {
        self.world.with(host, |host, now| {
            if let Host::Ours(ours) = host {
                ours.command(now, command);
            }
        });
    }

    fn profile(&mut self, host: usize, profile: Profile) {
        if let Host::Ours(ours) = &mut self.world.hosts[host] {
            ours.profile = profile.clone();
        }
        self.command(host, Command::Profile(profile));
    }

    /// A message that is cancelled is nobody's loss, whatever became of it.
    fn cancel(&mut self, host: usize) {
        self.world.with(host, |host, now| {
            if let Host::Ours(ours) = host
                && ours.is_up()
                && let Some((&message, _)) = ours.disk.outbox.last_key_value()
            {
                ours.disk.outbox.remove(&message);
                ours.disk.accepted.retain(|(_, accepted)| accepted.id != message);
                ours.command(now, Command::Cancel(message));
            }
        });
    }

    /// For up to half a minute, some hosts hear only each other.
    fn cut(&mut self) {
        for host in 0..self.world.sides.len() {
            self.world.sides[host] = self.world.chance.bool();
        }
        self.cut_ends = self.world.now + Duration::from_millis(self.world.chance.u64(0..30_000));
    }

    /// Somebody sends what he likes, in whosever name he likes. Left out is what nobody can defend against in a protocol
    /// that proves nothing: receipts for what was not received, and whatever makes a program of others read or drop
    /// our messages as if they were another's.
    fn attack(&mut self) {
        let (victim, to) = (self.any_host(), self.any_host());
        let to = self.world.chance.bool().then_some(to);
        let from = address(victim);
        let node = self.world.ours(victim).map(|ours| ours.id);
        let forged = match (self.world.chance.u8(0..6), node) {
            (0, Some(_)) => match self.world.overheard() {
                Some((from, bytes)) => return self.world.forge(from, Some(victim), &bytes),
                None => return,
            },
            (1, _) => (0..100).map(|_| self.world.chance.u8(..)).collect(),
            (2, Some(node)) => {
                forged_presence(PresenceKind::Exit, &format!("user{victim}"), Some(node), None)
            }
            (2, None) => forged_presence(PresenceKind::Exit, &format!("other{victim}"), None, None),
            (3, Some(_)) => forged_presence(PresenceKind::Entry, "mallory", None, None),
            (4, Some(node)) => {
                let page = self.forged_page(victim, node);
                forged_presence(PresenceKind::Note, "mallory", Some(NodeId(666)), Some(page))
            }
            _ => {
                let sender = Sender { user: "mallory", host: "desk" };
                Body::Message(Message::new("forged")).build(1, sender, Dialect::UTF_8).unwrap()
            }
        };
        self.world.forge(from, to, &forged);
    }

    /// Nodes that are not there, and one that is, at a wrong address.
    fn forged_page(&mut self, victim: usize, real: NodeId) -> Vec<u8> {
        let listed = |node, host: usize| Listed {
            node,
            address: address(host),
            options: Options::NONE,
            user: "ghost".into(),
            host: "desk".into(),
            nick: "ghost".into(),
            group: "".into(),
        };
        let ghost = self.world.chance.usize(10_000..10_010);
        let nodes = vec![listed(NodeId(ghost as u128), ghost), listed(real, victim + 1)];
        let page = Page { answer: self.world.chance.bool(), from: NodeId(0), to: NodeId(u128::MAX), nodes };
        page.section()
    }

    /// No more trouble: whoever is not up now, is started or stays away.
    fn calm_down(&mut self) {
        self.world.sides.fill(false);
        for host in 0..self.world.hosts.len() {
            if !self.is_up(host) && self.world.chance.u8(0..4) > 0 {
                self.start(host);
            }
        }
    }

    /// Whether everybody has got everything, and knows who is there.
    fn is_right(&self) -> Result<(), String> {
        for (host, from) in self.world.hosts.iter().enumerate() {
            let Host::Ours(ours) = from else { continue };
            if ours.is_up() {
                self.all_has_arrived(host, ours)?;
                self.knows_everybody(host, ours)?;
            }
            Self::shows_each_once(host, ours)?;
            self.shows_in_order(host, ours)?;
        }
        self.others_have_arrived()
    }

    /// What was accepted here is where it should be; what is for those who are not there waits.
    fn all_has_arrived(&self, host: usize, ours: &Ours) -> Result<(), String> {
        for (to, message) in &ours.disk.accepted {
            let by_address = message.to == Person::Address(address(*to));
            let is_there = match &self.world.hosts[*to] {
                Host::Ours(receiver) => {
                    let id = Some((ours.id, message.id));
                    let history = &receiver.disk.history;
                    let without_id =
                        history.iter().filter(|line| line.id.is_none() && line.from == address(host));
                    history.iter().any(|line| line.id == id && line.text == message.text)
                        // Somebody had forged that a program of others is there.
                        || by_address && make(without_id.map(|line| &*line.text), &message.text)
                }
                Host::Other(receiver) => make(shown_by(receiver, address(host)), &message.text),
            };
            let waits = ours.disk.outbox.contains_key(&message.id);
            let (text, id) = (&message.text[..message.text.floor_char_boundary(20)], message.id);
            if self.is_up(*to) && (!is_there || waits) {
                return Err(format!(
                    "host {host} has accepted {text:?} ({id}) for host {to}: arrived: {is_there}, waits: {waits}"
                ));
            }
            if !is_there && !waits {
                return Err(format!("host {host} has lost {text:?} ({id}) for host {to}"));
            }
        }
        Ok(())
    }

    /// Between ours everything is in the history once.
    fn shows_each_once(host: usize, ours: &Ours) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        for line in ours.disk.history.iter().filter(|line| line.id.is_some()) {
            if !seen.insert(line.id) {
                return Err(format!("host {host} shows {:?} twice", line.id));
            }
        }
        Ok(())
    }

    /// What one of ours has written to another is in the history in the order of writing. Only what was written to an
    /// address, when nobody knew whose it is, has an order of its own.
    fn shows_in_order(&self, host: usize, ours: &Ours) -> Result<(), String> {
        let mut last: BTreeMap<(NodeId, bool), u32> = BTreeMap::new();
        for line in &ours.disk.history {
            let Some((node, id)) = line.id else { continue };
            let sender = host_at(line.from).and_then(|sender| self.world.ours(sender));
            let message =
                sender.and_then(|sender| sender.disk.accepted.iter().find(|(_, sent)| sent.id == id));
            let Some((_, message)) = message else { continue };
            let by_address = matches!(message.to, Person::Address(_));
            let before = last.insert((node, by_address), message.number);
            if before.is_some_and(|before| before > message.number) {
                return Err(format!("host {host} shows {:?} of {node} too late", message.number));
            }
        }
        Ok(())
    }

    /// What others were told has arrived, has.
    fn others_have_arrived(&self) -> Result<(), String> {
        for (host, from) in self.world.hosts.iter().enumerate() {
            let Host::Other(other) = from else { continue };
            for (to, text) in &other.delivered {
                let is_there = match host_at(*to).map(|to| &self.world.hosts[to]) {
                    Some(Host::Ours(ours)) => ours.disk.history.iter().any(|line| line.text == *text),
                    Some(Host::Other(receiver)) => {
                        shown_by(receiver, address(host)).any(|shown| shown == text)
                    }
                    None => false,
                };
                if !is_there {
                    return Err(format!(
                        "{to} has acknowledged {text:?} to host {host} and does not have it"
                    ));
                }
            }
        }
        Ok(())
    }

    fn knows_everybody(&self, host: usize, ours: &Ours) -> Result<(), String> {
        let Some(node) = &ours.node else { return Ok(()) };
        let mut expected: BTreeMap<SocketAddr, String> = BTreeMap::new();
        for (other, is) in self.world.hosts.iter().enumerate().filter(|(other, _)| *other != host) {
            match is {
                Host::Ours(ours) if ours.is_up() => {
                    expected.insert(address(other), ours.profile.nick.clone());
                }
                Host::Other(_) if self.is_up(other) => {
                    expected.insert(address(other), format!("other{other}"));
                }
                _ => {}
            }
        }
        for peer in node.peers().filter(|peer| peer.is_present()) {
            let at = peer.addresses.first().copied();
            let nick = at.and_then(|at| expected.remove(&at));
            // One of another program is missed only when it is asked, which takes its time.
            let is_expected = nick.as_deref() == Some(&*peer.nick) || nick.is_none() && peer.node.is_none();
            if !is_expected || peer.standing != Standing::Here && peer.node.is_none() {
                let (is, nick) = (peer.standing, &peer.nick);
                return Err(format!("host {host} knows {nick} at {at:?} ({is:?}), which is not so"));
            }
        }
        match expected.first_key_value() {
            Some((at, nick)) => Err(format!("host {host} does not know {nick} at {at}")),
            None => Ok(()),
        }
    }
}

/// What a program of others has shown of this sender.
fn shown_by(other: &Other, sender: SocketAddr) -> impl Iterator<Item = &str> {
    other.shown.iter().filter(move |(from, _)| *from == sender).map(|(_, text)| text.as_str())
}

/// Whether these make a text, in their order and perhaps with others between them: a long one is several messages to
/// those who are not ours.
fn make<'t>(shown: impl Iterator<Item = &'t str>, text: &str) -> bool {
    let mut reached = BTreeSet::from([0]);
    for part in shown.filter(|part| !part.is_empty()) {
        let next: Vec<usize> = reached
            .iter()
            .filter(|start| text[**start..].starts_with(part))
            .map(|start| start + part.len())
            .collect();
        reached.extend(next);
    }
    reached.contains(&text.len())
}

fn forged_presence(kind: PresenceKind, user: &str, node: Option<NodeId>, page: Option<Vec<u8>>) -> Vec<u8> {
    let tag = |node| NodeTag { node, capabilities: Capabilities(0), wants: Wants::List };
    let presence =
        Presence { ours: node.map(tag), page: page.map(Into::into), ..Presence::new(kind, "mallory") };
    let host = if user.starts_with("other") { "vm" } else { "desk" };
    Body::Presence(presence).build(7, Sender { user, host }, Dialect::UTF_8).unwrap()
}
