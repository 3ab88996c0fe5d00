//! The book: names, and the lines that reach them.

pub mod entry;
pub mod name;
pub mod pattern;
pub mod set;

pub use pattern::Pattern;
pub use set::{Groups, NameSet, SetError};
