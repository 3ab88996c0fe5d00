//! Commands by the real sudo, with a sudoers file, an account and a password that only one sshd sees.

use std::sync::Arc;

use remote::ask::{Nobody, Secret};
use remote::transport::{Doing, Input as _};
use remote::{Client, Command, Machine, Session as _, Sudo, Transport as _, Unreachable};

use crate::support::{Guest, PASSWORD, Person, Ran, Sshd, may_mount, soon};

/// The guest may do everything with his password, which he is asked for each time, after a lecture.
const MAY: &str = "Defaults lecture=always,timestamp_timeout=0\nguest ALL=(ALL) ALL\n";

/// What sudo is told to ask with.
const PROMPT: &str = "[trunkline asks sudo for the password]";

struct Ground {
    person: Person,
    machine: Machine,
    _server: Sshd,
}

impl Ground {
    async fn with(sudoers: &str) -> Self {
        let person = Person::new();
        let guest = Guest::new(&person, "/bin/sh".as_ref()).with_sudoers(sudoers);
        let server = Sshd::with_guest(&person, guest, "AuthorizedKeysFile .ssh/authorized_keys").await;
        let machine = person.machine(&server);
        Self { person, machine, _server: server }
    }

    fn sudo(&self, password: &str) -> Sudo<Client> {
        Sudo::new(self.person.client(Arc::new(Nobody)), Secret::from(password.to_owned()))
    }

    /// A command, and what it reads.
    async fn run(&self, sudo: &Sudo<Client>, line: &str, input: &'static str) -> Result<Ran, Unreachable> {
        let (command, doing) = (Command::new(line), Doing::default());
        let mut session = soon(sudo.start(&self.machine, &command, &doing)).await?;
        let mut to = session.input().unwrap();
        assert!(to.write(input.into()).await);
        to.end().await;
        Ok(soon(Ran::of(&mut session)).await)
    }
}

fn refusal(ran: Result<Ran, Unreachable>) -> String {
    ran.unwrap_err().reason.to_string()
}

#[tokio::test]
async fn the_real_sudo_gets_the_password_and_the_command_runs_as_root_with_its_own_input_and_code() {
    needs!("sshd", "ssh", "sudo");
    if !may_mount() {
        return;
    }
    let ground = Ground::with(MAY).await;
    let ran = ground.run(&ground.sudo(PASSWORD), "id -u; cat; echo oh >&2; exit 3", "it's mine\n").await;
    let ran = ran.unwrap();
    let (code, out, err) = ran.texts();
    assert_eq!((code, out), (3, "0\nit's mine\n"));
    // What sudo says to new users comes before, and nothing of what was said to sudo.
    assert!(err.ends_with("oh\n") && !err.contains(PROMPT) && !err.contains(PASSWORD), "{err}");
}

#[tokio::test]
async fn one_password_serves_several_machines_at_once() {
    needs!("sshd", "ssh", "sudo");
    if !may_mount() {
        return;
    }
    let ground = Ground::with(MAY).await;
    let sudo = ground.sudo(PASSWORD);
    let run = || ground.run(&sudo, "id -un", "");
    for ran in <[_; 3]>::from(tokio::join!(run(), run(), run())) {
        let ran = ran.unwrap();
        assert_eq!((ran.texts().0, ran.texts().1), (0, "root\n"));
    }
}

#[tokio::test]
async fn what_sudo_refuses_is_told_in_its_words_and_a_wrong_password_in_ours() {
    needs!("sshd", "ssh", "sudo");
    if !may_mount() {
        return;
    }
    let ground = Ground::with(MAY).await;
    let wrong = ground.run(&ground.sudo("wrong"), "id -u", "").await;
    assert!(refusal(wrong).contains("sudo does not take the password"));
    let stranger = Ground::with("Defaults lecture=never\n").await;
    let refused = refusal(stranger.run(&stranger.sudo(PASSWORD), "id -u", "").await);
    assert!(refused.contains("guest is not in the sudoers file"), "{refused}");
}

#[tokio::test]
async fn a_password_that_the_real_sudo_does_not_ask_for_goes_nowhere() {
    needs!("sshd", "ssh", "sudo");
    if !may_mount() {
        return;
    }
    let ground = Ground::with("guest ALL=(ALL) NOPASSWD: ALL\n").await;
    let ran = ground.run(&ground.sudo(PASSWORD), "id -u; cat", "input\n").await.unwrap();
    assert_eq!((ran.texts().0, ran.texts().1), (0, "0\ninput\n"));
    // Nor does the command get it, whatever it prints.
    let command = format!("printf '%s' '{PROMPT}' >&2; cat");
    let ran = ground.run(&ground.sudo(PASSWORD), &command, "").await.unwrap();
    let (code, out, err) = ran.texts();
    assert_eq!((code, out), (0, ""));
    assert!(err.ends_with(PROMPT), "{err}");
}
