use super::super::{Change, Forgotten, Journal, Writer};
use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A run of these machines that began so many seconds after 1970.
fn new(second: i64, machines: &[&str]) -> NewRun {
    let target = |name: &&str| RunTarget { name: (*name).to_owned(), host: format!("{name}.lab") };
    NewRun {
        verb: RunVerb::Run,
        at: at(second),
        by: "anna".to_owned(),
        targets: machines.join(","),
        command: "uname -r".to_owned(),
        machines: machines.iter().map(target).collect(),
    }
}

struct Desk {
    _folder: tempfile::TempDir,
    journal: Journal,
    writer: Writer,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let open = Journal::open(folder.path()).unwrap();
        let writer = Writer::start(open, |trouble| panic!("{trouble}")).unwrap();
        Self { _folder: folder, journal, writer }
    }

    fn keep(&self, change: Change) -> Written {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.writer.keep(change)).unwrap()
    }

    fn begin(&self, run: NewRun) -> Recording {
        let machines = run.machines.len();
        Recording::new(self.keep(Change::RunBegan(run)).row, machines)
    }

    fn go_on(&self, news: RunNews) {
        self.keep(Change::RunWent(news));
    }

    fn runs(&self, query: &RunQuery) -> Vec<i64> {
        self.journal.runs(query).unwrap().iter().map(|run| run.at.as_second()).collect()
    }

    fn count(&self, table: &str) -> i64 {
        let select = format!("SELECT count(*) FROM {table}");
        self.journal.database.query_row(&select, [], |row| row.get(0)).unwrap()
    }
}

fn printed(is_error: bool, bytes: &[u8]) -> Printed {
    Printed { is_error, bytes: bytes.to_vec() }
}

