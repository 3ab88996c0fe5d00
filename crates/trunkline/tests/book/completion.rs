//! Names completed by real shells.

use std::path::Path;
use std::process::Stdio;

use crate::home::{BOOK, Home};

/// Runs a shell in which `trunkline` is this build, and gives what it prints.
#[track_caller]
fn printed(home: &Home, shell: &str, arguments: &[&str]) -> String {
    let folder = Path::new(env!("CARGO_BIN_EXE_trunkline")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let output = home
        .command(shell)
        .args(arguments)
        .env("PATH", path)
        .env("LC_ALL", "C.UTF-8")
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// What bash would offer after `line`: its function is called as bash calls it, with the words as readline breaks them.
fn bash(home: &Home, line: &str) -> Vec<String> {
    let script = r#"
        source <(trunkline completions bash)
        COMP_LINE=$1 COMP_POINT=${#1}
        last=${1##*[[:space:]:@=]}
        _trunkline trunkline "$last" ''
        printf '%s\n' "${COMPREPLY[@]}""#;
    printed(home, "bash", &["--norc", "-c", script, "bash", line]).lines().map(str::to_owned).collect()
}

fn fish(home: &Home, line: &str) -> Vec<String> {
    let script = "trunkline completions fish | source; complete --do-complete $argv[1]";
    let shown = printed(home, "fish", &["--no-config", "-c", script, line]);
    shown.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

/// What stands on zsh's command line after the key was pressed.
fn zsh(home: &Home, line: &str) -> String {
    // Where the key does nothing, or the shell does not come up, the pattern is waited for in vain: hence a limit.
    let script = r#"
        zmodload zsh/zpty
        zpty shell zsh -f
        zpty -w shell 'PS1=; autoload -Uz compinit; compinit -D; source <(trunkline completions zsh)
            show() { print -r -- "<$BUFFER>" }; zle -N show; bindkey "^T" show; print ready-$((1+1))'
        zpty -r shell seen '*ready-2*'
        zpty -w -n shell "$1"$'\t'$'\024'
        zpty -r shell seen '*<*>*'
        print -r -- "${${seen##*<}%%>*}""#;
    printed(home, "timeout", &["60", "zsh", "-f", "-c", script, "zsh", line]).trim_end().to_owned()
}

#[test]
fn bash_completes_names_groups_and_the_last_part_of_a_set() {
    needs!("bash");
    let home = Home::with_book(BOOK);
    assert_eq!(bash(&home, "trunkline connect p"), ["printer"]);
    assert_eq!(bash(&home, "trunkline book show 张"), ["张三"]);
    assert_eq!(bash(&home, "trunkline book show @l"), ["lab"], "what follows the @ is replaced");
    assert_eq!(bash(&home, "trunkline book show printer,n4"), ["printer,n40"]);
    assert_eq!(bash(&home, "trunkline book list n01,-@n"), ["night"]);
    assert_eq!(bash(&home, "trunkline book add x --ssh h --via ga"), ["gate"]);
    assert_eq!(bash(&home, "trunkline serve :9100 forward sc"), ["scale"]);
    assert_eq!(bash(&home, "trunkline bo"), ["book"]);
    assert_eq!(bash(&home, "trunkline log la"), ["last"]);
    assert_eq!(bash(&home, "trunkline log prin"), ["printer"]);
    assert_eq!(bash(&home, "trunkline copy motd n39"), ["n39:"]);
    assert_eq!(bash(&home, "trunkline copy motd n39,@la"), ["lab:"]);
    assert_eq!(bash(&home, "trunkline copy /etc/hostn"), ["/etc/hostname"]);
}

#[test]
fn fish_completes_names_groups_and_the_last_part_of_a_set() {
    needs!("fish");
    let home = Home::with_book(BOOK);
    assert_eq!(fish(&home, "trunkline connect p"), ["printer"]);
    assert_eq!(fish(&home, "trunkline book show @"), ["@lab", "@night"]);
    assert_eq!(fish(&home, "trunkline book show printer,n4"), ["printer,n40"]);
    assert_eq!(fish(&home, "trunkline book show 张"), ["张三"]);
}

#[test]
fn zsh_completes_names_groups_and_the_last_part_of_a_set() {
    needs!("zsh");
    let home = Home::with_book(BOOK);
    assert_eq!(zsh(&home, "trunkline connect p"), "trunkline connect printer");
    assert_eq!(zsh(&home, "trunkline book show @l"), "trunkline book show @lab");
    assert_eq!(zsh(&home, "trunkline book show printer,n4"), "trunkline book show printer,n40");
    assert_eq!(zsh(&home, "trunkline book remove n"), "trunkline book remove n\\[01-40\\]", "quoted for zsh");
}

#[test]
fn a_shell_that_is_not_known_is_an_error_that_names_those_that_are() {
    let error = Home::empty().fails(2, &["completions", "tcsh"]);
    assert!(error.contains("'tcsh' is not a shell known here: write one of bash, zsh, fish"), "{error}");
}

#[test]
fn a_broken_book_completes_nothing_and_says_nothing() {
    needs!("bash");
    let home = Home::with_book("[entry");
    assert_eq!(bash(&home, "trunkline connect p"), [""]);
}
