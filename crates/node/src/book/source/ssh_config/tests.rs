use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// A home folder whose `.ssh` has these files.
fn home(files: &[(&str, &str)]) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".ssh")).unwrap();
    for (name, text) in files {
        let path = home.path().join(".ssh").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    home
}

fn read_from(home: &TempDir) -> Found {
    read(&home.path().join(".ssh/config"), home.path())
}

/// Each host as `FILE:LINE NAME LOGIN via JUMPS`, and the notes, without the folder.
fn shown(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let home = home(files);
    let found = read_from(&home);
    let short = |text: String| text.replace(&format!("{}/.ssh/", home.path().display()), "");
    let host = |Sourced { value: record, origin }: &Sourced<Record>| {
        let ssh = record.ssh.as_ref().unwrap();
        let via: String = ssh.via.iter().map(|via| format!(" via {via}")).collect();
        short(format!("{origin} {} {}{via}", record.names(), ssh.at))
    };
    let notes = found.notes.iter().map(|note| short(note.to_string()));
    (found.records.iter().map(host).collect(), notes.collect())
}

#[track_caller]
fn check(files: &[(&str, &str)], hosts: &[&str], notes: &[&str]) {
    let (found, noted) = shown(files);
    assert_eq!(found, hosts);
    assert_eq!(noted, notes);
}

#[test]
fn a_host_has_what_ssh_would_use() {
    check(
        &[(
            "config",
            "# all of it\n\
             Host gate\n  HostName gate.example.com\n  User admin\n  Port 2222\n\
             Host n01 n02\n  HostName %h.LAB\n  ProxyJump root@gate:22,inner\n\
             HOST=\"db\"\n  hostname=10.0.0.9 # the old one\n\
             Host *\n  User student\n",
        )],
        &[
            "config:2 gate admin@gate.example.com:2222",
            "config:6 n01 student@n01.lab via root@gate.example.com:22 via student@inner",
            "config:6 n02 student@n02.lab via root@gate.example.com:22 via student@inner",
            "config:9 db student@10.0.0.9",
        ],
        &[],
    );
}

#[test]
fn a_machine_on_the_way_is_one_of_the_hosts_or_what_their_settings_make_of_it() {
    check(
        &[(
            "config",
            "Host a\nProxyJump gate,me@gate,GATE:5,[fd00::1]:22\n\
             Host gate\nHostName gate.lab\nUser admin\nPort 99\nProxyJump outer\n\
             Host G* o*\nHostName %h.lab\nProxyJump none\n",
        )],
        &[
            "config:1 a a via gate via me@gate.lab:99 via gate.lab:5 via [fd00::1]:22",
            "config:3 gate admin@gate.lab:99 via outer.lab:22",
        ],
        &["config:1: a: it goes by way of gate, whose own ProxyJump or ProxyCommand is left out"],
    );
}

#[test]
fn the_first_value_wins_wherever_it_stands() {
    check(
        &[("config", "Port 1000\nHost *\nUser first\nHost a\nUser second\nPort 2\nHostName x\n")],
        &["config:4 a first@x:1000"],
        &[],
    );
}

#[test]
fn wildcards_and_what_is_negated_are_no_hosts() {
    check(
        &[("config", "Host n* !n7 n8\nPort 8\nHost n7\nHost web !web\nHost w?\nHost !x\n")],
        &["config:1 n8 n8:8", "config:3 n7 n7"],
        &[],
    );
}

#[test]
fn included_files_count_where_they_are_included() {
    check(
        &[
            (
                "config",
                "Include conf.d/*.conf ~/.ssh/more none\nHost a\nInclude inner\nUser late\nHost *\nPort 9\n",
            ),
            ("conf.d/1.conf", "Host one\nUser first"),
            ("conf.d/2.conf", "Host two\nUser second\n"),
            ("conf.d/.hidden.conf", "Host hidden\n"),
            ("conf.d/readme", "Host readme\n"),
            ("more", "User everybody\n"),
            ("inner", "HostName inside\nHost b\nPort 5\n"),
        ],
        &[
            "conf.d/1.conf:1 one first@one:9",
            "conf.d/2.conf:1 two second@two:9",
            "config:2 a everybody@inside:9",
        ],
        &[],
    );
}

#[test]
fn match_is_judged_by_names_and_left_out_otherwise() {
    check(
        &[(
            "config",
            "Host a\nHostName A.lab\n\
             Match host a.lab,!b.lab\nUser matched\n\
             Match !originalhost=a\nUser other\n\
             Match exec \"touch /tmp/x\" host *\nPort 1\n\
             Match host a.lab tagged x\nPort 2\n\
             Match all host *\nPort 3\n\
             Match\nPort 4\n\
             Match all\nPort 5\n\
             Match !all\nUser nobody\n\
             Host b\n",
        )],
        &["config:1 a matched@a.lab:5", "config:19 b other@b:5"],
        &[
            "config:7: Match exec \"touch /tmp/x\" host *: \"exec\" is not judged here: what stands under it is left out, to the next Host or Match",
            "config:9: Match host a.lab tagged x: \"tagged\" is not judged here: what stands under it is left out, to the next Host or Match",
            "config:11: Match all host *: \"all\" stands alone",
            "config:13: Match: a value is missing",
        ],
    );
}

