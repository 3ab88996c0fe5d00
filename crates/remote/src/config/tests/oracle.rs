//! Configurations held against `ssh -G`, which prints what ssh would use for a host.

use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::TestRunner;

use super::*;
use crate::testing;

/// What both are asked about.
const NAMES: [&str; 4] = ["a", "b", "web1", "n1.lab"];

#[test]
fn written_configurations_mean_what_they_mean_to_ssh() {
    if !testing::is_there("ssh") {
        return;
    }
    for config in [
        "",
        "Host a b\nHostName %h.Lab\nUser u\nPort 7\nHost *\nPort 9\nUser v\n",
        "Host * !web1\nPort 5\nHost !web1 *\nUser x\nHost web?\nUser y\n",
        "Port 3\nHost a\nPort 4\n",
        "  HoSt =  \"a\"\t'b' # c\n\tPort=5\r\nuser \"x y\"\nHost web1#x\nPort 6\n",
        "Host a\nHostName A%%%h\nMatch host a%a\nUser percent\nMatch !host a%a\nUser none\n",
        "Host a\nHostName other\nMatch originalhost A\nPort 1\nMatch host OTHER\nUser matched\nMatch all\nPort 2\n",
        "Host a\nProxyJump x,u@y:22\nHost *\nProxyJump z\n",
        "Host a\nProxyJump none\nHost b\nProxyCommand none\nHost *\nProxyJump z # not for a and b\nProxyCommand nc\n",
        "Host a\nProxyCommand nc %h %p\nHost *\nProxyJump ssh://u@z:5/\n",
        "Match host=web*,!web2\nPort 5\nMatch !all\nUser never\nMatch all\nHost a\nUser u\n",
        "Host a\nInclude one two\nPort 4\nHost b\nInclude t* ~/.ssh/o* none\n",
    ] {
        let home =
            home(&[("config", config), ("one", "User one\nHost b\nPort 1\n"), ("two", "Port 2\nHost x\n")]);
        agree(&home).unwrap();
    }
}

#[test]
fn random_configurations_mean_what_they_mean_to_ssh() {
    if !testing::is_there("ssh") {
        return;
    }
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    let files = (file(&["one", "t*", "~/.ssh/two", "none"]), file(&["two"]), file(&[]));
    TestRunner::new(config)
        .run(&files, |(config, one, two)| agree(&home(&[("config", &config), ("one", &one), ("two", &two)])))
        .unwrap();
}

#[test]
fn files_nest_as_deep_as_in_ssh() {
    if !testing::is_there("ssh") {
        return;
    }
    let chain = |first: usize| {
        let file = |number: usize| (number.to_string(), format!("Include {}\n", number + 1));
        let mut files: Vec<_> = (first..17).map(file).collect();
        files[0].0 = "config".to_owned();
        files.push(("17".to_owned(), "Port 17\n".to_owned()));
        files
    };
    for (first, fits) in [(1, true), (0, false)] {
        let files = chain(first);
        let home = home(&files.iter().map(|(name, text)| (&**name, &**text)).collect::<Vec<_>>());
        assert_eq!(ssh(&home.path().join(".ssh/config"), home.path(), "a").is_ok(), fits);
        assert_eq!(read_from(&home).notes.is_empty(), fits);
    }
}

