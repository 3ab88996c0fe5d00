//! What happens in a run, gathered until it is worth a transaction.

use std::mem;
use std::time::Duration;

use super::{Copied, End, Over, Piece, Printed, RunEnding, RunNews};

/// Bytes that are kept of what one machine prints: the first, and of the rest only how much it was.
pub const OUTPUT_EACH: usize = 64 * 1024;

/// Bytes that are kept of what all machines of one run print: so much of a thousand machines.
pub const OUTPUT_RUN: usize = 64 * 1024 * 1024;

/// Bytes that are worth a transaction; what a run has gathered takes little more memory.
const BATCH: usize = 1024 * 1024;

/// What a row counts at least. Or a command that prints single bytes, now here and now there, would make as many rows.
const ROW: usize = 64;

/// Gathers what happens in a run, within the caps.
#[derive(Debug)]
pub struct Recording {
    machines: Vec<Kept>,
    news: RunNews,
    /// What the news count.
    gathered: usize,
    /// What may still be kept.
    left: usize,
}

/// What was kept of a machine.
#[derive(Clone, Debug)]
struct Kept {
    /// What may still be kept.
    left: usize,
    out: u64,
    err: u64,
    /// Where its last piece is in the news.
    last: Option<usize>,
}

impl Recording {
    /// Of the run with this row, which [`Change::RunBegan`](crate::journal::Change::RunBegan) gave.
    #[must_use]
    pub fn new(run: i64, machines: usize) -> Self {
        let kept = Kept { left: OUTPUT_EACH, out: 0, err: 0, last: None };
        let news = RunNews::new(run);
        Self { machines: vec![kept; machines], news, gathered: 0, left: OUTPUT_RUN }
    }

    /// A machine, by its place, has printed something.
    pub fn printed(&mut self, machine: usize, is_error: bool, bytes: &[u8]) {
        let Some(kept) = self.machines.get_mut(machine) else { return };
        *if is_error { &mut kept.err } else { &mut kept.out } += bytes.len() as u64;
        let last = kept.last.and_then(|last| self.news.output.get_mut(last));
        let last = last.filter(|piece| piece.printed.is_error == is_error);
        let head = if last.is_some() { 0 } else { ROW };
        let fits = bytes.len().min(kept.left.min(self.left).saturating_sub(head));
        if fits == 0 {
            return;
        }
        let bytes = &bytes[..fits];
        match last {
            Some(piece) => piece.printed.bytes.extend_from_slice(bytes),
            None => {
                kept.last = Some(self.news.output.len());
                let printed = Printed { is_error, bytes: bytes.to_vec() };
                self.news.output.push(Piece { machine, printed });
            }
        }
        kept.left -= head + fits;
        self.left -= head + fits;
        self.gathered += head + fits;
    }

    /// It ended on a machine, so long after its turn came.
    pub fn ended(&mut self, machine: usize, ending: RunEnding, lasted: Duration) {
        let Some(&Kept { out, err, .. }) = self.machines.get(machine) else { return };
        self.news.ended.push(End { machine, ending, lasted, out, err });
        self.gathered += ROW;
    }

    /// What was gathered, once it is worth a transaction. [`Writer::keep`](crate::journal::Writer::keep) writes it, and makes
    /// whoever gathers wait for the disk.
    pub fn due(&mut self) -> Option<RunNews> {
        (self.gathered >= BATCH).then(|| self.news())
    }

    /// What was gathered, whatever it is.
    pub fn news(&mut self) -> RunNews {
        self.gathered = 0;
        self.machines.iter_mut().for_each(|kept| kept.last = None);
        let rest = RunNews::new(self.news.run);
        mem::replace(&mut self.news, rest)
    }

    /// So much was copied, all in all.
    pub fn copied(&mut self, copied: Copied) {
        self.news.copied = Some(copied);
    }

    /// The last news: the run is over, so long after it began.
    #[must_use]
    pub fn over(mut self, lasted: Duration, cancelled: bool) -> RunNews {
        self.news.over = Some(Over { lasted, cancelled });
        self.news
    }
}

impl RunNews {
    fn new(run: i64) -> Self {
        Self { run, output: Vec::new(), ended: Vec::new(), copied: None, over: None }
    }
}
