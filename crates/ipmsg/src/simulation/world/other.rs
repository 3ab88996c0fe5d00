//! A host with a program of others, as far as it matters here: presence, messages and their receipts, as they were seen on
//! the wire of iptux and read in the source of IP Messenger.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use super::{EVERYBODY, address};
use crate::charset::{Charset, Reader};
use crate::command::{Command, MessageOptions, Mode, Options};
use crate::node::Now;
use crate::packet::Packet;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulation) enum Program {
    /// Counts from 1 at each start; acknowledges and drops what is not above the last number, until the sender makes
    /// itself known anew; answers at once; sends four times, a second apart.
    Iptux,
    /// Counts from its clock; remembers 32 messages; answers within a second; sends five times, 750 ms apart.
    IpMessenger,
}

pub(in crate::simulation) struct Other {
    host: usize,
    program: Program,
    pub(in crate::simulation) is_up: bool,
    pub(in crate::simulation) starts: usize,
    number: u32,
    /// Those it knows, and what of their messages it remembers.
    pub(in crate::simulation) known: BTreeMap<SocketAddr, VecDeque<u32>>,
    /// How many answers to an entry it has got from each.
    pub(in crate::simulation) answers: BTreeMap<SocketAddr, usize>,
    under_way: Vec<UnderWay>,
    /// Answers to entries that are due.
    owed: Vec<(Duration, SocketAddr)>,
    /// Messages shown, and by whom.
    pub(in crate::simulation) shown: Vec<(SocketAddr, String)>,
    /// Messages that were acknowledged.
    pub(in crate::simulation) delivered: Vec<(SocketAddr, String)>,
    sent: Vec<(SocketAddr, Vec<u8>)>,
    wake: Option<Duration>,
}

struct UnderWay {
    to: SocketAddr,
    number: u32,
    text: String,
    bytes: Vec<u8>,
    sends: u32,
    next: Duration,
}

impl Other {
    pub(super) fn new(host: usize, program: Program) -> Self {
        Self {
            host,
            program,
            is_up: false,
            starts: 0,
            number: 0,
            known: BTreeMap::new(),
            answers: BTreeMap::new(),
            under_way: Vec::new(),
            owed: Vec::new(),
            shown: Vec::new(),
            delivered: Vec::new(),
            sent: Vec::new(),
            wake: None,
        }
    }

    pub(in crate::simulation) fn start(&mut self, now: Now) {
        self.is_up = true;
        self.starts += 1;
        self.number = match self.program {
            Program::Iptux => 0,
            Program::IpMessenger => u32::try_from(now.unix).unwrap(),
        };
        let entry = self.presence(Mode::BR_ENTRY);
        self.sent.push((EVERYBODY, entry));
    }

    /// Without a goodbye.
    pub(in crate::simulation) fn kill(&mut self) {
        self.is_up = false;
        self.known.clear();
        self.under_way.clear();
        self.owed.clear();
        self.wake = None;
    }

    /// Sends a text to a host that it knows.
    pub(in crate::simulation) fn write(&mut self, now: Now, to: usize, text: String) {
        let to = address(to);
        if self.is_up && self.known.contains_key(&to) {
            let options = Options::<MessageOptions>::SENDCHECK;
            let bytes = self.packet(Command::new(Mode::SENDMSG, options), &format!("{text}\0"));
            self.under_way.push(UnderWay {
                to,
                number: self.number,
                text,
                bytes,
                sends: 0,
                next: now.elapsed,
            });
            self.wake(now);
        }
    }

    pub(super) fn receive(&mut self, now: Now, from: SocketAddr, bytes: &[u8]) {
        let Ok(packet) = Packet::parse(bytes) else { return };
        if !self.is_up || from == address(self.host) {
            return;
        }
        match packet.command.mode() {
            Mode::BR_ENTRY => {
                self.meet(from);
                let pause = match self.program {
                    Program::Iptux => Duration::ZERO,
                    Program::IpMessenger => {
                        Duration::from_millis(packet.number.wrapping_mul(7919).into()) / 1000
                    }
                };
                self.owed.push((now.elapsed + pause.min(Duration::from_secs(1)), from));
            }
            Mode::ANSENTRY => {
                self.meet(from);
                *self.answers.entry(from).or_default() += 1;
            }
            Mode::BR_ABSENCE => self.meet(from),
            Mode::BR_EXIT => drop(self.known.remove(&from)),
            Mode::SENDMSG => self.receive_message(from, &packet),
            Mode::RECVMSG => self.receive_receipt(from, &packet),
            _ => {}
        }
        self.wake(now);
    }

