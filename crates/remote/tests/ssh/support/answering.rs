//! Who answers questions, and remembers which.

use std::sync::{Mutex, PoisonError};

use remote::ask::{Answering, Answers, Question};
use remote::{Hop, Secret};

/// Gives the same answers in turn, the last one for ever.
#[derive(Default)]
pub(crate) struct Answerer {
    answers: Mutex<Vec<&'static str>>,
    heard: Mutex<Vec<String>>,
}

impl Answerer {
    pub(crate) fn new(answers: &[&'static str]) -> Self {
        Self { answers: Mutex::new(answers.to_vec()), heard: Mutex::default() }
    }

    /// What was asked, told and noted so far.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hear(&self, words: String) {
        self.heard.lock().unwrap().push(words);
    }
}

impl Answers for Answerer {
    fn ask<'a>(&'a self, question: &'a Question) -> Answering<'a> {
        self.hear(match question {
            Question::Passphrase { file, .. } => format!("passphrase of {}", file.display()),
            Question::Password { login, again } => format!("password of {login}, again: {again}"),
            Question::Prompt { prompt, echo, .. } => format!("{prompt}, echo: {echo}"),
            Question::NewKey { kind, .. } => format!("new {kind} key"),
        });
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { Some(answers.remove(0)) } else { answers.first().copied() };
        Box::pin(std::future::ready(answer.map(|answer| Secret::from(answer.to_owned()))))
    }

    fn banner(&self, _: &Hop, text: &str) {
        self.hear(text.to_owned());
    }

    fn note(&self, _: &Hop, text: &str) {
        self.hear(text.to_owned());
    }
}
