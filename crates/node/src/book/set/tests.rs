use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::book::pattern::MAX_RANGES;

fn set(expression: &str) -> NameSet {
    NameSet::parse(expression, &()).expect(expression)
}

fn names(expression: &str) -> String {
    set(expression).iter().collect::<Vec<_>>().join(" ")
}

fn folded(expression: &str) -> String {
    set(expression).to_string()
}

fn groups<const N: usize>(groups: [(&str, &str); N]) -> BTreeMap<String, String> {
    groups.map(|(name, expression)| (name.to_owned(), expression.to_owned())).into()
}

fn error(expression: &str) -> String {
    NameSet::parse(expression, &()).expect_err(expression).to_string()
}

#[test]
fn names_are_expanded_in_natural_order() {
    assert_eq!(names("n[8-11,2]"), "n2 n8 n9 n10 n11");
    assert_eq!(names("n[08-11]"), "n08 n09 n10 n11");
    assert_eq!(names("rack[1-2]-n[1-3]"), "rack1-n1 rack1-n2 rack1-n3 rack2-n1 rack2-n2 rack2-n3");
    assert_eq!(names("n[0-10/5]"), "n0 n5 n10");
    assert_eq!(names("n[1-2].lab, 10.1.0.[9-10]"), "10.1.0.9 10.1.0.10 n1.lab n2.lab");
    assert_eq!(names("[1-3]"), "1 2 3");
}

#[test]
fn a_set_is_folded_to_few_ranges() {
    assert_eq!(folded("n[01-40],-n07"), "n[01-06,08-40]");
    assert_eq!(folded("n3,n1,n2"), "n[1-3]");
    assert_eq!(folded("n9,n10,n8"), "n[8-10]");
    assert_eq!(folded("n7"), "n7");
    assert_eq!(folded("rack1-n[1-16],rack2-n[1-8],rack3-n[1-16]"), "rack[1,3]-n[1-16],rack2-n[1-8]");
    assert_eq!(folded("a2-1,a1-1,a1-2,a2-2"), "a[1-2]-[1-2]");
    assert_eq!(folded("r1-n1,r2-n2,r3-n[1-2]"), "r[1,3]-n1,r[2-3]-n2", "from the back it is shorter");
    assert_eq!(folded("anna,n2,n1,bob"), "anna,bob,n[1-2]");
}

#[test]
fn numbers_of_different_length_are_different_names() {
    assert_eq!(names("n[1,01]"), "n1 n01");
    assert_eq!(folded("n[1,01,2,02-12]"), "n[1-2,01-12]");
    assert_eq!(folded("n[08-99],n[100-120],n[1-9]"), "n[1-9,08-99,100-120]");
    assert_eq!(names("n[1-9],-n07"), names("n[1-9]"));
}

#[test]
fn operators_are_carried_out_from_left_to_right() {
    assert_eq!(folded("n[1-9]!n[3-5]"), "n[1-2,6-9]");
    assert_eq!(folded("n[1-9]&n[8-20]"), "n[8-9]");
    assert_eq!(folded("n[1-9]^n[8-12]"), "n[1-7,10-12]");
    assert_eq!(folded("n[1-9],-n[2-8],n5"), "n[1,5,9]");
    assert_eq!(folded("n[1-9]&n[1-3],n9!n2"), "n[1,3,9]");
    assert_eq!(folded("r[1-3]-[1-3]!r2-2"), "r[1,3]-[1-3],r2-[1,3]");
    assert_eq!(folded("a&b"), "");
    assert_eq!(folded("anna^anna,bob"), "bob");
}

#[test]
fn what_two_sets_make_together_needs_no_expression() {
    let (left, right) = (set("n[1-4],anna"), set("n[3-6],anna,bob"));
    assert_eq!(left.union(&right), set("n[1-6],anna,bob"));
    assert_eq!(left.difference(&right), set("n[1-2]"));
    assert_eq!(left.intersection(&right), set("n[3-4],anna"));
    assert_eq!(left.symmetric_difference(&right), set("n[1-2,5-6],bob"));
}

#[test]
fn a_name_is_in_a_set_or_not() {
    let set = set("rack[1-3]-n[01-16],anna,[fe80::1%eth0]:22");
    for name in ["rack2-n07", "anna", "[fe80::1%eth0]:22"] {
        assert!(set.contains(name), "{name}");
    }
    for name in ["rack2-n7", "rack4-n07", "rack-n07", "Anna", "", "[", "rack2", "rack2-n07-ib", "rack\0-n\0"]
    {
        assert!(!set.contains(name), "{name}");
    }
    assert_eq!(set.len(), 50);
}

