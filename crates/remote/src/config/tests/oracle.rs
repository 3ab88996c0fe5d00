//! Configurations held against `ssh -G`, which prints what ssh would use for a host.

use std::collections::BTreeMap;
use std::process::Command;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::TestRunner;

use super::*;
use crate::config::steps::Said;
use crate::config::value;

/// What both are asked about.
const NAMES: [&str; 5] = ["a", "b", "web1", "n1.lab", "Web1"];

/// Of what `ssh -G` prints, what a connection of ours follows.
const KEYWORDS: [&str; 24] = [
    "batchmode",
    "certificatefile",
    "connecttimeout",
    "globalknownhostsfile",
    "hashknownhosts",
    "hostkeyalias",
    "hostname",
    "identitiesonly",
    "identityagent",
    "identityfile",
    "kbdinteractiveauthentication",
    "passwordauthentication",
    "port",
    "preferredauthentications",
    "proxycommand",
    "proxyjump",
    "pubkeyauthentication",
    "sendenv",
    "serveralivecountmax",
    "serveraliveinterval",
    "setenv",
    "stricthostkeychecking",
    "user",
    "userknownhostsfile",
];

/// Values by keyword, in ssh's words.
type Printed = BTreeMap<&'static str, Vec<String>>;

#[test]
fn written_configurations_mean_what_they_mean_to_ssh() {
    needs!("ssh");
    for config in [
        "",
        "Host a b\nHostName %h.Lab\nUser u\nPort 7\nHost *\nPort 9\nUser v\n",
        "Host * !web1\nPort 5\nHost !web1 *\nUser x\nHost web?\nUser y\n",
        "Port 3\nHost a\nPort 4\n",
        "  HoSt =  \"a\"\t'b' # c\n\tPort=5\r\nuser \"x y\"\nHost web1#x\nPort 6\n",
        "Host a\nHostName A%%%h\nMatch host a%a\nUser percent\nMatch !host a%a\nUser none\n",
        "Host a\nHostName other\nMatch originalhost A\nPort 1\nMatch host OTHER\nUser matched\nMatch all\nPort 2\n",
        "Host a\nProxyJump x,u@y:22\nHost *\nProxyJump z\n",
        "Host a\nProxyJump none\nHost b\nProxyCommand none\nHost *\nProxyJump z # not for a and b\n",
        "Host a\nProxyCommand nc %h %p\nHost *\nProxyJump ssh://u@z:5/\n",
        "Match host=web*,!web2\nPort 5\nMatch !all\nUser never\nMatch all\nHost a\nUser u\n",
        "IdentityFile none\nHost a b\nIdentityFile ~/k\nIdentityFile k%h\nIdentityFile ~/k\nCertificateFile c\n",
        "SendEnv A LC_* B\nHost a\nSendEnv -LC_* -B* C\nSetEnv N=1 \"M=two words\" N=2\nHost *\nSetEnv O=3\n",
        "ConnectTimeout none\nServerAliveInterval none\nHost a\nConnectTimeout 1h2M3\nHost *\nServerAliveInterval 2w\n",
        "UserKnownHostsFile ~/%%%d/%h%i%k%L%l%n%p%r%u${HOME}/%C $HOME\nHostKeyAlias K\nPort 5\nUser x\n",
        "IgnoreUnknown new*,!newer\nNewKeyword x\nHost a\nNewKeyword y\nUser u\n",
        "StrictHostKeyChecking OFF\nPubkeyAuthentication Host-Bound\nPasswordAuthentication FALSE\nPort 3\n",
        "GlobalKnownHostsFile none\nUserKnownHostsFile NONE\nIdentityAgent $AGENT\nHost *\nIdentityAgent none\n",
        "Match user root\nPort 7\nMatch !user root\nPort 8\nMatch localuser root user r*,!rot\nUser z\n",
        "Host a\nInclude one two\nPort 4\nHost b\nInclude t* ~/.ssh/o* none\n",
    ] {
        let home =
            home(&[("config", config), ("one", "User one\nHost b\nPort 1\n"), ("two", "Port 2\nHost x\n")]);
        agree(&home).unwrap();
    }
}

