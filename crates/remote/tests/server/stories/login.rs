//! Who is let in, and what for.

use crate::client::{Said, run};
use crate::support::Host;

/// ssh is turned away, and the host knows why.
#[track_caller]
fn refused(host: &Host, options: &[&str], words: &[&str]) {
    let output = host.ssh(options).arg("true").output().unwrap();
    assert_eq!(output.status.code(), Some(255));
    assert!(output.err().contains("Permission denied (publickey)"), "{}", output.err());
    host.hears(&[&["was refused"], words].concat());
}

#[test]
fn a_key_that_nobody_knows_is_refused() {
    needs!("ssh");
    let host = Host::start();
    host.allow("");
    refused(&host, &[], &["the key is not known here", "SHA256:"]);
}

#[test]
fn another_user_is_refused() {
    needs!("ssh");
    let host = Host::start();
    let output = host.ssh(&["-l", "nobody-here"]).arg("true").output().unwrap();
    assert!(output.err().contains("Permission denied"), "{}", output.err());
    host.hears(&["was refused as nobody-here", " may log in here"]);
}

#[test]
fn a_key_does_not_count_from_elsewhere() {
    needs!("ssh");
    let host = Host::start();
    let key = host.key("guest");
    let guest = host.path("guest").display().to_string();
    host.allow(&format!("from=\"10.0.0.0/8\" {key}\n"));
    refused(&host, &["-i", &guest], &["allow:1: the key does not count from 127.0.0.1"]);
    host.allow(&format!("from=\"127.0.0.0/8\" {key}\n"));
    run(host.ssh(&["-i", &guest]).arg("true"));
}

#[test]
fn a_key_whose_time_is_over_is_refused() {
    needs!("ssh");
    let host = Host::start();
    let key = host.key("guest");
    let guest = host.path("guest").display().to_string();
    host.allow(&format!("expiry-time=\"20200101\" {key}\n"));
    refused(&host, &["-i", &guest], &["allow:1: the key's time is over"]);
}

#[test]
fn whoever_is_in_is_out_when_the_time_is_over() {
    needs!("ssh");
    let host = Host::start();
    let key = host.key("guest");
    let guest = host.path("guest").display().to_string();
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3);
    host.allow(&format!("expiry-time=\"{}\" {key}\n", soon.strftime("%Y%m%d%H%M%SZ")));
    let output = host.ssh(&["-i", &guest]).arg("echo in; sleep 1000").output().unwrap();
    assert_eq!((output.out().as_str(), output.status.code()), ("in\n", Some(255)));
    host.hears(&["is out: the key's time is over"]);
}

#[test]
fn a_forced_command_runs_in_place_of_what_is_asked() {
    needs!("ssh");
    let host = Host::start();
    let key = host.key("guest");
    let guest = host.path("guest").display().to_string();
    host.allow(&format!("restrict,command=\"echo \\\"forced: $SSH_ORIGINAL_COMMAND\\\"\" {key}\n"));
    let output = run(host.ssh(&["-i", &guest]).arg("rm -rf everything"));
    assert_eq!(output.out(), "forced: rm -rf everything\n");
    host.hears(&["runs echo \"forced: ", "(for: rm -rf everything)"]);
    let output = host.ssh(&["-i", &guest, "-tt"]).arg("true").output().unwrap();
    assert!(output.err().contains("PTY allocation request failed"), "{}", output.err());
}

#[test]
fn a_file_of_keys_is_read_anew_when_it_changes() {
    needs!("ssh");
    let host = Host::start();
    let key = std::fs::read_to_string(host.path("key.pub")).unwrap();
    run(host.ssh(&[]).arg("true"));
    host.allow("# nobody\n");
    refused(&host, &[], &["the key is not known here"]);
    host.allow(&key);
    run(host.ssh(&[]).arg("true"));
}

#[test]
fn a_file_that_others_may_write_to_lets_nobody_in() {
    needs!("ssh");
    let host = Host::start();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    std::fs::set_permissions(host.path("allow"), open).unwrap();
    refused(&host, &[], &["chmod go-w"]);
}

/// Has the key `ca` sign the key `guest`.
fn sign(host: &Host, arguments: &[&str]) {
    let mut keygen = std::process::Command::new("ssh-keygen");
    keygen.args(["-q", "-s"]).arg(host.path("ca")).args(["-I", "guest-id"]).args(arguments);
    run(keygen.arg(host.path("guest.pub")));
}

#[test]
fn a_certificate_of_a_trusted_authority_is_let_in_for_what_it_says() {
    needs!("ssh");
    let host = Host::start();
    let authority = host.key("ca");
    let user = host.user.clone();
    host.key("guest");
    let guest = host.path("guest").display().to_string();
    let sign = |arguments: &[&str]| sign(&host, arguments);
    host.allow(&format!("cert-authority {authority}\n"));
    sign(&["-n", &user, "-V", "+1h"]);
    assert_eq!(run(host.ssh(&["-i", &guest]).arg("echo in")).out(), "in\n");
    host.hears(&["guest-id", " is in"]);

    sign(&["-n", &user, "-O", "force-command=echo forced", "-O", "no-pty"]);
    assert_eq!(run(host.ssh(&["-i", &guest]).arg("echo in")).out(), "forced\n");

    sign(&["-n", "somebody-else"]);
    refused(&host, &["-i", &guest], &["certificate guest-id: none of its names"]);

    sign(&[]);
    refused(&host, &["-i", &guest], &["certificate guest-id: none of its names"]);

    sign(&["-n", &user, "-O", "source-address=10.0.0.0/8"]);
    refused(&host, &["-i", &guest], &["guest-id: the key does not count from 127.0.0.1"]);

    sign(&["-n", &user, "-O", "verify-required"]);
    refused(&host, &["-i", &guest], &["certificate guest-id: ", "verify-required"]);
}

#[test]
fn a_certificate_of_nobody_known_or_out_of_its_time_is_refused() {
    needs!("ssh");
    let host = Host::start();
    let authority = host.key("ca");
    let user = host.user.clone();
    host.key("guest");
    let guest = host.path("guest").display().to_string();
    sign(&host, &["-n", &user, "-V", "20200101:20200102"]);
    host.allow(&format!("cert-authority {authority}\n"));
    let output = host.ssh(&["-i", &guest]).arg("true").output().unwrap();
    assert!(output.err().contains("Permission denied"), "{}", output.err());
    sign(&host, &["-n", &user, "-V", "+1h"]);
    let other = host.key("other-ca");
    host.allow(&format!("cert-authority {other}\n"));
    refused(&host, &["-i", &guest], &["the key is not known here"]);
}
