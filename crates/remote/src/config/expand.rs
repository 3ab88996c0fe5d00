//! `~`, `%`-tokens and `${VARIABLES}` in what ssh_config(5) says.

use std::ffi::OsString;
use std::path::PathBuf;

use aws_lc_rs::digest;

use super::Here;
use super::note::{Note, Place};
use super::value::Reason;

/// What can stand in a value, and is something else when a connection is made.
#[derive(Debug)]
pub(super) struct Syntax {
    /// How a person calls the value.
    name: &'static str,
    /// Letters that may follow a `%`, beside another `%`. Where there are none, `%` is only itself.
    tokens: &'static str,
    /// `${NAME}` is a variable of the environment.
    variables: bool,
}

pub(super) const HOST_NAME: Syntax = Syntax { name: "a HostName", tokens: "h", variables: false };

pub(super) const PROXY_JUMP: Syntax = Syntax { name: "a ProxyJump", tokens: "hnpr", variables: false };

pub(super) const FILE: Syntax =
    Syntax { name: "the name of a file", tokens: "CdhijkLlnpru", variables: true };

/// For `GlobalKnownHostsFile`.
pub(super) const PLAIN_FILE: Syntax = Syntax { name: "the name of a file", tokens: "", variables: false };

/// The name of a file as somebody wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) text: String,
    pub(super) place: Place,
}

/// What the tokens stand for.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    pub(super) here: &'a Here,
    /// `%h`: where the connection goes.
    pub(super) host: &'a str,
    /// `%n`: the name that was asked for.
    pub(super) name: &'a str,
    /// `%k`: under which name the host's key is kept.
    pub(super) key_alias: &'a str,
    /// `%j`: the last machine on the way.
    pub(super) jump: &'a str,
    /// `%r`.
    pub(super) user: &'a str,
    /// `%p`.
    pub(super) port: u16,
}

impl Syntax {
    /// Fails where [`Tokens::text`] would, whatever the tokens stand for.
    pub(super) fn check(&self, text: &str) -> Result<(), Reason> {
        self.fill(text, |_| Ok(OsString::new())).map(drop)
    }

    /// The same for a file, which may begin with `~/`.
    pub(super) fn check_file(&self, text: &str) -> Result<(), Reason> {
        match text.strip_prefix('~') {
            Some(rest) if !rest.is_empty() && !rest.starts_with('/') => {
                Err("of ~ only your own, ~/, is known here: write the whole path".to_owned())
            }
            _ => self.check(text),
        }
    }

    /// The text with its holes filled.
    fn fill(
        &self,
        text: &str,
        with: impl Fn(Hole<'_>) -> Result<OsString, Reason>,
    ) -> Result<OsString, Reason> {
        let mut filled = OsString::new();
        let mut rest = text;
        while let Some(at) = rest.find(['%', '$']) {
            let (before, after) = rest.split_at(at);
            filled.push(before);
            if !self.tokens.is_empty()
                && let Some(after) = after.strip_prefix('%')
            {
                let token =
                    after.chars().next().filter(|token| *token == '%' || self.tokens.contains(*token));
                let token = token.ok_or_else(|| self.allowed())?;
                filled.push(if token == '%' { "%".into() } else { with(Hole::Token(token))? });
                rest = &after[1..];
            } else if self.variables
                && let Some(after) = after.strip_prefix("${")
            {
                let (name, after) = after.split_once('}').ok_or("a ${ is not closed")?;
                filled.push(with(Hole::Variable(name))?);
                rest = after;
            } else {
                filled.push(&after[..1]);
                rest = &after[1..];
            }
        }
        filled.push(rest);
        Ok(filled)
    }

    fn allowed(&self) -> Reason {
        let tokens: Vec<_> = self.tokens.chars().map(|token| format!("%{token}")).collect();
        format!("only {} and %% can stand in {}", tokens.join(", "), self.name)
    }
}

/// Something to be filled in.
enum Hole<'a> {
    /// The letter of a `%`-token.
    Token(char),
    /// The name of a variable.
    Variable(&'a str),
}

impl Tokens<'_> {
    pub(super) fn file(&self, syntax: &Syntax, template: &Template) -> Result<PathBuf, Note> {
        let Template { text, place } = template;
        let filled =
            |text| self.text(syntax, text).map_err(|reason| Note::on_line(place, &template.text, reason));
        match text.strip_prefix('~') {
            Some(rest) => Ok(self.here.home.join(filled(rest.trim_start_matches('/'))?)),
            None => filled(text).map(PathBuf::from),
        }
    }

    pub(super) fn text(&self, syntax: &Syntax, text: &str) -> Result<OsString, Reason> {
        syntax.fill(text, |hole| match hole {
            Hole::Token(token) => self.token(token),
            Hole::Variable(name) => match self.here.env.get(name) {
                Some(value) => Ok(value.into()),
                None => Err(format!("the variable {name} is not set")),
            },
        })
    }

    fn token(&self, token: char) -> Result<OsString, Reason> {
        let Here { user, uid, home, host_name, .. } = self.here;
        Ok(match token {
            'C' => self.digest().into(),
            'd' => home.into(),
            'h' => self.host.into(),
            'i' => uid.to_string().into(),
            'j' => self.jump.into(),
            'k' => self.key_alias.into(),
            'L' => host_name.split('.').next().unwrap_or_default().into(),
            'l' => host_name.into(),
            'n' => self.name.into(),
            'p' => self.port.to_string().into(),
            'r' => self.user.into(),
            'u' => user.into(),
            _ => return Err(format!("%{token} stands for nothing")),
        })
    }

    /// Short and the same for the same connection: SHA-1 of `%l%h%p%r%j`, in hexadecimal digits; before OpenSSH 9.6 without
    /// `%j`.
    fn digest(&self) -> String {
        let Self { here, host, port, user, jump, .. } = self;
        let text = format!("{}{host}{port}{user}{jump}", here.host_name);
        let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
