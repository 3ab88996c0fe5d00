use proptest::prelude::*;

use super::*;

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).expect(text)
}

fn all(text: &str) -> String {
    pattern(text).iter().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_last_range_varies_fastest_and_zeros_in_front_stay() {
    assert_eq!(all("rack[1-2]-n[09-11]"), "rack1-n09 rack1-n10 rack1-n11 rack2-n09 rack2-n10 rack2-n11");
    assert_eq!(all("n[8-11].lab"), "n8.lab n9.lab n10.lab n11.lab");
    assert_eq!(all("n[00-10/5]"), "n00 n05 n10");
    assert_eq!(all("n[1,01]"), "n1 n01");
    assert_eq!(all("n1[0-2]0"), "n100 n110 n120");
}

#[test]
fn the_nth_name_has_the_nth_address_in_the_order_written() {
    let (names, ports) = (pattern("n[3,1-2]"), pattern("127.0.0.1:[2201-2203]"));
    let port = |name| ports.nth(names.index_of(name)?);
    assert_eq!(port("n3").as_deref(), Some("127.0.0.1:2201"));
    assert_eq!(port("n1").as_deref(), Some("127.0.0.1:2202"));
    assert_eq!(port("n4"), None);
}

#[test]
fn a_text_without_ranges_is_a_pattern_of_one() {
    let pattern = pattern(" Ana María ");
    assert_eq!((pattern.len(), pattern.has_range()), (1, false));
    assert_eq!(pattern.nth(0).as_deref(), Some("Ana María"));
    assert_eq!(pattern.nth(1), None);
    assert_eq!(pattern.index_of("Ana María"), Some(0));
    assert_eq!(pattern.index_of("Ana"), None);
    assert_eq!(pattern.to_string(), "Ana María");
}

#[test]
fn a_bracket_with_a_colon_is_an_ipv6_address() {
    for text in ["[::1]:22", "[fe80::1%eth0]:22", "tcp://[2001:db8::7]:9100", "::1"] {
        assert!(!pattern(text).has_range(), "{text}");
        assert_eq!(pattern(text).nth(0).as_deref(), Some(text));
    }
    assert_eq!(all("[::1]:[22-23]"), "[::1]:22 [::1]:23");
}

#[test]
fn only_a_text_that_it_stands_for_has_a_place_in_a_pattern() {
    let pattern = pattern("n[1-12]0-x[01-12]");
    assert_eq!(pattern.index_of("n10-x01"), Some(0));
    assert_eq!(pattern.index_of("n120-x12"), Some(143));
    for text in
        ["", "n", "n1-x01", "n0-x01", "n130-x01", "n10-x1", "n10-x001", "n10-x01 ", "N10-x01", "n010-x01"]
    {
        assert_eq!(pattern.index_of(text), None, "{text}");
    }
}

#[test]
fn a_number_stands_in_a_range_once() {
    let error = Pattern::parse("n1-[1-5,3]").unwrap_err();
    assert_eq!((error.column, &error.problem), (4, &Problem::Repeated("3".to_owned())));
    assert_eq!(all("n[1-5,03]"), "n1 n2 n3 n4 n5 n03", "03 is another number");
}

#[test]
fn spaces_do_not_count_but_within_a_name() {
    assert_eq!(all("  desk [ 1 - 2 , 4 ] left "), "desk 1 left desk 2 left desk 4 left");
    assert_eq!(Pattern::parse("  n[1-x]").unwrap_err().column, 5);
}

#[test]
fn what_has_more_than_a_million_texts_is_refused_before_it_takes_memory() {
    for text in ["n[0-1000000]", "n[1-1000]-[0-1000]", "n[0-999999999999999999/3]", "n[0-999999,1000000]"] {
        assert_eq!(Pattern::parse(text).unwrap_err().problem, Problem::TooManyNames, "{text}");
    }
    assert_eq!(pattern("n[0-999999]").len(), MAX_NAMES);
    let many = "[1]-".repeat(MAX_RANGES + 1);
    assert_eq!(Pattern::parse(&many).unwrap_err().problem, Problem::TooManyRanges);
}

#[test]
fn the_largest_numbers_are_counted_with() {
    let last = "9".repeat(MAX_DIGITS);
    let zeros = "0".repeat(MAX_DIGITS);
    assert_eq!(all(&format!("[{}8-{last}]", &last[1..])), format!("{}8 {last}", &last[1..]));
    assert_eq!(pattern(&format!("[0,{last},{zeros}]")).index_of(&zeros), Some(2));
    assert_eq!(pattern(&format!("[0,{last}]")).index_of(&format!("{last}0")), None);
}

proptest! {
    #[test]
    fn every_text_of_a_pattern_is_found_at_its_place(
        text in "(n|10\\.|机)\\[[0-3],0[0-4]-0[5-9],[5-9]-1[0-9][0-9]/[1-9]\\](0?[a-z.]|-1)\\[00-0[1-9]\\](|x|0|\\.1)"
    ) {
        let pattern = pattern(&text);
        for (index, name) in pattern.iter().enumerate() {
            prop_assert_eq!(pattern.index_of(&name), Some(index), "{}", name);
        }
        prop_assert_eq!(pattern.iter().count(), pattern.len());
    }

    #[test]
    fn any_text_is_a_pattern_or_an_error(text in "[a0-9\\[\\],/: -]{0,20}|.{0,30}") {
        if let Ok(pattern) = Pattern::parse(&text) {
            let last = pattern.len() - 1;
            prop_assert_eq!(pattern.nth(last).and_then(|name| pattern.index_of(&name)), Some(last));
            prop_assert_eq!(pattern.to_string(), text.trim());
        }
    }
}
