use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use super::super::tests::{connection, locked};
use super::super::{Appearance, Party, Presence, Query};
use super::*;

/// A writer into a new journal, its count of transactions, and what it tells.
struct Desk {
    folder: tempfile::TempDir,
    writer: Writer,
    commits: Arc<AtomicUsize>,
    told: Arc<Mutex<Vec<String>>>,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        let (commits, told) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<Vec<_>>>::default());
        let count = Arc::clone(&commits);
        let hook = move || {
            count.fetch_add(1, Relaxed);
            false
        };
        journal.database.commit_hook(Some(hook)).unwrap();
        let tell = Arc::clone(&told);
        let writer =
            Writer::start(journal, move |trouble| tell.lock().unwrap().push(trouble.to_string())).unwrap();
        Self { folder, writer, commits, told }
    }

    fn note(&self, connections: usize) {
        (0..).take(connections).for_each(|second| {
            self.writer.note(Change::Connection(connection(second)));
        });
    }

    fn written(&self) -> usize {
        let journal = Journal::open(self.folder.path()).unwrap();
        journal.connections(&Query::default()).unwrap().len()
    }
}

#[tokio::test]
async fn a_burst_of_ten_thousand_connections_costs_few_transactions() {
    let desk = Desk::new();
    // What comes first is on its way into a transaction of its own while the others come.
    let lock = locked(desk.folder.path());
    desk.note(10_000);
    drop(lock);
    assert_eq!(desk.writer.flush().await, 0);
    assert_eq!(desk.written(), 10_000);
    // After each comes one that puts it in order.
    assert!((1..=4).contains(&desk.commits.load(Relaxed)), "{:?}", desk.commits);
}

#[tokio::test]
async fn what_is_noted_is_written_soon_although_nothing_follows() {
    let desk = Desk::new();
    desk.note(1);
    while desk.written() == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_full_queue_never_waits_and_is_told_once() {
    let desk = Desk::new();
    let lock = locked(desk.folder.path());
    // One batch is in the writer's hands, one fills the queue, and the rest finds no place.
    desk.note(3 * QUEUE_MAX);
    drop(lock);
    let lost = desk.writer.flush().await;
    assert!(lost >= QUEUE_MAX as u64, "{lost}");
    assert_eq!(desk.written() as u64 + lost, 3 * QUEUE_MAX as u64);
    let lock = locked(desk.folder.path());
    desk.note(3 * QUEUE_MAX);
    drop(lock);
    assert!(desk.writer.flush().await > lost);
    assert_eq!(
        *desk.told.lock().unwrap(),
        ["the disk does not keep up: what comes while 10000 entries wait for it is left out of the journal"]
    );
}

#[tokio::test]
async fn whoever_writes_into_a_full_queue_is_told_at_once_and_everybody_else_when_it_is_on_disk() {
    let desk = Desk::new();
    let (there, full) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let lock = locked(desk.folder.path());
    for second in 0..3 * QUEUE_MAX as i64 {
        let (there, full) = (Arc::clone(&there), Arc::clone(&full));
        desk.writer.write(Change::Connection(connection(second)), move |written| match written {
            Ok(_) => drop(there.fetch_add(1, Relaxed)),
            Err(error) => {
                assert!(matches!(*error, JournalError::Full), "{error}");
                full.fetch_add(1, Relaxed);
            }
        });
    }
    let told = full.load(Relaxed);
    assert!(told >= QUEUE_MAX, "{told}");
    assert_eq!(there.load(Relaxed), 0, "nothing is on disk while another writes");
    drop(lock);
    assert_eq!(desk.writer.flush().await, 0, "nothing that was only noted");
    assert_eq!((there.load(Relaxed), full.load(Relaxed)), (3 * QUEUE_MAX - told, told), "each once");
    assert_eq!(desk.written(), 3 * QUEUE_MAX - told);
}

#[tokio::test]
async fn a_change_that_cannot_be_written_takes_the_others_of_its_transaction_with_it_and_all_are_told() {
    let desk = Desk::new();
    let other = Database::open(desk.folder.path().join(super::super::FILE)).unwrap();
    other.execute_batch("ALTER TABLE presences RENAME TO stolen; BEGIN IMMEDIATE").unwrap();
    let failed = Arc::<AtomicUsize>::default();
    let presence = Presence { at: connection(1).at, party: Party::default(), what: Appearance::Came };
    // What comes first is on its way into a transaction of its own while the others come.
    for change in
        [Change::Presence(presence.clone()), Change::Connection(connection(1)), Change::Presence(presence)]
    {
        let failed = Arc::clone(&failed);
        desk.writer.write(change, move |written| {
            written.unwrap_err();
            failed.fetch_add(1, Relaxed);
        });
    }
    drop(other);
    desk.writer.flush().await;
    assert_eq!((failed.load(Relaxed), desk.written()), (3, 0));
}

#[tokio::test]
async fn what_is_kept_is_on_disk_when_that_is_told() {
    let desk = Desk::new();
    for kept in 1..=3 {
        desk.writer.keep(Change::Connection(connection(1))).await.unwrap();
        assert_eq!(desk.written(), kept);
    }
}

#[tokio::test]
async fn what_cannot_be_written_is_told_once_and_counted_and_whoever_waits_gets_the_error() {
    let desk = Desk::new();
    let other = Database::open(desk.folder.path().join(super::super::FILE)).unwrap();
    other.execute_batch("ALTER TABLE connections RENAME TO stolen").unwrap();
    for _ in 0..2 {
        desk.note(1);
        let error = desk.writer.keep(Change::Connection(connection(1))).await.unwrap_err().to_string();
        assert!(error.starts_with("writing the journal /"), "{error}");
    }
    assert_eq!(desk.writer.flush().await, 2);
    assert_eq!(desk.told.lock().unwrap().len(), 1);
    other.execute_batch("ALTER TABLE stolen RENAME TO connections").unwrap();
    desk.writer.keep(Change::Connection(connection(1))).await.unwrap();
    assert_eq!(desk.written(), 1, "the writer lives on");
}

#[tokio::test]
async fn a_writer_that_is_dropped_has_written_everything() {
    let desk = Desk::new();
    desk.note(1_000);
    let folder = desk.folder;
    drop(desk.writer);
    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!(journal.connections(&Query::default()).unwrap().len(), 1_000);
}
