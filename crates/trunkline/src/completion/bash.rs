//! bash's part. The script that comes with `clap_complete` takes bash's own idea of a word, which ends at each `@` and
//! `:`, and so loses groups and addresses.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use clap_complete::engine::complete;
use clap_complete::env::EnvCompleter;

/// Completes in bash, version 4 or later.
pub(super) struct Bash;

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        "bash"
    }

    fn is(&self, name: &str) -> bool {
        name == self.name()
    }

    fn write_registration(
        &self,
        variable: &str,
        name: &str,
        bin: &str,
        completer: &str,
        script: &mut dyn Write,
    ) -> io::Result<()> {
        write!(
            script,
            r#"_{name}() {{
    # Words as blanks part them: those of readline end at '@' and ':' too.
    local words before=${{COMP_LINE:0:COMP_POINT}}
    read -ra words <<< "$before"
    [[ $before == *[[:space:]] ]] && words+=('')
    mapfile -t COMPREPLY < <({variable}=bash {completer} -- "${{words[@]}}")
    # What is put on the line replaces only what follows the last such end.
    local word=${{words[${{#words[@]}}-1]}}
    COMPREPLY=("${{COMPREPLY[@]#"${{word%"$2"}}"}}")
    # Behind a machine of `copy`, or a folder, the word goes on.
    [[ ${{#COMPREPLY[@]}} -eq 1 && ${{COMPREPLY[0]}} == *[:/] ]] && compopt -o nospace 2> /dev/null
    return 0
}}
complete -o default -F _{name} {bin}
"#
        )
    }

    fn write_complete(
        &self,
        command: &mut clap::Command,
        words: Vec<OsString>,
        folder: Option<&Path>,
        answer: &mut dyn Write,
    ) -> io::Result<()> {
        let last = words.len().saturating_sub(1);
        for candidate in complete(command, words, last, folder)? {
            let word = candidate.get_value().to_string_lossy();
            // bash puts it on the line as it is: what it would read as something else is not offered.
            if !word.contains(is_special) {
                writeln!(answer, "{word}")?;
            }
        }
        Ok(())
    }
}

/// Whether bash gives it a meaning, or takes it for the end of a word.
fn is_special(character: char) -> bool {
    let plain = |character: char| character.is_ascii_alphanumeric() || "@%+=_-.,:/".contains(character);
    character.is_whitespace() || character.is_ascii() && !plain(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bash_would_run_or_cut_is_not_offered() {
        let mut command = clap::Command::new("x").arg(clap::Arg::new("name").value_parser([
            "printer",
            "张三",
            "udp://h:1",
            "a b",
            "n[01-40]",
            "$(reboot)",
            "a;b",
            "it's",
            "全角　空",
        ]));
        let mut answer = Vec::new();
        Bash.write_complete(&mut command, vec!["x".into(), "".into()], None, &mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let names: Vec<_> = answer.lines().filter(|word| !word.starts_with('-')).collect();
        assert_eq!(names, ["printer", "张三", "udp://h:1"]);
    }
}
