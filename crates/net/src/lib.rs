//! Sockets for people: addresses, listeners, streams and datagrams over tcp, udp and unix sockets; the front
//! door with its limits; message framing; the services that answer; the byte pump.

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
mod spelling;
mod stream;
pub mod structs;
#[cfg(test)]
mod testing;
pub mod trace;
pub mod untrusted;

pub use address::{Address, AddressError, HostPort};
pub use door::serve;
pub use ending::Ending;
pub use endpoint::Endpoint;
pub use limits::{Access, Limits};
pub use listen::{Bound, DatagramSocket, ListenError, ListenOptions, Listener, listen};
pub use peer::{Peer, Tally};
pub use report::Reporter;
pub use resolve::{ResolveError, resolve, resolve_async};
pub use session::Observer;
pub use sockopt::{SocketKind, SocketOption};
pub use stream::Stream;
pub use untrusted::Untrusted;
