//! Sockets for people: addresses, listeners, streams and datagrams over tcp, udp and unix sockets; the front
//! door with its limits; message framing; the services that answer; the byte pump.

pub mod address;
pub mod census;
pub mod bulk;
pub mod client;
mod ending;
mod endpoint;
pub mod frame;
pub mod errno;
pub mod limits;
pub mod listen;
#[cfg(test)]
mod python;
pub mod resolve;
pub mod sockopt;
mod stream;
pub mod structs;
pub mod trace;

pub use address::{Address, AddressError, HostPort};
pub use ending::Ending;
pub use endpoint::Endpoint;
pub use limits::{Access, Limits};
pub use listen::{Bound, DatagramSocket, ListenError, ListenOptions, Listener, listen};
pub use resolve::{ResolveError, resolve, resolve_async};
pub use sockopt::{SocketKind, SocketOption};
pub use stream::Stream;