#[test]
fn names_may_be_of_any_script_and_have_spaces() {
    assert_eq!(names("实验室[1-2], プリンター 二階 ,Ana María"), "Ana María プリンター 二階 实验室1 实验室2");
    assert_eq!(folded("实验室2,实验室1"), "实验室[1-2]");
    assert_eq!(folded("机１,机２"), "机１,机２", "only the digits 0 to 9 are counted with");
}

#[test]
fn an_address_of_ipv6_in_brackets_is_a_name_and_stays_one() {
    assert_eq!(folded("[fe80::2%eth0]:22,[fe80::1%eth0]:22"), "[fe80::1%eth0]:22,[fe80::2%eth0]:22");
    assert_eq!(folded("[::1]:[2201-2202],[::1]:2203"), "[::1]:[2201-2203]");
}

#[test]
fn ranges_beside_digits_are_what_they_stand_for() {
    assert_eq!(folded("n1[0-3],n14"), "n[10-14]");
    assert_eq!(folded("10.1.0.1[0-9]&10.1.0.[15-99]"), "10.1.0.[15-19]");
    assert_eq!(folded("n[1-3]0"), "n[10,20,30]");
    assert_eq!(folded("n[1-2]3-[4-5]"), "n[13,23]-[4-5]");
}

#[test]
fn the_numbers_of_a_very_long_name_are_text_from_the_17th_on() {
    let long = "1-".repeat(16);
    assert_eq!(folded(&format!("{long}[1-2]")), format!("{long}1,{long}2"));
    assert!(set(&format!("{long}[1-2]")).contains(&format!("{long}2")));
    let serial = "1234567890123456789";
    assert_eq!(
        folded(&format!("n{serial},n{serial}0-1,n{serial}0-2")),
        format!("n{serial},n{serial}0-[1-2]")
    );
}

#[test]
fn groups_stand_for_their_expressions() {
    let groups = groups([
        ("lab", "pc[1-9],@printers"),
        ("printers", "lp[1-2]"),
        ("row1", "a"),
        ("row2", "b"),
        ("none", " "),
    ]);
    let folded = |text| NameSet::parse(text, &groups).map(|set| set.to_string());
    assert_eq!(folded("@lab").as_deref(), Ok("lp[1-2],pc[1-9]"));
    assert_eq!(folded("@lab!@printers,-pc1").as_deref(), Ok("pc[2-9]"));
    assert_eq!(folded("@lab,-@printers").as_deref(), Ok("pc[1-9]"));
    assert_eq!(folded("@row[1-2]").as_deref(), Ok("a,b"));
    assert_eq!(folded("@none,anna").as_deref(), Ok("anna"));
    assert_eq!(folded("anna@host").as_deref(), Ok("anna@host"), "only in front it is a group");
}

#[test]
fn a_circle_of_groups_is_shown() {
    let groups = groups([("a", "n1,@b"), ("b", "@a"), ("c", "@b")]);
    let error = |text| NameSet::parse(text, &groups).unwrap_err().to_string();
    assert_eq!(error("@a"), "@b = \"@a\", column 1: the groups name each other in a circle: @a -> @b -> @a");
    assert_eq!(
        error("@c"),
        "@a = \"n1,@b\", column 4: the groups name each other in a circle: @b -> @a -> @b"
    );
}

#[test]
fn groups_that_name_one_group_over_and_over_are_no_circle_and_read_once() {
    let doubling = (1..MAX_DEPTH).map(|nth| (format!("g{nth}"), format!("@g{0},@g{0}", nth + 1)));
    let groups: BTreeMap<_, _> = doubling.chain([(format!("g{MAX_DEPTH}"), "n1".to_owned())]).collect();
    assert_eq!(NameSet::parse("@g1", &groups).unwrap(), set("n1"));
}

#[test]
fn groups_within_groups_have_an_end() {
    let deep = (0..=MAX_DEPTH).map(|nth| (format!("g{nth}"), format!("@g{}", nth + 1)));
    let error = NameSet::parse("@g0", &deep.collect::<BTreeMap<_, _>>()).unwrap_err();
    assert_eq!(error.problem, Problem::TooDeep);
    assert_eq!(error.group, Some(format!("g{}", MAX_DEPTH - 1)));
}

