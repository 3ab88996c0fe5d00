use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::algorithms::Algorithms;

mod oracle;

/// A home folder whose `.ssh` has these files.
fn home(files: &[(&str, &str)]) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".ssh")).unwrap();
    for (name, text) in files {
        write(&home.path().join(".ssh").join(name), text);
    }
    home
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
}

fn read(home: &TempDir) -> (Config, Vec<Note>) {
    Config::read(&[File::User(home.path().join(".ssh/config"))], home.path()).unwrap()
}

/// Somebody at `pc.lab`, at home in `/home/me`.
fn me(env: &[(&str, &str)]) -> Here {
    Here {
        user: "me".to_owned(),
        uid: 1000,
        home: "/home/me".into(),
        host_name: "pc.lab".to_owned(),
        env: env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    }
}

/// Of a host, by one file.
fn host(config: &str, name: &str, here: &Here) -> Host {
    let (config, notes) = read(&home(&[("config", config)]));
    assert_eq!(notes, []);
    config.host(&Asked::name(name), here)
}

fn settings(config: &str) -> Settings {
    Settings::clone(&host(config, "a", &me(&[])).settings)
}

/// `LINE TEXT: REASON`.
fn shown(notes: &[Note]) -> Vec<String> {
    let line = |note: &Note| note.line.map_or(String::new(), |line| format!("{line} "));
    notes.iter().map(|note| format!("{}{}: {}", line(note), note.text, note.reason)).collect()
}

fn identities(settings: &Settings) -> Vec<(&str, bool)> {
    settings.identity_files.iter().map(|file| (file.path.to_str().unwrap(), file.named)).collect()
}

#[test]
fn a_host_of_which_nothing_is_said_has_the_defaults_of_ssh() {
    let host = Config::default().host(&Asked::name("Gate.LAB"), &me(&[("SSH_AUTH_SOCK", "/run/agent")]));
    assert_eq!(host.hop(&me(&[])).to_string(), "me@gate.lab:22");
    assert_eq!((host.place, host.proxy, host.notes), (None, Proxy::Direct, vec![]));
    let in_ssh = |name: &str| PathBuf::from(format!("/home/me/.ssh/{name}"));
    let expected = Settings {
        identity_files: ["id_rsa", "id_ecdsa", "id_ed25519"]
            .map(|name| IdentityFile { path: in_ssh(name), named: false })
            .into(),
        identities_only: false,
        agent: Some("/run/agent".into()),
        certificate_files: vec![],
        user_known_hosts: vec![in_ssh("known_hosts"), in_ssh("known_hosts2")],
        global_known_hosts: vec!["/etc/ssh/ssh_known_hosts".into(), "/etc/ssh/ssh_known_hosts2".into()],
        strict: StrictHostKeyChecking::Ask,
        hash_known_hosts: false,
        host_key_alias: None,
        revoked_host_keys: None,
        algorithms: Algorithms::default(),
        connect_timeout: None,
        alive_interval: None,
        alive_count_max: 3,
        env: vec![],
        ask: true,
        public_key: true,
        password: true,
        keyboard_interactive: true,
    };
    assert_eq!(*host.settings, expected);
}

#[test]
fn keys_are_shown_in_the_order_of_the_lines_each_once() {
    let found =
        settings("IdentityFile ~/b\nHost a\nIdentityFile /k/%h-%r\nIdentityFile ~/b\nIdentityFile none\n");
    assert_eq!(identities(&found), [("/home/me/b", true), ("/k/a-me", true)]);
    assert_eq!(identities(&settings("IdentityFile none\n")), []);
}

#[test]
fn keys_that_only_the_administrator_names_may_be_missing() {
    let home = home(&[("config", "IdentityFile /user\n")]);
    let system = home.path().join("ssh_config");
    write(&system, "IdentityFile /system\nIdentityFile /user\n");
    let files = [File::User(home.path().join(".ssh/config")), File::System(system)];
    let (config, _) = Config::read(&files, home.path()).unwrap();
    let host = config.host(&Asked::name("a"), &me(&[]));
    assert_eq!(identities(&host.settings), [("/user", true), ("/system", false), ("/user", false)]);
}

#[test]
fn tokens_stand_for_the_connection_and_for_who_asks() {
    let config = "Host A\nHostName %h.Lab\nUser u\nPort 7\nHostKeyAlias K\nProxyJump x,%n-%r@gate-%h-%p\n\
                  CertificateFile /%%-%d-%h-%i-%j-%k-%L-%l-%n-%p-%r-%u-${X}-$X\n";
    let host = host(config, "A", &me(&[("X", "%h")]));
    let expected = "/%-/home/me-a.lab-1000-gate-%h-%p-k-pc-pc.lab-A-7-u-me-%h-$X";
    assert_eq!(host.settings.certificate_files, [PathBuf::from(expected)]);
    let Proxy::Jumps(jumps) = &host.proxy else { panic!("{:?}", host.proxy) };
    assert_eq!(jumps[1], Jump { user: Some("A-u".to_owned()), host: "gate-a.lab-7".to_owned(), port: None });
}

