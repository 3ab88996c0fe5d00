//! The keys between two prompts.

use std::io;
use std::os::fd::OwnedFd;

use rustix::stdio::stdin;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

/// The modes of the terminal while the editor is not reading from it; those of the shell when this is dropped.
pub(crate) struct Keys {
    /// The editor cannot restore the modes once standard input is another file.
    file: OwnedFd,
    modes: Termios,
}

impl Keys {
    pub(crate) fn new() -> io::Result<Self> {
        let file = stdin().try_clone_to_owned()?;
        let modes = tcgetattr(&file)?;
        Ok(Self { file, modes })
    }

    /// Keys that are typed ahead wait as they are for the next prompt: otherwise the terminal echoes them there and
    /// then, and Ctrl-D would be lost.
    pub(crate) fn hold_keys(&self) {
        let mut modes = self.modes.clone();
        modes.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN;
        modes.input_modes -= InputModes::ICRNL | InputModes::IXON;
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        self.set(&modes);
    }

    /// As the shell had it; Ctrl-C ends the program.
    pub(crate) fn restore(&self) {
        self.set(&self.modes);
    }

    fn set(&self, modes: &Termios) {
        // A terminal that is gone needs no modes.
        let _ = tcsetattr(&self.file, OptionalActions::Now, modes);
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.restore();
    }
}
