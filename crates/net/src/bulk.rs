//! The byte path of a client: from one descriptor to another, blocking, as fast as the kernel allows.
//!
//! A file goes into a socket by sendfile(2) and does not pass through this process. Everything else is read and written in
//! large pieces. There is no splice(2): into a socket it is slower than that, and out of one it keeps the pipe locked while
//! it waits for more, so that nobody can read from the pipe what came before.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FileType, fstat, sendfile};
use rustix::io::Errno;
use rustix::pipe::fcntl_setpipe_size;

/// Bytes moved by one read and one write. Larger pieces gain nothing, smaller ones cost system calls.
const PIECE: usize = 256 * 1024;

/// A stream that brought so many bytes has more to come, and is worth a larger pipe.
const BULK: usize = 8 * 1024 * 1024;

/// Bytes that a pipe holds then. It is what any user may ask for (`pipe-max-size` in pipe(7)), and a quarter faster than
/// the usual 64 KiB; not from the start, because all pipes of a user share a limit.
const LARGE_PIPE: usize = 1024 * 1024;

/// Moves bytes from one descriptor to another, a piece at a time.
#[derive(Debug)]
pub struct Pump<'fd> {
    from: BorrowedFd<'fd>,
    to: BorrowedFd<'fd>,
    way: Way,
    /// Bytes so far.
    moved: usize,
}

/// Which side of a [`Pump`] failed.
#[derive(Debug, thiserror::Error)]
pub enum PumpError {
    /// Reading from the source.
    #[error("reading: {0}")]
    Read(#[source] io::Error),
    /// Writing to the destination.
    #[error("writing: {0}")]
    Write(#[source] io::Error),
}

#[derive(Debug)]
enum Way {
    /// File to socket, inside the kernel.
    SendFile,
    /// Anything to anything, through this buffer.
    Copy(Vec<u8>),
}

impl<'fd> Pump<'fd> {
    /// Looks at both ends once, and chooses the fastest way between them.
    #[must_use]
    pub fn new(from: BorrowedFd<'fd>, to: BorrowedFd<'fd>) -> Self {
        let is = |fd, kind| fstat(fd).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == kind);
        let way = if is(from, FileType::RegularFile) && is(to, FileType::Socket) {
            Way::SendFile
        } else {
            Way::copy()
        };
        Self { from, to, way, moved: 0 }
    }

    /// Moves the next piece: waits until there are bytes, and returns when they are written. Returns how many
    /// they were, 0 at the end of input.
    ///
    /// # Errors
    /// Names the side that failed.
    pub fn step(&mut self) -> Result<usize, PumpError> {
        let bytes = self.move_piece()?;
        let before = self.moved;
        self.moved = before.saturating_add(bytes);
        if before < BULK && self.moved >= BULK {
            for fd in [self.from, self.to] {
                // What is no pipe has no size, and a pipe may keep the one it has.
                let _ = fcntl_setpipe_size(fd, LARGE_PIPE);
            }
        }
        Ok(bytes)
    }

    fn move_piece(&mut self) -> Result<usize, PumpError> {
        loop {
            let moved = match &mut self.way {
                Way::SendFile => sendfile(self.to, self.from, None, PIECE),
                Way::Copy(buffer) => return copy(self.from, self.to, buffer),
            };
            match moved {
                Ok(bytes) => return Ok(bytes),
                Err(Errno::INTR) => {}
                // What the kernel cannot send, cannot read, or must wait for is copied; that knows which side failed.
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::IO | Errno::AGAIN) => {
                    self.way = Way::copy();
                }
                Err(errno) => return Err(PumpError::Write(errno.into())),
            }
        }
    }
}

impl Way {
    fn copy() -> Self {
        Self::Copy(vec![0; PIECE])
    }
}

fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize, PumpError> {
    let bytes = read(from, buffer).map_err(PumpError::Read)?;
    write_all(to, &buffer[..bytes]).map_err(PumpError::Write)?;
    Ok(bytes)
}

/// One read(2), which waits also where others made the descriptor non-blocking.
///
/// # Errors
/// Those of read(2), but for EINTR and EAGAIN.
pub fn read(from: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match rustix::io::read(from, &mut *buffer) {
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => wait(from, PollFlags::IN)?,
            done => return Ok(done?),
        }
    }
}

