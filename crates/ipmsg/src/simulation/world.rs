//! A network of hosts on a virtual clock: nodes of ours with their disks, and programs of others, on one segment whose
//! wires are as bad as a [`Way`].

mod other;
mod ours;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use fastrand::Rng;

pub(super) use other::{Other, Program};
pub(super) use ours::Ours;

use super::impair::{Impairment, Way};
use crate::node::{Interface, Now};
use ours::Write;

/// What the clocks of the hosts say when the simulation begins.
const EPOCH: u64 = 1_795_353_650;

/// Datagrams between ours that an attacker has overheard and may send again. Those of others are left alone: an old receipt
/// makes iptux, whose numbers begin anew with each start, believe that another message has arrived.
const OVERHEARD: usize = 64;

pub(super) struct World {
    pub(super) now: Duration,
    pub(super) hosts: Vec<Host>,
    pub(super) chance: Rng,
    pub(super) traffic: Traffic,
    /// Of each host, on which side of a cut it is.
    pub(super) sides: Vec<bool>,
    overheard: VecDeque<(SocketAddr, Vec<u8>)>,
    way: Way,
    due: BinaryHeap<Reverse<Due>>,
    last: u64,
}

pub(super) enum Host {
    Ours(Box<Ours>),
    Other(Box<Other>),
}

/// Datagrams that were sent, a broadcast counted once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traffic {
    pub(super) by_ours: usize,
    pub(super) by_others: usize,
    /// Of those by ours, what went to single hosts of others.
    pub(super) to_others: usize,
    /// What arrived at nodes of ours.
    pub(super) handled: usize,
}

/// Something that happens, in the order of time and then of being planned.
struct Due {
    at: Duration,
    order: u64,
    host: usize,
    what: What,
}

enum What {
    Arrives {
        from: SocketAddr,
        bytes: Vec<u8>,
    },
    Wakes,
    /// The disk of this run of the host has something.
    Written {
        run: u32,
        write: Write,
    },
}

/// The address of a host.
pub(super) fn address(host: usize) -> SocketAddr {
    let [high, low] = u16::try_from(host + 1).unwrap().to_be_bytes();
    SocketAddr::from(([10, 77, high, low], 2425))
}

/// The host of an address.
pub(super) fn host_at(address: SocketAddr) -> Option<usize> {
    match address.ip() {
        IpAddr::V4(ip) => {
            let [10, 77, high, low] = ip.octets() else { return None };
            usize::from(u16::from_be_bytes([high, low])).checked_sub(1)
        }
        IpAddr::V6(_) => None,
    }
}

/// The one interface of a host.
pub(super) fn interface(host: usize) -> Interface {
    Interface { address: address(host).ip(), prefix: 16, everybody: EVERYBODY }
}

const EVERYBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 77, 255, 255)), 2425);

impl World {
    pub(super) fn new(impairment: Impairment, seed: u64) -> Self {
        Self {
            now: Duration::ZERO,
            hosts: Vec::new(),
            chance: Rng::with_seed(seed),
            traffic: Traffic::default(),
            sides: Vec::new(),
            overheard: VecDeque::new(),
            way: Way::new(impairment, seed.wrapping_add(1)),
            due: BinaryHeap::new(),
            last: 0,
        }
    }

    /// Adds a node of ours, switched off.
    pub(super) fn add_ours(&mut self) -> usize {
        let host = self.hosts.len();
        let ours = Ours::new(host, self.chance.u64(..));
        self.add(Host::Ours(Box::new(ours)))
    }

    /// Adds a program of others, switched off.
    pub(super) fn add_other(&mut self, program: Program) -> usize {
        let host = self.hosts.len();
        self.add(Host::Other(Box::new(Other::new(host, program))))
    }

    fn add(&mut self, host: Host) -> usize {
        self.hosts.push(host);
        self.sides.push(false);
        self.hosts.len() - 1
    }

    /// The time on the clock of a host.
    pub(super) fn clock(&self, host: usize) -> Now {
        let skew = match &self.hosts[host] {
            Host::Ours(ours) => ours.skew,
            Host::Other(_) => 0,
        };
        let unix = EPOCH.saturating_add_signed(skew) + self.now.as_secs();
        Now { elapsed: self.now, unix }
    }

    /// Lets the host do something, and what follows from it.
    pub(super) fn with<T>(&mut self, host: usize, action: impl FnOnce(&mut Host, Now) -> T) -> T {
        let clock = self.clock(host);
        let result = action(&mut self.hosts[host], clock);
        self.follow(host);
        result
    }

    pub(super) fn ours(&self, host: usize) -> Option<&Ours> {
        match &self.hosts[host] {
            Host::Ours(ours) => Some(ours),
            Host::Other(_) => None,
        }
    }

