//! The thread that shows what happens: writing may take as long as the reader likes, and limits, signals and questions go on
//! meanwhile.

use std::io::{self, BufWriter, Write};
use std::os::fd::BorrowedFd;
use std::thread;

use net::bulk::write_all;
use node::ssh::fan::{Event, What};
use rustix::stdio::{stderr, stdout};
use tokio::sync::mpsc::{self, Receiver};
use tokio::sync::oneshot;

use super::tally::Tally;
use super::view::{Paper, View};
use crate::ssh::Floor;

/// Events on the way to the thread. Few, for they hold bytes; enough that it needs not be woken for each.
const ON_THE_WAY: usize = 16;

/// Events between two looks at the status line.
const IN_A_ROW: usize = 256;

/// What the thread is told.
pub(super) enum Said {
    /// It has happened.
    Event(Event),
    /// Some time has passed.
    Tick,
}

/// What the thread leaves: whether everything could be written, and the count of all.
pub(super) type Shown = (io::Result<()>, Tally);

/// Starts the thread. It ends when it is told nothing more, or cannot write.
pub(super) fn start(
    view: Box<dyn View>,
    tally: Tally,
    floor: Floor,
) -> io::Result<(mpsc::Sender<Said>, oneshot::Receiver<Shown>)> {
    let (say, said) = mpsc::channel(ON_THE_WAY);
    let (done, shown) = oneshot::channel();
    let mut show = Show { view, tally, floor, said };
    thread::Builder::new().spawn(move || {
        let written = show.run();
        // Whoever has left does not want to know.
        let _ = done.send((written, show.tally));
    })?;
    Ok((say, shown))
}

struct Show {
    view: Box<dyn View>,
    tally: Tally,
    floor: Floor,
    said: Receiver<Said>,
}

impl Show {
    fn run(&mut self) -> io::Result<()> {
        let mut out = BufWriter::with_capacity(64 * 1024, Descriptor(stdout()));
        let mut err = BufWriter::new(Quietly(Descriptor(stderr())));
        while let Some(said) = self.said.blocking_recv() {
            if let Said::Event(event) = said {
                let _floor = self.floor.take();
                self.events(event, &mut out, &mut err)?;
                out.flush()?;
                err.flush()?;
            }
            self.floor.draw(|| self.tally.status());
        }
        let _floor = self.floor.take();
        self.view.finish(&mut Paper { out: &mut out, err: &mut err })?;
        out.flush()?;
        err.flush()
    }

    /// One, and those that have come meanwhile.
    fn events(&mut self, first: Event, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<()> {
        let mut next = Some(first);
        for _ in 0..IN_A_ROW {
            let Some(event) = next.take().or_else(|| self.said_already()) else { break };
            // A terminal shows both streams, in the order in which they came.
            match event.what {
                What::Err(_) => out.flush()?,
                _ => err.flush()?,
            }
            self.tally.event(&event);
            self.view.event(&event, &mut Paper { out, err })?;
        }
        Ok(())
    }

    fn said_already(&mut self) -> Option<Event> {
        match self.said.try_recv() {
            Ok(Said::Event(event)) => Some(event),
            Ok(Said::Tick) | Err(_) => None,
        }
    }
}

/// One of the standard streams, unbuffered.
struct Descriptor(BorrowedFd<'static>);

impl Write for Descriptor {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write_all(self.0, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whoever closed standard error does not want to know.
struct Quietly(Descriptor);

impl Write for Quietly {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
