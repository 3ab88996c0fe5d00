//! Logging in (RFC 4252): keys first, then what the server wants to have asked, then a password; as far as the server lets
//! us, and on with the others when one of them was only a part.

use std::collections::VecDeque;

use russh::client::{AuthResult, KeyboardInteractiveAuthResponse as Reply, Prompt};
use russh::{MethodKind, MethodSet};

use super::Client;
use super::connection::Connection;
use crate::config::Settings;
use crate::identity::{Candidate, ShowError, Tries};
use crate::outcome::ConnectError;
use crate::transport::Doing;

/// Rounds of questions (RFC 4256 section 3.2) in one login. A person has typed a password and a code in two; a server could
/// go on for ever.
const MAX_ROUNDS: usize = 20;

/// In this order, as far as the server takes them.
const METHODS: [MethodKind; 3] =
    [MethodKind::PublicKey, MethodKind::KeyboardInteractive, MethodKind::Password];

/// What sshd says when a client has shown more than `MaxAuthTries` keys.
const TOO_MANY: &str = "Too many authentication failures";

/// What is under way.
pub(super) const LOGGING_IN: &str = "logging in";

/// A server that wants the password changed says so (RFC 4252 section 8) in a message that russh takes no notice of: then there is
/// no answer at all.
const PASSWORD_GIVEN: &str = "logging in: it has the password and says neither yes nor no; it may have expired: ssh can change it there";

/// A login under way.
struct Login<'a> {
    connection: &'a mut Connection,
    doing: &'a Doing,
    user: String,
    keys: VecDeque<Candidate>,
    tries: Tries,
    /// What the server would take next.
    open: MethodSet,
    /// What there is nothing more to try by.
    done: Vec<MethodKind>,
    rounds: usize,
    /// What was tried, in words.
    tried: Vec<String>,
}

impl Client {
    /// Logs in. `keys_only`: nothing that a person types may be sent there.
    pub(super) async fn log_in(
        &self,
        connection: &mut Connection,
        keys_only: bool,
        doing: &Doing,
    ) -> Result<(), ConnectError> {
        let hop = connection.hop.clone();
        let candidates = self.keyring.candidates(&hop.settings).await;
        let mut login = Login {
            connection,
            doing,
            keys: candidates.keys.into(),
            tries: self.keyring.tries(&hop),
            open: MethodSet::from([MethodKind::PublicKey].as_slice()),
            done: METHODS
                .into_iter()
                .filter(|method| !is_allowed(*method, &hop.settings, keys_only))
                .collect(),
            rounds: 0,
            tried: Vec::new(),
            user: hop.user,
        };
        if login.run().await? {
            return Ok(());
        }
        login.tried.extend(candidates.notes);
        Err(login.denied())
    }
}

fn is_allowed(method: MethodKind, settings: &Settings, keys_only: bool) -> bool {
    let may_ask = settings.ask && !keys_only;
    match method {
        MethodKind::PublicKey => settings.public_key,
        MethodKind::KeyboardInteractive => settings.keyboard_interactive && may_ask,
        _ => settings.password && may_ask,
    }
}