#[test]
fn a_file_whose_name_cannot_be_known_is_left_out_with_a_note() {
    let host = host("IdentityFile ${NOWHERE}/k\nIdentityFile /k\n", "a", &me(&[]));
    assert_eq!(identities(&host.settings), [("/k", true)]);
    assert_eq!(shown(&host.notes), ["1 ${NOWHERE}/k: the variable NOWHERE is not set"]);
    let (_, notes) =
        read(&home(&[("config", "IdentityFile %x\nCertificateFile ~you/c\nIdentityAgent ${A\n")]));
    assert_eq!(
        shown(&notes),
        [
            "1 IdentityFile %x: only %C, %d, %h, %i, %j, %k, %L, %l, %n, %p, %r, %u and %% can stand in the name of a file",
            "2 CertificateFile ~you/c: of ~ only your own, ~/, is known here: write the whole path",
            "3 IdentityAgent ${A: a ${ is not closed",
        ]
    );
}

#[test]
fn the_agent_is_the_one_that_is_named() {
    let here = me(&[("SSH_AUTH_SOCK", "/usual"), ("MINE", "/mine"), ("NONE", "")]);
    for (said, agent) in [
        ("", Some("/usual")),
        ("IdentityAgent SSH_AUTH_SOCK", Some("/usual")),
        ("IdentityAgent none", None),
        ("IdentityAgent $MINE", Some("/mine")),
        ("IdentityAgent ${MINE}/x", Some("/mine/x")),
        ("IdentityAgent $NONE", None),
        ("IdentityAgent $MISSING", None),
        ("IdentityAgent ~/agent", Some("/home/me/agent")),
    ] {
        assert_eq!(host(said, "a", &here).settings.agent, agent.map(PathBuf::from), "{said}");
    }
}

#[test]
fn variables_are_picked_by_patterns_and_the_first_that_is_set_wins() {
    let here = me(&[("LANG", "C"), ("LC_ALL", "x"), ("LC_TIME", "y"), ("HOME", "/"), ("A", "1")]);
    let config = "SendEnv LANG LC_*\nSendEnv A\nSendEnv -LANG\nSetEnv LC_TIME=z N=1 N=2\n";
    let env = host(config, "a", &here).settings.env.clone();
    let env: Vec<_> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(env, ["A=1", "LC_ALL=x", "LC_TIME=z", "N=1"]);
}

#[test]
fn ways_to_log_in_are_taken_away_one_by_one() {
    let ways = |config| {
        let Settings { ask, public_key, password, keyboard_interactive, .. } = settings(config);
        (ask, public_key, password, keyboard_interactive)
    };
    assert_eq!(ways("BatchMode yes\n"), (false, true, true, true));
    assert_eq!(ways("PubkeyAuthentication no\nPasswordAuthentication no\n"), (true, false, false, true));
    assert_eq!(ways("ChallengeResponseAuthentication no\n"), (true, true, true, false));
    assert_eq!(
        ways("PreferredAuthentications password,publickey\nPasswordAuthentication no\n"),
        (true, true, false, false)
    );
}

#[test]
fn a_host_behind_what_is_not_understood_is_never_reached_directly() {
    let home = home(&[("config", "Host a\nProxyCommand nc %h %p\nHost b\nProxyJump u@:22\nProxyJump c\n")]);
    let (config, notes) = read(&home);
    let place = |line| Place { file: home.path().join(".ssh/config").into(), line };
    let proxy = |name| config.host(&Asked::name(name), &me(&[])).proxy;
    assert_eq!(proxy("a"), Proxy::Command(place(2)));
    assert_eq!(proxy("b"), Proxy::Broken(place(4)));
    assert_eq!(notes.len(), 1);
}

#[test]
fn no_jumps_are_no_way_around_a_command() {
    let proxy = |config| host(config, "a", &me(&[])).proxy;
    assert_eq!(proxy("ProxyJump none\nProxyJump j\n"), Proxy::Direct);
    assert_eq!(proxy("ProxyJump NONE\nProxyCommand none\n"), Proxy::Direct);
    // As of OpenSSH 10.3; before, the first line kept the second out.
    assert!(matches!(proxy("ProxyJump none\nProxyCommand nc %h %p\n"), Proxy::Command(_)));
}

