//! Messages that are sent.

use crate::story::{address, kept, play, play_with};
use ipmsg::NodeId;
use ipmsg::node::Person;

#[test]
fn a_message_is_sent_when_it_is_stored_and_delivered_with_its_receipt() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 ! came P1 Bob
        20 : send 10.0.0.3 hello
        20.000 ! accepted 1 ~m1 number 1001
        20.010 : stored 1
        20.010 > 10.0.0.3 1:1001:alice:hosta:288:hello\0
        20.012 < 10.0.0.3 1:8:bob:hostb:33:1001\0
        20.012 ! delivered ~m1 in 0.002
        30 : wait
    ",
    );
}

#[test]
fn a_message_that_nobody_acknowledges_is_sent_five_times_and_then_waits_until_its_receiver_is_heard() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 ! came P1 Bob
        20 : send 10.0.0.3 hello
        20.000 ! accepted 1 ~m1 number 1001
        20 : stored 1
        20.000 > 10.0.0.3 1:1001:alice:hosta:288:hello\0
        20.750 > 10.0.0.3 1:1001:alice:hosta:288:hello\0
        21.500 > 10.0.0.3 1:1001:alice:hosta:288:hello\0
        22.250 > 10.0.0.3 1:1001:alice:hosta:288:hello\0
        23.000 > 10.0.0.3 1:1001:alice:hosta:288:hello\0
        23.750 > 10.0.0.3 1:1002:alice:hosta:16777217:{alice}:2\0{sum}
        23.750 ! queued ~m1
        24.500 > 10.0.0.3 1:1003:alice:hosta:16777217:{alice}:2\0{sum}
        25.250 > 10.0.0.3 1:1004:alice:hosta:16777217:{alice}:2\0{sum}
        26.000 > 10.0.0.3 1:1005:alice:hosta:16777217:{alice}:2\0{sum}
        26.750 ! left P1 Bob
        28 < 10.0.0.3 1:8:bob:hostb:1:Bob\0\0
        28.000 > 10.0.0.3 1:1001:alice:hosta:288:hello\0
        28.000 ! came P1 Bob
        28.2 < 10.0.0.3 1:9:bob:hostb:33:1001\0
        28.200 ! delivered ~m1 in 8.200
        28.781 > 10.0.0.3 1:1006:alice:hosta:16777219:Alice\0\0\nUN:alice\nHN:hosta\nNN:Alice\nGN:\0gbk\0trunkline:1:~a:0:0\0{sum}
        32 : wait
    ",
    );
}

#[test]
fn one_message_at_a_time_is_under_way_to_programs_of_others() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 ! came P1 Bob
        20 : send 10.0.0.3 one
        20.000 ! accepted 1 ~m1 number 1001
        20 : send 10.0.0.3 two
        20.000 ! accepted 2 ~m2 number 1002
        20 : stored 1
        20.000 > 10.0.0.3 1:1001:alice:hosta:288:one\0
        20 : stored 2
        20.3 < 10.0.0.3 1:8:bob:hostb:33:1001\0
        20.300 > 10.0.0.3 1:1002:alice:hosta:288:two\0
        20.300 ! delivered ~m1 in 0.300
        20.4 < 10.0.0.3 1:9:bob:hostb:33:1002\0
        20.400 ! delivered ~m2 in 0.100
        # Again, and for what was never sent.
        20.5 < 10.0.0.3 1:9:bob:hostb:33:1002\0
        20.5 < 10.0.0.3 1:9:bob:hostb:33:77\0
        22 : wait
    ",
    );
}

#[test]
fn several_are_under_way_between_ours_and_only_a_receipt_that_names_them_counts() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:16777219:{bob}:0\0{sum}
        1.000 ! came P1 Bob
        20 : send ~b one
        20.000 ! accepted 1 ~m1 number 1001
        20 : send ~b two
        20.000 ! accepted 2 ~m2 number 1002
        20 : stored 1
        20.000 > 10.0.0.3 1:1001:alice:hosta:8388896:one\0\0\0trunkline:1:~a:~b:~m1:0:1:0\0{sum}
        20 : stored 2
        20.000 > 10.0.0.3 1:1002:alice:hosta:8388896:two\0\0\0trunkline:1:~a:~b:~m2:0:1:3e9\0{sum}
        20.1 < 10.0.0.3 1:8:bob:hostb:33:1001\0
        20.2 < 10.0.0.3 1:9:bob:hostb:33:1001\0\0trunkline:1:~c:~a:~m1:0:1:0\0{sum}
        20.3 < 10.0.0.3 1:10:bob:hostb:33:1001\0\0trunkline:1:~b:~a:~m1:0:1:0\0{sum}
        20.300 ! delivered ~m1 in 0.300
        20.4 < 10.0.0.3 1:11:bob:hostb:33:1002\0\0trunkline:1:~b:~a:~m2:0:1:0\0{sum}
        20.400 ! delivered ~m2 in 0.400
        22 : wait
    ",
    );
}

