//! What only a person can answer.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::watch;

use crate::machine::Hop;

/// An answer that must not be shown. Overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(zeroize::Zeroizing<String>);

impl Secret {
    /// What the person typed.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What a connection needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The passphrase of a key; `again`: the last one was wrong.
    Passphrase {
        /// The file of the key.
        file: PathBuf,
        /// This is not the first time.
        again: bool,
    },
    /// A password of `user`, for whatever machine asks first; `again`: the last one was refused.
    Password {
        /// `user@host`.
        login: String,
        /// This is not the first time.
        again: bool,
    },
    /// What a machine wants to have asked (RFC 4256), its text unfiltered.
    Prompt {
        /// `user@host`.
        login: String,
        /// What came before the prompt; may be empty.
        instruction: String,
        /// The machine's own words.
        prompt: String,
        /// Whether the answer may be seen.
        echo: bool,
    },
    /// Whether a machine that is not known yet is the right one. The answer is `yes`; or `all`: so is every other one, and
    /// nobody need ask again; or anything else.
    NewKey {
        /// `host`, or `[host]:port`.
        host: String,
        /// `ED25519` and the like.
        kind: String,
        /// `SHA256:...`.
        fingerprint: String,
    },
}

/// An answer under way. `None`: nobody can be asked, or he would not say.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Option<Secret>> + Send + 'a>>;

/// Answers questions: a person at a terminal, or nobody. Implementations ask one question at a time.
pub trait Answers: Send + Sync {
    /// Asks.
    fn ask<'a>(&'a self, question: &'a Question) -> Answering<'a>;

    /// A machine has something to say before it lets anybody in (RFC 4252 section 5.4). Its text is unfiltered.
    fn banner(&self, from: &Hop, text: &str);

    /// Something about a connection that goes on all the same: a key was added, a certificate was not taken.
    fn note(&self, about: &Hop, text: &str) {
        let _ = (about, text);
    }
}

/// Has questions answered by somebody else, and knows how many are open.
pub struct Asking {
    answers: Arc<dyn Answers>,
    open: watch::Sender<usize>,
}

impl Asking {
    /// With nothing asked yet.
    #[must_use]
    pub fn new(answers: Arc<dyn Answers>) -> Self {
        Self { answers, open: watch::Sender::new(0) }
    }

    /// How many questions are open, now and later.
    #[must_use]
    pub fn open(&self) -> watch::Receiver<usize> {
        self.open.subscribe()
    }
}

impl Answers for Asking {
    fn ask<'a>(&'a self, question: &'a Question) -> Answering<'a> {
        Box::pin(async move {
            let _open = Open::new(&self.open);
            self.answers.ask(question).await
        })
    }

    fn banner(&self, from: &Hop, text: &str) {
        self.answers.banner(from, text);
    }

    fn note(&self, about: &Hop, text: &str) {
        self.answers.note(about, text);
    }
}

/// A question is open as long as this is there; whoever asked may lose patience.
struct Open<'a>(&'a watch::Sender<usize>);

impl<'a> Open<'a> {
    fn new(open: &'a watch::Sender<usize>) -> Self {
        open.send_modify(|open| *open += 1);
        Self(open)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

/// Nobody is there: every question stays open, and banners are dropped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Answers for Nobody {
    fn ask<'a>(&'a self, _: &'a Question) -> Answering<'a> {
        Box::pin(std::future::ready(None))
    }

    fn banner(&self, _: &Hop, _: &str) {}
}
