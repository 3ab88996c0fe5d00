//! A plain socket that remembers what it got.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use super::PATIENCE;
use super::network::Host;
use super::watched::Watched;

/// A UDP socket on every address of a host; it may send broadcasts. A thread of its own reads it, so that nothing waits
/// in the kernel and gets lost there.
pub(crate) struct Plain {
    socket: Arc<UdpSocket>,
    pub(crate) received: Watched<Vec<Datagram>>,
    is_over: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Datagram {
    pub(crate) from: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

impl Plain {
    /// `hear` is told of each datagram after it is remembered, and may answer.
    pub(crate) fn bind(
        host: &Host,
        port: u16,
        mut hear: impl FnMut(&UdpSocket, &Datagram) + Send + 'static,
    ) -> Self {
        let socket = Arc::new(host.run(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap()));
        socket.set_broadcast(true).unwrap();
        let (received, is_over) = (Watched::<Vec<_>>::default(), Arc::new(AtomicBool::new(false)));
        let reader = {
            let (socket, received, is_over) = (Arc::clone(&socket), received.clone(), Arc::clone(&is_over));
            std::thread::spawn(move || {
                let mut buffer = vec![0; 65_536];
                loop {
                    let (length, from) = socket.recv_from(&mut buffer).unwrap();
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    let datagram = Datagram { from, bytes: buffer[..length].to_vec() };
                    received.change(|received| received.push(datagram.clone()));
                    hear(&socket, &datagram);
                }
            })
        };
        Self { socket, received, is_over, reader: Some(reader) }
    }

    /// The datagram that came as the `nth`, counted from 1.
    #[track_caller]
    pub(crate) fn wait_for_nth(&self, nth: usize) -> Datagram {
        self.received.wait_for(&format!("datagram {nth}"), PATIENCE, |all| all.get(nth - 1).cloned())
    }

    pub(crate) fn send(&self, bytes: &[u8], to: (Ipv4Addr, u16)) {
        assert_eq!(self.socket.send_to(bytes, to).unwrap(), bytes.len());
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes the reader. Where it cannot, the thread stays in its call until the process ends.
        let port = self.socket.local_addr().map_or(0, |address| address.port());
        if self.socket.send_to(&[], (Ipv4Addr::LOCALHOST, port)).is_ok()
            && let Some(reader) = self.reader.take()
        {
            let ended = reader.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the reader of a plain socket panicked");
        }
    }
}
