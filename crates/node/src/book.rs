//! The book: names, and the lines that reach them.

pub mod pattern;
pub mod set;

pub use pattern::Pattern;
pub use set::{Groups, NameSet, SetError};
