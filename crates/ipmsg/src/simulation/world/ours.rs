//! A host with a node of ours: its driver and its disk.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use super::{address, interface};
use crate::extension::{MessageId, NodeId};
use crate::node::{Command, Config, Event, Incoming, Node, Now, Outgoing, Person, Profile, Token, Transmit};

pub(in crate::simulation) struct Ours {
    host: usize,
    pub(in crate::simulation) node: Option<Node>,
    pub(in crate::simulation) id: NodeId,
    pub(in crate::simulation) profile: Profile,
    /// Seconds that its wall clock is wrong.
    pub(in crate::simulation) skew: i64,
    pub(in crate::simulation) disk: Disk,
    pub(super) disk_is_free: Duration,
    /// How often it was started.
    pub(in crate::simulation) run: u32,
    seed: u64,
    sent: Vec<(SocketAddr, Vec<u8>)>,
    writes: Vec<(u32, Write)>,
    /// What the disk sends when it has stored something.
    ahead: BTreeMap<Token, Vec<Transmit>>,
    /// The wake-up that is planned.
    wake: Option<Duration>,
}

/// What outlives the process.
#[derive(Default)]
pub(in crate::simulation) struct Disk {
    /// Messages accepted and neither delivered nor cancelled.
    pub(in crate::simulation) outbox: BTreeMap<MessageId, Outgoing>,
    last_number: u32,
    /// Messages accepted from the writer, and the host they are for.
    pub(in crate::simulation) accepted: Vec<(usize, Outgoing)>,
    /// Messages shown to the person, in their order.
    pub(in crate::simulation) history: Vec<Line>,
    ids: BTreeSet<(NodeId, MessageId)>,
}

/// A message in the history.
pub(in crate::simulation) struct Line {
    pub(in crate::simulation) from: SocketAddr,
    pub(in crate::simulation) id: Option<(NodeId, MessageId)>,
    pub(in crate::simulation) text: String,
}

/// Something on its way to the disk.
pub(super) enum Write {
    Accepted(Token, usize, Outgoing),
    Came(Token, Incoming),
    Opened(Token),
    Ended(MessageId),
}

impl Ours {
    pub(super) fn new(host: usize, seed: u64) -> Self {
        Self {
            host,
            node: None,
            id: NodeId(u128::from(seed) << 64 | host as u128),
            profile: Profile { nick: format!("名{host}"), ..Profile::default() },
            skew: 0,
            disk: Disk::default(),
            disk_is_free: Duration::ZERO,
            run: 0,
            seed,
            sent: Vec::new(),
            writes: Vec::new(),
            ahead: BTreeMap::new(),
            wake: None,
        }
    }

    pub(in crate::simulation) fn start(&mut self, now: Now) {
        self.run += 1;
        self.ahead.clear();
        self.wake = None;
        let config = Config {
            profile: self.profile.clone(),
            port: address(self.host).port(),
            program: "simulation".to_owned(),
            last_number: self.disk.last_number,
            outbox: self.disk.outbox.values().cloned().collect(),
            ..Config::new(self.id, format!("user{}", self.host), "desk")
        };
        let mut node = Node::new(config, now, self.seed.wrapping_add(self.run.into()));
        node.handle_command(now, Command::Interfaces(vec![interface(self.host)])).unwrap();
        self.node = Some(node);
        self.drive();
    }

    /// As `kill -9`: what is not on disk is lost.
    pub(in crate::simulation) fn kill(&mut self) {
        self.node = None;
        self.run += 1;
    }

    pub(in crate::simulation) fn is_up(&self) -> bool {
        self.node.is_some()
    }

    pub(in crate::simulation) fn command(&mut self, now: Now, command: Command) {
        if let Some(node) = &mut self.node {
            // A refusal is the writer's to see; the scenario looks at what was accepted.
            let _ = node.handle_command(now, command);
            self.drive();
        }
    }

    /// Sends a text to a person, who is at this host.
    pub(in crate::simulation) fn write(&mut self, now: Now, to: Person, host: usize, text: String) {
        self.command(now, Command::Send { to, text, sealed: false, reference: host as u64 });
    }

    pub(super) fn receive(&mut self, now: Now, from: SocketAddr, bytes: &[u8]) {
        if let Some(node) = &mut self.node {
            node.handle_datagram(now, from, bytes);
            self.drive();
        }
    }

    pub(super) fn wake(&mut self, now: Now) {
        if self.wake.is_some_and(|wake| wake <= now.elapsed) {
            self.wake = None;
        }
        if let Some(node) = &mut self.node
            && node.poll_timeout().is_some_and(|at| at <= now.elapsed)
        {
            node.handle_timeout(now);
            self.drive();
        }
    }

    /// The disk has it.
    pub(super) fn written(&mut self, now: Now, run: u32, write: Write) {
        if run != self.run {
            return;
        }
        let token = match write {
            Write::Accepted(token, to, message) => {
                self.disk.last_number = self.disk.last_number.max(message.last_number());
                self.disk.outbox.insert(message.id, message.clone());
                self.disk.accepted.push((to, message));
                Some(token)
            }
            Write::Came(token, message) => {
                if message.id.is_none_or(|id| self.disk.ids.insert(id)) {
                    let Incoming { address, id, text, .. } = message;
                    self.disk.history.push(Line { from: address, id, text });
                }
                Some(token)
            }
            Write::Opened(token) => Some(token),
            Write::Ended(message) => {
                self.disk.outbox.remove(&message);
                None
            }
        };
        if let Some(token) = token {
            let ahead = self.ahead.remove(&token).unwrap_or_default();
            self.sent.extend(ahead.into_iter().map(|transmit| (transmit.to, transmit.bytes)));
            self.command(now, Command::Stored(token));
        }
    }

    /// Takes what the node has to say.
    fn drive(&mut self) {
        let Some(node) = &mut self.node else { return };
        while let Some(transmit) = node.poll_transmit() {
            self.sent.push((transmit.to, transmit.bytes));
        }
        while let Some(event) = node.poll_event() {
            // By some of the disks, and not for everything.
            if let Event::Accepted { token, .. } | Event::Message { token, .. } = event
                && !(self.host as u64 + token.0).is_multiple_of(3)
            {
                self.ahead.insert(token, node.take_ahead(token));
            }
            let write = match event {
                Event::Accepted { token, reference, message } => {
                    Write::Accepted(token, usize::try_from(reference).unwrap(), message)
                }
                Event::Message { token, message } => Write::Came(token, message),
                Event::Opened { token, .. } => Write::Opened(token),
                Event::Delivered { message, .. } | Event::Failed { message, .. } => Write::Ended(message),
                Event::Left => return self.kill(),
                _ => continue,
            };
            self.writes.push((self.run, write));
        }
    }

    pub(super) fn take_sent(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        std::mem::take(&mut self.sent)
    }

    pub(super) fn take_writes(&mut self) -> Vec<(u32, Write)> {
        std::mem::take(&mut self.writes)
    }

    /// A wake-up to be planned, unless one is that comes in time.
    pub(super) fn next_wake(&mut self) -> Option<Duration> {
        let wanted = self.node.as_ref()?.poll_timeout()?;
        if self.wake.is_some_and(|wake| wake <= wanted) {
            return None;
        }
        self.wake = Some(wanted);
        Some(wanted)
    }
}
