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
use node::book::source::{hosts, ssh_config};
use node::book::{Book, Entry, NameSet, Note};
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

/// The book alone.
fn own(home: &Home) -> Result<Book, Failure> {
    Book::load(&home.book()).map_err(Failure::usage)
}

/// The book, the machines that other programs keep, and what of those was left out.
fn everything(home: &Home) -> Result<(Book, Vec<Note>), Failure> {
    let user = env::home_dir().unwrap_or_default();
    let ssh = ssh_config::read(&user.join(".ssh/config"), &user);
    let hosts = hosts::read(Path::new("/etc/hosts"));
    Ok((own(home)?.with(ssh.records).with(hosts.records), [ssh.notes, hosts.notes].concat()))
}

/// The names that targets stand for, without those that are excluded. Without targets, all names of the book.
fn select(book: &Book, targets: Option<&str>, exclude: Option<&str>) -> Result<NameSet, Failure> {
    let set = |text| book.select(text).map_err(Failure::usage);
    let targets = targets.map_or_else(|| list::names(book), set)?;
    Ok(match exclude {
        Some(exclude) => targets.difference(&set(exclude)?),
        None => targets,
    })
}

/// One name.
fn look_up(book: &Book, name: &str) -> Result<Entry, Failure> {
    book.look_up(name).map_err(|error| Failure::from(anyhow!(error)))
}

fn groups(book: &Book) -> Result<Vec<GroupCard>, Failure> {
    let card = |group: &node::book::Group| {
        let members = book.select(&group.members).map_err(Failure::usage)?;
        Ok(GroupCard {
            group: group.name.to_string(),
            written: group.members.clone(),
            members: members.to_string(),
            count: members.len(),
            from: group.origin.to_string(),
        })
    };
    book.groups().iter().map(card).collect()
}

/// `1 name`, `40 names`.
fn count(names: usize) -> String {
    if names == 1 { "1 name".to_owned() } else { format!("{names} names") }
}
