//! A person at the terminal answers what connections need to know.

use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::thread;

use net::Untrusted;
use net::bulk::write_all;
use node::ssh::ask::Answering;
use node::ssh::{Answers, Hop, Question, Secret};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::oneshot;

use super::floor::Floor;

/// Bytes of an answer: what a terminal takes as one line (`N_TTY_BUF_SIZE` in n_tty of the kernel).
const ANSWER_MAX: usize = 4096;

/// Asks at the terminal of this process, whatever standard input and output are. Where it has none, every question stays open.
pub(crate) struct Asker {
    floor: Floor,
    /// There is one machine. Of many, what they say before they let anybody in would be the same, many times.
    is_one: bool,
}

impl Asker {
    /// For one machine, or for many.
    pub(crate) fn new(floor: Floor, is_one: bool) -> Self {
        Self { floor, is_one }
    }

    /// Asks, one at a time.
    pub(crate) async fn question(&self, text: &str, echo: bool) -> Option<Secret> {
        let _floor = self.floor.taken().await;
        // Nobody is there, or would not say.
        Terminal::open(echo).ok()?.ask(text).await.ok()
    }
}

impl Answers for Asker {
    fn ask<'a>(&'a self, question: &'a Question) -> Answering<'a> {
        Box::pin(async move {
            let (text, echo) = words(question, self.is_one);
            self.question(&text, echo).await
        })
    }

    fn banner(&self, _: &Hop, text: &str) {
        if self.is_one {
            self.floor.say(Untrusted::from(text.trim_end()).multiline().to_string());
        }
    }

    fn note(&self, about: &Hop, text: &str) {
        let about = about.to_string();
        self.floor.say(format!("{}: {}", Untrusted::from(about.as_str()), Untrusted::from(text).multiline()));
    }
}

/// The question as a person reads it, and whether the answer may be seen.
fn words(question: &Question, is_one: bool) -> (String, bool) {
    let line = |text: &str| Untrusted::from(text).to_string();
    match question {
        Question::Passphrase { file, again } => {
            let wrong = if *again { "wrong; " } else { "" };
            (format!("{wrong}passphrase of the key {}: ", line(&file.to_string_lossy())), false)
        }
        Question::Password { login, again } => {
            let refused = if *again { "refused; " } else { "" };
            (format!("{refused}password of {}: ", line(login)), false)
        }
        Question::Prompt { login, instruction, prompt, echo } => {
            let instruction = Untrusted::from(instruction.trim_end()).multiline().to_string();
            let end = if instruction.is_empty() { "" } else { "\n" };
            (format!("({}) {instruction}{end}{}", line(login), line(prompt)), *echo)
        }
        Question::NewKey { host, kind, fingerprint } => {
            let [host, kind, fingerprint] = [host, kind, fingerprint].map(|text| line(text));
            let answers =
                if is_one { "yes or no" } else { "yes or no; all: of every new machine in this run" };
            let text = format!(
                "{host} is not known yet. Its {kind} key is {fingerprint}.\nIs that right? ({answers}) "
            );
            (text, true)
        }
    }
}

/// The terminal of this process while a question is asked.
struct Terminal {
    file: File,
    /// As they were before.
    modes: Termios,
}

impl Terminal {
    fn open(echo: bool) -> io::Result<Self> {
        let flags = OFlags::NOCTTY.bits().cast_signed();
        let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open("/dev/tty")?;
        let modes = tcgetattr(&file)?;
        let mut quiet = modes.clone();
        quiet.local_modes.set(LocalModes::ECHO, echo);
        // What was typed before the question is no answer to it.
        tcsetattr(&file, OptionalActions::Flush, &quiet)?;
        Ok(Self { file, modes })
    }

    /// The thread that waits for the line ends with it, or when nobody waits for the answer any more.
    async fn ask(self, text: &str) -> io::Result<Secret> {
        write_all(self.file.as_fd(), text.as_bytes())?;
        let file = self.file.try_clone()?;
        let (given_up, _waiting) = io::pipe()?;
        let (answer, answered) = oneshot::channel();
        thread::Builder::new().spawn(move || {
            // Nobody waits for it if this fails.
            let _ = answer.send(read_line(&file, &given_up));
        })?;
        answered.await.map_err(io::Error::other)?
    }
}

fn read_line(terminal: &File, given_up: &PipeReader) -> io::Result<Secret> {
    let mut answer = vec![0; ANSWER_MAX];
    let bytes = loop {
        let mut ready = [PollFd::new(terminal, PollFlags::IN), PollFd::new(given_up, PollFlags::IN)];
        match poll(&mut ready, None) {
            Err(Errno::INTR) => continue,
            polled => polled?,
        };
        if !ready[1].revents().is_empty() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match rustix::io::read(terminal, &mut answer) {
            Err(Errno::INTR) => {}
            read => break read?,
        }
    };
    answer.truncate(bytes);
    let answer = String::from_utf8(answer).map_err(io::Error::other)?;
    // Ctrl-D: he would not say.
    if answer.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Secret::from(answer.trim_end_matches(['\n', '\r']).to_owned()))
}

/// Also when nobody waits for the answer any more.
impl Drop for Terminal {
    fn drop(&mut self) {
        // A terminal that is gone needs no modes.
        let _ = tcsetattr(&self.file, OptionalActions::Now, &self.modes);
        let _ = write_all(self.file.as_fd(), b"\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_machine_wants_to_have_asked_steers_no_terminal() {
        let question = Question::Prompt {
            login: "root@n1".to_owned(),
            instruction: "One-time\x1b[2J code\n".to_owned(),
            prompt: "Token:\r ".to_owned(),
            echo: true,
        };
        let asked = "(root@n1) One-time\\x1b[2J code\nToken:\\r ".to_owned();
        assert_eq!(words(&question, true), (asked, true));
    }

    #[test]
    fn passwords_are_asked_for_unseen_and_say_when_the_last_one_was_wrong() {
        let password = |again| words(&Question::Password { login: "root@n1".to_owned(), again }, true);
        assert_eq!(password(false), ("password of root@n1: ".to_owned(), false));
        assert_eq!(password(true), ("refused; password of root@n1: ".to_owned(), false));
        let passphrase = words(&Question::Passphrase { file: "/k".into(), again: true }, true);
        assert_eq!(passphrase, ("wrong; passphrase of the key /k: ".to_owned(), false));
    }
}
