//! Who is in: seen by the owner, and put out.

use std::fs;
use std::io::Read as _;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::process::Process;
use crate::up::Up;
use crate::wait_until;

/// Somebody who has come in with a key, and runs something that says when it has begun.
fn guest(up: &Up, options: &[&str]) -> Child {
    let mut ssh = up.client("ssh", options);
    let mut child =
        ssh.arg("echo in; exec sleep 1000").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = [0; 3];
    child.stdout.as_mut().unwrap().read_exact(&mut said).unwrap();
    assert_eq!(&said, b"in\n");
    child
}

/// Who is in, by `who --json`.
fn seen(up: &Up) -> Vec<Value> {
    let lines = up.home.shows(&["who", "--json"]);
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["kind"] == "guest").collect()
}

/// ssh says that the connection was lost, and nobody is in any more.
fn is_out(up: &Up, mut guest: Child) {
    let status = wait_until("ssh's end", || guest.try_wait().unwrap());
    assert_eq!(status.code(), Some(255));
    wait_until("nobody is in", || seen(up).is_empty().then_some(()));
}

#[test]
fn the_owner_sees_who_is_in_and_puts_him_out_by_his_number() {
    needs!("ssh", "ssh-keygen");
    let up = Up::start(&[]);
    assert!(!up.home.shows(&["who"]).contains("logged in"));
    up.allow(&[]);
    let ann = guest(&up, &[]);
    let [shown] = &seen(&up)[..] else { panic!("one is in") };
    assert_eq!(
        (shown["label"].as_str(), shown["fingerprint"].as_str()),
        (Some("ann"), Some(&*up.fingerprint))
    );
    assert_eq!(shown["runs"], serde_json::json!(["echo in; exec sleep 1000"]));
    assert!(
        shown["from"].as_str().unwrap().starts_with("127.0.0.1:") && shown["since"].is_string(),
        "{shown}"
    );
    let number = shown["id"].to_string();
    let table = up.home.shows(&["who"]);
    let row = table.lines().last().unwrap();
    assert!(table.contains("logged in here by SSH:\nNUMBER  KEY  FROM"), "{table}");
    assert!(row.trim().starts_with(&format!("{number}  ann  127.0.0.1:")), "{row}");
    assert!(row.ends_with("  echo in; exec sleep 1000"), "{row}");

    let told = up.home.shows(&["allow", "end", &number]);
    assert!(told.starts_with("put out ann from 127.0.0.1:"), "{told}");
    is_out(&up, ann);
    assert!(up.shows(" ran echo in; exec sleep 1000: ended here after ").contains("ssh: ann "));
    up.shows(" is out: it was ended here");
    let row = wait_until("the session is in the journal", || {
        let log = up.home.shows(&["log"]);
        log.lines().find(|line| line.contains("exec sleep 1000")).map(str::to_owned)
    });
    assert!(row.contains("ended here") && row.contains("key ann SHA256:"), "{row}");
    assert!(up.lets_in(), "the key stays allowed");
}

#[test]
fn who_watches_is_told_who_comes_and_goes() {
    needs!("ssh", "ssh-keygen");
    let up = Up::start(&[]);
    up.allow(&[]);
    let mut stays = guest(&up, &[]);
    let who = |options: &[&str]| {
        let mut who = up.home.command(env!("CARGO_BIN_EXE_trunkline"));
        let who = Process::start(who.args(["who", "--watch"]).args(options));
        who.screen.wait_for("exec sleep 1000");
        who
    };
    let (person, program) = (who(&[]), who(&["--json"]));
    assert_eq!(up.ssh("echo in").stdout, b"in\n");
    let (came, left) = (person.screen.wait_for(" is in\n"), person.screen.wait_for(" is out\n"));
    let words: Vec<_> = came.split_whitespace().collect();
    let ["ann", "(ssh,", "number", number, "from", from, "is", "in"] = words[1..] else { panic!("{came}") };
    assert_eq!(left[8..], came[8..].replace(" is in", " is out"), "the same one");
    for event in ["guest-came", "guest-left"] {
        let line: Value = serde_json::from_str(&program.screen.wait_for(event)).unwrap();
        let guest = &line["guest"];
        assert_eq!((line["event"].as_str(), guest["label"].as_str()), (Some(event), Some("ann")), "{line}");
        assert_eq!(format!("{},", guest["id"]), number, "{line}");
        assert_eq!(format!("{})", guest["from"].as_str().unwrap()), from, "{line}");
    }
    up.shows(" is out: the client left");
    assert_eq!(up.process.log.count("(ssh, number"), 0, "up has words of its own for it");
    stays.kill().unwrap();
    stays.wait().unwrap();
}

