//! A terminal as a client asks for it (RFC 4254 section 6.2 and 8).

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use russh::Pty;
use rustix::termios::{
    ControlModes, InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, Termios, Winsize,
};

use super::limits::{MAX_TERM, MAX_TERMINAL_SIDE};

/// What a client has, and wants over here.
pub(super) struct Terminal {
    /// `TERM`.
    pub(super) name: String,
    pub(super) size: Winsize,
    modes: Vec<(Pty, u32)>,
}

impl Terminal {
    /// None: this is no name of a terminal.
    pub(super) fn new(name: &str, size: Winsize, modes: &[(Pty, u32)]) -> Option<Self> {
        let good = name.len() <= MAX_TERM && name.bytes().all(|byte| byte.is_ascii_graphic());
        good.then(|| Self { name: name.to_owned(), size, modes: modes.to_vec() })
    }

    /// Sets size and modes. What this machine does not know is left as it is.
    pub(super) fn apply(&self, terminal: BorrowedFd<'_>) -> io::Result<()> {
        rustix::termios::tcsetwinsize(terminal, self.size)?;
        let mut termios = rustix::termios::tcgetattr(terminal)?;
        for (mode, value) in &self.modes {
            set(&mut termios, *mode, *value);
        }
        Ok(rustix::termios::tcsetattr(terminal, OptionalActions::Now, &termios)?)
    }
}

/// Columns, rows and pixels, as the kernel has them.
pub(super) fn size(columns: u32, rows: u32, width: u32, height: u32) -> Winsize {
    let cells = |count: u32| u16::try_from(count.min(MAX_TERMINAL_SIDE)).unwrap_or(0);
    let pixels = |count: u32| u16::try_from(count).unwrap_or(0);
    Winsize {
        ws_row: cells(rows),
        ws_col: cells(columns),
        ws_xpixel: pixels(width),
        ws_ypixel: pixels(height),
    }
}

/// A terminal has another size now.
pub(super) fn resize(terminal: impl AsFd, size: Winsize) {
    // A terminal that is gone has no size.
    let _ = rustix::termios::tcsetwinsize(terminal, size);
}

fn set(termios: &mut Termios, mode: Pty, value: u32) {
    let on = value != 0;
    if let Some(index) = special_code(mode) {
        // 255 says that there is none, which the kernel writes as 0.
        termios.special_codes[index] = u8::try_from(value).unwrap_or(0).wrapping_add(u8::from(value == 255));
    } else if let Some(flag) = input_mode(mode) {
        termios.input_modes.set(flag, on);
    } else if let Some(flag) = local_mode(mode) {
        termios.local_modes.set(flag, on);
    } else if let Some(flag) = output_mode(mode) {
        termios.output_modes.set(flag, on);
    } else if let Some(flag) = control_mode(mode) {
        termios.control_modes.set(flag, on);
    }
}

fn special_code(mode: Pty) -> Option<SpecialCodeIndex> {
    Some(match mode {
        Pty::VINTR => SpecialCodeIndex::VINTR,
        Pty::VQUIT => SpecialCodeIndex::VQUIT,
        Pty::VERASE => SpecialCodeIndex::VERASE,
        Pty::VKILL => SpecialCodeIndex::VKILL,
        Pty::VEOF => SpecialCodeIndex::VEOF,
        Pty::VEOL => SpecialCodeIndex::VEOL,
        Pty::VEOL2 => SpecialCodeIndex::VEOL2,
        Pty::VSTART => SpecialCodeIndex::VSTART,
        Pty::VSTOP => SpecialCodeIndex::VSTOP,
        Pty::VSUSP => SpecialCodeIndex::VSUSP,
        Pty::VREPRINT => SpecialCodeIndex::VREPRINT,
        Pty::VWERASE => SpecialCodeIndex::VWERASE,
        Pty::VLNEXT => SpecialCodeIndex::VLNEXT,
        Pty::VDISCARD => SpecialCodeIndex::VDISCARD,
        _ => return None,
    })
}

