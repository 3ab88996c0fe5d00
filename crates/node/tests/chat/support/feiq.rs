//! A FeiQ (飞秋) that follows a script: the bytes that FeiQ is known to send, in GBK throughout. No FeiQ runs on Linux.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

use encoding_rs::GBK;

use super::PORT;
use super::network::Host;
use super::plain::{Datagram, Plain};
use super::watched::Watched;

/// Behind each text.
const FONT: &str = "{/font;-16 0 0 0 400 0 0 0 134 0 0 2 32 微软雅黑 8404992;}";

/// What it writes into a packet's command: the lower byte is the mode, the others options.
mod command {
    pub(super) const ENTRY: u32 = 0x60_0001;
    pub(super) const EXIT: u32 = 0x60_0002;
    pub(super) const ANSWER: u32 = 0x60_0003;
    pub(super) const MESSAGE: u32 = 0x120;
    pub(super) const RECEIVED: u32 = 0x21;
}

/// One that is running: it answers whoever enters, and acknowledges what asks for it.
pub(crate) struct FeiQ {
    plain: Plain,
    broadcast: Ipv4Addr,
    name: &'static str,
}

/// Its packets are numbered like those of a program that was started at some time of 2026.
static NUMBER: AtomicU32 = AtomicU32::new(1_795_354_196);

impl FeiQ {
    /// Starts in a host, and enters for everybody of its subnet.
    pub(crate) fn start(host: &Host, name: &'static str) -> Self {
        let plain = Plain::bind(host, PORT, move |socket, datagram| answer(socket, datagram, name));
        let feiq = Self { plain, broadcast: host.broadcast(), name };
        feiq.send(command::ENTRY, name, feiq.broadcast);
        feiq
    }

    /// Says goodbye to its subnet, and ends.
    pub(crate) fn leave(self) {
        self.send(command::EXIT, self.name, self.broadcast);
    }

    /// Sends a message once, without repeating it, and returns its number.
    pub(crate) fn say(&self, to: Ipv4Addr, text: &str) -> u32 {
        self.send(command::MESSAGE, &format!("{text}{FONT}"), to)
    }

    /// Every datagram that it got, its own broadcasts included.
    pub(crate) fn received(&self) -> &Watched<Vec<Datagram>> {
        &self.plain.received
    }

    /// What the others have sent it so far of this mode (the lower byte of the command).
    pub(crate) fn received_of(&self, mode: u32) -> Vec<Heard> {
        self.received().look(|all| {
            all.iter().filter_map(Heard::read).filter(|heard| heard.command & 0xff == mode).collect()
        })
    }

    /// What `find` finds in the first packet in which it finds something.
    #[track_caller]
    pub(crate) fn wait_for<T>(&self, what: &str, find: impl Fn(&Heard) -> Option<T>) -> T {
        self.received().wait_for_one(what, super::PATIENCE, |datagram| find(&Heard::read(datagram)?))
    }

    fn send(&self, command: u32, body: &str, to: Ipv4Addr) -> u32 {
        let (number, bytes) = packet(command, body);
        self.plain.send(&bytes, (to, PORT));
        number
    }
}

/// A packet that came, as far as FeiQ looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) from: Ipv4Addr,
    pub(crate) number: u32,
    pub(crate) command: u32,
    /// What follows the head, as bytes.
    pub(crate) body: Vec<u8>,
}

impl Heard {
    pub(crate) fn read(datagram: &Datagram) -> Option<Self> {
        let fields: Vec<&[u8]> = datagram.bytes.splitn(6, |byte| *byte == b':').collect();
        let &[_, number, _, _, command, body] = &fields[..] else { return None };
        let decimal = |digits| std::str::from_utf8(digits).ok()?.parse().ok();
        let std::net::IpAddr::V4(from) = datagram.from.ip() else { return None };
        Some(Self { from, number: decimal(number)?, command: decimal(command)?, body: body.to_vec() })
    }

    /// Its text, as FeiQ would show it: up to the first NUL, in GBK.
    pub(crate) fn text(&self) -> String {
        let end = self.body.iter().position(|byte| *byte == 0).unwrap_or(self.body.len());
        GBK.decode_without_bom_handling(&self.body[..end]).0.into_owned()
    }
}

fn answer(socket: &UdpSocket, datagram: &Datagram, name: &str) {
    let Some(heard) = Heard::read(datagram) else { return };
    let (_, answer) = match heard.command {
        command if command & 0xff == command::ENTRY & 0xff => packet(command::ANSWER, name),
        command if command & 0x1ff == command::MESSAGE => {
            packet(command::RECEIVED, &heard.number.to_string())
        }
        _ => return,
    };
    socket.send_to(&answer, (heard.from, PORT)).unwrap();
}

fn packet(command: u32, body: &str) -> (u32, Vec<u8>) {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let packet = format!("1_lbt6_0#128#020000000001#0#0#0#4001#9:{number}:张三:财务室:{command}:{body}\0");
    let (bytes, _, is_unmappable) = GBK.encode(&packet);
    assert!(!is_unmappable, "{packet:?} has characters that are not in GBK");
    (number, bytes.into_owned())
}
