//! `trunkline copy`, by the true binary, on machines that are loopback addresses behind an OpenSSH sshd.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[path = "../run/ground.rs"]
#[allow(dead_code, reason = "shared with the tests of run")]
mod ground;
#[macro_use]
#[path = "../../../../tests/needs.rs"]
mod needs;
#[path = "../connect/program.rs"]
#[allow(dead_code, reason = "shared with the tests of connect")]
mod program;
#[path = "../connect/terminal.rs"]
#[allow(dead_code, reason = "shared with the tests of connect")]
mod terminal;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use ground::Ground;
use program::{Ran, Running, eventually, noise};
use serde_json::{Value, json};
use terminal::Terminal;

/// `trunkline copy` with these words.
fn copy<S: AsRef<OsStr>>(ground: &Ground, words: &[S]) -> Ran {
    Running::start(ground.command(&[]).args(words)).finish()
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn names(folder: &Path) -> Vec<String> {
    let name =
        |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().to_string_lossy().into_owned();
    let mut names: Vec<_> = folder.read_dir().unwrap().map(name).collect();
    names.sort();
    names
}

#[test]
fn a_file_goes_to_a_machine_and_comes_back_without_a_word() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("copy");
    let bytes = noise(3_000_000);
    let (file, there, back) = (ground.path("file"), ground.path("there"), ground.path("back"));
    fs::write(&file, &bytes).unwrap();
    for said in [[text(&file), format!("n1:{}", text(&there))], [format!("n1:{}", text(&there)), text(&back)]]
    {
        let ran = copy(&ground, &said);
        assert_eq!((ran.code, ran.text(), ran.err.as_str()), (Some(0), "", ""));
    }
    assert!(fs::read(there).unwrap() == bytes && fs::read(back).unwrap() == bytes);
}

#[test]
fn a_name_that_is_no_utf_8_is_copied_under_that_name() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("copy");
    let name = OsString::from_vec(b"\xd5\xc5\xc8\xfd".to_vec());
    fs::create_dir(ground.path("to")).unwrap();
    fs::write(ground.path("").join(&name), "gbk").unwrap();
    let to: OsString = format!("n1:{}", text(&ground.path("to"))).into();
    let ran = copy(&ground, &[ground.path("").join(&name).into_os_string(), to]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(fs::read(ground.path("to").join(&name)).unwrap(), b"gbk");
}

#[test]
fn from_several_machines_each_file_has_the_machines_name_behind_its_own() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("copy");
    ground.write("motd", "hello");
    fs::create_dir(ground.path("got")).unwrap();
    let from = format!("n[1-3]:{}", text(&ground.path("motd")));
    let ran = copy(&ground, &[from.clone(), text(&ground.path("got"))]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.err.starts_with("all 3 ok in "), "{}", ran.err);
    assert_eq!(names(&ground.path("got")), ["motd.n1", "motd.n2", "motd.n3"]);
    let nowhere = copy(&ground, &[from, text(&ground.path("none"))]);
    assert_eq!(nowhere.code, Some(2));
    assert!(
        nowhere.err.contains("several machines need") && nowhere.err.contains("hint: mkdir "),
        "{}",
        nowhere.err
    );
}

/// Four machines, each with a folder of its own, in which whoever copies is at home.
fn with_homes() -> Ground {
    let ground = Ground::with("copy", |folder| {
        let home =
            |n| format!("Match LocalAddress 127.0.1.{n}\nForceCommand internal-sftp -d {folder}/home{n}\n");
        (1..=4).map(home).collect()
    });
    (1..=4).for_each(|n| fs::create_dir(ground.path(&format!("home{n}"))).unwrap());
    ground
}

