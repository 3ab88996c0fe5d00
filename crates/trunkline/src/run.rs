//! `run`: a command on one or many machines.

mod ask;
mod difference;
mod floor;
mod fold;
mod folder;
mod input;
mod json;
mod lines;
mod live;
mod plan;
mod script;
mod show;
mod single;
mod spool;
mod tally;
mod text;
mod verdict;
mod view;

use std::io;

use anyhow::Context as _;
use node::ssh::{Fan, Stop, What};
use tokio::sync::mpsc::Sender;
use tokio::time::{MissedTickBehavior, interval};

use crate::failure::{self, Exit, Outcome};
use crate::stdout;
use crate::up::Signals;
use floor::{Floor, REDRAW};
use input::Feeder;
use show::Said;
use tally::Tally;
use view::View;

pub(crate) use plan::{Plan, run};

/// A run that goes on.
struct Run {
    fan: Fan,
    stop: Stop,
    feeder: Option<Feeder>,
    view: Box<dyn View>,
    tally: Tally,
    floor: Floor,
    /// The largest exit code is that of all.
    largest_code: bool,
}

impl Run {
    /// Shows what happens until all is over, or the person leaves.
    async fn follow(self) -> Outcome {
        let Self { mut fan, stop, feeder, view, tally, floor, largest_code } = self;
        let (say, shown) = show::start(view, tally, floor.clone()).context("starting to show the run")?;
        let ticking = say.downgrade();
        let whole = async {
            pass(&mut fan, say, feeder, &stop).await;
            shown.await.context("showing the run")
        };
        tokio::pin!(whole);
        let mut signals = Signals::new()?;
        let mut ticks = interval(REDRAW);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut interrupted = false;
        let (written, tally) = loop {
            tokio::select! {
                shown = &mut whole => break shown?,
                _ = signals.next() => {
                    if std::mem::replace(&mut interrupted, true) {
                        return Ok(Exit::Interrupted);
                    }
                    stop.politely.cancel();
                    floor.say("ending the commands over there; Ctrl-C again leaves at once".to_owned());
                }
                _ = ticks.tick() => {
                    // The thread has enough to do if there is no room.
                    ticking.upgrade().map(|say| say.try_send(Said::Tick));
                }
            }
        };
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Good),
            written => written.context("writing what the machines print")?,
        }
        let summary = tally.summary();
        if !summary.is_empty() {
            failure::say(summary.trim_end());
        }
        Ok(if interrupted { Exit::Interrupted } else { Exit::Code(tally.exit_code(largest_code)) })
    }
}

/// Hands on what happens. Where nobody reads it any more, the run is over.
async fn pass(fan: &mut Fan, say: Sender<Said>, mut feeder: Option<Feeder>, stop: &Stop) {
    while let Some(event) = fan.next().await {
        if matches!(event.what, What::Started)
            && let Some(feeder) = feeder.take()
            && let Err(error) = feeder.start()
        {
            failure::say(format_args!("trunkline: standard input is not read: {error}"));
        }
        if say.send(Said::Event(event)).await.is_err() {
            stop.politely.cancel();
        }
    }
}
