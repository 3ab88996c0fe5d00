//! `cargo xtask bench sshd`: the SSH server of `up --ssh`, against OpenSSH's and dropbear.

mod stage;

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::report::{Goal, Line, Round};
use super::{Bench, Found, Row};
use stage::{Server, Stage};

const NEEDS: &[&str] = &["ssh", "sshd", "dbclient", "dropbear", "unshare"];

/// In the order of the table.
pub(super) const ROWS: &[Row] = &[
    Row { name: "one-shot", needs: NEEDS, measure: one_shot },
    Row { name: "handshakes", needs: NEEDS, measure: handshakes },
    Row { name: "gib", needs: NEEDS, measure: gib },
    Row { name: "idle-sessions", needs: NEEDS, measure: idle_sessions },
    Row { name: "stalled-channel", needs: NEEDS, measure: stalled_channel },
    Row { name: "thousand", needs: NEEDS, measure: thousand },
];

/// Each figure is the mean of so many commands, one after the other.
const ONE_SHOTS: u32 = 5;

/// Connections in one round, at [`AT_ONCE`].
const HANDSHAKES: u32 = 240;

const AT_ONCE: u32 = 16;

/// Sessions in the midst of which memory is looked at: the first ones fill what all share.
const WARM: usize = 10;
const IDLE: usize = 50;

/// Until a channel whose command reads nothing begins to fill what lies before it...
const FILLING: Duration = Duration::from_millis(100);

/// ...and until it has got all that its server takes for it.
const STALLED: Duration = Duration::from_secs(2);

/// What is sent into that channel, in MiB: far more than windows and sockets hold.
const INTO_THE_STALLED: u32 = 256;

/// Machines that are all one server.
const MACHINES: u32 = 1000;

/// From the start to the end of `ssh host true`.
fn one_shot(bench: &Bench) -> Result<Found> {
    let stage = Stage::open(&bench.program)?;
    let line = format!("for nth in $(seq {ONE_SHOTS}); do $SSH 127.0.0.1 true || exit; done");
    let rounds = in_turns(bench.rounds, &stage.servers, |server| {
        Ok(stage.shell(server, &line)?.wall / f64::from(ONE_SHOTS))
    })?;
    Ok(lines("ssh host true: from start to end", "ms", &rounds, |wall| wall * 1e3, Goal::RatioAtMost(0.2))
        .into())
}

/// Many connections with a command each, of either client. Each comes from an address of its own, since dropbear takes five at
/// once from one.
fn handshakes(bench: &Bench) -> Result<Found> {
    let stage = Stage::open(&bench.program)?;
    let number = f64::from(HANDSHAKES);
    let mut found = Vec::new();
    for (client, whose) in [("$SSH", ""), ("$DBCLIENT", ", dropbear's client")] {
        let line =
            format!("seq {HANDSHAKES} | xargs -P {AT_ONCE} -I{{}} {client} -b 127.0.2.{{}} 127.0.0.1 true");
        let rounds = in_turns(bench.rounds, &stage.servers, |server| {
            let before = server.cpu()?;
            let wall = stage.shell(server, &line)?.wall;
            Ok((wall, server.cpu()? - before))
        })?;
        let per_second = |&(wall, _): &(f64, f64)| number / wall;
        let cpu = |&(_, cpu): &(f64, f64)| cpu / number * 1e3;
        let what = format!("handshake and command, {AT_ONCE} at once{whose}");
        found.extend(lines(&what, "1/s", &rounds, per_second, Goal::RatioAtLeast(2.5)));
        found.extend(lines(
            "the same: CPU of the server for each",
            "ms",
            &rounds,
            cpu,
            Goal::RatioAtMost(0.12),
        ));
    }
    Ok(found.into())
}