#[test]
fn a_file_and_a_folder_go_to_many_machines_and_each_has_them_whole() {
    needs!("sshd", "ssh-keygen");
    let ground = with_homes();
    let bytes = noise(300_000);
    fs::write(ground.path("file"), &bytes).unwrap();
    fs::create_dir_all(ground.path("site/sub")).unwrap();
    for page in 0..20 {
        ground.write(&format!("site/sub/page{page}"), &format!("page {page}"));
    }
    let ran =
        copy(&ground, &["-r", &text(&ground.path("file")), &text(&ground.path("site")), "n[1-4],dead:"]);
    assert_eq!((ran.code, ran.text()), (Some(255), ""));
    assert!(ran.err.starts_with("1 of 5 failed, 4 ok in "), "{}", ran.err);
    for n in 1..=4 {
        let home = ground.path(&format!("home{n}"));
        assert_eq!(names(&home), ["file", "site"]);
        assert!(fs::read(home.join("file")).unwrap() == bytes);
        assert_eq!(names(&home.join("site/sub")).len(), 20);
        assert_eq!(fs::read_to_string(home.join("site/sub/page19")).unwrap(), "page 19");
    }
    fs::create_dir(ground.path("back")).unwrap();
    let ran = copy(&ground, &["-r", "n[1-4]:site", "n[1-4]:file", &text(&ground.path("back"))]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    for n in 1..=4 {
        assert!(fs::read(ground.path(&format!("back/file.n{n}"))).unwrap() == bytes);
        let page = ground.path(&format!("back/site.n{n}/sub/page7"));
        assert_eq!(fs::read_to_string(page).unwrap(), "page 7");
    }
}

#[test]
fn a_copy_that_is_killed_leaves_no_file_under_its_own_name() {
    needs!("sshd", "ssh-keygen");
    let ground = with_homes();
    fs::File::create(ground.path("long")).unwrap().set_len(1 << 40).unwrap();
    let words = [text(&ground.path("long")), "n[1-4]:".to_owned()];
    let mut running = Running::start(ground.command(&[]).args(&words));
    let parts = |n| names(&ground.path(&format!("home{n}")));
    eventually("files that grow", || (1..=4).all(|n| !parts(n).is_empty()));
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    for n in 1..=4 {
        let [part] = &parts(n)[..] else { panic!("{:?}", parts(n)) };
        assert!(part.starts_with(".long.trunkline-") && part.ends_with(".part"), "{part}");
    }
}

#[test]
fn a_machine_that_is_not_there_keeps_no_other_from_its_file() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("copy");
    ground.write("motd", "hello");
    fs::create_dir(ground.path("got")).unwrap();
    let ran =
        copy(&ground, &[format!("n1,dead,n2:{}", text(&ground.path("motd"))), text(&ground.path("got"))]);
    assert_eq!(ran.code, Some(255));
    assert!(
        ran.err.starts_with("1 of 3 failed, 2 ok in ") && ran.err.contains("\n  dead: no connection: "),
        "{}",
        ran.err
    );
    assert_eq!(names(&ground.path("got")), ["motd.n1", "motd.n2"]);
}

#[test]
fn machines_that_fail_for_the_same_reason_stand_together() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("copy");
    let ran = copy(&ground, &["n[1-3]:/none", &text(&ground.path(""))]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.ends_with("\n  n[1-3]: /none: no such file or directory there\n"), "{}", ran.err);
    assert_eq!(ran.err.lines().count(), 2, "{}", ran.err);
    let one = copy(&ground, &["n1:/none", &text(&ground.path(""))]);
    assert_eq!(
        (one.code, one.err.as_str()),
        (Some(1), "trunkline: n1: /none: no such file or directory there\n")
    );
}

#[test]
fn each_of_several_failures_is_told_and_the_rest_is_copied() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("copy");
    ground.write("motd", "hello");
    fs::create_dir(ground.path("got")).unwrap();
    let from = ["/none", &text(&ground.path("motd")), "/etc"].map(|path| format!("n1:{path}"));
    let ran = copy(&ground, &[&from[..], &[text(&ground.path("got"))]].concat());
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.err,
        "n1: /none: no such file or directory there\nn1: /etc: it is a directory: -r copies those, too\n\
         trunkline: n1: 2 were not copied\n"
    );
    assert_eq!(names(&ground.path("got")), ["motd"]);
}

#[test]
fn a_folder_is_copied_with_r_and_a_port_is_given_as_to_scp() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("copy");
    fs::create_dir_all(ground.path("site/sub")).unwrap();
    ground.write("site/sub/page", "page");
    let to = format!("127.0.1.1:{}", text(&ground.path("www")));
    let ran = copy(&ground, &["-r", "-p", "-P", &ground.port.to_string(), &text(&ground.path("site")), &to]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(fs::read_to_string(ground.path("www/sub/page")).unwrap(), "page");
}

