//! Servers that are none, fall silent, or are lost.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use remote::ask::{Answering, Answers, Question};
use remote::config::{Settings, StrictHostKeyChecking};
use remote::transport::{Doing, Input, Transport};
use remote::{Command, ConnectError, Hop, Machine, Outcome, Piece, Secret, Session};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::needs::output_of;
use crate::support::{Answerer, Person, Ran, Sshd, machine_at, soon};

/// A port whose first visitor is treated like this.
async fn port<F>(treat: impl FnOnce(TcpStream) -> F + Send + 'static) -> u16
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { treat(listener.accept().await.unwrap().0).await });
    port
}

/// Why there is no handshake.
async fn failure(person: &Person, machine: &Machine) -> String {
    match person.start(machine, &Command::new("true")).await {
        Err(error) => match error.reason {
            ConnectError::Handshake(reason) => reason,
            other => panic!("{other:?}"),
        },
        Ok(_) => panic!("it started"),
    }
}

/// What happens when somebody loses patience with a server that says only so much: the connection is gone, and whoever asks
/// knows what was under way.
async fn is_left_alone(words: &'static str) {
    let person = Person::new();
    let (heard, hung_up) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (hear, see) = (heard.clone(), hung_up.clone());
    let port = port(async move |mut stream| {
        stream.write_all(words.as_bytes()).await.unwrap();
        // The client has said all that it says without an answer when this much has come.
        let length = if words.is_empty() { 20 } else { 500 };
        stream.read_exact(&mut vec![0; length]).await.unwrap();
        hear.notify_one();
        while stream.read(&mut [0; 1000]).await.is_ok_and(|length| length > 0) {}
        see.notify_one();
    })
    .await;
    let machine = machine_at("somebody", port, person.settings());
    let (client, command, doing) =
        (person.client(Arc::new(remote::ask::Nobody)), Command::new("true"), Doing::default());
    tokio::select! {
        _ = client.start(&machine, &command, &doing) => panic!("it came to an end"),
        () = soon(heard.notified()) => {}
    }
    soon(hung_up.notified()).await;
    let error = doing.timed_out(&machine, Duration::from_secs(10));
    assert!(error.to_string().ends_with("what was under way: the handshake"), "{error}");
}

#[tokio::test]
async fn a_server_that_never_speaks_is_left_without_a_trace() {
    is_left_alone("").await;
}

#[tokio::test]
async fn a_server_that_stops_in_the_handshake_is_left_without_a_trace() {
    is_left_alone("SSH-2.0-silent\r\n").await;
}

#[tokio::test]
async fn a_server_that_never_comes_to_the_point_is_given_up() {
    let person = Person::new();
    let port = port(async |mut stream| while stream.write_all(b"just a moment\r\n").await.is_ok() {}).await;
    let reason = failure(&person, &machine_at("somebody", port, person.settings())).await;
    assert!(reason.starts_with("it does not speak SSH, but said: just a moment"), "{reason}");
    assert!(reason.len() < 400, "{}", reason.len());
}

#[tokio::test]
async fn a_server_of_something_else_is_quoted() {
    let person = Person::new();
    let port = port(async |mut stream| {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let _ = stream.read(&mut [0; 1000]).await;
    })
    .await;
    let reason = failure(&person, &machine_at("somebody", port, person.settings())).await;
    assert_eq!(reason, "it does not speak SSH, but said: HTTP/1.1 400 Bad Request");
}

#[tokio::test]
async fn a_server_that_hangs_up_at_once_is_told_as_such() {
    let person = Person::new();
    let port = port(async |stream| drop(stream)).await;
    let reason = failure(&person, &machine_at("somebody", port, person.settings())).await;
    assert_eq!(reason, "it hung up without a word");
}

#[tokio::test]
async fn a_server_that_is_too_busy_is_quoted() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::with(&person, "MaxStartups 1").await;
    let mut other = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    // It has been let in when it is spoken to.
    other.read_u8().await.unwrap();
    let reason = failure(&person, &person.machine(&server)).await;
    assert_eq!(reason, "it does not speak SSH, but said: Exceeded MaxStartups");
}

#[tokio::test]
async fn a_server_with_which_we_have_nothing_in_common_is_told_with_what_it_has() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::with(&person, "Ciphers 3des-cbc").await;
    let reason = failure(&person, &person.machine(&server)).await;
    assert_eq!(reason, "nothing in common (Cipher); it has: 3des-cbc");
}

#[tokio::test]
async fn a_connection_that_breaks_in_mid_command_is_lost_after_what_it_said() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let command = Command::new("echo before; read -r line; kill -9 $PPID");
    let mut session = person.start(&person.machine(&server), &command).await.unwrap();
    assert!(matches!(soon(session.next()).await, Piece::Out(before) if before == "before\n"));
    session.input().unwrap().end().await;
    let ran = soon(Ran::of(&mut session)).await;
    assert!(matches!(&ran.outcome, Outcome::Lost(why) if why.contains("closed the connection")), "{ran:?}");
}

