//! The files of ssh_config(5), with what they include, as steps.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use glob::{MatchOptions, Pattern};

use super::keyword::Setting;
use super::note::{Note, Notes, Place};
use super::pattern::Patterns;
use super::steps::{Condition, Criterion, Step, Subject};
use super::syntax::Line;
use super::value::Reason;
use super::{ConfigError, File, Proxy};

/// How deep files include each other, as in ssh: one that includes itself comes to an end.
const MAX_DEPTH: usize = 16;

/// Files of one configuration: one that includes itself twice would be read 2^16 times within [`MAX_DEPTH`].
const MAX_FILES: usize = 1000;

/// Bytes of all files together, some hundred times a large configuration: `Include` may name anything.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// As a shell and ssh take it: `*` stands for no slash, and for no dot at the beginning of a name.
const LIKE_A_SHELL: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// Reads files, and what they include.
pub(super) struct Reader<'a> {
    home: &'a Path,
    /// What is read now is the user's, not the administrator's.
    is_users: bool,
    /// Where relative paths are.
    folder: PathBuf,
    files_left: usize,
    bytes_left: u64,
    pub(super) notes: Notes,
}

impl<'a> Reader<'a> {
    /// For the user with this home folder: `~` is there, and relative paths are in its `.ssh`.
    pub(super) fn new(home: &'a Path) -> Self {
        Self {
            home,
            is_users: true,
            folder: PathBuf::new(),
            files_left: MAX_FILES,
            bytes_left: MAX_BYTES,
            notes: Notes::default(),
        }
    }

    /// What one of the files in their order says; nothing where there is none.
    pub(super) fn read(&mut self, file: &File) -> Result<Vec<Step>, ConfigError> {
        self.is_users = !matches!(file, File::System(_));
        match file {
            File::User(path) => {
                self.folder = self.home.join(".ssh");
                let text = self.guarded(path);
                Ok(self.said(path, text, 0))
            }
            File::System(path) => {
                self.folder = path.parent().unwrap_or(path).to_owned();
                let text = self.text(path);
                Ok(self.said(path, text, 0))
            }
            File::Chosen(path) => {
                self.folder = self.home.join(".ssh");
                let text = self.text(path).and_then(|text| text.ok_or("there is no such file".to_owned()));
                let text = text.map_err(|reason| ConfigError::File { file: path.clone(), reason })?;
                Ok(self.steps(path, &text, 0))
            }
        }
    }

    fn said(&mut self, file: &Path, text: Result<Option<Vec<u8>>, Reason>, depth: usize) -> Vec<Step> {
        match text {
            Ok(text) => text.map(|text| self.steps(file, &text, depth)).unwrap_or_default(),
            Err(reason) => {
                self.notes.push(Note::on_file(file, reason));
                Vec::new()
            }
        }
    }