#[test]
fn machines_on_the_way_are_logins_or_addresses_of_ssh() {
    let jump = |user: Option<&str>, host: &str, port| Jump {
        user: user.map(str::to_owned),
        host: host.to_owned(),
        port,
    };
    for (text, expected) in [
        ("j", jump(None, "j", None)),
        ("u@d@j:22", jump(Some("u@d"), "j", Some(22))),
        ("[fd00::1]:5", jump(None, "fd00::1", Some(5))),
        ("[fd00::1]", jump(None, "fd00::1", None)),
        ("fd00::1", jump(None, "fd00::1", None)),
        ("ssh://u@j:5/", jump(Some("u"), "j", Some(5))),
    ] {
        assert_eq!(value::jumps(text), Ok(vec![expected]), "{text}");
    }
    for text in ["", "a,,b", "@j", "j:", "j:0", "j:x", "[::1]5", "a b", "a/b", "ssh://", "%x"] {
        assert!(value::jumps(text).is_err(), "{text}");
    }
}

#[test]
fn a_keyword_that_is_not_followed_is_told_for_the_hosts_that_it_is_meant_for() {
    let config = "Host a\nForwardAgent no\nBindAddress 10.0.0.1\nLogLevel DEBUG\n\
                  Host *\nForwardAgent yes\nBindAddress 10.0.0.2\nVerifyHostKeyDNS false\n";
    let not_followed = |line| format!("{line}: this keyword is not followed here");
    assert_eq!(shown(&host(config, "a", &me(&[])).notes), [not_followed("3 BindAddress 10.0.0.1")]);
    assert_eq!(
        shown(&host(config, "b", &me(&[])).notes),
        [not_followed("6 ForwardAgent yes"), not_followed("7 BindAddress 10.0.0.2")]
    );
}

#[test]
fn lists_of_algorithms_are_followed_and_what_is_not_known_of_them_is_told() {
    let config = "Host a\nCiphers aes256-ctr,rijndael\nMACs -*sha1*,hmac-sha2-256\nHostKeyAlgorithms ^rsa-sha2-256\n\
                  Host *\nCiphers chacha20-poly1305@openssh.com\nKexAlgorithms +diffie-hellman-group14-sha1\n\
                  PubkeyAcceptedKeyTypes ssh-ed25519\nRevokedHostKeys ~/revoked\n";
    let host = host(config, "a", &me(&[]));
    assert_eq!(shown(&host.notes), ["2 Ciphers aes256-ctr,rijndael: not known here: rijndael"]);
    let (usual, found) = (Algorithms::default(), &host.settings.algorithms);
    assert_eq!(found.ciphers, ["aes256-ctr"]);
    assert_eq!(found.macs.len(), usual.macs.len() - 1);
    assert_eq!((found.host_keys[0], found.host_keys_in_order), ("rsa-sha2-256", true));
    assert_eq!(found.host_keys.len(), usual.host_keys.len());
    assert_eq!(found.key_exchanges.last(), Some(&"diffie-hellman-group14-sha1"));
    assert_eq!(found.public_keys, ["ssh-ed25519"]);
    assert_eq!(host.settings.revoked_host_keys.as_deref(), Some(Path::new("/home/me/revoked")));
}

#[test]
fn a_keyword_that_ssh_does_not_know_is_told_unless_it_is_to_be_ignored() {
    let config = "UseKeychain yes\nHost a\nIgnoreUnknown use*\nUseKeychain no\nHost b\nOther 1\n";
    let unknown = |line| format!("{line}: ssh has no such keyword, and would end here");
    assert_eq!(shown(&host(config, "a", &me(&[])).notes), [unknown("1 UseKeychain yes")]);
    assert_eq!(
        shown(&host(config, "b", &me(&[])).notes),
        [unknown("1 UseKeychain yes"), unknown("6 Other 1")]
    );
}

#[test]
fn options_come_before_the_files_and_what_a_person_asks_for_before_both() {
    let (config, _) = read(&home(&[("config", "User file\nPort 1\nIdentityFile /file\nBatchMode yes\n")]));
    let options = ["User=option", "Port 2", "identityfile=/option"].map(str::to_owned);
    let config = config.with_options(&options).unwrap();
    let asked = Asked { port: Some(3), ..Asked::name("a") };
    let host = config.host(&asked, &me(&[]));
    assert_eq!(host.hop(&me(&[])).to_string(), "option@a:3");
    assert_eq!(identities(&host.settings), [("/option", true), ("/file", true)]);
    assert!(!host.settings.ask);
}

#[test]
fn an_option_that_ssh_would_not_take_is_an_error() {
    for (option, error) in [
        ("StrictHostKeyCheking=yes", "ssh has no such keyword, and would end here"),
        ("Port=x", "x is not a port: a port is a number from 1 to 65535"),
        ("Host=a", "it stands only in files"),
        ("Include=/x", "it stands only in files"),
        ("StrictHostKeyChecking=maybe", "yes, no, ask or accept-new can stand here"),
        ("User", "a value is missing"),
        ("", "it says nothing: KEY=VALUE"),
    ] {
        let found = Config::default().with_options(&[option.to_owned()]).unwrap_err();
        assert_eq!(found.to_string(), format!("-o {option}: {error}"));
    }
}

