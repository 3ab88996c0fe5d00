//! Messages that come in.

use crate::story::{play, play_with};

#[test]
fn a_message_is_acknowledged_when_it_is_stored_and_again_when_it_comes_again() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 ! came P1 Bob
        20 < 10.0.0.3 1:8:bob:hostb:288:hello from B\0
        20.000 ! message 1 of P1 Bob: hello from B
        20.5 < 10.0.0.3 1:8:bob:hostb:288:hello from B\0
        21 : stored 1
        21.000 > 10.0.0.3 1:1001:alice:hosta:33:8\0
        22 < 10.0.0.3 1:8:bob:hostb:288:hello from B\0
        22.000 > 10.0.0.3 1:1002:alice:hosta:33:8\0
        22 : stored 1
        22.000 = this token waits for nothing
        23 : wait
    ",
    );
}

#[test]
fn a_message_that_could_not_be_stored_is_not_acknowledged_and_comes_again() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 ! came P1 Bob
        20 < 10.0.0.3 1:8:bob:hostb:288:hello\0
        20.000 ! message 1 of P1 Bob: hello
        20 : not-stored 1
        21 < 10.0.0.3 1:8:bob:hostb:288:hello\0
        21.000 ! message 2 of P1 Bob: hello
        21 : stored 2
        21.000 > 10.0.0.3 1:1001:alice:hosta:33:8\0
        22 : wait
    ",
    );
}

#[test]
fn what_a_program_wrote_or_went_to_everybody_is_never_acknowledged() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 ! came P1 Bob
        20 < 10.0.0.3 1:8:bob:hostb:8480:at lunch\0
        20.000 ! message 1 of P1 Bob automatic: at lunch
        20 : stored 1
        21 < 10.0.0.3 1:9:bob:hostb:1312:to all\0
        21.000 ! message 2 of P1 Bob broadcast: to all
        21 : stored 2
        22 < 10.0.0.3 1:10:bob:hostb:32:no receipt wanted\0
        22.000 ! message 3 of P1 Bob: no receipt wanted
        22 : stored 3
        23 < 10.0.0.3 1_iptux 0.8.3:11:bob:hostb:289:8\0
        30 : wait
    ",
    );
}

#[test]
fn a_stranger_who_writes_is_heard_and_asked_who_he_is() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        5.000 > 10.0.0.255 1:1001:alice:hosta:16777217:{alice}:1\0{sum}
        10.000 > 10.0.0.255 1:1002:alice:hosta:16777217:{alice}:1\0{sum}
        20 < 10.0.0.3 1:8:bob:hostb:288:hello\0
        20.000 ! came P1 bob
        20.000 ! message 1 of P1 bob: hello
        20.000 > 10.0.0.3 1:1003:alice:hosta:16777217:{alice}:2\0{sum}
        20 : stored 1
        20.000 > 10.0.0.3 1:1004:alice:hosta:33:8\0
        20.750 > 10.0.0.3 1:1005:alice:hosta:16777217:{alice}:2\0{sum}
        21 < 10.0.0.3 1:9:bob:hostb:3:Bob\0\0
        21.000 ! changed P1 Bob
        30 : wait
    ",
    );
}

#[test]
fn who_is_blocked_is_not_heard_nor_answered() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 ! came P1 Bob
        2 : block 10.0.0.3
        20 < 10.0.0.3 1:8:bob:hostb:288:hello\0
        20 < 10.0.0.3 1:9:bob:hostb:64:\0
        21 : wait
    ",
    );
}

#[test]
fn iptux_that_was_started_anew_counts_from_the_beginning_and_is_heard() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1_iptux 0.8.3:1:root:vm:259:root\0\0icon-tux.png\0utf-8\0
        1.000 ! came P1 root
        20 < 10.0.0.3 1_iptux 0.8.3:5:root:vm:288:hello\0
        20.000 ! message 1 of P1 root: hello
        20 : stored 1
        20.000 > 10.0.0.3 1:1001:alice:hosta:33:5\0
        30 < 10.0.0.3 1_iptux 0.8.3:1:root:vm:257:root\0\0icon-tux.png\0utf-8\0
        30.779 > 10.0.0.3 1:1002:alice:hosta:16777219:{alice}:0\0{sum}
        33 < 10.0.0.3 1_iptux 0.8.3:5:root:vm:288:hello\0
        33.000 ! message 2 of P1 root: hello
        33 : stored 2
        33.000 > 10.0.0.3 1:1003:alice:hosta:33:5\0
        34 : wait
    ",
    );
}

