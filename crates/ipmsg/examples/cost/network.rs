//! A node among ten thousand peers, half of them ours, and what they send it.

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ipmsg::node::{Command, Config, Event, Interface, Node, Now};
use ipmsg::{
    Body, Capabilities, Dialect, Message, MessageId, MessageTag, NodeId, NodeTag, Options, Part, Presence,
    PresenceKind, Sender, Wants,
};

use super::{MEASURED, read};

const PEERS: u16 = 10_000;

const NOW: Now = Now { elapsed: Duration::ZERO, unix: 1_795_353_650 };

/// Datagrams, and where they come from.
type Heard = Vec<(SocketAddr, Vec<u8>)>;

/// The bytes of memory that a peer takes: what grows while the node hears all of them for the first time.
pub(crate) fn memory() -> Option<f64> {
    let (mut node, heard) = (node(), presences());
    let before = resident()?;
    hear(&mut node, &heard);
    Some((resident()? - before) / f64::from(PEERS))
}

/// The nanoseconds that the node takes for a datagram: each of its peers says who it is, and sends a message, which is stored
/// and acknowledged.
pub(crate) fn handled() -> f64 {
    let mut node = node();
    hear(&mut node, &presences());
    for_each_round(|heard| hear(&mut node, heard))
}

/// The nanoseconds that the codec has of that.
pub(crate) fn read_only() -> f64 {
    for_each_round(|heard| {
        for (_, datagram) in heard {
            let body = ipmsg::Packet::parse(datagram).ok().map(|packet| read(&packet).is_ok());
            black_box(body);
        }
    })
}

/// What all peers say when they are first heard.
pub(crate) fn presences() -> Heard {
    let presence = |peer: u16| {
        let nick = format!("王小明 {peer}");
        let tag = NodeTag { node: id(peer), capabilities: Capabilities(0), wants: Wants::Nothing };
        let ours = is_ours(peer).then_some(tag);
        let options = Options::CAPUTF8;
        build(
            peer,
            1,
            &Body::Presence(Presence {
                options,
                group: "三楼".into(),
                ours,
                ..Presence::new(PresenceKind::Answer, &nick)
            }),
        )
    };
    (0..PEERS).map(presence).collect()
}

/// What they write.
fn messages(round: u32) -> Heard {
    let message = |peer: u16| {
        let id = MessageId(u128::from(round) << 16 | u128::from(peer));
        let tag = MessageTag { from: self::id(peer), to: NodeId(0), id, part: Part::WHOLE, after: 0 };
        let ours = is_ours(peer).then_some(tag);
        build(peer, 1 + round, &Body::Message(Message { ours, ..Message::new("会议改到下午三点，在二楼。") }))
    };
    (0..PEERS).map(message).collect()
}

fn build(peer: u16, number: u32, body: &Body<'_>) -> (SocketAddr, Vec<u8>) {
    let [high, low] = peer.to_be_bytes();
    let from = SocketAddr::from(([10, 77, high, low], 2425));
    let (user, host) = (format!("user{peer}"), format!("desk{peer}"));
    (
        from,
        body.build(number, Sender { user: &user, host: &host }, Dialect::FLAGGED_UTF_8).unwrap_or_default(),
    )
}

fn is_ours(peer: u16) -> bool {
    peer.is_multiple_of(2)
}

/// That of the node itself is 0.
fn id(peer: u16) -> NodeId {
    NodeId(u128::from(peer) + 1)
}

fn node() -> Node {
    let mut node = Node::new(Config::new(NodeId(0), "alice", "hosta"), NOW, 1);
    let interface = Interface {
        address: [10, 77, 255, 1].into(),
        prefix: 16,
        everybody: SocketAddr::from(([10, 77, 255, 255], 2425)),
    };
    let _ = node.handle_command(NOW, Command::Interfaces(vec![interface]));
    node
}

/// As a driver does, but for the disk, which takes no time.
fn hear(node: &mut Node, heard: &Heard) {
    for (from, datagram) in heard {
        node.handle_datagram(NOW, *from, black_box(datagram));
        while let Some(event) = node.poll_event() {
            if let Event::Message { token, .. } = event {
                let _ = node.handle_command(NOW, Command::Stored(token));
            }
        }
        while let Some(transmit) = node.poll_transmit() {
            black_box(transmit);
        }
        black_box(node.poll_timeout());
    }
}

/// The nanoseconds for a datagram. What is sent in a round is made before its time is taken.
fn for_each_round(mut work: impl FnMut(&Heard)) -> f64 {
    let (mut took, mut count) = (Duration::ZERO, 0.0);
    for round in 1.. {
        let heard = [presences(), messages(round)].concat();
        let started = Instant::now();
        work(&heard);
        if round > 1 {
            took += started.elapsed();
            count += 2.0 * f64::from(PEERS);
        }
        if took >= MEASURED {
            break;
        }
    }
    took.as_secs_f64() * 1e9 / count
}

/// Bytes of this process in memory.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? * 1024.0)
}
