//! `book add` and `book remove`: the book changed from the command line.

use anyhow::{Context as _, anyhow};
use net::charset::Charset;
use net::frame::Framing;
use node::book::{
    ChatLine, Draft, Each, EditError, Force, Login, Name, Record, SocketLine, SshLine, Via, edit,
};
use node::home::Home;
use serde::Serialize;

use crate::cli::{AddFlags, RemoveFlags};
use crate::failure::{Failure, Outcome};
use crate::stdout;

/// What was done, to which name or `@group`.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    Added(String),
    Removed(String),
}

/// Adds a name, lines to a name, or members to a group.
pub(super) fn add(flags: AddFlags, json: bool) -> Outcome {
    let home = super::home()?;
    let force = if flags.replace { Force::Yes } else { Force::No };
    if let Some(group) = flags.name.strip_prefix('@') {
        let group: Name = group.parse().map_err(Failure::usage)?;
        let members = only_members(&flags).map_err(Failure::usage)?;
        change(&home, |draft| join(draft, &group, members, force))?;
    } else {
        let record = record(&flags).map_err(Failure::usage)?;
        let groups = flags.group.iter().map(|group| group.strip_prefix('@').unwrap_or(group).parse());
        let groups = groups.collect::<Result<Vec<Name>, _>>().context("--group").map_err(Failure::usage)?;
        change(&home, |draft| {
            draft.add(&record, force)?;
            groups.iter().try_for_each(|group| join(draft, group, &flags.name, Force::No))
        })?;
    }
    tell([Change::Added(flags.name)], json)
}

/// Takes names and groups out of the book: all of them, or none.
pub(super) fn remove(flags: RemoveFlags, json: bool) -> Outcome {
    let home = super::home()?;
    let force = if flags.force { Force::Yes } else { Force::No };
    change(&home, |draft| {
        flags.names.iter().try_for_each(|name| match name.strip_prefix('@') {
            Some(group) => draft.remove_group(group),
            None => draft.remove(name, force),
        })
    })?;
    tell(flags.names.into_iter().map(Change::Removed), json)
}

fn change(home: &Home, change: impl FnOnce(&mut Draft) -> Result<(), EditError>) -> Result<(), Failure> {
    edit(&home.book(), change).map_err(|error| {
        let hint = match &error {
            EditError::Exists { .. } => Some("--replace puts the new one in its place"),
            EditError::Mentioned { .. } => Some("--force removes it all the same"),
            _ => None,
        };
        let failure = Failure::from(anyhow!(error));
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })
}

/// Puts names into a group: beside those that are there, or, forced, in their place.
fn join(draft: &mut Draft, group: &Name, members: &str, force: Force) -> Result<(), EditError> {
    let written =
        draft.book().groups().iter().find(|known| known.name == *group).map(|known| known.members.clone());
    let members = match written.filter(|_| force == Force::No) {
        Some(written) if written.trim().is_empty() => members.to_owned(),
        Some(written) => {
            if let (Ok(new), Ok(old)) = (draft.book().select(members), draft.book().select(&written))
                && new.difference(&old).is_empty()
            {
                return Ok(());
            }
            format!("{written},{members}")
        }
        None => members.to_owned(),
    };
    draft.add_group(group, &members, Force::Yes)
}

/// A group has members and nothing else.
fn only_members(flags: &AddFlags) -> anyhow::Result<&str> {
    let lines = [&flags.socket, &flags.ssh, &flags.chat, &flags.charset, &flags.seat, &flags.note];
    if lines.iter().any(|line| line.is_some()) || !flags.group.is_empty() {
        return Err(anyhow!("{} is a group: a group has members and no lines of its own", flags.name));
    }
    flags.members.as_deref().ok_or_else(|| {
        anyhow!("{0} needs members: write them behind, as in: book add {0} 'n[01-40]'", flags.name)
    })
}

/// The entry that the flags describe.
fn record(flags: &AddFlags) -> anyhow::Result<Record> {
    if let Some(members) = &flags.members {
        return Err(anyhow!("only a @group has members: write --socket, --ssh or --chat before {members}"));
    }
    let mut record = Record::new(&flags.name)?;
    let names = record.names().clone();
    let charset = flags.charset.as_deref().map(Charset::parse).transpose()?;
    if let Some(text) = &flags.socket {
        let framing = flags.frame.as_deref().map(|frame| Framing::parse(frame, flags.length_field));
        let at = Each::parse(text, &names).context("--socket")?;
        record.socket = Some(SocketLine { at, framing: framing.transpose().context("--frame")? });
    }
    if let Some(text) = &flags.ssh {
        let via = flags.via.iter().flat_map(|via| via.split(',')).map(|via| via.trim().parse::<Via>());
        let via = via.collect::<Result<_, _>>().context("--via")?;
        let at = Each::<Login>::parse(text, &names).context("--ssh")?;
        record.ssh = Some(SshLine { at, charset, via });
    }
    if let Some(text) = &flags.chat {
        let key = flags.key.as_deref().map(str::parse).transpose().context("--key")?;
        record.chat = Some(ChatLine { at: Each::parse(text, &names).context("--chat")?, charset, key });
    }
    if charset.is_some() && record.ssh.is_none() && record.chat.is_none() {
        return Err(anyhow!("--charset is for an ssh or a chat line: write one of them, too"));
    }
    record.seat =
        flags.seat.as_deref().map(|seat| Each::parse(seat, &names)).transpose().context("--seat")?;
    record.note.clone_from(&flags.note);
    if (&record.socket, &record.ssh, &record.chat, &record.seat, &record.note)
        == (&None, &None, &None, &None, &None)
    {
        return Err(anyhow!("{} needs a line: write --socket, --ssh or --chat, or a --note", flags.name));
    }
    Ok(record)
}

fn tell(changes: impl IntoIterator<Item = Change>, json: bool) -> Outcome {
    if json {
        return stdout::print_json(changes);
    }
    let said = changes.into_iter().map(|change| match change {
        Change::Added(name) => format!("added {name}\n"),
        Change::Removed(name) => format!("removed {name}\n"),
    });
    stdout::print(said.collect::<String>())
}
