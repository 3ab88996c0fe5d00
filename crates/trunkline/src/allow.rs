//! `allow`: whose keys are let in by `up --ssh`.

mod guests;
mod until;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context as _, anyhow};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use net::Untrusted;
use node::allow::{self, AllowError, Line, Terms};
use node::home::Home;
use node::sshd;
use serde::Serialize;

use crate::book::ELSEWHERE;
use crate::cli::{AllowAddFlags, AllowFlags, AllowJob};
use crate::failure::{Failure, Outcome, say};
use crate::{stdout, table};

/// Bytes that are read for a key: ten times the largest that there is.
const KEY_MAX: u64 = 64 * 1024;

const HEADER: [&str; 5] = ["LABEL", "KIND", "FINGERPRINT", "UNTIL", "ONLY"];

/// Does one job; without a word the keys are listed.
pub(crate) async fn run(flags: AllowFlags) -> Outcome {
    let home = Home::of_this_user().map_err(Failure::usage)?;
    let file = home.allow();
    let now = Timestamp::now();
    let told = |word: &str, lines: &[Line]| {
        if flags.json {
            return stdout::print_json(lines.iter().map(|line| Card::new(line, now)));
        }
        let told = lines.iter().map(|line| format!("{word} {}\n", name(line)));
        stdout::print(told.collect::<String>())
    };
    match flags.job.unwrap_or(AllowJob::List) {
        AllowJob::List => list(&file, flags.json, now),
        AllowJob::Add(key) => told("allowed", &[add(&file, key)?]),
        AllowJob::Remove { which } => {
            let which = key_meant(&file, which)?;
            let lines = allow::remove(&file, &which).map_err(failed)?;
            told("removed", &lines)?;
            tell_who_still_lets_in(&lines);
            guests::of_key(&home, &lines, flags.json).await
        }
        AllowJob::End { who } => guests::meant(&home, &who, flags.json).await,
    }
}

fn add(file: &Path, flags: AllowAddFlags) -> Result<Line, Failure> {
    let until = flags.until.map(|until| until::moment(&until, &Zoned::now())).transpose();
    let until = until.context("--until").map_err(Failure::usage)?;
    let key = text(&flags.key)?;
    let terms = Terms { until, only: flags.only, label: flags.name, authority: flags.cert_authority };
    allow::add(file, &key, &terms).map_err(failed)
}

/// What stands where a key is expected: itself, a file's, or standard input's.
fn text(said: &str) -> Result<String, Failure> {
    let read = |from: &mut dyn Read, place: &str| {
        let mut text = String::new();
        let read = from.take(KEY_MAX).read_to_string(&mut text);
        read.map(|_| text).with_context(|| format!("reading the key from {place}"))
    };
    if said == "-" {
        return Ok(read(&mut io::stdin().lock(), "standard input")?);
    }
    match File::open(said) {
        Ok(mut file) => Ok(read(&mut file, said)?),
        // A key has blanks in it.
        Err(_) if said.contains([' ', '\t']) => Ok(said.to_owned()),
        Err(error) => Err(Failure::from(anyhow!(error).context(format!("reading the key from {said}")))
            .hint("KEY is a file such as id_ed25519.pub, or a public key in quotes")),
    }
}

fn list(file: &Path, json: bool, now: Timestamp) -> Outcome {
    let keys = allow::list(file).map_err(failed)?;
    for note in &keys.notes {
        say(Untrusted::from(note.to_string().as_str()));
    }
    let cards: Vec<_> = keys.lines.iter().map(|line| Card::new(line, now)).collect();
    if json {
        return stdout::print_json(cards);
    }
    if cards.is_empty() {
        return stdout::print("No key is allowed but those of ~/.ssh/authorized_keys.\n");
    }
    let rows: Vec<_> = cards.iter().map(Card::row).collect();
    stdout::print(table::columns(HEADER, &[], &rows, stdout::columns()))
}

/// What a key is removed by. A label comes before a file of that name: `ssh-keygen -f ann` makes both.
fn key_meant(file: &Path, which: String) -> Result<String, Failure> {
    let keys = allow::list(file).map_err(failed)?;
    if keys.lines.iter().any(|line| line.comment == which) || !Path::new(&which).is_file() {
        return Ok(which);
    }
    let text = text(&which)?;
    // One that is none would be shown as the name of a key that is not there, be it a private one.
    allow::key(&text).map_err(failed)?;
    Ok(text)
}

/// Says so where a key that was removed is let in all the same.
fn tell_who_still_lets_in(removed: &[Line]) {
    let file = sshd::own_authorized_keys();
    // Where it cannot be read, it lets nobody in.
    let others = allow::list(&file).map(|keys| keys.lines).unwrap_or_default();
    let is_removed = |line: &&Line| removed.iter().any(|gone| gone.key.key_data() == line.key.key_data());
    for line in others.iter().filter(is_removed) {
        say(format_args!("{} is let in by {}:{} as before", name(line), file.display(), line.number));
    }
}

fn name(line: &Line) -> String {
    match line.comment.as_str() {
        "" => line.fingerprint(),
        label => format!("{} ({})", Untrusted::from(label), line.fingerprint()),
    }
}

fn failed(error: AllowError) -> Failure {
    let hint = match &error {
        AllowError::System(_) | AllowError::Read { .. } => Some(ELSEWHERE),
        AllowError::Exists { .. } => Some("trunkline allow remove takes it out; then it can be added anew"),
        AllowError::Nobody { .. } => Some("trunkline allow list shows the labels and fingerprints"),
        AllowError::Several { .. } => Some("name the key by its fingerprint"),
        _ => None,
    };
    let failure = Failure::from(anyhow!(error));
    hint.into_iter().fold(failure, Failure::hint)
}

/// A key as it is shown.
#[derive(Serialize)]
struct Card<'a> {
    label: &'a str,
    kind: String,
    fingerprint: String,
    until: Option<Timestamp>,
    expired: bool,
    only: Option<&'a str>,
    authority: bool,
    line: usize,
}

impl<'a> Card<'a> {
    fn new(line: &'a Line, now: Timestamp) -> Self {
        let until = line.options.expires;
        Self {
            label: &line.comment,
            kind: line.key.algorithm().to_string(),
            fingerprint: line.fingerprint(),
            until,
            expired: until.is_some_and(|until| until <= now),
            only: line.options.command.as_deref(),
            authority: line.options.authority,
            line: line.number,
        }
    }

    fn row(&self) -> [String; HEADER.len()] {
        let until = self.until.map(|until| {
            let time = until.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string();
            if self.expired { format!("{time} (expired)") } else { time }
        });
        let only = self.only.map(|only| Untrusted::from(only).to_string());
        let label = Untrusted::from(self.label).to_string();
        let kind = if self.authority { format!("certificates by {}", self.kind) } else { self.kind.clone() };
        [label, kind, self.fingerprint.clone(), until.unwrap_or_default(), only.unwrap_or_default()]
    }
}
