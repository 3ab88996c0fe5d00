//! Much data, both ways.

use aws_lc_rs::digest::{Context, Digest, SHA256};
use bytes::Bytes;
use remote::client::{Running, StandardInput};
use remote::transport::Input;
use remote::{Command, Machine, Outcome, Piece, Session};

use crate::support::{Person, Sshd, soon, within_minutes};

pub(crate) const MIB: usize = 1 << 20;

/// What a command gives back of so much that it is given.
pub(crate) async fn echoed(session: &mut Running, size: usize) -> (Digest, Digest) {
    let input = session.input().unwrap();
    let (sent, received) = tokio::join!(send(input, size), receive(session));
    (sent, received)
}

/// So many bytes, by the mebibyte: each the same noise, which costs little, behind its own number, so that none can be taken for
/// another.
pub(crate) fn blocks(size: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut noise = vec![0; MIB];
    fastrand::Rng::with_seed(7).fill(&mut noise);
    (0..size / MIB).map(move |number| {
        let mut block = noise.clone();
        block[..8].copy_from_slice(&number.to_be_bytes());
        block
    })
}

async fn send(mut input: StandardInput, size: usize) -> Digest {
    let mut sent = Context::new(&SHA256);
    for bytes in blocks(size) {
        sent.update(&bytes);
        assert!(input.write(Bytes::from(bytes)).await);
    }
    input.end().await;
    sent.finish()
}

async fn receive(session: &mut Running) -> Digest {
    let mut received = Context::new(&SHA256);
    loop {
        match session.next().await {
            Piece::Out(bytes) => received.update(&bytes),
            // sshd's own words, when it is told to say much.
            Piece::Err(_) => {}
            Piece::End(Outcome::Exit(0)) => return received.finish(),
            Piece::End(outcome) => panic!("{outcome:?}"),
        }
    }
}

async fn comes_back_as_it_was(options: &str, size: usize) -> Sshd {
    let person = Person::new();
    let server = Sshd::with(&person, options).await;
    gives_back(&person, &person.machine(&server), size).await;
    server
}

/// A command there gives back so much, as it went.
pub(crate) async fn gives_back(person: &Person, machine: &Machine, size: usize) {
    let mut session = person.start(machine, &Command::new("cat")).await.unwrap();
    let (sent, received) = echoed(&mut session, size).await;
    assert_eq!(sent.as_ref(), received.as_ref());
}

#[tokio::test]
async fn sixty_four_mebibytes_come_back_as_they_went() {
    needs!("sshd", "ssh");
    soon(comes_back_as_it_was("", 64 * MIB)).await;
}

#[tokio::test]
async fn a_gibibyte_comes_back_as_it_went() {
    needs!("sshd", "ssh");
    within_minutes(comes_back_as_it_was("", 1024 * MIB)).await;
}

#[tokio::test]
async fn keys_are_renewed_under_load_by_every_cipher() {
    needs!("sshd", "ssh");
    for (cipher, size) in
        [("aes128-gcm@openssh.com", 50), ("chacha20-poly1305@openssh.com", 8), ("aes256-ctr", 8)]
    {
        let options = format!("RekeyLimit 2M\nLogLevel DEBUG1\nCiphers {cipher}");
        let mut server = soon(comes_back_as_it_was(&options, size * MIB)).await;
        let renewed = server.count("rekey");
        assert!(renewed >= size / 2, "{cipher}: {renewed}");
    }
}
