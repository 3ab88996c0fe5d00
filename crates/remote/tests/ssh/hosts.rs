//! Whether a server is the right one.

use std::fs;
use std::sync::Arc;

use remote::config::{Settings, StrictHostKeyChecking};
use remote::{Command, ConnectError, Machine, Outcome};

use crate::needs::output_of;
use crate::support::{Answerer, Person, Sshd};

/// Why a machine is not connected to.
async fn refusal(person: &Person, machine: &Machine) -> String {
    match person.start(machine, &Command::new("true")).await {
        Err(error) => match error.reason {
            ConnectError::HostKey(text) => text,
            other => panic!("{other}"),
        },
        Ok(_) => panic!("it connected"),
    }
}

fn strict(person: &Person, strict: StrictHostKeyChecking) -> Settings {
    Settings { strict, ..person.settings() }
}

/// A pair of keys of an authority, and its public half.
fn authority(person: &Person) -> String {
    person.make_key("authority", "ed25519");
    person.public_key("authority").trim().to_owned()
}

/// Has the authority sign a public key.
fn certify(person: &Person, key: &std::path::Path, options: &[&str]) {
    let authority = person.path("authority");
    let mut arguments = vec!["-q", "-s", authority.to_str().unwrap(), "-I", "a test"];
    arguments.extend(options);
    arguments.push(key.to_str().unwrap());
    output_of("ssh-keygen", &arguments);
}

#[tokio::test]
async fn a_host_that_is_not_known_is_refused_and_nobody_logs_in() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let mut server = Sshd::start(&person).await;
    let text = refusal(&person, &person.machine_with(&server, person.settings())).await;
    assert!(text.contains("not known") && text.contains("accept-new"), "{text}");
    assert_eq!(server.count("Accepted"), 0);
}

#[tokio::test]
async fn broken_lines_are_told_once_for_all_machines() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let machine = person.machine(&server);
    ["broken", "# a comment", "broken too"].iter().for_each(|line| person.trust(line));
    let answers = Arc::new(Answerer::default());
    let client = person.client(answers.clone());
    for _ in 0..2 {
        assert!(person.start_by(&client, &machine, &Command::new("true")).await.is_ok());
    }
    let place = format!("{}:2", person.path("known_hosts").display());
    assert_eq!(
        answers.heard(),
        [format!("lines passed over, which name no host and key: {place}, and 1 more")]
    );
}

#[tokio::test]
async fn a_new_host_is_remembered_hashed_and_known_from_then_on() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let settings = Settings { hash_known_hosts: true, ..strict(&person, StrictHostKeyChecking::AcceptNew) };
    let ran = person.run(&person.machine_with(&server, settings), "echo in").await;
    assert_eq!(ran.texts(), (0, "in\n", ""));
    let known = fs::read_to_string(person.path("known_hosts")).unwrap();
    assert!(known.starts_with("|1|") && !known.contains("127.0.0.1"), "{known}");
    let ran = person.run(&person.machine_with(&server, person.settings()), "echo again").await;
    assert_eq!(ran.texts(), (0, "again\n", ""));
}

#[tokio::test]
async fn what_ssh_keygen_has_hashed_is_known() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let machine = person.machine(&server);
    output_of("ssh-keygen", &["-q", "-H", "-f", person.path("known_hosts").to_str().unwrap()]);
    assert!(matches!(person.run(&machine, "true").await.outcome, Outcome::Exit(0)));
}

#[tokio::test]
async fn a_person_is_asked_for_a_new_host_once_and_only_yes_is_yes() {
    needs!("sshd", "ssh");
    for (answer, expected) in [("yes", true), ("y", false)] {
        let person = Person::new();
        let server = Sshd::start(&person).await;
        let machine = person.machine_with(&server, strict(&person, StrictHostKeyChecking::Ask));
        let answers = Arc::new(Answerer::new(&[answer]));
        let client = person.client(answers.clone());
        let command = Command::new("true");
        let (one, two) = tokio::join!(
            person.start_by(&client, &machine, &command),
            person.start_by(&client, &machine, &command)
        );
        assert_eq!((one.is_ok(), two.is_ok()), (expected, expected));
        if expected {
            assert_eq!(answers.heard().iter().filter(|heard| *heard == "new ED25519 key").count(), 1);
        }
    }
}

#[tokio::test]
async fn a_changed_key_is_refused_whatever_is_set_for_new_ones() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let other = Sshd::start(&person).await;
    person.trust(&format!("[127.0.0.1]:{} {}", server.port, other.host_key()));
    for strictness in
        [StrictHostKeyChecking::Yes, StrictHostKeyChecking::AcceptNew, StrictHostKeyChecking::Ask]
    {
        let text = refusal(&person, &person.machine_with(&server, strict(&person, strictness))).await;
        assert!(text.contains("CHANGED") && text.contains("ssh-keygen"), "{text}");
    }
}

