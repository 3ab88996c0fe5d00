use std::fs;
use std::path::Path;
use std::time::Duration;

use super::*;

/// A directory of this book and this configuration, for a user `me`.
fn directory_with(book: &str, config: &str, flags: &Flags) -> Directory {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config");
    fs::write(&file, config).unwrap();
    let flags = Flags { config: Some(file.to_str().unwrap().to_owned()), ..flags.clone() };
    let here = Here { user: "me".to_owned(), home: home.path().to_owned(), ..Here::default() };
    let (directory, notes) = Directory::new(from_text(book), &flags, here).unwrap();
    assert_eq!(notes, []);
    directory
}

fn directory(book: &str, config: &str) -> Directory {
    directory_with(book, config, &Flags::default())
}

fn from_text(book: &str) -> Book {
    Book::from_text(book, Path::new("book.toml")).unwrap()
}

/// `NAME = VIA > END` for each machine.
fn ways(directory: &Directory, targets: &str) -> Vec<String> {
    let machines = directory.machines(targets, None).unwrap();
    assert_eq!(machines.list.len(), machines.charsets.len());
    let way = |machine: &Machine| {
        let hops = machine.via.iter().chain([&machine.end]).map(ToString::to_string);
        format!("{} = {}", machine.name, hops.collect::<Vec<_>>().join(" > "))
    };
    machines.list.iter().map(way).collect()
}

fn error(directory: &Directory, targets: &str) -> String {
    directory.machines(targets, None).unwrap_err().to_string()
}

const BOOK: &str = "
    [groups]
    lab = 'n[1-3]'
    [entry.'n[1-3]']
    ssh = { at = 'ops@10.0.0.[1-3]:2222', charset = 'gbk', via = 'gate' }
    [entry.gate]
    ssh = 'door@gate.lab'
    [entry.anna]
    chat = '10.0.0.21'
    [entry.PC1]
    [entry.pc1]
";

#[test]
fn a_name_of_the_book_is_reached_as_its_line_says() {
    let directory = directory(BOOK, "");
    assert_eq!(ways(&directory, "n2"), ["n2 = door@gate.lab:22 > ops@10.0.0.2:2222"]);
    assert_eq!(
        ways(&directory, "Ｎ２"),
        ["Ｎ２ = door@gate.lab:22 > ops@10.0.0.2:2222"],
        "it keeps its name"
    );
    let machines = directory.machines("n2,gate", None).unwrap();
    let charsets: Vec<_> = machines.charsets.iter().map(|it| it.map(|it| it.to_string())).collect();
    assert_eq!(charsets, [None, Some("GBK".to_owned())]);
}

#[test]
fn what_ssh_config_says_of_the_host_of_a_line_holds_for_it() {
    let config =
        "Host 10.0.0.2\n User other\n Port 9\n ConnectTimeout 7\nHost gate.lab\n HostName 192.168.0.1\n";
    let directory = directory(BOOK, config);
    assert_eq!(ways(&directory, "n2"), ["n2 = door@192.168.0.1:22 > ops@10.0.0.2:2222"]);
    let timeout = |name: &str| directory.machines(name, None).unwrap().list[0].end.settings.connect_timeout;
    assert_eq!((timeout("n2"), timeout("n1")), (Some(Duration::from_secs(7)), None));
}

#[test]
fn a_host_of_ssh_config_is_reached_as_ssh_does_and_one_that_nobody_knows_by_its_name() {
    let config =
        "Host web\n HostName 10.9.9.9\n User www\n Port 2200\n ProxyJump a@jump:23,b\nHost b\n User bob\n";
    let directory = directory(BOOK, config);
    assert_eq!(ways(&directory, "web"), ["web = a@jump:23 > bob@b:22 > www@10.9.9.9:2200"]);
    assert_eq!(ways(&directory, "printer.lab"), ["printer.lab = me@printer.lab:22"]);
    assert_eq!(directory.near("wen"), [""; 0], "only the book is asked");
    assert_eq!(directory.near("gaet"), ["gate"]);
}

#[test]
fn what_other_programs_keep_is_asked_of_them_and_not_of_the_book() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    fs::write(&file, "Host web\n User www\n Port 2200\n IdentityFile /k\n").unwrap();
    let book = from_text("").with(crate::book::source::ssh_config::read(&file, folder.path()).records);
    assert!(book.look_up("web").is_ok());
    let flags = Flags { config: Some("none".to_owned()), ..Flags::default() };
    let here = Here { user: "me".to_owned(), ..Here::default() };
    let (directory, _) = Directory::new(book, &flags, here).unwrap();
    assert_eq!(ways(&directory, "web"), ["web = me@web:22"], "-F none is none");
}

