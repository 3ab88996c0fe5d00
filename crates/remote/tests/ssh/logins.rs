//! Who is let in, and by what.

use std::fs;
use std::process::{Child, Command as Program, Stdio};
use std::sync::Arc;

use remote::algorithms::Algorithms;
use remote::config::{IdentityFile, Settings};
use remote::{Command, ConnectError, Outcome};

use crate::needs::output_of;
use crate::support::{Answerer, Guest, PASSWORD, Person, Ran, Sshd, lines, may_mount, soon};

/// An ssh-agent that ends with its owner.
pub(crate) struct Agent {
    process: Child,
    socket: std::path::PathBuf,
}

impl Agent {
    /// One that holds keys of a person.
    pub(crate) async fn with(person: &Person, keys: &[&str]) -> Self {
        let socket = person.path("agent");
        let mut agent = Program::new("ssh-agent");
        let mut process = agent.arg("-D").arg("-a").arg(&socket).stdout(Stdio::piped()).spawn().unwrap();
        // Its first line comes after it has begun to listen.
        lines(process.stdout.take().unwrap()).recv().await.unwrap();
        for key in keys {
            let mut add = Program::new("ssh-add");
            add.arg("-q").arg(person.path(key)).env("SSH_AUTH_SOCK", &socket);
            assert!(add.status().unwrap().success());
        }
        Self { process, socket }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn by_agent(person: &Person, agent: &Agent) -> Settings {
    Settings {
        agent: Some(agent.socket.clone()),
        identity_files: Vec::new(),
        identities_only: false,
        ..person.settings()
    }
}

#[tokio::test]
async fn an_agents_key_opens_without_its_file() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    person.machine(&server);
    let agent = Agent::with(&person, &["id_ed25519"]).await;
    fs::remove_file(person.path("id_ed25519")).unwrap();
    let machine = person.machine_with(&server, by_agent(&person, &agent));
    assert!(matches!(person.run(&machine, "true").await.outcome, Outcome::Exit(0)));
}

#[tokio::test]
async fn keys_of_every_kind_open() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    person.machine(&server);
    for kind in ["ecdsa", "rsa"] {
        person.make_key(kind, kind);
        fs::write(server.path("authorized_keys"), person.public_key(kind)).unwrap();
        let identity_files = vec![IdentityFile { path: person.path(kind), named: true }];
        let machine = person.machine_with(&server, Settings { identity_files, ..person.settings() });
        assert!(matches!(person.run(&machine, "true").await.outcome, Outcome::Exit(0)), "{kind}");
    }
}

#[tokio::test]
async fn a_wrong_key_is_named_with_what_the_server_would_have_taken() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    fs::write(server.path("authorized_keys"), "").unwrap();
    let Err(error) = person.start(&person.machine(&server), &Command::new("true")).await else {
        panic!("it let us in")
    };
    let expected = format!(
        "{}@127.0.0.1:{}: permission denied (publickey; tried: {})",
        server.user,
        server.port,
        person.path("id_ed25519").display()
    );
    assert_eq!(error.to_string(), expected);
}

/// Settings with other algorithms.
fn with(person: &Person, change: impl FnOnce(&mut Algorithms)) -> Settings {
    let mut settings = person.settings();
    change(&mut settings.algorithms);
    settings
}

#[tokio::test]
async fn only_the_algorithms_that_a_person_lists_are_offered() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let mut server = Sshd::with(&person, "LogLevel DEBUG1").await;
    person.trust(&server.known_hosts_line());
    let settings = with(&person, |algorithms| {
        algorithms.key_exchanges = vec!["ecdh-sha2-nistp384"];
        algorithms.ciphers = vec!["aes192-ctr"];
        algorithms.macs = vec!["hmac-sha2-512"];
    });
    let ran = person.run(&person.machine_with(&server, settings), "true").await;
    assert!(matches!(ran.outcome, Outcome::Exit(0)), "{ran:?}");
    let mut log = server.log();
    log.retain(|line| line.contains("kex: "));
    assert!(log.iter().any(|line| line.contains("algorithm: ecdh-sha2-nistp384")), "{log:?}");
    let cipher = "client->server cipher: aes192-ctr MAC: hmac-sha2-512";
    assert!(log.iter().any(|line| line.contains(cipher)), "{log:?}");
}

#[tokio::test]
async fn where_nothing_that_a_person_lists_can_be_had_nothing_else_is_taken() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::with(&person, "Ciphers aes256-ctr").await;
    person.trust(&server.known_hosts_line());
    for (settings, words) in [
        (
            with(&person, |of| of.ciphers = vec!["aes128-cbc"]),
            "nothing in common (Cipher); it has: aes256-ctr",
        ),
        (with(&person, |of| of.ciphers.clear()), "Ciphers in ssh_config(5) leaves nothing"),
        (with(&person, |of| of.host_keys.clear()), "HostKeyAlgorithms in ssh_config(5) leaves nothing"),
        (with(&person, |of| of.public_keys = vec!["rsa-sha2-512"]), "PubkeyAcceptedAlgorithms leaves it out"),
    ] {
        let machine = person.machine_with(&server, settings);
        let error = person.start(&machine, &Command::new("true")).await.err().unwrap().to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
}

#[tokio::test]
async fn an_rsa_key_signs_as_the_person_wants_it() {
    needs!("sshd", "ssh");
    let person = Person::new();
    person.make_key("rsa", "rsa");
    let mut server = Sshd::with(&person, "LogLevel DEBUG1").await;
    fs::write(server.path("authorized_keys"), person.public_key("rsa")).unwrap();
    person.trust(&server.known_hosts_line());
    let mut settings = with(&person, |of| of.public_keys = vec!["rsa-sha2-256"]);
    settings.identity_files[0].path = person.path("rsa");
    let ran = person.run(&person.machine_with(&server, settings), "true").await;
    assert!(matches!(ran.outcome, Outcome::Exit(0)), "{ran:?}");
    assert!(server.log().iter().any(|line| line.contains("pkalg rsa-sha2-256")));
}