#[test]
fn json_tells_each_failure_and_each_end() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("copy");
    let ran = copy(&ground, &["--json", "-q", "n1:/none", &text(&ground.path(""))]);
    assert_eq!(ran.code, Some(1));
    let reason = "/none: no such file or directory there";
    assert_eq!(
        ran.text(),
        format!(
            "{{\"kind\":\"error\",\"machine\":\"n1\",\"text\":\"{reason}\"}}\n\
             {{\"kind\":\"end\",\"machine\":\"n1\",\"outcome\":\"failed\",\"reason\":\"{reason}\"}}\n"
        )
    );
}

#[test]
fn each_copy_is_in_the_log_with_what_was_copied_and_log_last_stays_the_last_run() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("copy");
    ground.write("motd", "hello");
    Running::start(&mut ground.trunkline(&["run", "-F", &text(&ground.path("config")), "n1", "echo", "ran"]))
        .finish();
    fs::create_dir(ground.path("there")).unwrap();
    let to = format!("n[1-3],dead:{}", text(&ground.path("there")));
    assert_eq!(copy(&ground, &[text(&ground.path("motd")), to.clone()]).code, Some(255));
    assert_eq!(copy(&ground, &["n1:/none", "."]).code, Some(1));
    let lines = ground.log(&["--json"]);
    let lines: Vec<Value> = lines.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [run, many, one] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!([&run["kind"], &many["kind"], &one["kind"]], ["run", "copy", "copy"]);
    assert_eq!(many["command"], format!("{} {to}", text(&ground.path("motd"))));
    assert_eq!((&many["files"], &many["bytes"]), (&json!(3), &json!(15)));
    let outcomes: Vec<_> = many["machines"].as_array().unwrap().iter().map(|of| &of["outcome"]).collect();
    assert_eq!(outcomes, ["unreachable", "exit", "exit", "exit"]);
    let list = ground.log(&["-n", "2"]);
    assert!(list.text().contains("  3 ok, 1 failed, 3 files, 15 B, "), "{}", list.text());
    assert!(list.text().contains("  exit 1, 0 files, 0 B, "), "{}", list.text());
    assert!(list.text().trim_end().ends_with(" copied n1:/none ."), "{}", list.text());
    assert!(ground.log(&["last"]).text().contains("\nran\n"));
}

#[test]
fn what_is_no_copy_to_or_from_machines_says_what_to_write() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("copy");
    ground.write("a:b", "");
    for (said, words) in [
        (&["n1:/a", "n2:/b"][..], "hint: copy it here first"),
        (&["here", "there"], "hint: write TARGETS:PATH"),
        (&["n1:/a", "n2:/b", "."], "hint: write them as one set"),
        (&[&text(&ground.path("a:b")), "."], "hint: write TARGETS:PATH"),
        (&["only"], "2 values required"),
    ] {
        let ran = copy(&ground, said);
        assert_eq!(ran.code, Some(2), "{}", ran.err);
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    let absent = copy(&ground, &["none", "n1:/tmp/"]);
    assert_eq!(absent.code, Some(1));
    assert!(absent.err.starts_with("trunkline: reading none: No such file"), "{}", absent.err);
}

#[test]
fn at_a_terminal_a_line_tells_how_far_it_is_and_ctrl_c_leaves_nothing() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("copy");
    fs::create_dir(ground.path("there")).unwrap();
    fs::File::create(ground.path("long")).unwrap().set_len(1 << 40).unwrap();
    let (from, to) = (text(&ground.path("long")), format!("n1:{}", text(&ground.path("there"))));
    let words = ground.words(&[&from, &to]);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let mut terminal = Terminal::start(&words, &ground.path(""));
    terminal.until_shows("MB of 1.0 TB, ");
    terminal.types("\x03");
    terminal.until_shows("taking away what is unfinished");
    assert_eq!(terminal.end(), Some(130));
    assert_eq!(names(&ground.path("there")), [""; 0]);
}
