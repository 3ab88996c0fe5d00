//! What waits for a command that does not read it.
//!
//! A client's bytes are taken as they come, since a channel that does not take its own makes all channels of the connection
//! wait. What the command has not read waits in memory, then in a file without a name, and past that the channel ends. All
//! channels of a connection share the memory that one client may take.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use thiserror::Error;
use tokio::sync::Notify;

use super::budget::{Budget, Counted};
use super::limits::{BUSY_READ, IDLE_READ, Limits};

/// One end takes from the network and never waits; the other gives to the command.
#[derive(Clone)]
pub(super) struct Input(Arc<Shared>);

/// Why a channel takes no more input.
#[derive(Debug, Error)]
pub(super) enum InputError {
    #[error("the command does not read its input; {0} bytes wait for it, which is the limit")]
    Full(u64),
    #[error("the command does not read its input, and no more of it can be kept on disk: {0}")]
    Disk(#[from] io::Error),
}

struct Shared {
    state: Mutex<State>,
    changed: Notify,
    taken: Notify,
    in_memory: usize,
    on_disk: u64,
    folder: PathBuf,
    counted: Counted,
}

struct State {
    /// Older than what is on disk. Paid for from the budget.
    memory: BytesMut,
    budget: Budget,
    disk: Option<Disk>,
    ended: bool,
    abandoned: bool,
    failure: Option<String>,
}

impl Input {
    pub(super) fn new(limits: &Limits, budget: Budget, folder: PathBuf) -> Self {
        let counted = budget.channel();
        Self(Arc::new(Shared {
            state: Mutex::new(State {
                memory: BytesMut::new(),
                budget,
                disk: None,
                ended: false,
                abandoned: false,
                failure: None,
            }),
            changed: Notify::new(),
            taken: Notify::new(),
            in_memory: limits.input_in_memory,
            on_disk: limits.input_on_disk,
            folder,
            counted,
        }))
    }

    /// Takes bytes from the client.
    pub(super) fn push(&self, bytes: &[u8]) -> Result<(), InputError> {
        let mut state = self.state();
        if state.abandoned {
            return Ok(());
        }
        let fits = state.disk.is_none() && state.memory.len() + bytes.len() <= self.0.in_memory;
        if fits && state.budget.pay(bytes.len()) {
            if state.memory.is_empty() && bytes.len() >= IDLE_READ {
                // More is on its way; a few keystrokes need no such buffer.
                state.memory.reserve(BUSY_READ);
            }
            state.memory.extend_from_slice(bytes);
        } else {
            let disk = match &mut state.disk {
                Some(disk) => disk,
                none => none.insert(Disk::new(&self.0.folder, self.0.on_disk)?),
            };
            disk.push(bytes)?;
        }
        self.0.changed.notify_one();
        Ok(())
    }

    /// The client sends no more.
    pub(super) fn end(&self) {
        self.state().ended = true;
        self.0.changed.notify_one();
    }

    /// The command reads no more: what waits and what comes is dropped.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        drop(state.take_memory());
        state.disk = None;
        state.abandoned = true;
        drop(state);
        self.0.taken.notify_one();
    }

    /// Remembers why the channel ends.
    pub(super) fn fail(&self, error: &InputError) {
        self.state().failure = Some(error.to_string());
    }

    /// Why the channel ends, if it is because of its input.
    pub(super) fn failure(&self) -> Option<String> {
        self.state().failure.clone()
    }

    /// What comes next for the command; None: nothing more.
    pub(super) async fn next(&self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(next) = self.state().next()? {
                self.0.taken.notify_one();
                return Ok(next);
            }
            self.0.changed.notified().await;
        }
    }

    /// What all input of the connection takes.
    pub(super) fn budget(&self) -> &Budget {
        self.0.counted.budget()
    }

    /// Waits until the command has taken something since this was last asked.
    pub(super) async fn taken(&self) {
        self.0.taken.notified().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take_memory(&mut self) -> BytesMut {
        self.budget.give_back(self.memory.len());
        std::mem::take(&mut self.memory)
    }

    /// None: not yet; `Some(None)`: never.
    fn next(&mut self) -> io::Result<Option<Option<Bytes>>> {
        if !self.memory.is_empty() {
            return Ok(Some(Some(self.take_memory().freeze())));
        }
        if let Some(disk) = &mut self.disk {
            let bytes = disk.pop(BUSY_READ)?;
            if disk.waiting == 0 {
                // Its space goes back at once.
                self.disk = None;
            }
            return Ok(Some(Some(bytes)));
        }
        Ok((self.ended || self.abandoned).then_some(None))
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.budget.give_back(self.memory.len());
    }
}

/// A ring in a file without a name.
struct Disk {
    file: File,
    /// Bytes that it may hold.
    size: u64,
    /// Where the oldest byte is.
    start: u64,
    waiting: u64,
}

