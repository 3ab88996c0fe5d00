//! Connections, as they stand in the journal.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use jiff::Timestamp;
use net::Ending;
use rusqlite::{Connection as Database, Row, named_params};

use super::value::{self, integer, micros, unreadable};

/// The newest connections that are kept; whatever is older goes when new ones come. Anybody who reaches a port can make
/// connections, and must not fill the disk with them. This many take about 20 MB, and a search for what is rare or
/// absent, which looks at all of them, takes about 0.15 s (LIKE over 100,000: 0.08 s).
pub const CONNECTIONS_MAX: i64 = 200_000;

/// A connection that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// When it was over; kept to the microsecond.
    pub at: Timestamp,
    /// How long it stood; kept to the microsecond.
    pub lasted: Duration,
    /// What answered, such as `upper`.
    pub service: String,
    /// Our end, as [`net::Endpoint::unescaped`] gives it.
    pub local: String,
    /// The other end, in the same way.
    pub remote: String,
    /// How it ended.
    pub ending: Ending,
    /// Bytes that came.
    pub received: u64,
    /// Messages that came.
    pub messages: u64,
    /// Bytes that went.
    pub sent: u64,
}

/// Which connections are wanted. All of them, unless something is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Those that were over at this time or later.
    pub since: Option<Timestamp>,
    /// Those with this text anywhere in the service, an address, or the ending. The case of ASCII letters is ignored.
    pub search: Option<String>,
    /// Those with an end at one of these.
    pub sites: Option<Vec<Site>>,
    /// At most so many, the newest.
    pub newest: Option<usize>,
}

/// Where an end of a connection may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Site {
    /// On this machine, whatever the port.
    Host(IpAddr),
    /// Exactly there: `tcp://10.0.0.9:9100`, `unix:/run/a.sock`.
    Address(String),
}

impl Connection {
    /// The host at the other end, where it is one of the network.
    #[must_use]
    pub fn remote_host(&self) -> Option<IpAddr> {
        host(&self.remote)
    }
}

impl Query {
    fn fits(&self, connection: &Connection) -> bool {
        let at = |site: &Site| match site {
            Site::Host(there) => ends(connection).iter().any(|end| host(end) == Some(*there)),
            Site::Address(address) => ends(connection).contains(&address),
        };
        self.sites.as_ref().is_none_or(|sites| sites.iter().any(at))
    }
}

pub(super) fn insert(database: &Database, connection: &Connection) -> rusqlite::Result<i64> {
    let insert = "
        INSERT INTO connections (at, lasted, service, local, remote, ending, reason, received, messages, sent)
        VALUES (:at, :lasted, :service, :local, :remote, :ending, :reason, :received, :messages, :sent)";
    let (ending, reason) = words(&connection.ending);
    database.prepare_cached(insert)?.insert(named_params! {
        ":at": connection.at.as_microsecond(),
        ":lasted": micros(connection.lasted),
        ":service": connection.service,
        ":local": connection.local,
        ":remote": connection.remote,
        ":ending": ending,
        ":reason": reason,
        ":received": integer(connection.received),
        ":messages": integer(connection.messages),
        ":sent": integer(connection.sent),
    })
}

/// Deletes what is beyond [`CONNECTIONS_MAX`]. Ids grow by one, so this looks at nothing that stays.
pub(super) fn delete_surplus(database: &Database) -> rusqlite::Result<()> {
    let delete = "DELETE FROM connections WHERE id <= (SELECT max(id) FROM connections) - ?1";
    database.prepare_cached(delete)?.execute([CONNECTIONS_MAX]).map(drop)
}

/// Deletes what was over before a time, and says how many.
pub(super) fn delete(database: &Database, before: Timestamp) -> rusqlite::Result<usize> {
    database.execute("DELETE FROM connections WHERE at < ?1", [before.as_microsecond()])
}

/// The connections that fit, newest first. The index on `at` gives them in this order, so that no more are looked at
/// than are needed.
pub(super) fn select(database: &Database, query: &Query) -> rusqlite::Result<Vec<Connection>> {
    let select = r"
        SELECT at, lasted, service, local, remote, ending, reason, received, messages, sent FROM connections
        WHERE at >= :since AND (:search IS NULL
            OR service || char(10) || local || char(10) || remote || char(10) || ending || ': ' || reason
                LIKE :search ESCAPE '\')
        ORDER BY at DESC, id DESC";
    let mut statement = database.prepare(select)?;
    let rows = statement.query_map(
        named_params! {
            ":since": query.since.map_or(i64::MIN, Timestamp::as_microsecond),
            ":search": query.search.as_deref().map(anywhere),
        },
        connection,
    )?;
    let fitting = rows.filter(|row| row.as_ref().map_or(true, |connection| query.fits(connection)));
    fitting.take(query.newest.unwrap_or(usize::MAX)).collect()
}

fn connection(row: &Row<'_>) -> rusqlite::Result<Connection> {
    let ending = ending(&row.get::<_, String>("ending")?, row.get("reason")?)
        .ok_or_else(|| unreadable("this program knows no such ending"))?;
    let number = |column| row.get::<_, i64>(column).map(|number| u64::try_from(number).unwrap_or(0));
    Ok(Connection {
        at: value::timestamp(row.get("at")?)?,
        lasted: value::duration(row.get("lasted")?),
        service: row.get("service")?,
        local: row.get("local")?,
        remote: row.get("remote")?,
        ending,
        received: number("received")?,
        messages: number("messages")?,
        sent: number("sent")?,
    })
}

fn words(ending: &Ending) -> (&'static str, &str) {
    match ending {
        Ending::Eof => ("eof", ""),
        Ending::Reset => ("reset", ""),
        Ending::Timeout => ("timeout", ""),
        Ending::Limit(reason) => ("limit", reason),
        Ending::Error(reason) => ("error", reason),
    }
}

fn ending(word: &str, reason: String) -> Option<Ending> {
    Some(match word {
        "eof" => Ending::Eof,
        "reset" => Ending::Reset,
        "timeout" => Ending::Timeout,
        "limit" => Ending::Limit(reason),
        "error" => Ending::Error(reason),
        _ => return None,
    })
}

fn ends(connection: &Connection) -> [&String; 2] {
    [&connection.remote, &connection.local]
}

/// The host of an end that is of the network.
fn host(end: &str) -> Option<IpAddr> {
    let (_, address) = end.split_once("://")?;
    address.parse().ok().map(|address: SocketAddr| address.ip())
}

/// The pattern of LIKE that finds a text wherever it stands.
pub(super) fn anywhere(text: &str) -> String {
    let mut pattern = "%".to_owned();
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern + "%"
}

#[cfg(test)]
mod tests;
