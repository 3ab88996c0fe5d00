//! The chat line: `ipmsg` on a socket, with the journal as its disk and the book beside it.

mod account;
mod desk;
mod directory;
mod driver;
mod recipients;
mod settings;
mod socket;
mod view;

pub(crate) use desk::{Ask, EVENTS_KEPT};
pub(crate) use driver::Driver;
pub use driver::{Plan, StartError};
