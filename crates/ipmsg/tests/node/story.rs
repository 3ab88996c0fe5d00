//! The language of the stories. A story is what goes into a node and all that comes out, a line for each:
//!
//! ```text
//! 0.000 : up                                          the driver wants something
//! 0.000 > 10.0.0.255 1:1000:alice:hosta:1:Alice\0     the node sends
//! 2.000 < 10.0.0.3 1:7:bob:hostb:3:Bob\0              the node hears
//! 2.000 ! came P1 Bob                                 the node tells
//! 2.000 : send ~b hello
//! 2.000 = there is no such peer in sight              the node refuses
//! 3.000 : ahead 1                                     the driver's disk will send what follows
//! 3.000 ^ 10.0.0.3 1:1001:alice:hosta:288:hello\0     which is this
//! ```
//!
//! The inputs of a story are played to a node, and the story that comes of it must be the same: nothing else may come,
//! nothing may be missing, and every time and every byte is told. Times are in seconds, and the node is woken when it wants to
//! be. In datagrams `~b` is a number of 32 digits, `~m1` the first that the node made up, `{alice}` and `{bob}` are what
//! [`SHORT`] says, and `{sum}` is the checksum of what is before it. Lines that begin with `#` are for the reader.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ipmsg::node::{Command, Config, Event, Interface, Node, Now, Outgoing, Person, Profile, Token};
use ipmsg::{MessageId, NodeId, Packet, Topic, seal};

/// What the clock of the host says: packet numbers are counted from it.
const CLOCK: u64 = 1000;

const SEED: u64 = 1;

/// What ours say of themselves, up to what they want.
const SHORT: [(&str, &str); 2] = [
    ("{alice}", r"Alice\0\0\nUN:alice\nHN:hosta\nNN:Alice\nGN:\0utf-8\0trunkline:1:~a:0"),
    ("{bob}", r"Bob\0\0\nUN:bob\nHN:hostb\nNN:Bob\nGN:\0utf-8\0trunkline:1:~b:0"),
];

/// Plays a story of alice, who is node `~a` at 10.0.0.1.
#[track_caller]
pub(crate) fn play(story: &str) {
    play_with(story, |_| {});
}

/// Likewise, with something else in the configuration.
#[track_caller]
pub(crate) fn play_with(story: &str, configure: impl FnOnce(&mut Config)) {
    let told: Vec<&str> =
        story.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let mut stage = Stage::new(configure);
    for line in &told {
        let [time, mark, what] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else {
            panic!("what is {line:?}?")
        };
        if mark == ":" || mark == "<" {
            stage.pass_to(Duration::from_secs_f64(time.parse().unwrap()));
            stage.happened.push((*line).to_owned());
            match mark {
                ":" => stage.command(what),
                _ => stage.datagram(what),
            }
            stage.take_outputs();
        }
    }
    let (told, happened) = (told.join("\n"), stage.happened.join("\n"));
    assert!(told == happened, "told:\n{told}\n\nhappened:\n{happened}");
}

/// A message as it was kept in an earlier run.
pub(crate) fn kept(number: u32, id: u128, to: Person, text: &str) -> Outgoing {
    Outgoing { id: MessageId(id), to, number, text: text.to_owned(), sealed: false }
}

/// The peer at this IP address and the usual port.
pub(crate) fn address(ip: &str) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), 2425)
}

struct Stage {
    node: Node,
    time: Duration,
    happened: Vec<String>,
    /// Numbers that the node made up.
    random: Vec<u128>,
}

impl Stage {
    fn new(configure: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config {
            profile: Profile { nick: "Alice".to_owned(), ..Profile::default() },
            program: "trunkline".to_owned(),
            ..Config::new(NodeId(0xa), "alice", "hosta")
        };
        configure(&mut config);
        let node = Node::new(config, now(Duration::ZERO), SEED);
        Self { node, time: Duration::ZERO, happened: Vec::new(), random: Vec::new() }
    }

