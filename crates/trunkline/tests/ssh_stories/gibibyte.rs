//! A gibibyte each way, after which the server agrees on new keys by itself, too.

use std::fs::File;
use std::io::{self, Write};
use std::process::{Child, Command, Stdio};

use crate::client::noise;
use crate::support::Host;

const MEBIBYTE: usize = 1 << 20;

/// `sha256sum`, in a fifth of its time: OpenSSL knows the processor's own instructions for it.
const SUM: &str = "import hashlib, sys; print(hashlib.file_digest(sys.stdin.buffer, 'sha256').hexdigest())";

/// Writes 1,024 mebibytes, no two of which are the same.
fn write_gibibyte(mut to: impl Write) -> io::Result<()> {
    let mut bytes = noise(MEBIBYTE);
    for number in 0..1024_u64 {
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        to.write_all(&bytes)?;
    }
    Ok(())
}

fn sum(input: impl Into<Stdio>) -> Child {
    let mut python = Command::new("/usr/bin/python3");
    python.args(["-c", SUM]).stdin(input).stdout(Stdio::piped()).spawn().unwrap()
}

fn said(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_gibibyte_goes_each_way_and_its_sum_is_the_same() {
    needs!("ssh", "python3", "mkfifo");
    let host = Host::start();
    let mut here = sum(Stdio::piped());
    write_gibibyte(here.stdin.take().unwrap()).unwrap();
    let wanted = said(here);
    assert_eq!(wanted.len(), 65, "{wanted}");

    // The cipher that costs least.
    let ssh = || host.ssh(&["-c", "aes128-gcm@openssh.com"]);
    let mut there = ssh();
    there.arg(format!("/usr/bin/python3 -c \"{SUM}\"")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut there = there.spawn().unwrap();
    write_gibibyte(there.stdin.take().unwrap()).unwrap();
    assert_eq!(said(there), wanted);
    host.hears(&["status 0", "1073741824 bytes in, 65 out"]);

    let source = host.there("source");
    assert!(Command::new("mkfifo").arg(&source).status().unwrap().success());
    let mut back = ssh();
    back.arg(format!("cat {}", source.display())).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut back = back.spawn().unwrap();
    let sum = sum(back.stdout.take().unwrap());
    write_gibibyte(File::create(&source).unwrap()).unwrap();
    assert!(back.wait().unwrap().success());
    assert_eq!(said(sum), wanted);
    host.hears(&["status 0", "0 bytes in, 1073741824 out"]);
}
