//! What is spoken, by what OpenSSH's client can offer.

use std::fs::File;
use std::process::{Command, Output};

use super::support::{Host, Said, run, write_noise};

/// Key exchanges that are spoken, by OpenSSH's names.
const KEX: [&str; 3] = ["mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org"];

/// Ciphers that bring their own integrity.
const AEAD: [&str; 3] = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"];

/// Ciphers that need a MAC.
const CIPHERS: [&str; 3] = ["aes128-ctr", "aes192-ctr", "aes256-ctr"];

/// MACs over what is encrypted.
const MACS: [&str; 2] = ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"];

/// Enough for several packets each way.
const NOISE: usize = 100_000;

/// What a client offers: one algorithm of each kind.
#[derive(Clone, Copy, Debug)]
struct Offer<'a> {
    kex: &'a str,
    cipher: &'a str,
    mac: &'a str,
}

impl Offer<'_> {
    /// The rule: what is in the page about the server.
    fn is_spoken(&self) -> bool {
        let Self { kex, cipher, mac } = self;
        KEX.contains(kex) && (AEAD.contains(cipher) || (CIPHERS.contains(cipher) && MACS.contains(mac)))
    }

    fn ssh(&self, host: &Host) -> Output {
        let Self { kex, cipher, mac } = self;
        let (kex, cipher, mac) =
            (format!("KexAlgorithms={kex}"), format!("Ciphers={cipher}"), format!("MACs={mac}"));
        let mut ssh = host.ssh(&["-o", &kex, "-o", &cipher, "-o", &mac]);
        ssh.arg("cat").stdin(File::open(host.path("noise")).unwrap()).output().unwrap()
    }

    /// Bytes come back as they went, or the client is told that it has nothing that is spoken here.
    #[track_caller]
    fn check(&self, host: &Host, noise: &[u8]) {
        let output = self.ssh(host);
        if self.is_spoken() {
            assert!(output.status.success() && output.stdout == noise, "{self:?}: {}", output.err());
        } else {
            assert!(output.err().contains("Unable to negotiate"), "{self:?}: {}", output.err());
            assert_eq!(output.status.code(), Some(255), "{self:?}");
        }
    }
}

/// What this machine's client can offer of a kind: `kex`, `cipher` or `mac`.
fn offered(kind: &str) -> Vec<String> {
    let said = run(Command::new("ssh").args(["-Q", kind])).out();
    let all: Vec<_> = said.lines().map(str::to_owned).collect();
    assert!(all.len() > 8, "{kind}: {all:?}");
    all
}

/// A host, and bytes to send there.
fn host_and_noise() -> (Host, Vec<u8>) {
    let host = Host::start();
    write_noise(&host.path("noise"), NOISE);
    let noise = std::fs::read(host.path("noise")).unwrap();
    (host, noise)
}

#[test]
fn every_combination_that_is_spoken_carries_bytes() {
    needs!("ssh");
    let (host, noise) = host_and_noise();
    let kexes = offered("kex");
    let kexes: Vec<_> = kexes.iter().filter(|kex| KEX.contains(&kex.as_str())).collect();
    assert!(kexes.len() >= 2, "{kexes:?}");
    for kex in kexes {
        let aead = AEAD.map(|cipher| (cipher, MACS[0]));
        let with_mac = CIPHERS.iter().flat_map(|cipher| MACS.map(|mac| (*cipher, mac)));
        for (cipher, mac) in aead.into_iter().chain(with_mac) {
            Offer { kex, cipher, mac }.check(&host, &noise);
        }
    }
}

#[test]
fn whatever_else_openssh_can_offer_is_refused_with_a_word() {
    needs!("ssh");
    let (host, noise) = host_and_noise();
    let good = Offer { kex: KEX[1], cipher: CIPHERS[0], mac: MACS[0] };
    for kex in offered("kex").iter().filter(|kex| !KEX.contains(&kex.as_str())) {
        Offer { kex, ..good }.check(&host, &noise);
    }
    for cipher in offered("cipher") {
        Offer { cipher: &cipher, ..good }.check(&host, &noise);
    }
    for mac in offered("mac") {
        Offer { mac: &mac, ..good }.check(&host, &noise);
    }
    let rsa = host.ssh(&["-o", "HostKeyAlgorithms=rsa-sha2-512"]).arg("true").output().unwrap();
    assert!(rsa.err().contains("Unable to negotiate"), "{}", rsa.err());
    // Compression is no reason to refuse: there is none.
    run(host.ssh(&["-C"]).arg("true"));
}

/// Some two thousand: `cargo xtask soak sshd`.
#[test]
#[ignore = "takes minutes"]
fn every_combination_that_openssh_can_offer_works_or_is_refused_as_the_rule_says() {
    needs!("ssh");
    let (host, noise) = host_and_noise();
    let (kexes, ciphers, macs) = (offered("kex"), offered("cipher"), offered("mac"));
    let (mut spoken, mut all) = (0, 0);
    for kex in &kexes {
        for cipher in &ciphers {
            for mac in &macs {
                let offer = Offer { kex, cipher, mac };
                offer.check(&host, &noise);
                all += 1;
                spoken += usize::from(offer.is_spoken());
            }
        }
    }
    println!(
        "{all} combinations ({} x {} x {}): {spoken} carry bytes, {} are refused",
        kexes.len(),
        ciphers.len(),
        macs.len(),
        all - spoken
    );
}
