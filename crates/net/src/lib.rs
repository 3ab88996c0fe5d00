//! Sockets for people: addresses, listeners, streams and datagrams over tcp, udp and unix sockets; the front
//! door with its limits; message framing; the services that answer; the byte pump.

pub mod address;
pub mod bulk;
mod ending;
pub mod limits;

pub use address::{Address, AddressError, HostPort};
pub use ending::Ending;
pub use limits::{Access, Limits};
