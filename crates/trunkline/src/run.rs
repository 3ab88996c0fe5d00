//! `run`: a command on one or many machines.

mod again;
mod difference;
mod fold;
mod folder;
mod input;
mod json;
mod lines;
mod live;
mod memory;
mod plan;
mod script;
mod show;
mod single;
mod spool;
mod tally;
mod text;
mod view;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use node::ssh::fan::{self, Fan, Stop, What};
use node::ssh::{Client, Command, Dialer, Flow, Sudo, Transport};
use tokio::sync::mpsc::Sender;
use tokio::time::{MissedTickBehavior, interval};

use crate::failure::{self, Exit, Failure, Outcome};
use crate::ssh::{Asker, Floor, Ledger, REDRAW};
use crate::up::Signals;
use input::Feeder;
use show::Said;

pub(crate) use again::Again;
pub(crate) use json::End;
pub(crate) use plan::Plan;
pub(crate) use tally::Tally;
pub(crate) use view::{Shown, folded};

/// Runs it, or says what would be run.
pub(crate) async fn run(plan: Plan) -> Outcome {
    if plan.dry_run {
        return plan.tell();
    }
    let is_one = plan.machines.len() == 1;
    if !is_one {
        memory::give_back_early();
    }
    // From here on Ctrl-C ends nothing by itself, least of all a question that nobody may see answered.
    let mut signals = Signals::new()?;
    let floor = Floor::new(!is_one && io::stderr().is_terminal());
    let asker = Arc::new(Asker::new(floor.clone(), is_one));
    let flow = if is_one { Flow::ONE } else { Flow::MANY };
    let client = Client::new(Arc::new(Dialer), asker.clone(), flow);
    if !plan.sudo {
        return start(client, plan, floor, signals).await;
    }
    let answer = tokio::select! {
        answer = asker.question("[sudo] password: ", false) => answer,
        _ = signals.next() => return Ok(Exit::Interrupted),
    };
    let password = answer.ok_or_else(|| {
        Failure::from(anyhow!("nobody is there to say the password for sudo"))
            .hint("run it at a terminal, or let sudoers(5) say NOPASSWD, and write sudo into the command")
    })?;
    start(Sudo::new(client, password), plan, floor, signals).await
}

async fn start<T: Transport>(transport: T, plan: Plan, floor: Floor, mut signals: Signals) -> Outcome {
    let view = plan.view()?;
    let stop = Stop::default();
    let (source, feeder) = input::source(plan.ahead.clone(), plan.reads).unzip();
    let command = Arc::new(Command::new(plan.line.clone()));
    let machines = plan.machines.clone().into();
    let fan = fan::run(Arc::new(transport), machines, command, plan.limits.clone(), source, &stop)
        .context("making room for what the commands read")?;
    let ledger = Ledger::begin(&plan.entry, &plan.machines).await;
    let (say, shown) = show::start(view, Tally::new(&plan.shown), floor.clone())
        .context("starting the thread that shows the run")?;
    let ticking = say.downgrade();
    let whole = async {
        let ledger = hand_on(fan, ledger, feeder, say, &stop).await;
        (ledger, shown.await)
    };
    tokio::pin!(whole);
    let mut ticks = interval(REDRAW);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut interrupted = false;
    let (ledger, shown) = loop {
        tokio::select! {
            ended = &mut whole => break ended,
            _ = signals.next() => {
                if std::mem::replace(&mut interrupted, true) {
                    return Ok(Exit::Interrupted);
                }
                stop.politely.cancel();
                floor.say("ending the commands over there; Ctrl-C again leaves at once".to_owned());
            }
            _ = ticks.tick(), if floor.has_status() => {
                // Where there is no room, the thread has enough to do.
                ticking.upgrade().map(|say| say.try_send(Said::Tick));
            }
        }
    };
    ledger.finish(interrupted).await;
    let (written, tally) = shown.context("showing the run")?;
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Good),
        written => written.context("writing what the machines print")?,
    }
    let summary = tally.summary();
    if !summary.is_empty() {
        failure::say(summary.trim_end());
    }
    Ok(if interrupted { Exit::Interrupted } else { Exit::Code(tally.exit_code(plan.largest_code)) })
}

/// Hands on what happens, until all is over. Where nobody reads it any more, the commands are ended.
async fn hand_on(
    mut fan: Fan,
    mut ledger: Ledger,
    mut feeder: Option<Feeder>,
    say: Sender<Said>,
    stop: &Stop,
) -> Ledger {
    while let Some(event) = fan.next().await {
        if matches!(event.what, What::Started)
            && let Some(feeder) = feeder.take()
            && let Err(error) = feeder.start()
        {
            failure::say(format_args!("trunkline: standard input cannot be read: {error}"));
        }
        ledger.event(&event).await;
        if say.send(Said::Event(event)).await.is_err() {
            stop.politely.cancel();
        }
    }
    ledger
}
