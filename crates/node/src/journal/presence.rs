//! Who came and went, as it stands in the journal.

use jiff::Timestamp;
use rusqlite::{Connection as Database, Row, named_params};

use super::party::Party;
use super::value::{self, node_bytes, unreadable};

/// The newest that are kept; whatever is older goes when new ones come. Anybody can forge presence, and must not fill the
/// disk with it. This many take about 20 MB; an office of a hundred desks makes a thousand on a day.
pub const PRESENCES_MAX: i64 = 200_000;

/// Something that a party did to be seen or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// When; kept to the microsecond.
    pub at: Timestamp,
    /// Who, as it is afterwards.
    pub party: Party,
    /// What.
    pub what: Appearance,
}

/// What somebody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appearance {
    /// Came into sight.
    Came,
    /// Said goodbye, or fell silent.
    Left,
    /// Has another address.
    Moved,
    /// Has another name or group, or is away, or back.
    Changed,
}

const WORDS: [(Appearance, &str); 4] = [
    (Appearance::Came, "came"),
    (Appearance::Left, "left"),
    (Appearance::Moved, "moved"),
    (Appearance::Changed, "changed"),
];

pub(super) fn insert(database: &Database, presence: &Presence) -> rusqlite::Result<i64> {
    let insert = r#"
        INSERT INTO presences (at, what, node, user, host, nick, "group", address)
        VALUES (:at, :what, :node, :user, :host, :nick, :group, :address)"#;
    let Presence { at, party, what } = presence;
    database.prepare_cached(insert)?.insert(named_params! {
        ":at": at.as_microsecond(),
        ":what": WORDS.iter().find(|(known, _)| known == what).map(|(_, word)| word),
        ":node": party.node.map(node_bytes),
        ":user": party.user,
        ":host": party.host,
        ":nick": party.nick,
        ":group": party.group,
        ":address": party.address.map(|address| address.to_string()),
    })
}

/// Deletes what is beyond [`PRESENCES_MAX`].
pub(super) fn delete_surplus(database: &Database) -> rusqlite::Result<()> {
    let delete = "DELETE FROM presences WHERE id <= (SELECT max(id) FROM presences) - ?1";
    database.prepare_cached(delete)?.execute([PRESENCES_MAX]).map(drop)
}

/// Deletes what was before a time, and says how many.
pub(super) fn delete(database: &Database, before: Timestamp) -> rusqlite::Result<usize> {
    database.execute("DELETE FROM presences WHERE at < ?1", [before.as_microsecond()])
}

/// The newest, at most so many, newest first.
pub(super) fn select(database: &Database, newest: usize) -> rusqlite::Result<Vec<Presence>> {
    let mut statement = database.prepare("SELECT * FROM presences ORDER BY id DESC LIMIT ?1")?;
    statement.query_map([value::integer(newest)], presence)?.collect()
}

fn presence(row: &Row<'_>) -> rusqlite::Result<Presence> {
    let what: String = row.get("what")?;
    let what = WORDS.iter().find(|(_, word)| *word == what).map(|(known, _)| *known);
    Ok(Presence {
        at: value::timestamp(row.get("at")?)?,
        party: Party::of(row)?,
        what: what.ok_or_else(|| unreadable("this program knows no such presence"))?,
    })
}

#[cfg(test)]
mod tests;
