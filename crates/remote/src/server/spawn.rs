//! Starting a program without a copy of this process, by posix_spawn(3).
//!
//! fork(2) copies the page tables of the server, and the server then takes a fault for each page that it writes to: that
//! cost more than the rest of a short session. `std` has posix_spawn too, but forks where a session is to be made.

use std::ffi::{CStr, CString, c_char, c_int};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::ptr;

use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, kill_process_group, pidfd_open, waitpid};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::spawn_blocking;

/// What is to run, in a session of its own.
pub(super) struct Program {
    pub(super) path: CString,
    /// The first one is its name.
    pub(super) arguments: Vec<CString>,
    /// `NAME=value`; nothing else.
    pub(super) environment: Vec<CString>,
    pub(super) folder: CString,
}

/// Its standard input, output and error.
pub(super) enum Streams {
    Pipes([OwnedFd; 3]),
    /// The path of a terminal, which becomes that of its session.
    Terminal(CString),
}

/// A program that runs. Who drops it before it has ended leaves it behind.
pub(super) struct Child {
    id: Pid,
    /// See pidfd_open(2).
    end: AsyncFd<OwnedFd>,
    status: Option<ExitStatus>,
}

impl Child {
    /// Starts it. It gets no descriptor of ours but its streams, and neither blocks a signal nor ignores one, though we may
    /// have been started by nohup(1).
    ///
    /// The kernel comes back when the new process runs the program: that may be long where there is much to do, or where
    /// its folder is on another machine. So another thread waits for it.
    pub(super) async fn spawn(program: Program, streams: Streams) -> io::Result<Self> {
        let spawned = spawn_blocking(move || posix_spawn(&program, &streams).map(Orphan));
        let orphan = spawned.await.map_err(io::Error::other)??;
        Ok(Self { end: end_of(orphan.0)?, id: orphan.adopted(), status: None })
    }

    /// Its number, as long as that is nobody else's.
    pub(super) fn id(&self) -> Option<Pid> {
        self.status.is_none().then_some(self.id)
    }

    /// Waits for its end. May be dropped and asked again.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.status {
                return Ok(status);
            }
            let mut ready = self.end.readable().await?;
            match waitpid(Some(self.id), WaitOptions::NOHANG)? {
                Some((_, status)) => self.status = Some(ExitStatus::from_raw(status.as_raw())),
                None => ready.clear_ready(),
            }
        }
    }
}

/// A process that has just started. Dropped, it ends: nobody would hear of it, since whoever wanted it is gone, or there is
/// no descriptor left.
struct Orphan(Pid);

impl Orphan {
    fn adopted(self) -> Pid {
        let id = self.0;
        std::mem::forget(self);
        id
    }
}

impl Drop for Orphan {
    fn drop(&mut self) {
        let _ = kill_process_group(self.0, Signal::KILL);
        let _ = waitpid(Some(self.0), WaitOptions::empty());
    }
}

/// Becomes readable when the process has ended.
#[allow(unsafe_code, reason = "tokio's way to register a descriptor that is always the same")]
fn end_of(id: Pid) -> io::Result<AsyncFd<OwnedFd>> {
    let end = pidfd_open(id, PidfdFlags::empty())?;
    // SAFETY: an OwnedFd is open as long as it lives, and names one descriptor all that time.
    Ok(unsafe { AsyncFd::register_with_interest(end, Interest::READABLE) }?)
}

#[allow(
    unsafe_code,
    reason = "no crate offers posix_spawn safely with both a session and a working directory"
)]
fn posix_spawn(program: &Program, streams: &Streams) -> io::Result<Pid> {
    let attributes = Attributes::new()?;
    let actions = Actions::new(&program.folder, streams)?;
    let (arguments, environment) = (pointers(&program.arguments), pointers(&program.environment));
    let mut id = 0;
    // SAFETY: both arrays end with a null pointer, and the strings, the attributes and the actions outlive the call,
    // which changes none of them.
    check(unsafe {
        libc::posix_spawn(
            &raw mut id,
            program.path.as_ptr(),
            &raw const actions.0,
            &raw const attributes.0,
            arguments.as_ptr(),
            environment.as_ptr(),
        )
    })?;
    Pid::from_raw(id).ok_or_else(|| io::Error::other("the new process has no number"))
}

fn pointers(strings: &[CString]) -> Vec<*mut c_char> {
    strings.iter().map(|string| string.as_ptr().cast_mut()).chain([ptr::null_mut()]).collect()
}

/// Of the new process.
struct Attributes(libc::posix_spawnattr_t);

#[allow(unsafe_code, reason = "as posix_spawn above")]
impl Attributes {
    fn new() -> io::Result<Self> {
        let (mut new, mut none, mut all) =
            (MaybeUninit::uninit(), MaybeUninit::uninit(), MaybeUninit::uninit());
        // SAFETY: each is initialised by the first call that gets it, and read only if that call succeeds; sigemptyset
        // and sigfillset do not fail.
        unsafe {
            check(libc::posix_spawnattr_init(new.as_mut_ptr()))?;
            let mut new = Self(new.assume_init());
            libc::sigemptyset(none.as_mut_ptr());
            libc::sigfillset(all.as_mut_ptr());
            let flags = libc::POSIX_SPAWN_SETSIGMASK | libc::POSIX_SPAWN_SETSIGDEF;
            let flags =
                libc::POSIX_SPAWN_SETSID | libc::c_short::try_from(flags).map_err(io::Error::other)?;
            check(libc::posix_spawnattr_setsigmask(&raw mut new.0, none.as_ptr()))?;
            check(libc::posix_spawnattr_setsigdefault(&raw mut new.0, all.as_ptr()))?;
            check(libc::posix_spawnattr_setflags(&raw mut new.0, flags))?;
            Ok(new)
        }
    }
}