#[test]
fn an_unknown_group_is_refused_with_the_one_that_was_meant() {
    let groups = groups([("printers", "lp1"), ("实验室", "pc1")]);
    let error = |text| NameSet::parse(text, &groups).unwrap_err().to_string();
    assert_eq!(
        error("n1,@printer"),
        "\"n1,@printer\", column 4: there is no group @printer; did you mean @printers?"
    );
    assert_eq!(error("@lab"), "\"@lab\", column 1: there is no group @lab");
    assert_eq!(error("@"), "\"@\", column 2: a name, a range or a @group is missing here");
}

#[test]
fn a_mistake_in_a_group_is_shown_there() {
    let error = NameSet::parse("n1,@lab", &groups([("lab", "pc[1-9],pc[1-")])).unwrap_err();
    assert!(
        error.to_string().starts_with("@lab = \"pc[1-9],pc[1-\", column 11: the bracket is not closed"),
        "{error}"
    );
}

#[test]
fn every_mistake_has_its_place_and_its_cure() {
    let cases = [
        ("", 1, "a name, a range or a @group is missing here"),
        ("a,,b", 3, "a name"),
        ("a,", 3, "a name"),
        ("a& ", 4, "a name"),
        ("-n1", 1, "n[1-9],-n7"),
        ("a!-n1", 3, "n[1-9],-n7"),
        ("a,--n1", 4, "n[1-9],-n7"),
        ("n[1-3", 2, "write ] after"),
        ("实验室[1-3,n4", 4, "write ] after"),
        ("n1-3]", 5, "write [ before"),
        ("n[1-[2]]", 5, "close the outer one first"),
        ("n[]", 3, "missing in the brackets"),
        ("n[1, ,2]", 6, "missing in the brackets"),
        ("n1,n[a-z]", 6, "a-z is no range"),
        ("n[-5]", 3, "-5 is no range"),
        ("n[1-2-3]", 3, "1-2-3 is no range"),
        ("n[1-3/x]", 3, "1-3/x is no range"),
        ("n[１]", 3, "１ is no range"),
        ("n[01-100]", 3, "01 and 100 need the same number of digits: write 001-100"),
        ("n[1-5,40-1]", 7, "write 1-40"),
        ("n[1-9/0]", 3, "a step is at least 1"),
        ("n[5/2]", 3, "follows a range"),
        ("n[1234567890123456789]", 3, "at most 18 digits"),
        ("n[1-2][3-4]", 7, "[1-3]-[1-4]"),
        ("n[1-2]0[3-4]", 8, "[1-3]-[1-4]"),
        ("n[1:5]", 2, "[1:5] has a colon and is no IPv6 address"),
        ("[fe80::1%]:22", 1, "is no IPv6 address"),
        ("a\tb", 2, "\\t cannot be part of a name"),
        ("n[1-3\u{202e}]", 3, r"1-3\u{202e} is no range"),
        ("a\u{1b}[2J", 2, "\\u{1b} cannot be part of a name"),
    ];
    for (expression, column, cure) in cases {
        let error = NameSet::parse(expression, &()).expect_err(expression);
        assert_eq!(error.column, column, "{error}");
        assert!(error.problem.to_string().contains(cure), "{expression}: {error}");
        assert!(!error.to_string().contains(char::is_control), "{error:?}");
    }
}

#[test]
fn a_long_expression_is_shown_in_part() {
    let text = error(&format!("{}n[", "n1,".repeat(100_000)));
    assert!(text.len() < 250 && text.contains("column 300002"), "{text}");
}

#[test]
fn a_slip_of_the_finger_that_names_a_thousand_million_is_an_error() {
    for expression in [
        "n[1-999999999]",
        "n[0-999999999999999999]",
        "n[1-1000]-[1-1001]",
        "n[0-999999999/2]",
        "n[1-500000],m[1-500001]",
    ] {
        let error = NameSet::parse(expression, &()).expect_err(expression);
        assert_eq!(error.problem, Problem::TooManyNames, "{expression}");
    }
    assert_eq!(set("n[1-1000]-[1-1000]").len(), MAX_NAMES);
    assert_eq!(set("n[1-600000],n[1-600000],n[1-600000]").len(), 600_000, "each name counts once");
}

