//! `cargo xtask fuzz`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::command;

const CARGO_FUZZ: &str = "0.13.2";

/// Feed random input to every parser that the network reaches
///
/// Runs each target of the folder fuzz/ in turn; installs cargo-fuzz first if it is missing. An input that crashes
/// is kept in fuzz/artifacts/, and the run fails.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask fuzz 60                           every target for a minute
  cargo xtask fuzz 600 frames                   one target for ten minutes")]
pub(crate) struct Options {
    /// How long each target runs, in seconds
    pub(crate) seconds: u32,
    /// Only this target
    pub(crate) target: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut targets = targets()?;
    if let Some(wanted) = &options.target {
        if !targets.contains(wanted) {
            bail!("there is no fuzz target {wanted}; the targets are: {}", targets.join(", "));
        }
        targets.retain(|target| target == wanted);
    }
    if !command::is_installed("cargo-fuzz") {
        command::run(&mut command::cargo(["install", "cargo-fuzz", "--locked", "--version", CARGO_FUZZ]))?;
    }
    for target in &targets {
        eprintln!("fuzzing {target} for {} s", options.seconds);
        command::run(&mut fuzzer(target, options.seconds))?;
    }
    Ok(())
}

fn fuzzer(target: &str, seconds: u32) -> Command {
    let mut cargo = command::cargo(["fuzz", "run", target, "--", &format!("-max_total_time={seconds}")]);
    // The sanitizers' compiler flags are unstable; this lets the stable compiler take them.
    cargo.env("RUSTC_BOOTSTRAP", "1");
    cargo
}

fn targets() -> Result<Vec<String>> {
    let manifest = command::root().join("fuzz/Cargo.toml");
    let metadata = command::output(
        command::cargo(["metadata", "--format-version=1", "--no-deps", "--offline", "--manifest-path"])
            .arg(&manifest),
    )?;
    let metadata = serde_json::from_str(&metadata).context("reading what cargo metadata printed")?;
    targets_in(&metadata).with_context(|| format!("looking for fuzz targets in {}", shown(&manifest)))
}

fn shown(manifest: &Path) -> String {
    manifest.strip_prefix(command::root()).unwrap_or(manifest).display().to_string()
}

/// Every program of the package is a target (cargo-fuzz makes one `[[bin]]` for each).
fn targets_in(metadata: &Value) -> Result<Vec<String>> {
    let packages = metadata["packages"].as_array().context("cargo metadata names no package")?;
    let targets: Vec<String> = packages
        .iter()
        .filter_map(|package| package["targets"].as_array())
        .flatten()
        .filter(|target| target["kind"] == serde_json::json!(["bin"]))
        .filter_map(|target| target["name"].as_str().map(str::to_owned))
        .collect();
    if targets.is_empty() {
        bail!("there is not one [[bin]]");
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_program_of_the_package_is_a_target() {
        let metadata = json!({"packages": [{"targets": [
            {"kind": ["bin"], "name": "frames"}, {"kind": ["lib"], "name": "x"}, {"kind": ["bin"], "name": "formats"}]}]});
        assert_eq!(targets_in(&metadata).unwrap(), ["frames", "formats"]);
    }

    #[test]
    fn a_package_without_a_target_is_an_error() {
        assert!(targets_in(&json!({"packages": [{"targets": []}]})).is_err());
        assert!(targets_in(&json!({})).is_err());
    }
}
