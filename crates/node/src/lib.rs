//! What makes the lines one: every person, machine and socket has a name, and the name is enough.

pub mod book;
pub mod home;
pub mod journal;
#[cfg(test)]
mod testing;