#[test]
fn a_receipt_that_the_disk_sends_is_sent_by_the_node_only_for_a_message_that_comes_again() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:16777219:{bob}:0\0{sum}
        1.000 ! came P1 Bob
        20 < 10.0.0.3 1:8:bob:hostb:8388896:first\0\0trunkline:1:~b:~a:~11:0:1:0\0{sum}
        20.000 ! message 1 of P1 Bob: first
        20 : ahead 1
        20.000 ^ 10.0.0.3 1:1001:alice:hosta:33:8\0trunkline:1:~a:~b:~11:0:1:0\0{sum}
        20 : ahead 1
        20.1 : stored 1
        22 < 10.0.0.3 1:10:bob:hostb:8388896:first\0\0trunkline:1:~b:~a:~11:0:1:0\0{sum}
        22.000 > 10.0.0.3 1:1002:alice:hosta:33:10\0trunkline:1:~a:~b:~11:0:1:0\0{sum}
        23 : wait
    ",
    );
}

#[test]
fn between_ours_a_receipt_says_which_message_and_order_is_kept() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:16777219:{bob}:0\0{sum}
        1.000 ! came P1 Bob
        # The second is before the first, and waits for it.
        20 < 10.0.0.3 1:9:bob:hostb:8388896:second\0\0trunkline:1:~b:~a:~22:0:1:8\0{sum}
        21 < 10.0.0.3 1:8:bob:hostb:8388896:first\0\0trunkline:1:~b:~a:~11:0:1:0\0{sum}
        21.000 ! message 1 of P1 Bob: first
        21.000 ! message 2 of P1 Bob: second
        21 : stored 1
        21.000 > 10.0.0.3 1:1001:alice:hosta:33:8\0trunkline:1:~a:~b:~11:0:1:0\0{sum}
        21 : stored 2
        21.000 > 10.0.0.3 1:1002:alice:hosta:33:9\0trunkline:1:~a:~b:~22:0:1:0\0{sum}
        # Again, with another number.
        22 < 10.0.0.3 1:10:bob:hostb:8388896:first\0\0trunkline:1:~b:~a:~11:0:1:0\0{sum}
        22.000 > 10.0.0.3 1:1003:alice:hosta:33:10\0trunkline:1:~a:~b:~11:0:1:0\0{sum}
        # For another node, and with a bit turned.
        23 < 10.0.0.3 1:11:bob:hostb:8388896:third\0\0trunkline:1:~b:~c:~33:0:1:0\0{sum}
        23 < 10.0.0.3 1:11:bob:hostb:8388896:thurd\0\0trunkline:1:~b:~a:~33:0:1:0\0trunkline-sum:12345678\0
        24 : wait
    ",
    );
}

#[test]
fn who_writes_to_somebody_who_is_away_is_told_why_once() {
    play_with(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777473:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 ! came P1 Bob
        20 < 10.0.0.3 1:8:bob:hostb:288:hello\0
        20.000 ! message 1 of P1 Bob: hello
        20 : stored 1
        20.000 > 10.0.0.3 1:1001:alice:hosta:33:8\0
        20.000 > 10.0.0.3 1:1002:alice:hosta:8224:at lunch\0
        21 < 10.0.0.3 1:9:bob:hostb:288:are you there?\0
        21.000 ! message 2 of P1 Bob: are you there?
        21 : stored 2
        21.000 > 10.0.0.3 1:1003:alice:hosta:33:9\0
        22 < 10.0.0.3 1:10:bob:hostb:80:\0
        22.000 > 10.0.0.3 1:1004:alice:hosta:81:at lunch\0
        23 : wait
        ",
        |config| config.profile.away = Some("at lunch".to_owned()),
    );
}

#[test]
fn that_a_sealed_message_was_opened_is_told_until_its_sender_has_heard_it() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 ! came P1 Bob
        20 < 10.0.0.3 1:8:bob:hostb:1049376:hello\0
        20.000 ! message 1 of P1 Bob sealed: hello
        20 : stored 1
        20.000 > 10.0.0.3 1:1001:alice:hosta:33:8\0
        25 : open 8
        25.000 > 10.0.0.3 1:1002:alice:hosta:1048624:8\0
        25.750 > 10.0.0.3 1:1003:alice:hosta:1048624:8\0
        26 < 10.0.0.3 1:9:bob:hostb:50:8\0
        40 : wait
    ",
    );
}