impl Disk {
    fn new(folder: &std::path::Path, size: u64) -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile_in(folder)?, size, start: 0, waiting: 0 })
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), InputError> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.size - self.waiting < length {
            return Err(InputError::Full(self.waiting));
        }
        let at = (self.start + self.waiting) % self.size;
        let (first, second) = bytes.split_at(self.until_wrap(at, bytes.len()));
        self.file.write_all_at(first, at)?;
        self.file.write_all_at(second, 0)?;
        self.waiting += length;
        Ok(())
    }

    fn pop(&mut self, at_most: usize) -> io::Result<Bytes> {
        let length = usize::try_from(self.waiting).unwrap_or(usize::MAX).min(at_most);
        let mut bytes = BytesMut::zeroed(length);
        let (first, second) = bytes.split_at_mut(self.until_wrap(self.start, length));
        self.file.read_exact_at(first, self.start)?;
        self.file.read_exact_at(second, 0)?;
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        self.start = (self.start + length) % self.size;
        self.waiting -= length;
        Ok(bytes.freeze())
    }

    /// How many of so many bytes fit between there and the end of the ring.
    fn until_wrap(&self, at: u64, length: usize) -> usize {
        usize::try_from(self.size - at).unwrap_or(usize::MAX).min(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn input(in_memory: usize, on_disk: u64) -> Input {
        let limits = Limits { input_in_memory: in_memory, input_on_disk: on_disk, ..Limits::default() };
        Input::new(&limits, Budget::new(&limits), std::env::temp_dir())
    }

    /// What can be had without waiting.
    fn drain(input: &Input) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(Some(bytes)) = input.state().next().unwrap() {
            all.extend_from_slice(&bytes);
        }
        all
    }

    #[test]
    fn past_memory_and_disk_the_channel_ends_and_not_before() {
        let input = input(10, 20);
        input.push(&[1; 10]).unwrap();
        input.push(&[2; 20]).unwrap();
        assert!(matches!(input.push(&[3]), Err(InputError::Full(20))));
        assert_eq!(drain(&input), [vec![1; 10], vec![2; 20]].concat());
        assert!(input.state().disk.is_none(), "the file goes when it is empty");
    }

    #[test]
    fn many_channels_of_a_connection_take_no_more_memory_than_it_may() {
        let limits = Limits { input_in_memory: 10, connection_in_memory: 25, ..Limits::default() };
        let budget = Budget::new(&limits);
        let inputs: Vec<_> =
            (0..10).map(|_| Input::new(&limits, budget.clone(), std::env::temp_dir())).collect();
        for input in &inputs {
            input.push(&[1; 10]).unwrap();
        }
        let in_memory: usize = inputs.iter().map(|input| input.state().memory.len()).sum();
        assert_eq!(in_memory, 20, "two have theirs in memory, the others on disk");
        assert_eq!(drain(&inputs[9]), [1; 10]);
        assert_eq!(drain(&inputs[0]), [1; 10]);
        inputs[1].abandon();
        inputs[2].push(&[2; 10]).unwrap();
        inputs[3].state().disk = None;
        inputs[3].push(&[3; 10]).unwrap();
        drop(inputs);
        assert_eq!(budget.left(), 25, "all of it is given back");
    }

    #[test]
    fn what_a_command_does_not_want_is_dropped() {
        let input = input(10, 20);
        input.push(&[1; 30]).unwrap_err();
        input.push(&[1; 15]).unwrap();
        input.abandon();
        input.push(&[1; 1000]).unwrap();
        assert_eq!(drain(&input), b"");
    }

    #[test]
    fn a_folder_that_is_not_there_is_told() {
        let limits = Limits { input_in_memory: 0, ..Limits::default() };
        let input = Input::new(&limits, Budget::new(&limits), "/nowhere/at/all".into());
        assert!(input.push(b"x").unwrap_err().to_string().contains("on disk"));
    }

    #[tokio::test]
    async fn the_end_comes_after_everything() {
        let input = input(4, 20);
        input.push(b"abcd").unwrap();
        input.push(b"efgh").unwrap();
        input.end();
        assert_eq!(input.next().await.unwrap().unwrap(), "abcd");
        assert_eq!(input.next().await.unwrap().unwrap(), "efgh");
        assert_eq!(input.next().await.unwrap(), None);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_moved_whatever_order_it_comes_and_goes_in(
            steps in proptest::collection::vec((0usize..12, any::<bool>()), 0..60),
        ) {
            let input = input(8, 16);
            let (mut pushed, mut taken, mut next) = (Vec::new(), Vec::new(), 0u8);
            for (length, take) in steps {
                let bytes: Vec<u8> = (0..length).map(|_| { next = next.wrapping_add(1); next }).collect();
                if input.push(&bytes).is_ok() {
                    pushed.extend(bytes);
                }
                if take && let Some(Some(bytes)) = input.state().next().unwrap() {
                    taken.extend_from_slice(&bytes);
                }
            }
            taken.extend(drain(&input));
            prop_assert_eq!(taken, pushed);
        }
    }
}
