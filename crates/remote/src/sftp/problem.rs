//! Why something was not copied.

use std::io;

use thiserror::Error;

use super::wire::{Wrong, status};
use crate::client::capped;

/// Why a request came to nothing.
#[derive(Debug, Error)]
pub(super) enum Problem {
    /// Of one file over there.
    #[error("{text}")]
    There { code: u32, text: String },
    /// Of one file here.
    #[error("{0}")]
    Here(#[from] io::Error),
    /// Of one file, on whichever side.
    #[error("{0}")]
    Own(&'static str),
    /// The whole session.
    #[error("{0}")]
    Lost(String),
}

impl Problem {
    /// What a status says. Servers often say no more than that it failed.
    pub(super) fn of_status(code: u32, text: &[u8]) -> Self {
        let text = match code {
            status::NO_SUCH_FILE => "no such file or directory there".to_owned(),
            status::PERMISSION_DENIED => "permission denied there".to_owned(),
            status::OP_UNSUPPORTED => "the machine does not know how".to_owned(),
            _ => match capped(String::from_utf8_lossy(text).trim()) {
                silent if silent.is_empty() || silent == "Failure" => {
                    "the machine failed, and does not say why".to_owned()
                }
                text => format!("the machine says: {text}"),
            },
        };
        Self::There { code, text }
    }

    pub(super) fn is_absence(&self) -> bool {
        matches!(self, Self::There { code: status::NO_SUCH_FILE, .. })
    }

    /// Other files cannot be copied either.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::Lost(_))
    }
}

impl From<Wrong> for Problem {
    fn from(_: Wrong) -> Self {
        Self::Lost("what the machine says cannot be read as SFTP".to_owned())
    }
}
