//! The files of ssh_config(5), with what they include, as steps.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use glob::{MatchOptions, Pattern};

use super::pattern::Patterns;
use super::steps::{Condition, Criterion, Proxy, Setting, Step, Subject};
use super::syntax::Line;
use crate::book::bounded;
use crate::book::note::{Note, Notes};
use crate::book::{Login, Origin, Source};

/// How deep files include each other, as in ssh: one that includes itself comes to an end.
const MAX_DEPTH: usize = 16;

/// Files of one configuration: one that includes itself twice would be read 2^16 times within [`MAX_DEPTH`].
const MAX_FILES: usize = 1000;

/// Bytes of all files together, some hundred times a large configuration: `Include` may name anything.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// As a shell and ssh take it: `*` stands for no slash, and for no dot at the beginning of a name.
const LIKE_A_SHELL: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

pub(super) struct Reader<'a> {
    home: &'a Path,
    files_left: usize,
    bytes_left: u64,
    pub(super) notes: Notes,
}

/// Why a line, or a file, was left out.
type Reason = String;

impl<'a> Reader<'a> {
    /// For the user with this home folder: `~` is there, and relative paths are in its `.ssh`.
    pub(super) fn new(home: &'a Path) -> Self {
        Self { home, files_left: MAX_FILES, bytes_left: MAX_BYTES, notes: Notes::default() }
    }

    /// What a file says; nothing where there is none.
    pub(super) fn file(&mut self, file: &Path, depth: usize) -> Vec<Step> {
        match self.text(file) {
            Ok(text) => self.steps(file, &text, depth),
            Err(reason) => {
                self.notes.push(Note::on_file(file, reason));
                Vec::new()
            }
        }
    }

    fn text(&mut self, file: &Path) -> Result<Vec<u8>, Reason> {
        let metadata = match fs::metadata(file) {
            Ok(metadata) if metadata.is_file() => metadata,
            Ok(metadata) if metadata.is_dir() => return Ok(Vec::new()),
            Ok(_) => return Err("it is neither a file nor a folder, and not read".to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.to_string()),
        };
        let ours = [0, rustix::process::getuid().as_raw()].contains(&metadata.uid());
        if !ours || metadata.mode() & 0o022 != 0 {
            return Err(
                "others can write to it, so it is not read, neither by ssh: chown and chmod go-w mend it"
                    .to_owned(),
            );
        }
        let too_much =
            || format!("it is not read: the limit is {MAX_FILES} files with {MAX_BYTES} bytes in all");
        self.files_left = self.files_left.checked_sub(1).ok_or_else(too_much)?;
        let text = bounded::read(file, self.bytes_left).map_err(|error| match error.kind() {
            io::ErrorKind::FileTooLarge => too_much(),
            _ => error.to_string(),
        })?;
        self.bytes_left = self.bytes_left.saturating_sub(u64::try_from(text.len()).unwrap_or(u64::MAX));
        Ok(text)
    }

    fn steps(&mut self, file: &Path, text: &[u8], depth: usize) -> Vec<Step> {
        let path: Arc<Path> = file.into();
        let mut steps = Vec::new();
        for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
            let line = String::from_utf8_lossy(line);
            let Some(line) = Line::parse(&line) else { continue };
            let origin = Origin { source: Source::SshConfig, path: Arc::clone(&path), line: number };
            let step = match line.keyword.as_str() {
                "include" => self.include(&line, depth).map(|included| steps.extend(included)),
                _ => step(&line, origin).map(|step| steps.extend(step)),
            };
            if let Err(reason) = step {
                // Without it, the lines that follow would count for the hosts before them.
                if matches!(line.keyword.as_str(), "host" | "match") {
                    steps.push(Step::Only(Condition::Unknown));
                }
                self.notes.push(Note::on_line(file, number, line.text, reason));
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
                included.push(Step::Include(self.file(&file, depth + 1)));
            }
        }
        Ok(included)
    }

    /// As an absolute pattern of file names.
    fn anchored(&self, argument: &str) -> Result<String, Reason> {
        let below =
            |folder: &Path, rest: &str| format!("{}/{rest}", Pattern::escape(&folder.to_string_lossy()));
        match argument.strip_prefix('~') {
            Some(rest) if rest.starts_with('/') => Ok(below(self.home, &rest[1..])),
            Some(_) => Err("of ~ only your own, ~/, is known here: write the whole path".to_owned()),
            None if argument.starts_with('/') => Ok(argument.to_owned()),
            None => Ok(below(&self.home.join(".ssh"), argument)),
        }
    }
}

/// What a line says; nothing where its keyword has no meaning here.
fn step(line: &Line<'_>, origin: Origin) -> Result<Option<Step>, Reason> {
    Ok(Some(match line.keyword.as_str() {
        "host" => {
            Step::Only(Condition::Host(Patterns::new(line.arguments()?.iter().map(String::as_str)), origin))
        }
        "match" => Step::Only(Condition::Match(criteria(&line.arguments()?)?)),
        "hostname" => Step::Set(Setting::HostName(host_name(line.argument()?)?)),
        "user" => Step::Set(Setting::User(line.argument()?)),
        "port" => Step::Set(Setting::Port(port(&line.argument()?)?)),
        "proxyjump" => Step::Set(Setting::Proxy(jumps(&line.argument()?)?)),
        "proxycommand" => Step::Set(Setting::Proxy(proxy_command(&line.arguments()?))),
        _ => return Ok(None),
    }))
}

fn criteria(words: &[String]) -> Result<Vec<Criterion>, Reason> {
    let mut criteria = Vec::new();
    // `host=NAME` is the same as `host NAME`.
    let mut parts = words.iter().flat_map(|word| word.splitn(2, '='));
    while let Some(word) = parts.next() {
        let (negated, name) = word.strip_prefix('!').map_or((false, word), |name| (true, name));
        let mut patterns = || match parts.next() {
            Some(list) => Ok(Patterns::new(list.to_ascii_lowercase().split(','))),
            None => Err("a pattern is missing".to_owned()),
        };
        let subject = match name.to_ascii_lowercase().as_str() {
            "all" if words.len() == 1 => Subject::All,
            "all" => return Err("\"all\" stands alone".to_owned()),
            "host" => Subject::Host(patterns()?),
            "originalhost" => Subject::OriginalHost(patterns()?),
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

fn host_name(text: String) -> Result<String, Reason> {
    if text.replace("%%", "").replace("%h", "").contains('%') {
        return Err("only %h and %% can stand in a HostName".to_owned());
    }
    Ok(text)
}

fn port(text: &str) -> Result<u16, Reason> {
    match text.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(format!("{text} is not a port: a port is a number from 1 to 65535")),
    }
}

/// `none`, or hosts with commas between.
fn jumps(text: &str) -> Result<Proxy, Reason> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(Proxy::Direct);
    }
    let jump = |text: &str| {
        let bare = text.strip_prefix("ssh://").map(|uri| uri.strip_suffix('/').unwrap_or(uri));
        bare.unwrap_or(text).parse::<Login>().map_err(|error| error.to_string())
    };
    Ok(Proxy::Jumps(text.split(',').map(jump).collect::<Result<_, _>>()?))
}

fn proxy_command(words: &[String]) -> Proxy {
    match words {
        [word] if word.eq_ignore_ascii_case("none") => Proxy::Direct,
        _ => Proxy::Command,
    }
}