    /// Wakes the node whenever it wants to be until then.
    fn pass_to(&mut self, time: Duration) {
        while let Some(at) = self.node.poll_timeout().filter(|at| *at <= time) {
            self.time = self.time.max(at);
            self.node.handle_timeout(now(self.time));
            self.take_outputs();
        }
        self.time = time;
    }

    fn command(&mut self, what: &str) {
        let (verb, rest) = what.split_once(' ').unwrap_or((what, ""));
        let (first, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let command = match verb {
            "wait" => return,
            "ahead" => {
                for transmit in self.node.take_ahead(Token(first.parse().unwrap())) {
                    let text = self.text(&transmit.bytes);
                    self.happen('^', &format!("{} {text}", shown(transmit.to)));
                }
                return;
            }
            "up" => Command::Interfaces(vec![Interface {
                address: address("10.0.0.1").ip(),
                prefix: 24,
                everybody: address("10.0.0.255"),
            }]),
            "send" | "seal" => Command::Send {
                to: self.person(first),
                text: text.to_owned(),
                sealed: verb == "seal",
                reference: 0,
            },
            "cancel" => Command::Cancel(MessageId(self.number(first))),
            "stored" => Command::Stored(Token(first.parse().unwrap())),
            "not-stored" => Command::NotStored(Token(first.parse().unwrap())),
            "open" => {
                let peer = self.node.peers().next().unwrap().id;
                Command::Open { peer, number: first.parse().unwrap() }
            }
            "ask" => {
                let peer = self.node.peers().next().unwrap().id;
                Command::Question { peer, topic: Topic::Program }
            }
            "block" => Command::Block(vec![self.person(first)]),
            "away" => {
                let away = Some(rest.to_owned());
                Command::Profile(Profile { nick: "Alice".to_owned(), away, ..Profile::default() })
            }
            "leave" => Command::Leave,
            _ => panic!("what is {what:?}?"),
        };
        if let Err(refusal) = self.node.handle_command(now(self.time), command) {
            self.happen('=', &refusal.to_string());
        }
    }

    fn datagram(&mut self, what: &str) {
        let (from, text) = what.split_once(' ').unwrap();
        let bytes = self.bytes(text);
        self.node.handle_datagram(now(self.time), place(from), &bytes);
    }

    fn take_outputs(&mut self) {
        while let Some(transmit) = self.node.poll_transmit() {
            let text = self.text(&transmit.bytes);
            self.happen('>', &format!("{} {text}", shown(transmit.to)));
        }
        while let Some(event) = self.node.poll_event() {
            let text = self.event(event);
            self.happen('!', &text);
        }
    }

    fn happen(&mut self, mark: char, what: &str) {
        self.happened.push(format!("{:.3} {mark} {what}", self.time.as_secs_f64()));
    }

    /// `~b` is a node of ours, and anything else an address.
    fn person(&self, text: &str) -> Person {
        if text.starts_with('~') {
            Person::Node(NodeId(self.number(text)))
        } else {
            Person::Address(place(text))
        }
    }

    /// `~b`, or the name of one that was made up.
    fn number(&self, text: &str) -> u128 {
        let digits = text.strip_prefix('~').unwrap();
        match digits.strip_prefix('m') {
            Some(which) => self.random[which.parse::<usize>().unwrap() - 1],
            None => u128::from_str_radix(digits, 16).unwrap(),
        }
    }

    fn named(&mut self, number: u128) -> String {
        if number < 1 << 32 {
            return format!("~{number:x}");
        }
        let known = self.random.iter().position(|random| *random == number);
        let index = known.unwrap_or_else(|| {
            self.random.push(number);
            self.random.len() - 1
        });
        format!("~m{}", index + 1)
    }

    /// The bytes of a datagram in a story.
    fn bytes(&self, text: &str) -> Vec<u8> {
        let text = SHORT.iter().fold(text.to_owned(), |text, (short, long)| text.replace(short, long));
        let (mut bytes, mut rest) = (Vec::new(), &*text);
        while let Some(character) = rest.chars().next() {
            let end = if rest.starts_with("{sum}") {
                seal(&mut bytes);
                "{sum}".len()
            } else if let Some(name) = rest.strip_prefix('~') {
                let length = name.find(|c: char| !c.is_ascii_hexdigit() && c != 'm').unwrap_or(name.len());
                bytes.extend(format!("{:032x}", self.number(&rest[..=length])).bytes());
                1 + length
            } else if let Some(digits) = rest.strip_prefix("\\x") {
                bytes.push(u8::from_str_radix(&digits[..2], 16).unwrap());
                4
            } else if rest.starts_with("\\0") {
                bytes.push(0);
                2
            } else if rest.starts_with("\\n") {
                bytes.push(b'\n');
                2
            } else {
                bytes.extend(character.to_string().bytes());
                character.len_utf8()
            };
            rest = &rest[end..];
        }
        bytes
    }

    /// The same the other way round.
    fn text(&mut self, bytes: &[u8]) -> String {
        let mut text = bytes.escape_ascii().to_string().replace("\\x00", "\\0");
        if let Some(sum) = text.find("trunkline-sum:") {
            // One that is wrong is not read.
            Packet::parse(bytes).unwrap();
            text.replace_range(sum.., "{sum}");
        }
        let mut start = 0;
        while start < text.len() {
            let digits = text[start..].bytes().take_while(u8::is_ascii_hexdigit).count();
            if digits == 32 {
                let name = self.named(u128::from_str_radix(&text[start..start + 32], 16).unwrap());
                text.replace_range(start..start + 32, &name);
                start += name.len();
            } else {
                start += digits.max(1);
            }
        }
        SHORT.iter().fold(text, |text, (short, long)| text.replace(long, short))
    }

    fn event(&mut self, event: Event) -> String {
        let peer = |id| {
            let nick = self.node.peer(id).map(|peer| format!(" {}", peer.nick)).unwrap_or_default();
            format!("P{}{nick}", id.0)
        };
        match event {
            Event::PeerCame(id) => format!("came {}", peer(id)),
            Event::PeerChanged(id) => format!("changed {}", peer(id)),
            Event::PeerLeft(id) => format!("left {}", peer(id)),
            Event::PeerMoved { peer: id, from, to } => {
                format!("moved {} from {} to {}", peer(id), shown(from), shown(to))
            }
            Event::PeerAlsoAt { peer: id, address } => format!("also {} at {}", peer(id), shown(address)),
            Event::SameNames { peer: id, other } => format!("same-names {} and {}", peer(id), peer(other)),
            Event::SameNode { address } => format!("same-node at {}", shown(address)),
            Event::Accepted { token, message, .. } => {
                format!("accepted {} {} number {}", token.0, self.named(message.id.0), message.number)
            }
            Event::Delivered { message, took, .. } => {
                format!("delivered {} in {:.3}", self.named(message.0), took.as_secs_f64())
            }
            Event::Queued { message, .. } => format!("queued {}", self.named(message.0)),
            Event::Message { token, message } => {
                let kinds = [
                    (message.sealed, " sealed"),
                    (message.automatic, " automatic"),
                    (message.broadcast, " broadcast"),
                ];
                let kinds: String = kinds.into_iter().filter(|(is, _)| *is).map(|(_, kind)| kind).collect();
                format!("message {} of {}{kinds}: {}", token.0, peer(message.peer), message.text)
            }
            Event::Opened { token, peer: id, number, .. } => {
                format!("opened {} by {}: {number}", token.0, peer(id))
            }
            Event::Answered { peer: id, text, .. } => format!("answered {}: {text}", peer(id)),
            Event::Left => "gone".to_owned(),
            other => format!("{other:?}"),
        }
    }
}

fn now(elapsed: Duration) -> Now {
    Now { elapsed, unix: CLOCK }
}

/// An IP address, with a port if that is not the usual one.
fn place(text: &str) -> SocketAddr {
    text.parse().unwrap_or_else(|_| SocketAddr::new(text.parse::<IpAddr>().unwrap(), 2425))
}

fn shown(place: SocketAddr) -> String {
    if place.port() == 2425 { place.ip().to_string() } else { place.to_string() }
}