impl Login<'_> {
    /// Whether we are in, in the end.
    async fn run(&mut self) -> Result<bool, ConnectError> {
        if self.keys.is_empty() || self.done.contains(&MethodKind::PublicKey) {
            // Nothing else says what the server would take.
            let answer = self.connection.handle.authenticate_none(&self.user).await;
            if self.heed(answer).await? {
                return Ok(true);
            }
        }
        loop {
            let open = |method: &MethodKind| self.open.contains(method) && !self.done.contains(method);
            let Some(method) = METHODS.into_iter().find(open) else { return Ok(false) };
            let answer = match method {
                MethodKind::PublicKey => self.show_key().await?,
                MethodKind::KeyboardInteractive => self.answer_questions().await?,
                _ => self.give_password().await?,
            };
            let Some(answer) = answer else {
                self.done.push(method);
                continue;
            };
            if self.heed(Ok(answer)).await? {
                return Ok(true);
            }
        }
    }

    async fn show_key(&mut self) -> Result<Option<AuthResult>, ConnectError> {
        while let Some(key) = self.keys.pop_front() {
            match key.show(&mut self.connection.handle, &self.user).await {
                Ok(answer) => {
                    self.tried.push(key.to_string());
                    return Ok(Some(answer));
                }
                Err(ShowError::Gone(_)) => return Err(self.hung_up().await),
                Err(error) => self.tried.push(format!("{key}: {error}")),
            }
        }
        Ok(None)
    }

    async fn give_password(&mut self) -> Result<Option<AuthResult>, ConnectError> {
        let Some(password) = self.tries.password().await else { return Ok(None) };
        self.tried.push("a password".to_owned());
        self.doing.begin(&self.connection.hop, PASSWORD_GIVEN);
        let answer = self.connection.handle.authenticate_password(&self.user, password.expose()).await;
        self.doing.begin(&self.connection.hop, LOGGING_IN);
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(_) => Err(self.hung_up().await),
        }
    }

    /// One dialogue; nothing, when the server asks nothing or nobody answers.
    async fn answer_questions(&mut self) -> Result<Option<AuthResult>, ConnectError> {
        let mut answered = false;
        let mut reply =
            self.connection.handle.authenticate_keyboard_interactive_start(&self.user, None).await;
        loop {
            match reply {
                Ok(Reply::Success) => return Ok(Some(AuthResult::Success)),
                Ok(Reply::Failure { remaining_methods, partial_success }) if answered || partial_success => {
                    return Ok(Some(AuthResult::Failure { remaining_methods, partial_success }));
                }
                Ok(Reply::Failure { .. }) => return Ok(None),
                Ok(Reply::InfoRequest { instructions, prompts, .. }) => {
                    let answers = self.answers(&instructions, &prompts).await;
                    answered = answers.is_some();
                    // russh goes on only with an answer; without any, the server refuses.
                    let answers = answers.unwrap_or_default();
                    let handle = &mut self.connection.handle;
                    reply = handle.authenticate_keyboard_interactive_respond(answers).await;
                }
                Err(_) => return Err(self.hung_up().await),
            }
        }
    }

    async fn answers(&mut self, instructions: &str, prompts: &[Prompt]) -> Option<Vec<String>> {
        self.rounds += 1;
        if self.rounds > MAX_ROUNDS {
            return None;
        }
        let mut answers = Vec::new();
        for Prompt { prompt, echo } in prompts {
            let answer = self.tries.prompt(instructions, prompt, *echo).await?;
            answers.push(answer.expose().to_owned());
        }
        if !prompts.is_empty() {
            self.tried.push("answers to its questions".to_owned());
        }
        Some(answers)
    }

    /// Whether an answer lets us in; if not, what else would.
    async fn heed(&mut self, answer: Result<AuthResult, russh::Error>) -> Result<bool, ConnectError> {
        match answer {
            Ok(AuthResult::Success) => Ok(true),
            // Nobody has nothing at all that he would take: this is how russh tells the end of the connection.
            Ok(AuthResult::Failure { remaining_methods, .. }) if remaining_methods.is_empty() => {
                Err(self.hung_up().await)
            }
            Ok(AuthResult::Failure { remaining_methods, .. }) => {
                self.open = remaining_methods;
                Ok(false)
            }
            Err(_) => Err(self.hung_up().await),
        }
    }

    /// The error of a connection that has ended.
    async fn hung_up(&mut self) -> ConnectError {
        let _ = (&mut self.connection.handle).await;
        let Some(words) = self.connection.last_words.heard() else { return self.denied() };
        if words.contains(TOO_MANY) {
            self.tried.push(
                "it hung up after so many; name the right key with IdentityFile, and say IdentitiesOnly yes"
                    .to_owned(),
            );
            return self.denied();
        }
        ConnectError::Handshake(format!("while we logged in, {words}"))
    }

    fn denied(&self) -> ConnectError {
        let open: Vec<&str> = self.open.iter().map(Into::into).collect();
        let tried = if self.tried.is_empty() { "no key to show".to_owned() } else { self.tried.join(", ") };
        ConnectError::Denied { tried: format!("{}; tried: {tried}", open.join(",")) }
    }
}
