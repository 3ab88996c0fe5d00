//! What the other tests stand on holds: real iptux, the scripted FeiQ, the networks and the bad way.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ipmsg::simulation::impair::Impairment;

use crate::support::feiq::{FeiQ, Heard};
use crate::support::iptux::{Event, Iptux};
use crate::support::network::Network;
use crate::support::plain::Plain;
use crate::support::relay::{Relay, Tally};
use crate::support::{PATIENCE, PORT};

#[test]
fn two_iptux_of_one_subnet_see_each_other_talk_and_part() {
    needs!("ip", "g++", "iptux-core");
    let network = Network::new(1);
    let [here, there] = [network.host(1), network.host(1)];
    let zhang = Iptux::start(&here, "张三", "财务");
    let mut li = Iptux::start(&there, "Li 😀", "");

    let seen = zhang.wait_for_pal(there.address);
    assert_eq!((&seen.name[..], &seen.group[..], &seen.charset[..]), ("Li 😀", "", "utf-8"));
    let seen = li.wait_for_pal(here.address);
    assert_eq!((&seen.name[..], &seen.group[..], &seen.charset[..]), ("张三", "财务", "utf-8"));

    li.send(here.address, "100 % 你好 😀");
    zhang.wait_for_message(there.address, "100 % 你好 😀");
    li.wait_for("the end of its tries", |event| (*event == Event::Sent(here.address)).then_some(()));

    li.leave();
    zhang.wait_for("a goodbye", |event| (*event == Event::Offline(there.address)).then_some(()));
}

#[test]
fn between_subnets_goes_what_is_addressed_and_nothing_that_is_broadcast() {
    needs!("ip", "g++", "iptux-core");
    let network = Network::new(2);
    let [here, there] = [network.host(1), network.host(2)];
    let feiq = FeiQ::start(&there, "飞秋");
    let mut iptux = Iptux::start(&here, "root", "");

    iptux.detect(there.address);
    iptux.wait_for_pal(there.address);
    iptux.enter();
    iptux.send(there.address, "hello");
    feiq.wait_for("a message", |heard| (heard.text() == "hello").then_some(()));
    let entries = feiq.received_of(1).into_iter().filter(|heard| heard.from == here.address);
    let commands: Vec<u32> = entries.map(|heard| heard.command).collect();
    // What is addressed has the option DIALUP.
    assert_eq!(commands, [0x1_0101]);
}

#[test]
fn iptux_enters_with_the_bytes_that_are_known_of_it() {
    needs!("ip", "g++", "iptux-core");
    let network = Network::new(1);
    let [here, there] = [network.host(1), network.host(1)];
    let listener = Plain::bind(&there, PORT, |_, _| {});
    let mut iptux = Iptux::start(&here, "root", "");

    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let tail = format!(":root:{}:257:root\0\0icon-tux.png\0utf-8\0", host.trim());
    let entry = listener.wait_for_nth(1);
    assert_eq!(entry.from, (here.address, PORT).into());
    assert_eq!(String::from_utf8(entry.bytes).unwrap(), format!("1_iptux 0.8.3:1{tail}"));

    iptux.enter();
    let again = String::from_utf8(listener.wait_for_nth(2).bytes).unwrap();
    assert!(again.ends_with(&tail), "{again:?}");
}

#[test]
fn iptux_tells_of_an_offer_and_of_a_message_that_nobody_acknowledges() {
    needs!("ip", "g++", "iptux-core");
    let network = Network::new(1);
    let [here, there] = [network.host(1), network.host(1)];
    let mut iptux = Iptux::start(&here, "root", "");
    let silent = Plain::bind(&there, PORT, |_, _| {});
    silent.send(b"1:1795353650:bob:hostb:1:Bob\0", (here.address, PORT));
    silent.received.wait_for("an answer", PATIENCE, |all| {
        all.iter().filter_map(Heard::read).find_map(|heard| (heard.command == 259).then_some(()))
    });
    // It answers before it knows him.
    iptux.wait_for_pal(there.address);
    let offer = Event::Offer { from: there.address, path: "big.bin".to_owned(), size: 200_000 };
    // On a busy machine it loses an offer now and then, so one who gets no answer makes it again.
    let is_told = (1_795_353_651..1_795_353_661).any(|number| {
        let text = format!("1:{number}:bob:hostb:2097184:\x001:big.bin:30d40:6b02ee91:1:\x07\0");
        silent.send(text.as_bytes(), (here.address, PORT));
        iptux.events.within(PATIENCE / 10, |all| all.contains(&offer).then_some(())).is_some()
    });
    assert!(is_told, "{:?}", iptux.events.look(Clone::clone));

    iptux.send(there.address, "hello");
    iptux.wait_for("an error", |event| match event {
        Event::Error { to, .. } => (*to == there.address).then_some(()),
        _ => None,
    });
    let all = silent.received.look(Clone::clone);
    let tries: Vec<_> = all.iter().filter(|datagram| datagram.bytes.ends_with(b":hello\0")).collect();
    assert_eq!(tries.len(), 4, "{all:?}");
    assert!(tries.windows(2).all(|two| two[0] == two[1]), "{tries:?}");
}

