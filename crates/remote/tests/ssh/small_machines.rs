//! The same against dropbear, which small machines have in place of sshd.

use remote::command::{Size, Terminal};
use remote::config::{Settings, StrictHostKeyChecking};
use remote::transport::Input;
use remote::{Command, Machine, Outcome, Piece, Session, Signal};

use crate::logins::{Agent, by_agent};
use crate::streams::{MIB, gives_back};
use crate::support::{Dropbear, GUEST, Person, Ran, Sshd, machine_at, may_mount, soon, within_minutes};

/// A person and a dropbear; None: this user may not have one.
async fn ground() -> Option<(Person, Dropbear)> {
    if !may_mount() {
        return None;
    }
    let person = Person::new();
    let server = Dropbear::start(&person).await;
    Some((person, server))
}

fn machine(person: &Person, server: &Dropbear) -> Machine {
    person.trust(&server.known_hosts_line());
    machine_at(GUEST, server.port, person.settings())
}

#[tokio::test]
async fn dropbear_runs_commands_with_their_outputs_and_statuses() {
    needs!("dropbear", "ssh");
    let Some((person, server)) = ground().await else { return };
    let machine = machine(&person, &server);
    for code in [0, 1, 255] {
        let ran = person.run(&machine, &format!("echo out; echo err >&2; exit {code}")).await;
        assert_eq!(ran.texts(), (code, "out\n", "err\n"));
    }
    let both = "head -c 200000 /dev/zero >&2 & head -c 200000 /dev/zero; wait";
    let ran = person.run(&machine, both).await;
    assert_eq!((ran.out.len(), ran.err.len()), (200_000, 200_000));
}

#[tokio::test]
async fn dropbear_gives_back_what_a_command_is_given() {
    needs!("dropbear", "ssh");
    let Some((person, server)) = ground().await else { return };
    let mut session = person.start(&machine(&person, &server), &Command::new("cat")).await.unwrap();
    let mut input = session.input().unwrap();
    let given: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    let giving = async {
        assert!(input.write(given.clone().into()).await);
        input.end().await;
    };
    let ((), ran) = soon(async { tokio::join!(giving, Ran::of(&mut session)) }).await;
    assert!(ran.out == given, "{} bytes", ran.out.len());
}

/// Half a minute: its cipher is slow where nothing is optimised.
#[tokio::test]
async fn dropbear_gives_a_gibibyte_back_as_it_went() {
    needs!("dropbear", "ssh");
    let Some((person, server)) = ground().await else { return };
    within_minutes(gives_back(&person, &machine(&person, &server), 1024 * MIB)).await;
}

#[tokio::test]
async fn a_signal_that_is_sent_reaches_the_command() {
    needs!("dropbear", "ssh");
    let Some((person, server)) = ground().await else { return };
    for (signal, expected) in [(Signal::Terminate, "TERM"), (Signal::Kill, "KILL")] {
        let command = Command::new("echo ready; exec sleep 1000");
        let mut session = person.start(&machine(&person, &server), &command).await.unwrap();
        assert!(matches!(soon(session.next()).await, Piece::Out(ready) if ready == "ready\n"));
        session.signal(signal).await;
        let ran = soon(Ran::of(&mut session)).await;
        let Outcome::Signal { name, .. } = &ran.outcome else { panic!("{ran:?}") };
        assert_eq!(name, expected);
    }
}

#[tokio::test]
async fn dropbear_gives_a_terminal() {
    needs!("dropbear", "ssh");
    let Some((person, server)) = ground().await else { return };
    let terminal =
        Terminal { name: "xterm".to_owned(), size: Size { columns: 91, rows: 33 }, modes: Vec::new() };
    let command = Command { terminal: Some(terminal), ..Command::new("stty size") };
    let mut session = person.start(&machine(&person, &server), &command).await.unwrap();
    assert_eq!(soon(Ran::of(&mut session)).await.texts(), (0, "33 91\r\n", ""));
}

#[tokio::test]
async fn dropbear_is_trusted_by_its_key_and_opens_to_a_key_as_any_other() {
    needs!("dropbear", "ssh");
    let Some((person, server)) = ground().await else { return };
    let at = |settings| machine_at(GUEST, server.port, settings);
    let failure = |machine: Machine| {
        let person = &person;
        async move { person.start(&machine, &Command::new("true")).await.err().unwrap().to_string() }
    };
    assert!(failure(at(person.settings())).await.contains("is not known"));
    // Remembered hashed, and known from then on.
    let strict = StrictHostKeyChecking::AcceptNew;
    let settings = Settings { strict, hash_known_hosts: true, ..person.settings() };
    assert_eq!(person.run(&at(settings), "echo in").await.texts(), (0, "in\n", ""));
    assert!(std::fs::read_to_string(person.path("known_hosts")).unwrap().starts_with("|1|"));
    assert_eq!(person.run(&at(person.settings()), "echo again").await.texts(), (0, "again\n", ""));
    // By the agent, without the file.
    let agent = Agent::with(&person, &["id_ed25519"]).await;
    assert_eq!(person.run(&at(by_agent(&person, &agent)), "echo held").await.texts(), (0, "held\n", ""));
    person.make_key("other", "ed25519");
    let mut wrong = person.settings();
    wrong.identity_files[0].path = person.path("other");
    let text = failure(at(wrong)).await;
    assert!(text.contains("permission denied (publickey") && text.contains("/other"), "{text}");
    std::fs::write(person.path("known_hosts"), "").unwrap();
    person.trust(&format!("[127.0.0.1]:{} {}", server.port, person.public_key("other").trim()));
    assert!(failure(at(person.settings())).await.contains("HAS CHANGED"));
    person.trust(&format!("@revoked * {}", server.known_hosts_line().split_once(' ').unwrap().1));
    assert!(failure(at(person.settings())).await.contains("IS REVOKED"));
}

#[tokio::test]
async fn dropbear_is_a_gate_and_stands_behind_one() {
    needs!("dropbear", "sshd", "ssh");
    let Some((person, gate)) = ground().await else { return };
    let end = Dropbear::start(&person).await;
    let sshd = Sshd::start(&person).await;
    let port = |machine: &Machine| machine.end.port;
    let [gate, end, sshd] = [machine(&person, &gate), machine(&person, &end), person.machine(&sshd)];
    for (way, to) in [(&gate, &end), (&gate, &sshd), (&sshd, &end)] {
        let through = Machine { via: vec![way.end.clone()], ..to.clone() };
        let ran = person.run(&through, "echo $SSH_CONNECTION").await;
        let (0, out, _) = ran.texts() else { panic!("{ran:?}") };
        assert!(out.trim().ends_with(&format!(" {}", port(to))), "{out}");
    }
}

#[tokio::test]
async fn what_ends_by_a_signal_on_dropbear_says_which_and_bytes_of_any_charset_pass() {
    needs!("dropbear", "ssh");
    let Some((person, server)) = ground().await else { return };
    let machine = machine(&person, &server);
    for signal in ["TERM", "KILL"] {
        let ran = person.run(&machine, &format!("kill -{signal} $$")).await;
        let Outcome::Signal { name, .. } = &ran.outcome else { panic!("{ran:?}") };
        assert_eq!(name, signal);
    }
    let ran = person.run(&machine, r"printf '\304\343\272\303\n'").await;
    assert_eq!(ran.out, b"\xc4\xe3\xba\xc3\n");
}
