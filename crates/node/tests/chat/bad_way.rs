//! Nodes that talk over a bad way: nothing is lost, and between two of ours nothing comes twice or out of its order.

use std::time::Duration;

use ipmsg::simulation::impair::Impairment;

use crate::support::iptux::{Event as Said, Iptux};
use crate::support::ours::Ours;
use crate::support::relay::Relay;

/// What the messages of a test may take together.
const ENOUGH: Duration = Duration::from_secs(900);

/// Three datagrams in ten are lost, some come twice, damaged, or after one that was sent later.
fn bad() -> Impairment {
    Impairment {
        loss: 0.3,
        duplicate: 0.1,
        flip: 0.02,
        delay: Duration::from_millis(200),
        jitter: Duration::from_millis(100),
        outages: Vec::new(),
    }
}

#[test]
fn between_two_of_ours_all_of_many_messages_arrive_once_and_in_order() {
    needs!("ip");
    between_two_of_ours(100);
}

#[test]
#[ignore = "cargo xtask soak chat: minutes"]
fn between_two_of_ours_all_of_a_thousand_messages_each_way_arrive_once_and_in_order() {
    needs!("ip");
    between_two_of_ours(1000);
}

#[test]
fn iptux_and_ours_lose_none_of_their_messages() {
    needs!("ip", "g++", "iptux-core");
    with_iptux(5);
}

#[test]
#[ignore = "cargo xtask soak chat: minutes"]
fn iptux_and_ours_lose_none_of_a_hundred_messages_each_way() {
    needs!("ip", "g++", "iptux-core");
    with_iptux(100);
}

fn between_two_of_ours(count: usize) {
    let (relay, [here, there]) = Relay::between_two_hosts(&bad(), 5);
    let (anna, wang) = (Ours::start(&here, "Anna"), Ours::start(&there, "Wang"));
    wang.wait_for_person(ENOUGH, here.address);
    anna.wait_for_person(ENOUGH, there.address);
    let texts: Vec<String> = (0..count).map(|number| format!("消息 {number}")).collect();
    std::thread::scope(|scope| {
        for (from, to) in [(&anna, "Wang"), (&wang, "Anna")] {
            let texts = &texts;
            scope.spawn(move || {
                for text in texts {
                    from.send(to, text);
                }
            });
        }
    });
    for ours in [&anna, &wang] {
        ours.wait_for_deliveries(ENOUGH, count);
    }
    // What is delivered was told before it was acknowledged.
    for ours in [&anna, &wang] {
        assert_eq!(ours.texts(), texts);
    }
    let [there_, back] = relay.tallies.look(|tallies| *tallies);
    assert!(there_.lost.min(back.lost) > 0 && there_.repeated > 0, "the way was good: {there_:?} {back:?}");
}

/// iptux gives a message up after four tries, and says so: only what it has given up may be missing here.
fn with_iptux(count: usize) {
    let (_relay, [here, there]) = Relay::between_two_hosts(&bad(), 7);
    let ours = Ours::start(&here, "Wang");
    let mut iptux = Iptux::start(&there, "Li", "");
    for _ in 0..20 {
        iptux.enter();
    }
    ours.wait_for_person(ENOUGH, there.address);
    iptux.wait_for_pal_within(ENOUGH, here.address);
    let texts: Vec<String> = (0..count).map(|number| format!("消息 {number}")).collect();
    for text in &texts {
        ours.send("Li", text);
    }
    for (sent, text) in texts.iter().enumerate() {
        iptux.send(here.address, text);
        let done = |events: &Vec<Said>| {
            events.iter().filter(|said| **said == Said::Sent(here.address)).count() > sent
        };
        iptux.events.wait_for("the end of its tries", ENOUGH, |events| done(events).then_some(()));
    }
    ours.wait_for_deliveries(ENOUGH, count);
    let shown = iptux.events.look(|events| {
        let texts = events.iter().filter_map(|said| match said {
            Said::Message { text, .. } => Some(text.clone()),
            _ => None,
        });
        texts.collect::<Vec<_>>()
    });
    let gave_up =
        iptux.events.look(|events| events.iter().filter(|said| matches!(said, Said::Error { .. })).count());
    for text in &texts {
        assert!(shown.contains(text), "iptux lacks {text:?}; it shows {shown:?}");
    }
    let got = ours.texts();
    let missing: Vec<&String> = texts.iter().filter(|text| !got.contains(text)).collect();
    assert!(missing.len() <= gave_up, "iptux gave {gave_up} up, and missing here are {missing:?}");
}