#[test]
fn iptux_and_the_scripted_feiq_understand_each_other_in_gbk() {
    needs!("ip", "g++", "iptux-core");
    let network = Network::new(1);
    let [here, there] = [network.host(1), network.host(1)];
    let mut iptux = Iptux::start(&here, "root", "");
    let feiq = FeiQ::start(&there, "飞秋");

    let seen = iptux.wait_for_pal(there.address);
    assert_eq!([&seen.name, &seen.user, &seen.host], ["飞秋", "张三", "财务室"]);
    assert_eq!((&seen.version[..], &seen.charset[..]), ("1_lbt6_0#128#020000000001#0#0#0#4001#9", "gb18030"));
    assert_eq!(
        feiq.wait_for("an answer", |heard| (heard.command == 259).then_some(heard.from)),
        here.address
    );

    let number = feiq.say(here.address, "你好，这是GBK中文消息");
    feiq.wait_for("its acknowledgement", |heard| {
        (heard.command == 289 && heard.text() == number.to_string()).then_some(())
    });
    let text = iptux.wait_for("a message", |event| match event {
        Event::Message { text, .. } => Some(text.clone()),
        _ => None,
    });
    assert!(text.starts_with("你好，这是GBK中文消息{/font;-16 ") && text.contains("微软雅黑"), "{text}");

    iptux.send(there.address, "你好");
    iptux.wait_for("the end of its tries", |event| (*event == Event::Sent(there.address)).then_some(()));
    let messages = feiq.received_of(0x20);
    assert_eq!(messages.len(), 1, "the acknowledgement ends iptux's tries: {messages:?}");
    assert_eq!(messages[0].body, b"\xc4\xe3\xba\xc3\0");

    feiq.leave();
    iptux.wait_for("a goodbye", |event| (*event == Event::Offline(there.address)).then_some(()));
}

#[test]
fn the_bad_way_does_what_it_says_and_what_it_damages_arrives() {
    needs!("ip");
    const SENT: usize = 1000;
    let impairment = Impairment {
        loss: 0.3,
        duplicate: 0.1,
        flip: 0.1,
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(20),
        ..Impairment::NONE
    };
    let (relay, [here, there]) = Relay::between_two_hosts(&impairment, 7);
    let [sender, receiver] = [&here, &there].map(|host| Plain::bind(host, PORT, |_, _| {}));
    let begun = Instant::now();
    for number in 0..SENT {
        sender.send(payload(number).as_bytes(), (there.address, PORT));
        let copies = relay.tallies.wait_for("what was sent", PATIENCE, |[there, _]| {
            (there.taken > number).then(|| copies_of(there))
        });
        // The kernel keeps only so many for a receiver who is slow.
        receiver.received.wait_for("the others", PATIENCE, |all| (all.len() + 100 > copies).then_some(()));
    }
    let is_settled =
        |[there, _]: &[Tally; 2]| (there.taken == SENT && there.handed == copies_of(there)).then_some(*there);
    let tally = relay.tallies.wait_for("all", PATIENCE, is_settled);
    assert!(begun.elapsed() >= impairment.delay, "nothing was delayed");
    assert!(tally.lost.abs_diff(300) < 50, "{tally:?}");
    assert!(tally.repeated.abs_diff(70) < 30, "{tally:?}");
    assert!(tally.damaged.abs_diff(77) < 30, "{tally:?}");

    let arrived = receiver
        .received
        .wait_for("what was handed over", PATIENCE, |all| (all.len() == tally.handed).then(|| all.clone()));
    let sent: Vec<String> = (0..SENT).map(payload).collect();
    let damaged =
        arrived.iter().filter(|datagram| !sent.iter().any(|one| one.as_bytes() == datagram.bytes)).count();
    assert_eq!(damaged, tally.damaged);
    assert!(!arrived.is_sorted_by_key(|datagram| datagram.bytes[..4].to_vec()), "nothing was reordered");

    receiver.send(b"back", (here.address, PORT));
    let back =
        relay.tallies.wait_for("the way back", PATIENCE, |[_, back]| (back.taken == 1).then_some(*back));
    assert_eq!(relay.tallies.look(|tallies| tallies[0]), tally, "each way counts its own: {back:?}");
}

#[test]
fn the_bad_way_leaves_other_ports_alone() {
    needs!("ip");
    let (relay, [here, there]) = Relay::between_two_hosts(&Impairment { loss: 1.0, ..Impairment::NONE }, 7);
    let [sender, receiver] = [&here, &there].map(|host| Plain::bind(host, PORT + 1, |_, _| {}));
    for number in 0..50 {
        sender.send(payload(number).as_bytes(), (there.address, PORT + 1));
    }
    receiver.received.wait_for("all", PATIENCE, |all| (all.len() == 50).then_some(()));
    assert_eq!(relay.tallies.look(|tallies| *tallies), [Tally::default(); 2]);

    sender.send(b"lost", (there.address, PORT));
    let taken = |[there, _]: &[Tally; 2]| (there.taken == 1).then_some((there.lost, there.handed));
    assert_eq!(relay.tallies.wait_for("the loss", PATIENCE, taken), (1, 0));
}

#[test]
fn a_host_has_its_own_interfaces_and_none_of_the_machines() {
    needs!("ip");
    let host = Network::new(1).host(1);
    let interfaces = host.run(|| std::fs::read_to_string("/proc/thread-self/net/dev").unwrap());
    let names = interfaces.lines().skip(2).filter_map(|line| line.split(':').next());
    let names: BTreeSet<&str> = names.map(str::trim).collect();
    assert_eq!(names, BTreeSet::from(["eth0", "lo"]));
}

/// Long enough that what is damaged is not often the number in front.
fn payload(number: usize) -> String {
    format!("{number:04} {}", "-".repeat(100))
}

fn copies_of(tally: &Tally) -> usize {
    tally.taken - tally.lost + tally.repeated
}
