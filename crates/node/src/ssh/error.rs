//! Why targets are no machines.

use std::fmt;

use net::Untrusted;
use remote::config::Place;
use thiserror::Error;

use super::MACHINES_MAX;
use super::way::HOPS_MAX;
use crate::book::{LoginError, LookUpError, Origin, SetError};

/// Why there is nothing to connect to. The message says how to mend it.
#[derive(Debug, Error)]
pub enum SshError {
    /// What was given is no set of names.
    #[error(transparent)]
    Set(#[from] SetError),
    /// One of the set is no `[user@]host[:port]`.
    #[error("{}: {error}", Untrusted::from(target.as_str()))]
    Target {
        /// As it is in the set.
        target: String,
        /// What is wrong with it.
        error: LoginError,
    },
    /// A name may be one of several in the book.
    #[error(transparent)]
    LookUp(#[from] LookUpError),
    /// The book knows it as something else.
    #[error(
        "{name} is in the book ({origin}), but has no ssh line: trunkline book add {name} --ssh [USER@]HOST[:PORT]"
    )]
    NoLine {
        /// As it stands in the book.
        name: String,
        /// Where.
        origin: Origin,
    },
    /// The set is empty, or all of it is left out.
    #[error("there is no machine in this set")]
    Nobody,
    /// More than [`MACHINES_MAX`].
    #[error("these are {number} machines, and a run is for at most {MACHINES_MAX}: take fewer at a time")]
    TooMany {
        /// How many.
        number: usize,
    },
    /// A machine is on the way to itself.
    #[error("the way goes in a circle: {}; mend via in the book or ProxyJump in ssh_config, or say -J", Path(.0))]
    Circle(Vec<String>),
    /// More than eight machines are on the way.
    #[error("more than {HOPS_MAX} machines are on the way to {}: say -J", Untrusted::from(host.as_str()))]
    TooFar {
        /// To which.
        host: String,
    },
    /// ssh would run a program to get there.
    #[error(
        "{}: ssh would reach it by the ProxyCommand in {}, which is not run here: say -J JUMP, or -o ProxyCommand=none",
        Untrusted::from(host.as_str()), Line(place)
    )]
    ProxyCommand {
        /// Which host.
        host: String,
        /// Where it stands.
        place: Place,
    },
    /// How it is reached cannot be read.
    #[error("{}: how it is reached cannot be read in {}: mend that line, or say -J", Untrusted::from(host.as_str()), Line(place))]
    Broken {
        /// Which host.
        host: String,
        /// Where it stands.
        place: Place,
    },
}

struct Path<'a>(&'a [String]);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, name) in self.0.iter().enumerate() {
            let arrow = if nth > 0 { " -> " } else { "" };
            write!(f, "{arrow}{}", Untrusted::from(name.as_str()))?;
        }
        Ok(())
    }
}

struct Line<'a>(&'a Place);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { file, line } = self.0;
        write!(f, "{}:{line}", Untrusted::from(file.as_os_str().as_encoded_bytes()))
    }
}
