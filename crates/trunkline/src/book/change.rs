//! `book add` and `book remove`: the book changed from the command line.

use anyhow::{Context as _, anyhow};
use net::charset::Charset;
use net::frame::Framing;
use node::book::{
    ChatLine, Draft, Each, EditError, Force, Login, Name, NameSet, Record, SocketLine, SshLine, Via, edit,
};
use node::home::Home;
use serde::Serialize;

use crate::cli::{AddFlags, RemoveFlags};
use crate::failure::{Failure, Outcome};
use crate::stdout;

/// What was done.
#[derive(Serialize)]
#[serde(untagged)]
enum Change {
    /// To a name, or to `@` and the name of a group.
    Added {
        added: String,
    },
    Removed {
        removed: String,
    },
    /// Members are taken out of a group.
    Left {
        removed: String,
        from: String,
    },
}

/// Adds a name, lines to a name, or members to a group.
pub(super) fn add(flags: AddFlags, json: bool) -> Outcome {
    let home = super::home()?;
    let force = if flags.replace { Force::Yes } else { Force::No };
    if let Some(group) = flags.name.strip_prefix('@') {
        let group: Name = group.parse().map_err(Failure::usage)?;
        let members = only_members(&flags).map_err(Failure::usage)?;
        change(&home, |draft| join(draft, &group, &members, force))?;
    } else {
        let record = record(&flags).map_err(Failure::usage)?;
        let groups = flags.group.iter().map(|group| group.strip_prefix('@').unwrap_or(group).parse());
        let groups = groups.collect::<Result<Vec<Name>, _>>().context("--group").map_err(Failure::usage)?;
        change(&home, |draft| {
            draft.add(&record, force)?;
            groups.iter().try_for_each(|group| join(draft, group, &flags.name, Force::No))
        })?;
    }
    tell([Change::Added { added: flags.name }], json)
}

/// Takes names and groups out of the book, or members out of a group: all of them, or none.
pub(super) fn remove(flags: RemoveFlags, json: bool) -> Outcome {
    let home = super::home()?;
    let force = if flags.force { Force::Yes } else { Force::No };
    let (groups, names): (Vec<_>, Vec<_>) = flags.names.iter().partition(|name| name.starts_with('@'));
    if let (Some(group), Some(_)) = (groups.first(), names.first()) {
        // `add @GROUP MEMBERS` has a counterpart; anything else would be read one way by one and another way by others.
        if flags.names.first() != Some(*group) || groups.len() > 1 {
            return Err(Failure::usage(anyhow!("names and groups are removed one after the other"))
                .hint(format_args!("book remove {group} NAME takes a member out of {group}")));
        }
        let members = names.iter().map(|name| single(name)).collect::<Result<Vec<_>, _>>();
        let members = members.map_err(Failure::usage)?;
        change(&home, |draft| leave(draft, &group[1..], &members))??;
        let left =
            names.into_iter().map(|name| Change::Left { removed: name.clone(), from: (*group).clone() });
        return tell(left, json);
    }
    change(&home, |draft| {
        flags.names.iter().try_for_each(|name| match name.strip_prefix('@') {
            Some(group) => draft.remove_group(group),
            None => draft.remove(name, force),
        })
    })?;
    tell(flags.names.into_iter().map(|removed| Change::Removed { removed }), json)
}

fn change<T>(home: &Home, change: impl FnOnce(&mut Draft) -> Result<T, EditError>) -> Result<T, Failure> {
    let book = home.book();
    edit(&book, change).map_err(|error| super::unchanged(error, &book))
}

/// Puts names into a group: beside those that are there, or, forced, in their place.
fn join(draft: &mut Draft, group: &Name, members: &str, force: Force) -> Result<(), EditError> {
    let known = draft.book().group(group.as_str());
    let (group, written) = known
        .map_or_else(|| (group.clone(), None), |known| (known.name.clone(), Some(known.members.clone())));
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
    draft.add_group(&group, &members, Force::Yes)
}

/// A name or a range, which `-` takes out of a set as a whole.
fn single(text: &str) -> anyhow::Result<(String, NameSet)> {
    Ok((text.to_owned(), NameSet::of([text]).with_context(|| format!("'{}'", text.escape_debug()))?))
}

/// Takes members out of a group, whose expression stays as it is otherwise. Inside, why it is left as it is.
fn leave(
    draft: &mut Draft,
    group: &str,
    members: &[(String, NameSet)],
) -> Result<Result<(), Failure>, EditError> {
    let Some(group) = draft.book().group(group).cloned() else {
        // It says which group was meant.
        return draft.remove_group(group).map(Ok);
    };
    let inside = draft.book().select(&group.members).unwrap_or_default();
    let mut expression = group.members.clone();
    for (text, names) in members {
        if inside.intersection(names).is_empty() {
            return Ok(Err(anyhow!("{text} is not in @{}", group.name).into()));
        }
        expression += &format!(",-{text}");
    }
    draft.add_group(&group.name, &expression, Force::Yes).map(Ok)
}

/// A group has members and nothing else.
fn only_members(flags: &AddFlags) -> anyhow::Result<String> {
    let lines = [&flags.socket, &flags.ssh, &flags.chat, &flags.charset, &flags.seat, &flags.note];
    if lines.iter().any(|line| line.is_some()) || !flags.group.is_empty() {
        return Err(anyhow!("{} is a group: a group has members and no lines of its own", flags.name));
    }
    if flags.members.is_empty() {
        return Err(anyhow!(
            "{0} needs members: write them behind, as in: book add {0} 'n[01-40]'",
            flags.name
        ));
    }
    Ok(flags.members.join(","))
}

/// The entry that the flags describe.
fn record(flags: &AddFlags) -> anyhow::Result<Record> {
    if let Some(word) = flags.members.first() {
        return Err(anyhow!("only a @group has members: write --socket, --ssh or --chat before {word}"));
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
        Change::Added { added } => format!("added {added}\n"),
        Change::Removed { removed } => format!("removed {removed}\n"),
        Change::Left { removed, from } => format!("removed {removed} from {from}\n"),
    });
    stdout::print(said.collect::<String>())
}
