//! A gibibyte each way, and some more, since after a gibibyte the server asks for new keys.

use std::fs::File;
use std::io::{self, Write};
use std::process::{Child, Command, Output, Stdio};

use crate::client::{Said, noise};
use crate::support::Host;

const MEBIBYTE: usize = 1 << 20;

const MEBIBYTES: usize = 1024 + 32;

/// `sha256sum`, in a fifth of its time: OpenSSL knows the processor's own instructions for it.
const SUM: &str = "import hashlib, sys; print(hashlib.file_digest(sys.stdin.buffer, 'sha256').hexdigest())";

/// Writes all of them, no two of which are the same.
fn write(mut to: impl Write) -> io::Result<()> {
    let mut bytes = noise(MEBIBYTE);
    for number in 0..MEBIBYTES {
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        to.write_all(&bytes)?;
    }
    Ok(())
}

fn sum(input: impl Into<Stdio>) -> Child {
    let mut python = Command::new("/usr/bin/python3");
    python.args(["-c", SUM]).stdin(input).stdout(Stdio::piped()).spawn().unwrap()
}

fn ended_well(child: Child) -> Output {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.err());
    output
}

/// `ssh -v` tells of the first keys and of those on the way.
#[track_caller]
fn has_agreed_on_new_keys(ssh: &Output) {
    let count = ssh.err().matches("SSH2_MSG_KEXINIT received").count();
    assert!(count >= 2, "{}", ssh.err());
}

#[test]
fn a_gibibyte_goes_each_way_and_its_sum_is_the_same() {
    needs!("ssh", "python3", "mkfifo");
    let host = Host::start();
    let mut here = sum(Stdio::piped());
    write(here.stdin.take().unwrap()).unwrap();
    let wanted = ended_well(here).out();
    assert_eq!(wanted.len(), 65, "{wanted}");

    // The cipher that costs least.
    let ssh = || {
        let mut ssh = host.ssh(&["-v", "-c", "aes128-gcm@openssh.com"]);
        ssh.stdout(Stdio::piped()).stderr(Stdio::piped());
        ssh
    };
    let bytes = MEBIBYTES * MEBIBYTE;
    let mut there = ssh();
    there.arg(format!("/usr/bin/python3 -c \"{SUM}\"")).stdin(Stdio::piped());
    let mut there = there.spawn().unwrap();
    write(there.stdin.take().unwrap()).unwrap();
    let there = ended_well(there);
    assert_eq!(there.out(), wanted);
    has_agreed_on_new_keys(&there);
    host.hears(&["status 0", &format!("{bytes} bytes in, 65 out")]);

    let source = host.there("source");
    assert!(Command::new("mkfifo").arg(&source).status().unwrap().success());
    let mut back = ssh();
    back.arg(format!("cat {}", source.display())).stdin(Stdio::null());
    let mut back = back.spawn().unwrap();
    let sum = sum(back.stdout.take().unwrap());
    write(File::create(&source).unwrap()).unwrap();
    assert_eq!(ended_well(sum).out(), wanted);
    has_agreed_on_new_keys(&ended_well(back));
    host.hears(&["status 0", &format!("0 bytes in, {bytes} out")]);
}
