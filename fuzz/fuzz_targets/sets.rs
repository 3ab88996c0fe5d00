//! Any text is a set whose folded text is the same set, or is refused; and so is any pattern.
#![no_main]

use std::collections::BTreeMap;

use node::book::{NameSet, Pattern};

libfuzzer_sys::fuzz_target!(|input: (&str, &str)| {
    let (text, group) = input;
    let groups = BTreeMap::from([("g".to_owned(), group.to_owned())]);
    // What a long text stands for takes long to go through.
    if text.len() + group.len() > 100 {
        return;
    }
    if let Ok(set) = NameSet::parse(text, &groups)
        && set.len() <= 10_000
    {
        assert_eq!(set.iter().filter(|name| set.contains(name)).count(), set.len());
        assert_eq!(NameSet::of(&set).as_ref(), Ok(&set));
        assert!(set.is_empty() || NameSet::parse(&set.to_string(), &()) == Ok(set));
    }
    if let Ok(pattern) = Pattern::parse(text) {
        let last = pattern.len() - 1;
        assert_eq!(pattern.nth(last).and_then(|name| pattern.index_of(&name)), Some(last));
    }
});
