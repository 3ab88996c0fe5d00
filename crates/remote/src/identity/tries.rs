//! Passwords and other answers, asked for once for all machines.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::Keyring;
use crate::ask::{Question, Secret};
use crate::machine::Hop;

/// How often a person is asked for the same thing in one run: ssh's NumberOfPasswordPrompts.
const MAX_ASKED: usize = 3;

/// The passwords and answers for one connection. Each call gives one that this machine has not refused yet: the newest that is
/// known, or else what the person says now. `None`: there is nothing more to try.
pub struct Tries {
    keyring: Keyring,
    user: String,
    login: String,
    /// Which of the answers this machine has seen.
    seen: HashMap<Subject, Vec<usize>>,
}

/// What a person is asked for: the password of a user, or what a prompt for him says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Subject {
    user: String,
    prompt: Option<String>,
}

/// What a person has said.
#[derive(Default)]
pub(super) struct Asked {
    said: Mutex<Said>,
    /// Held while he is asked.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Said {
    answers: Vec<Secret>,
    /// He would not say, or nobody is there.
    over: bool,
}

impl Tries {
    pub(super) fn new(keyring: Keyring, hop: &Hop) -> Self {
        let login = format!("{}@{}", hop.user, hop.host);
        Self { keyring, user: hop.user.clone(), login, seen: HashMap::new() }
    }

    /// The next password.
    pub async fn password(&mut self) -> Option<Secret> {
        let login = self.login.clone();
        let subject = Subject { user: self.user.clone(), prompt: None };
        self.next(subject, |again| Question::Password { login, again }).await
    }

    /// The next answer to what the machine wants to have asked (RFC 4256), in its words.
    pub async fn prompt(&mut self, instruction: &str, prompt: &str, echo: bool) -> Option<Secret> {
        let subject = Subject { user: self.user.clone(), prompt: Some(prompt.to_owned()) };
        let question = Question::Prompt {
            login: self.login.clone(),
            instruction: instruction.to_owned(),
            prompt: prompt.to_owned(),
            echo,
        };
        self.next(subject, |_| question).await
    }

    async fn next(&mut self, subject: Subject, question: impl FnOnce(bool) -> Question) -> Option<Secret> {
        let asked = self.keyring.asked(&subject);
        let seen = self.seen.entry(subject).or_default();
        if let Some(answer) = asked.newest(seen) {
            return Some(answer);
        }
        let _turn = asked.turn.lock().await;
        // Another machine may have asked in the meantime.
        if let Some(answer) = asked.newest(seen) {
            return Some(answer);
        }
        let answer = match asked.times() {
            None | Some(MAX_ASKED..) => return None,
            Some(times) => self.keyring.answers.ask(&question(times > 0)).await,
        };
        asked.note(answer);
        asked.newest(seen)
    }
}

impl Asked {
    /// The newest answer that is not among these, which it then is.
    fn newest(&self, seen: &mut Vec<usize>) -> Option<Secret> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let unseen = (0..said.answers.len()).rev().find(|index| !seen.contains(index))?;
        seen.push(unseen);
        said.answers.get(unseen).cloned()
    }

    /// How often it was asked for; `None`: no more.
    fn times(&self) -> Option<usize> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        (!said.over).then_some(said.answers.len())
    }

    fn note(&self, answer: Option<Secret>) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.over = answer.is_none();
        said.answers.extend(answer);
    }
}

/// Without the answers.
impl fmt::Debug for Tries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tries({})", self.login)
    }
}