#[tokio::test]
async fn a_revoked_key_is_refused_though_it_is_known() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let machine = person.machine(&server);
    person.trust(&format!("@revoked * {}", server.host_key()));
    let text = refusal(&person, &machine).await;
    assert!(text.contains("REVOKED"), "{text}");
}

#[tokio::test]
async fn a_key_in_the_file_of_revoked_ones_is_refused_whatever_else_is_set_and_without_the_file_every_key_is()
{
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    person.trust(&server.known_hosts_line());
    let settings = Settings {
        revoked_host_keys: Some(person.path("revoked")),
        ..strict(&person, StrictHostKeyChecking::No)
    };
    let machine = person.machine_with(&server, settings);
    let failure = || async { person.start(&machine, &Command::new("true")).await.err().unwrap().to_string() };
    let text = failure().await;
    assert!(text.contains("cannot be read, so that every key may be revoked"), "{text}");
    fs::write(person.path("revoked"), format!("# stolen\n{}\n", server.host_key())).unwrap();
    let text = refusal(&person, &machine).await;
    assert!(text.contains("IS REVOKED by") && text.contains("revoked:2"), "{text}");
    output_of("ssh-keygen", &["-q", "-k", "-f", person.path("revoked").to_str().unwrap()]);
    let text = failure().await;
    assert!(text.contains("is a KRL, which is not read here"), "{text}");
    fs::write(person.path("revoked"), person.public_key("id_ed25519")).unwrap();
    assert!(matches!(person.run(&machine, "true").await.outcome, Outcome::Exit(0)));
}

#[tokio::test]
async fn what_an_authority_has_signed_is_refused_where_the_authority_is_revoked() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let authority = authority(&person);
    person.trust(&format!("@cert-authority * {authority}"));
    person.make_key("of_the_host", "ed25519");
    certify(&person, &person.path("of_the_host.pub"), &["-h", "-n", "127.0.0.1"]);
    let key = person.path("of_the_host");
    let options = format!("HostKey {key}\nHostCertificate {key}-cert.pub", key = key.display());
    let server = Sshd::with(&person, &options).await;
    fs::write(person.path("revoked"), authority).unwrap();
    let settings = Settings { revoked_host_keys: Some(person.path("revoked")), ..person.settings() };
    let text = refusal(&person, &person.machine_with(&server, settings)).await;
    assert!(text.contains("IS REVOKED by"), "{text}");
}

#[tokio::test]
async fn of_several_keys_the_server_shows_the_one_that_is_known() {
    needs!("sshd", "ssh");
    let person = Person::new();
    person.make_key("of_the_host", "ecdsa");
    let server = Sshd::with(&person, &format!("HostKey {}", person.path("of_the_host").display())).await;
    person.trust(&format!("[127.0.0.1]:{} {}", server.port, person.public_key("of_the_host").trim()));
    let ran = person.run(&person.machine_with(&server, person.settings()), "true").await;
    assert!(matches!(ran.outcome, Outcome::Exit(0)));
}

#[tokio::test]
async fn a_host_is_known_by_its_certificate_if_that_is_for_it() {
    needs!("sshd", "ssh");
    for (principal, expected) in [("127.0.0.1", true), ("elsewhere", false)] {
        let person = Person::new();
        person.trust(&format!("@cert-authority * {}", authority(&person)));
        person.make_key("of_the_host", "ed25519");
        certify(&person, &person.path("of_the_host.pub"), &["-h", "-n", principal]);
        let options = format!(
            "HostKey {key}\nHostCertificate {key}-cert.pub",
            key = person.path("of_the_host").display()
        );
        let server = Sshd::with(&person, &options).await;
        let machine = person.machine_with(&server, person.settings());
        if expected {
            assert!(matches!(person.run(&machine, "true").await.outcome, Outcome::Exit(0)));
        } else {
            refusal(&person, &machine).await;
        }
    }
}

#[tokio::test]
async fn a_user_is_let_in_by_his_certificate() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let ca = authority(&person);
    fs::write(person.path("authorities"), ca).unwrap();
    let trusted = person.path("authorities");
    let options = format!("TrustedUserCAKeys {}\nAuthorizedKeysFile none", trusted.display());
    let server = Sshd::with(&person, &options).await;
    let machine = person.machine(&server);
    certify(&person, &person.path("id_ed25519.pub"), &["-n", &server.user]);
    assert!(matches!(person.run(&machine, "true").await.outcome, Outcome::Exit(0)));
}