#[test]
fn the_file_that_somebody_chose_must_be_there_and_may_be_anybodys() {
    let home = home(&[("own", "Include inner\n"), ("inner", "Port 5\n")]);
    let file = home.path().join(".ssh/own");
    let read = |file: PathBuf| Config::read(&[File::Chosen(file)], home.path());
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(read(file).unwrap().0.host(&Asked::name("a"), &me(&[])).port, Some(5));
    let missing = home.path().join("missing");
    let error = read(missing.clone()).unwrap_err().to_string();
    assert_eq!(error, format!("reading {}: there is no such file", missing.display()));
    let error = read("/dev/zero".into()).unwrap_err().to_string();
    assert!(error.contains("the limit is 1000 files with 4194304 bytes"), "{error}");
}

#[test]
fn what_the_system_includes_lies_beside_it_and_in_no_home() {
    let home = home(&[("part", "Port 1\n")]);
    let system = home.path().join("ssh_config");
    write(&system, "Include ~/.ssh/part\nInclude part\n");
    write(&home.path().join("part"), "Port 2\n");
    let (config, notes) = Config::read(&[File::System(system)], home.path()).unwrap();
    assert_eq!(config.host(&Asked::name("a"), &me(&[])).port, Some(2));
    assert_eq!(shown(&notes), ["1 Include ~/.ssh/part: no home folder can stand in a file of the system"]);
}

#[test]
fn what_stands_under_a_match_by_a_program_counts_for_nobody() {
    let (config, notes) = read(&home(&[("config", "Match exec true\nPort 1\nMatch all\nUser u\n")]));
    let host = config.host(&Asked::name("a"), &me(&[]));
    assert_eq!((host.port, host.user.as_deref()), (None, Some("u")));
    assert!(notes[0].reason.contains("is not judged here"), "{notes:?}");
}

#[test]
fn match_looks_at_who_logs_in_and_at_who_asks() {
    let config = "Match user m*\nPort 1\nMatch localuser me user root\nPort 2\nMatch !localuser me\nPort 3\n";
    let (config, _) = read(&home(&[("config", config)]));
    let port = |user: Option<&str>, local: &str| {
        let asked = Asked { user: user.map(str::to_owned), ..Asked::name("a") };
        config.host(&asked, &Here { user: local.to_owned(), ..me(&[]) }).port
    };
    assert_eq!(port(None, "me"), Some(1));
    assert_eq!(port(Some("root"), "me"), Some(2));
    assert_eq!(port(Some("root"), "you"), Some(3));
    assert_eq!(port(Some("ROOT"), "me"), None);
}

#[test]
fn a_value_that_is_none_is_told_and_sets_nothing() {
    for line in [
        "StrictHostKeyChecking maybe",
        "HashKnownHosts 1",
        "ConnectTimeout 5x",
        "ConnectTimeout 99999999w",
        "ServerAliveCountMax -1",
        "SetEnv NAME",
        "SendEnv A=1",
        "UserKnownHostsFile a none",
        "GlobalKnownHostsFile ~you/x",
    ] {
        let (config, notes) = read(&home(&[("config", line)]));
        assert_eq!(shown(&notes).len(), 1, "{line}");
        assert_eq!(
            config.host(&Asked::name("a"), &me(&[])),
            Config::default().host(&Asked::name("a"), &me(&[]))
        );
    }
}

#[test]
fn values_without_end_are_cut_with_notes() {
    let keys: String =
        (0..1000).map(|number| format!("IdentityFile /{number}\nSendEnv N{number}\n")).collect();
    let host = host(&keys, "a", &me(&[("N99", "in"), ("N100", "out")]));
    assert_eq!(host.settings.identity_files.len(), 100);
    assert_eq!(host.settings.env, [("N99".to_owned(), "in".to_owned())]);
    assert_eq!(shown(&host.notes)[0], "201 /100: the first 100 are taken");
    assert_eq!(host.notes.len(), 1001);
}

proptest! {
    #[test]
    fn of_any_text_every_host_has_settings(
        text in r#"(((host|match|identityfile|setenv|proxyjump|userknownhostsfile|unknown)[ =])?[a-z!*,%$\{\}'"\\~ ]*\n|\PC*){0,6}"#,
    ) {
        let (config, _) = read(&home(&[("config", &text)]));
        for name in config.names() {
            prop_assert!(!config.host(&Asked::name(name), &me(&[])).host_name.is_empty());
        }
    }
}
