//! What stands in for a bad network in tests: of this crate, on a virtual clock, and of others, with real sockets.
//!
//! It is here for whoever tests a program that speaks this protocol; the cargo feature `simulation` brings it in.

pub mod impair;
#[cfg(test)]
mod scenario;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;
