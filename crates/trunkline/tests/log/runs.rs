//! What was run: in the list, and the last of it again.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use node::journal::{Change, NewRun, OUTPUT_EACH, Recording, RunEnding, RunTarget, RunVerb};
use serde_json::{Value, json};

use crate::home::Home;
use crate::{connections, home_with, home_with_all, keep, shown};

/// When the run of [`forty`] began: before the newest connection.
const BEGUN: &str = "2026-11-22T07:00:00Z";

/// Forty machines of the book, of which n07 prints something else, n08 is not reached and n09 prints on standard error.
fn forty(home: &Home) {
    let run = NewRun {
        command: "uname -r\n\x1b[2J".to_owned(),
        targets: "n[01-40]".to_owned(),
        machines: (1..=40)
            .map(|n| RunTarget { name: format!("n{n:02}"), host: format!("10.1.0.{n}") })
            .collect(),
        ..new_run()
    };
    let row = keep(home, Change::RunBegan(run));
    let mut recording = Recording::new(row, 40);
    for place in 0..40 {
        let ending = match place {
            7 => RunEnding::Unreachable("connection refused".to_owned()),
            8 => RunEnding::Exit(3),
            _ => RunEnding::Exit(0),
        };
        match place {
            6 => recording.printed(place, false, b"6.1.0-13 amd64\n"),
            7 => {}
            8 => recording.printed(place, true, b"uname: not found\n"),
            _ => recording.printed(place, false, b"6.1.0-18 amd64\n"),
        }
        recording.ended(place, ending, Duration::from_millis(3));
    }
    keep(home, Change::RunWent(recording.over(Duration::from_millis(1_250), false)));
}

/// On one machine that is in no book.
fn new_run() -> NewRun {
    NewRun {
        verb: RunVerb::Run,
        at: BEGUN.parse().unwrap(),
        by: "wang".to_owned(),
        targets: "root@10.0.0.66:2222".to_owned(),
        command: "true".to_owned(),
        machines: vec![RunTarget { name: "root@10.0.0.66:2222".to_owned(), host: "10.0.0.66".to_owned() }],
    }
}