#[test]
fn the_target_wins_over_the_command_line_that_over_the_book_and_the_book_over_ssh_config() {
    let config = "Host 10.0.0.*\n User conf\n Port 7\nHost x\n User conf\n Port 7\n";
    let flags = Flags { user: Some("flag".to_owned()), port: Some(99), ..Flags::default() };
    let options = ["User=flag".to_owned(), "port 99".to_owned()].to_vec();
    for flags in [flags, Flags { options, ..Flags::default() }] {
        let directory = directory_with(BOOK, config, &flags);
        assert_eq!(ways(&directory, "n1"), ["n1 = door@gate.lab:22 > flag@10.0.0.1:99"]);
        assert_eq!(ways(&directory, "me2@n1:5"), ["me2@n1:5 = door@gate.lab:22 > me2@10.0.0.1:5"]);
        assert_eq!(ways(&directory, "x"), ["x = flag@x:99"]);
    }
    let directory = directory(BOOK, config);
    assert_eq!(ways(&directory, "n1"), ["n1 = door@gate.lab:22 > ops@10.0.0.1:2222"]);
    assert_eq!(ways(&directory, "x"), ["x = conf@x:7"]);
    assert_eq!(ways(&directory, "n1:5"), ["n1:5 = door@gate.lab:22 > ops@10.0.0.1:5"]);
}

#[test]
fn sets_are_those_of_the_book_and_each_member_may_have_a_user_and_a_port() {
    let directory = directory(BOOK, "Host *\n User u\n");
    let names = |targets: &str, without: Option<&str>| -> Vec<String> {
        let machines = directory.machines(targets, without).unwrap();
        machines.list.into_iter().map(|machine| machine.name).collect()
    };
    assert_eq!(names("@lab,-n2", None), ["n1", "n3"]);
    assert_eq!(names("@lab,n[2-4]", Some("n3,x")), ["n1", "n2", "n4"]);
    assert_eq!(names("root@n[1-3],-root@n3", None), ["root@n1", "root@n2"]);
    assert_eq!(names("root@n[1-3]", Some("@lab!n1")), ["root@n1"], "whoever logs in");
    assert_eq!(
        ways(&directory, "h:23,root@[fe80::1%eth0]:24,::1"),
        ["::1 = u@[::1]:22", "h:23 = u@h:23", "root@[fe80::1%eth0]:24 = root@[fe80::1%eth0]:24"]
    );
}

#[test]
fn what_is_no_machine_is_told_with_the_way_to_mend_it() {
    let directory = directory(BOOK, "");
    assert_eq!(
        error(&directory, "anna"),
        "anna is in the book (book.toml:8), but has no ssh line: trunkline book add anna --ssh [USER@]HOST[:PORT]"
    );
    assert!(error(&directory, "Pc1").contains("may be PC1 or pc1"), "{}", error(&directory, "Pc1"));
    assert!(error(&directory, "@lob").contains("did you mean @lab?"));
    assert!(error(&directory, "h:0").starts_with("h:0: 0 is not a port"));
    assert!(error(&directory, "-oProxyCommand=x").contains("does not begin with -"));
    assert!(error(&directory, "x,root@-oProxyCommand=x").contains("does not begin with '-'"));
    assert_eq!(error(&directory, "n1,-n1"), "there is no machine in this set");
    let everybody = directory.machines("@lab", Some("@lab")).unwrap_err();
    assert_eq!(everybody.to_string(), "there is no machine in this set");
    assert_eq!(
        error(&directory, "x[1-10001]"),
        "these are 10001 machines, and a run is for at most 10000: take fewer at a time"
    );
    assert_eq!(directory.machines("x[1-10000]", None).unwrap().list.len(), MACHINES_MAX);
}

#[test]
fn the_way_is_followed_through_the_book_and_only_the_first_stops_own_way_counts() {
    let book = "
        [entry.n]
        ssh = { at = 'n', via = 'b,c@x:23' }
        [entry.b]
        ssh = { at = 'bob@b.lab', via = 'a' }
        [entry.a]
        ssh = { at = 'a.lab:24' }
        [entry.m]
        ssh = { at = 'm', via = 'a,b' }
    ";
    let directory = directory(book, "Host a.lab\n ProxyJump first\n");
    assert_eq!(ways(&directory, "n"), ["n = me@first:22 > me@a.lab:24 > bob@b.lab:22 > c@x:23 > me@n:22"]);
    assert_eq!(ways(&directory, "m"), ["m = me@first:22 > me@a.lab:24 > bob@b.lab:22 > me@m:22"]);
}

