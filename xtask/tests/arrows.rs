//! Which crate of the workspace may depend on which: the table is the design, and `cargo metadata` is the truth.

#![allow(clippy::unwrap_used, reason = "in a test a failed unwrap is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

/// A crate of the workspace and what its Cargo.toml may name, dependencies of tests and of build scripts included.
struct Rule {
    name: &'static str,
    folder: &'static str,
    /// Crates of the workspace.
    may_use: &'static [&'static str],
    /// Crates of others that would let in what this crate is there to keep out.
    never: &'static [&'static str],
}

const RULES: &[Rule] = &[
    // It cannot do I/O, so it is tested without a socket and a clock.
    Rule {
        name: "ipmsg",
        folder: "crates/ipmsg",
        may_use: &[],
        never: &["tokio", "socket2", "rustix", "libc"],
    },
    Rule { name: "net", folder: "crates/net", may_use: &[], never: &["rusqlite", "russh"] },
    // It knows no storage.
    Rule { name: "remote", folder: "crates/remote", may_use: &[], never: &["rusqlite"] },
    Rule { name: "node", folder: "crates/node", may_use: &["ipmsg", "net", "remote"], never: &[] },
    // A face: storage and SSH are behind `node`.
    Rule {
        name: "trunkline",
        folder: "crates/trunkline",
        may_use: &["net", "node"],
        never: &["rusqlite", "russh"],
    },
    Rule { name: "xtask", folder: "xtask", may_use: &[], never: &[] },
];

#[test]
fn only_the_arrows_of_the_design_exist_between_the_crates() {
    let metadata = cargo_metadata();
    let mistakes = mistakes_in(&packages(&metadata));
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

#[test]
fn every_folder_of_crates_was_looked_at() {
    let metadata = cargo_metadata();
    let seen: BTreeSet<String> = packages(&metadata).into_values().map(|package| package.folder).collect();
    let folders: BTreeSet<String> = std::fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| format!("crates/{}", entry.unwrap().file_name().to_string_lossy()))
        .chain(["xtask".to_owned()])
        .collect();
    assert!(folders.len() >= 3, "crates/ has only {folders:?}");
    assert_eq!(seen, folders, "the members of the workspace, and the folders");
}

#[test]
fn an_arrow_that_is_not_in_the_design_is_found() {
    let found = |from: &str, to: &str| mistakes_in(&BTreeMap::from([package(from, &[to])]));
    assert_eq!(found("net", "trunkline"), ["net may not depend on trunkline"]);
    assert_eq!(found("net", "remote"), ["net may not depend on remote"]);
    assert_eq!(found("trunkline", "ipmsg"), ["trunkline may not depend on ipmsg"]);
    assert_eq!(found("trunkline", "remote"), ["trunkline may not depend on remote"]);
    assert_eq!(found("xtask", "net"), ["xtask may not depend on net"]);
}

#[test]
fn every_arrow_of_the_design_is_allowed() {
    let packages = BTreeMap::from([
        package("node", &["ipmsg", "net", "remote", "rusqlite"]),
        package("trunkline", &["node", "net", "tokio"]),
        package("ipmsg", &["encoding_rs"]),
    ]);
    assert_eq!(mistakes_in(&packages), [""; 0]);
}

#[test]
fn what_a_crate_is_there_to_keep_out_is_found() {
    let found = |from: &str, to: &str| mistakes_in(&BTreeMap::from([package(from, &[to])]));
    assert_eq!(found("trunkline", "rusqlite"), ["trunkline may not depend on rusqlite"]);
    assert_eq!(found("trunkline", "russh"), ["trunkline may not depend on russh"]);
    assert_eq!(found("ipmsg", "tokio"), ["ipmsg may not depend on tokio"]);
}

#[test]
fn a_crate_that_the_table_does_not_know_is_found() {
    let packages = BTreeMap::from([package("utils", &[])]);
    assert_eq!(mistakes_in(&packages), ["utils is not in the table of xtask/tests/arrows.rs"]);
}

#[test]
fn a_crate_in_another_folder_than_the_tables_is_found() {
    let elsewhere = Package { folder: "net".to_owned(), dependencies: vec![] };
    let packages = BTreeMap::from([("net".to_owned(), elsewhere)]);
    assert_eq!(mistakes_in(&packages), ["net is in net instead of crates/net"]);
}

#[test]
fn dependencies_of_tests_and_renamed_ones_count_too() {
    let metadata = json!({"packages": [{
        "name": "net",
        "manifest_path": root().join("crates/net/Cargo.toml"),
        "dependencies": [{"name": "node", "kind": "dev"}, {"name": "remote", "kind": null, "rename": "far"}]}]});
    assert_eq!(packages(&metadata)["net"].dependencies, ["node", "remote"]);
}

struct Package {
    folder: String,
    /// As the registry and the workspace name them, of every kind.
    dependencies: Vec<String>,
}

fn mistakes_in(packages: &BTreeMap<String, Package>) -> Vec<String> {
    let mut mistakes = Vec::new();
    for (name, package) in packages {
        let Some(rule) = RULES.iter().find(|rule| rule.name == name) else {
            mistakes.push(format!("{name} is not in the table of xtask/tests/arrows.rs"));
            continue;
        };
        if package.folder != rule.folder {
            mistakes.push(format!("{name} is in {} instead of {}", package.folder, rule.folder));
        }
        let ours = |crate_name: &str| RULES.iter().any(|rule| rule.name == crate_name);
        for dependency in package.dependencies.iter().map(String::as_str) {
            if ours(dependency) && !rule.may_use.contains(&dependency) || rule.never.contains(&dependency) {
                mistakes.push(format!("{name} may not depend on {dependency}"));
            }
        }
    }
    mistakes
}

/// The packages of the workspace by name.
fn packages(metadata: &Value) -> BTreeMap<String, Package> {
    let texts = |value: &Value| value.as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap().iter().map(|package| {
        let manifest = texts(&package["manifest_path"]);
        let folder = Path::new(&manifest).parent().unwrap().strip_prefix(root()).unwrap();
        let dependencies =
            package["dependencies"].as_array().unwrap().iter().map(|to| texts(&to["name"])).collect();
        (texts(&package["name"]), Package { folder: folder.to_string_lossy().into_owned(), dependencies })
    });
    packages.collect()
}

fn package(name: &str, dependencies: &[&str]) -> (String, Package) {
    let folder = if name == "xtask" { name.to_owned() } else { format!("crates/{name}") };
    let dependencies = dependencies.iter().map(ToString::to_string).collect();
    (name.to_owned(), Package { folder, dependencies })
}

fn cargo_metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
