//! What the tests of whom to trust and what to show have in common: OpenSSH's own programs, and persons who answer.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use crate::algorithms::Algorithms;
use crate::ask::{Answering, Answers, Question, Secret};
use crate::config::{Settings, StrictHostKeyChecking};
use crate::machine::Hop;

/// Runs ssh-keygen in a folder; what it printed. It may fail only where it looks for what is not there.
#[track_caller]
pub(crate) fn keygen(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("ssh-keygen").args(arguments).current_dir(folder).output().unwrap();
    let looks = arguments.contains(&"-F");
    assert!(
        output.status.success() || looks,
        "ssh-keygen {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Makes a key in a file of this name.
#[track_caller]
pub(crate) fn make_key(folder: &Path, name: &str, kind: &[&str]) {
    let arguments = [&["-q", "-N", "", "-C", name, "-f", name, "-t"], kind].concat();
    keygen(folder, &arguments);
}

/// Like ssh's, with nothing to show and nobody to trust.
pub(crate) fn settings() -> Settings {
    Settings {
        identity_files: Vec::new(),
        identities_only: false,
        agent: None,
        certificate_files: Vec::new(),
        user_known_hosts: Vec::new(),
        global_known_hosts: Vec::new(),
        strict: StrictHostKeyChecking::Ask,
        hash_known_hosts: false,
        host_key_alias: None,
        revoked_host_keys: None,
        algorithms: Algorithms::default(),
        connect_timeout: None,
        alive_interval: None,
        alive_count_max: 3,
        env: Vec::new(),
        ask: true,
        public_key: true,
        password: true,
        keyboard_interactive: true,
    }
}

/// A hop to this host.
pub(crate) fn hop(host: &str, port: u16, settings: Settings) -> Hop {
    Hop { user: "anna".to_owned(), host: host.to_owned(), port, settings: Arc::new(settings) }
}

/// Says these answers, one after the other, then nothing more; and keeps what was asked.
#[derive(Default)]
pub(crate) struct Person {
    answers: Mutex<Vec<String>>,
    asked: Mutex<Vec<Question>>,
}

impl Person {
    pub(crate) fn who_says(answers: &[&str]) -> Arc<Self> {
        let answers = answers.iter().rev().map(|answer| (*answer).to_owned()).collect();
        Arc::new(Self { answers: Mutex::new(answers), asked: Mutex::default() })
    }

    pub(crate) fn asked(&self) -> Vec<Question> {
        self.asked.lock().unwrap().clone()
    }
}

impl Answers for Person {
    fn ask<'a>(&'a self, question: &'a Question) -> Answering<'a> {
        Box::pin(async move {
            // Whoever else wants to know has its turn in the meantime.
            tokio::task::yield_now().await;
            self.asked.lock().unwrap().push(question.clone());
            self.answers.lock().unwrap().pop().map(Secret::from)
        })
    }

    fn banner(&self, _: &Hop, _: &str) {}
}
