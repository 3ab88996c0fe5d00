//! Where and when a benchmark ran.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;

/// A line for the head of a table.
///
/// # Errors
/// When the kernel or git does not tell.
pub(crate) fn described() -> Result<String> {
    let cpu_info = fs::read_to_string("/proc/cpuinfo").context("reading /proc/cpuinfo")?;
    let model = field(&cpu_info, "model name").unwrap_or("unknown CPU");
    let cores = cpu_info.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").context("reading the kernel's version")?;
    let date = command::output(Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]))?;
    let commit = command::output(
        Command::new("git").args(["describe", "--always", "--dirty"]).current_dir(command::root()),
    )?;
    Ok(format!("{model}, {cores} cores; Linux {}; {}; commit {}.", kernel.trim(), date.trim(), commit.trim()))
}

/// The value after `name`, some blanks, and a colon.
fn field<'a>(cpu_info: &'a str, name: &str) -> Option<&'a str> {
    cpu_info.lines().find(|line| line.starts_with(name))?.split_once(": ").map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_found_in_cpuinfo() {
        let cpu_info = "processor\t: 0\nmodel name\t: A CPU @ 2 GHz\nflags\t\t: x\n";
        assert_eq!(field(cpu_info, "model name"), Some("A CPU @ 2 GHz"));
        assert_eq!(field(cpu_info, "stepping"), None);
    }
}