#[test]
fn all_with_a_key_are_put_out_by_its_name_and_nobody_else() {
    needs!("ssh", "ssh-keygen");
    let up = Up::start(&[]);
    up.allow(&[]);
    let bob = up.key("bob");
    up.home.shows(&["allow", "add", bob.with_extension("pub").to_str().unwrap()]);
    let bob = guest(&up, &["-i", bob.to_str().unwrap()]);
    let anns = [guest(&up, &[]), guest(&up, &[])];
    assert_eq!(seen(&up).len(), 3);
    let told = up.home.shows(&["allow", "end", "ann"]);
    assert_eq!(told.lines().filter(|line| line.starts_with("put out ann from ")).count(), 2, "{told}");
    for mut ann in anns {
        let status = wait_until("ssh's end", || ann.try_wait().unwrap());
        assert_eq!(status.code(), Some(255));
    }
    wait_until("bob alone is in", || (seen(&up).len() == 1).then_some(()));
    let fingerprint = seen(&up)[0]["fingerprint"].as_str().unwrap().to_owned();
    let told = up.home.shows(&["allow", "--json", "end", &fingerprint]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["label"], "bob");
    is_out(&up, bob);
}

#[test]
fn a_key_that_is_removed_takes_who_is_in_with_it() {
    needs!("ssh", "ssh-keygen");
    let up = Up::start(&[]);
    up.allow(&[]);
    let ann = guest(&up, &[]);
    let told = up.home.shows(&["allow", "remove", "ann"]);
    let lines: Vec<_> = told.lines().collect();
    assert!(
        lines[0].starts_with("removed ann (SHA256:") && lines[1].starts_with("put out ann from "),
        "{told}"
    );
    is_out(&up, ann);
    assert!(!up.lets_in());
}

#[test]
fn who_is_not_in_cannot_be_put_out_and_the_owner_is_told_where_to_look() {
    let up = Up::start(&[]);
    for who in ["carl", "7"] {
        let refused = up.home.fails(1, &["allow", "end", who]);
        assert!(refused.contains(&format!("{who}: nobody who is in is called so")), "{refused}");
        assert!(refused.contains("hint: trunkline who"), "{refused}");
    }
    drop(up.process);
    let refused = up.home.fails(1, &["allow", "end", "carl"]);
    assert!(refused.contains("carl: nobody is in, for no node runs"), "{refused}");
}

#[test]
fn whoever_has_a_certificate_is_in_until_its_authority_is_removed() {
    needs!("ssh", "ssh-keygen");
    let up = Up::start(&[]);
    let authority = up.key("lab-ca");
    let public = authority.with_extension("pub");
    let told = up.home.shows(&["allow", "add", "--cert-authority", public.to_str().unwrap()]);
    assert!(told.starts_with("allowed lab-ca (SHA256:"), "{told}");
    let table = up.home.shows(&["allow"]);
    assert!(table.contains("certificates by ssh-ed25519"), "{table}");
    assert!(!up.lets_in(), "the key has no certificate yet");
    let user = crate::needs::output_of("id", &["-un"]);
    let mut sign = Command::new("ssh-keygen");
    sign.args(["-q", "-s"]).arg(&authority).args(["-I", "ann of the lab", "-n", user.trim(), "-V", "+1h"]);
    assert!(sign.arg(up.key_file().with_extension("pub")).status().unwrap().success());
    let ann = guest(&up, &[]);
    let [shown] = &seen(&up)[..] else { panic!("one is in") };
    assert_eq!(shown["label"], "ann of the lab");
    let by = shown["authority"].as_str().unwrap().to_owned();
    assert!(up.home.shows(&["allow"]).contains(&by));
    assert!(up.shows(" is in, from ").contains(&format!("ann of the lab {} by {by}", up.fingerprint)));
    up.home.shows(&["allow", "remove", "lab-ca"]);
    is_out(&up, ann);
    assert!(!up.lets_in());
    // An authority lets nobody in by its own key.
    fs::rename(&authority, up.key_file()).unwrap();
    up.home.shows(&["allow", "add", "--cert-authority", public.to_str().unwrap()]);
    fs::remove_file(up.home.path().join("key-cert.pub")).unwrap();
    assert!(!up.lets_in());
}

#[test]
fn connections_are_passed_on_only_when_the_owner_and_the_key_allow_it() {
    needs!("ssh", "ssh-keygen");
    let there = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let to = there.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = there.accept() {
            let _ = std::io::Write::write_all(&mut stream, b"from afar\n");
        }
    });
    let pass = |up: &Up| up.client("ssh", &["-W", &to]).output().unwrap();
    let up = Up::start(&[]);
    up.allow(&[]);
    let refused = pass(&up);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("administratively prohibited"), "{refused:?}");

    let up = Up::start(&["--allow-tcp-forwarding"]);
    up.allow(&[]);
    assert_eq!(pass(&up).stdout, b"from afar\n");
    up.shows(&format!(" ran a connection to {to}: done"));
    // Through a port of ssh's own, as people use it.
    let local = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut ssh = up.client("ssh", &["-N", "-o", "ExitOnForwardFailure=yes", "-L", &format!("{local}:{to}")]);
    let mut ssh = ssh.spawn().unwrap();
    let mut stream = wait_until("ssh listens", || std::net::TcpStream::connect(local).ok());
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert_eq!(said, "from afar\n");
    ssh.kill().unwrap();
    ssh.wait().unwrap();

    // A key for one command is for that alone.
    up.home.shows(&["allow", "remove", "ann"]);
    up.allow(&["--only", "uptime"]);
    let refused = pass(&up);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("administratively prohibited"), "{refused:?}");
}
