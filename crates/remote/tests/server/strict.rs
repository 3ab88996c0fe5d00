//! Strict key exchange (draft-miller-sshm-strict-kex), which is what stands against Terrapin (CVE-2023-48795): a message
//! that somebody slips in before the keys are taken into use ends the connection.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::support::{Host, PATIENCE};

const IGNORE: u8 = 2;
const KEXINIT: u8 = 20;
const KEX_ECDH_REPLY: u8 = 31;

const STRICT: &str = "curve25519-sha256,kex-strict-c-v00@openssh.com";
const NOT_STRICT: &str = "curve25519-sha256";

/// A client that has said who it is, and speaks in packets by hand. Nothing is encrypted yet.
pub(crate) struct Client(TcpStream);

impl Client {
    /// And what the server offers first.
    pub(crate) fn connect(host: &Host) -> (Self, Vec<u8>) {
        let mut stream = TcpStream::connect(host.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"SSH-2.0-byhand\r\n").unwrap();
        let mut banner = Vec::new();
        while !banner.ends_with(b"\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            banner.push(byte[0]);
        }
        let mut client = Self(stream);
        let first = client.receive().unwrap();
        (client, first)
    }

    fn send(&mut self, message: &[u8]) {
        let padding = 8 - (message.len() + 5) % 8 + 4;
        let length = u32::try_from(message.len() + padding + 1).unwrap();
        let mut packet = length.to_be_bytes().to_vec();
        packet.push(u8::try_from(padding).unwrap());
        packet.extend_from_slice(message);
        packet.resize(packet.len() + padding, 0);
        // The server may be gone already, which is what is asked for.
        let _ = self.0.write_all(&packet);
    }

    /// None: the connection is over.
    pub(crate) fn receive(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).ok()?;
        let mut packet = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
        self.0.read_exact(&mut packet).ok()?;
        Some(packet[1..packet.len() - usize::from(packet[0])].to_vec())
    }

    /// KEXINIT of a client that has these key exchanges, [`STRICT`] or [`NOT_STRICT`] for an honest one.
    pub(crate) fn offer(&mut self, kex: &str) {
        let (cipher, mac) = ("aes128-gcm@openssh.com", "hmac-sha2-256-etm@openssh.com");
        let mut message = vec![KEXINIT];
        message.extend([7; 16]);
        for list in [kex, "ssh-ed25519", cipher, cipher, mac, mac, "none", "none", "", ""] {
            message.extend(u32::try_from(list.len()).unwrap().to_be_bytes());
            message.extend(list.as_bytes());
        }
        message.extend([0; 5]);
        self.send(&message);
    }

    /// KEX_ECDH_INIT with the base point, which is as good as another.
    fn exchange(&mut self) {
        let mut message = vec![30, 0, 0, 0, 32, 9];
        message.extend([0; 31]);
        self.send(&message);
    }

    /// An SSH_MSG_IGNORE, which may come at any time, says RFC 4253; whoever attacks by Terrapin sends it.
    fn slip_in(&mut self) {
        self.send(&[IGNORE, 0, 0, 0, 1, b'x']);
    }
}

#[test]
fn the_server_offers_strict_key_exchange() {
    let host = Host::start();
    let (_client, first) = Client::connect(&host);
    assert_eq!(first[0], KEXINIT);
    let length = usize::try_from(u32::from_be_bytes(first[17..21].try_into().unwrap())).unwrap();
    let kex = std::str::from_utf8(&first[21..21 + length]).unwrap();
    assert_eq!(
        kex,
        "mlkem768x25519-sha256,curve25519-sha256,curve25519-sha256@libssh.org,ext-info-s,kex-strict-s-v00@openssh.com"
    );
}

#[test]
fn a_message_slipped_in_before_the_new_keys_ends_the_connection() {
    for place in ["before the offers", "after the offers", "before the new keys"] {
        let host = Host::start();
        let (mut client, _) = Client::connect(&host);
        if place == "before the offers" {
            client.slip_in();
        }
        client.offer(STRICT);
        if place == "after the offers" {
            client.slip_in();
        }
        client.exchange();
        if place == "before the new keys" {
            assert_eq!(client.receive().unwrap()[0], KEX_ECDH_REPLY);
            client.slip_in();
        }
        while client.receive().is_some() {}
        let told = host.events.wait_for(&["Closed", "Failed"]);
        assert!(told.to_lowercase().contains("strict"), "{place}: {told}");
    }
}

#[test]
fn without_a_stranger_in_between_the_same_client_gets_its_keys() {
    let host = Host::start();
    let (mut client, _) = Client::connect(&host);
    client.offer(STRICT);
    client.exchange();
    assert_eq!(client.receive().unwrap()[0], KEX_ECDH_REPLY);
    // A client that knows nothing of it may be interrupted, as RFC 4253 says. It is why ssh-audit reminds of clients.
    let (mut client, _) = Client::connect(&host);
    client.offer(NOT_STRICT);
    client.slip_in();
    client.exchange();
    assert_eq!(client.receive().unwrap()[0], KEX_ECDH_REPLY);
}
