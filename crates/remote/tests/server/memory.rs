//! The server over a stream that is no socket.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use remote::server::access::Judging;
use remote::server::limits::{MAX_TRIES, REFUSAL_TIME};
use remote::server::{
    Access, Account, Closed, Config, Event, Grant, HostKey, KeyExchanges, Limits, Login, Refusal, Server,
};
use russh::client::{self, Handler};
use russh::keys::{Algorithm, PrivateKey, PrivateKeyWithHashAlg, PublicKeyBase64, PublicKeyOrCertificate};
use russh::{ChannelMsg, Disconnect, Preferred, kex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Everybody may do everything.
struct Everybody;

impl Access for Everybody {
    fn judge(&self, _: Login) -> Judging<'_> {
        let forwarding = remote::authorized_keys::Options::default().forwarding;
        let grant = Grant { label: "anybody".into(), command: None, pty: true, forwarding, until: None };
        Box::pin(std::future::ready(Ok(grant)))
    }

    fn takes_certificates(&self) -> std::pin::Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(std::future::ready(false))
    }
}

/// Nobody is let in.
struct Nobody;

impl Access for Nobody {
    fn judge(&self, _: Login) -> Judging<'_> {
        Box::pin(std::future::ready(Err(Refusal::Unknown)))
    }

    fn takes_certificates(&self) -> std::pin::Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(std::future::ready(false))
    }
}

/// A client that checks the server's key.
struct Client(Vec<u8>);

impl Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else { return Ok(false) };
        Ok(key.public_key_bytes() == self.0)
    }
}

const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

fn server(limits: Limits) -> (Server, HostKey) {
    server_for(limits, Arc::new(Everybody))
}

fn server_for(limits: Limits, access: Arc<dyn Access>) -> (Server, HostKey) {
    let host_key = HostKey::generate().unwrap();
    let config = Config {
        host_key: host_key.clone(),
        key_exchanges: KeyExchanges::default(),
        account: Account {
            name: "ann".into(),
            uid: 1,
            shell: "/bin/sh".into(),
            ..Account::of_this_process()
        },
        allow_root: false,
        limits,
        folder: std::env::temp_dir(),
        dial: None,
    };
    (Server::new(config, access), host_key)
}

#[tokio::test]
async fn a_command_runs_and_its_end_is_told_in_order() {
    let (server, host_key) = server(Limits::default());
    // Both ends write what they can speak before they read what the other can: that must fit.
    let (near, far) = tokio::io::duplex(4096);
    let serving = tokio::spawn(async move { server.serve(far, NOWHERE, NOWHERE, Arc::new(|_| {})).await });

    let known = Client(host_key.public().public_key_bytes());
    let mut client = client::connect_stream(Arc::default(), near, known).await.unwrap();
    assert!(client.authenticate_publickey("ann", random_key()).await.unwrap().success());
    let mut channel = client.channel_open_session().await.unwrap();
    channel.exec(true, "echo $SSH_CLIENT; exit 9").await.unwrap();
    let (mut said, mut after) = (Vec::new(), Vec::new());
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } => said.extend_from_slice(&data),
            ChannelMsg::Success | ChannelMsg::WindowAdjusted { .. } => {}
            other => after.push(format!("{other:?}")),
        }
    }
    assert_eq!(said, b"127.0.0.1 1 1\n");
    assert_eq!(after, ["ExitStatus { exit_status: 9 }", "Eof", "Close"], "in this order");
    client.disconnect(Disconnect::ByApplication, "", "").await.unwrap();
    assert_eq!(serving.await.unwrap(), Closed::ByClient);
}

fn random_key() -> PrivateKeyWithHashAlg {
    let key = PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).unwrap();
    PrivateKeyWithHashAlg::new(Arc::new(key), None)
}

