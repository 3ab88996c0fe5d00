//! What a line says of the hosts it counts for.

use std::time::Duration;

use super::expand::{self, Template};
use super::note::{Note, Place};
use super::other::Unfollowed;
use super::pattern::Patterns;
use super::syntax::Line;
use super::value::{self, Reason, is_none};
use super::{Proxy, StrictHostKeyChecking};
use crate::algorithms::{Chosen, Kind};

/// A keyword with its value.
#[derive(Clone, Debug)]
pub(super) enum Setting {
    /// With its `%h` and `%%`.
    HostName(String),
    User(String),
    Port(u16),
    /// Its jumps with their tokens.
    Proxy(Proxy),
    /// `ProxyJump none`: no jumps after all. As of OpenSSH 10.3 it leaves a `ProxyCommand` below it alone.
    NoJumps,
    Identity(Identity),
    IdentitiesOnly(bool),
    /// `none`, `SSH_AUTH_SOCK`, `$VARIABLE`, or a file.
    IdentityAgent(Template),
    Certificate(Template),
    UserKnownHosts(Vec<Template>),
    GlobalKnownHosts(Vec<Template>),
    Strict(StrictHostKeyChecking),
    HashKnownHosts(bool),
    HostKeyAlias(String),
    RevokedHostKeys(Template),
    /// With a note of those that are not known here.
    Algorithms(Kind, Chosen, Option<Note>),
    ConnectTimeout(Option<Duration>),
    AliveInterval(Option<Duration>),
    AliveCountMax(u32),
    /// Names, and with a `-` before it what is not to be sent after all.
    SendEnv(Vec<String>, Place),
    SetEnv(Vec<(String, String)>),
    BatchMode(bool),
    PublicKey(bool),
    Password(bool),
    KeyboardInteractive(bool),
    /// Ways to log in, with commas between.
    Preferred(String),
    IgnoreUnknown(Patterns),
    /// A keyword that is not followed; with a note if something is missed by that.
    Other(&'static str, Option<Note>),
    /// No keyword of ssh. In lower case.
    Unknown(String, Note),
}

/// `IdentityFile`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) file: Template,
    /// By the user, not by the administrator of this machine.
    pub(super) named: bool,
}

