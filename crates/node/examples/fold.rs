//! Folds the names that come in, one a line, to a set with ranges; with a set as its argument, prints that one's names.
//!
//! ```text
//! cargo run -p node --example fold 'rack[1-3]-n[01-16],-rack2-n07' | cargo run -p node --example fold
//! ```

use std::error::Error;
use std::io::{BufWriter, Write, read_to_string, stdin, stdout};

use node::book::NameSet;

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(stdout().lock());
    match std::env::args().nth(1) {
        Some(expression) => {
            for name in &NameSet::parse(&expression, &())? {
                writeln!(out, "{name}")?;
            }
        }
        None => writeln!(out, "{}", NameSet::of(read_to_string(stdin())?.lines())?)?,
    }
    Ok(out.flush()?)
}
