//! What a flood makes a node send.

use crate::story::play;

#[test]
fn who_wants_an_answer_again_and_again_gets_four_and_then_one_a_second() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:1:bob:hostb:16777219:{bob}:0\0{sum}
        1.000 ! came P1 Bob
        20 < 10.0.0.3 1:2:bob:hostb:16777217:{bob}:2\0{sum}
        20.000 > 10.0.0.3 1:1001:alice:hosta:25165827:{alice}:0\0{sum}
        20 < 10.0.0.3 1:3:bob:hostb:16777217:{bob}:2\0{sum}
        20.000 > 10.0.0.3 1:1002:alice:hosta:25165827:{alice}:0\0{sum}
        20 < 10.0.0.3 1:4:bob:hostb:16777217:{bob}:2\0{sum}
        20.000 > 10.0.0.3 1:1003:alice:hosta:25165827:{alice}:0\0{sum}
        20 < 10.0.0.3 1:5:bob:hostb:16777217:{bob}:2\0{sum}
        20.000 > 10.0.0.3 1:1004:alice:hosta:25165827:{alice}:0\0{sum}
        20 < 10.0.0.3 1:6:bob:hostb:16777217:{bob}:2\0{sum}
        20.9 < 10.0.0.3 1:7:bob:hostb:16777217:{bob}:2\0{sum}
        21 < 10.0.0.3 1:8:bob:hostb:16777217:{bob}:2\0{sum}
        21.000 > 10.0.0.3 1:1005:alice:hosta:25165827:{alice}:0\0{sum}
        30 : wait
    ",
    );
}

#[test]
fn questions_are_answered_three_times_and_then_every_two_seconds() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 ! came P1 Bob
        20 < 10.0.0.3 1:8:bob:hostb:64:\0
        20.000 > 10.0.0.3 1:1001:alice:hosta:65:trunkline\0
        20 < 10.0.0.3 1:8:bob:hostb:64:\0
        20.000 > 10.0.0.3 1:1002:alice:hosta:65:trunkline\0
        20 < 10.0.0.3 1:8:bob:hostb:64:\0
        20.000 > 10.0.0.3 1:1003:alice:hosta:65:trunkline\0
        20 < 10.0.0.3 1:8:bob:hostb:64:\0
        21.9 < 10.0.0.3 1:8:bob:hostb:64:\0
        22 < 10.0.0.3 1:8:bob:hostb:64:\0
        22.000 > 10.0.0.3 1:1004:alice:hosta:65:trunkline\0
        23 : wait
    ",
    );
}

#[test]
fn nobody_is_answered_who_cannot_be_anybody() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.255 1:7:bob:hostb:1:Bob\0\0
        1 < 255.255.255.255 1:7:bob:hostb:1:Bob\0\0
        1 < 224.0.0.1 1:7:bob:hostb:1:Bob\0\0
        1 < 10.0.0.1 1:7:bob:hostb:1:Bob\0\0
        1 < 10.0.0.3:53 1:7:bob:hostb:1:Bob\0\0
        1 < 10.0.0.3 1:7
        1 < 10.0.0.3 rubbish
        3 : wait
    ",
    );
}
