//! Machines behind others.

use std::sync::Arc;

use remote::ask::Nobody;
use remote::client::Flow;
use remote::transport::{Doing, Transport};
use remote::{Client, Command, ConnectError, Machine, Outcome, Session};

use crate::streams::{MIB, echoed};
use crate::support::{Dialer, Person, Ran, Sshd, soon};

/// A client and what counts its connections.
fn client() -> (Client, Arc<Dialer>) {
    let dialer = Arc::new(Dialer::default());
    (Client::new(dialer.clone(), Arc::new(Nobody), Flow::MANY), dialer)
}

fn behind(person: &Person, gates: &[&Sshd], end: &Sshd) -> Machine {
    let via = gates.iter().map(|gate| person.machine(gate).end).collect();
    Machine { via, ..person.machine(end) }
}

#[tokio::test]
async fn a_machine_behind_two_others_is_reached_through_both() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let (outer, inner, end) =
        (Sshd::start(&person).await, Sshd::start(&person).await, Sshd::start(&person).await);
    let machine = behind(&person, &[&outer, &inner], &end);
    let ran = person.run(&machine, "echo $SSH_CONNECTION").await;
    let (0, out, _) = ran.texts() else { panic!("{ran:?}") };
    assert!(out.trim().ends_with(&format!("127.0.0.1 {}", end.port)), "{out}");
}

#[tokio::test]
async fn many_machines_behind_one_gate_share_one_connection_to_it() {
    needs!("sshd", "ssh");
    let person = Person::new();
    // Channels to other machines are not sessions.
    let mut gate = Sshd::with(&person, "MaxSessions 1").await;
    let end = Sshd::start(&person).await;
    let machine = behind(&person, &[&gate], &end);
    let (client, dialer) = client();
    let client = Arc::new(client);
    let mut running = tokio::task::JoinSet::new();
    for number in 0..20 {
        let (client, machine) = (client.clone(), machine.clone());
        running.spawn(async move {
            let command = Command::new(format!("echo {number}"));
            let mut session = client.start(&machine, &command, &Doing::default()).await.unwrap();
            let ran = Ran::of(&mut session).await;
            assert_eq!(ran.texts(), (0, format!("{number}\n").as_str(), ""));
            session.close().await;
        });
    }
    soon(running.join_all()).await;
    assert_eq!(dialer.calls(), 1);
    assert_eq!(gate.count("Accepted publickey"), 1);
}

#[tokio::test]
async fn machines_behind_one_gate_that_give_and_take_much_at_once_do_not_wait_for_each_other_for_ever() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let (gate, end) = (Sshd::start(&person).await, Sshd::start(&person).await);
    let machine = behind(&person, &[&gate], &end);
    let (client, _) = client();
    let client = Arc::new(client);
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let (client, machine) = (client.clone(), machine.clone());
        running.spawn(async move {
            let mut session = client.start(&machine, &Command::new("cat"), &Doing::default()).await.unwrap();
            let (sent, received) = echoed(&mut session, 4 * MIB).await;
            assert_eq!(sent.as_ref(), received.as_ref());
        });
    }
    soon(running.join_all()).await;
}

#[tokio::test]
async fn a_gate_that_lets_nobody_in_is_tried_once_for_all_and_is_the_one_that_is_named() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let (gate, end) = (Sshd::start(&person).await, Sshd::start(&person).await);
    std::fs::write(gate.path("authorized_keys"), "").unwrap();
    let machine = behind(&person, &[&gate], &end);
    let (client, dialer) = client();
    let (command, doing) = (Command::new("true"), Doing::default());
    let (one, two) = soon(async {
        tokio::join!(client.start(&machine, &command, &doing), client.start(&machine, &command, &doing))
    })
    .await;
    for error in [one.map(drop).unwrap_err(), two.map(drop).unwrap_err()] {
        assert_eq!(error.hop, machine.via[0].to_string());
        assert!(matches!(error.reason, ConnectError::Denied { .. }), "{error}");
    }
    assert_eq!(dialer.calls(), 1);
    std::fs::write(gate.path("authorized_keys"), person.public_key("id_ed25519")).unwrap();
    assert!(soon(client.start(&machine, &command, &doing)).await.is_ok(), "it is tried again later");
}

#[tokio::test]
async fn a_gate_that_was_lost_is_connected_anew() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let (gate, end) = (Sshd::start(&person).await, Sshd::start(&person).await);
    let machine = behind(&person, &[&gate], &end);
    let (client, dialer) = client();
    let mut session = soon(client.start(&machine, &Command::new("cat"), &Doing::default())).await.unwrap();
    gate.cut_connections();
    let ran = soon(Ran::of(&mut session)).await;
    assert!(matches!(ran.outcome, Outcome::Lost(_)), "{ran:?}");
    assert!(soon(client.start(&machine, &Command::new("true"), &Doing::default())).await.is_ok());
    assert_eq!(dialer.calls(), 2);
}

#[tokio::test]
async fn a_machine_that_its_gate_does_not_reach_is_the_one_that_is_named() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let (gate, closed) = (Sshd::start(&person).await, Sshd::with(&person, "").await);
    let machine = behind(&person, &[&gate], &closed);
    drop(closed);
    let Err(error) = person.start(&machine, &Command::new("true")).await else { panic!("it started") };
    assert_eq!(error.hop, machine.end.to_string());
    let ConnectError::Dial(reason) = &error.reason else { panic!("{error}") };
    assert_eq!(reason.kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(reason.to_string().contains(&machine.via[0].to_string()), "{reason}");
}
