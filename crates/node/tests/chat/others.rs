//! A node of ours among the programs of others.

use node::face::{Event as OurEvent, Person};

use crate::support::PATIENCE;
use crate::support::feiq::FeiQ;
use crate::support::iptux::{Event, Iptux};
use crate::support::network::Network;
use crate::support::ours::Ours;

#[test]
fn iptux_and_ours_see_each_other_come_and_go_and_what_was_kept_meanwhile_is_shown() {
    needs!("ip", "g++", "iptux-core");
    let network = Network::new(1);
    let [here, there] = [network.host(1), network.host(1)];
    let mut ours = Ours::start(&here, "王伟 😀");
    let mut iptux = Iptux::start(&there, "李娜", "财务");

    let seen = ours.wait_for_person(PATIENCE, there.address);
    assert_eq!((&seen.name[..], &seen.group[..], &seen.user[..]), ("李娜", "财务", "root"));
    assert!(seen.program.contains("iptux 0.8.3"), "{}", seen.program);
    assert!(!seen.away, "iptux sets the option of those who are away, always");
    let seen = iptux.wait_for_pal(here.address);
    assert_eq!((&seen.name[..], &seen.charset[..]), ("王伟 😀", "utf-8"));

    ours.stop();
    iptux.wait_for("our goodbye", |event| (*event == Event::Offline(here.address)).then_some(()));
    ours.start_again();
    ours.wait_for_person(PATIENCE, there.address);
    iptux.leave();
    ours.wait_for_goodbye(there.address);

    let message = ours.send("李娜", "for later");
    let iptux = Iptux::start(&there, "李娜", "财务");
    ours.wait_until_delivered(PATIENCE, message);
    iptux.wait_for_message(here.address, "for later");
}

#[test]
fn iptux_and_ours_have_each_others_messages_once_and_stop_trying() {
    needs!("ip", "g++", "iptux-core");
    let network = Network::new(1);
    let [here, there] = [network.host(1), network.host(1)];
    let mut iptux = Iptux::start(&there, "Li", "");
    let ours = Ours::start(&here, "Wang");
    ours.wait_for_person(PATIENCE, there.address);
    iptux.wait_for_pal(here.address);

    let texts = ["plain ASCII", "你好, ß and é 😀", "two\nlines"];
    for text in texts {
        ours.wait_until_delivered(PATIENCE, ours.send("Li", text));
        iptux.wait_for_message(here.address, text);
    }
    let messages = iptux
        .events
        .look(|events| events.iter().filter(|event| matches!(event, Event::Message { .. })).count());
    assert_eq!(messages, texts.len());

    let texts = ["plain ASCII", "你好, ß and é 😀"];
    for text in texts {
        iptux.send(here.address, text);
        assert_eq!(ours.wait_for_message(text).with.name, "Li");
    }
    let sent = Event::Sent(here.address);
    iptux.events.wait_for("the end of all tries", PATIENCE, |events| {
        (events.iter().filter(|event| **event == sent).count() == texts.len()).then_some(())
    });
    // What is not acknowledged is an error to iptux.
    let errors = iptux
        .events
        .look(|events| events.iter().filter(|event| matches!(event, Event::Error { .. })).count());
    assert_eq!((errors, ours.wait_for_texts(2)), (0, texts.map(String::from).to_vec()));
}

#[test]
fn iptux_that_is_set_to_gbk_and_ours_understand_each_other() {
    needs!("ip", "g++", "iptux-core");
    let network = Network::new(1);
    let [here, there] = [network.host(1), network.host(1)];
    let mut iptux = Iptux::start_in_charset(&there, "李娜", "财务", "gb18030");
    let ours = Ours::start(&here, "王伟");
    let seen = ours.wait_for_person(PATIENCE, there.address);
    assert_eq!((&seen.name[..], &seen.group[..]), ("李娜", "财务"));
    // It reads names before it looks at their charset, and garbles those of its own kind as it does ours.
    assert_eq!(iptux.wait_for_pal(here.address).charset, "utf-8");

    iptux.send(here.address, "你好，这是中文消息");
    assert_eq!(ours.wait_for_message("你好，这是中文消息").with.name, "李娜");
    ours.wait_until_delivered(PATIENCE, ours.send("李娜", "你好，李娜"));
    iptux.wait_for_message(here.address, "你好，李娜");
}

#[test]
fn feiq_and_ours_understand_each_other_in_gbk_and_stop_trying() {
    needs!("ip");
    let network = Network::new(1);
    let [here, there] = [network.host(1), network.host(1)];
    let ours = Ours::start(&here, "王伟");
    let feiq = FeiQ::start(&there, "飞秋");

    let Person { name, user, host, program, .. } = ours.wait_for_person(PATIENCE, there.address);
    assert_eq!([&name[..], &user, &host], ["飞秋", "张三", "财务室"]);
    assert!(program.contains("FeiQ"), "{program}");

    let number = feiq.say(here.address, "你好，这是GBK中文消息");
    feiq.wait_for("our acknowledgement", |heard| {
        (heard.command & 0xff == 0x21 && heard.text() == number.to_string()).then_some(())
    });
    assert_eq!(ours.wait_for_message("你好，这是GBK中文消息").with.name, "飞秋");

    ours.wait_until_delivered(PATIENCE, ours.send("飞秋", "你好，飞秋"));
    let messages = feiq.received_of(0x20);
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!(messages[0].text(), "你好，飞秋");

    feiq.leave();
    ours.wait_for_goodbye(there.address);
    let garbled = |person: &Person| format!("{person:?}").contains('\u{fffd}');
    ours.events.look(|events| {
        let persons = events.iter().filter_map(|event| match event {
            OurEvent::Came { person } | OurEvent::Changed { person } | OurEvent::Left { person } => {
                Some(person)
            }
            _ => None,
        });
        assert!(!persons.clone().any(garbled), "{events:#?}");
        assert!(persons.count() >= 2);
    });
}
