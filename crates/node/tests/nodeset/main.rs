//! Sets held against clustershell's `nodeset`, whose language they speak: ten thousand cases in each test, the same
//! ones in every run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test they are a failed test"
)]

#[macro_use]
#[path = "../../../../tests/needs.rs"]
mod needs;

mod dice;
mod oracle;

use std::collections::BTreeMap;

use dice::Dice;
use node::book::NameSet;
use node::book::set::Problem;
use serde::Deserialize;
use serde_json::{Value, json};

const CASES: usize = 10_000;

/// What nodeset makes of an expression.
#[derive(Deserialize)]
struct Expanded {
    names: Vec<String>,
    len: usize,
    folded: String,
    /// Whether it reads our text as the same set.
    same: bool,
}

/// What nodeset makes of names.
#[derive(Deserialize)]
struct Folded {
    folded: String,
    /// Whether it reads our text as the same set.
    same: bool,
}

#[test]
fn an_expression_stands_for_the_names_that_nodeset_expands_it_to() {
    needs!("nodeset");
    let cases = cases(expression_with_groups);
    let sets: Vec<NameSet> = cases
        .iter()
        .map(|(expression, groups)| {
            NameSet::parse(expression, groups).unwrap_or_else(|error| panic!("{error}"))
        })
        .collect();
    let questions = cases.iter().zip(&sets).map(|((expression, groups), set)| {
        json!({ "expand": expression, "groups": groups, "ours": set.to_string() })
    });
    let answers: Vec<Option<Expanded>> = oracle::answers(&questions.collect::<Vec<_>>());
    for ((case, set), answer) in cases.iter().zip(&sets).zip(answers) {
        let answer = answer.unwrap_or_else(|| panic!("nodeset refuses {case:?}"));
        assert_eq!(set.len(), answer.len, "{case:?}");
        assert_eq!(sorted(set.iter()), sorted(answer.names), "{case:?}");
        assert!(answer.same, "{case:?}: {set} is not {}", answer.folded);
    }
}

#[test]
fn what_nodeset_refuses_is_refused_and_all_else_is_the_same_set() {
    needs!("nodeset");
    let texts = cases(|dice| dice.several(1, 7, |dice| dice.one_of(TOKENS)).concat());
    let questions: Vec<Value> =
        texts.iter().map(|text| json!({ "expand": text, "groups": {}, "ours": "" })).collect();
    let answers: Vec<Option<Expanded>> = oracle::answers(&questions);
    let mut taken = 0;
    for (text, answer) in texts.iter().zip(answers) {
        match (NameSet::parse(text, &()), answer) {
            (Ok(set), Some(answer)) => {
                assert_eq!(sorted(set.iter()), sorted(answer.names), "{text}");
                taken += 1;
            }
            (Ok(set), None) => panic!("nodeset refuses {text}, which is taken for {set}"),
            // nodeset takes nothing for the empty set, overlooks brackets with nothing in them, and knows numbers
            // below zero.
            (Err(error), Some(answer)) => assert!(
                matches!(
                    error.problem,
                    Problem::Empty | Problem::EmptyRange | Problem::NotNumbers(_) | Problem::Nested
                ),
                "{error}; nodeset takes it for {}",
                answer.folded
            ),
            (Err(_), None) => {}
        }
    }
    assert!(taken > CASES / 10, "only {taken} texts were sets");
}

#[test]
fn names_with_one_number_fold_to_the_text_that_nodeset_folds_them_to() {
    needs!("nodeset");
    let names = |dice: &mut Dice| {
        // With two digits, nodeset leaves 99 and 100 apart where a number with a zero in front was there before.
        let width = [1, 3][dice.below(2)];
        dice.several(1, 60, |dice| {
            let shape = dice.one_of(&["n#", "n#-ib", "n#.lab", "实验室#", "anna", "bob"]);
            shape.replace('#', &format!("{:0width$}", dice.below(130)))
        })
    };
    for (names, ours, theirs) in folded(names) {
        assert_eq!(ours, theirs.folded, "{names:?}");
    }
}

