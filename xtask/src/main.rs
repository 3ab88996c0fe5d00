//! The project's own chores: test, bench, fuzz, soak.

fn main() {}
