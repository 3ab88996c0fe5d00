//! The book: names, and the lines that reach them.

pub mod entry;
pub mod name;
