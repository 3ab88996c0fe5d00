//! The book: names, and the lines that reach them.

mod bounded;
pub mod entry;
pub mod name;
pub mod note;
pub mod pattern;
pub mod set;
pub mod source;

pub use pattern::Pattern;
pub use set::{Groups, NameSet, SetError};
