//! A node that is killed at any moment, while it sends and receives.

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use node::face::{Event, Request};
use node::journal::{Journal, MessageQuery, State};
use node::{Node, Plan};
use rusqlite::Connection;
use tokio::time::{Instant, sleep, timeout};

use crate::desk::{Desk, PATIENCE, home_at};

/// How often it is killed.
const KILLS: u64 = 200;

/// What a run of it takes at most before it is killed: longer than it takes to start, see the other and write.
const RUN: Duration = Duration::from_millis(250);

/// Says to the test's program, started again, that it is the node that is killed, and where its home is.
const VICTIM: &str = "TRUNKLINE_TEST_VICTIM";

#[tokio::test]
async fn whatever_was_accepted_or_acknowledged_outlives_any_kill_and_is_there_once() {
    if let Some(folder) = env::var_os(VICTIM) {
        return be_killed(folder.as_ref()).await;
    }
    let mut anna = Desk::new("anna").await;
    let mut victim = Desk::new("victim").await;
    anna.knows(&[&victim]).await;
    victim.knows(&[&anna]).await;
    victim.stop().await;

    let (mut accepted, mut sent) = (Vec::new(), Vec::new());
    let mut chance = fastrand::Rng::with_seed(1);
    for kill in 0..KILLS {
        let mut child = start(&victim, kill);
        let deadline = Instant::now() + RUN.mul_f64(chance.f64());
        while Instant::now() < deadline {
            let text = format!("to the victim {}", sent.len());
            // Too many wait while the other is not there.
            if anna.send("victim", &text).await.is_ok() {
                sent.push(text);
            }
            sleep(Duration::from_millis(5)).await;
        }
        child.kill().unwrap();
        accepted.extend(said(&mut child));
        // What it has told of is not of interest here.
        anna.watch = anna.node.watch().await.unwrap();
    }
    assert!(
        accepted.len() > KILLS as usize && sent.len() > KILLS as usize,
        "{} {}",
        accepted.len(),
        sent.len()
    );

    victim.start_again().await;
    for desk in [&anna, &victim] {
        let is_empty = async {
            while desk.snapshot().await.waiting > 0 {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE * 6, is_empty).await.unwrap_or_else(|_| panic!("{} still has an outbox", desk.name));
    }
    assert_has_once(&anna, &accepted);
    assert_has_once(&victim, &sent);
    for desk in [&mut anna, &mut victim] {
        desk.stop().await;
        let database = Connection::open(desk.folder.path().join("journal.db")).unwrap();
        let verdict: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(verdict, "ok", "{}", desk.name);
    }
}

/// Starts this test's program again, to be killed.
fn start(victim: &Desk, kill: u64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "killed::whatever_was_accepted_or_acknowledged_outlives_any_kill_and_is_there_once",
        ])
        .arg("--nocapture")
        .env(VICTIM, victim.folder.path())
        .env("PORT", victim.port.to_string())
        .env("KILL", kill.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The texts that it was told were accepted.
fn said(child: &mut Child) -> Vec<String> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let texts = lines.filter_map(|line| line.strip_prefix("accepted ").map(str::to_owned)).collect();
    child.wait().unwrap();
    texts
}

/// Runs a node that writes to anna without a pause, and says what was accepted, until it is killed.
async fn be_killed(folder: &std::path::Path) {
    let port = env::var("PORT").unwrap().parse().unwrap();
    let kill = env::var("KILL").unwrap();
    let plan = Plan {
        port: Some(port),
        name: Some("victim".to_owned()),
        group: None,
        interface: None,
        chat: true,
        says_goodbye: true,
    };
    let (node, _running) = Node::start(&home_at(folder), &plan).await.unwrap();
    let mut watch = node.watch().await.unwrap();
    for number in 0.. {
        let text = format!("to anna {kill}-{number}");
        let request = Request::Send { to: "anna".to_owned(), text: text.clone(), sealed: false };
        if node.request(request).await.is_ok() {
            // One write: a line is there or is not.
            std::io::stdout().write_all(format!("accepted {text}\n").as_bytes()).unwrap();
        }
        let delivered =
            async { while !matches!(watch.next().await.unwrap().event, Event::Delivered { .. }) {} };
        let _ = timeout(Duration::from_millis(20), delivered).await;
    }
}

/// All these have come, each once.
fn assert_has_once(desk: &Desk, texts: &[String]) {
    let journal = Journal::open(desk.home().state()).unwrap();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for message in journal.messages(&MessageQuery::default()).unwrap() {
        if message.state == State::Received {
            *counts.entry(message.text.unwrap()).or_default() += 1;
        }
    }
    for text in texts {
        assert_eq!(counts.get(text), Some(&1), "{} has {text:?} so often", desk.name);
    }
    assert!(counts.values().all(|count| *count == 1), "something came twice to {}", desk.name);
}