#[test]
fn random_configurations_mean_what_they_mean_to_ssh() {
    needs!("ssh");
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    let files = (file(&["one", "t*", "~/.ssh/two", "none"]), file(&["two"]), file(&[]));
    TestRunner::new(config)
        .run(&files, |(config, one, two)| agree(&home(&[("config", &config), ("one", &one), ("two", &two)])))
        .unwrap();
}

#[test]
fn files_nest_as_deep_as_in_ssh() {
    needs!("ssh");
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
        assert_eq!(read(&home).1.is_empty(), fits);
    }
}

#[test]
fn every_keyword_is_one_of_ssh_and_none_of_its_own_is_missing() {
    needs!("ssh");
    /// OpenSSH 9.2 has not yet heard of these.
    const YOUNGER: [&str; 6] = [
        "channeltimeout",
        "obscurekeystroketiming",
        "refuseconnection",
        "tag",
        "versionaddendum",
        "warnweakcrypto",
    ];
    let lines: String = other::OTHERS.iter().map(|(keyword, _)| format!("{keyword} yes\n")).collect();
    let home = home(&[("config", &lines), ("empty", "")]);
    let complaints = ssh_output(&home.path().join(".ssh/config"), home.path(), "a").unwrap_err();
    for (keyword, _) in other::OTHERS {
        let unknown = complaints.contains(&format!("Bad configuration option: {keyword}\n"));
        assert!(!unknown || YOUNGER.contains(keyword), "{keyword}");
    }
    assert!(complaints.contains("line"), "{complaints}");

    let printed = ssh_output(&home.path().join(".ssh/empty"), home.path(), "a").unwrap();
    // The first line is no keyword, but who is asked for.
    let lines: String =
        printed.lines().filter(|line| !line.starts_with("host ")).map(|line| format!("{line}\n")).collect();
    assert!(lines.lines().count() > 50, "{lines}");
    std::fs::write(home.path().join(".ssh/config"), lines).unwrap();
    let config = read(&home).0;
    let unknown = config
        .host(&Asked::name("a"), &here(&home))
        .notes
        .into_iter()
        .filter(|note| note.reason.contains("no such"));
    assert_eq!(unknown.collect::<Vec<_>>(), []);
}

