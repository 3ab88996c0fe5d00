//! `cargo xtask soak`: what takes too long for every change.

mod clients;

use anyhow::{Result, bail};

use crate::bench::{release_build, stay_on_the_load_core};
use crate::fuzz;
use crate::server::Program;

/// Run what is too long for CI: many connections, long fuzzing
///
/// Each soak fails when what it watches goes wrong, and prints its figures either way.
#[derive(clap::Args)]
#[command(after_help = after_help())]
pub(crate) struct Options {
    /// Which soaks; all of them when none is named
    names: Vec<String>,
}

struct Soak {
    name: &'static str,
    about: &'static str,
    run: fn() -> Result<()>,
}

const SOAKS: &[Soak] = &[
    Soak {
        name: "connections",
        about: "100,000 connections opened and closed one after another: none fails, the memory stays",
        run: || clients::one_after_another(&upper()?),
    },
    Soak {
        name: "held",
        about: "10,000 connections held at once by two clients, then all of them busy",
        run: || clients::held(&upper()?),
    },
    Soak {
        name: "slow",
        about: "a client that never reads and one that reads a byte a second, among 1,000 good ones",
        run: || clients::slow_among_good(&upper()?),
    },
    Soak {
        name: "fuzz",
        about: "every fuzz target for ten minutes",
        run: || fuzz::run(&fuzz::Options { seconds: 600, target: None }),
    },
];

pub(crate) fn run(options: &Options) -> Result<()> {
    for soak in chosen(&options.names)? {
        println!("soak {}: {}", soak.name, soak.about);
        (soak.run)()?;
    }
    Ok(())
}

/// The server of the soaks that need one.
fn upper() -> Result<Program> {
    let trunkline = release_build()?;
    stay_on_the_load_core()?;
    Ok(Program::new(&trunkline, &["serve", "tcp://127.0.0.1:0", "upper"]))
}

fn chosen(names: &[String]) -> Result<Vec<&'static Soak>> {
    if names.is_empty() {
        return Ok(SOAKS.iter().collect());
    }
    let find = |name: &String| match SOAKS.iter().find(|soak| soak.name == name) {
        Some(soak) => Ok(soak),
        None => bail!("there is no soak {name}; cargo xtask soak --help lists them"),
    };
    names.iter().map(find).collect()
}

fn after_help() -> String {
    let soaks: String = SOAKS.iter().map(|soak| format!("  {:<12} {}\n", soak.name, soak.about)).collect();
    format!(
        "Soaks:\n{soaks}
Examples:
  cargo xtask soak                              all of them, an hour with three fuzz targets
  cargo xtask soak connections held             two of them"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Result<Vec<&'static str>> {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        Ok(chosen(&names)?.iter().map(|soak| soak.name).collect())
    }

    #[test]
    fn without_a_name_every_soak_runs() {
        assert_eq!(names(&[]).unwrap().len(), SOAKS.len());
        assert_eq!(names(&["fuzz", "held"]).unwrap(), ["fuzz", "held"]);
    }

    #[test]
    fn an_unknown_name_is_refused() {
        assert!(names(&["fuzz", "sleep"]).is_err());
    }

    #[test]
    fn the_help_lists_every_soak() {
        assert!(SOAKS.iter().all(|soak| after_help().contains(soak.about)));
    }
}
