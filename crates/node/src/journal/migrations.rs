//! How a journal becomes one that this program knows. A migration that has been released is never changed: whatever is
//! to be different later is one more at the end of the list.

use rusqlite::{Connection as Database, TransactionBehavior};

/// Each brings the tables from the version of its place in this list to the next one.
pub(super) const ALL: &[&str] = &[CONNECTIONS, CHAT, FILED, RUNS, VERBS, SINCE, WAITING];

const CONNECTIONS: &str = "
    CREATE TABLE connections (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,        -- microseconds since 1970, when it was over
        lasted INTEGER NOT NULL,    -- microseconds
        service TEXT NOT NULL,
        local TEXT NOT NULL,
        remote TEXT NOT NULL,
        ending TEXT NOT NULL,       -- eof, reset, timeout, limit or error
        reason TEXT NOT NULL,       -- of limit and error
        received INTEGER NOT NULL,  -- bytes
        messages INTEGER NOT NULL,  -- that were received
        sent INTEGER NOT NULL       -- bytes
    ) STRICT;
    CREATE INDEX connections_at ON connections (at);
";

/// The index of texts keeps none of them: it finds the row, and the row has the text. Its words are made ready by
/// `search.rs`; a row that goes takes them with it.
const CHAT: &str = r#"
    CREATE TABLE node (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        id BLOB,                       -- 16 bytes, the highest first; chosen at the node's first start
        last_number INTEGER NOT NULL,  -- the largest packet number that was ever kept free for a message
        settings TEXT                  -- what its person has said of himself and of others, as JSON
    ) STRICT;
    INSERT INTO node VALUES (1, NULL, 0, NULL);

    CREATE TABLE messages (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,           -- microseconds since 1970, when it had come or was accepted
        state TEXT NOT NULL,           -- received; or waiting, delivered, failed, cancelled, if it is ours
        person TEXT,                   -- by what the receiver was named: node, name or address; NULL for received
        node BLOB,                     -- of the other, 16 bytes; NULL if it is none of ours
        user TEXT NOT NULL,            -- this and all that follows up to ip is the other's, as it said
        host TEXT NOT NULL,
        nick TEXT NOT NULL,
        "group" TEXT NOT NULL,
        address TEXT,                  -- with the port; NULL if none is known
        ip TEXT,                       -- the address without the port
        message BLOB,                  -- 16 bytes; NULL if another program has sent it
        number INTEGER NOT NULL,       -- of its first packet
        text TEXT NOT NULL,
        sealed INTEGER NOT NULL,
        automatic INTEGER NOT NULL,
        broadcast INTEGER NOT NULL,
        ended INTEGER,                 -- microseconds since 1970, when it left the outbox
        took INTEGER,                  -- microseconds, of delivered
        reason TEXT,                   -- of failed
        opened INTEGER,                -- microseconds since 1970, when its receiver opened it, or threw it away
        discarded INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE UNIQUE INDEX messages_received ON messages (node, message) WHERE state = 'received' AND message IS NOT NULL;
    CREATE UNIQUE INDEX messages_ours ON messages (message) WHERE state <> 'received';
    CREATE INDEX messages_number ON messages (number) WHERE state <> 'received';
    CREATE INDEX messages_waiting ON messages (id) WHERE state = 'waiting';
    CREATE INDEX messages_at ON messages (at);
    CREATE INDEX messages_node ON messages (node) WHERE node IS NOT NULL;
    CREATE INDEX messages_name ON messages (user, host);
    CREATE INDEX messages_nick ON messages (nick);
    CREATE INDEX messages_ip ON messages (ip);
    CREATE VIRTUAL TABLE words USING fts5 (
        text, content = '', contentless_delete = 1, prefix = 2,
        tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co So'"
    );
    CREATE TABLE volume (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        bytes INTEGER NOT NULL         -- of the texts of all messages
    ) STRICT;
    INSERT INTO volume VALUES (1, 0);
    CREATE TRIGGER messages_written AFTER INSERT ON messages BEGIN
        UPDATE volume SET bytes = bytes + octet_length(new.text);
    END;
    CREATE TRIGGER messages_forgotten AFTER DELETE ON messages BEGIN
        DELETE FROM words WHERE rowid = old.id;
        UPDATE volume SET bytes = bytes - octet_length(old.text);
    END;

    CREATE TABLE presences (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,           -- microseconds since 1970
        what TEXT NOT NULL,            -- came, left, moved or changed
        node BLOB,                     -- this and all that follows as in messages
        user TEXT NOT NULL,
        host TEXT NOT NULL,
        nick TEXT NOT NULL,
        "group" TEXT NOT NULL,
        address TEXT
    ) STRICT;
    CREATE INDEX presences_at ON presences (at);
"#;

/// What only reading needs comes later than the message, for many at once (`filing.rs`): these indices have the rows that
/// are `filed`, and so have `words` and `volume`. Those of an older journal are. A message of ours is only looked for by its
/// id while it waits, by its number if it was sealed, and none by its time.
const FILED: &str = "
    ALTER TABLE messages ADD COLUMN filed INTEGER NOT NULL DEFAULT 1;
    DROP INDEX messages_ours;
    DROP INDEX messages_number;
    DROP INDEX messages_waiting;
    DROP INDEX messages_at;
    DROP INDEX messages_node;
    DROP INDEX messages_name;
    DROP INDEX messages_nick;
    DROP INDEX messages_ip;
    CREATE UNIQUE INDEX messages_waiting ON messages (message) WHERE state = 'waiting';
    CREATE INDEX messages_sealed ON messages (number) WHERE sealed AND state <> 'received';
    CREATE INDEX messages_node ON messages (node) WHERE filed AND node IS NOT NULL;
    CREATE INDEX messages_name ON messages (user, host) WHERE filed;
    CREATE INDEX messages_nick ON messages (nick) WHERE filed;
    CREATE INDEX messages_ip ON messages (ip) WHERE filed;
    DROP TRIGGER messages_written;
    DROP TRIGGER messages_forgotten;
    CREATE TRIGGER messages_forgotten AFTER DELETE ON messages WHEN old.filed BEGIN
        DELETE FROM words WHERE rowid = old.id;
        UPDATE volume SET bytes = bytes - octet_length(old.text);
    END;
";

/// A run that goes takes its machines and their output with it.
const RUNS: &str = "
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never again that of another: news of a forgotten run are lost
        at INTEGER NOT NULL,         -- microseconds since 1970, when it began
        lasted INTEGER,              -- microseconds; NULL until it is over
        by TEXT NOT NULL,
        targets TEXT NOT NULL,
        command TEXT NOT NULL,
        machines INTEGER NOT NULL,
        cancelled INTEGER NOT NULL,
        bytes INTEGER NOT NULL       -- that it takes here, about
    ) STRICT;
    CREATE INDEX runs_at ON runs (at);
    CREATE TABLE run_machines (
        run INTEGER NOT NULL,
        place INTEGER NOT NULL,      -- in the list, from 0
        name TEXT NOT NULL,
        host TEXT NOT NULL,
        ending TEXT,                 -- exit, signal, unreachable, lost, timeout or cancelled; NULL until it has ended
        number INTEGER,              -- the status of exit; 1 for a signal with a core dump; microseconds of timeout
        reason TEXT,                 -- the name of the signal; the reason of unreachable and lost
        lasted INTEGER,              -- microseconds
        out INTEGER NOT NULL,        -- bytes that it printed, kept or not
        err INTEGER NOT NULL,
        PRIMARY KEY (run, place)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE run_output (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL,
        place INTEGER NOT NULL,
        is_error INTEGER NOT NULL,
        bytes BLOB NOT NULL
    ) STRICT;
    CREATE INDEX run_output_place ON run_output (run, place);
    CREATE TRIGGER runs_forgotten AFTER DELETE ON runs BEGIN
        DELETE FROM run_machines WHERE run = old.id;
        DELETE FROM run_output WHERE run = old.id;
    END;
";

/// Copies and shells stand among the runs.
const VERBS: &str = "
    ALTER TABLE runs ADD COLUMN verb TEXT NOT NULL DEFAULT 'run';  -- run, shell or copy
    ALTER TABLE runs ADD COLUMN copied_files INTEGER;  -- NULL of what is no copy, and until it is over
    ALTER TABLE runs ADD COLUMN copied_bytes INTEGER;
";

/// Whoever asks for what was lately must not look through all that was before.
const SINCE: &str = "CREATE INDEX messages_at ON messages (at) WHERE filed;";

/// The outbox is only looked through when a node starts, so its index is made later, too: most messages are delivered before
/// they are filed, and never stand in it. News of a message name its row.
const WAITING: &str = "
    DROP INDEX messages_waiting;
    CREATE INDEX messages_waiting ON messages (id) WHERE filed AND state = 'waiting';
";

/// The newest version that this program knows: the end of the list.
pub(super) fn known() -> i64 {
    i64::try_from(ALL.len()).unwrap_or(i64::MAX)
}

/// The version of a database; 0 for one that is empty.
pub(super) fn version(database: &Database) -> rusqlite::Result<i64> {
    database.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings a database to the end of a list, from whatever version it has, all or nothing.
pub(super) fn apply(database: &mut Database, list: &[&str]) -> rusqlite::Result<()> {
    let missing = |version: i64| (1..).zip(list).filter(move |(leads_to, _)| *leads_to > version);
    if missing(version(database)?).next().is_none() {
        return Ok(());
    }
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked again: another process may have been faster.
    for (leads_to, migration) in missing(version(&transaction)?) {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", leads_to)?;
    }
    transaction.commit()
}
