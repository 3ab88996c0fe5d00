//! The book: names, and the lines that reach them.

mod bounded;
pub mod entry;
pub mod name;
pub mod note;
pub mod source;