#[test]
fn what_would_take_an_attackers_set_long_is_refused_or_quick() {
    assert_eq!(set(&"(1-".repeat(100_000)).len(), 1, "as many numbers as a name can have");
    let many_ranges = "[1-2]-".repeat(MAX_RANGES + 1);
    assert_eq!(NameSet::parse(&many_ranges, &()).unwrap_err().problem, Problem::TooManyRanges);
    let each_name_on_its_own = ["[0-9999]1"; 8].join(",");
    assert_eq!(set(&each_name_on_its_own).len(), 10_000);
}

#[test]
fn a_list_of_names_is_a_set_unless_one_would_not_stand_in_an_expression() {
    assert_eq!(NameSet::of(["n3", "anna", "n1", "n2"]).unwrap().to_string(), "anna,n[1-3]");
    assert_eq!(NameSet::of(["n[1-2]", "n3"]).unwrap().to_string(), "n[1-3]");
    let error = |name| NameSet::of([name]).unwrap_err().to_string();
    assert_eq!(error("n1,n2"), "\"n1,n2\", column 3: a single name is expected here, and , joins two");
    assert_eq!(
        error("@lab"),
        "\"@lab\", column 1: a single name is expected here, and @ begins the name of a group"
    );
    assert!(error("-n1").contains("does not begin with -"));
    assert!(error(" ").contains("a name"));
}

/// Names and ranges such as people use, close enough together that many meet.
fn expressions() -> impl Strategy<Value = String> {
    let number = "(0?[0-9]|1[0-2])";
    let range = prop_oneof![
        "[0-9]".prop_map(|number: String| number),
        "[0-4]-[5-9]".prop_map(|range: String| range),
        "0[0-4]-1[0-2]".prop_map(|range: String| range),
        "[0-4]-1[0-2]/[1-4]".prop_map(|range: String| range),
    ];
    let bracket = prop::collection::vec(range, 1..4).prop_map(|ranges| format!("[{}]", ranges.join(",")));
    let index = prop_oneof![number.prop_map(|number: String| number), bracket];
    let name = (index.clone(), index, 0..4).prop_map(|(one, two, shape)| match shape {
        0 => format!("n{one}"),
        1 => format!("n{one}-{two}"),
        2 => format!("r{one}.{two}.lab"),
        _ => "anna".to_owned(),
    });
    let item = (prop::sample::select(vec![",", ",", ",", "!", "&", "^", ",-"]), name);
    prop::collection::vec(item, 1..8)
        .prop_map(|items| {
            items.into_iter().map(|(operator, name)| operator.to_owned() + &name).collect::<String>()
        })
        .prop_map(|text| text.trim_start_matches([',', '!', '&', '^', '-']).to_owned())
}

proptest! {
    #[test]
    fn any_text_is_a_set_or_an_error(text in "[-a1\\[\\],!&^@/:% 0é]{0,30}|.{0,30}") {
        let groups = groups([("a", "@1,a"), ("1", "[1-2]")]);
        if let Ok(set) = NameSet::parse(&text, &groups) {
            prop_assert_eq!(set.iter().count(), set.len());
        }
    }

    #[test]
    fn what_is_folded_reads_back_as_the_same_set(text in expressions()) {
        let set = set(&text);
        if !set.is_empty() {
            prop_assert_eq!(NameSet::parse(&set.to_string(), &()), Ok(set));
        }
    }

    #[test]
    fn what_is_expanded_gathers_to_the_same_set(text in expressions()) {
        let set = set(&text);
        prop_assert_eq!(set.iter().count(), set.len());
        prop_assert!(set.iter().all(|name| set.contains(&name)));
        prop_assert_eq!(NameSet::of(&set), Ok(set));
    }

    #[test]
    fn operators_are_those_of_sets_of_strings(left in expressions(), right in expressions()) {
        use std::collections::BTreeSet;
        let (left, right) = (set(&left), set(&right));
        let strings = |set: &NameSet| set.iter().collect::<BTreeSet<_>>();
        let (a, b) = (strings(&left), strings(&right));
        prop_assert_eq!(strings(&left.union(&right)), &a | &b);
        prop_assert_eq!(strings(&left.difference(&right)), &a - &b);
        prop_assert_eq!(strings(&left.intersection(&right)), &a & &b);
        prop_assert_eq!(strings(&left.symmetric_difference(&right)), &a ^ &b);
    }
}
