//! A key in a file: its public half, and its private half when somebody wants it.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::keys::{Certificate, PrivateKey, PublicKey, decode_secret_key, parse_public_key_base64};
use thiserror::Error;
use tokio::sync::{Mutex, OnceCell};
use zeroize::Zeroizing;

use crate::ask::{Answers, Question, Secret};

/// Bytes in a file of a key: ssh's own limit. An RSA key of 16,384 bits has 13 kB.
pub(super) const MAX_KEY_FILE: u64 = 1024 * 1024;

/// How often the passphrase of a key is asked for: ssh's NumberOfPasswordPrompts.
pub(super) const MAX_PASSPHRASES: usize = 3;

/// A key that is there and cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// The system's words.
    #[error("the key {} cannot be read: {error}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        error: String,
    },
    /// Others on this machine can read it, so it proves nothing.
    #[error(
        "the key {} is not used, since others can read it (mode {mode:04o}): chmod 600 {}", file.display(), file.display()
    )]
    Open {
        /// The file.
        file: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is no private key, or one of a kind or in a format that is not known here.
    #[error(
        "{} is no private key that can be read here ({error}); ssh-keygen -p -f {} may write it anew", file.display(), file.display()
    )]
    Format {
        /// The file.
        file: PathBuf,
        /// Why.
        error: String,
    },
    /// It should be a certificate.
    #[error("{} is no certificate that can be read here", file.display())]
    Certificate {
        /// The file.
        file: PathBuf,
    },
    /// Nobody said its passphrase.
    #[error("the passphrase of {} was not given", file.display())]
    Locked {
        /// The file.
        file: PathBuf,
    },
    /// What was said was wrong each time.
    #[error("the passphrase of {} was wrong {MAX_PASSPHRASES} times", file.display())]
    Passphrase {
        /// The file.
        file: PathBuf,
    },
    /// The file beside it has the public half of another key.
    #[error("{}.pub is not the public half of {}: ssh-keygen -y -f {} writes the right one", file.display(), file.display(), file.display())]
    Mismatch {
        /// The file of the private half.
        file: PathBuf,
    },
}

/// A key in a file.
pub(super) struct KeyFile {
    pub(super) path: PathBuf,
    seen: OnceCell<Seen>,
    private: Mutex<Private>,
}

/// What a file shows without a passphrase.
#[derive(Debug)]
pub(super) struct Seen {
    /// From the file `KEY.pub`, or from the file itself where the format shows it.
    pub(super) public: Option<PublicKey>,
    /// There is a private half, or else why not.
    pub(super) private: Result<(), KeyError>,
    /// Neither half is there.
    pub(super) absent: bool,
}

enum Private {
    Closed,
    Open(Arc<PrivateKey>),
    Useless(KeyError),
}

impl KeyFile {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), seen: OnceCell::new(), private: Mutex::new(Private::Closed) }
    }

    /// Reads the public half, once.
    pub(super) async fn seen(&self) -> &Seen {
        let look = || async {
            let path = self.path.clone();
            blocking(&self.path, move || Ok(look(&path))).await.unwrap_or_else(Seen::unreadable)
        };
        self.seen.get_or_init(look).await
    }

    /// The private half; who is first asks for the passphrase if it has one, and the others wait for him.
    /// Where nobody may be asked, it stays closed for those who may.
    pub(super) async fn private(&self, answers: Option<&dyn Answers>) -> Result<Arc<PrivateKey>, KeyError> {
        let mut private = self.private.lock().await;
        match &*private {
            Private::Open(key) => return Ok(key.clone()),
            Private::Useless(error) => return Err(error.clone()),
            Private::Closed => {}
        }
        let opened = self.open(answers).await;
        match &opened {
            Ok(key) => *private = Private::Open(key.clone()),
            Err(KeyError::Locked { .. }) if answers.is_none() => {}
            Err(error) => *private = Private::Useless(error.clone()),
        }
        opened
    }

    async fn open(&self, answers: Option<&dyn Answers>) -> Result<Arc<PrivateKey>, KeyError> {
        let path = self.path.clone();
        let text = Arc::new(blocking(&self.path, move || read_private(&path)).await?);
        let key = if is_encrypted(&text) {
            self.decrypt(&text, answers).await?
        } else {
            self.decode(&text, None).await?
        };
        match &self.seen().await.public {
            Some(public) if public.key_data() != key.public_key().key_data() => {
                Err(KeyError::Mismatch { file: self.path.clone() })
            }
            _ => Ok(Arc::new(key)),
        }
    }

    async fn decrypt(
        &self,
        text: &Arc<Zeroizing<String>>,
        answers: Option<&dyn Answers>,
    ) -> Result<PrivateKey, KeyError> {
        let file = || self.path.clone();
        if is_foreign(text) {
            return Err(KeyError::Format {
                file: file(),
                error: "its encryption is not known here".to_owned(),
            });
        }
        let locked = || KeyError::Locked { file: file() };
        let answers = answers.ok_or_else(locked)?;
        for again in (0..MAX_PASSPHRASES).map(|time| time > 0) {
            let question = Question::Passphrase { file: file(), again };
            let passphrase = answers.ask(&question).await.ok_or_else(locked)?;
            if let Ok(key) = self.decode(text, Some(passphrase)).await {
                return Ok(key);
            }
        }
        Err(KeyError::Passphrase { file: file() })
    }

    /// Not on this thread: making a key of a passphrase is slow on purpose.
    async fn decode(
        &self,
        text: &Arc<Zeroizing<String>>,
        passphrase: Option<Secret>,
    ) -> Result<PrivateKey, KeyError> {
        let (text, file) = (text.clone(), self.path.clone());
        blocking(&self.path, move || {
            decode_secret_key(&text, passphrase.as_ref().map(Secret::expose))
                .map_err(|error| KeyError::Format { file, error: error.to_string() })
        })
        .await
    }
}