#[allow(unsafe_code, reason = "as posix_spawn above")]
impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: it is initialised, and not used after this.
        unsafe { libc::posix_spawnattr_destroy(&raw mut self.0) };
    }
}

/// What the new process does first, in its session.
struct Actions(libc::posix_spawn_file_actions_t);

#[allow(unsafe_code, reason = "as posix_spawn above")]
impl Actions {
    fn new(folder: &CStr, streams: &Streams) -> io::Result<Self> {
        let mut new = MaybeUninit::uninit();
        // SAFETY: it is used only when its initialisation has succeeded.
        let mut new = unsafe {
            check(libc::posix_spawn_file_actions_init(new.as_mut_ptr()))?;
            Self(new.assume_init())
        };
        // SAFETY: it is initialised, and the strings are copied.
        unsafe {
            check(libc::posix_spawn_file_actions_addchdir_np(&raw mut new.0, folder.as_ptr()))?;
        }
        match streams {
            Streams::Pipes(pipes) => {
                for (pipe, standard) in pipes.iter().zip(0..) {
                    new.duplicate(pipe.as_raw_fd(), standard)?;
                }
            }
            // A leader of a session without a terminal that opens one has it (tty_ioctl(4)).
            Streams::Terminal(path) => {
                // SAFETY: as above.
                unsafe {
                    let actions = &raw mut new.0;
                    check(libc::posix_spawn_file_actions_addopen(
                        actions,
                        0,
                        path.as_ptr(),
                        libc::O_RDWR,
                        0,
                    ))?;
                }
                new.duplicate(0, 1)?;
                new.duplicate(0, 2)?;
            }
        }
        Ok(new)
    }

    /// The copy is not closed at exec.
    fn duplicate(&mut self, from: c_int, to: c_int) -> io::Result<()> {
        // SAFETY: it is initialised, and descriptors are numbers to it.
        check(unsafe { libc::posix_spawn_file_actions_adddup2(&raw mut self.0, from, to) })
    }
}

#[allow(unsafe_code, reason = "as posix_spawn above")]
impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: it is initialised, and not used after this.
        unsafe { libc::posix_spawn_file_actions_destroy(&raw mut self.0) };
    }
}

/// These functions return their error.
fn check(code: c_int) -> io::Result<()> {
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::future::poll_fn;
    use std::io::Read as _;
    use std::task::Poll;

    use super::*;

    fn nowhere() -> Streams {
        let null = || File::options().read(true).write(true).open("/dev/null").unwrap().into();
        Streams::Pipes([null(), null(), null()])
    }

    #[tokio::test]
    async fn it_leads_a_session_in_its_folder_and_ignores_no_signal() {
        // This process ignores SIGPIPE, as every program in Rust does. The bits above 31 are those of the C library.
        let script = c"read -r id _ _ _ _ session _ < /proc/self/stat; [ $id = $session ] || exit 1; \
                       [ \"$(pwd)\" = / ] || exit 2; [ \"$MARK\" = there ] || exit 3; \
                       ignored=$(sed -n 's/SigIgn:.//p' /proc/self/status); [ $((0x$ignored & 0x7fffffff)) = 0 ]";
        let program = Program {
            path: c"/bin/sh".to_owned(),
            arguments: vec![c"sh".to_owned(), c"-c".to_owned(), script.to_owned()],
            environment: vec![c"MARK=there".to_owned(), c"PATH=/usr/bin:/bin".to_owned()],
            folder: c"/".to_owned(),
        };
        let mut child = Child::spawn(program, nowhere()).await.unwrap();
        assert!(child.id().is_some());
        assert_eq!(child.wait().await.unwrap().code(), Some(0));
        assert_eq!(child.wait().await.unwrap().code(), Some(0), "it may be asked again");
        assert_eq!(child.id(), None, "the number may be another's now");
    }

    #[tokio::test]
    async fn whoever_goes_away_while_it_starts_leaves_nothing_behind() {
        let program = Program {
            path: c"/bin/sh".to_owned(),
            arguments: vec![c"sh".to_owned(), c"-c".to_owned(), c"sleep 30; echo still here".to_owned()],
            environment: vec![c"PATH=/usr/bin:/bin".to_owned()],
            folder: c"/".to_owned(),
        };
        let Streams::Pipes([stdin, _, stderr]) = nowhere() else { unreachable!("they are pipes") };
        let (output, stdout) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let mut starting = Box::pin(Child::spawn(program, Streams::Pipes([stdin, stdout, stderr])));
        let begun = poll_fn(|context| Poll::Ready(starting.as_mut().poll(context).is_pending()));
        assert!(begun.await);
        drop(starting);
        let mut said = String::new();
        File::from(output).read_to_string(&mut said).unwrap();
        assert_eq!(said, "");
    }

    #[tokio::test]
    async fn what_is_not_there_cannot_be_started() {
        let program = Program {
            path: c"/nowhere/sh".to_owned(),
            arguments: vec![c"sh".to_owned()],
            environment: Vec::new(),
            folder: c"/".to_owned(),
        };
        let error = Child::spawn(program, nowhere()).await.err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