fn input_mode(mode: Pty) -> Option<InputModes> {
    Some(match mode {
        Pty::IGNPAR => InputModes::IGNPAR,
        Pty::PARMRK => InputModes::PARMRK,
        Pty::INPCK => InputModes::INPCK,
        Pty::ISTRIP => InputModes::ISTRIP,
        Pty::INLCR => InputModes::INLCR,
        Pty::IGNCR => InputModes::IGNCR,
        Pty::ICRNL => InputModes::ICRNL,
        Pty::IXON => InputModes::IXON,
        Pty::IXANY => InputModes::IXANY,
        Pty::IXOFF => InputModes::IXOFF,
        Pty::IMAXBEL => InputModes::IMAXBEL,
        Pty::IUTF8 => InputModes::IUTF8,
        _ => return None,
    })
}

fn local_mode(mode: Pty) -> Option<LocalModes> {
    Some(match mode {
        Pty::ISIG => LocalModes::ISIG,
        Pty::ICANON => LocalModes::ICANON,
        Pty::ECHO => LocalModes::ECHO,
        Pty::ECHOE => LocalModes::ECHOE,
        Pty::ECHOK => LocalModes::ECHOK,
        Pty::ECHONL => LocalModes::ECHONL,
        Pty::NOFLSH => LocalModes::NOFLSH,
        Pty::TOSTOP => LocalModes::TOSTOP,
        Pty::IEXTEN => LocalModes::IEXTEN,
        Pty::ECHOCTL => LocalModes::ECHOCTL,
        Pty::ECHOKE => LocalModes::ECHOKE,
        _ => return None,
    })
}

fn output_mode(mode: Pty) -> Option<OutputModes> {
    Some(match mode {
        Pty::OPOST => OutputModes::OPOST,
        Pty::ONLCR => OutputModes::ONLCR,
        Pty::OCRNL => OutputModes::OCRNL,
        Pty::ONOCR => OutputModes::ONOCR,
        Pty::ONLRET => OutputModes::ONLRET,
        _ => return None,
    })
}

fn control_mode(mode: Pty) -> Option<ControlModes> {
    Some(match mode {
        Pty::PARENB => ControlModes::PARENB,
        Pty::PARODD => ControlModes::PARODD,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_no_larger_than_the_limit() {
        let huge = size(u32::MAX, 70_000, u32::MAX, 9);
        assert_eq!((huge.ws_col, huge.ws_row, huge.ws_xpixel, huge.ws_ypixel), (2_000, 2_000, 0, 9));
    }

    #[test]
    fn a_name_of_a_terminal_is_short_and_has_no_blanks_or_control_characters() {
        let small = size(80, 24, 0, 0);
        assert!(Terminal::new("xterm-256color", small, &[]).is_some());
        for name in ["a b", "x\n", "\u{1b}[0m", &"x".repeat(MAX_TERM + 1)] {
            assert!(Terminal::new(name, small, &[]).is_none(), "{name:?}");
        }
    }

    #[test]
    fn the_modes_of_the_client_hold_over_here() {
        let (_master, slave) = pty_process::blocking::open().unwrap();
        let modes = [(Pty::ECHO, 0), (Pty::VERASE, 8), (Pty::VQUIT, 255), (Pty::IUTF8, 1)];
        Terminal::new("vt100", size(99, 33, 0, 0), &modes).unwrap().apply(slave.as_fd()).unwrap();
        let termios = rustix::termios::tcgetattr(&slave).unwrap();
        assert!(!termios.local_modes.contains(LocalModes::ECHO));
        assert!(termios.input_modes.contains(InputModes::IUTF8));
        assert_eq!(termios.special_codes[SpecialCodeIndex::VERASE], 8);
        assert_eq!(termios.special_codes[SpecialCodeIndex::VQUIT], 0);
        assert_eq!(rustix::termios::tcgetwinsize(&slave).unwrap().ws_col, 99);
    }
}
