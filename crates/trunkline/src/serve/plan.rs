//! The flags of `serve` turned into one validated plan.

use std::env;
use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use net::frame::Framing;
use net::limits::MAX_CONNECTIONS;
use net::service::{Reply, Server, Service};
use net::{Access, Address, Bound, Limits, ListenOptions, Reporter, listen};
use node::home::Home;
use node::journal::Journal;
use rustix::fs::access;

use super::log::{Log, Style};
use super::talk::Person;
use crate::book::own_book;
use crate::cli::{FrameFlags, ServeFlags, ServiceName, socket_option};
use crate::endpoint::Endpoint;
use crate::failure::Failure;
use crate::terminal::Voice;

/// Where to listen, what to answer, whom to let in, what to write down.
pub(crate) struct Plan {
    address: Address,
    options: ListenOptions,
    service: Service,
    framing: Framing,
    max_frame: usize,
    same_user_only: bool,
    pub(super) name: ServiceName,
    pub(super) limits: Limits,
    style: Style,
    /// Connections go into the journal.
    journal: bool,
    /// Who answers, when the service is `talk`.
    pub(super) person: Option<Person>,
}

impl Plan {
    /// Reads the flags.
    pub(crate) fn new(flags: &ServeFlags) -> Result<Self, Failure> {
        let address: Address = flags.address.parse().map_err(Failure::usage)?;
        let (service, known, person) = service(flags, &address)?;
        check_effect(flags, &address).map_err(Failure::usage)?;
        let option = |text: &String| socket_option(text, &address);
        let options = flags.sockopt.iter().map(option).collect::<Result<_, _>>();
        let defaults = ListenOptions::default();
        let limits = Limits {
            max_connections: flags.max_connections.map_or(MAX_CONNECTIONS, NonZeroUsize::get),
            per_ip: flags.per_ip.map_or(usize::MAX, NonZeroUsize::get),
            idle: flags.idle,
            access: Access::parse(&flags.allow, &flags.deny).map_err(Failure::usage)?,
        };
        Ok(Self {
            options: ListenOptions {
                backlog: flags.backlog.unwrap_or(defaults.backlog),
                mode: flags.mode.unwrap_or(defaults.mode),
                options: options.context("--sockopt").map_err(Failure::usage)?,
                ..defaults
            },
            framing: framing(&flags.frames, known, flags.service, &service, &address)?,
            max_frame: flags.frames.max_frame,
            same_user_only: !flags.insecure_remote_exec,
            name: flags.service,
            style: Style {
                json: flags.json,
                verbose: flags.verbose,
                trace: flags.trace,
                without_messages: matches!(
                    flags.service,
                    ServiceName::Exec | ServiceName::Forward | ServiceName::Chargen
                ),
            },
            journal: flags.log,
            address,
            service,
            limits,
            person,
        })
    }

    /// Opens the address, or takes over the socket that systemd opened for it.
    pub(super) async fn open(&self) -> Result<Bound, Failure> {
        let inherited = inherited()?;
        let bound = if inherited.is_empty() {
            listen(&self.address, &self.options).await
        } else {
            Bound::inherit(inherited, &self.address, &self.options).await
        };
        bound.map_err(|error| anyhow!(error).into())
    }

    /// The journal, where connections are to be kept.
    pub(super) fn journal(&self) -> Result<Option<Journal>, Failure> {
        if !self.journal {
            return Ok(None);
        }
        let home = Home::of_this_user().map_err(Failure::usage)?;
        Ok(Some(Journal::open(home.state())?))
    }

    /// What is written down.
    pub(super) fn log(&self, voice: Option<Voice>, journal: Option<Journal>) -> Result<Log, Failure> {
        let log = Log::new(self.style, voice, &self.framing, self.max_frame);
        match journal {
            Some(journal) => Ok(log.keeping(journal, self.name)?),
            None => Ok(log),
        }
    }

    /// What answers there.
    pub(super) fn server(&self, bound: &Bound, reporter: Arc<dyn Reporter>) -> Result<Server, Failure> {
        self.service.check_place(bound, self.options.mode, self.same_user_only).map_err(Failure::usage)?;
        Ok(Server::new(
            self.service.clone(),
            self.framing.clone(),
            self.max_frame,
            self.limits.idle,
            self.same_user_only,
            reporter,
        ))
    }
}

