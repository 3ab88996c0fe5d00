//! The book: names, and the lines that reach them.
