//! What a packet costs, in nanoseconds: `cost parse`, `cost read`, `cost build`, and `cost copy` to compare with. The
//! packets are those of a usual day; `cost datagrams` prints them in hexadecimal, for others to be measured with the
//! same. And what a node costs among ten thousand peers: `cost handle` a datagram in nanoseconds, `cost handle-read` what the
//! codec has of that; `cost memory` a peer in bytes, `cost presences` what the peers say.
//!
//! `cargo xtask bench ipmsg` runs it.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "what measures needs a clock and an output; the crate has neither"
)]

mod network;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ipmsg::{
    Body, BodyError, Capabilities, Charset, Dialect, Message, NodeId, NodeTag, Options, Packet, Presence,
    PresenceKind, Reader, Sender, Wants,
};

const WARM_UP: Duration = Duration::from_millis(100);
const MEASURED: Duration = Duration::from_millis(400);

/// Packets between two looks at the clock.
const AT_ONCE: u16 = 8000;

const SENDER: Sender<'_> = Sender { user: "bob", host: "hostb" };

fn main() -> ExitCode {
    let datagrams = datagrams();
    let packets: Vec<Packet<'_>> =
        datagrams.iter().filter_map(|datagram| Packet::parse(datagram).ok()).collect();
    let bodies: Vec<Body<'_>> = packets.iter().filter_map(|packet| read(packet).ok()).collect();
    if bodies.len() != datagrams.len() {
        eprintln!("one of the packets is none");
        return ExitCode::FAILURE;
    }
    match std::env::args().nth(1).as_deref() {
        Some("parse") => measure(&datagrams, |datagram| Packet::parse(datagram).is_ok()),
        Some("read") => {
            measure(&datagrams, |datagram| Packet::parse(datagram).is_ok_and(|packet| read(&packet).is_ok()));
        }
        Some("build") => {
            measure(&bodies, |body| body.build(1_795_353_650, SENDER, Dialect::FLAGGED_UTF_8).is_ok());
        }
        Some("copy") => measure(&datagrams, |datagram| !black_box(datagram.clone()).is_empty()),
        Some("datagrams") => datagrams.iter().for_each(|datagram| print(datagram)),
        Some("handle") => println!("{:.1}", network::handled()),
        Some("handle-read") => println!("{:.1}", network::read_only()),
        Some("memory") => match network::memory() {
            Some(bytes) => println!("{bytes:.1}"),
            None => {
                eprintln!("/proc/self/status does not tell the memory");
                return ExitCode::FAILURE;
            }
        },
        Some("presences") => network::presences().iter().for_each(|(_, datagram)| print(datagram)),
        _ => {
            eprintln!(
                "say one of: parse, read, build, copy, datagrams, handle, handle-read, memory, presences"
            );
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn print(datagram: &[u8]) {
    let digits: String = datagram.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{digits}");
}

fn read<'a>(packet: &Packet<'a>) -> Result<Body<'a>, BodyError> {
    Body::parse(packet, &mut Reader::new(Charset::GBK))
}

/// Prints the nanoseconds that one of these takes.
fn measure<T>(things: &[T], work: impl Fn(&T) -> bool) {
    let run = |least: Duration| {
        let (started, mut done) = (Instant::now(), 0.0);
        while started.elapsed() < least {
            for thing in things.iter().cycle().take(AT_ONCE.into()) {
                black_box(work(black_box(thing)));
            }
            done += f64::from(AT_ONCE);
        }
        started.elapsed().as_secs_f64() * 1e9 / done
    };
    run(WARM_UP);
    println!("{:.1}", run(MEASURED));
}

/// One of each kind that a node hears: presence of each program, messages, a receipt, an offer.
fn datagrams() -> Vec<Vec<u8>> {
    let ours = Presence {
        options: Options::CAPUTF8.with(Options::FILEATTACH),
        group: "三楼".into(),
        user: Some("bob".into()),
        host: Some("hostb".into()),
        ours: Some(NodeTag { node: NodeId(7), capabilities: Capabilities(0), wants: Wants::Nothing }),
        ..Presence::new(PresenceKind::Entry, "小王")
    };
    let long = "会议改到下午三点，在二楼。The meeting is at three, on the second floor. ".repeat(6);
    let built = [Body::Presence(ours), Body::Message(Message::new(&long))];
    let built =
        built.iter().filter_map(|body| body.build(1_795_353_650, SENDER, Dialect::FLAGGED_UTF_8).ok());
    let seen: [&[u8]; 6] = [
        b"1_iptux 0.8.3:1:root:vm:257:root\0\0icon-tux.png\0utf-8\0",
        b"1_lbt6_0#128#020000000001#0#0#0#4001#9:1795354196:bob:hostb:6291457:\xb7\xc9\xc7\xef\0\xb0\xec\xb9\xab\xca\xd2\0",
        b"1_lbt6_0#128#020000000001#0#0#0#4001#9:1795354197:bob:hostb:288:\xc4\xe3\xba\xc3\0",
        b"1:1795353652:bob:hostb:288:hello from B\0",
        b"1_iptux 0.8.3:6:root:vm:289:1795353652\0",
        b"1_iptux 0.8.3:6:root:vm:2097184:\x0010001:\xe7\xbb\x99\xe4\xbd\xa0.txt:4d2:6b02ee8e:1:\x07\0",
    ];
    seen.into_iter().map(<[u8]>::to_vec).chain(built).collect()
}
