//! One machine: its bytes, its streams, its exit code.

use std::process::{Command, Stdio};

use crate::ground::Ground;
use crate::needs::output_of;
use crate::program::{Running, noise, trunkline};

#[test]
fn the_bytes_of_one_machine_pass_as_they_are_both_ways() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let bytes = noise(3_000_000);
    let ran = ground.run_with(&["n1", "cat"], &bytes);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(ran.out == bytes, "{} bytes", ran.out.len());
}

#[test]
fn the_streams_stay_apart_and_the_exit_code_is_passed_on() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let ran = ground.run(&["n1", "--", "printf 'no end'; echo oh >&2; exit 3"]);
    assert_eq!((ran.code, ran.text(), ran.err.as_str()), (Some(3), "no end", "oh\n"));
    let killed = ground.run(&["n1", "echo before; kill -KILL $$"]);
    assert_eq!((killed.code, killed.text()), (Some(137), "before\n"));
}

#[test]
fn words_are_joined_with_spaces_and_options_behind_the_first_belong_to_the_command() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    for words in [&["n1", "echo", "-n", "a  b", "$((1+1))"][..], &["n1", "--", "echo -n a b 2"]] {
        assert_eq!(ground.run(words).text(), "a b 2");
    }
}

#[test]
fn who_logs_in_needs_no_word_of_the_environment() {
    let user = output_of("id", &["-un"]);
    let mut command = trunkline(["run", "-F", "none", "--dry-run", "127.0.1.1", "true"]);
    let ran = Running::start(command.env_remove("USER").env_remove("LOGNAME")).finish();
    assert_eq!(ran.text().lines().next(), Some(format!("127.0.1.1: {}@127.0.1.1:22", user.trim()).as_str()));
    let other = Running::start(command.env("USER", "somebody-else")).finish();
    assert_eq!(other.out, ran.out, "as with ssh");
}

#[test]
fn no_connection_is_255_and_says_why() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let ran = ground.run(&["dead", "true"]);
    assert_eq!(ran.code, Some(255));
    assert!(
        ran.err.starts_with("trunkline: dead: no connection: ") && ran.err.contains("refused"),
        "{}",
        ran.err
    );
    let nobody = ground.run(&["n6", "true"]);
    assert!(nobody.code != Some(0), "{}", nobody.err);
}

#[test]
fn a_name_that_is_looked_up_for_minutes_keeps_nobody_from_leaving() {
    needs!("unshare", "ip");
    needs_root!();
    let folder = tempfile::tempdir().unwrap();
    let resolver = folder.path().join("resolv.conf");
    std::fs::write(&resolver, "nameserver 192.0.2.53\noptions timeout:30 attempts:5\n").unwrap();
    // A network that takes every question and gives no answer.
    let script = r#"ip link add near type veth peer name far && ip addr add 192.0.2.1/24 dev near &&
        ip link set near up && ip link set far up && ip neigh add 192.0.2.53 lladdr 02:00:00:00:00:53 dev near &&
        mount --bind "$1" /etc/resolv.conf && shift && exec "$@""#;
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "--net", "sh", "-c", script, "sh"]).arg(&resolver);
    unshare.arg(env!("CARGO_BIN_EXE_trunkline")).args([
        "run",
        "-F",
        "none",
        "-t",
        "0.3",
        "root@n1.lab",
        "true",
    ]);
    unshare.env("TRUNKLINE_HOME", folder.path()).env("HOME", folder.path());
    let ran = Running::start(unshare.stdout(Stdio::piped()).stderr(Stdio::piped())).finish();
    assert_eq!(ran.code, Some(255));
    assert!(ran.err.contains("what was under way: looking up and connecting"), "{}", ran.err);
}

#[test]
fn a_machine_that_is_switched_off_is_noticed_in_the_end_for_the_kernel_asks_for_it() {
    needs!("sshd", "ssh-keygen", "strace");
    let ground = Ground::new();
    let calls = ground.path("calls");
    let run = ground.command(&["n1", "true"]);
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-e", "trace=setsockopt", "-o"])
        .arg(&calls)
        .arg(run.get_program())
        .args(run.get_args());
    strace.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = Running::start(strace.stdout(Stdio::piped()).stderr(Stdio::piped())).finish();
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(std::fs::read_to_string(calls).unwrap().contains("SOL_SOCKET, SO_KEEPALIVE, [1]"));
}

#[test]
fn a_command_that_takes_too_long_is_ended_and_what_it_printed_is_kept() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let ran = ground.run(&["-u", "0.5", "n1", "echo before; exec sleep 20"]);
    assert_eq!((ran.code, ran.text()), (Some(124), "before\n"));
    assert_eq!(ran.err, "trunkline: n1: ended after 0.5 s\n");
}

#[test]
fn a_machine_that_prints_gbk_is_read() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let command = r"printf '\325\305\310\375\n\345\274\240\n'";
    assert_eq!(ground.run(&["--charset", "gbk", "n1", command]).text(), "张三\n张\n");
    assert_eq!(ground.run(&["n1", command]).out, b"\xd5\xc5\xc8\xfd\n\xe5\xbc\xa0\n");
}

#[test]
fn a_script_goes_there_with_its_arguments_and_all_of_standard_input() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    ground.write("it's a script", "#!/bin/sh -e\nprintf '<%s>' \"$@\"\ncat\nexit 7\n");
    let script = ground.path("it's a script");
    let input = noise(200_000);
    let ran = ground.run_with(&["--script", script.to_str().unwrap(), "n1", "a b", "--", "$HOME"], &input);
    assert_eq!((ran.code, ran.err.as_str()), (Some(7), ""));
    assert!(ran.out == [b"<a b><--><$HOME>", &input[..]].concat(), "{}", ran.out[..40].escape_ascii());
}

#[test]
fn a_closed_pipe_is_a_quiet_end() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let mut child = crate::program::Running::start(&mut ground.command(&["n1", "yes"]));
    drop(child.0.stdout.take());
    let ran = child.finish();
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
}

#[test]
fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let mark = ground.path("mark");
    let command = format!("touch {}", mark.display());
    let ran = ground.run(&["--dry-run", "-l", "joe", "n[1-2]", &command]);
    let port = ground.port;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(
        ran.text(),
        format!("n1: joe@127.0.1.1:{port}\nn2: joe@127.0.1.2:{port}\nthe command: {command}\n")
    );
    assert!(!mark.exists());
}
