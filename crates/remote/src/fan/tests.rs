use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::attend::attend;
use super::input::Feed;
use super::outlet::Queue;
use super::{Event, GRACE, Plan, Run, Stop, WAITING_ALL, WAITING_EACH, What};
use crate::client::{Client, Flow};
use crate::command::Command;
use crate::dial::{Dial, Dialing};
use crate::outcome::{ConnectError, Outcome};
use crate::testing::Person;
use crate::transport::Signal;

mod land;

use land::{Door, Land, Story, THINKS, asks, late, never, opens, source, stories};

fn at_once(number: usize) -> Plan {
    Plan { at_once: NonZeroUsize::new(number).unwrap(), ..Plan::default() }
}

/// Exited with this status.
fn exited(story: &Story, status: u32) -> bool {
    matches!(story.outcome, Some(Outcome::Exit(exit)) if exit == status)
}

fn cancelled(story: &Story) -> bool {
    matches!(story.outcome, Some(Outcome::Cancelled))
}

/// Lets everything happen that can without more time or reading.
async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn each_machine_tells_its_output_apart_and_its_status() {
    let land = Land::new(|name, far| {
        let status = name[1..].parse().unwrap();
        opens(async move {
            far.say("to the one side\n").await;
            far.complain("to the other\n").await;
            Outcome::Exit(status)
        })
    });
    let stories = stories(&mut land.run(3, Plan::default(), &Stop::default()), 3).await;
    for (story, status) in stories.iter().zip(0..) {
        assert!(story.started && exited(story, status), "{story:?}");
        assert_eq!((&story.out[..], &story.err[..]), (&b"to the one side\n"[..], &b"to the other\n"[..]));
    }
    assert!(land.seen().contains(&"n0: closed".to_owned()), "politely");
}

