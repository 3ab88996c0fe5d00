//! With shells of this machine in place of others, and a sudo that asks as the true one does: on standard error, and it reads a line
//! of standard input without taking a byte of what follows.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};

use super::*;
use crate::config::{Settings, StrictHostKeyChecking};
use crate::machine::Hop;
use crate::outcome::Outcome;
use crate::testing;

const SUDO: &str = r#"#!/bin/sh
[ "$1 $2 $4" = "-S -p --" ] || exit 9
prompt=$3; shift 4
for nth in 1 2 3; do
    case $ASKS in no) break;; esac
    printf %s "$prompt" >&2
    read -r password || exit 8
    [ "$password" = 'open sesame' ] && break
    echo 'Sorry, try again.' >&2
done
case $ASKS in never) echo 'joe is not in the sudoers file.' >&2; exit 1;; esac
exec "$@"
"#;

struct Local {
    folder: tempfile::TempDir,
    asks: &'static str,
}

struct Process {
    child: Child,
    input: Option<ChildStdin>,
    out: Option<ChildStdout>,
    err: Option<ChildStderr>,
}

impl Local {
    fn new(asks: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sudo = folder.path().join("sudo");
        fs::write(&sudo, SUDO).unwrap();
        fs::set_permissions(&sudo, fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder, asks }
    }
}

impl Transport for Local {
    type Session = Process;

    async fn start(&self, _: &Machine, command: &Command, _: &Doing) -> Result<Process, Unreachable> {
        let path = format!("{}:{}", self.folder.path().display(), std::env::var("PATH").unwrap());
        let mut shell = tokio::process::Command::new("sh");
        shell
            .arg("-c")
            .arg(std::str::from_utf8(&command.line).unwrap())
            .env("PATH", path)
            .env("ASKS", self.asks);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = shell.spawn().unwrap();
        let (input, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        Ok(Process { child, input, out, err })
    }
}

/// What a stream has next; None at its end.
async fn piece(stream: &mut Option<impl tokio::io::AsyncRead + Unpin>) -> Bytes {
    // Few bytes at once, so that marks come in parts.
    let mut buffer = [0; 7];
    let bytes = stream.as_mut().unwrap().read(&mut buffer).await.unwrap();
    if bytes == 0 {
        *stream = None;
    }
    Bytes::copy_from_slice(&buffer[..bytes])
}

impl Session for Process {
    type Input = ChildStdin;

    async fn next(&mut self) -> Piece {
        tokio::select! {
            bytes = piece(&mut self.out), if self.out.is_some() => Piece::Out(bytes),
            bytes = piece(&mut self.err), if self.err.is_some() => Piece::Err(bytes),
            else => {
                let status = self.child.wait().await.unwrap();
                Piece::End(Outcome::Exit(u32::try_from(status.code().unwrap()).unwrap()))
            }
        }
    }

    fn input(&mut self) -> Option<ChildStdin> {
        self.input.take()
    }

    async fn signal(&mut self, _: Signal) {}

    async fn resize(&mut self, _: Size) {}

    async fn close(self) {}
}

impl Input for ChildStdin {
    async fn write(&mut self, bytes: Bytes) -> bool {
        self.write_all(&bytes).await.is_ok()
    }

    async fn end(self) {}
}

fn machine() -> Machine {
    let settings = Settings {
        strict: StrictHostKeyChecking::Yes,
        ask: false,
        password: false,
        keyboard_interactive: false,
        ..testing::settings()
    };
    let end = Hop { user: "joe".into(), host: "n1".into(), port: 22, settings: Arc::new(settings) };
    Machine { name: "n1".to_owned(), end, via: Vec::new() }
}

/// Runs a command by sudo: its standard output and error, and its status.
async fn run(
    asks: &'static str,
    password: &str,
    line: &str,
    input: &str,
) -> Result<(String, String, u32), String> {
    let sudo = Sudo::new(Local::new(asks), Secret::from(password.to_owned()));
    let started = sudo.start(&machine(), &Command::new(line), &Doing::default()).await;
    let mut session = started.map_err(|unreachable| unreachable.to_string())?;
    let mut to = session.input().unwrap();
    Input::write(&mut to, Bytes::copy_from_slice(input.as_bytes())).await;
    Input::end(to).await;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    loop {
        match session.next().await {
            Piece::Out(bytes) => out.extend_from_slice(&bytes),
            Piece::Err(bytes) => err.extend_from_slice(&bytes),
            Piece::End(Outcome::Exit(status)) => {
                return Ok((String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap(), status));
            }
            Piece::End(other) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn the_password_goes_to_sudo_and_everything_else_to_the_command() {
    let line = "printf '%s\n' \"it's\"; cat; echo oh >&2; exit 3";
    let ran = run("yes", "open sesame", line, "its input\n").await;
    assert_eq!(ran, Ok(("it's\nits input\n".to_owned(), "oh\n".to_owned(), 3)));
}

#[tokio::test]
async fn where_sudo_does_not_ask_the_password_is_not_sent() {
    let ran = run("no", "open sesame", "cat", "input").await;
    assert_eq!(ran, Ok(("input".to_owned(), String::new(), 0)));
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_and_told() {
    let ran = run("yes", "wrong", "id", "").await;
    assert_eq!(ran.unwrap_err(), "joe@n1:22: it does not start the command: sudo does not take the password");
}

#[tokio::test]
async fn who_may_not_is_told_in_sudos_words() {
    let error = run("never", "open sesame", "id", "").await.unwrap_err();
    assert!(error.ends_with("it does not start the command: joe is not in the sudoers file."), "{error}");
}

#[tokio::test]
async fn an_attackers_command_that_asks_as_sudo_does_gets_nothing() {
    let line = format!("printf '%s' '{PROMPT}' >&2; cat");
    let ran = run("yes", "open sesame", &line, "input").await;
    assert_eq!(ran, Ok(("input".to_owned(), PROMPT.to_owned(), 0)));
}

#[tokio::test]
async fn an_attacker_who_talks_in_place_of_sudo_fills_a_bounded_memory() {
    let local = Local::new("yes");
    fs::write(local.folder.path().join("sudo"), "#!/bin/sh\nexec yes >&2\n").unwrap();
    let sudo = Sudo::new(local, Secret::from(String::new()));
    let error = sudo.start(&machine(), &Command::new("id"), &Doing::default()).await.err().unwrap();
    assert!(error.to_string().ends_with("it talks, and sudo does not begin"), "{error}");
}