    pub(super) fn other(&self, host: usize) -> Option<&Other> {
        match &self.hosts[host] {
            Host::Other(other) => Some(other),
            Host::Ours(_) => None,
        }
    }

    /// Runs to this time.
    pub(super) fn run_to(&mut self, end: Duration) {
        while let Some(Reverse(due)) = self.due.peek()
            && due.at <= end
        {
            let Some(Reverse(due)) = self.due.pop() else { break };
            self.now = due.at;
            self.happen(due);
        }
        self.now = end;
    }

    fn happen(&mut self, due: Due) {
        let clock = self.clock(due.host);
        match (&mut self.hosts[due.host], due.what) {
            (Host::Ours(ours), What::Arrives { from, bytes }) => {
                self.traffic.handled += 1;
                ours.receive(clock, from, &bytes);
            }
            (Host::Other(other), What::Arrives { from, bytes }) => other.receive(clock, from, &bytes),
            (Host::Ours(ours), What::Wakes) => ours.wake(clock),
            (Host::Other(other), What::Wakes) => other.wake(clock),
            (Host::Ours(ours), What::Written { run, write }) => ours.written(clock, run, write),
            (Host::Other(_), What::Written { .. }) => {}
        }
        self.follow(due.host);
    }

    /// What a host has sent goes on its way; what it writes is on disk in a while; it wakes when it wants to.
    fn follow(&mut self, host: usize) {
        let (sent, writes, wake) = match &mut self.hosts[host] {
            Host::Ours(ours) => (ours.take_sent(), ours.take_writes(), ours.next_wake()),
            Host::Other(other) => (other.take_sent(), Vec::new(), other.next_wake()),
        };
        for (to, bytes) in sent {
            self.send(host, to, &bytes);
        }
        for (run, write) in writes {
            let takes = Duration::from_millis(self.chance.u64(0..20));
            let Host::Ours(ours) = &mut self.hosts[host] else { continue };
            // One disk writes in order.
            ours.disk_is_free = ours.disk_is_free.max(self.now + takes);
            let at = ours.disk_is_free;
            self.plan(at, host, What::Written { run, write });
        }
        if let Some(at) = wake {
            self.plan(at.max(self.now), host, What::Wakes);
        }
    }

    fn plan(&mut self, at: Duration, host: usize, what: What) {
        self.last += 1;
        self.due.push(Reverse(Due { at, order: self.last, host, what }));
    }

    fn send(&mut self, host: usize, to: SocketAddr, bytes: &[u8]) {
        self.count(host, to);
        if is_guarded(bytes) {
            self.overheard.truncate(OVERHEARD - 1);
            self.overheard.push_front((address(host), bytes.to_vec()));
        }
        self.carry(address(host), Some(host), to, bytes);
    }

    fn count(&mut self, host: usize, to: SocketAddr) {
        if self.other(host).is_some() {
            self.traffic.by_others += 1;
            return;
        }
        self.traffic.by_ours += 1;
        let to = host_at(to).filter(|to| *to < self.hosts.len());
        self.traffic.to_others += usize::from(to.is_some_and(|to| self.other(to).is_some()));
    }

    /// Brings a datagram to where it goes; `host` is where it really comes from.
    fn carry(&mut self, from: SocketAddr, host: Option<usize>, to: SocketAddr, bytes: &[u8]) {
        let receivers = if to == EVERYBODY {
            0..self.hosts.len()
        } else {
            let to = host_at(to).filter(|to| *to < self.hosts.len());
            to.map_or(0..0, |to| to..to + 1)
        };
        let is_guarded = is_guarded(bytes);
        for receiver in receivers {
            if host.is_some_and(|host| self.sides[host] != self.sides[receiver]) {
                continue;
            }
            for arrival in self.way.send(self.now, bytes) {
                // The kernel of a host finds a wrong bit by UDP's checksum. Ours shall not need that.
                if arrival.bytes == bytes || self.ours(receiver).is_some() && is_guarded {
                    self.plan(arrival.at, receiver, What::Arrives { from, bytes: arrival.bytes });
                }
            }
        }
    }

    /// An attacker without an address of his own sends this to everybody, or to one.
    pub(super) fn forge(&mut self, from: SocketAddr, to: Option<usize>, bytes: &[u8]) {
        self.carry(from, None, to.map_or(EVERYBODY, address), bytes);
    }

    /// Something that was sent between ours a while ago, from where it was sent.
    pub(super) fn overheard(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        let index = self.chance.usize(0..self.overheard.len().max(1));
        self.overheard.get(index).cloned()
    }
}

/// Whether a datagram has a checksum of its own: it is for ours.
fn is_guarded(bytes: &[u8]) -> bool {
    const MARK: &[u8] = b"\0trunkline-sum:";
    bytes.windows(MARK.len()).any(|window| window == MARK)
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}