/// Whatever may stand in a file of a home folder that includes these.
fn file(includes: &'static [&'static str]) -> impl Strategy<Value = String> {
    let patterns =
        || subsequence(vec!["a", "b", "web*", "web1", "w?b2", "*.lab", "*", "!a", "!web1", "!*b*"], 1..4);
    let word = |words: &'static [&'static str]| select(words).prop_map(str::to_owned);
    let keyword = |keyword: &'static str, value: BoxedStrategy<String>| {
        (select(vec![" ", "\t ", "=", " = "]), any::<bool>(), value).prop_map(
            move |(separator, upper, value)| {
                let keyword = if upper { keyword.to_ascii_uppercase() } else { keyword.to_owned() };
                format!("{keyword}{separator}{value}")
            },
        )
    };
    let criterion = word(&["host", "originalhost", "!host", "!originalhost"]);
    let criterion = (criterion, patterns()).prop_map(|(of, patterns)| format!("{of} {}", patterns.join(",")));
    let criteria = proptest::collection::vec(criterion, 1..3).prop_map(|criteria| criteria.join(" "));
    let line = prop_oneof![
        4 => keyword("Host", patterns().prop_map(|patterns| patterns.join(" ")).boxed()),
        1 => keyword("Match", prop_oneof![4 => criteria, 1 => word(&["all", "!all"])].boxed()),
        2 => keyword("HostName", word(&["x", "\"%h.lab\"", "a", "B.Lab", "100%%%h", "fd00::1"]).boxed()),
        2 => keyword("User", word(&["u", "'two words'", "a#b # c", r"do\main"]).boxed()),
        2 => keyword("Port", word(&["22", "2222 # c", "\"65535\""]).boxed()),
        2 => keyword("ProxyJump", word(&["j", "u@j:22,[::1]:5", "none", "a,b,c", "NONE"]).boxed()),
        1 => keyword("ProxyCommand", word(&["none", "nc %h %p", "\"a b\" c"]).boxed()),
        1 => word(&["", "# comment", "Compression yes", "IdentityFile ~/.ssh/%h"]),
    ];
    let include =
        proptest::option::weighted(0.5, (any::<prop::sample::Index>(), any::<prop::sample::Index>()));
    (proptest::collection::vec(line, 0..12), include).prop_map(move |(mut lines, include)| {
        if let Some((at, which)) = include
            && !includes.is_empty()
        {
            lines.insert(at.index(lines.len() + 1), format!("Include {}", which.get(includes)));
        }
        lines.join("\n")
    })
}

fn agree(home: &TempDir) -> Result<(), TestCaseError> {
    let file = home.path().join(".ssh/config");
    let mut reader = Reader::new(home.path());
    let steps = reader.file(&file, 0);
    prop_assert_eq!(reader.notes.into_vec(), []);
    let defaults = ssh(Path::new("/dev/null"), home.path(), "a").map_err(TestCaseError::fail)?;
    for name in NAMES {
        let ours = Settings::of(name, &steps);
        let with_defaults = Settings {
            host_name: Some(ours.host(name)),
            user: ours.user.or(defaults.user.clone()),
            port: ours.port.or(defaults.port),
            proxy: ours.proxy.filter(|proxy| *proxy != Proxy::Direct),
            origin: None,
        };
        let theirs = ssh(&file, home.path(), name).map_err(TestCaseError::fail)?;
        prop_assert_eq!(with_defaults, theirs, "{} of {}", name, fs::read_to_string(&file).unwrap());
    }
    Ok(())
}

/// What ssh would use, or what it complains about.
fn ssh(config: &Path, home: &Path, name: &str) -> Result<Settings, String> {
    let output = Command::new("ssh").arg("-GF").arg(config).arg(name).env("HOME", home).output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let output = String::from_utf8(output.stdout).unwrap();
    let value = |keyword: &str| {
        let line = output.lines().find_map(|line| line.strip_prefix(keyword)?.strip_prefix(' '));
        line.map(str::to_owned)
    };
    let jumps = |jumps: &str| jumps.split(',').map(|via| via.parse::<Login>().unwrap()).collect();
    let proxy = match (value("proxyjump"), value("proxycommand")) {
        (None, None) => None,
        (Some(via), _) if via == "none" => None,
        (Some(via), _) => Some(Proxy::Jumps(jumps(&via))),
        (None, Some(_)) => Some(Proxy::Command),
    };
    Ok(Settings {
        host_name: value("hostname"),
        user: value("user"),
        port: value("port").map(|port| port.parse().unwrap()),
        proxy,
        origin: None,
    })
}
