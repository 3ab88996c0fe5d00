//! Sockets for people: addresses, listeners, streams and datagrams over tcp, udp and unix sockets; the front
//! door with its limits; message framing; the services that answer; the byte pump.

pub mod address;
pub mod charset;
mod ending;
pub mod frame;
pub mod limits;
pub mod structs;
pub mod untrusted;

pub use address::{Address, AddressError, HostPort};
pub use ending::Ending;
pub use limits::{Access, Limits};
pub use untrusted::Untrusted;