#[tokio::test]
async fn a_server_that_answers_no_more_is_lost_after_the_questions_that_were_set() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let settings =
        Settings { alive_interval: Some(Duration::from_millis(20)), alive_count_max: 2, ..person.settings() };
    person.trust(&server.known_hosts_line());
    let machine = person.machine_with(&server, settings);
    let mut session = person.start(&machine, &Command::new("echo $PPID; cat")).await.unwrap();
    let Piece::Out(id) = soon(session.next()).await else { panic!("it does not say who serves us") };
    let id = std::str::from_utf8(&id).unwrap().trim().parse().unwrap();
    let serves_us = Pid::from_raw(id).unwrap();
    kill_process(serves_us, Signal::STOP).unwrap();
    let ran = soon(Ran::of(&mut session)).await;
    kill_process(serves_us, Signal::KILL).unwrap();
    assert!(matches!(&ran.outcome, Outcome::Lost(why) if why.contains("ServerAliveInterval")), "{ran:?}");
}

/// Thinks for ever.
struct Thinker(Arc<Notify>);

impl Answers for Thinker {
    fn ask<'a>(&'a self, _: &'a Question) -> Answering<'a> {
        self.0.notify_one();
        Box::pin(std::future::pending())
    }

    fn banner(&self, _: &Hop, _: &str) {}
}

#[tokio::test]
async fn who_loses_patience_while_a_person_thinks_leaves_nothing_behind() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let mut server = Sshd::start(&person).await;
    let settings = Settings { strict: StrictHostKeyChecking::Ask, ..person.settings() };
    let machine = person.machine_with(&server, settings);
    let asked = Arc::new(Notify::new());
    let client = person.client(Arc::new(Thinker(asked.clone())));
    let (command, doing) = (Command::new("true"), Doing::default());
    tokio::select! {
        _ = client.start(&machine, &command, &doing) => panic!("it came to an end"),
        () = soon(asked.notified()) => {}
    }
    soon(server.says("Connection ")).await;
}

/// Says these words after an hour each.
struct Hesitant(Mutex<Vec<&'static str>>);

impl Answers for Hesitant {
    fn ask<'a>(&'a self, _: &'a Question) -> Answering<'a> {
        let words = self.0.lock().unwrap().pop();
        Box::pin(async move {
            // Whoever looks at the clock sees that somebody is asked.
            tokio::task::yield_now().await;
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(3600)).await;
            tokio::time::resume();
            words.map(|words| Secret::from(words.to_owned()))
        })
    }

    fn banner(&self, _: &Hop, _: &str) {}
}

#[tokio::test]
async fn the_time_in_which_a_person_thinks_is_not_the_machines() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let key = person.path("id_ed25519");
    output_of("ssh-keygen", &["-q", "-p", "-N", "opens", "-P", "", "-f", key.to_str().unwrap()]);
    let settings = Settings { strict: StrictHostKeyChecking::Ask, ..person.settings() };
    let machine = person.machine_with(&server, settings);
    let hesitant = Hesitant(Mutex::new(vec!["opens", "yes"]));
    let client = person.client(Arc::new(hesitant));
    let (command, doing) = (Command::new("true"), Doing::default());
    let start = client.start(&machine, &command, &doing);
    let started = doing.within(Some(Duration::from_secs(60)), &machine, start).await;
    assert!(started.is_ok(), "{:?}", started.map(drop));
}

#[tokio::test]
async fn a_reader_that_stops_reading_makes_the_command_wait_and_gets_all_of_it_later() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let command = Command::new("head -c 20000000 /dev/zero; echo done >&2");
    let mut session = person.start(&person.machine(&server), &command).await.unwrap();
    let Piece::Out(first) = soon(session.next()).await else { panic!("nothing came") };
    // While nobody reads, a request that needs no reader goes through.
    soon(session.signal(remote::Signal::Hangup)).await;
    let ran = soon(Ran::of(&mut session)).await;
    assert_eq!((first.len() + ran.out.len(), ran.err.as_slice()), (20_000_000, b"done\n".as_slice()));
}

/// Neither takes a password nor refuses it, as it is for us with a server that wants it changed (RFC 4252 section 8).
struct WantsAnother;

impl russh::server::Handler for WantsAnother {
    type Error = russh::Error;

    async fn auth_password(&mut self, _: &str, _: &str) -> Result<russh::server::Auth, russh::Error> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_server_that_has_the_password_and_says_nothing_is_told_with_what_it_may_want() {
    needs!("ssh");
    let key =
        russh::keys::PrivateKey::random(&mut russh::keys::key::safe_rng(), russh::keys::Algorithm::Ed25519);
    let config = russh::server::Config { keys: vec![key.unwrap()], ..Default::default() };
    let port = port(|stream| async move {
        let running = russh::server::run_stream(Arc::new(config), stream, WantsAnother).await;
        let _ = running.unwrap().await;
    })
    .await;
    let person = Person::new();
    let settings =
        Settings { strict: StrictHostKeyChecking::AcceptNew, public_key: false, ..person.settings() };
    let machine = machine_at("anna", port, Settings { keyboard_interactive: false, ..settings });
    let client = person.client(Arc::new(Answerer::new(&["old"])));
    let (command, doing) = (Command::new("true"), Doing::default());
    let told = async {
        while !doing.timed_out(&machine, Duration::from_secs(1)).to_string().contains("it may have expired") {
            tokio::task::yield_now().await;
        }
    };
    soon(async {
        tokio::select! {
            started = client.start(&machine, &command, &doing) => panic!("{:?}", started.err()),
            () = told => {}
        }
    })
    .await;
}