#[test]
fn a_broken_line_is_noted_and_costs_only_itself() {
    check(
        &[(
            "config",
            "Host a\nPort 70000\nPort 22x\nUser\nUser \"me\nHostName %n.lab\nProxyJump u@:22\nPort 7\n\
             Host \"b\nPort 9\n\
             Host c\nHostName a/b\n\
             Host d:22\n\
             Host e\nProxyCommand nc %h %p\nInclude ~you/x [a\nNonsense \"is passed over\n",
        )],
        &["config:1 a a:7", "config:14 e e"],
        &[
            "config:2: Port 70000: 70000 is not a port: a port is a number from 1 to 65535",
            "config:3: Port 22x: 22x is not a port: a port is a number from 1 to 65535",
            "config:4: User: a value is missing",
            "config:5: User \"me: a quote is not closed",
            "config:6: HostName %n.lab: only %h and %% can stand in a HostName",
            "config:7: ProxyJump u@:22: :22 is not a host: a host is a name or an IP address, without port, spaces and slashes",
            "config:9: Host \"b: a quote is not closed",
            "config:11: c: a/b is not a host: a host is a name or an IP address, without port, spaces and slashes",
            "config:13: d:22: d:22 is not a host: a host is a name or an IP address, without port, spaces and slashes",
            "config:14: e: its ProxyCommand is left out: only ProxyJump is known here",
            "config:16: Include ~you/x [a: of ~ only your own, ~/, is known here: write the whole path",
        ],
    );
}

#[test]
fn bytes_that_are_no_utf_8_cost_their_line_and_in_a_comment_nothing() {
    let home = home(&[]);
    let file = home.path().join(".ssh/config");
    fs::write(&file, b"# \xb0\xec\xb9\xab\xca\xd2\nHost a \xc4\xe3\nHost b\nUser x # \xba\xc3\n").unwrap();
    let found = read_from(&home);
    assert_eq!(
        found.records.iter().map(|record| record.value.names().to_string()).collect::<Vec<_>>(),
        ["b"]
    );
    assert_eq!(found.notes.len(), 1);
    assert!(found.notes[0].to_string().ends_with("it is not UTF-8"), "{}", found.notes[0]);
}

#[test]
fn no_file_is_no_hosts_and_no_note() {
    check(&[], &[], &[]);
}

#[test]
fn a_file_that_includes_itself_comes_to_an_end() {
    let (hosts, notes) = shown(&[("config", "Host a\nInclude config\n")]);
    assert_eq!(hosts, ["config:1 a a"]);
    assert_eq!(
        notes,
        ["config:2: Include config: files include each other more than 16 deep, here or in a circle"]
    );
}

#[test]
fn files_that_include_themselves_twice_are_read_a_limited_number_of_times() {
    let (hosts, notes) = shown(&[("config", "Host a\nInclude config config\n")]);
    assert_eq!(hosts, ["config:1 a a"]);
    assert!(notes.iter().any(|note| note.contains("the limit is 1000 files")), "{notes:?}");
}

#[test]
fn what_is_no_file_and_what_has_no_end_is_noted() {
    let (_, notes) = shown(&[("config", "Include /dev/zero\nInclude conf.d\n"), ("conf.d/x", "")]);
    assert_eq!(notes, ["/dev/zero: it is neither a file nor a folder, and not read"]);
    let long = "#".repeat(5 << 20);
    let (_, notes) = shown(&[("config", &long)]);
    assert_eq!(notes, ["config: it is not read: the limit is 1000 files with 4194304 bytes in all"]);
}

#[test]
fn a_file_that_others_can_write_to_is_not_read() {
    let home = home(&[("config", "Host a\n")]);
    fs::set_permissions(home.path().join(".ssh/config"), fs::Permissions::from_mode(0o666)).unwrap();
    let found = read_from(&home);
    assert_eq!(found.records, []);
    assert!(found.notes[0].to_string().contains("others can write to it"), "{}", found.notes[0]);
}

#[test]
fn hosts_without_end_are_cut_with_a_note() {
    let names: String = (0..=MAX_HOSTS).map(|number| format!(" n{number}")).collect();
    let (hosts, notes) = shown(&[("config", &format!("Host{names}\n"))]);
    assert_eq!(hosts.len(), MAX_HOSTS);
    assert_eq!(notes, ["config: it names 10001 hosts: the first 10000 are taken"]);
}

proptest! {
    #[test]
    fn any_text_is_read(text in r#"(((host|match|hostname|port|user|proxyjump|include)[ =])?[a-z!*,%'"\\ ]*\n|\PC*){0,5}"#) {
        prop_assert!(read_from(&home(&[("config", &text)])).records.len() <= text.len());
    }
}
