//! Any text is a book that finds its own names, or an error that can be shown.
#![no_main]

use std::path::Path;

use node::book::Book;

libfuzzer_sys::fuzz_target!(|text: &str| {
    match Book::from_text(text, Path::new("book.toml")) {
        Ok(book) => {
            for record in book.records() {
                let name = record.value.names().nth(0).expect("a range has a first name");
                assert_eq!(book.look_up(&name).expect("it is in the book").name.as_str(), name);
            }
        }
        Err(mistakes) => assert!(!mistakes.to_string().is_empty()),
    }
});