/// Writes all of `bytes`, and waits also where others made the descriptor non-blocking.
///
/// # Errors
/// Those of write(2), but for EINTR and EAGAIN.
pub fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => wait(to, PollFlags::OUT)?,
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

fn wait(fd: BorrowedFd<'_>, flags: PollFlags) -> io::Result<()> {
    match poll(&mut [PollFd::from_borrowed_fd(fd, flags)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Read, Seek, Write, pipe};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::thread;

    /// Bytes of no period that a wrong offset would hide in, more than any buffer on the way holds.
    fn bytes() -> Vec<u8> {
        (0..3_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
    }

    fn pump_all(from: impl AsFd, to: impl AsFd) -> usize {
        let mut pump = Pump::new(from.as_fd(), to.as_fd());
        let mut total = 0;
        loop {
            match pump.step().unwrap() {
                0 => return total,
                bytes => total += bytes,
            }
        }
    }

    /// Pumps from `from` into a socket, and returns what comes out at its other end.
    fn through_socket(from: impl AsFd + Send) -> Vec<u8> {
        let (near, mut far) = UnixStream::pair().unwrap();
        thread::scope(|scope| {
            scope.spawn(move || pump_all(from, near));
            let mut received = Vec::new();
            far.read_to_end(&mut received).unwrap();
            received
        })
    }

    #[test]
    fn a_file_goes_into_a_socket_whole_from_where_it_stands() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes()).unwrap();
        file.seek(io::SeekFrom::Start(7)).unwrap();
        assert!(through_socket(file) == bytes()[7..]);
    }

    #[test]
    fn a_pipe_goes_into_a_socket_whole() {
        let (reader, mut writer) = pipe().unwrap();
        let feeder = thread::spawn(move || writer.write_all(&bytes()).unwrap());
        assert!(through_socket(reader) == bytes());
        feeder.join().unwrap();
    }

    #[test]
    fn a_non_blocking_pipe_goes_into_a_socket_whole() {
        let (reader, mut writer) = pipe().unwrap();
        rustix::io::ioctl_fionbio(&reader, true).unwrap();
        let feeder = thread::spawn(move || writer.write_all(&bytes()).unwrap());
        assert!(through_socket(reader) == bytes());
        feeder.join().unwrap();
    }

    #[test]
    fn a_socket_goes_into_a_pipe_whole() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let (mut reader, writer) = pipe().unwrap();
        thread::scope(|scope| {
            scope.spawn(move || far.write_all(&bytes()).unwrap());
            scope.spawn(move || pump_all(near, writer));
            let mut received = Vec::new();
            reader.read_to_end(&mut received).unwrap();
            assert!(received == bytes());
        });
    }

    #[test]
    fn a_pipe_that_brings_much_is_made_larger_and_one_that_brings_little_is_not() {
        for (total, large) in [(BULK - 1, false), (BULK, true)] {
            let (reader, mut writer) = pipe().unwrap();
            let feeder = thread::spawn(move || writer.write_all(&vec![7; total]).unwrap());
            let probe = reader.try_clone().unwrap();
            assert_eq!(through_socket(reader).len(), total);
            feeder.join().unwrap();
            assert_eq!(rustix::pipe::fcntl_getpipe_size(&probe).unwrap() == LARGE_PIPE, large);
        }
    }

    #[test]
    fn what_has_no_short_way_is_copied() {
        // The kernel says it is a file, and does not send it.
        let expected = std::fs::read("/proc/self/limits").unwrap();
        assert_eq!(through_socket(File::open("/proc/self/limits").unwrap()), expected);
    }

    #[test]
    fn a_source_that_cannot_be_read_is_told_from_a_destination_that_is_gone() {
        let (near, far) = UnixStream::pair().unwrap();
        let folder = File::open("/").unwrap();
        assert!(matches!(Pump::new(folder.as_fd(), near.as_fd()).step(), Err(PumpError::Read(_))));
        drop(far);
        let file = File::open("/proc/self/exe").unwrap();
        assert!(matches!(Pump::new(file.as_fd(), near.as_fd()).step(), Err(PumpError::Write(_))));
    }

    #[test]
    fn a_reader_that_left_is_told_from_a_connection_that_broke() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let (reader, writer) = pipe().unwrap();
        far.write_all(b"x").unwrap();
        drop(reader);
        assert!(matches!(Pump::new(near.as_fd(), writer.as_fd()).step(), Err(PumpError::Write(_))));
    }
}
