//! Who is there.

use crate::story::play;

#[test]
fn whoever_enters_asks_three_times_while_nobody_answers_and_then_says_a_note_now_and_then() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        5.000 > 10.0.0.255 1:1001:alice:hosta:16777217:{alice}:1\0{sum}
        10.000 > 10.0.0.255 1:1002:alice:hosta:16777217:{alice}:1\0{sum}
        52.189 > 10.0.0.255 1:1004:alice:hosta:16777216:{alice}:0\0trunkline-page:0:~m1:~m2\0{sum}
        100 : wait
    ",
    );
}

#[test]
fn an_entry_is_answered_once_after_a_while_and_answers_and_changes_never() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:1:Bob\0grpB\0
        1.000 ! came P1 Bob
        1.779 > 10.0.0.3 1:1001:alice:hosta:16777219:Alice\0\0\nUN:alice\nHN:hosta\nNN:Alice\nGN:\0gbk\0trunkline:1:~a:0:0\0{sum}
        3 < 10.0.0.4 1_iptux 0.8.3:1:root:vm:259:root\0\0icon-tux.png\0utf-8\0
        3.000 ! came P2 root
        3 < 10.0.0.5 1:7:eve:hoste:4:Eve\0\0
        3.000 ! came P3 Eve
        20 : wait
    ",
    );
}

#[test]
fn feiq_is_answered_in_its_charset() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1_lbt6_0#128#020000000001#0#0#0#4001#9:7:bob:hostb:6291457:\xb7\xc9\xc7\xef\0\xb0\xec\xb9\xab\xca\xd2\0
        1.000 ! came P1 飞秋
        1.779 > 10.0.0.3 1:1001:alice:hosta:16777219:Alice\0\0\nUN:alice\nHN:hosta\nNN:Alice\nGN:\0gbk\0trunkline:1:~a:0:0\0{sum}
        4 : wait
    ",
    );
}

#[test]
fn one_of_ours_that_asks_for_the_list_gets_it_at_the_address_of_everybody() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:16777217:{bob}:1\0{sum}
        1.000 ! came P1 Bob
        1.389 > 10.0.0.255 1:1002:alice:hosta:16777216:{alice}:0\0trunkline-page:1:~0:~m1\n~b\t10.0.0.3:2425\t1000000\tbob\thostb\tBob\t\0{sum}
        5.000 > 10.0.0.255 1:1003:alice:hosta:16777217:{alice}:1\0{sum}
        10.000 > 10.0.0.255 1:1004:alice:hosta:16777217:{alice}:1\0{sum}
        20 : wait
        20 < 10.0.0.3 1:8:bob:hostb:16777217:{bob}:2\0{sum}
        20.000 > 10.0.0.3 1:1005:alice:hosta:25165827:{alice}:0\0{sum}
        20 < 10.0.0.3 1:9:bob:hostb:16777217:{bob}:0\0{sum}
        30 : wait
    ",
    );
}

#[test]
fn who_says_goodbye_is_asked_four_times_and_then_gone() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 ! came P1 Bob
        20 < 10.0.0.3 1:8:bob:hostb:2:Bob\0\0
        21.079 > 10.0.0.3 1:1001:alice:hosta:16777217:{alice}:2\0{sum}
        21.829 > 10.0.0.3 1:1002:alice:hosta:16777217:{alice}:2\0{sum}
        22.579 > 10.0.0.3 1:1003:alice:hosta:16777217:{alice}:2\0{sum}
        23.329 > 10.0.0.3 1:1004:alice:hosta:16777217:{alice}:2\0{sum}
        24.079 ! left P1 Bob
        40 : wait
    ",
    );
}

#[test]
fn a_goodbye_that_was_forged_takes_nobody_away() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 ! came P1 Bob
        20 < 10.0.0.3 1:8:bob:hostb:2:Bob\0\0
        21.079 > 10.0.0.3 1:1001:alice:hosta:16777217:{alice}:2\0{sum}
        21.829 > 10.0.0.3 1:1002:alice:hosta:16777217:{alice}:2\0{sum}
        22 < 10.0.0.3 1:8:bob:hostb:3:Bob\0\0
        40 : wait
    ",
    );
}

#[test]
fn a_goodbye_in_another_name_is_nothing() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 ! came P1 Bob
        20 < 10.0.0.3 1:8:eve:hoste:2:Bob\0\0
        20 < 10.0.0.4 1:8:bob:hostb:2:Bob\0\0
        40 : wait
    ",
    );
}

#[test]
fn a_name_at_a_second_address_moves_there_only_when_the_first_is_silent() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 ! came P1 Bob
        20 < 10.0.0.4 1:8:bob:hostb:3:Bob\0\0
        20.000 ! same-names P2 Bob and P1 Bob
        20.000 ! came P2 Bob
        20.000 > 10.0.0.3 1:1001:alice:hosta:16777217:{alice}:2\0{sum}
        20.750 > 10.0.0.3 1:1002:alice:hosta:16777217:{alice}:2\0{sum}
        21.500 > 10.0.0.3 1:1003:alice:hosta:16777217:{alice}:2\0{sum}
        22.250 > 10.0.0.3 1:1004:alice:hosta:16777217:{alice}:2\0{sum}
        23.000 ! left P1 Bob
        23.000 ! moved P2 Bob from 10.0.0.3 to 10.0.0.4
        30 : wait
    ",
    );
}

