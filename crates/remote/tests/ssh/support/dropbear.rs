//! The server of small machines.

use std::net::TcpListener;
use std::process::{Child, Stdio};

use super::guest::Guest;
use super::{Person, lines};
use crate::needs::{find, output_of};

/// A dropbear of its own, which the guest logs in to. It ends with its owner.
pub(crate) struct Dropbear {
    process: Child,
    pub(crate) port: u16,
    host_key: String,
    _guest: Guest,
}

impl Dropbear {
    pub(crate) async fn start(person: &Person) -> Self {
        let guest = Guest::new(person, "/bin/sh".as_ref());
        let key = guest.path("host_key");
        let made = output_of("dropbearkey", &["-t", "ed25519", "-f", key.to_str().unwrap()]);
        let host_key = made.lines().find(|line| line.starts_with("ssh-ed25519")).unwrap().to_owned();
        assert!(find("dropbear").is_some());
        loop {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut dropbear = guest.server("dropbear");
            dropbear.args(["-F", "-E", "-p", &format!("127.0.0.1:{port}"), "-r"]).arg(&key);
            let mut process = dropbear.stderr(Stdio::piped()).spawn().unwrap();
            let mut log = lines(process.stderr.take().unwrap());
            let mut said = String::new();
            while let Some(line) = log.recv().await {
                // It listens before it says so.
                if line.contains("Not backgrounding") {
                    return Self { process, port, host_key, _guest: guest };
                }
                said.push_str(&line);
            }
            process.wait().unwrap();
            assert!(said.contains("in use"), "{said}");
        }
    }

    pub(crate) fn known_hosts_line(&self) -> String {
        format!("[127.0.0.1]:{} {}", self.port, self.host_key)
    }
}

impl Drop for Dropbear {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