/// A GiB each way, with both of the common ciphers.
fn gib(bench: &Bench) -> Result<Found> {
    const GIB: f64 = (1_u64 << 30) as f64;
    // Counted by the client itself, whose overhead is less than a thousandth, and on the way in by the dd that reads it: `wc` takes as
    // much of the two cores as the server does, and more of that when the server is fast.
    const OUT: &str = "test $($SSH -c $CIPHER -o LogLevel=VERBOSE 127.0.0.1 'dd if=/dev/zero bs=1M count=1024 status=none' \
                       2>&1 >/dev/null | sed -n 's/.* received \\([0-9]*\\) bytes.*/\\1/p') -ge 1073741824";
    const IN: &str = "dd if=/dev/zero bs=1M count=1024 status=none | \
                      $SSH -c $CIPHER 127.0.0.1 'dd of=/dev/null bs=1M 2>&1' | grep -q '^1073741824 bytes '";
    let stage = Stage::open(&bench.program)?;
    let (gcm, chacha) = ("aes128-gcm", "chacha20-poly1305");
    let mut found = Vec::new();
    for (way, line, cipher, goal) in
        [("out", OUT, gcm, 1.6), ("in", IN, gcm, 1.3), ("out", OUT, chacha, 1.2), ("in", IN, chacha, 1.1)]
    {
        // dropbear knows no AES-GCM.
        let knows = |server: &&Server| cipher == chacha || server.name != "dropbear";
        let servers: Vec<_> = stage.servers.iter().filter(knows).collect();
        let line = format!("CIPHER={cipher}@openssh.com; {line}");
        let rounds = in_turns(bench.rounds.min(5), &servers, |server| Ok(stage.shell(server, &line)?.wall))?;
        let what = format!("a GiB {way}, {cipher}");
        found.extend(lines(&what, "MB/s", &rounds, |wall| GIB / 1e6 / wall, Goal::RatioAtLeast(goal)));
    }
    Ok(found.into())
}

/// What a session costs in which nothing happens.
fn idle_sessions(bench: &Bench) -> Result<Found> {
    let rounds = on_fresh_stages(bench, |stage, server| {
        let mut sessions = (0..WARM).map(|_| stage.idle(server)).collect::<Result<Vec<_>>>()?;
        let before = server.memory();
        for _ in 0..IDLE {
            sessions.push(stage.idle(server)?);
        }
        Ok((server.memory() - before) / IDLE as f64)
    })?;
    let goal = Goal::RatioAtMost((1000.0_f64 / 30.0).round() / 1000.0);
    Ok(lines("memory of an idle session (PSS)", "KiB", &rounds, |memory| *memory, goal).into())
}

/// The next command on a shared connection, one of whose channels has a command that does not read its input.
fn stalled_channel(bench: &Bench) -> Result<Found> {
    let rounds = on_fresh_stages(bench, beside_a_stalled)?;
    let mut found = Vec::new();
    let what = "the next command, while another channel stalls";
    found.extend(lines(what, "ms", &rounds, |next| next.wall * 1e3, Goal::RatioAtMost(2.0)));
    let what = "the same, while that channel is still being filled";
    found.extend(lines(what, "ms", &rounds, |next| next.at_once * 1e3, Goal::Told));
    let what = format!("memory that the stalled channel takes, {INTO_THE_STALLED} MiB sent");
    found.extend(lines(&what, "MiB", &rounds, |next| next.memory / 1024.0, Goal::Told));
    Ok(found.into())
}

/// Seconds and KiB.
struct Next {
    at_once: f64,
    wall: f64,
    memory: f64,
}