/// Whatever may stand in a file of a home folder that includes these.
fn file(includes: &'static [&'static str]) -> impl Strategy<Value = String> {
    let patterns = || {
        subsequence(
            vec!["a", "b", "web*", "web1", "w?b2", "*.lab", "*", "!a", "!web1", "!*b*", "u", "root"],
            1..4,
        )
    };
    let word = |words: &'static [&'static str]| select(words).prop_map(str::to_owned);
    let keyword = |keyword: &'static str, value: BoxedStrategy<String>| {
        (select(vec![" ", "\t ", "=", " = "]), any::<bool>(), value).prop_map(
            move |(separator, upper, value)| {
                let keyword = if upper { keyword.to_ascii_uppercase() } else { keyword.to_owned() };
                format!("{keyword}{separator}{value}")
            },
        )
    };
    let criterion = word(&["host", "originalhost", "!host", "!originalhost", "user", "!localuser"]);
    let criterion = (criterion, patterns()).prop_map(|(of, patterns)| format!("{of} {}", patterns.join(",")));
    let criteria = proptest::collection::vec(criterion, 1..3).prop_map(|criteria| criteria.join(" "));
    let line = prop_oneof![
        4 => keyword("Host", patterns().prop_map(|patterns| patterns.join(" ")).boxed()),
        1 => keyword("Match", prop_oneof![4 => criteria, 1 => word(&["all", "!all"])].boxed()),
        2 => keyword("HostName", word(&["x", "\"%h.lab\"", "a", "B.Lab", "100%%%h", "fd00::1"]).boxed()),
        2 => keyword("User", word(&["u", "'two words'", "a#b # c", r"do\main"]).boxed()),
        2 => keyword("Port", word(&["22", "2222 # c", "\"65535\""]).boxed()),
        2 => keyword("ProxyJump", word(&["j", "u@j:22,[::1]:5", "a,b,c", "%r@j-%h"]).boxed()),
        1 => keyword("ProxyCommand", word(&["none", "nc %h %p", "\"a b\" c"]).boxed()),
        8 => setting(),
        1 => word(&["", "# comment", "Compression yes"]),
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

/// A line about how to connect.
fn setting() -> impl Strategy<Value = String> {
    select(vec![
        "IdentityFile ~/.ssh/%h",
        "IdentityFile \"two words\"",
        "IdentityFile2 none",
        "IdentitiesOnly yes",
        "IdentitiesOnly FALSE",
        "IdentityAgent ~/agent-%r-%p",
        "IdentityAgent none",
        "IdentityAgent SSH_AUTH_SOCK",
        "CertificateFile ~/cert-%n",
        "CertificateFile other",
        "UserKnownHostsFile ~/.ssh/%k ${HOME}/%h-%p-%r-%u-%i",
        "UserKnownHostsFile none",
        "UserKnownHostsFile /%l/%L/%%/%d",
        "GlobalKnownHostsFile ~/global /etc/%h",
        "GlobalKnownHostsFile none",
        "StrictHostKeyChecking yes",
        "StrictHostKeyChecking off",
        "StrictHostKeyChecking Accept-New",
        "StrictHostKeyChecking ask",
        "HashKnownHosts yes",
        "HashKnownHosts no",
        "HostKeyAlias Alias",
        "HostKeyAlias other",
        "ConnectTimeout 5",
        "ConnectTimeout 1m",
        "ConnectTimeout none",
        "ServerAliveInterval 30",
        "ServerAliveInterval 1h1",
        "ServerAliveCountMax 7",
        "SendEnv X Y*",
        "SendEnv -Y* Z",
        "SendEnv -?",
        "SetEnv A=1 B=%h",
        "SetEnv \"C=two words\" C=x",
        "BatchMode yes",
        "BatchMode no",
        "PasswordAuthentication no",
        "ChallengeResponseAuthentication no",
        "KbdInteractiveAuthentication yes",
        "PubkeyAuthentication no",
        "PubkeyAuthentication unbound",
        "PreferredAuthentications password,publickey",
    ])
    .prop_map(str::to_owned)
}

fn agree(home: &TempDir) -> Result<(), TestCaseError> {
    let file = home.path().join(".ssh/config");
    let (config, notes) = read(home);
    prop_assert_eq!(notes, []);
    let here = here(home);
    for name in NAMES {
        let ours = printed(&config, &Asked::name(name), &here);
        let theirs = ssh(&file, home.path(), name).map_err(TestCaseError::fail)?;
        prop_assert_eq!(ours, theirs, "{} of {}", name, fs::read_to_string(&file).unwrap());
    }
    Ok(())
}

/// What ssh takes for who asks: it looks into passwd(5), where `HOME` and `USER` mean nothing.
fn here(home: &TempDir) -> Here {
    let printed = ssh(Path::new("/dev/null"), home.path(), "a").unwrap();
    let of_user = printed["userknownhostsfile"][0].split_once("/.ssh/").unwrap().0;
    Here {
        user: printed["user"][0].clone(),
        home: of_user.into(),
        env: [("HOME".to_owned(), home.path().to_str().unwrap().to_owned())].into(),
        ..Here::of_process()
    }
}

/// What ours makes of it, in ssh's words. What ssh prints before it expands it, is taken as it stands in the files.
fn printed(config: &Config, asked: &Asked, here: &Here) -> Printed {
    let host = config.host(asked, here);
    let said = Said::of(asked, here, &config.steps);
    let hop = host.hop(here);
    let settings = &host.settings;
    let paths = |paths: &[PathBuf]| {
        let shown: Vec<_> = paths.iter().map(|path| path.to_str().unwrap()).collect();
        if shown.is_empty() { "none".to_owned() } else { shown.join(" ") }
    };
    let yes_no = |yes: bool| vec![if yes { "yes" } else { "no" }.to_owned()];
    let seconds = |time: Option<Duration>| vec![time.unwrap_or_default().as_secs().to_string()];
    let mut printed = Printed::from([
        ("batchmode", yes_no(!settings.ask)),
        ("certificatefile", said.certificates.iter().map(|file| file.text.clone()).collect()),
        ("connecttimeout", seconds(settings.connect_timeout)),
        ("hashknownhosts", yes_no(settings.hash_known_hosts)),
        ("hostkeyalias", settings.host_key_alias.iter().cloned().collect()),
        ("hostname", vec![hop.host]),
        ("identitiesonly", yes_no(settings.identities_only)),
        ("kbdinteractiveauthentication", yes_no(said.keyboard_interactive.unwrap_or(true))),
        ("passwordauthentication", yes_no(said.password.unwrap_or(true))),
        ("port", vec![hop.port.to_string()]),
        ("preferredauthentications", said.preferred.into_iter().cloned().collect()),
        ("pubkeyauthentication", yes_no(said.public_key.unwrap_or(true))),
        ("sendenv", said.send_env.iter().map(|name| (*name).to_owned()).collect()),
        ("serveralivecountmax", vec![settings.alive_count_max.to_string()]),
        ("serveraliveinterval", seconds(settings.alive_interval)),
        ("setenv", settings.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        ("user", vec![hop.user]),
        ("userknownhostsfile", vec![paths(&settings.user_known_hosts)]),
    ]);
    let strict = match settings.strict {
        StrictHostKeyChecking::Yes => "true",
        StrictHostKeyChecking::AcceptNew => "accept-new",
        StrictHostKeyChecking::No => "false",
        StrictHostKeyChecking::Ask => "ask",
    };
    printed.insert("stricthostkeychecking", vec![strict.to_owned()]);
    let global = said.global_known_hosts.map_or_else(
        || paths(&settings.global_known_hosts),
        |files| paths(&files.iter().map(|file| file.text.clone().into()).collect::<Vec<_>>()),
    );
    printed.insert("globalknownhostsfile", vec![global]);
    let identities = if said.identities.is_empty() {
        let in_home =
            |file: &IdentityFile| format!("~/{}", file.path.strip_prefix(&here.home).unwrap().display());
        settings.identity_files.iter().map(in_home).collect()
    } else {
        said.identities.iter().map(|identity| identity.file.text.clone()).collect()
    };
    printed.insert("identityfile", identities);
    if let Some(agent) = said.identity_agent {
        let is_word = ["none", "SSH_AUTH_SOCK"].contains(&&*agent.text) || agent.text.starts_with('$');
        let text = if is_word { agent.text.clone() } else { paths(settings.agent.as_slice()) };
        printed.insert("identityagent", vec![text]);
    }
    match said.proxy {
        None | Some(Proxy::Direct) => {}
        Some(Proxy::Jumps(jumps)) => {
            printed.insert("proxyjump", jumps.iter().map(|jump| format!("{jump:?}")).collect());
        }
        Some(_) => {
            printed.insert("proxycommand", vec![]);
        }
    }
    printed.retain(|keyword, values| !values.is_empty() || *keyword == "proxycommand");
    printed
}

/// What ssh would use, or what it complains about; where there are several words for the same, with one of them.
fn ssh(config: &Path, home: &Path, name: &str) -> Result<Printed, String> {
    let output = ssh_output(config, home, name)?;
    let mut printed = Printed::new();
    for line in output.lines() {
        let (keyword, value) = line.split_once(' ').unwrap_or((line, ""));
        let Some(keyword) = KEYWORDS.iter().find(|known| **known == keyword) else { continue };
        let value = match (*keyword, value) {
            ("proxyjump" | "proxycommand", "none") => continue,
            ("proxyjump", jumps) => {
                let jumps = value::jumps(jumps).unwrap();
                printed.insert(keyword, jumps.iter().map(|jump| format!("{jump:?}")).collect());
                continue;
            }
            ("proxycommand", _) => {
                printed.insert(keyword, vec![]);
                continue;
            }
            ("pubkeyauthentication", "false") => "no",
            ("pubkeyauthentication", _) => "yes",
            ("connecttimeout", "none") => "0",
            // Debian's own default where BatchMode is set; no line here says so.
            ("serveraliveinterval", "300") => "0",
            // Keys that russh does not know.
            (
                "identityfile",
                "~/.ssh/id_ecdsa_sk" | "~/.ssh/id_ed25519_sk" | "~/.ssh/id_xmss" | "~/.ssh/id_dsa",
            ) => {
                continue;
            }
            (_, value) => value,
        };
        printed.entry(keyword).or_default().push(value.to_owned());
    }
    if printed.contains_key("proxyjump") {
        printed.remove("proxycommand");
    }
    Ok(printed)
}

fn ssh_output(config: &Path, home: &Path, name: &str) -> Result<String, String> {
    let output = Command::new("ssh").arg("-GF").arg(config).arg(name).env("HOME", home).output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8(output.stdout).unwrap())
}