impl Seen {
    fn unreadable(error: KeyError) -> Self {
        Self { public: None, private: Err(error), absent: false }
    }
}

async fn blocking<T: Send + 'static>(
    file: &Path,
    work: impl FnOnce() -> Result<T, KeyError> + Send + 'static,
) -> Result<T, KeyError> {
    let failed =
        |error: tokio::task::JoinError| KeyError::Read { file: file.to_owned(), error: error.to_string() };
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}

fn look(path: &Path) -> Seen {
    let beside = with_suffix(path, ".pub");
    let public = read(&beside).ok().and_then(|text| parse_public(&text));
    match read(path) {
        Ok(text) => {
            let own = || {
                parse_public(&text)
                    .or_else(|| Some(PrivateKey::from_openssh(&*text).ok()?.public_key().clone()))
            };
            let is_private = text.contains("PRIVATE KEY-----") || text.starts_with("PuTTY-User-Key-File-");
            let no_private =
                || KeyError::Format { file: path.to_owned(), error: "it has no private half".to_owned() };
            Seen {
                public: public.or_else(own),
                private: is_private.then_some(()).ok_or_else(no_private),
                absent: false,
            }
        }
        Err(error) => Seen {
            absent: public.is_none() && error.kind() == io::ErrorKind::NotFound,
            public,
            private: Err(KeyError::Read { file: path.to_owned(), error: error.to_string() }),
        },
    }
}

/// A key that is no certificate.
fn parse_public(text: &str) -> Option<PublicKey> {
    parse_line(text).filter(|key| !key.key_data().is_certificate())
}

/// What the first line has. By russh, which does not take certificates that are nested too deeply for the stack.
fn parse_line(text: &str) -> Option<PublicKey> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))?;
    parse_public_key_base64(line.split_ascii_whitespace().nth(1)?).ok()
}

/// The certificate in a file; `None`: the file is not there.
pub(super) async fn certificate(path: &Path) -> Result<Option<Certificate>, KeyError> {
    let file = path.to_owned();
    blocking(path, move || match read(&file) {
        Ok(text) => match parse_line(&text).and_then(|key| key.key_data().certificate().cloned()) {
            Some(certificate) => Ok(Some(certificate)),
            None => Err(KeyError::Certificate { file }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(KeyError::Read { file, error: error.to_string() }),
    })
    .await
}

/// The file beside another: `id_ed25519.pub`, `id_ed25519-cert.pub`.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    read_opened(&File::open(path)?)
}

fn read_opened(file: &File) -> io::Result<Zeroizing<String>> {
    // Room for all of it: a buffer that grows leaves what it had behind.
    let room = file.metadata()?.len().min(MAX_KEY_FILE) + 1;
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(room).unwrap_or_default()));
    let length = file.take(MAX_KEY_FILE + 1).read_to_string(&mut text)?;
    if u64::try_from(length).is_ok_and(|length| length > MAX_KEY_FILE) {
        return Err(io::Error::other(format!("it has more than {MAX_KEY_FILE} bytes")));
    }
    Ok(text)
}

fn read_private(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    let failed = |error: io::Error| KeyError::Read { file: path.to_owned(), error: error.to_string() };
    let file = File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    // As in ssh: a key of somebody else, root's for example, is that person's to protect.
    let is_ours = about.uid() == rustix::process::getuid().as_raw();
    if is_ours && about.mode() & 0o077 != 0 {
        return Err(KeyError::Open { file: path.to_owned(), mode: about.mode() & 0o777 });
    }
    read_opened(&file).map_err(failed)
}

/// Whether a private key needs a passphrase, in whatever format.
fn is_encrypted(text: &str) -> bool {
    text.contains("ENCRYPTED")
        || PrivateKey::from_openssh(text).is_ok_and(|key| key.is_encrypted())
        || text.lines().any(|line| line.starts_with("Encryption: aes"))
}

/// Whether it is one of the old encryptions that russh would take for a wrong passphrase.
fn is_foreign(text: &str) -> bool {
    let known = text.contains("BEGIN RSA PRIVATE KEY") && text.contains("DEK-Info: AES-128-CBC");
    text.contains("DEK-Info:") && !known
}