    fn meet(&mut self, from: SocketAddr) {
        let remembered = self.known.entry(from).or_default();
        if self.program == Program::Iptux {
            remembered.clear();
        }
    }

    fn receive_message(&mut self, from: SocketAddr, packet: &Packet<'_>) {
        let options = Options::<MessageOptions>::from_bits(packet.command.options().bits());
        if options.has(Options::SENDCHECK) {
            let receipt = Command::new(Mode::RECVMSG, Options::<MessageOptions>::SENDCHECK);
            let receipt = self.packet(receipt, &format!("{}\0", packet.number));
            self.sent.push((from, receipt));
        }
        let remembered = self.known.entry(from).or_default();
        let is_known = match self.program {
            Program::Iptux => remembered.iter().any(|last| packet.number <= *last),
            Program::IpMessenger => remembered.contains(&packet.number),
        };
        if is_known {
            return;
        }
        remembered.push_back(packet.number);
        let most = if self.program == Program::Iptux { 1 } else { 32 };
        if remembered.len() > most {
            remembered.pop_front();
        }
        let text = Reader::new(Charset::GBK).read(packet.additional(), false).into_owned();
        self.shown.push((from, text));
    }

    fn receive_receipt(&mut self, from: SocketAddr, packet: &Packet<'_>) {
        let number = std::str::from_utf8(packet.additional()).ok().and_then(|digits| digits.parse().ok());
        if let Some(at) =
            self.under_way.iter().position(|sent| (sent.to, Some(sent.number)) == (from, number))
        {
            let sent = self.under_way.remove(at);
            self.delivered.push((from, sent.text));
        }
    }

    pub(super) fn wake(&mut self, now: Now) {
        if self.wake.is_some_and(|wake| wake <= now.elapsed) {
            self.wake = None;
        }
        let (sends, pause) = match self.program {
            Program::Iptux => (4, Duration::from_secs(1)),
            Program::IpMessenger => (5, Duration::from_millis(750)),
        };
        for message in &mut self.under_way {
            if message.next <= now.elapsed && message.sends < sends {
                message.sends += 1;
                message.next = now.elapsed + pause;
                self.sent.push((message.to, message.bytes.clone()));
            }
        }
        // What nobody answers is shown to its writer as an error.
        self.under_way.retain(|message| message.next > now.elapsed);
        let due: Vec<SocketAddr> =
            self.owed.extract_if(.., |(at, _)| *at <= now.elapsed).map(|(_, to)| to).collect();
        for to in due {
            let answer = self.presence(Mode::ANSENTRY);
            self.sent.push((to, answer));
        }
    }

    fn presence(&mut self, mode: Mode) -> Vec<u8> {
        let (options, body) = match self.program {
            Program::Iptux => (0x100, format!("other{}\0\0icon-tux.png\0utf-8\0", self.host)),
            Program::IpMessenger => (0, format!("other{}\0\0", self.host)),
        };
        self.packet(Command::from_number(options | u32::from(mode.0)), &body)
    }

    fn packet(&mut self, command: Command, body: &str) -> Vec<u8> {
        self.number += 1;
        let version = match self.program {
            Program::Iptux => "1_iptux 0.8.3",
            Program::IpMessenger => "1",
        };
        let (number, user) = (self.number, format!("other{}", self.host));
        format!("{version}:{number}:{user}:vm:{}:{body}", command.number()).into_bytes()
    }

    pub(super) fn take_sent(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        std::mem::take(&mut self.sent)
    }

    pub(super) fn next_wake(&mut self) -> Option<Duration> {
        let sends = self.under_way.iter().map(|message| message.next);
        let wanted = sends.chain(self.owed.iter().map(|(at, _)| *at)).min()?;
        if self.wake.is_some_and(|wake| wake <= wanted) {
            return None;
        }
        self.wake = Some(wanted);
        Some(wanted)
    }
}