#[test]
fn names_with_several_numbers_fold_to_few_texts_that_nodeset_reads_back() {
    needs!("nodeset");
    let names = |dice: &mut Dice| {
        let blocks = dice.several(1, 3, |dice| {
            let (rack, first) = (dice.one_of(&["r", "x"]), dice.number(1, 3));
            let node = dice.one_of(&["7", "07", "[1-3]", "[2-4]", "[1,3,5]", "[08-12]", "[9-10]"]);
            let port = dice.one_of(&["", "", "-1", "-[1-2]", "-[2-3]"]);
            format!("{rack}[{first}-{}]-n{node}{port}", dice.number(first, 5))
        });
        let mut names: Vec<String> = NameSet::of(blocks).unwrap().iter().collect();
        dice.shuffle(&mut names);
        names
    };
    let (mut our_texts, mut their_texts, mut single) = (0, 0, 0);
    for (names, ours, theirs) in folded(names) {
        assert!(theirs.same, "{ours} is not {}", theirs.folded);
        if texts(&theirs.folded) == 1 {
            assert_eq!(ours, theirs.folded, "{names:?}");
            single += 1;
        }
        our_texts += texts(&ours);
        their_texts += texts(&theirs.folded);
    }
    assert!(our_texts <= their_texts, "{our_texts} texts, nodeset has {their_texts}");
    assert!(single > CASES / 10, "only {single} were one text");
}

/// What mistakes are made of, and sets.
const TOKENS: &[&str] = &[
    "n", "n", "n[1-3]", "[2-4]", "[", "]", "n[", "0", "12", "1-3]", "[7", ",", ",", ",", "!", "&", "^", "/2",
    " ",
];

type Groups = BTreeMap<String, String>;

fn cases<T>(case: impl Fn(&mut Dice) -> T) -> Vec<T> {
    let mut dice = Dice::new();
    (0..CASES).map(|_| case(&mut dice)).collect()
}

/// Names, what we fold them to, and what nodeset does.
fn folded(names: impl Fn(&mut Dice) -> Vec<String>) -> impl Iterator<Item = (Vec<String>, String, Folded)> {
    let names = cases(names);
    let ours: Vec<String> = names.iter().map(|names| NameSet::of(names).unwrap().to_string()).collect();
    let questions = names.iter().zip(&ours).map(|(names, ours)| json!({ "fold": names, "ours": ours }));
    let answers: Vec<Folded> = oracle::answers(&questions.collect::<Vec<_>>());
    names.into_iter().zip(ours).zip(answers).map(|((names, ours), theirs)| (names, ours, theirs))
}

/// How many texts a folded set has.
fn texts(folded: &str) -> usize {
    let outside = folded.split('[').map(|part| part.split_once(']').map_or(part, |(_, after)| after));
    1 + outside.map(|part| part.matches(',').count()).sum::<usize>()
}

fn sorted(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort_unstable();
    names
}

fn expression_with_groups(dice: &mut Dice) -> (String, Groups) {
    let desk = format!("{},@desk2", expression(dice, &["anna"]));
    let groups = [
        ("lab", expression(dice, &["bob"])),
        ("desk1", desk),
        ("desk2", "n[5-7]!n6,@none".to_owned()),
        ("none", String::new()),
    ];
    let groups = groups.map(|(name, expression)| (name.to_owned(), expression));
    (expression(dice, &["anna", "bob", "@lab", "@desk[1-2]"]), groups.into())
}

/// Names with operators between. (A space would end the expression of a group for nodeset.)
fn expression(dice: &mut Dice, words: &[&str]) -> String {
    let mut expression = name(dice, words);
    for _ in 0..dice.below(8) {
        expression.push_str(dice.one_of(&[",", ",", "!", "&", "^"]));
        expression.push_str(&name(dice, words));
    }
    expression
}

/// Names and ranges such as people give, close enough together that many meet.
fn name(dice: &mut Dice, words: &[&str]) -> String {
    match dice.below(10) {
        0..4 => format!("n{}", index(dice)),
        4 => format!("n{}-ib", index(dice)),
        5..8 => format!("r{}-n{}", index(dice), index(dice)),
        8 => {
            let last = dice.one_of(&["[1-4]", "1[1-9]", "[12-20/2]"]);
            format!("10.{}.{}.{last}", dice.number(1, 3), dice.one_of(&["7", "[1-3]", "[2-4,8]"]))
        }
        _ => dice.one_of(words).to_owned(),
    }
}

/// A number, or ranges in brackets.
fn index(dice: &mut Dice) -> String {
    if dice.below(2) == 0 {
        let width = dice.number(1, 3);
        return format!("{:0width$}", dice.below(13));
    }
    let ranges = dice.several(1, 3, |dice| {
        let (width, most) = [(1, 103), (2, 99), (3, 103)][dice.below(3)];
        let first = [0, 6, 93][dice.below(3)] + dice.below(6);
        let last = most.min(first + dice.below(7));
        let step = dice.one_of(&["", "", "/1", "/2", "/3"]);
        if first == last {
            format!("{first:0width$}")
        } else {
            format!("{first:0width$}-{last:0width$}{step}")
        }
    });
    format!("[{}]", ranges.join(","))
}