#[test]
fn one_of_ours_with_a_second_address_is_one_peer_and_written_to_where_it_answers() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:16777219:{bob}:0\0{sum}
        1.000 ! came P1 Bob
        20 < 10.0.0.4 1:8:bob:hostb:16777219:{bob}:0\0{sum}
        20.000 ! also P1 Bob at 10.0.0.4
        20.000 > 10.0.0.3 1:1001:alice:hosta:16777217:{alice}:2\0{sum}
        20.750 > 10.0.0.3 1:1002:alice:hosta:16777217:{alice}:2\0{sum}
        21.500 > 10.0.0.3 1:1003:alice:hosta:16777217:{alice}:2\0{sum}
        22.250 > 10.0.0.3 1:1004:alice:hosta:16777217:{alice}:2\0{sum}
        23.000 > 10.0.0.4 1:1005:alice:hosta:16777217:{alice}:2\0{sum}
        23.000 ! moved P1 Bob from 10.0.0.3 to 10.0.0.4
        23.5 < 10.0.0.4 1:9:bob:hostb:16777219:{bob}:0\0{sum}
        30 : wait
    ",
    );
}

#[test]
fn somebody_else_at_an_address_is_believed_only_when_its_holder_does_not_answer() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 ! came P1 Bob
        20 < 10.0.0.3 1:8:eve:hoste:1:Eve\0\0
        20.000 > 10.0.0.3 1:1001:alice:hosta:16777217:{alice}:2\0{sum}
        20.750 > 10.0.0.3 1:1002:alice:hosta:16777217:{alice}:2\0{sum}
        21.500 > 10.0.0.3 1:1003:alice:hosta:16777217:{alice}:2\0{sum}
        22.250 > 10.0.0.3 1:1004:alice:hosta:16777217:{alice}:2\0{sum}
        23.000 ! left P1 Bob
        24 < 10.0.0.3 1:9:eve:hoste:1:Eve\0\0
        24.000 ! came P2 Eve
        24.779 > 10.0.0.3 1:1005:alice:hosta:16777219:Alice\0\0\nUN:alice\nHN:hosta\nNN:Alice\nGN:\0gbk\0trunkline:1:~a:0:0\0{sum}
        30 : wait
    ",
    );
}

#[test]
fn where_others_of_ours_hear_somebody_unknown_is_asked_and_nowhere_else() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:16777219:{bob}:0\0{sum}
        1.000 ! came P1 Bob
        52.189 > 10.0.0.255 1:1002:alice:hosta:16777216:{alice}:0\0trunkline-page:0:~m1:~m2\0{sum}
        # Somebody; alice herself; everybody; another subnet; bob; a well-known service.
        100 < 10.0.0.3 1:8:bob:hostb:16777216:{bob}:0\0trunkline-page:0:~0:~5\n@10.0.0.9:2425\n@10.0.0.1:2425\n@10.0.0.255:2425\n@10.0.1.9:2425\n@10.0.0.3:2425\n@10.0.0.8:53\0{sum}
        100.010 > 10.0.0.9 1:1004:alice:hosta:16777217:{alice}:2\0{sum}
        100.760 > 10.0.0.9 1:1005:alice:hosta:16777217:{alice}:2\0{sum}
        101.510 > 10.0.0.9 1:1006:alice:hosta:16777217:{alice}:2\0{sum}
        102.260 > 10.0.0.9 1:1007:alice:hosta:16777217:{alice}:2\0{sum}
        104 < 10.0.0.9 1_iptux 0.8.3:1:root:vm:259:root\0\0icon-tux.png\0utf-8\0
        104.000 ! came P3 root
        105 : wait
    ",
    );
}

#[test]
fn who_leaves_says_so_twice_and_hears_nothing_more() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 ! came P1 Bob
        20 : leave
        20.000 > 10.0.0.255 1:1001:alice:hosta:16777218:{alice}:0\0{sum}
        20.05 < 10.0.0.3 1:8:bob:hostb:1:Bob\0\0
        20.100 > 10.0.0.255 1:1002:alice:hosta:16777218:{alice}:0\0{sum}
        20.100 ! gone
        100 : wait
    ",
    );
}

#[test]
fn another_machine_with_the_id_of_this_node_is_told_of_once() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:alice:hosta:16777219:{alice}:0\0{sum}
        1.000 ! same-node at 10.0.0.3
        2 < 10.0.0.3 1:8:alice:hosta:16777219:{alice}:0\0{sum}
        4 : wait
    ",
    );
}

#[test]
fn a_change_of_ones_own_is_told_to_everybody() {
    play(
        r"
        0 : up
        0.000 > 10.0.0.255 1:1000:alice:hosta:16777217:{alice}:1\0{sum}
        1 < 10.0.0.3 1:7:bob:hostb:3:Bob\0\0
        1.000 ! came P1 Bob
        2 < 10.0.1.9 1:7:eve:hoste:3:Eve\0\0
        2.000 ! came P2 Eve
        20 : away at lunch
        20.000 > 10.0.0.255 1:1001:alice:hosta:16777476:{alice}:0\0{sum}
        20.000 > 10.0.1.9 1:1002:alice:hosta:16777476:Alice\0\0\nUN:alice\nHN:hosta\nNN:Alice\nGN:\0gbk\0trunkline:1:~a:0:0\0{sum}
        22 : wait
    ",
    );
}