/// What a run prints that has to be good, by a clock that is known.
fn at_shanghai(home: &Home, arguments: &[&str]) -> String {
    let mut command = home.command(env!("CARGO_BIN_EXE_trunkline"));
    let output = command.args(arguments).env("TZ", "UTC-8").output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn runs_stand_among_the_others_with_their_machines_folded_and_their_end_in_words() {
    let home = home_with(connections());
    forty(&home);
    assert_eq!(
        at_shanghai(&home, &["log", "-n", "2"]),
        r"TIME                 LINE     WHO            RESULT                  WHAT
2026-11-22 15:00:00  run      n[01-40] (40)  38 ok, 2 failed, 1.2 s  wang ran uname -r
                                                                     \x1b[2J
2026-11-22 16:00:00  forward                 error: no route\nhome   unix-dgram:/run/\x1b]0;root\x07会议\u{202e} at tcp://10.0.0.1:8080: 5 bytes came, 1234 went, 1.250 s
"
    );
}

#[test]
fn of_one_machine_the_list_says_how_it_ended() {
    let results = [
        (Some(RunEnding::Exit(0)), "ok, 40 ms"),
        (Some(RunEnding::Exit(3)), "exit 3, 40 ms"),
        (Some(RunEnding::Cancelled), "cancelled, 40 ms"),
        (Some(RunEnding::Lost("\x1b[2J".to_owned())), r"connection lost: \x1b[2J, 40 ms"),
        (None, "nobody saw how it ended"),
    ];
    for (ending, says) in results {
        let home = Home::empty();
        let row = keep(&home, Change::RunBegan(new_run()));
        if let Some(ending) = ending {
            let mut recording = Recording::new(row, 1);
            let cancelled = ending == RunEnding::Cancelled;
            recording.ended(0, ending, Duration::ZERO);
            keep(&home, Change::RunWent(recording.over(Duration::from_millis(40), cancelled)));
        }
        let list = at_shanghai(&home, &["log"]);
        let line = list.lines().nth(1).unwrap();
        assert_eq!(line, format!("2026-11-22 15:00:00  run   root@10.0.0.66:2222  {says}  wang ran true"));
    }
}

#[test]
fn runs_are_narrowed_by_machine_time_and_text_as_all_else() {
    let home = home_with_all();
    forty(&home);
    let command = "uname -r\n\x1b[2J";
    assert_eq!(shown(&home, &["n33"]), [command]);
    assert_eq!(shown(&home, &["@lab", "--since", "2026-11-22T00:00:00Z"]), [command]);
    assert_eq!(shown(&home, &["10.1.0.33"]), [command]);
    assert_eq!(shown(&home, &["--search", "UNAME"]), [command]);
    assert_eq!(shown(&home, &["--search", "n[01-40]"]), [command]);
    assert_eq!(shown(&home, &["-n", "4"])[0], command);
    assert!(!shown(&home, &["printer"]).contains(&command.to_owned()));
    assert_eq!(home.shows(&["log", "张三"]), "Nothing in the journal fits.\n");
}

#[test]
fn a_machine_that_is_in_no_book_is_found_by_the_name_it_was_run_by() {
    let home = home_with(connections());
    keep(&home, Change::RunBegan(new_run()));
    let elsewhere = NewRun {
        machines: vec![RunTarget { name: "bastion".to_owned(), host: "bastion.lab".to_owned() }],
        command: "uptime".to_owned(),
        ..new_run()
    };
    keep(&home, Change::RunBegan(elsewhere));
    assert_eq!(shown(&home, &["bastion"]), ["uptime"]);
    assert_eq!(shown(&home, &["10.0.0.66"]), ["true"]);
    assert!(home.fails(2, &["log", "bastien"]).contains("not in the book"));
}

#[test]
fn json_has_a_run_with_its_machines() {
    let home = Home::empty();
    forty(&home);
    let run: Value = serde_json::from_str(&home.shows(&["log", "--json"])).unwrap();
    let machines = run["machines"].as_array().unwrap();
    assert_eq!(machines.len(), 40);
    let without = |key| {
        let mut run = run.clone();
        run.as_object_mut().unwrap().remove(key);
        run
    };
    assert_eq!(
        without("machines"),
        json!({
            "kind": "run", "time": BEGUN, "by": "wang", "targets": "n[01-40]", "command": "uname -r\n\x1b[2J",
            "seconds": 1.25, "cancelled": false,
        })
    );
    assert_eq!(
        machines[7..9],
        [
            json!({
                "name": "n08", "host": "10.1.0.8", "outcome": "unreachable", "reason": "connection refused",
                "seconds": 0.003, "out": 0, "err": 0,
            }),
            json!({
                "name": "n09", "host": "10.1.0.9", "outcome": "exit", "exit": 3, "seconds": 0.003, "out": 0, "err": 17,
            }),
        ]
    );
}

#[test]
fn the_last_run_is_shown_again_folded_and_with_who_failed() {
    let home = home_with(connections());
    forty(&home);
    assert_eq!(
        at_shanghai(&home, &["log", "last"]),
        "2026-11-22 15:00:00 on n[01-40] (40): wang ran uname -r\n\
         \\x1b[2J\n\
         --- n[01-06,10-40] (37)\n\
         6.1.0-18 amd64\n\
         --- n07 (1)\n\
         ~ 6.1.0-13 amd64\n\
         --- n09 (1), standard error, exit 3\n\
         ~ uname: not found\n\
         2 of 40 failed, 38 ok in 1.2 s\n  \
           n09: exit 3\n  \
           n08: no connection: connection refused\n"
    );
}

#[test]
fn last_is_the_last_that_fits() {
    let home = Home::empty();
    forty(&home);
    let later = NewRun { at: Timestamp::now(), ..new_run() };
    keep(&home, Change::RunBegan(later));
    assert!(home.shows(&["log", "last"]).ends_with(
        "on root@10.0.0.66:2222: wang ran true\n\
         1 of 1 failed, 0 ok\n  root@10.0.0.66:2222: nobody saw how it ended\n"
    ));
    assert!(home.shows(&["log", "last", "--search", "uname"]).contains("--- n07 (1)"));
    assert_eq!(home.shows(&["log", "last", "--search", "rm -r"]), "No run in the journal fits.\n");
    assert_eq!(home.shows(&["log", "last", "--search", "rm -r", "--json"]), "");
    assert!(home.fails(2, &["log", "last", "-n", "2"]).contains("leave out -n"));
}

#[test]
fn without_a_run_there_is_no_last_one() {
    assert_eq!(Home::empty().shows(&["log", "last"]), "No run in the journal fits.\n");
}

#[test]
fn what_the_journal_did_not_keep_is_told_and_what_it_kept_can_be_had_byte_for_byte() {
    let home = Home::empty();
    let row = keep(&home, Change::RunBegan(new_run()));
    let mut recording = Recording::new(row, 1);
    let noise: Vec<u8> = (0..=255).cycle().take(OUTPUT_EACH * 2).collect();
    recording.printed(0, false, &noise);
    recording.printed(0, true, b"too late\n");
    recording.ended(0, RunEnding::Exit(0), Duration::ZERO);
    keep(&home, Change::RunWent(recording.over(Duration::ZERO, false)));

    let output = home.command(env!("CARGO_BIN_EXE_trunkline")).args(["log", "last"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("\n... 65600 bytes more were not kept; run --out keeps everything\n"), "{text}");
    assert!(text.ends_with(
        "--- root@10.0.0.66:2222 (1), standard error\n\
         ... 9 bytes more were not kept; run --out keeps everything\n\
         all 1 ok in 0.0 s\n"
    ));

    let lines = home.shows(&["log", "last", "--json"]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["machines"][0]["out"], OUTPUT_EACH * 2);
    let kinds: Vec<_> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("run", "end"));
    let printed: Vec<u8> = lines[1..lines.len() - 1].iter().flat_map(bytes).collect();
    assert_eq!(printed, noise[..printed.len()]);
    assert_eq!(printed.len(), OUTPUT_EACH * 2 - 65_600);
}

/// What a line of `out` says was printed.
fn bytes(line: &Value) -> Vec<u8> {
    assert_eq!((&line["kind"], &line["machine"]), (&json!("out"), &json!("root@10.0.0.66:2222")));
    match (&line["base64"], &line["text"]) {
        (Value::String(base64), _) => STANDARD.decode(base64).unwrap(),
        (_, text) => text.as_str().unwrap().as_bytes().to_vec(),
    }
}