fn beside_a_stalled(stage: &Stage, server: &Server) -> Result<Next> {
    const SHARED: &str = "$SSH -o ControlPath=$HOME/shared 127.0.0.1";
    let master = format!("rm -f $HOME/shared; exec {SHARED} -o ControlMaster=yes 'echo here; exec cat'");
    let bytes = u64::from(INTO_THE_STALLED) << 20;
    let stalled = "while [ ! -e $HOME/go ]; do sleep 0.05; done; wc -c";
    let stalled = format!("test $(head -c {bytes} /dev/zero | {SHARED} '{stalled}') = {bytes}");
    let next = format!("for nth in $(seq {ONE_SHOTS}); do {SHARED} true || exit; done");
    let next = || Ok::<_, anyhow::Error>(stage.shell(server, &next)?.wall / f64::from(ONE_SHOTS));
    let go = stage.lab.home().join("go");
    // It may not be there.
    let _ = fs::remove_file(&go);

    let _master = stage.session(server, &master)?;
    let before = server.memory();
    let started = Instant::now();
    let mut stalled = stage.start(server, &stalled)?;
    sleep(FILLING);
    let at_once = next()?;
    sleep(STALLED.saturating_sub(started.elapsed()));
    let wall = next()?;
    let memory = server.memory() - before;
    fs::write(&go, "").context("letting the stalled channel go on")?;
    let ended = stalled.wait().context("waiting for the stalled channel")?;
    ensure!(ended.success(), "{}: the stalled channel lost something, or failed", server.name);
    Ok(Next { at_once, wall, memory })
}

/// A command on machines that are all one server of ours.
fn thousand(bench: &Bench) -> Result<Found> {
    let stage = Stage::open(&bench.program)?;
    let quarter = MACHINES / 4;
    let targets: Vec<_> = (0..4).map(|net| format!("127.1.{net}.[1-{quarter}]")).collect();
    let program = bench.program.to_string_lossy();
    let words = [&*program, "run", "-p", "2222", &targets.join(","), "--", "hostname"].map(str::to_owned);
    let mut wall = Vec::new();
    for _ in 0..bench.rounds {
        let spent = stage.lab.run(&words)?;
        let answers = u32::try_from(spent.answers)?;
        ensure!(answers == MACHINES, "{answers} of {MACHINES} answered: {}", spent.said);
        wall.push(Round::without_peer(spent.wall / f64::from(MACHINES) * 1e3));
    }
    let memory = Round::without_peer(stage.lab.peak_memory(&words)?);
    let line = |what: &str, unit, rounds, goal| Line {
        what: format!("`run` on {MACHINES} machines: {what}"),
        unit,
        against: "",
        rounds,
        goal,
    };
    Ok(vec![
        line("from start to end, for each", "ms", wall, Goal::AtMost(2.0)),
        line("memory of the client at most (PSS)", "MiB", vec![memory], Goal::AtMost(100.0)),
    ]
    .into())
}

/// Every server once, and so on for every round.
fn in_turns<S, T>(rounds: u16, servers: &[S], measure: impl Fn(&S) -> Result<T>) -> Result<Vec<Vec<T>>> {
    (0..rounds).map(|_| servers.iter().map(&measure).collect()).collect()
}

/// The same, up to three times, with new servers in every round: what one has held before it keeps and takes again, so that it
/// would seem to need nothing.
fn on_fresh_stages<T>(bench: &Bench, measure: impl Fn(&Stage, &Server) -> Result<T>) -> Result<Vec<Vec<T>>> {
    let round = |_| {
        let stage = Stage::open(&bench.program)?;
        stage.servers.iter().map(|server| measure(&stage, server)).collect()
    };
    (0..bench.rounds.min(3)).map(round).collect()
}

/// Ours, which is the first, against sshd, where the goal counts, and against dropbear where it was measured.
fn lines<T>(
    what: &str,
    unit: &'static str,
    rounds: &[Vec<T>],
    figure: impl Fn(&T) -> f64,
    goal: Goal,
) -> Vec<Line> {
    let against = |(nth, against, goal): (usize, &'static str, Goal)| {
        let round = |round: &Vec<T>| Some(Round { ours: figure(&round[0]), peer: figure(round.get(nth)?) });
        let rounds: Vec<_> = rounds.iter().filter_map(round).collect();
        (!rounds.is_empty()).then(|| Line { what: what.to_owned(), unit, against, rounds, goal })
    };
    [(1, "sshd", goal), (2, "dropbear", Goal::Told)].into_iter().filter_map(against).collect()
}