/// Six hundred wrong keys: at once nobody's time is wasted but the attacker's.
#[tokio::test(start_paused = true)]
async fn six_hundred_wrong_keys_are_six_on_each_of_a_hundred_connections_and_each_takes_its_time() {
    let (server, host_key) = server_for(Limits::default(), Arc::new(Nobody));
    let refused = Arc::new(AtomicUsize::new(0));
    for _ in 0..100 {
        let (near, far) = tokio::io::duplex(4096);
        let count = refused.clone();
        let report = Arc::new(move |event| {
            if matches!(event, Event::Refused { .. }) {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let serving = tokio::spawn({
            let server = server.clone();
            async move { server.serve(far, NOWHERE, NOWHERE, report).await }
        });
        let known = Client(host_key.public().public_key_bytes());
        let mut client = client::connect_stream(Arc::default(), near, known).await.unwrap();
        let begun = tokio::time::Instant::now();
        let key = random_key();
        // More than may be; past the limit nobody answers.
        for _ in 0..2 * MAX_TRIES {
            let Ok(result) = client.authenticate_publickey("ann", key.clone()).await else { break };
            assert!(!result.success());
        }
        assert!(begun.elapsed() >= REFUSAL_TIME * u32::try_from(MAX_TRIES).unwrap(), "{:?}", begun.elapsed());
        drop(client);
        serving.await.unwrap();
    }
    assert_eq!(refused.load(Ordering::Relaxed), 100 * MAX_TRIES);
}

#[tokio::test]
async fn keys_are_agreed_on_by_ml_kem_with_clients_that_know_it() {
    let (server, host_key) = server(Limits::default());
    let (near, far) = tokio::io::duplex(4096);
    let serving = tokio::spawn(async move { server.serve(far, NOWHERE, NOWHERE, Arc::new(|_| {})).await });
    let preferred = Preferred { kex: vec![kex::MLKEM768X25519_SHA256].into(), ..Preferred::DEFAULT };
    let config = Arc::new(client::Config { preferred, ..client::Config::default() });
    let known = Client(host_key.public().public_key_bytes());
    let mut client = client::connect_stream(config, near, known).await.unwrap();
    assert!(client.authenticate_publickey("ann", random_key()).await.unwrap().success());
    client.disconnect(Disconnect::ByApplication, "", "").await.unwrap();
    assert_eq!(serving.await.unwrap(), Closed::ByClient);
}

#[tokio::test]
async fn a_stranger_has_so_long_and_no_longer() {
    let grace = Duration::from_millis(50);
    let (server, _) = server(Limits { login_grace: grace, ..Limits::default() });
    let (_near, far) = tokio::io::duplex(4096);
    assert_eq!(server.serve(far, NOWHERE, NOWHERE, Arc::new(|_| {})).await, Closed::LoginGrace(grace));
}

#[tokio::test]
async fn a_server_that_has_ended_all_connections_keeps_none_that_comes_later() {
    let (server, _) = server(Limits::default());
    let ((_near, far), (_late, later)) = (tokio::io::duplex(4096), tokio::io::duplex(4096));
    let first = server.serve(far, NOWHERE, NOWHERE, Arc::new(|_| {}));
    let (first, ()) = tokio::join!(first, async { server.end_all() });
    assert_eq!(first, Closed::ByOwner);
    assert_eq!(server.serve(later, NOWHERE, NOWHERE, Arc::new(|_| {})).await, Closed::ByOwner);
}

#[tokio::test]
async fn a_connection_that_nobody_serves_any_more_is_closed() {
    let (server, _) = server(Limits::default());
    let (mut near, far) = tokio::io::duplex(4096);
    let serving = tokio::spawn({
        let server = server.clone();
        async move { server.serve(far, NOWHERE, NOWHERE, Arc::new(|_| {})).await }
    });
    // Past the identification, so that the protocol's library has a task of its own.
    near.write_all(b"SSH-2.0-test\r\n").await.unwrap();
    let mut first = [0; 512];
    near.read_exact(&mut first).await.unwrap();
    assert_eq!(server.connections().len(), 1);
    serving.abort();
    near.read_to_end(&mut Vec::new()).await.unwrap();
    assert!(serving.await.unwrap_err().is_cancelled());
    assert!(server.connections().is_empty());
}
