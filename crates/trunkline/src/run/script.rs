//! A script of this machine, run on others: it goes there ahead of standard input, in the same connection.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};

/// Bytes of a script: the far side takes it one by one, since only so nothing of what follows is taken with it by any `dd`. What is
/// larger is no script, and goes there by `copy`.
const SCRIPT_MAX: u64 = 1024 * 1024;

/// What the far side ends with when it cannot take the script, as timeout(1) has it for its own failures.
const CANNOT: u8 = 125;

/// A script on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Script {
    /// The command line.
    pub(super) line: Vec<u8>,
    /// What its standard input begins with; whatever follows is the script's own.
    pub(super) ahead: Vec<u8>,
}

impl Script {
    pub(super) fn read(path: &Path, arguments: &[OsString]) -> anyhow::Result<Self> {
        let doing = || format!("reading the script {}", path.display());
        if fs::metadata(path).with_context(doing)?.len() > SCRIPT_MAX {
            bail!("{} has more than {SCRIPT_MAX} bytes: copy it there, and run it then", path.display());
        }
        let text = fs::read(path).with_context(doing)?;
        let name = path.file_name().unwrap_or(path.as_os_str());
        let arguments: Vec<&[u8]> = arguments.iter().map(|argument| argument.as_bytes()).collect();
        Ok(Self::new(name.as_bytes(), &text, &arguments))
    }

    /// What the login shell there gets has no sign that any shell, be it csh or fish, takes for its own: it starts `sh`, which
    /// reads the true beginning. That takes the script into a folder that only this user can enter, runs it by the
    /// interpreter that its first line names, so that the folder may forbid to execute, and takes the folder away.
    fn new(name: &[u8], text: &[u8], arguments: &[&[u8]]) -> Self {
        let mut begin = format!(
            "d=$(mktemp -d \"${{TMPDIR:-/tmp}}/trunkline.XXXXXXXX\") || exit {CANNOT}\n\
             trap 'rm -rf \"$d\"' EXIT\n\
             trap 'exit 129' HUP\n\
             trap 'exit 130' INT\n\
             trap 'exit 143' TERM\n\
             dd bs=1 count={} 2>/dev/null >\"$d\"/",
            text.len()
        )
        .into_bytes();
        let name = quoted(name);
        begin.extend_from_slice(&name);
        begin.extend_from_slice(format!(" || exit {CANNOT}\n").as_bytes());
        for word in interpreter(text) {
            begin.extend_from_slice(&quoted(word));
            begin.push(b' ');
        }
        begin.extend_from_slice(b"\"$d\"/");
        begin.extend_from_slice(&name);
        for argument in arguments {
            begin.push(b' ');
            begin.extend_from_slice(&quoted(argument));
        }
        begin.push(b'\n');
        let line = format!("exec sh -c 'eval \"$(dd bs=1 count={} 2>/dev/null)\"'", begin.len());
        Self { line: line.into_bytes(), ahead: [&begin, text].concat() }
    }
}

/// What runs a script: the words of its first line behind `#!`, at most two as the kernel has it (execve(2)), or else `sh`.
fn interpreter(text: &[u8]) -> Vec<&[u8]> {
    let first = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let Some(rest) = first.strip_prefix(b"#!") else { return vec![b"sh"] };
    let rest = rest.trim_ascii();
    match rest.iter().position(|byte| matches!(byte, b' ' | b'\t')) {
        Some(end) => vec![&rest[..end], rest[end..].trim_ascii()],
        None if rest.is_empty() => vec![b"sh"],
        None => vec![rest],
    }
}

/// A word as `sh` reads it back, byte for byte; it has no NUL.
pub(super) fn quoted(word: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for &byte in word {
        match byte {
            b'\'' => quoted.extend_from_slice(br"'\''"),
            _ => quoted.push(byte),
        }
    }
    quoted.push(b'\'');
    quoted
}

/// The words of a command joined with spaces, as ssh does: the shell there reads them.
pub(super) fn joined(words: &[OsString]) -> Vec<u8> {
    words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>().join(&b' ')
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::io::Write as _;
    use std::process::{Command, Output, Stdio};

    use proptest::prelude::*;

    use super::*;

    /// What a login shell makes of it, which sshd starts in this way.
    fn run(script: &Script, rest: &[u8], temporary: &Path) -> Output {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(OsStr::from_bytes(&script.line)).env("TMPDIR", temporary);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut shell = shell.spawn().unwrap();
        let mut input = shell.stdin.take().unwrap();
        // A script that does not read it may be gone.
        let _ = input.write_all(&[&script.ahead, rest].concat());
        drop(input);
        shell.wait_with_output().unwrap()
    }

    fn printed(text: &str, arguments: &[&[u8]], rest: &[u8]) -> (Option<i32>, String) {
        let temporary = tempfile::tempdir().unwrap();
        let output = run(&Script::new(b"it's a\n-name", text.as_bytes(), arguments), rest, temporary.path());
        assert_eq!(temporary.path().read_dir().unwrap().count(), 0, "nothing is left behind");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    #[test]
    fn a_script_gets_its_arguments_and_all_of_standard_input_and_its_status_is_passed_on() {
        let text = "printf '<%s>' \"$@\"; cat; exit 7";
        let ran = printed(text, &[b"a b", b"", b"$HOME '\"\n", b"-n"], b"its\0 input\n");
        assert_eq!(ran, (Some(7), "<a b><><$HOME '\"\n><-n>its\0 input\n".to_owned()));
        assert_eq!(printed("", &[], b""), (Some(0), String::new()));
    }

    #[test]
    fn the_first_line_of_a_script_names_what_runs_it() {
        let text = "#!/bin/cat\nnot a program\n";
        assert_eq!(printed(text, &[], b""), (Some(0), text.to_owned()));
        assert_eq!(printed("#! /bin/sh -e \nfalse\necho not here\n", &[], b""), (Some(1), String::new()));
        assert_eq!(interpreter(b"#!/usr/bin/env\tpython3 -u\nx"), [&b"/usr/bin/env"[..], b"python3 -u"]);
        assert_eq!(interpreter(b"#!\n"), [b"sh"]);
    }

    #[test]
    fn the_name_that_a_script_sees_is_its_own() {
        let temporary = tempfile::tempdir().unwrap();
        let output = run(&Script::new(b"install.sh", b"echo \"${0##*/}\"", &[]), b"", temporary.path());
        assert_eq!(output.stdout, b"install.sh\n");
    }

    #[test]
    fn what_is_too_large_for_a_script_is_refused_with_the_other_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        fs::File::create(&path).unwrap().set_len(SCRIPT_MAX + 1).unwrap();
        let error = Script::read(&path, &[]).unwrap_err().to_string();
        assert!(error.contains("copy it there"), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn whatever_a_word_holds_the_shell_reads_it_back(
            words in proptest::collection::vec(proptest::collection::vec(1..=255u8, 0..20), 1..20),
        ) {
            let quoted: Vec<_> = words.iter().map(|word| quoted(word)).collect();
            let line = [b"printf '%s\\0' ", quoted.join(&b' ').as_slice()].concat();
            let output = Command::new("sh").arg("-c").arg(OsStr::from_bytes(&line)).output().unwrap();
            let expected: Vec<u8> = words.iter().flat_map(|word| [word, &b"\0"[..]].concat()).collect();
            prop_assert_eq!(output.stdout, expected);
        }
    }
}
