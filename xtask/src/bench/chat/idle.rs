//! A node that nobody uses.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::exchange::iptux;
use super::{Goal, Line, Round, fresh_home, up};
use crate::bench::sockets::traced;
use crate::bench::{Bench, Found};
use crate::server::{LOAD_CORE, Server, memory, wake_ups};

/// Until those who have just met have asked each other what they ask at first.
const SETTLING: Duration = Duration::from_secs(30);

const MINUTE: Duration = Duration::from_secs(60);

/// Two of ours that see each other, and two iptux that see each other.
pub(super) fn measure(bench: &Bench) -> Result<Found> {
    let home = fresh_home("idle")?;
    let other_home = fresh_home("idle-other")?;
    let other = Server::start(&up(&bench.program, &other_home))?;
    let book = format!("[entry.other]\nchat = \"127.0.0.1:{}\"\n", other.port);
    fs::write(home.join("book.toml"), book).context("writing a node's book")?;
    let ours = Server::start(&up(&bench.program, &home))?;
    let mut peer = iptux("127.0.0.2", LOAD_CORE)?;
    let _other_peer = iptux("127.0.0.3", LOAD_CORE)?;
    peer.tell("detect 127.0.0.3")?;
    peer.hear_of("ONLINE 127.0.0.3 ")?;
    sleep(SETTLING);

    let before = (wake_ups(ours.pid())?, wake_ups(peer.pid())?);
    sleep(MINUTE);
    let woken = (wake_ups(ours.pid())? - before.0, wake_ups(peer.pid())? - before.1);
    let memory = (memory(ours.pid())? / 1024.0, memory(peer.pid())? / 1024.0);
    let sends = |call: &str| call.starts_with("send");
    let (sent, (sent_by_peer, ())) = traced(ours.pid(), sends, || {
        traced(peer.pid(), sends, || {
            sleep(MINUTE);
            Ok(())
        })
    })?;
    let line = |what: &str, unit, (ours, peer), goal| Line {
        what: format!("idle, one other in sight: {what}"),
        unit,
        against: "iptux",
        rounds: vec![Round { ours, peer }],
        goal,
    };
    Ok(vec![
        line("memory", "MiB", memory, Goal::AtMost(20.0)),
        line("wake-ups", "1/min", woken, Goal::Told),
        line("datagrams sent", "1/min", (sent, sent_by_peer), Goal::Told),
    ]
    .into())
}