#[test]
fn a_run_comes_back_as_it_went_in_with_its_machines_and_what_they_printed() {
    let desk = Desk::new();
    let reason = || "\x1b]0;root\x07 \u{202e}会议\0'; DROP TABLE runs; --".to_owned();
    let endings = [
        RunEnding::Exit(0),
        RunEnding::Exit(u32::MAX),
        RunEnding::Signal { name: "SEGV".to_owned(), core: true },
        RunEnding::Signal { name: reason(), core: false },
        RunEnding::Unreachable(reason()),
        RunEnding::Lost(reason()),
        RunEnding::TimedOut(Duration::from_micros(1_500_001)),
        RunEnding::Cancelled,
    ];
    let names: Vec<String> = (0..endings.len()).map(|place| format!("n{place}")).collect();
    let run = new(7, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut recording = desk.begin(NewRun { command: reason(), ..run.clone() });
    for (place, ending) in endings.iter().enumerate() {
        recording.printed(place, false, b"to the one \xff\0");
        recording.printed(place, true, b"to the other");
        recording.ended(place, ending.clone(), Duration::from_millis(3));
    }
    desk.go_on(recording.over(Duration::from_secs(2), true));

    let runs = desk.journal.runs(&RunQuery::default()).unwrap();
    let [back] = &runs[..] else { panic!("{runs:?}") };
    let expected = Run {
        row: back.row,
        verb: RunVerb::Run,
        at: at(7),
        lasted: Some(Duration::from_secs(2)),
        by: run.by,
        targets: run.targets,
        command: reason(),
        machines: 8,
        failed: 7,
        cancelled: true,
        copied: None,
    };
    assert_eq!(*back, expected);
    let machines = desk.journal.run_machines(back.row).unwrap();
    assert_eq!(machines.len(), endings.len());
    for ((place, machine), ending) in machines.into_iter().enumerate().zip(endings) {
        let expected = RunMachine {
            place,
            name: format!("n{place}"),
            host: format!("n{place}.lab"),
            ending: Some(ending),
            lasted: Some(Duration::from_millis(3)),
            out: 13,
            err: 12,
        };
        assert_eq!(machine, expected);
        let both = [printed(false, b"to the one \xff\0"), printed(true, b"to the other")];
        assert_eq!(desk.journal.run_output(back.row, place).unwrap(), both);
    }
}

#[test]
fn an_outcome_is_an_ending_with_its_reason_in_words() {
    let reason = remote::ConnectError::Refused("no such shell".to_owned());
    let outcome = Outcome::Unreachable(remote::Unreachable { hop: "ops@n1:22".to_owned(), reason });
    let told = "it does not start the command: no such shell";
    let told_of = |end| RunEnding::of(&outcome, end);
    assert_eq!(told_of("ops@n1:22"), RunEnding::Unreachable(told.to_owned()));
    let on_the_way = format!("ops@n1:22: {told}");
    assert_eq!(told_of("ops@n2:22"), RunEnding::Unreachable(on_the_way), "n1 was a jump host");
    assert_eq!(RunEnding::of(&Outcome::Exit(3), "ops@n1:22"), RunEnding::Exit(3));
}

#[test]
fn what_was_printed_keeps_its_order_over_both_streams_and_over_several_news() {
    let desk = Desk::new();
    let mut recording = desk.begin(new(1, &["a", "b"]));
    let run = recording.news().run;
    recording.printed(0, false, b"1");
    recording.printed(1, false, b"of b");
    recording.printed(0, false, b"2");
    recording.printed(0, true, b"3");
    desk.go_on(recording.news());
    recording.printed(0, true, b"4");
    recording.printed(0, false, b"5");
    desk.go_on(recording.over(Duration::ZERO, false));
    let output = desk.journal.run_output(run, 0).unwrap();
    assert_eq!(
        output,
        [printed(false, b"12"), printed(true, b"3"), printed(true, b"4"), printed(false, b"5")]
    );
    assert_eq!(desk.journal.run_output(run, 1).unwrap(), [printed(false, b"of b")]);
    assert_eq!(desk.journal.run_output(run, 2).unwrap(), []);
}

#[test]
fn of_a_run_that_nobody_saw_the_end_of_there_is_what_was_written() {
    let desk = Desk::new();
    let mut recording = desk.begin(new(1, &["a", "b", "c"]));
    recording.ended(0, RunEnding::Exit(0), Duration::from_secs(1));
    recording.printed(1, false, b"half");
    let news = recording.news();
    let run = news.run;
    desk.go_on(news);
    recording.ended(1, RunEnding::Exit(0), Duration::from_secs(1));
    drop(recording);
    let back = desk.journal.runs(&RunQuery::default()).unwrap().remove(0);
    assert_eq!((back.lasted, back.machines, back.failed), (None, 3, 2));
    let endings: Vec<_> =
        desk.journal.run_machines(run).unwrap().into_iter().map(|machine| machine.ending).collect();
    assert_eq!(endings, [Some(RunEnding::Exit(0)), None, None]);
    assert_eq!(desk.journal.run_output(run, 1).unwrap(), [printed(false, b"half")]);
}

#[test]
fn of_a_machine_that_prints_without_end_the_first_is_kept_and_the_rest_counted() {
    let mut recording = Recording::new(1, 2);
    for _ in 0..1000 {
        recording.printed(0, false, &[b'y'; 1000]);
        recording.printed(1, false, b"o");
        recording.printed(1, true, b"e");
    }
    recording.ended(0, RunEnding::Cancelled, Duration::ZERO);
    let news = recording.over(Duration::ZERO, true);
    let of = |machine| news.output.iter().filter(move |piece| piece.machine == machine);
    let bytes: usize = of(0).map(|piece| piece.printed.bytes.len()).sum();
    assert_eq!((of(0).count(), bytes), (1, OUTPUT_EACH - 64));
    assert_eq!(news.ended[0].out, 1_000_000);
    assert_eq!(of(1).count(), OUTPUT_EACH / 65, "single bytes count for the rows they make");
}

#[test]
fn what_is_gathered_is_due_before_it_is_much_and_all_machines_together_have_a_cap() {
    let mut recording = Recording::new(1, 5000);
    let (mut most, mut all) = (0, 0);
    let mut count = |news: &RunNews| {
        let bytes: usize = news.output.iter().map(|piece| piece.printed.bytes.len()).sum();
        (most, all) = (most.max(bytes), all + bytes);
    };
    for machine in 0..5000 {
        recording.printed(machine, false, &vec![b'y'; 2 * OUTPUT_EACH]);
        if let Some(news) = recording.due() {
            count(&news);
        }
    }
    count(&recording.over(Duration::ZERO, false));
    assert!(most <= 1024 * 1024 + OUTPUT_EACH, "{most}");
    assert!(all <= OUTPUT_RUN && all > OUTPUT_RUN - 5000 * 64, "{all}");
}

#[test]
fn a_thousand_machines_that_have_ended_are_one_transaction() {
    let desk = Desk::new();
    let names: Vec<String> = (0..1000).map(|number| format!("n{number}")).collect();
    let mut recording = desk.begin(new(1, &names.iter().map(String::as_str).collect::<Vec<_>>()));
    for place in 0..1000 {
        recording.ended(place, RunEnding::Exit(0), Duration::ZERO);
        assert!(recording.due().is_none());
    }
    desk.go_on(recording.over(Duration::ZERO, false));
    let run = desk.journal.runs(&RunQuery::default()).unwrap().remove(0);
    assert_eq!((run.machines, run.failed), (1000, 0));
}

#[test]
fn runs_may_be_narrowed_by_time_machine_text_and_number() {
    let desk = Desk::new();
    let _ = desk.begin(new(1, &["web", "db"]));
    let _ = desk.begin(NewRun { command: "df -h 100%".to_owned(), ..new(2, &["db"]) });
    let _ = desk.begin(NewRun { targets: "@机房".to_owned(), ..new(3, &["web2"]) });
    let search = |text: &str| RunQuery { search: Some(text.to_owned()), ..RunQuery::default() };
    let of = |machines: &[&str]| {
        let machines = machines.iter().map(|&name| name.to_owned()).collect();
        RunQuery { machines: Some(machines), ..RunQuery::default() }
    };
    assert_eq!(desk.runs(&RunQuery::default()), [3, 2, 1]);
    assert_eq!(desk.runs(&RunQuery { since: Some(at(2)), ..RunQuery::default() }), [3, 2]);
    assert_eq!(desk.runs(&RunQuery { newest: Some(1), ..RunQuery::default() }), [3]);
    assert_eq!(desk.runs(&search("UNAME")), [3, 1]);
    assert_eq!(desk.runs(&search("0%")), [2], "no wildcard");
    assert_eq!(desk.runs(&search("机房")), [3]);
    assert_eq!(desk.runs(&of(&["db"])), [2, 1]);
    assert_eq!(desk.runs(&of(&["web.lab"])), [1], "by its host");
    assert_eq!(desk.runs(&of(&["web", "web2"])), [3, 1]);
    assert_eq!(desk.runs(&of(&[])), [0; 0]);
    assert_eq!(desk.runs(&RunQuery { newest: Some(1), ..of(&["db"]) }), [2]);
}

#[test]
fn a_copy_and_a_shell_stand_beside_runs_and_are_told_apart() {
    let desk = Desk::new();
    let paths = || "motd n1:/etc/".to_owned();
    let mut copy = desk.begin(NewRun { verb: RunVerb::Copy, command: paths(), ..new(1, &["n1"]) });
    let copied = Copied { files: 3, bytes: 4_000_000_000 };
    copy.copied(copied);
    desk.go_on(copy.over(Duration::ZERO, false));
    let _ = desk.begin(NewRun { verb: RunVerb::Copy, command: paths(), ..new(2, &["n1"]) });
    let _ = desk.begin(NewRun { verb: RunVerb::Shell, command: String::new(), ..new(3, &["n1"]) });
    let _ = desk.begin(new(4, &["n1"]));
    let of = |verb| RunQuery { verb, ..RunQuery::default() };
    assert_eq!(desk.runs(&of(None)), [4, 3, 2, 1]);
    assert_eq!(desk.runs(&of(Some(RunVerb::Run))), [4]);
    assert_eq!(desk.runs(&of(Some(RunVerb::Shell))), [3]);
    let copies = desk.journal.runs(&of(Some(RunVerb::Copy))).unwrap();
    assert_eq!(copies.iter().map(|copy| copy.copied).collect::<Vec<_>>(), [None, Some(copied)]);
    assert!(copies.iter().all(|copy| copy.verb == RunVerb::Copy && copy.command == paths()));
}

#[test]
fn what_is_old_is_forgotten_with_its_output_and_news_of_it_are_lost() {
    let desk = Desk::new();
    let mut old = desk.begin(new(1, &["a"]));
    let mut young = desk.begin(new(3, &["b"]));
    for recording in [&mut old, &mut young] {
        recording.printed(0, false, b"x");
        desk.go_on(recording.news());
    }
    assert_eq!(desk.journal.forget(at(3)).unwrap(), Forgotten { runs: 1, ..Forgotten::default() });
    assert_eq!(desk.runs(&RunQuery::default()), [3]);
    assert_eq!((desk.count("run_machines"), desk.count("run_output")), (1, 1));
    desk.journal.forget(at(4)).unwrap();
    let next = desk.begin(new(5, &["c"]));
    for mut recording in [old, young] {
        recording.printed(0, false, b"late");
        recording.ended(0, RunEnding::Exit(0), Duration::ZERO);
        assert!(!desk.keep(Change::RunWent(recording.over(Duration::ZERO, true))).is_new);
    }
    assert_eq!(desk.count("run_output"), 0);
    assert_eq!(
        desk.journal.runs(&RunQuery::default()).unwrap()[0].lasted,
        None,
        "nothing is taken for another's"
    );
    drop(next);
}

#[test]
fn whoever_runs_without_end_pushes_out_the_oldest_and_fills_no_disk() {
    let desk = Desk::new();
    let row = "
        INSERT INTO runs (id, at, by, targets, command, machines, cancelled, bytes)
        VALUES (?1, ?1 * 1000000, '', '', '', 0, 0, ?2)";
    let runs = |rows: &[(i64, usize)]| {
        for &(id, bytes) in rows {
            desk.journal.database.execute(row, (id, integer(bytes))).unwrap();
        }
    };
    runs(&[(1, 0), (2, 0), (RUNS_MAX, 0), (RUNS_MAX + 1, 0)]);
    let _ = desk.begin(new(0, &["a"]));
    let mut query = RunQuery::default();
    assert_eq!(desk.runs(&query), [RUNS_MAX + 1, RUNS_MAX, 0], "{RUNS_MAX} places from the new one down");
    // What a run may take is free when it begins.
    let third = (RUNS_BYTES - OUTPUT_RUN) / 3;
    query.since = Some(at(RUNS_MAX + 2));
    runs(&[(RUNS_MAX + 3, third), (RUNS_MAX + 4, third), (RUNS_MAX + 5, third)]);
    let _ = desk.begin(new(RUNS_MAX + 6, &["a"]));
    assert_eq!(desk.runs(&query), [RUNS_MAX + 6, RUNS_MAX + 5, RUNS_MAX + 4]);
}
