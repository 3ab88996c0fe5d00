use super::super::{Change, Journal, Writer};
use super::*;

fn presence(second: i64, what: Appearance) -> Presence {
    let party = Party {
        nick: "\x1b[2J小王".to_owned(),
        group: "lab".to_owned(),
        address: "[fe80::7%3]:2425".parse().ok(),
        ..Party::default()
    };
    Presence { at: Timestamp::from_second(second).unwrap(), party, what }
}

fn write(folder: &tempfile::TempDir, presences: impl IntoIterator<Item = Presence>) -> Journal {
    let writer = Writer::start(Journal::open(folder.path()).unwrap(), |trouble| panic!("{trouble}")).unwrap();
    for presence in presences {
        writer.write(Change::Presence(presence), |written| assert!(written.unwrap().is_new));
    }
    drop(writer);
    Journal::open(folder.path()).unwrap()
}

#[test]
fn who_came_and_went_comes_back_as_it_went_in_newest_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut presences: Vec<_> = (1..).zip(WORDS).map(|(second, (what, _))| presence(second, what)).collect();
    let journal = write(&folder, presences.clone());
    presences.reverse();
    assert_eq!(journal.presences(usize::MAX).unwrap(), presences);
    assert_eq!(journal.presences(2).unwrap(), presences[..2]);
}

#[test]
fn whoever_forges_presence_without_end_pushes_out_the_oldest_and_fills_no_disk() {
    let folder = tempfile::tempdir().unwrap();
    let journal = write(&folder, [presence(1, Appearance::Came), presence(2, Appearance::Left)]);
    let later = "UPDATE presences SET id = ?1 WHERE id = 2";
    journal.database.execute(later, [PRESENCES_MAX]).unwrap();
    write(&folder, [presence(3, Appearance::Came)]);
    let seconds: Vec<_> =
        journal.presences(9).unwrap().iter().map(|presence| presence.at.as_second()).collect();
    assert_eq!(seconds, [3, 2]);
}

#[test]
fn who_came_and_went_long_ago_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let journal = write(&folder, (1..=3).map(|second| presence(second, Appearance::Came)));
    let forgotten = journal.forget(Timestamp::from_second(3).unwrap()).unwrap();
    assert_eq!(forgotten.presences, 2);
    assert_eq!(journal.presences(9).unwrap(), [presence(3, Appearance::Came)]);
}
