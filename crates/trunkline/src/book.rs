//! `book`: the names of this network, shown and changed.

mod card;
mod change;
mod import;
mod list;
mod show;
mod table;

use std::env;
use std::path::Path;

use anyhow::anyhow;
use net::Untrusted;
use node::book::source::{hosts, ssh_config};
use node::book::{Book, BookError, EditError, Entry, Group, NameSet, Note};
use node::home::Home;

use card::GroupCard;

use crate::cli::{BookFlags, BookJob, ListFlags};
use crate::failure::{Failure, Outcome};

/// Does one job on the book; without a word it is listed.
pub(crate) fn run(flags: BookFlags) -> Outcome {
    let json = flags.json;
    match flags.job.unwrap_or(BookJob::List(ListFlags::default())) {
        BookJob::List(flags) => list::run(&flags, json),
        BookJob::Show(flags) => show::run(&flags, json),
        BookJob::Add(flags) => change::add(*flags, json),
        BookJob::Remove(flags) => change::remove(flags, json),
        BookJob::Import(flags) => import::run(&flags, json),
    }
}

fn home() -> Result<Home, Failure> {
    Home::of_this_user().map_err(Failure::usage)
}

/// The book of whoever runs this program.
pub(crate) fn own_book() -> Result<Book, Failure> {
    own(&home()?)
}

/// The book alone.
fn own(home: &Home) -> Result<Book, Failure> {
    Book::load(&home.book()).map_err(unusable)
}

/// Why a book cannot be used: a setting is wrong.
fn unusable(error: BookError) -> Failure {
    let hint = matches!(error, BookError::Read { .. }).then_some(ELSEWHERE);
    hint.into_iter().fold(Failure::usage(error), Failure::hint)
}

/// Why the book at this path stays as it is, and what can be done about it.
fn unchanged(error: EditError, book: &Path) -> Failure {
    let doing = || format!("changing {}", book.display());
    match error {
        EditError::Book(error) => unusable(error),
        EditError::System { .. } => Failure::from(anyhow!(error)).hint(ELSEWHERE),
        EditError::Breaks(_) => anyhow!(error).into(),
        EditError::Exists { .. } => {
            Failure::from(anyhow!(error).context(doing())).hint("--replace puts the new one in its place")
        }
        EditError::Mentioned { .. } => Failure::from(anyhow!(error).context(doing()))
            .hint("--force removes it where only groups name it, and leaves them as they are"),
        _ => anyhow!(error).context(doing()).into(),
    }
}

pub(crate) const ELSEWHERE: &str = "mend the permissions, or name another folder: TRUNKLINE_HOME=/path";

/// The book, the machines that other programs keep, and what of those was left out.
fn everything(home: &Home) -> Result<(Book, Vec<Note>), Failure> {
    let user = env::home_dir().unwrap_or_default();
    let ssh = ssh_config::read(&user.join(".ssh/config"), &user);
    let hosts = hosts::read(Path::new("/etc/hosts"));
    Ok((own(home)?.with(ssh.records).with(hosts.records), [ssh.notes, hosts.notes].concat()))
}

/// The names that targets stand for, without those that are excluded. Without targets, all names of the book.
fn select(book: &Book, targets: &[String], exclude: Option<&str>) -> Result<NameSet, Failure> {
    let set = |text: &str| book.select(text).map_err(Failure::usage);
    let targets = if targets.is_empty() { list::names(book)? } else { set(&targets.join(","))? };
    Ok(match exclude {
        Some(exclude) => targets.difference(&set(exclude)?),
        None => targets,
    })
}

/// One name.
fn look_up(book: &Book, name: &str) -> Result<Entry, Failure> {
    book.look_up(name).map_err(|error| Failure::from(anyhow!(error)))
}

/// A group with its members.
fn group_card(book: &Book, group: &Group) -> Result<GroupCard, Failure> {
    let members = book.select(&group.members).map_err(Failure::usage)?;
    Ok(GroupCard {
        group: group.name.to_string(),
        written: group.members.clone(),
        members: members.to_string(),
        count: members.len(),
        from: group.origin.to_string(),
    })
}

/// A set for a person: `n[01-40] (40 names)`.
fn folded(names: &NameSet) -> String {
    let count = count(names.len());
    if names.is_empty() {
        return format!("{count}\n");
    }
    format!("{} ({count})\n", Untrusted::from(names.to_string().as_str()))
}

/// `1 name`, `40 names`.
fn count(names: usize) -> String {
    if names == 1 { "1 name".to_owned() } else { format!("{names} names") }
}
