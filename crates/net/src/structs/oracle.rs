//! The struct formats held against python3 itself: one process answers every question of a test.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::value::double_from_half;
use super::{Field, FormatError, Kind, StructFormat, Value};

const ORACLE: &str = include_str!("oracle.py");

struct Python {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Python {
    fn start() -> RefCell<Self> {
        let mut child = Command::new("python3")
            .args(["-c", ORACLE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is the oracle of these tests: install it");
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().unwrap());
        RefCell::new(Self { child, questions, answers })
    }

    fn ask(&mut self, verb: &str, format: &str, arguments: &str) -> String {
        let question = format!("{verb} {} {arguments}", hex(format.as_bytes()));
        writeln!(self.questions.as_mut().unwrap(), "{question}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert!(answer.ends_with('\n'), "python3 died of {question}");
        answer.trim_end_matches('\n').to_owned()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        self.questions = None;
        self.child.wait().unwrap();
    }
}

fn runner() -> TestRunner {
    TestRunner::new(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn texts(values: &[Value]) -> String {
    let text = |value: &Value| match value {
        Value::Bool(value) => format!("t{}", u8::from(*value)),
        Value::Int(value) => format!("i{value}"),
        Value::Float(value) => format!("f{:016x}", value.to_bits()),
        Value::Bytes(bytes) => format!("b{}", hex(bytes)),
    };
    values.iter().map(text).collect::<Vec<_>>().join(" ")
}

/// Formats that parse. `0p` is left out: CPython writes and reads one byte beyond it.
fn formats() -> impl Strategy<Value = StructFormat> {
    let item = ("(|||[0-9]|[0-9]{2})", "[xcbB?hHiIlLqQnNefdspP]", "[ \t]?")
        .prop_filter("0p", |(count, code, _)| {
            code != "p" || count.is_empty() || !count.trim_matches('0').is_empty()
        })
        .prop_map(|(count, code, space)| format!("{count}{code}{space}"));
    (prop::sample::select(vec!["", "@", "=", "<", ">", "!"]), prop::collection::vec(item, 1..6))
        .prop_map(|(order, items)| format!("{order}{}", items.concat()))
        .prop_filter_map("native only", |text| StructFormat::parse(&text).ok())
}

/// Mostly the right kind and near an edge of the range, sometimes neither.
fn values_for(format: &StructFormat) -> impl Strategy<Value = Vec<Value>> + use<> {
    format.fields().iter().map(value_for).collect::<Vec<_>>()
}

fn value_for(field: &Field) -> BoxedStrategy<Value> {
    let (lowest, highest) = field.range();
    let integers = prop_oneof![
        40 => lowest..=highest,
        10 => Just(lowest),
        10 => Just(highest),
        1 => (-2_i128..3).prop_map(move |by| lowest + by),
        1 => (-2_i128..3).prop_map(move |by| highest + by),
        1 => any::<i128>(),
    ];
    let integers = integers.prop_map(Value::Int);
    let floats = prop_oneof![
        4 => any::<f64>(),
        2 => any::<f32>().prop_map(f64::from),
        4 => -70_000.0..70_000.0,
        2 => -1e-4..1e-4,
        1 => prop::sample::select(vec![65_519.999, 65_520.0, 65_504.0, -65_520.0, 3.5e38, f64::NAN, -f64::NAN, f64::INFINITY, -0.0]),
        1 => (0_u16..=u16::MAX).prop_map(|half| double_from_half(half) * (1.0 + f64::EPSILON)),
    ];
    let floats = floats.prop_map(Value::Float);
    let bytes = prop::collection::vec(any::<u8>(), 0..=field.width.max(1) + 2).prop_map(Value::Bytes);
    let anything = || prop_oneof![any::<bool>().prop_map(Value::Bool), any::<i128>().prop_map(Value::Int)];
    match field.kind {
        Kind::Bool => anything().boxed(),
        Kind::Signed | Kind::Unsigned | Kind::Pointer => {
            prop_oneof![60 => integers, 1 => floats, 1 => bytes, 1 => any::<bool>().prop_map(Value::Bool)].boxed()
        }
        Kind::Float => prop_oneof![60 => floats, 1 => bytes, 1 => anything()].boxed(),
        Kind::Char => {
            prop_oneof![60 => any::<u8>().prop_map(|byte| Value::Bytes(vec![byte])), 1 => bytes, 1 => anything()]
                .boxed()
        }
        Kind::Bytes | Kind::Pascal => prop_oneof![60 => bytes, 1 => anything()].boxed(),
    }
}

#[test]
fn python_accepts_the_same_formats_and_counts_the_same_sizes() {
    let python = Python::start();
    let texts = prop_oneof![
        6 => "[@=<>!]?([0-9]{0,2}[xcbB?hHiIlLqQnNefdspP][ \t]?){0,8}",
        2 => "[ -~\t\r\x0b\x0c中\u{a0}]{0,6}",
        1 => "[@=<>!]?[0-9 ]{0,2}[a-zA-Z0-9 !]{0,5}",
    ];
    let same = |text: String| {
        let ours = StructFormat::parse(&text);
        let size = ours.as_ref().map_or("refused".to_owned(), |format| format.size().to_string());
        // Python has no cap; a size above ours is the one difference.
        prop_assume!(ours != Err(FormatError::TooLarge));
        prop_assert_eq!(size, python.borrow_mut().ask("size", &text, ""));
        if let Ok(format) = ours {
            prop_assert_eq!(format.to_string(), text);
        }
        Ok(())
    };
    runner().run(&texts, same).unwrap();
}

#[test]
fn python_packs_the_same_bytes_and_refuses_the_same_values() {
    let python = Python::start();
    let cases = formats().prop_flat_map(|format| (values_for(&format), Just(format)));
    let same = |(values, format): (Vec<Value>, StructFormat)| {
        let ours = format.pack(&values).map_or("refused".to_owned(), |bytes| hex(&bytes));
        prop_assert_eq!(ours, python.borrow_mut().ask("pack", &format.to_string(), &texts(&values)));
        Ok(())
    };
    runner().run(&cases, same).unwrap();
}

#[test]
fn python_unpacks_the_same_values() {
    let python = Python::start();
    let cases =
        formats().prop_flat_map(|format| (prop::collection::vec(any::<u8>(), format.size()), Just(format)));
    let same = |(bytes, format): (Vec<u8>, StructFormat)| {
        let ours = texts(&format.unpack(&bytes).unwrap());
        prop_assert_eq!(ours, python.borrow_mut().ask("unpack", &format.to_string(), &hex(&bytes)));
        Ok(())
    };
    runner().run(&cases, same).unwrap();
}

#[test]
fn python_reads_every_half_precision_float_the_same() {
    let python = Python::start();
    let format = StructFormat::parse("<4096e").unwrap();
    let every_half: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
    for bytes in every_half.chunks(format.size()) {
        let ours = texts(&format.unpack(bytes).unwrap());
        assert_eq!(ours, python.borrow_mut().ask("unpack", &format.to_string(), &hex(bytes)));
    }
}

#[test]
fn python_rounds_the_middle_between_two_half_precision_floats_the_same() {
    let python = Python::start();
    let format = StructFormat::parse("<1024e").unwrap();
    let middle = |half| Value::Float((double_from_half(half) + double_from_half(half + 1)) / 2.0);
    // Up to the largest finite one: the middle beyond it is too large.
    let middles: Vec<Value> = (0..0x7bff).chain([0]).map(middle).collect();
    for values in middles.chunks(format.fields().len()) {
        let ours = hex(&format.pack(values).unwrap());
        assert_eq!(ours, python.borrow_mut().ask("pack", &format.to_string(), &texts(values)));
    }
}
