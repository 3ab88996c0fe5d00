//! Nodes that talk over a bad way: nothing is lost, and between two of ours nothing comes twice or out of its order.

use std::time::Duration;

use ipmsg::simulation::impair::Impairment;

use crate::support::iptux::{Event as Said, Iptux};
use crate::support::ours::Ours;
use crate::support::relay::Relay;

/// What the messages of a test may take together.
const ENOUGH: Duration = Duration::from_secs(900);

/// How often a person says something at most until it is there.
const SAID_AGAIN: usize = 5;

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
    for ours in [&anna, &wang] {
        assert_eq!(ours.wait_for_texts(count), texts);
    }
    let [there_, back] = relay.tallies.look(|tallies| *tallies);
    assert!(there_.lost.min(back.lost) > 0 && there_.repeated > 0, "the way was good: {there_:?} {back:?}");
}

/// iptux gives a message up after four tries, and takes it for arrived when an entry of its receiver comes meanwhile: ours
/// asks by one whether somebody is there. Then its person says it again.
///
/// Its packets have no checksum but UDP's, by which its host drops what was damaged: that is a loss. A number with a wrong
/// digit that got through would make it throw away all lower ones.
fn with_iptux(count: usize) {
    let (_relay, [here, there]) = Relay::between_two_hosts(&Impairment { flip: 0.0, ..bad() }, 7);
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
    let mut sent = 0;
    for _time in 0..SAID_AGAIN {
        let got = ours.texts();
        for text in texts.iter().filter(|text| !got.contains(text)) {
            iptux.send(here.address, text);
            sent += 1;
            let tried =
                |events: &Vec<Said>| events.iter().filter(|said| **said == Said::Sent(here.address)).count();
            let is_over = |events: &Vec<Said>| (tried(events) >= sent).then_some(());
            iptux.events.wait_for("the end of its tries", ENOUGH, is_over);
        }
    }
    ours.wait_for_deliveries(ENOUGH, count);
    for text in &texts {
        iptux.wait_for_message(here.address, text);
        ours.wait_for_message(text);
    }
    assert!(ours.texts().iter().all(|text| texts.contains(text)), "garbled: {:?}", ours.texts());
}
