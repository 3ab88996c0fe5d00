//! A story that a seed tells: hosts come and go, write to each other, are cut off from each other and attacked, on bad
//! wires. Then it becomes calm, though the wires stay as they are, and everything must come right.

use std::time::Duration;

use super::impair::Impairment;
use super::world::{Host, Program, World, address};
use crate::body::{Body, Sender};
use crate::charset::Dialect;
use crate::command::Options;
use crate::extension::{Capabilities, NodeId, NodeTag, Wants};
use crate::message::Message;
use crate::node::{Command, Outgoing, Person, Profile};
use crate::page::{Listed, Page};
use crate::presence::{Presence, PresenceKind};

mod verdict;

/// How large a story is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Hosts with nodes of ours, at least and at most.
    pub(super) ours: (usize, usize),
    /// Hosts with programs of others, at most.
    pub(super) others: usize,
    /// How long it is troubled, after the hosts have been started.
    pub(super) trouble: Duration,
    /// How long it may take to come right.
    pub(super) patience: Duration,
    /// How often that is looked at.
    pub(super) step: Duration,
}

/// All hosts are started within so long.
const STARTED: Duration = Duration::from_secs(10);

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
    let trouble_ends = story.world.now + size.trouble;
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
        for _ in 0..chance.usize(size.ours.0..=size.ours.1) {
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
        let hosts = story.world.hosts.len();
        let pause = 2 * STARTED / u32::try_from(hosts).unwrap();
        for host in 0..hosts {
            story.start(host);
            let until = story.world.now + pause.mul_f64(story.world.chance.f64());
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
        let others = vec![address(ghost)];
        let page =
            Page { answer: self.world.chance.bool(), from: NodeId(0), to: NodeId(u128::MAX), nodes, others };
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
}

fn forged_presence(kind: PresenceKind, user: &str, node: Option<NodeId>, page: Option<Vec<u8>>) -> Vec<u8> {
    let tag = |node| NodeTag { node, capabilities: Capabilities(0), wants: Wants::List };
    let presence =
        Presence { ours: node.map(tag), page: page.map(Into::into), ..Presence::new(kind, "mallory") };
    let host = if user.starts_with("other") { "vm" } else { "desk" };
    Body::Presence(presence).build(7, Sender { user, host }, Dialect::UTF_8).unwrap()
}