/// An option that would change nothing is more likely a mistake, and one that keeps people out a dangerous one.
fn check_effect(flags: &ServeFlags, address: &Address) -> anyhow::Result<()> {
    let without_connections = address.is_datagram() && flags.service != ServiceName::Forward;
    let table = [
        (
            "--allow",
            !flags.allow.is_empty(),
            address.is_unix(),
            "a socket file has its permissions: see --mode",
        ),
        (
            "--deny",
            !flags.deny.is_empty(),
            address.is_unix(),
            "a socket file has its permissions: see --mode",
        ),
        ("--per-ip", flags.per_ip.is_some(), address.is_unix(), "its clients have no IP address"),
        ("--mode", flags.mode.is_some(), !address.is_unix(), "only a socket file has permissions"),
        ("--backlog", flags.backlog.is_some(), address.is_datagram(), "datagrams have no connections"),
        (
            "--max-connections",
            flags.max_connections.is_some(),
            without_connections,
            "datagrams have no connections",
        ),
        ("--per-ip", flags.per_ip.is_some(), without_connections, "datagrams have no connections"),
        ("--log", flags.log, without_connections, "datagrams have no connections"),
        ("--idle", flags.idle.is_some(), without_connections, "datagrams have no connections"),
    ];
    match table.iter().find(|(_, given, is_void, _)| *given && *is_void) {
        Some((flag, _, _, reason)) => bail!("{flag} has no effect on {address}: {reason}"),
        None => Ok(()),
    }
}

/// The sockets that systemd passed on (sd_listen_fds(3)); usually none.
fn inherited() -> Result<Vec<OwnedFd>, Failure> {
    let sockets = sd_notify::listen_fds().context("taking over the sockets in LISTEN_FDS")?;
    // SAFETY: the service manager says with LISTEN_PID that these descriptors are open and meant for this process,
    // and nothing else in it uses them: this runs once, before any other descriptor is opened by number.
    #[allow(unsafe_code, reason = "a descriptor that was passed on has no other way into Rust's ownership")]
    Ok(sockets.map(|descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) }).collect())
}

/// What answers; the frame that the book knows, where that is somebody else; and who types the answers.
fn service(
    flags: &ServeFlags,
    address: &Address,
) -> Result<(Service, Option<Framing>, Option<Person>), Failure> {
    let name = flags.service;
    if flags.to.is_some() && name != ServiceName::Forward {
        return Err(Failure::usage(anyhow!("only `forward` takes a second address"))
            .hint("the program of `exec` stands behind --, as in: serve :7000 exec -- date"));
    }
    if !flags.command.is_empty() && name != ServiceName::Exec {
        return Err(Failure::usage(anyhow!("only `exec` takes a program")));
    }
    let service = match name {
        ServiceName::Upper => Service::Reply(Reply::Upper),
        ServiceName::Echo => Service::Reply(Reply::Echo),
        ServiceName::Discard => Service::Reply(Reply::Discard),
        ServiceName::Chargen => Service::Chargen,
        ServiceName::Room => Service::Room,
        ServiceName::Shell => Service::Shell,
        ServiceName::Talk => {
            let (desk, person) = Person::new();
            return Ok((Service::Talk(desk), None, Some(person)));
        }
        ServiceName::Forward => {
            let to = flags.to.as_deref().ok_or_else(|| {
                Failure::usage(anyhow!("`forward` needs the address that it connects to"))
                    .hint("write it behind: serve :9100 forward tcp://printer.lan:9100")
            })?;
            let to = Endpoint::find(to, own_book)?;
            if to.address == *address {
                return Err(Failure::usage(anyhow!("{address} would be joined with itself, for ever")));
            }
            return Ok((Service::Forward(to.address), to.framing, None));
        }
        ServiceName::Exec if flags.command.is_empty() => {
            return Err(Failure::usage(anyhow!("`exec` needs a program"))
                .hint("write it behind --, as in: serve :7000 exec -- date"));
        }
        ServiceName::Exec => {
            check_program(&flags.command[0]).map_err(Failure::usage)?;
            Service::Exec(flags.command.clone())
        }
    };
    Ok((service, None, None))
}

/// Better said now than to the first client.
fn check_program(name: &OsStr) -> anyhow::Result<()> {
    let can_run = |path: &Path| path.is_file() && access(path, rustix::fs::Access::EXEC_OK).is_ok();
    let path = Path::new(name);
    let found = if name.as_bytes().contains(&b'/') {
        can_run(path)
    } else {
        env::split_paths(&env::var_os("PATH").unwrap_or_default()).any(|folder| can_run(&folder.join(path)))
    };
    if !found {
        bail!("the program {} is not there, or may not be run", path.display());
    }
    Ok(())
}

/// `room` and `talk` are for people, who write lines; everything else is raw unless told otherwise. What the book knows
/// of a far side matters where datagrams have to be made of its stream.
fn framing(
    flags: &FrameFlags,
    known: Option<Framing>,
    name: ServiceName,
    service: &Service,
    address: &Address,
) -> Result<Framing, Failure> {
    match flags.frame.as_deref() {
        Some(frame) => {
            service.check_frame(address).map_err(Failure::usage)?;
            Framing::parse(frame, flags.length_field).map_err(Failure::usage)
        }
        None if matches!(name, ServiceName::Room | ServiceName::Talk) => Ok(Framing::Line),
        None => Ok(known.filter(|_| service.check_frame(address).is_ok()).unwrap_or(Framing::Raw)),
    }
}
