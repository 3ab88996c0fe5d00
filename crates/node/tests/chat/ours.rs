//! Nodes of ours on hosts of their own.

use std::time::Duration;

use ipmsg::simulation::impair::Impairment;
use node::face::Event;

use crate::support::PATIENCE;
use crate::support::network::Network;
use crate::support::ours::Ours;
use crate::support::relay::Relay;

/// Within which two that start see each other.
const IN_SIGHT: Duration = Duration::from_secs(2);

/// Within which somebody who comes back has what was kept for him.
const BACK: Duration = Duration::from_secs(10);

/// Within which what is sent over a bad way has arrived: the same message may be lost several times.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn two_hosts_see_each_other_within_two_seconds_and_acknowledge_what_they_send() {
    needs!("ip");
    let network = Network::new(1);
    let hosts = [network.host(1), network.host(1)];
    let anna = Ours::start(&hosts[0], "Anna");
    let wang = Ours::start(&hosts[1], "王伟");
    assert_eq!(wang.wait_for_person(IN_SIGHT, hosts[0].address).name, "Anna");
    assert_eq!(anna.wait_for_person(IN_SIGHT, hosts[1].address).name, "王伟");

    anna.wait_until_delivered(PATIENCE, anna.send("王伟", "你好 😀"));
    assert_eq!(wang.wait_for_message("你好 😀").with.name, "Anna");
    wang.wait_until_delivered(PATIENCE, wang.send("Anna", "hello"));
    assert_eq!(anna.wait_for_message("hello").with.name, "王伟");
}

#[test]
fn who_has_left_gets_what_was_kept_for_him_when_he_is_back() {
    needs!("ip");
    let network = Network::new(1);
    let hosts = [network.host(1), network.host(1)];
    let anna = Ours::start(&hosts[0], "Anna");
    let mut wang = Ours::start(&hosts[1], "Wang");
    anna.wait_for_person(IN_SIGHT, hosts[1].address);

    wang.stop();
    anna.wait_for_goodbye(hosts[1].address);
    let message = anna.send("Wang", "for later");
    wang.start_again();
    anna.wait_until_delivered(BACK, message);
    assert_eq!(wang.texts(), ["for later"]);
}

#[test]
fn whose_cable_was_out_gets_what_was_kept_for_him_when_it_is_in_again() {
    needs!("ip");
    let network = Network::new(1);
    let hosts = [network.host(1), network.host(1)];
    let anna = Ours::start(&hosts[0], "Anna");
    let wang = Ours::start(&hosts[1], "Wang");
    anna.wait_for_person(IN_SIGHT, hosts[1].address);

    network.unplug(&hosts[1]);
    let message = anna.send("Wang", "are you there?");
    anna.wait_for("the end of the tries", |event| match event {
        Event::Queued { message: queued } => (*queued == message).then_some(()),
        _ => None,
    });
    assert_eq!(wang.texts(), [""; 0]);
    network.plug_in(&hosts[1]);
    anna.wait_until_delivered(BACK, message);
    assert_eq!(wang.texts(), ["are you there?"]);
}

#[test]
fn somebody_of_another_subnet_takes_part_once_one_has_his_address() {
    needs!("ip");
    let network = Network::new(2);
    let [near, far] = [network.host(1), network.host(2)];
    let carol = Ours::start(&far, "Carol");
    let book = format!("[entry.carol]\nchat = \"{}\"\n", far.address);
    let anna = Ours::start_with_book(&near, "Anna", &book);
    assert_eq!(anna.wait_for_person(IN_SIGHT, far.address).book.as_deref(), Some("carol"));
    assert_eq!(carol.wait_for_person(IN_SIGHT, near.address).name, "Anna");

    anna.wait_until_delivered(PATIENCE, anna.send("carol", "over the router"));
    assert_eq!(carol.wait_for_message("over the router").with.name, "Anna");
    carol.wait_until_delivered(PATIENCE, carol.send("Anna", "and back"));
    assert_eq!(anna.wait_for_message("and back").with.name, "carol");
}

#[test]
fn over_a_bad_way_everything_arrives_once_and_in_its_order() {
    needs!("ip");
    let bad = Impairment {
        loss: 0.3,
        duplicate: 0.1,
        flip: 0.02,
        delay: Duration::from_millis(200),
        jitter: Duration::from_millis(100),
        ..Impairment::NONE
    };
    let (relay, hosts) = Relay::between_two_hosts(&bad, 11);
    let anna = Ours::start(&hosts[0], "Anna");
    let wang = Ours::start(&hosts[1], "Wang");
    anna.wait_for_person(PATIENCE, hosts[1].address);
    wang.wait_for_person(PATIENCE, hosts[0].address);

    let texts: Vec<String> = (0..100).map(|number| format!("message {number}")).collect();
    for text in &texts {
        anna.send("Wang", text);
        wang.send("Anna", text);
    }
    for ours in [&anna, &wang] {
        ours.events.wait_for("all receipts", LONG, |events| {
            let delivered = events.iter().filter(|event| matches!(event, Event::Delivered { .. })).count();
            (delivered == texts.len()).then_some(())
        });
    }
    assert_eq!(anna.texts(), texts);
    assert_eq!(wang.texts(), texts);
    let tallies = relay.tallies.look(|tallies| *tallies);
    assert!(
        tallies.iter().all(|tally| tally.lost > 0 && tally.repeated > 0 && tally.damaged > 0),
        "{tallies:?}"
    );
}
