//! The flags that ssh has, by ssh's names.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::values;

/// How to find machines, and to log in there.
#[derive(Debug, Args)]
pub(crate) struct SshFlags {
    /// Read this in place of ~/.ssh/config and the system's; `none`: neither
    #[arg(short = 'F', value_name = "FILE", help_heading = "As with ssh")]
    pub(crate) config: Option<PathBuf>,

    /// Log in as this user
    #[arg(short = 'l', value_name = "USER", help_heading = "As with ssh")]
    pub(crate) login: Option<String>,

    /// Connect to this port
    #[arg(short = 'p', value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..), help_heading = "As with ssh")]
    pub(crate) port: Option<u16>,

    /// Show this key; may be given several times
    #[arg(short = 'i', value_name = "FILE", help_heading = "As with ssh")]
    pub(crate) identity: Vec<PathBuf>,

    /// Go by way of these machines, with commas between
    #[arg(short = 'J', value_name = "MACHINES", help_heading = "As with ssh")]
    pub(crate) jump: Option<String>,

    /// Set what ssh_config(5) knows, as in -o StrictHostKeyChecking=accept-new; may be given several times
    #[arg(short = 'o', value_name = "NAME=VALUE", help_heading = "As with ssh")]
    pub(crate) option: Vec<String>,

    /// How long connecting may take, while nobody asks you: look-up, TCP, handshake and login together
    #[arg(short = 't', long = "connect-limit", value_name = "SECONDS", value_parser = values::some_seconds, default_value = "10", help_heading = "Limits")]
    pub(crate) connect_limit: Duration,
}
