//! `copy`: files to and from one or many machines.

mod plan;
mod report;
mod side;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use anyhow::Context as _;
use node::journal::Copied;
use node::ssh::fan::{self, Stop};
use node::ssh::sftp::Copier;
use node::ssh::{Client, Command, Dialer, Flow};
use tokio::time::{MissedTickBehavior, interval};

use crate::failure::{Exit, Outcome};
use crate::ssh::{Asker, Floor, Ledger, REDRAW};
use crate::up::Signals;
use report::Report;

pub(crate) use plan::Plan;
pub(crate) use report::size;

/// Copies, and tells how it went.
pub(crate) async fn run(plan: Plan) -> Outcome {
    // From here on Ctrl-C ends nothing by itself, least of all a question that nobody may see answered.
    let mut signals = Signals::new()?;
    let is_one = plan.machines.len() == 1;
    let floor = Floor::new(!plan.quiet && io::stderr().is_terminal());
    let asker = Arc::new(Asker::new(floor.clone(), is_one));
    let flow = if is_one { Flow::ONE } else { Flow::MANY };
    let copier = Copier::new(Client::new(Arc::new(Dialer), asker, flow), plan.job.clone());
    let meter = copier.meter();
    let mut report = Report::new(&plan, Arc::clone(&meter), floor.clone());
    let mut ledger = Ledger::begin(&plan.entry, &plan.machines).await;
    let stop = Stop::default();
    // A copy is no command.
    let command = Arc::new(Command::new(""));
    let machines = plan.machines.into();
    let mut fan = fan::run(Arc::new(copier), machines, command, plan.limits, None, &stop)
        .context("starting the copies")?;
    let mut ticks = interval(REDRAW);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut interrupted = false;
    loop {
        tokio::select! {
            event = fan.next() => match event {
                Some(event) => {
                    ledger.event(&event).await;
                    report.event(event).await?;
                }
                None => break,
            },
            _ = signals.next() => {
                if std::mem::replace(&mut interrupted, true) {
                    return Ok(Exit::Interrupted);
                }
                stop.politely.cancel();
                floor.say("taking away what is unfinished; Ctrl-C again leaves at once".to_owned());
            }
            _ = ticks.tick(), if floor.has_status() => floor.draw(|| report.status()),
        }
    }
    ledger.copied(Copied { files: meter.files(), bytes: meter.bytes() });
    ledger.finish(interrupted).await;
    let code = report.finish().await;
    Ok(if interrupted { Exit::Interrupted } else { Exit::Code(code) })
}
