//! What `run` is to do, checked.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use anyhow::anyhow;
use net::charset::Charset;

use super::fold::Folded;
use super::folder::Folder;
use super::json::Json;
use super::live::Live;
use super::script::{self, Script};
use super::single::Single;
use super::view::{Shown, Surface, Surfaces, View};
use crate::cli::RunFlags;
use crate::failure::Failure;

/// What `run` is to do.
#[derive(Debug)]
pub(crate) struct Plan {
    output: Output,
    charset: Option<Charset>,
    line: Vec<u8>,
    ahead: Vec<u8>,
}

/// What is made of what the machines print.
#[derive(Debug)]
enum Output {
    /// One machine's bytes as they are, and lines of many.
    Live,
    Folded,
    Files(PathBuf),
    Json,
}

impl Plan {
    pub(crate) fn new(flags: RunFlags) -> Result<Self, Failure> {
        Err(anyhow!("{flags:?}").into())
    }
}

pub(crate) async fn run(_: Plan) -> crate::failure::Outcome {
    unreachable!()
}
