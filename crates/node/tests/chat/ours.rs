//! Nodes of ours on hosts of their own.

use std::time::Duration;

use node::face::Event;

use crate::support::PATIENCE;
use crate::support::network::Network;
use crate::support::ours::Ours;

/// Within which two that start see each other.
const IN_SIGHT: Duration = Duration::from_secs(2);

/// Within which somebody who comes back has what was kept for him.
const BACK: Duration = Duration::from_secs(10);

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
    assert_eq!(wang.wait_for_texts(1), ["for later"]);
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
    assert_eq!(wang.wait_for_texts(1), ["are you there?"]);
}

#[test]
fn who_stays_on_one_interface_is_neither_seen_nor_heard_on_another() {
    needs!("ip");
    let network = Network::new(1);
    let hosts = [network.host(1), network.host(1)];
    hosts[1].add_interface("eth1", "10.79.0.1/24");
    let anna = Ours::start(&hosts[0], "Anna");
    let mut wang = Ours::start(&hosts[1], "Wang");
    anna.wait_for_person(IN_SIGHT, hosts[1].address);
    wang.stop();
    anna.wait_for_goodbye(hosts[1].address);

    wang.stay_on("eth1");
    wang.start_again();
    let message = anna.send("Wang", "are you there?");
    anna.wait_for("the end of the tries", |event| match event {
        Event::Queued { message: queued } => (*queued == message).then_some(()),
        _ => None,
    });
    assert_eq!(wang.texts(), [""; 0]);
    wang.stop();
    wang.stay_on("eth0");
    wang.start_again();
    anna.wait_until_delivered(BACK, message);
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
