//! Messages, read.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use ipmsg::MessageId;
use ipmsg::node::{Outgoing, Person};
use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection as Database, OptionalExtension as _, Row, params_from_iter};

use super::{Message, Opened, State, node_bytes, unreadable, value};
use crate::journal::party::{Party, Whose};
use crate::journal::search;

/// Which messages are wanted. All of them, unless something is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageQuery {
    /// Those that came or were accepted at this time or later.
    pub since: Option<Timestamp>,
    /// Those with these words in the text, one after the other, the last of them perhaps only begun, by two letters at
    /// least: `wor` finds `world`, `orld` does not. Of scripts without spaces every piece is found. Case, width, accents
    /// and punctuation are ignored.
    pub search: Option<String>,
    /// Those from or to one of these.
    pub whose: Option<Vec<Whose>>,
    /// Those that were written down before the one with this row: how one pages on.
    pub before: Option<i64>,
    /// At most so many, the newest.
    pub newest: Option<usize>,
}

/// So many messages since a time are few: nothing before the first of them is looked at. That is not always where the time
/// was reached, for a clock may have been wrong for a while. Of more than these the newest are soon found from the end.
pub(super) const FEW: u32 = 10_000;

/// A plus keeps SQLite from looking through all the others, in their order.
const OUTBOX: &str = "SELECT * FROM messages WHERE filed AND state = 'waiting' ORDER BY +id";

impl MessageQuery {
    /// Whether the messages have to be filed to be found.
    pub(in crate::journal) fn needs_filing(&self) -> bool {
        self.since.is_some() || self.search.is_some() || self.whose.is_some()
    }
}

/// The messages that fit; those written down last come first. No more are looked at than are needed: the rows, an index
/// on the party and that of the words all give them in this order.
pub(in crate::journal) fn select(
    database: &Database,
    query: &MessageQuery,
) -> rusqlite::Result<Vec<Message>> {
    let newest = query.newest.unwrap_or(usize::MAX);
    let Some(whose) = &query.whose else {
        return select_of(database, query, None);
    };
    let mut found = BTreeMap::new();
    for party in whose {
        let messages = select_of(database, query, Some(party))?;
        found.extend(messages.into_iter().map(|message| (Reverse(message.row), message)));
    }
    Ok(found.into_values().take(newest).collect())
}

/// The message with a row.
pub(in crate::journal) fn one(database: &Database, row: i64) -> rusqlite::Result<Option<Message>> {
    database.prepare_cached("SELECT * FROM messages WHERE id = ?1")?.query_row([row], message).optional()
}

/// The messages that wait, in the order in which they were accepted, if all are filed.
pub(in crate::journal) fn outbox(database: &Database) -> rusqlite::Result<Vec<Outgoing>> {
    let mut statement = database.prepare(OUTBOX)?;
    statement.query_map([], outgoing)?.collect()
}

/// The rows of the messages that wait, if all are filed.
pub(in crate::journal) fn waiting(database: &Database) -> rusqlite::Result<Vec<(MessageId, i64)>> {
    let mut statement =
        database.prepare("SELECT id, message FROM messages WHERE filed AND state = 'waiting'")?;
    let rows = statement.query_map([], |row| Ok((value::message(row, "message")?, row.get("id")?)))?;
    rows.filter_map(|row| row.map(|(message, id)| message.map(|message| (message, id))).transpose()).collect()
}

fn select_of(
    database: &Database,
    query: &MessageQuery,
    whose: Option<&Whose>,
) -> rusqlite::Result<Vec<Message>> {
    let (select, values) = statement(query, whose);
    let mut statement = database.prepare_cached(&select)?;
    statement.query_map(params_from_iter(values), message)?.collect()
}

/// What finds the messages that fit, and its values.
fn statement(query: &MessageQuery, whose: Option<&Whose>) -> (String, Vec<Value>) {
    let mut values = vec![
        Value::from(query.newest.map_or(-1, value::integer)),
        Value::from(query.before.unwrap_or(i64::MAX)),
    ];
    let mut place = |value: Value| {
        values.push(value);
        format!("?{}", values.len())
    };
    // A plus keeps SQLite from an index that would give the rows in another order.
    let mut conditions = String::new();
    if let Some(since) = query.since {
        let since = place(since.as_microsecond().into());
        conditions += &format!(
            " AND messages.id >= (SELECT iif(count(*) < {FEW}, min(id), 0) FROM
                  (SELECT id FROM messages WHERE filed AND at >= {since} LIMIT {FEW})) AND +at >= {since}"
        );
    }
    conditions += &match whose {
        None => String::new(),
        Some(Whose::Node(node)) => format!(" AND node = {}", place(node_bytes(*node).to_vec().into())),
        Some(Whose::Name { user, host }) => {
            let user = place(user.clone().into());
            format!(" AND user = {user} AND host = {}", place(host.clone().into()))
        }
        Some(Whose::Nick(nick)) => format!(" AND nick = {}", place(nick.clone().into())),
        Some(Whose::Host(ip)) => format!(" AND ip = {}", place(ip.to_string().into())),
        Some(Whose::Address(at)) => format!(
            " AND ip = {} AND address = {}",
            place(at.ip().to_string().into()),
            place(at.to_string().into())
        ),
    };
    let phrase = query.search.as_deref().map(|text| place(search::phrase(text).into()));
    let select = match (phrase, whose) {
        (None, None) => {
            format!("SELECT * FROM messages WHERE id < ?2{conditions} ORDER BY id DESC LIMIT ?1")
        }
        (None, Some(_)) => {
            format!("SELECT * FROM messages WHERE id < ?2 AND filed{conditions} ORDER BY id DESC LIMIT ?1")
        }
        (Some(phrase), None) => format!(
            "SELECT messages.* FROM words CROSS JOIN messages ON messages.id = words.rowid
             WHERE words.text MATCH {phrase} AND words.rowid < ?2{conditions} ORDER BY words.rowid DESC LIMIT ?1"
        ),
        // Both give their rows in the same order, so that what is in both is found without a look at any text.
        (Some(phrase), Some(_)) => format!(
            "SELECT messages.* FROM (
                 SELECT rowid AS both FROM words WHERE text MATCH {phrase} AND rowid < ?2
                 INTERSECT SELECT id FROM messages WHERE id < ?2 AND filed{conditions} ORDER BY both DESC LIMIT ?1
             ) CROSS JOIN messages ON messages.id = both ORDER BY both DESC"
        ),
    };
    (select, values)
}

fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    let state = state(row)?;
    let sealed = row.get("sealed")?;
    let opened = moment(row, "opened")?;
    let is_hidden = sealed && opened.is_none() && state == State::Received;
    Ok(Message {
        row: row.get("id")?,
        at: value::timestamp(row.get("at")?)?,
        party: Party::of(row)?,
        state,
        id: value::message(row, "message")?,
        number: row.get("number")?,
        text: if is_hidden { None } else { row.get("text")? },
        sealed,
        opened: opened
            .map(|at| Ok::<_, rusqlite::Error>(Opened { at, discarded: row.get("discarded")? }))
            .transpose()?,
        automatic: row.get("automatic")?,
        broadcast: row.get("broadcast")?,
    })
}

/// A message that was accepted here, as the node had it.
pub(super) fn outgoing(row: &Row<'_>) -> rusqlite::Result<Outgoing> {
    let Party { node, user, host, address, .. } = Party::of(row)?;
    let to = match (row.get::<_, Option<String>>("person")?.as_deref(), node, address) {
        (Some("node"), Some(node), _) => Person::Node(node),
        (Some("name"), _, Some(address)) => Person::Name { user, host, address },
        (Some("address"), _, Some(address)) => Person::Address(address),
        _ => return Err(unreadable("it does not say for whom the message is")),
    };
    Ok(Outgoing {
        id: value::message(row, "message")?.ok_or_else(|| unreadable("a message of ours has an id"))?,
        to,
        number: row.get("number")?,
        text: row.get("text")?,
        sealed: row.get("sealed")?,
    })
}

fn state(row: &Row<'_>) -> rusqlite::Result<State> {
    let ended = || moment(row, "ended")?.ok_or_else(|| unreadable("it does not say when it ended"));
    Ok(match row.get::<_, String>("state")?.as_str() {
        "received" => State::Received,
        "waiting" => State::Waiting,
        "delivered" => State::Delivered { at: ended()?, took: value::duration(row.get("took")?) },
        "failed" => State::Failed { at: ended()?, reason: row.get("reason")? },
        "cancelled" => State::Cancelled { at: ended()? },
        _ => return Err(unreadable("this program knows no such state")),
    })
}

fn moment(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column)?.map(value::timestamp).transpose()
}

#[cfg(test)]
mod tests {
    use ipmsg::NodeId;

    use super::*;
    use crate::journal::migrations;

    #[test]
    fn no_question_of_a_person_or_of_what_waits_goes_through_all_messages() {
        let mut database = Database::open_in_memory().unwrap();
        migrations::apply(&mut database, migrations::ALL).unwrap();
        let plan = |select: &str, values: Vec<Value>| -> String {
            let mut statement = database.prepare(&format!("EXPLAIN QUERY PLAN {select}")).unwrap();
            let mut rows = statement.query(params_from_iter(values)).unwrap();
            rows.next().unwrap().unwrap().get("detail").unwrap()
        };
        let [name, address] = ["anna".to_owned(), "10.0.0.9:2425".to_owned()];
        let address: std::net::SocketAddr = address.parse().unwrap();
        for (whose, index) in [
            (Whose::Node(NodeId(7)), "messages_node (node=? AND rowid<?)"),
            (
                Whose::Name { user: name.clone(), host: name.clone() },
                "messages_name (user=? AND host=? AND rowid<?)",
            ),
            (Whose::Nick(name), "messages_nick (nick=? AND rowid<?)"),
            (Whose::Host(address.ip()), "messages_ip (ip=? AND rowid<?)"),
            (Whose::Address(address), "messages_ip (ip=? AND rowid<?)"),
        ] {
            let (select, values) = statement(&MessageQuery::default(), Some(&whose));
            assert_eq!(plan(&select, values), format!("SEARCH messages USING INDEX {index}"));
        }
        assert_eq!(plan(OUTBOX, Vec::new()), "SCAN messages USING INDEX messages_waiting");
    }
}
