//! Raw mode: every key goes to the other side as it is.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::stdio::stdin;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// The terminal at standard input is raw. Its modes come back when this is dropped, however the program ends: what can be
/// caught, ends it by way of a return or of a panic that unwinds.
pub(super) struct Raw {
    /// Of its own: whatever becomes of standard input meanwhile.
    terminal: OwnedFd,
    before: Termios,
}

impl Raw {
    pub(super) fn enter() -> io::Result<Self> {
        Self::enter_on(stdin())
    }

    fn enter_on(terminal: BorrowedFd<'_>) -> io::Result<Self> {
        let terminal = terminal.try_clone_to_owned()?;
        let before = tcgetattr(&terminal)?;
        let mut raw = before.clone();
        raw.make_raw();
        // What was typed meanwhile is for the other side.
        tcsetattr(&terminal, OptionalActions::Now, &raw)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that is gone needs no modes. Waiting for what is still to be shown could take for ever.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn modes(terminal: BorrowedFd<'_>) -> String {
        format!("{:?}", tcgetattr(terminal).unwrap())
    }

    #[test]
    fn the_modes_come_back_after_a_panic() {
        let (_pty, line) = pty_process::blocking::open().unwrap();
        let before = modes(line.as_fd());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _raw = Raw::enter_on(line.as_fd()).unwrap();
            assert_ne!(modes(line.as_fd()), before);
            panic!("of a test");
        }));
        assert_eq!(*panicked.unwrap_err().downcast::<&str>().unwrap(), "of a test");
        assert_eq!(modes(line.as_fd()), before);
    }
}
