//! A person at the terminal answers what connections need to know.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;

use net::Untrusted;
use net::bulk::write_all;
use node::ssh::{Answering, Answers, Hop, Question, Secret};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::io::unix::AsyncFd;

use super::floor::Floor;

/// Bytes of an answer: what a terminal takes as one line (`N_TTY_BUF_SIZE` in n_tty of the kernel).
const ANSWER_MAX: usize = 4096;

/// Asks at the terminal of this process, whatever standard input and output are. Where it has none, every question stays open.
pub(super) struct Asker {
    floor: Floor,
    /// Machines may say something before they let anybody in. Of many it would be the same, many times.
    shows_banners: bool,
}

impl Asker {
    pub(super) fn new(floor: Floor, shows_banners: bool) -> Self {
        Self { floor, shows_banners }
    }

    /// Asks, one at a time.
    pub(super) async fn question(&self, text: &str, echo: bool) -> Option<Secret> {
        let _floor = self.floor.taken().await;
        // Nobody is there, or would not say.
        Terminal::open(echo).ok()?.ask(text).await.ok()
    }
}

impl Answers for Asker {
    fn ask<'a>(&'a self, question: &'a Question) -> Answering<'a> {
        Box::pin(async move {
            let (text, echo) = words(question);
            self.question(&text, echo).await
        })
    }

    fn banner(&self, _: &Hop, text: &str) {
        if self.shows_banners {
            crate::failure::say(Untrusted::from(text.trim_end()).multiline());
        }
    }
}

/// The question as a person reads it, and whether the answer may be seen.
fn words(question: &Question) -> (String, bool) {
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
            let text = format!("{host} is not known yet. Its {kind} key is {fingerprint}.\nIs that right? (yes or no) ");
            (text, true)
        }
    }
}

/// The terminal of this process while a question is asked.
struct Terminal {
    /// Opened anew, so that nobody else's reads change their way.
    file: AsyncFd<File>,
    /// As they were before.
    modes: Termios,
}

impl Terminal {
    fn open(echo: bool) -> io::Result<Self> {
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
        let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open("/dev/tty")?;
        let modes = tcgetattr(&file)?;
        let mut quiet = modes.clone();
        quiet.local_modes.set(LocalModes::ECHO, echo);
        // What was typed before the question is no answer to it.
        tcsetattr(&file, OptionalActions::Flush, &quiet)?;
        Ok(Self { file: AsyncFd::new(file)?, modes })
    }

    async fn ask(self, text: &str) -> io::Result<Secret> {
        write_all(self.file.get_ref().as_fd(), text.as_bytes())?;
        let mut answer = vec![0; ANSWER_MAX];
        let read = |file: &AsyncFd<File>, answer: &mut [u8]| rustix::io::read(file.get_ref(), answer);
        let bytes = loop {
            let mut ready = self.file.readable().await?;
            match read(&self.file, &mut answer) {
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(Errno::INTR) => {}
                done => break done?,
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
}

/// Also when nobody waits for the answer any more.
impl Drop for Terminal {
    fn drop(&mut self) {
        let file = self.file.get_ref();
        // A terminal that is gone needs no modes.
        let _ = tcsetattr(file, OptionalActions::Now, &self.modes);
        let _ = write_all(file.as_fd(), b"\n");
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
        assert_eq!(words(&question), (asked, true));
    }

    #[test]
    fn passwords_are_asked_for_unseen_and_say_when_the_last_one_was_wrong() {
        let password = |again| words(&Question::Password { login: "root@n1".to_owned(), again });
        assert_eq!(password(false), ("password of root@n1: ".to_owned(), false));
        assert_eq!(password(true), ("refused; password of root@n1: ".to_owned(), false));
        let passphrase = words(&Question::Passphrase { file: "/k".into(), again: true });
        assert_eq!(passphrase, ("wrong; passphrase of the key /k: ".to_owned(), false));
    }
}
