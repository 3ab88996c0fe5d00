//! The crate ipmsg can do no I/O and has no clock: neither by itself (its clippy.toml) nor by what it depends on.

#![allow(clippy::unwrap_used, reason = "in a test a failed unwrap is a failed test")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// All that is compiled into it, macros aside: encoding_rs with what it stands on, which computes, fastrand
/// without its own seeds, and thiserror.
const DEPENDENCIES: [&str; 8] =
    ["cfg-if", "core_detect", "encoding_rs", "fastrand", "ipmsg", "scopeguard", "simdutf8", "thiserror"];

/// A line of each kind that its clippy.toml is there to find.
const FORBIDDEN: [&str; 9] = [
    "let _ = std::time::Instant::now();",
    "let _: Option<std::time::SystemTime> = None;",
    "let _: Option<std::collections::HashMap<u8, u8>> = None;",
    "let _ = std::net::UdpSocket::bind(\"127.0.0.1:0\");",
    "let _ = std::fs::read(\"/etc/passwd\");",
    "let _ = std::env::var(\"HOME\");",
    "std::thread::spawn(|| ());",
    "let _: Option<std::process::Command> = None;",
    "println!();",
];

#[test]
fn nothing_that_can_do_io_is_compiled_into_the_core() {
    // Quiet: what cargo says of itself, such as that it waits for another cargo, is no crate.
    let tree = cargo(
        &["tree", "--quiet", "--package=ipmsg", "--edges=normal,no-proc-macro", "--prefix=none"],
        root(),
    );
    let mut names: Vec<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, DEPENDENCIES);
}

#[test]
fn clock_sockets_threads_and_hash_order_are_found_in_the_core_and_in_no_other_crate() {
    let workspace = Path::new(env!("CARGO_TARGET_TMPDIR")).join("purity");
    let source: String = FORBIDDEN.iter().map(|line| format!("    {line}\n")).collect();
    for member in ["ipmsg", "other"] {
        fs::create_dir_all(workspace.join(member).join("src")).unwrap();
        let manifest = format!("[package]\nname = \"{member}\"\nedition = \"2024\"\n");
        fs::write(workspace.join(member).join("Cargo.toml"), manifest).unwrap();
        let code = format!("pub fn forbidden() {{\n{source}}}\n// {}\n", std::process::id());
        fs::write(workspace.join(member).join("src/lib.rs"), code).unwrap();
    }
    fs::write(
        workspace.join("Cargo.toml"),
        "[workspace]\nmembers = [\"ipmsg\", \"other\"]\nresolver = \"3\"\n",
    )
    .unwrap();
    fs::copy(root().join("clippy.toml"), workspace.join("clippy.toml")).unwrap();
    fs::copy(root().join("crates/ipmsg/clippy.toml"), workspace.join("ipmsg/clippy.toml")).unwrap();

    let found =
        cargo(&["clippy", "--workspace", "--message-format=short", "--target-dir=target"], &workspace);
    for (number, line) in (2..).zip(FORBIDDEN) {
        let place = format!("ipmsg/src/lib.rs:{number}:");
        let finding = found.lines().find(|finding| finding.starts_with(&place)).unwrap_or_default();
        assert!(finding.contains("use of a disallowed"), "{line}\n{found}");
    }
    assert!(!found.contains("other/src/lib.rs"), "{found}");
}

/// What cargo says on both of its outputs.
fn cargo(arguments: &[&str], folder: &Path) -> String {
    let output =
        Command::new(env!("CARGO")).args(arguments).arg("--offline").current_dir(folder).output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    assert!(output.status.success(), "{text}");
    text
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