#[tokio::test(start_paused = true)]
async fn no_machines_are_no_events() {
    let land = Land::new(|_, _| Door::Refuses);
    assert!(land.run(0, Plan::default(), &Stop::default()).next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_thousand_machines_take_their_turns_in_order_and_never_more_than_may_at_once() {
    let land = Land::new(|_, far| {
        late(1, async move {
            far.say("x").await;
            Outcome::Exit(0)
        })
    });
    let begun = Instant::now();
    let mut fan = land.run(1000, at_once(100), &Stop::default());
    let mut started = Vec::new();
    let mut ended = 0;
    while let Some(Event { machine, what }) = fan.next().await {
        match what {
            What::Started => started.push(machine),
            What::Ended(Outcome::Exit(0)) => ended += 1,
            what => assert!(matches!(&what, What::Out(bytes) if bytes == "x"), "{what:?}"),
        }
    }
    assert_eq!((ended, land.most_under_way()), (1000, 100));
    assert!(
        started
            .chunks(100)
            .zip((0..).step_by(100))
            .all(|(turn, first)| turn.iter().all(|machine| (first..first + 100).contains(machine)))
    );
    assert_eq!(begun.elapsed().as_secs(), 10, "ten turns of a second each");
}

#[tokio::test(start_paused = true)]
async fn refusing_silent_slow_and_broken_machines_delay_no_other() {
    let land = Land::new(|name, far| match name {
        "n0" => Door::Refuses,
        "n1" => Door::Silent,
        "n2" => opens(never()),
        "n3" => opens(far.flood(32 * 1024)),
        "n4" => opens(async { Outcome::Lost("connection reset by the far side".to_owned()) }),
        _ => opens(async { Outcome::Exit(0) }),
    });
    let plan = Plan {
        connect_limit: Some(Duration::from_secs(10)),
        command_limit: Some(Duration::from_secs(20)),
        ..at_once(5)
    };
    let begun = Instant::now();
    let mut fan = land.run(100, plan, &Stop::default());
    let mut good = 0;
    while good < 95 {
        match fan.next().await.unwrap().what {
            What::Ended(Outcome::Exit(0)) => good += 1,
            What::Ended(Outcome::TimedOut(_)) => panic!("only after {good}"),
            _ => {}
        }
    }
    assert_eq!(begun.elapsed(), Duration::ZERO, "two places are enough for all that is well");
}

#[tokio::test(start_paused = true)]
async fn a_start_that_takes_too_long_is_given_up_with_what_was_under_way() {
    let land = Land::new(|_, _| Door::Silent);
    let plan = Plan { connect_limit: Some(Duration::from_secs(3)), ..Plan::default() };
    let begun = Instant::now();
    let stories = stories(&mut land.run(1, plan, &Stop::default()), 1).await;
    let Some(Outcome::Unreachable(unreachable)) = &stories[0].outcome else { panic!("{stories:?}") };
    assert_eq!(unreachable.to_string(), "ops@n0:22: no answer within 3 s; what was under way: handshake");
    assert_eq!((begun.elapsed().as_secs(), land.under_way()), (3, 0));
    assert!(!stories[0].started);
}

#[tokio::test(start_paused = true)]
async fn no_start_is_out_of_time_while_a_person_is_asked() {
    let land = Land::new(|name, _| match name {
        "n0" => asks(async { Outcome::Exit(0) }),
        // Its gate may be what the person is asked about.
        "n1" => late(60, async { Outcome::Exit(0) }),
        _ => Door::Silent,
    });
    let plan = Plan { connect_limit: Some(Duration::from_secs(3)), ..Plan::default() };
    let begun = Instant::now();
    let stories = stories(&mut land.run(3, plan, &Stop::default()), 3).await;
    assert!(exited(&stories[0], 0) && exited(&stories[1], 0), "{stories:?}");
    let Some(Outcome::Unreachable(unreachable)) = &stories[2].outcome else { panic!("{stories:?}") };
    assert!(matches!(unreachable.reason, ConnectError::Timeout { .. }));
    assert_eq!(begun.elapsed(), THINKS + Duration::from_secs(3), "before and after it, time counts");
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_of_the_run_the_machines_own_holds() {
    let land = Land::new(|_, _| Door::Silent);
    let stories = stories(&mut land.run(1, Plan::default(), &Stop::default()), 1).await;
    let Some(Outcome::Unreachable(unreachable)) = &stories[0].outcome else { panic!("{stories:?}") };
    let limit = Duration::from_secs(90);
    assert!(matches!(unreachable.reason, ConnectError::Timeout { limit: it, .. } if it == limit));
}

#[tokio::test(start_paused = true)]
async fn a_command_that_takes_too_long_is_ended_over_there_and_its_last_words_are_heard() {
    let land = Land::new(|_, far| opens(far.until(&[Signal::Terminate])));
    let limit = Duration::from_secs(5);
    let plan = Plan { command_limit: Some(limit), ..Plan::default() };
    let begun = Instant::now();
    let stories = stories(&mut land.run(1, plan, &Stop::default()), 1).await;
    assert!(matches!(stories[0].outcome, Some(Outcome::TimedOut(it)) if it == limit), "{stories:?}");
    assert_eq!(stories[0].out, b"dying words");
    assert_eq!(land.seen(), ["n0: Terminate", "n0: closed", "n0: dropped"]);
    assert_eq!(begun.elapsed(), limit, "nobody waits for what has ended");
}

#[tokio::test(start_paused = true)]
async fn a_command_that_no_signal_ends_loses_its_connection_after_a_grace() {
    let land = Land::new(|_, far| opens(far.until(&[])));
    let limit = Duration::from_secs(5);
    let plan = Plan { command_limit: Some(limit), ..Plan::default() };
    let begun = Instant::now();
    let stories = stories(&mut land.run(1, plan, &Stop::default()), 1).await;
    assert!(matches!(stories[0].outcome, Some(Outcome::TimedOut(_))), "{stories:?}");
    assert_eq!(land.seen(), ["n0: Terminate", "n0: Kill", "n0: closed", "n0: dropped"]);
    assert_eq!(begun.elapsed(), limit + 2 * GRACE);
}

#[tokio::test(start_paused = true)]
async fn the_command_limit_counts_from_when_the_command_began() {
    let land = Land::new(|_, _| late(30, async { Outcome::Exit(0) }));
    let plan = Plan { command_limit: Some(Duration::from_secs(1)), ..Plan::default() };
    let stories = stories(&mut land.run(1, plan, &Stop::default()), 1).await;
    assert!(exited(&stories[0], 0), "{stories:?}");
}

#[tokio::test(start_paused = true)]
async fn the_command_limit_holds_while_nobody_reads_what_is_printed() {
    let land = Land::new(|_, far| opens(far.flood(32 * 1024)));
    let plan = Plan { command_limit: Some(Duration::from_secs(5)), ..Plan::default() };
    let mut fan = land.run(2, plan, &Stop::default());
    sleep(Duration::from_secs(8)).await;
    assert_eq!(land.under_way(), 0);
    let stories = stories(&mut fan, 2).await;
    assert!(stories.iter().all(|story| matches!(story.outcome, Some(Outcome::TimedOut(_)))));
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_cancels_all_others_if_it_is_to() {
    let fails: [fn() -> Door; 3] = [
        || Door::Refuses,
        || opens(async { Outcome::Exit(1) }),
        || opens(async { Outcome::Signal { name: "SEGV".to_owned(), core: true } }),
    ];
    for fail in fails {
        let land = Land::new(move |name, far| match name {
            "n0" => opens(far.until(&[Signal::Interrupt])),
            "n1" => Door::Silent,
            "n2" => fail(),
            _ => opens(async { Outcome::Exit(0) }),
        });
        let plan = Plan { stop_at_first_failure: true, ..at_once(3) };
        let stories = stories(&mut land.run(9, plan, &Stop::default()), 9).await;
        assert!(cancelled(&stories[0]) && stories[0].started && stories[0].out == b"dying words");
        assert!(cancelled(&stories[1]) && !stories[1].started);
        assert!(!cancelled(&stories[2]) && !stories[2].outcome.as_ref().unwrap().is_success());
        assert!(stories[3..].iter().all(|story| cancelled(story) && !story.started), "{stories:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_defect_on_one_machine_ends_that_machine_and_no_other() {
    let land = Land::new(|name, _| match name {
        "n0" => Door::Breaks,
        _ => opens(async { Outcome::Exit(0) }),
    });
    let stories = stories(&mut land.run(3, at_once(1), &Stop::default()), 3).await;
    let Some(Outcome::Lost(reason)) = &stories[0].outcome else { panic!("{stories:?}") };
    assert!(reason.contains("a defect of this program"), "{reason}");
    assert!(exited(&stories[1], 0) && exited(&stories[2], 0), "{stories:?}");
}

#[tokio::test(start_paused = true)]
async fn otherwise_a_failure_cancels_nothing() {
    let land = Land::new(|name, _| match name {
        "n0" => Door::Refuses,
        "n1" => opens(async { Outcome::Exit(1) }),
        _ => opens(async { Outcome::Exit(0) }),
    });
    let stories = stories(&mut land.run(4, at_once(1), &Stop::default()), 4).await;
    assert!(exited(&stories[1], 1) && exited(&stories[2], 0) && exited(&stories[3], 0));
}

#[tokio::test(start_paused = true)]
async fn cancelled_politely_what_runs_is_ended_over_there_and_the_rest_never_begins() {
    let land = Land::new(|name, far| match name {
        "n0" => opens(async { Outcome::Exit(0) }),
        "n1" => opens(far.until(&[Signal::Interrupt])),
        "n2" => opens(far.until(&[Signal::Terminate])),
        "n3" => opens(far.until(&[])),
        "n4" => Door::Silent,
        _ => opens(async { Outcome::Exit(0) }),
    });
    let stop = Stop::default();
    let mut fan = land.run(9, at_once(4), &stop);
    settle().await;
    let begun = Instant::now();
    stop.politely.cancel();
    let stories = stories(&mut fan, 9).await;
    assert!(exited(&stories[0], 0), "it had ended before");
    assert!(stories[1..].iter().all(cancelled), "{stories:?}");
    assert_eq!(stories.iter().filter(|story| story.started).count(), 4);
    let signals = |name: &str| {
        let seen = land.seen();
        let of_it = seen.iter().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        of_it.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(signals("n1"), ["Interrupt", "closed", "dropped"]);
    assert_eq!(signals("n2"), ["Interrupt", "Terminate", "closed", "dropped"]);
    assert_eq!(signals("n3"), ["Interrupt", "Terminate", "Kill", "closed", "dropped"]);
    assert_eq!(begun.elapsed(), 3 * GRACE);
}

#[tokio::test(start_paused = true)]
async fn cancelled_at_once_every_connection_is_dropped() {
    let land = Land::new(|name, far| match name {
        "n0" => opens(far.until(&[])),
        "n1" => Door::Silent,
        "n2" => opens(far.flood(32 * 1024)),
        _ => opens(async { Outcome::Exit(0) }),
    });
    let stop = Stop::default();
    let mut fan = land.run(9, at_once(3), &stop);
    settle().await;
    stop.politely.cancel();
    sleep(GRACE / 2).await;
    let begun = Instant::now();
    stop.now.cancel();
    let stories = stories(&mut fan, 9).await;
    assert!(stories.iter().all(cancelled), "{stories:?}");
    assert_eq!((begun.elapsed(), land.under_way()), (Duration::ZERO, 0));
    let seen = land.seen();
    assert!(seen.contains(&"n0: Interrupt".to_owned()) && seen.contains(&"n0: dropped".to_owned()));
    assert!(!seen.iter().any(|line| line.ends_with("closed")), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn cancelled_before_it_begins_no_machine_is_asked() {
    let land = Land::new(|_, _| panic!("nobody is to come here"));
    for cancel in [|stop: &Stop| stop.politely.cancel(), |stop: &Stop| stop.now.cancel()] {
        let stop = Stop::default();
        cancel(&stop);
        let stories = stories(&mut land.run(3, at_once(1), &stop), 3).await;
        assert!(stories.iter().all(|story| cancelled(story) && !story.started));
    }
}

#[tokio::test(start_paused = true)]
async fn who_drops_the_run_drops_its_connections_and_no_other_run() {
    let land = Land::new(|_, _| opens(never()));
    let stop = Stop::default();
    let (one, other) = (land.run(3, Plan::default(), &stop), land.run(4, Plan::default(), &stop));
    settle().await;
    assert_eq!(land.under_way(), 7);
    drop(one);
    settle().await;
    assert_eq!(land.under_way(), 4);
    drop(other);
}

#[tokio::test(start_paused = true)]
async fn a_flood_that_nobody_reads_waits_over_there() {
    const PIECE: usize = 32 * 1024;
    let land = Land::new(|_, far| opens(far.flood(PIECE)));
    let _fan = land.run(1, Plan::default(), &Stop::default());
    settle().await;
    assert_eq!(land.bytes_taken(), WAITING_EACH + PIECE, "its share, and the piece in hand");
}

#[tokio::test(start_paused = true)]
async fn floods_from_everywhere_share_what_may_wait() {
    const PIECE: usize = 32 * 1024;
    let land = Land::new(|_, far| opens(far.flood(PIECE)));
    let _fan = land.run(500, at_once(500), &Stop::default());
    settle().await;
    assert_eq!(land.bytes_taken(), WAITING_ALL + 500 * PIECE, "what may wait, and a piece in each hand");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_single_bytes_counts_for_the_memory_it_takes() {
    let land = Land::new(|_, far| opens(far.flood(1)));
    let _fan = land.run(1, Plan::default(), &Stop::default());
    settle().await;
    assert!(land.bytes_taken() <= WAITING_EACH / 200, "{}", land.bytes_taken());
}

#[tokio::test(start_paused = true)]
async fn a_flood_keeps_nobody_elses_line_waiting() {
    const PIECE: usize = 32 * 1024;
    let land = Land::new(|name, far| match name {
        "n0" => opens(far.flood(PIECE)),
        _ => opens(async move {
            sleep(Duration::from_secs(1)).await;
            far.say("a line").await;
            Outcome::Exit(0)
        }),
    });
    let mut fan = land.run(9, Plan::default(), &Stop::default());
    sleep(Duration::from_secs(2)).await;
    let (mut flood, mut lines) = (0, 0);
    while lines < 8 {
        match fan.next().await.unwrap() {
            Event { machine: 0, what: What::Out(bytes) } => flood += bytes.len(),
            Event { what: What::Out(_), .. } => lines += 1,
            _ => {}
        }
    }
    assert!(flood <= WAITING_EACH + PIECE, "{flood} bytes came before");
}

#[tokio::test(start_paused = true)]
async fn a_piece_larger_than_a_share_passes_all_the_same() {
    let land = Land::new(|_, far| {
        opens(async move {
            far.say(vec![0; 3 * WAITING_EACH]).await;
            Outcome::Exit(0)
        })
    });
    let stories = stories(&mut land.run(1, Plan::default(), &Stop::default()), 1).await;
    assert_eq!(stories[0].out.len(), 3 * WAITING_EACH);
}

#[tokio::test(start_paused = true)]
async fn without_a_source_the_standard_input_is_empty() {
    let land = Land::new(|_, far| opens(far.cat()));
    let stories = stories(&mut land.run(2, Plan::default(), &Stop::default()), 2).await;
    assert!(stories.iter().all(|story| exited(story, 0) && story.out.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn one_machine_reads_what_comes_when_it_comes() {
    let land = Land::new(|_, far| opens(far.cat()));
    let (sender, source) = mpsc::channel(1);
    let mut fan = land.run_with(1, Plan::default(), Some(source), &Stop::default());
    for word in ["one ", "two ", "three"] {
        sender.send(Ok(word.into())).await.unwrap();
        settle().await;
        assert_eq!(sender.capacity(), 1, "it is taken at once");
    }
    drop(sender);
    assert_eq!(stories(&mut fan, 1).await[0].out, b"one two three");
}

#[tokio::test(start_paused = true)]
async fn every_machine_reads_all_of_the_input_also_one_that_begins_late_or_reads_late() {
    let pieces: Vec<Bytes> = (0..50u8).map(|byte| vec![byte; 7000].into()).collect();
    let all = pieces.concat();
    let land = Land::new(|name, far| match name {
        "n1" => late(7, far.cat()),
        "n2" => opens(async move {
            sleep(Duration::from_secs(9)).await;
            far.cat().await
        }),
        _ => opens(far.cat()),
    });
    let source = source(pieces.into_iter().map(Ok));
    let mut fan = land.run_with(20, at_once(4), Some(source), &Stop::default());
    for story in stories(&mut fan, 20).await {
        assert!(exited(&story, 0) && story.out == all);
    }
}

#[tokio::test(start_paused = true)]
async fn who_reads_nothing_delays_no_other_and_takes_no_memory() {
    let land = Land::new(|name, far| match name {
        "n0" => opens(async move {
            let _far = far;
            sleep(Duration::from_secs(3600)).await;
            Outcome::Exit(0)
        }),
        "n1" => opens(async move {
            drop(far.input);
            Outcome::Exit(3)
        }),
        _ => opens(far.cat()),
    });
    let source = source((0..100).map(|_| Ok(vec![0; 32 * 1024].into())));
    let begun = Instant::now();
    let mut fan = land.run_with(5, Plan::default(), Some(source), &Stop::default());
    let mut whole = 0;
    while whole < 3 {
        if let What::Out(bytes) = fan.next().await.unwrap().what {
            assert_eq!(bytes.len(), 100 * 32 * 1024);
            whole += 1;
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(3600));
}

#[tokio::test(start_paused = true)]
async fn an_endless_source_is_read_no_further_than_somebody_reads() {
    let land = Land::new(|_, mut far| {
        opens(async move {
            far.input.recv().await;
            Outcome::Exit(0)
        })
    });
    let (sender, source) = mpsc::channel(1);
    let yes = tokio::spawn(async move {
        let mut taken = 0;
        while sender.send(Ok(Bytes::from_static(&[b'y'; 1024]))).await.is_ok() {
            taken += 1;
        }
        taken
    });
    let mut fan = land.run_with(50, at_once(10), Some(source), &Stop::default());
    assert!(stories(&mut fan, 50).await.iter().all(|story| exited(story, 0)));
    let taken = yes.await.unwrap();
    assert!(taken < 50, "{taken} pieces, though no machine read more than a few");
}

#[tokio::test(start_paused = true)]
async fn after_half_of_its_input_no_command_takes_it_for_the_whole() {
    for machines in [1, 3] {
        let land = Land::new(|_, far| opens(far.cat()));
        let broken = || Err(io::Error::other("the pipe burst"));
        let source = source([Ok("half".into()), broken()]);
        let mut fan = land.run_with(machines, Plan::default(), Some(source), &Stop::default());
        for story in stories(&mut fan, machines).await {
            let Some(Outcome::Lost(reason)) = &story.outcome else { panic!("{story:?}") };
            assert_eq!(reason, "reading standard input: the pipe burst");
            assert!(story.out.is_empty(), "cat would have printed it at the end of its input");
        }
        assert!(land.seen().contains(&"n0: Terminate".to_owned()));
    }
}

/// Connects to nobody.
struct Nowhere;

impl Dial for Nowhere {
    fn dial<'a>(&'a self, _: &'a str, _: u16) -> Dialing<'a> {
        Box::pin(async { Err(io::ErrorKind::Unsupported.into()) })
    }
}

/// Futures within futures add up: it was 40 KiB for each machine once.
#[test]
fn what_sees_a_command_through_takes_a_few_kilobytes() {
    let transport = Arc::new(Client::new(Arc::new(Nowhere), Person::who_says(&[]), Flow::MANY));
    let (machines, command) = (Vec::new().into(), Arc::new(Command::new("true")));
    let run = Run { transport, machines, command, plan: Plan::default(), stop: Stop::default() };
    let (queue, _events) = Queue::new();
    let outlet = queue.outlet(0);
    let task = size_of_val(&attend(&run, 0, Feed::Nothing, &outlet));
    assert!(task < 4 * 1024, "{task}");
}