#[tokio::test]
async fn more_keys_than_the_server_looks_at_are_told_as_such() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::with(&person, "MaxAuthTries 2").await;
    person.machine(&server);
    fs::write(server.path("authorized_keys"), "").unwrap();
    let names = ["one", "two", "three"];
    names.iter().for_each(|name| person.make_key(name, "ed25519"));
    let agent = Agent::with(&person, &names).await;
    let machine = person.machine_with(&server, by_agent(&person, &agent));
    let Err(error) = person.start(&machine, &Command::new("true")).await else { panic!("it let us in") };
    let ConnectError::Denied { tried } = &error.reason else { panic!("{error}") };
    assert!(tried.contains("IdentitiesOnly"), "{tried}");
}

#[tokio::test]
async fn no_key_and_nobody_to_ask_is_said_in_words() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    person.machine(&server);
    let machine = person.machine_with(&server, Settings { identity_files: Vec::new(), ..person.settings() });
    let Err(error) = person.start(&machine, &Command::new("true")).await else { panic!("it let us in") };
    assert!(error.to_string().ends_with("permission denied (publickey; tried: no key to show)"), "{error}");
}

#[tokio::test]
async fn a_password_is_asked_for_again_when_it_is_wrong() {
    needs!("sshd", "ssh");
    if !may_mount() {
        return;
    }
    let person = Person::new();
    let options = "PasswordAuthentication yes\nPubkeyAuthentication no\nBanner none";
    let server = Sshd::with_guest(&person, Guest::new(&person, "/bin/sh".as_ref()), options).await;
    let answers = Arc::new(Answerer::new(&["wrong", PASSWORD]));
    let client = person.client(answers.clone());
    let mut session =
        person.start_by(&client, &person.machine(&server), &Command::new("id -un")).await.unwrap();
    assert_eq!(soon(Ran::of(&mut session)).await.texts(), (0, "guest\n", ""));
    let asked = ["password of guest@127.0.0.1, again: false", "password of guest@127.0.0.1, again: true"];
    assert_eq!(answers.heard(), asked);
}

#[tokio::test]
async fn where_a_key_is_only_a_part_the_password_is_the_other() {
    needs!("sshd", "ssh");
    if !may_mount() {
        return;
    }
    let person = Person::new();
    let options = "PasswordAuthentication yes\nAuthenticationMethods publickey,password";
    let server = Sshd::with_guest(&person, Guest::new(&person, "/bin/sh".as_ref()), options).await;
    let client = person.client(Arc::new(Answerer::new(&[PASSWORD])));
    let started = person.start_by(&client, &person.machine(&server), &Command::new("true")).await;
    assert!(started.is_ok());
    let nobody = person.start(&person.machine(&server), &Command::new("true")).await;
    assert!(matches!(nobody.map(drop).unwrap_err().reason, ConnectError::Denied { .. }));
}

#[tokio::test]
async fn a_servers_questions_are_asked_in_its_words() {
    needs!("sshd", "ssh");
    if !may_mount() {
        return;
    }
    let person = Person::new();
    let options = "UsePAM yes\nKbdInteractiveAuthentication yes\nPubkeyAuthentication no";
    let server = Sshd::with_guest(&person, Guest::new(&person, "/bin/sh".as_ref()), options).await;
    let answers = Arc::new(Answerer::new(&[PASSWORD]));
    let client = person.client(answers.clone());
    let one = person.machine(&server);
    let mut other = one.clone();
    other.end.host = "localhost".to_owned();
    person.trust(&server.known_hosts_line().replace("127.0.0.1", "localhost"));
    for machine in [one, other] {
        let started = person.start_by(&client, &machine, &Command::new("true")).await;
        assert!(started.is_ok(), "{:?}", started.map(drop));
    }
    assert_eq!(
        answers.heard(),
        ["Password: , echo: false"],
        "once for both: sshd puts no name of a host before it"
    );
}

#[tokio::test]
async fn a_banner_is_shown_before_anybody_is_let_in() {
    needs!("sshd", "ssh");
    let person = Person::new();
    fs::write(person.path("banner"), "Authorized use only.\n").unwrap();
    let server = Sshd::with(&person, &format!("Banner {}", person.path("banner").display())).await;
    fs::write(server.path("authorized_keys"), "").unwrap();
    let answers = Arc::new(Answerer::default());
    let client = person.client(answers.clone());
    let machine = person.machine(&server);
    assert!(person.start_by(&client, &machine, &Command::new("true")).await.is_err());
    assert_eq!(answers.heard(), ["Authorized use only.\n"]);
}

#[tokio::test]
async fn an_encrypted_key_is_opened_by_its_passphrase_asked_once_for_two_machines() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let key = person.path("id_ed25519");
    output_of("ssh-keygen", &["-q", "-p", "-N", "opens", "-P", "", "-f", key.to_str().unwrap()]);
    let answers = Arc::new(Answerer::new(&["opens"]));
    let client = person.client(answers.clone());
    let (machine, command) = (person.machine(&server), Command::new("true"));
    let (one, two) = tokio::join!(
        person.start_by(&client, &machine, &command),
        person.start_by(&client, &machine, &command)
    );
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(answers.heard(), [format!("passphrase of {}", key.display())]);
}