impl Setting {
    /// What a line says that is none of `Host`, `Match` and `Include`; nothing if it says that nothing is set. `named`: the
    /// user says it.
    ///
    /// # Errors
    /// With what is wrong.
    pub(super) fn of(line: &Line<'_>, place: &Place, named: bool) -> Result<Option<Self>, Reason> {
        let file = |text: String| {
            expand::FILE.check_file(&text)?;
            Ok::<_, Reason>(Template { text, place: place.clone() })
        };
        let yes_or_no = || value::yes_or_no(&line.argument()?);
        Ok(Some(match line.keyword.as_str() {
            "hostname" => {
                let name = line.argument()?;
                expand::HOST_NAME.check(&name)?;
                Self::HostName(name)
            }
            "user" => Self::User(line.argument()?),
            "port" => Self::Port(value::port(&line.argument()?)?),
            "proxyjump" => match line.argument()? {
                none if is_none(&none) => Self::NoJumps,
                jumps => Self::Proxy(Proxy::Jumps(value::jumps(&jumps)?)),
            },
            "proxycommand" => Self::Proxy(match line.arguments()?.as_slice() {
                [word] if is_none(word) => Proxy::Direct,
                _ => Proxy::Command(place.clone()),
            }),
            "identityfile" | "identityfile2" => {
                Self::Identity(Identity { file: file(line.argument()?)?, named })
            }
            "identitiesonly" => Self::IdentitiesOnly(yes_or_no()?),
            "identityagent" => Self::IdentityAgent(file(line.argument()?)?),
            "certificatefile" => Self::Certificate(file(line.argument()?)?),
            "userknownhostsfile" => {
                Self::UserKnownHosts(files(line)?.into_iter().map(file).collect::<Result<_, _>>()?)
            }
            "globalknownhostsfile" => {
                let plain = |text: String| {
                    expand::PLAIN_FILE.check_file(&text)?;
                    Ok::<_, Reason>(Template { text, place: place.clone() })
                };
                Self::GlobalKnownHosts(files(line)?.into_iter().map(plain).collect::<Result<_, _>>()?)
            }
            "stricthostkeychecking" => Self::Strict(value::strict(&line.argument()?)?),
            "hashknownhosts" => Self::HashKnownHosts(yes_or_no()?),
            "revokedhostkeys" => Self::RevokedHostKeys(file(line.argument()?)?),
            "hostkeyalias" => Self::HostKeyAlias(line.argument()?),
            // In ssh `none` is the mark of a time that is not set yet: a later line sets it.
            "connecttimeout" | "serveraliveinterval" if is_none(&line.argument()?) => return Ok(None),
            "connecttimeout" => Self::ConnectTimeout(value::time(&line.argument()?)?),
            "serveraliveinterval" => Self::AliveInterval(value::time(&line.argument()?)?),
            "serveralivecountmax" => Self::AliveCountMax(value::count(&line.argument()?)?),
            "sendenv" => Self::SendEnv(sent(line.arguments()?)?, place.clone()),
            "setenv" => Self::SetEnv(set(&line.arguments()?)?),
            "batchmode" => Self::BatchMode(yes_or_no()?),
            "pubkeyauthentication" | "dsaauthentication" => {
                Self::PublicKey(value::public_key(&line.argument()?)?)
            }
            "passwordauthentication" => Self::Password(yes_or_no()?),
            "kbdinteractiveauthentication"
            | "challengeresponseauthentication"
            | "skeyauthentication"
            | "tisauthentication" => Self::KeyboardInteractive(yes_or_no()?),
            "preferredauthentications" => Self::Preferred(line.argument()?),
            "ignoreunknown" => {
                Self::IgnoreUnknown(Patterns::new(line.argument()?.to_ascii_lowercase().split(',')))
            }
            other => match Kind::of(other) {
                Some(kind) => Self::algorithms(kind, line, place)?,
                None => return Self::other(other, line, place).map(Some),
            },
        }))
    }

    fn algorithms(kind: Kind, line: &Line<'_>, place: &Place) -> Result<Self, Reason> {
        let chosen = kind.choose(&line.argument()?);
        let note = || {
            let reason = format!("not known here: {}", chosen.unknown.join(", "));
            Note::on_line(place, line.text, reason)
        };
        let note = (!chosen.unknown.is_empty()).then(note);
        Ok(Self::Algorithms(kind, chosen, note))
    }

    fn other(keyword: &str, line: &Line<'_>, place: &Place) -> Result<Self, Reason> {
        let Some(other) = Unfollowed::find(keyword) else {
            let note = Note::on_line(place, line.text, "ssh has no such keyword, and would end here");
            return Ok(Self::Unknown(keyword.to_owned(), note));
        };
        let missed = other.is_missed(&line.arguments().unwrap_or_default().join(" "));
        let note = || Note::on_line(place, line.text, "this keyword is not followed here");
        Ok(Self::Other(other.keyword, missed.then(note)))
    }
}

/// Names of files; none if the only one is `none`.
fn files(line: &Line<'_>) -> Result<Vec<String>, Reason> {
    let files = line.arguments()?;
    match files.as_slice() {
        [file] if is_none(file) => Ok(Vec::new()),
        _ if files.iter().any(|file| is_none(file)) => Err("\"none\" stands alone".to_owned()),
        _ => Ok(files),
    }
}

fn sent(names: Vec<String>) -> Result<Vec<String>, Reason> {
    match names.iter().find(|name| name.contains('=')) {
        Some(name) => Err(format!("{name} is not the name of a variable")),
        None => Ok(names),
    }
}

fn set(words: &[String]) -> Result<Vec<(String, String)>, Reason> {
    let pair = |word: &String| {
        let (name, value) = word.split_once('=').ok_or_else(|| format!("{word} has no value: NAME=VALUE"))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    words.iter().map(pair).collect()
}