#[test]
fn what_the_disk_sends_is_not_sent_by_the_node_before_it_is_due_again() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:16777219:{bob}:0\0{sum}
        1.000 ! came P1 Bob
        20 : send ~b one
        20.000 ! accepted 1 ~m1 number 1001
        20 : ahead 1
        20.000 ^ 10.0.0.3 1:1001:alice:hosta:8388896:one\0\0\0trunkline:1:~a:~b:~m1:0:1:0\0{sum}
        20 : ahead 1
        # Another follows, and the disk takes its time.
        20 : send ~b two
        20.000 ! accepted 2 ~m2 number 1002
        20 : ahead 2
        23 : stored 1
        23 : stored 2
        23.000 > 10.0.0.3 1:1002:alice:hosta:8388896:two\0\0\0trunkline:1:~a:~b:~m2:0:1:3e9\0{sum}
        23.1 < 10.0.0.3 1:8:bob:hostb:33:1002\0\0trunkline:1:~b:~a:~m2:0:1:0\0{sum}
        23.100 ! delivered ~m2 in 0.100
        23.750 > 10.0.0.3 1:1001:alice:hosta:8388896:one\0\0\0trunkline:1:~a:~b:~m1:0:1:0\0{sum}
        24 < 10.0.0.3 1:9:bob:hostb:33:1001\0\0trunkline:1:~b:~a:~m1:0:1:0\0{sum}
        24.000 ! delivered ~m1 in 1.000
        26 : wait
    ",
    );
}

#[test]
fn what_the_disk_could_not_store_is_not_sent_again() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:16777219:{bob}:0\0{sum}
        1.000 ! came P1 Bob
        20 : send ~b one
        20.000 ! accepted 1 ~m1 number 1001
        20 : ahead 1
        20.000 ^ 10.0.0.3 1:1001:alice:hosta:8388896:one\0\0\0trunkline:1:~a:~b:~m1:0:1:0\0{sum}
        20 : not-stored 1
        20 : ahead 1
        26 : wait
    ",
    );
}

#[test]
fn nothing_is_sent_by_the_disk_to_programs_of_others_whose_numbers_have_to_grow() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 ! came P1 Bob
        20 : send 10.0.0.3 one
        20.000 ! accepted 1 ~m1 number 1001
        20 : ahead 1
        20 : stored 1
        20.000 > 10.0.0.3 1:1001:alice:hosta:288:one\0
        20.1 < 10.0.0.3 1:8:bob:hostb:33:1001\0
        20.100 ! delivered ~m1 in 0.100
        20.2 < 10.0.0.3 1:9:bob:hostb:288:hello\0
        20.200 ! message 2 of P1 Bob: hello
        20.2 : ahead 2
        20.3 : stored 2
        20.300 > 10.0.0.3 1:1002:alice:hosta:33:9\0
        22 : wait
    ",
    );
}

#[test]
fn a_message_for_one_who_is_not_there_is_sent_when_he_comes() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        5.000 > 10.0.0.255 1:1001:alice:hosta:16777217:{alice}:1\0{sum}
        10.000 > 10.0.0.255 1:1002:alice:hosta:16777217:{alice}:1\0{sum}
        20 : send ~b hello
        20.000 ! accepted 1 ~m1 number 1003
        20 : stored 1
        25.000 ! queued ~m1
        52.189 > 10.0.0.255 1:1005:alice:hosta:16777216:{alice}:0\0trunkline-page:0:~m2:~m3\0{sum}
        60 < 10.0.0.3 1:7:bob:hostb:16777219:{bob}:0\0{sum}
        60.000 > 10.0.0.3 1:1003:alice:hosta:8388896:hello\0\0\0trunkline:1:~a:~b:~m1:0:1:0\0{sum}
        60.000 ! came P1 Bob
        60.1 < 10.0.0.3 1:8:bob:hostb:33:1003\0\0trunkline:1:~b:~a:~m1:0:1:0\0{sum}
        60.100 ! delivered ~m1 in 0.100
        60.2 : wait
    ",
    );
}