    /// What is in a file that nobody else can change; `None` where there is none.
    fn guarded(&mut self, file: &Path) -> Result<Option<Vec<u8>>, Reason> {
        let metadata = match fs::metadata(file) {
            Ok(metadata) if metadata.is_file() => metadata,
            Ok(metadata) if metadata.is_dir() => return Ok(None),
            Ok(_) => return Err("it is neither a file nor a folder, and not read".to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let ours = [0, rustix::process::getuid().as_raw()].contains(&metadata.uid());
        if !ours || metadata.mode() & 0o022 != 0 {
            return Err(
                "others can write to it, so it is not read, neither by ssh: chown and chmod go-w mend it"
                    .to_owned(),
            );
        }
        self.text(file)
    }

    /// What is in a file; `None` where there is none.
    fn text(&mut self, file: &Path) -> Result<Option<Vec<u8>>, Reason> {
        let too_much =
            || format!("it is not read: the limit is {MAX_FILES} files with {MAX_BYTES} bytes in all");
        let file = match fs::File::open(file) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        self.files_left = self.files_left.checked_sub(1).ok_or_else(too_much)?;
        let mut text = Vec::new();
        file.take(self.bytes_left + 1).read_to_end(&mut text).map_err(|error| error.to_string())?;
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.bytes_left = self.bytes_left.checked_sub(length).ok_or_else(too_much)?;
        Ok(Some(text))
    }

    fn steps(&mut self, file: &Path, text: &[u8], depth: usize) -> Vec<Step> {
        let file: Arc<Path> = file.into();
        let mut steps = Vec::new();
        for (line, text) in (1..).zip(text.split(|byte| *byte == b'\n')) {
            let place = Place { file: Arc::clone(&file), line };
            let text = String::from_utf8_lossy(text);
            let Some(line) = Line::parse(&text) else { continue };
            let step = match line.keyword.as_str() {
                "include" => self.include(&line, depth).map(|included| steps.extend(included)),
                _ => step(&line, &place, self.is_users).map(|step| steps.extend(step)),
            };
            if let Err(reason) = step {
                self.notes.push(Note::on_line(&place, line.text, reason));
                match line.keyword.as_str() {
                    // Without it, the lines that follow would count for the hosts before them.
                    "host" | "match" => steps.push(Step::Only(Condition::Unknown)),
                    // Without it, the connection would go another way than it was to go.
                    "proxyjump" | "proxycommand" => {
                        steps.push(Step::Set(Setting::Proxy(Proxy::Broken(place))));
                    }
                    _ => {}
                }
            }
        }
        steps
    }

    fn include(&mut self, line: &Line<'_>, depth: usize) -> Result<Vec<Step>, Reason> {
        if depth == MAX_DEPTH {
            return Err(format!("files include each other more than {MAX_DEPTH} deep, here or in a circle"));
        }
        let mut included = Vec::new();
        for argument in line.arguments()? {
            let pattern = self.anchored(&argument)?;
            let files = glob::glob_with(&pattern, LIKE_A_SHELL)
                .map_err(|error| format!("it is no pattern of file names: {}", error.msg))?;
            for file in files {
                let file = file.map_err(|error| error.to_string())?;
                let text = self.guarded(&file);
                included.push(Step::Include(self.said(&file, text, depth + 1)));
            }
        }
        Ok(included)
    }

    /// As an absolute pattern of file names.
    fn anchored(&self, argument: &str) -> Result<String, Reason> {
        let below =
            |folder: &Path, rest: &str| format!("{}/{rest}", Pattern::escape(&folder.to_string_lossy()));
        match argument.strip_prefix('~') {
            Some(_) if !self.is_users => Err("no home folder can stand in a file of the system".to_owned()),
            Some(rest) if rest.starts_with('/') => Ok(below(self.home, &rest[1..])),
            Some(_) => Err("of ~ only your own, ~/, is known here: write the whole path".to_owned()),
            None if argument.starts_with('/') => Ok(argument.to_owned()),
            None => Ok(below(&self.folder, argument)),
        }
    }
}

/// Options of a command line, which count for every host.
pub(super) fn options(options: &[String]) -> Result<Vec<Step>, ConfigError> {
    let file: Arc<Path> = Path::new("-o").into();
    let mut steps = Vec::new();
    for (number, option) in (1..).zip(options) {
        let wrong = |reason: &str| ConfigError::Option { option: option.clone(), reason: reason.to_owned() };
        let line = Line::parse(option).ok_or_else(|| wrong("it says nothing: KEY=VALUE"))?;
        if matches!(line.keyword.as_str(), "host" | "match" | "include") {
            return Err(wrong("it stands only in files"));
        }
        let place = Place { file: Arc::clone(&file), line: number };
        match Setting::of(&line, &place, true).map_err(|reason| wrong(&reason))? {
            Some(Setting::Unknown(_, note)) => return Err(wrong(&note.reason)),
            setting => steps.extend(setting.map(Step::Set)),
        }
    }
    Ok(steps)
}

/// What a line says that includes nothing; nothing if it sets nothing.
fn step(line: &Line<'_>, place: &Place, is_users: bool) -> Result<Option<Step>, Reason> {
    Ok(match line.keyword.as_str() {
        "host" => {
            let patterns = Patterns::new(line.arguments()?.iter().map(String::as_str));
            Some(Step::Only(Condition::Host(patterns, place.clone())))
        }
        "match" => Some(Step::Only(Condition::Match(criteria(&line.arguments()?)?))),
        _ => Setting::of(line, place, is_users)?.map(Step::Set),
    })
}

fn criteria(words: &[String]) -> Result<Vec<Criterion>, Reason> {
    let mut criteria = Vec::new();
    // `host=NAME` is the same as `host NAME`.
    let mut parts = words.iter().flat_map(|word| word.splitn(2, '='));
    while let Some(word) = parts.next() {
        let (negated, name) = word.strip_prefix('!').map_or((false, word), |name| (true, name));
        let mut list = || parts.next().ok_or("a pattern is missing");
        let subject = match name.to_ascii_lowercase().as_str() {
            "all" if words.len() == 1 => Subject::All,
            "all" => return Err("\"all\" stands alone".to_owned()),
            "host" => Subject::Host(hosts(list()?)),
            "originalhost" => Subject::OriginalHost(hosts(list()?)),
            "user" => Subject::User(Patterns::new(list()?.split(','))),
            "localuser" => Subject::LocalUser(Patterns::new(list()?.split(','))),
            other => {
                return Err(format!(
                    "\"{other}\" is not judged here: what stands under it is left out, to the next Host or Match"
                ));
            }
        };
        criteria.push(Criterion { negated, subject });
    }
    Ok(criteria)
}

/// Names of hosts are compared in lower case, those of users as they are.
fn hosts(list: &str) -> Patterns {
    Patterns::new(list.to_ascii_lowercase().split(','))
}
