//! Sockets for people: a façade in front of tcp, udp and unix sockets.
//!
//! | to | use |
//! |---|---|
//! | read an address as people write it | [`Address`]; [`resolve()`] turns its name into numbers |
//! | open it | [`listen()`], which gives [`Bound`] listeners or datagram sockets |
//! | let clients in, and keep others out | [`door::serve`], the one accept loop, within [`Limits`] |
//! | answer them | [`service::Server`] with one of its [`service::Service`]s, or a function of your own |
//! | cut a stream into messages | [`frame`] |
//! | hear what happens | [`Reporter`] for the server, [`Observer`] for the bytes of one connection |
//! | connect | [`client`]; [`tcp`] from a program that does much else |
//!
//! A server that answers in upper case, and a client that asks it, in one program. `examples/upper.rs` is the same as
//! a server that runs until Ctrl-C.
//!
//! ```
//! use std::io::{Read as _, Write as _};
//! use std::sync::Arc;
//!
//! use net::door::{Shutdown, serve};
//! use net::frame::Framing;
//! use net::service::{Reply, Server, Service};
//! use net::{Bound, Limits, ListenOptions, Reporter, limits, listen};
//!
//! struct Silent;
//!
//! impl Reporter for Silent {
//!     fn report(&self, _: net::report::Event<'_>) {}
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Port 0 is any free one.
//! let bound = listen(&"tcp://127.0.0.1:0".parse()?, &ListenOptions::default()).await?;
//! let Bound::Stream(listeners) = bound else { unreachable!("tcp:// is a stream") };
//! let at = listeners[0].local().socket_addr().expect("it has a port now");
//!
//! let service = Service::Reply(Reply::Upper);
//! let server = Server::new(service, Framing::Line, limits::MAX_FRAME, None, true, Arc::new(Silent));
//! let (server, shutdown, limits) = (Arc::new(server), Shutdown::default(), Limits::default());
//! let serving = serve(listeners, &limits, &shutdown, Arc::new(Silent), |stream, peer, tally| {
//!     let server = Arc::clone(&server);
//!     async move { server.attend(stream, peer, tally).await }
//! });
//!
//! let asking = tokio::task::spawn_blocking({
//!     let shutdown = shutdown.clone();
//!     move || {
//!         let mut client = std::net::TcpStream::connect(at)?;
//!         client.write_all(b"two messages\nthat stuck together\n")?;
//!         client.shutdown(std::net::Shutdown::Write)?;
//!         let mut answer = String::new();
//!         client.read_to_string(&mut answer)?;
//!         shutdown.drain.cancel();
//!         Ok::<_, std::io::Error>(answer)
//!     }
//! });
//! let (cut_short, answer) = tokio::join!(serving, asking);
//! assert_eq!(answer??, "TWO MESSAGES\nTHAT STUCK TOGETHER\n");
//! assert_eq!(cut_short, 0);
//! # Ok(())
//! # }
//! ```

pub mod address;
mod buffer;
pub mod bulk;
pub mod census;
pub mod charset;
pub mod client;
pub mod datagram;
mod dial;
pub mod door;
mod ending;
mod endpoint;
pub mod errno;
pub mod frame;
pub mod interfaces;
pub mod limits;
pub mod listen;
mod messages;
mod peer;
mod pump;
pub mod report;
pub mod resolve;
pub mod service;
mod session;
pub mod sockopt;
mod stream;
pub mod structs;
pub mod tcp;
#[cfg(test)]
mod testing;
pub mod throttle;
pub mod trace;
pub mod untrusted;

pub use address::{Address, AddressError, HostPort};
pub use door::serve;
pub use ending::Ending;
pub use endpoint::Endpoint;
pub use interfaces::{Interface, interfaces};
pub use limits::{Access, Limits};
pub use listen::{Bound, DatagramSocket, ListenError, ListenOptions, Listener, listen};
pub use peer::{Peer, Tally};
pub use report::Reporter;
pub use resolve::{ResolveError, resolve, resolve_async, resolve_one};
pub use session::Observer;
pub use sockopt::{SocketKind, SocketOption};
pub use stream::Stream;
pub use untrusted::Untrusted;
