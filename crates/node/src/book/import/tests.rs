use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::*;
use crate::book::{Name, NameSet};

mod ansible;
mod clustershell;
mod lists;
mod merge;

/// Each machine as `NAMES LOGIN`, each group as `@NAME = SET`, and the notes.
fn shown(import: &Import) -> Vec<String> {
    let records = import.machines.iter().flat_map(Machines::records);
    let machines = records.map(|record| format!("{} {}", record.names(), record.ssh.as_ref().unwrap().at));
    let groups = import.groups.iter().map(|group| format!("@{} = {}", group.name, group.expression));
    machines.chain(groups).chain(import.notes.iter().map(ToString::to_string)).collect()
}

#[track_caller]
fn check(format: Format, text: &str, expected: &[&str]) {
    assert_eq!(shown(&Import::parse(Path::new("file"), text, Some(format))), expected);
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file
}

#[test]
fn a_text_is_taken_for_the_first_format_of_which_it_has_a_line() {
    for (text, format) in [
        ("n01\n[web]\nn02\n", Format::Ansible),
        ("n01 ansible_host=10.0.0.1\n", Format::Ansible),
        ("[web:children] # c\nx\n", Format::Ansible),
        ("# c\n---\nroles:\n", Format::Clustershell),
        ("roles:\n  adm: n1\n", Format::Clustershell),
        ("adm: n1\nall: n[1-3] n5\n", Format::ClustershellText),
        ("adm:n1", Format::ClustershellText),
        ("n1\nn[2-3]  all,eth=e%n\n", Format::Genders),
        ("n1\n# c d\nn[2-3],n5\n[4-5]x\n", Format::List),
        ("", Format::List),
    ] {
        assert_eq!(Format::guess(text), format, "{text:?}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    std::fs::write(file("gbk"), b"n1 \xc4\xe3\n").unwrap();
    std::fs::write(file("good"), "\u{feff}n1\n").unwrap();
    let import = Import::read(&[file("gbk"), file("none"), "/dev/zero".into(), file("good")], None);
    let shown: Vec<String> =
        shown(&import).iter().map(|line| line.replace(folder.path().to_str().unwrap(), "")).collect();
    assert_eq!(
        shown,
        [
            "n1 n1",
            "@good = n1",
            "/dev/zero: it has more than 16777216 bytes, and is not read",
            "/gbk: it is not UTF-8: convert it first, as with iconv -f gbk -t utf-8",
            "/none: No such file or directory (os error 2)",
        ]
    );
}

#[test]
fn files_know_each_others_groups_and_the_first_of_a_name_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("roles.yaml", "roles:\n  io: '@racks:r1,x9'\n  all: x9\n"),
        ("racks.yaml", "racks:\n  r1: x[1-2]\n  all: '@r1'\n"),
    ]
    .map(|(name, text)| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    });
    let shown = shown(&Import::read(&files, None));
    assert_eq!(shown[..4], ["x[1-2,9] x[1-2,9]", "@io = @r1,x9", "@all = x9", "@r1 = x[1-2]"]);
    assert!(
        shown[4].ends_with("racks.yaml:3: all: there is another group of this name, read before"),
        "{shown:?}"
    );
}

proptest! {
    #[test]
    fn any_text_is_read_in_every_format(
        text in r"(\[?[a-z@]{0,2}(\[[0-9a-c:,-]{0,5}\])?[=: ,!%#]?(ansible_port=|- |  )?[a-z1-9]?\n?|\PC){0,60}"
    ) {
        for format in [Format::Ansible, Format::Clustershell, Format::ClustershellText, Format::Genders, Format::List] {
            let import = Import::parse(Path::new("file"), &text, Some(format));
            for machines in &import.machines {
                let names: usize = machines.records().iter().map(|record| record.names().len()).sum();
                prop_assert_eq!(names, machines.names.len(), "no name is lost");
            }
        }
    }
}
