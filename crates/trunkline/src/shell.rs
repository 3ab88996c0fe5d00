//! `shell`: a terminal on another machine, as with ssh.
//!
//! Once the shell runs, bytes pass as they are, both ways: over there a program draws, here the person's own terminal obeys,
//! and whatever came between them would spoil the picture. This is the one exception from the rule that text from outside
//! is shown only through `Untrusted`; whoever opens a terminal on a machine trusts it with his own. What the machine says
//! before, banners and questions, and why the connection ended, is no exception.

mod connect;
mod escapes;
mod keys;
mod modes;
mod output;
mod plan;
mod raw;
mod signals;
mod talk;

use anyhow::Context as _;
use net::Untrusted;
use node::ssh::{Machine, Outcome as End};

use crate::failure::{Exit, Outcome, say};
use crate::ssh::{Kind, Ledger, Verdict};
use crate::stdout;
use connect::connect;
use keys::Keys;
use output::Output;
use raw::Raw;
use signals::{Resized, Signals};
use talk::{Ending, talk};

pub(crate) use plan::Plan;

/// Connects, and is the terminal of the shell over there until one of the two sides leaves.
pub(crate) async fn run(plan: Plan) -> Outcome {
    let mut signals = Signals::new()?;
    let mut ledger = Ledger::begin(&plan.entry, std::slice::from_ref(&plan.machine)).await;
    let ending = attend(&plan, &mut signals, &mut ledger).await?;
    let over = if let Ending::Over(end) = &ending { Some(end) } else { None };
    ledger.ended(0, over.unwrap_or(&End::Cancelled));
    ledger.finish(over.is_none()).await;
    match ending {
        Ending::Over(end) => Ok(tell(&plan.machine, &end)),
        Ending::Left => {
            say(format_args!("{}: left", Untrusted::from(plan.machine.name.as_str())));
            Ok(Exit::Code(LEFT))
        }
        Ending::Signal(exit) => Ok(exit),
        Ending::Unread(error) => Err(anyhow::Error::new(error).context("reading standard input").into()),
        Ending::Unwritten(error) => stdout::written(Err(error)),
    }
}

/// From the connection to the end, with the terminal as it was.
async fn attend(plan: &Plan, signals: &mut Signals, ledger: &mut Ledger) -> anyhow::Result<Ending> {
    let resized = plan.at_terminal.then(Resized::new).transpose()?;
    let command = plan.command()?;
    let session = tokio::select! {
        session = connect(&plan.machine, &command, plan.connect_limit) => session,
        exit = signals.next() => return Ok(Ending::Signal(exit)),
    };
    let session = match session {
        Ok(session) => session,
        Err(end) => return Ok(Ending::Over(end)),
    };
    ledger.started(0);
    let raw = plan.at_terminal.then(Raw::enter).transpose().context("making the terminal raw")?;
    let (output, help) = Output::start().context("starting the thread that writes")?;
    let keys = Keys::start(plan.at_terminal.then_some(help)).context("starting the thread that reads")?;
    let ending = talk(session, keys, output, resized, signals).await;
    drop(raw);
    Ok(ending)
}

/// By `~.`, as with ssh.
const LEFT: u8 = 255;

/// Says what the exit code does not.
fn tell(machine: &Machine, end: &End) -> Exit {
    let verdict = Verdict::of(end, &machine.end.to_string());
    if verdict.kind == Kind::NoConnection {
        let name = Untrusted::from(machine.name.as_str());
        say(format_args!("trunkline: {name}: {}", Untrusted::from(verdict.reason.as_str()).multiline()));
    }
    Exit::Code(verdict.code)
}
