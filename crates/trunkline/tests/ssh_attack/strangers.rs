//! Attackers who have no key.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use rustix::process::{Resource, Rlimit, prlimit};
use socket2::{Domain, Socket, Type};

use crate::host::Host;
use crate::needs::output_of;
use crate::{PATIENCE, wait_until};

/// A connection from this address.
fn connect(host: &Host, from: &str) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(from.parse().unwrap(), 0).into()).unwrap();
    socket.connect(&SocketAddr::from(([127, 0, 0, 1], host.place.port)).into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Whoever is let in says the most that one may say who has not logged in, in one packet that never ends.
fn begin_and_stop(host: &Host) -> TcpStream {
    let mut stream = connect(host, "127.0.0.3");
    // Who is not let in is closed, perhaps in the middle of this.
    let _ = stream.write_all(b"SSH-2.0-slow\r\n\x00\x03\xff\xfc\x04");
    let _ = stream.write_all(&[0; 200_000]);
    stream
}

#[test]
fn five_hundred_slow_handshakes() {
    needs!("ssh", "ssh-keygen");
    let host = Host::start();
    host.stands("500 slow handshakes, 200 kB each", 64, || {
        let slow: Vec<_> = (0..500).map(|_| begin_and_stop(&host)).collect();
        host.process.log.wait_for("too many from this address have not logged in yet");
        slow
    });
}

#[test]
fn a_hundred_packets_of_four_gibibytes() {
    needs!("ssh", "ssh-keygen");
    let host = Host::start();
    host.stands("100 packets of 4 GiB", 32, || {
        let mut liars: Vec<_> = (0..100).map(|_| connect(&host, "127.0.0.3")).collect();
        // Those who come when ten have gone already are kept outside, and lie to nobody.
        for liar in &mut liars {
            liar.read_exact(&mut [0; 8]).unwrap();
        }
        for liar in &mut liars {
            liar.write_all(b"SSH-2.0-liar\r\n\xff\xff\xff\xff\x04").unwrap();
        }
        for liar in &mut liars {
            // A reset is an end, too: what was sent behind the length is not read.
            let _ = liar.read_to_end(&mut Vec::new());
        }
        host.process.log.wait_for_nth(" is gone: ", 100);
    });
}

#[test]
fn six_hundred_wrong_keys() {
    needs!("ssh", "ssh-keygen");
    let host = Host::start();
    let begun = Instant::now();
    let keys: Vec<_> = (0..6).map(|number| host.file(&format!("wrong-{number}"))).collect();
    for key in &keys {
        output_of("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", key]);
    }
    std::thread::scope(|scope| {
        host.stands("600 wrong keys", 32, || {
            // From ten addresses: of one, ten connections may be in vain at once.
            let knock = |from: String| {
                for _ in 0..10 {
                    let output = host.ssh(&keys, &from).arg("true").output().unwrap();
                    assert_eq!(output.status.code(), Some(255), "{output:?}");
                }
            };
            for number in 10..20 {
                scope.spawn(move || knock(format!("127.0.0.{number}")));
            }
        });
    });
    assert_eq!(host.process.log.count(" was refused as "), 600);
    // A hundred connections; thirty are kept in a minute.
    wait_until("refusals are in the journal", || (host.kept("ssh: refused as ") > 20).then_some(()));
    let kept = host.kept("ssh: refused as ");
    let minutes = usize::try_from(begun.elapsed().as_secs() / 60).unwrap() + 1;
    assert!(kept <= 30 * minutes, "{kept} within {minutes} min");
}

#[test]
fn strangers_cannot_fill_the_table_of_descriptors() {
    needs!("ssh", "ssh-keygen");
    let host = with_few_descriptors();
    host.stands("300 silent strangers from 2 addresses, 128 descriptors", 16, || {
        let addresses = ["127.0.0.3", "127.0.0.4"];
        let silent: Vec<_> = (0..300).map(|number| connect(&host, addresses[number % 2])).collect();
        host.process.log.wait_for("too many from this address have not logged in yet");
        let inside = silent.into_iter().filter(is_open).collect::<Vec<_>>();
        assert_eq!(inside.len(), 24, "of 25 places for strangers one address has 12");
        inside
    });
}

#[test]
fn strangers_from_several_addresses_make_room_for_a_good_client() {
    needs!("ssh", "ssh-keygen");
    let host = with_few_descriptors();
    host.stands("all 25 places taken from 5 addresses, 128 descriptors", 16, || {
        let addresses = (3..=7).map(|last| format!("127.0.0.{last}"));
        let silent: Vec<_> =
            addresses.flat_map(|from| [(); 5].map(|()| connect(&host, &from))).filter(is_open).collect();
        assert_eq!(silent.len(), 25);
        wait_until("one of them makes room", || {
            host.good_client().arg("true").output().unwrap().status.success().then_some(())
        });
        host.process.log.wait_for("nobody had logged in, and another address needed the place");
        silent
    });
    assert_eq!(host.process.log.count("another address needed the place"), 1);
}

/// A host that may have 128 descriptors, which are 25 places for strangers.
fn with_few_descriptors() -> Host {
    let host = Host::start();
    let few = Rlimit { current: Some(128), maximum: Some(128) };
    prlimit(Some(host.process.pid()), Resource::Nofile, few).unwrap();
    host
}

/// Whether the server has let it in: it says who it is.
fn is_open(mut stream: &TcpStream) -> bool {
    matches!(stream.read(&mut [0; 4]), Ok(4))
}

#[test]
fn who_comes_in_vain_again_and_again_is_kept_outside_and_forgiven() {
    needs!("ssh", "ssh-keygen");
    let host = Host::start();
    // Until one is not let in; those that are all leave at once.
    while is_open(&connect(&host, "127.0.0.2")) {}
    host.process.log.wait_for("too many connections from this address have ended without a login");
    wait_until("it is forgiven", || {
        host.good_client().args(["echo", "in"]).output().unwrap().status.success().then_some(())
    });
    // Those that log in are never too many.
    for _ in 0..15 {
        host.serves();
    }
}