#[test]
fn the_command_line_may_say_the_way_and_says_it_of_the_machine_alone() {
    let config = "Host web\n ProxyJump gate2\nHost *\n IdentityFile /from/file\n";
    let jumps = |jumps: &str| Flags { jumps: Some(jumps.to_owned()), ..Flags::default() };
    let option = |option: &str| Flags { options: [option.to_owned()].to_vec(), ..Flags::default() };
    for flags in [jumps("j1,k@j2:5"), option("ProxyJump=j1,k@j2:5"), option("proxyjump j1,k@j2:5")] {
        let directory = directory_with(BOOK, config, &flags);
        assert_eq!(ways(&directory, "n1"), ["n1 = me@j1:22 > k@j2:5 > ops@10.0.0.1:2222"]);
        assert_eq!(ways(&directory, "web"), ["web = me@j1:22 > k@j2:5 > me@web:22"]);
    }
    let direct = directory_with(BOOK, config, &jumps("none"));
    assert_eq!(ways(&direct, "n1,web"), ["n1 = ops@10.0.0.1:2222", "web = me@web:22"]);

    let flags = Flags {
        user: Some("root".to_owned()),
        port: Some(9),
        identities: ["/a \"key\"".to_owned(), "/b".to_owned()].to_vec(),
        ..jumps("j1")
    };
    let directory = directory_with(BOOK, config, &flags);
    let machine = directory.machines("web", None).unwrap().list.remove(0);
    assert_eq!(
        (machine.end.to_string(), machine.via[0].to_string()),
        ("root@web:9".into(), "me@j1:22".into())
    );
    let files = |hop: &Hop| {
        let files = hop.settings.identity_files.iter();
        files.map(|file| file.path.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(files(&machine.end), ["/a \"key\"", "/b", "/from/file"]);
    assert_eq!(files(&machine.via[0]), ["/from/file"]);
}

#[test]
fn a_way_that_goes_in_a_circle_or_too_far_is_an_error() {
    let circle =
        "the way goes in a circle: a -> b -> a; mend via in the book or ProxyJump in ssh_config, or say -J";
    assert_eq!(error(&directory("", "Host a\n ProxyJump b\nHost b\n ProxyJump a\n"), "a"), circle);
    let book = "
        [entry.a]
        ssh = { at = 'a.lab', via = 'b' }
        [entry.b]
        ssh = 'b.lab'
    ";
    let mixed = error(&directory(book, "Host b.lab\n ProxyJump a.lab\n"), "a");
    assert!(mixed.starts_with("the way goes in a circle: a.lab -> b.lab -> a.lab;"), "{mixed}");
    let itself = error(&directory("", "Host *\n ProxyJump gate\n"), "n1");
    assert!(itself.starts_with("the way goes in a circle: n1 -> gate -> gate;"), "{itself}");

    let chain = |length| -> String {
        (0..length).map(|nth| format!("Host h{nth}\n ProxyJump h{}\n", nth + 1)).collect()
    };
    assert_eq!(directory("", &chain(8)).machines("h0", None).unwrap().list[0].via.len(), 8);
    assert_eq!(error(&directory("", &chain(9)), "h0"), "more than 8 machines are on the way to h0: say -J");
}

#[test]
fn a_host_that_ssh_would_reach_in_another_way_is_not_connected_to_directly() {
    let config = "Host p\n ProxyCommand nc %h %p\nHost q\n ProxyJump p\n";
    let told = error(&directory("", config), "p");
    assert!(told.starts_with("p: ssh would reach it by the ProxyCommand in "), "{told}");
    assert!(
        told.ends_with("/config:2, which is not run here: say -J JUMP, or -o ProxyCommand=none"),
        "{told}"
    );
    assert!(error(&directory("", config), "q").starts_with("p: ssh would reach it"), "on the way, too");
    let options = ["ProxyCommand=none".to_owned()].to_vec();
    let flags = Flags { options, ..Flags::default() };
    assert_eq!(ways(&directory_with("", config, &flags), "p"), ["p = me@p:22"]);
}

#[test]
fn a_file_or_an_option_that_somebody_asked_for_must_be_there_and_right() {
    let told = |flags: &Flags| {
        let new = Directory::new(Book::default(), flags, Here::default());
        new.map(drop).unwrap_err().to_string()
    };
    let file = Flags { config: Some("/nowhere/config".to_owned()), ..Flags::default() };
    assert!(told(&file).starts_with("reading /nowhere/config: "), "{}", told(&file));
    let option = Flags { options: ["Prot=22".to_owned()].to_vec(), ..Flags::default() };
    assert!(told(&option).starts_with("-o Prot=22: "), "{}", told(&option));
}

#[test]
fn what_ssh_would_do_otherwise_is_noted_once_for_all_machines() {
    let directory = directory("", "Host *\n VerifyHostKeyDNS yes\n");
    let machines = directory.machines("n[1-100]", None).unwrap();
    assert_eq!(machines.notes.len(), 1, "{:?}", machines.notes);
}

#[tokio::test]
async fn the_dialer_connects_or_says_what_is_wrong() {
    use remote::Dial as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut near = Dialer.dial("127.0.0.1", port).await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    near.write_all(b"SSH-2.0-ours\r\n").await.unwrap();
    drop(near);
    let mut came = String::new();
    far.read_to_string(&mut came).await.unwrap();
    assert_eq!(came, "SSH-2.0-ours\r\n");

    drop((far, listener));
    let refused = Dialer.dial("127.0.0.1", port).await.map(drop).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    assert_eq!(refused.to_string(), "connection refused (ECONNREFUSED, 111)");
    // RFC 6761 keeps `.invalid` free of hosts for ever.
    let unknown = Dialer.dial("prniter.invalid", port).await.map(drop).unwrap_err();
    assert!(unknown.to_string().starts_with("looking up the name prniter.invalid: "), "{unknown}");
}
