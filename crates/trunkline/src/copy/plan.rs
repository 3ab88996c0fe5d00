//! What `copy` is to do, checked.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use node::home::Home;
use node::journal::RunVerb;
use node::ssh::sftp::{Job, Way};
use node::ssh::{Here, Machine, fan};

use super::side::Side;
use crate::cli::CopyFlags;
use crate::failure::Failure;
use crate::ssh::{self, Entry};

/// What `copy` is to do.
pub(crate) struct Plan {
    /// What is kept of it in the journal.
    pub(super) entry: Entry,
    pub(super) machines: Vec<Machine>,
    pub(super) job: Job,
    pub(super) limits: fan::Plan,
    pub(super) quiet: bool,
    pub(super) json: bool,
}

/// Both sides, before it is known how many machines there are.
struct Sides {
    targets: OsString,
    way: Way,
}

impl Plan {
    pub(crate) fn new(flags: CopyFlags) -> Result<Self, Failure> {
        let home = Home::of_this_user().map_err(Failure::usage)?;
        let Sides { targets, mut way } = Sides::of(&flags.paths)?;
        let targets = targets.into_string().map_err(|targets| {
            Failure::usage(anyhow!("{} is no UTF-8, and no machine is called so", targets.display()))
        })?;
        if let Way::Put { from, .. } = &way {
            for path in from {
                fs::metadata(path).with_context(|| format!("reading {}", path.display()))?;
            }
        }
        let here = Here::of_process();
        let user = here.user.clone();
        let connect_limit = Some(flags.ssh.connect_limit);
        let found = ssh::machines(flags.ssh, here, &targets, flags.exclude.as_deref())?;
        if let Way::Get { to, labelled, .. } = &mut way {
            *labelled = found.list.len() > 1;
            if *labelled && !to.is_dir() {
                let error = anyhow!("{} is no directory, which several machines need", to.display());
                return Err(Failure::usage(error).hint(format!("mkdir {}", to.display())));
            }
        }
        let limits = fan::Plan { at_once: flags.at_once, connect_limit, ..fan::Plan::default() };
        let job = Job { way, recursive: flags.recursive, keep: flags.keep };
        let command = flags.paths.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let entry = Entry { home, user, verb: RunVerb::Copy, targets, command };
        Ok(Self { entry, machines: found.list, job, limits, quiet: flags.quiet, json: flags.json })
    }
}

impl Sides {
    fn of(paths: &[OsString]) -> Result<Self, Failure> {
        let Some((to, from)) = paths.split_last() else {
            return Err(Failure::usage(anyhow!("there is nothing to copy")));
        };
        let from: Vec<_> = from.iter().map(|path| Side::of(path)).collect();
        match Side::of(to) {
            Side::There { targets, path: to } => {
                let here = |side| match side {
                    Side::Here(path) => Ok(path),
                    Side::There { .. } => Err(Failure::usage(anyhow!("both sides are machines"))
                        .hint("copy it here first, and then from here")),
                };
                let from = from.into_iter().map(here).collect::<Result<_, _>>()?;
                Ok(Self { targets, way: Way::Put { from, to } })
            }
            Side::Here(to) => Self::from_there(from, to),
        }
    }

    fn from_there(from: Vec<Side>, to: PathBuf) -> Result<Self, Failure> {
        let mut machines: Option<OsString> = None;
        let mut paths = Vec::new();
        for side in from {
            let Side::There { targets, path } = side else {
                return Err(Failure::usage(anyhow!("one side of each copy must be a machine"))
                    .hint("write TARGETS:PATH, as in n1:/tmp; cp copies what is here"));
            };
            if *machines.get_or_insert_with(|| targets.clone()) != targets {
                return Err(Failure::usage(anyhow!("the sources are on different machines"))
                    .hint("write them as one set, as in n1,n2:/tmp/file, or copy twice"));
            }
            paths.push(path);
        }
        let targets = machines.unwrap_or_default();
        Ok(Self { targets, way: Way::Get { from: paths, to, labelled: false } })
    }
}