#[test]
fn what_was_kept_over_a_restart_is_sent_with_its_number_and_new_numbers_are_above() {
    play_with(
        r"
        0 : up
        0.000 > 10.0.0.255 1:5001:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:16777219:{bob}:0\0{sum}
        1.000 > 10.0.0.3 1:5000:alice:hosta:8388896:from before\0\0\0trunkline:1:~a:~b:~77:0:1:0\0{sum}
        1.000 ! came P1 Bob
        1.1 < 10.0.0.3 1:8:bob:hostb:33:5000\0\0trunkline:1:~b:~a:~77:0:1:0\0{sum}
        1.100 ! delivered ~77 in 0.100
        2 : wait
        ",
        |config| config.outbox = vec![kept(5000, 0x77, Person::Node(NodeId(0xb)), "from before")],
    );
}

#[test]
fn a_receipt_for_what_was_sent_before_a_restart_counts() {
    play_with(
        r"
        0.000 > 10.0.0.3 1:5001:alice:hosta:16777217:{alice}:2\0{sum}
        0 : up
        0.000 > 10.0.0.255 1:5002:alice:hosta:16777217:{alice}:1\0{sum}
        0.750 > 10.0.0.3 1:5003:alice:hosta:16777217:{alice}:2\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 > 10.0.0.3 1:5000:alice:hosta:288:from before\0
        1.000 ! came P2 Bob
        1 < 10.0.0.3 1:8:bob:hostb:33:5000\0
        1.000 ! delivered ~77 in 0.000
        3 : wait
        ",
        |config| config.outbox = vec![kept(5000, 0x77, Person::Address(address("10.0.0.3")), "from before")],
    );
}

#[test]
fn what_is_cancelled_or_could_not_be_stored_is_not_sent() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 ! came P1 Bob
        20 : send 10.0.0.3 one
        20.000 ! accepted 1 ~m1 number 1001
        20 : not-stored 1
        20 : send 10.0.0.3 two
        20.000 ! accepted 2 ~m2 number 1002
        20 : stored 2
        20.000 > 10.0.0.3 1:1002:alice:hosta:288:two\0
        20.5 : cancel ~m2
        20.5 : cancel ~m2
        20.500 = there is no such message that waits to be delivered: it may be delivered by now
        30 : wait
    ",
    );
}

#[test]
fn that_a_sealed_message_was_opened_is_noted_when_it_is_stored() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 ! came P1 Bob
        20 : seal 10.0.0.3 hello
        20.000 ! accepted 1 ~m1 number 1001
        20 : stored 1
        20.000 > 10.0.0.3 1:1001:alice:hosta:1049376:hello\0
        20.1 < 10.0.0.3 1:8:bob:hostb:33:1001\0
        20.100 ! delivered ~m1 in 0.100
        25 < 10.0.0.3 1:9:bob:hostb:1048624:1001\0
        25.000 ! opened 2 by P1 Bob: 1001
        25.1 < 10.0.0.3 1:9:bob:hostb:1048624:1001\0
        25.2 : stored 2
        25.200 > 10.0.0.3 1:1002:alice:hosta:50:1001\0
        30 : wait
    ",
    );
}

#[test]
fn an_answer_that_was_not_asked_for_is_nothing() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 ! came P1 Bob
        2 < 10.0.0.3 1:8:bob:hostb:65:a program\0
        3 : ask
        3.000 > 10.0.0.3 1:1001:alice:hosta:64:\0
        3.1 < 10.0.0.3 1:9:bob:hostb:65:a program\0
        3.100 ! answered P1 Bob: a program
        3.2 < 10.0.0.3 1:9:bob:hostb:65:a program\0
        4 : wait
    ",
    );
}

#[test]
fn what_cannot_be_sent_is_refused() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 : send 10.0.0.1 to myself
        1.000 = there is no such peer in sight
        1 : send ~a to myself
        1.000 = there is no such peer in sight
        1 : send 10.0.0.3
        1.000 = there is no text to send: write one
        1 : stored 7
        1.000 = this token waits for nothing
        2 : wait
    ",
    );
}
