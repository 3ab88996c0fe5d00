//! What the commands read: handed on to one, or copied to many.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::Source;
use crate::transport::Input;

/// Bytes that one read of the file gives. Each machine that does not read holds one such piece.
const CHUNK: usize = 64 * 1024;

/// Gives each machine what it is to read.
pub(super) enum Feeds {
    Nothing,
    One(Source),
    Copies(Arc<Spool>),
}

/// What one machine is to read.
pub(super) enum Feed {
    Nothing,
    Source(Source),
    Copy(Copy),
}

impl Feeds {
    pub(super) fn new(source: Option<Source>, machines: usize) -> io::Result<Self> {
        Ok(match source {
            None => Self::Nothing,
            Some(source) if machines == 1 => Self::One(source),
            Some(source) => Self::Copies(Spool::new(source)?),
        })
    }

    /// The next machine's.
    pub(super) fn next(&mut self) -> Feed {
        match self {
            Self::Copies(spool) => Feed::Copy(spool.copy()),
            one => match std::mem::replace(one, Self::Nothing) {
                Self::One(source) => Feed::Source(source),
                _ => Feed::Nothing,
            },
        }
    }
}

impl Feed {
    /// Gives a command all of it, or as much as it reads.
    ///
    /// # Errors
    /// When there is no more, but that was not all; why.
    pub(super) async fn pour(mut self, into: Option<impl Input>) -> Result<(), String> {
        let Some(mut into) = into else { return Ok(()) };
        while let Some(bytes) = self.next().await {
            if !into.write(bytes?).await {
                return Ok(());
            }
        }
        into.end().await;
        Ok(())
    }

    async fn next(&mut self) -> Option<Result<Bytes, String>> {
        match self {
            Self::Nothing => None,
            Self::Source(source) => source.recv().await.map(|came| came.map_err(|error| broken(&error))),
            Self::Copy(copy) => copy.next().await,
        }
    }
}

fn broken(error: &io::Error) -> String {
    format!("reading standard input: {error}")
}

/// A source that is copied. Dropped with its last copy, it drops the source.
pub(super) struct Spool {
    /// All that came.
    file: Arc<File>,
    /// How far it goes.
    tail: watch::Receiver<Tail>,
    /// How far somebody would read.
    wanted: watch::Sender<u64>,
}

/// The end of what came.
#[derive(Default)]
struct Tail {
    /// Bytes that came.
    end: u64,
    /// The last of them: who keeps up needs no file.
    last: Bytes,
    /// There is no more: that was all, or else why.
    over: Option<Result<(), String>>,
}

/// A place in a spool.
pub(super) struct Copy {
    spool: Arc<Spool>,
    tail: watch::Receiver<Tail>,
    at: u64,
}

impl Spool {
    fn new(source: Source) -> io::Result<Arc<Self>> {
        let file = Arc::new(tempfile::tempfile().map_err(|error| {
            let folder = std::env::temp_dir();
            let text = format!("making a file for standard input in {} (TMPDIR): {error}", folder.display());
            io::Error::new(error.kind(), text)
        })?);
        let (filled, tail) = watch::channel(Tail::default());
        let (wanted, asked) = watch::channel(0);
        tokio::spawn(fill(Arc::clone(&file), source, filled, asked));
        Ok(Arc::new(Self { file, tail, wanted }))
    }

    fn copy(self: &Arc<Self>) -> Copy {
        Copy { spool: Arc::clone(self), tail: self.tail.clone(), at: 0 }
    }
}

/// Writes down what comes, whenever somebody wants more than there is.
async fn fill(
    file: Arc<File>,
    mut source: Source,
    tail: watch::Sender<Tail>,
    mut wanted: watch::Receiver<u64>,
) {
    let mut end = 0;
    let over = loop {
        if wanted.wait_for(|&wanted| wanted > end).await.is_err() {
            return;
        }
        let came = tokio::select! {
            biased;
            () = tail.closed() => return,
            came = source.recv() => came,
        };
        let last = match came {
            None => break Ok(()),
            Some(Err(error)) => break Err(broken(&error)),
            Some(Ok(bytes)) => bytes,
        };
        let (into, bytes) = (Arc::clone(&file), last.clone());
        let written = spawn_blocking(move || into.write_all_at(&bytes, end)).await;
        if let Err(error) = written.map_err(io::Error::from).flatten() {
            break Err(format!("keeping standard input in the temporary folder (TMPDIR): {error}"));
        }
        end += last.len() as u64;
        tail.send_modify(|tail| (tail.end, tail.last) = (end, last));
    };
    tail.send_modify(|tail| tail.over = Some(over));
}

impl Copy {
    async fn next(&mut self) -> Option<Result<Bytes, String>> {
        let at = self.at;
        self.spool.wanted.send_if_modified(|wanted| {
            let more = at >= *wanted;
            *wanted = (*wanted).max(at + 1);
            more
        });
        let (left, fresh) = {
            let Ok(tail) = self.tail.wait_for(|tail| tail.end > at || tail.over.is_some()).await else {
                return Some(Err("standard input is copied no more".to_owned()));
            };
            if tail.end == at {
                return tail.over.clone()?.err().map(Err);
            }
            let left = usize::try_from(tail.end - at).unwrap_or(usize::MAX);
            (left, tail.last.len().checked_sub(left).map(|from| tail.last.slice(from..)))
        };
        let bytes = match fresh {
            Some(fresh) => fresh,
            None => match read(Arc::clone(&self.spool.file), at, left.min(CHUNK)).await {
                Ok(bytes) => bytes,
                Err(error) => return Some(Err(format!("reading the copy of standard input: {error}"))),
            },
        };
        self.at += bytes.len() as u64;
        Some(Ok(bytes))
    }
}

async fn read(file: Arc<File>, at: u64, length: usize) -> io::Result<Bytes> {
    spawn_blocking(move || {
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, at)?;
        Ok(bytes.into())
    })
    .await?
}
