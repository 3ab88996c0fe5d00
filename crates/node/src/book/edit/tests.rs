use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use super::*;
use crate::book::Book;
use crate::book::entry::{ChatLine, SocketLine, SshLine};
use crate::book::record::{Each, Record};

/// A book as people keep it: comments everywhere, blank lines, spaces, several ways to write the same.
const KEPT: &str = "\
# The book of the lab.   Do not sort!


  [entry.printer]   # first floor
socket   =   'tcp://10.0.0.9:9100'\t# the old one

# --- machines ---
[entry.\"n[01-40]\"]
# they have no names in DNS
ssh = { at = \"10.1.0.[1-40]\",
        user = \"ops\",  # everywhere
      }
note = \"\"\"
two
lines\"\"\"

[entry.gate]
ssh.at = \"gate.lab\"
ssh.user = \"admin\"

[groups]
# everybody but the broken one
lab   = 'n[01-40],-n07'
# the end
";

fn entry(name: &str) -> Record {
    Record::new(name).unwrap()
}

fn with_socket(name: &str, at: &str) -> Record {
    let mut record = entry(name);
    record.socket = Some(SocketLine { at: Each::parse(at, record.names()).unwrap(), framing: None });
    record
}

fn with_ssh(name: &str, at: &str) -> Record {
    let mut record = entry(name);
    let at = Each::parse(at, record.names()).unwrap();
    record.ssh = Some(SshLine { at, charset: None, via: Vec::new() });
    record
}

/// What becomes of a book.
fn edited(before: &str, change: impl FnOnce(&mut Draft) -> Result<(), EditError>) -> Result<String, String> {
    let mut draft = Draft::new(before, Path::new("book.toml")).map_err(|error| error.to_string())?;
    change(&mut draft).and_then(|()| draft.finish()).map_err(|error| error.to_string())
}

fn removed(before: &str, name: &str) -> Result<String, String> {
    edited(before, |draft| draft.remove(name, Force::No))
}

#[test]
fn a_new_entry_comes_at_the_end_and_everything_else_stays() {
    let after = edited(KEPT, |draft| draft.add(&with_socket("scale", "10.0.0.17:4001"), Force::No)).unwrap();
    assert_eq!(after, format!("{KEPT}\n[entry.scale]\nsocket = \"10.0.0.17:4001\"\n"));
    assert_eq!(removed(&after, "scale").unwrap(), KEPT);
}

#[test]
fn a_new_line_comes_behind_the_last_one_of_its_entry() {
    let after = edited(KEPT, |draft| draft.add(&with_ssh("printer", "root@10.0.0.9"), Force::No)).unwrap();
    let line = "socket   =   'tcp://10.0.0.9:9100'\t# the old one\n";
    assert_eq!(after, KEPT.replace(line, &format!("{line}ssh = \"root@10.0.0.9\"\n")));
    let after = edited(KEPT, |draft| draft.add(&with_socket("gate", "gate.lab:80"), Force::No)).unwrap();
    let line = "ssh.user = \"admin\"\n";
    assert_eq!(after, KEPT.replace(line, &format!("{line}socket = \"gate.lab:80\"\n")));
    let mut noted = entry("N[01-40]");
    noted.seat = None;
    noted.socket = with_socket("n[01-40]", "10.1.0.[1-40]:80").socket;
    let after = edited(KEPT, |draft| draft.add(&noted, Force::No)).unwrap();
    let line = "lines\"\"\"\n";
    assert_eq!(after, KEPT.replace(line, &format!("{line}socket = \"10.1.0.[1-40]:80\"\n")));
}

#[test]
fn a_line_that_is_there_is_replaced_only_when_forced() {
    let other = with_socket("printer", "tcp://10.0.0.10:9100");
    assert_eq!(
        edited(KEPT, |draft| draft.add(&other, Force::No)).unwrap_err(),
        "entry.printer.socket is in the book already (line 5)"
    );
    assert_eq!(
        edited(KEPT, |draft| draft.add(&other, Force::Yes)).unwrap(),
        KEPT.replace("'tcp://10.0.0.9:9100'", "\"tcp://10.0.0.10:9100\"")
    );
    assert_eq!(
        edited(KEPT, |draft| draft.add(&with_ssh("gate", "gate"), Force::Yes)).unwrap_err(),
        "entry.gate.ssh (line 18) is not written as in the documentation: change it by hand"
    );
}

#[test]
fn an_entry_is_removed_with_what_is_in_it_and_nothing_else() {
    assert_eq!(
        removed(KEPT, "gate").unwrap(),
        KEPT.replace("[entry.gate]\nssh.at = \"gate.lab\"\nssh.user = \"admin\"\n\n", "")
    );
    let start = KEPT.find("[entry.\"n[").unwrap();
    let end = KEPT.find("[entry.gate]").unwrap();
    let after = edited(KEPT, |draft| draft.remove("n[01-40]", Force::Yes)).unwrap();
    assert_eq!(after, KEPT.replace(&KEPT[start..end], "\n"), "the comment above it stays");
}

#[test]
fn an_entry_in_several_tables_is_removed_with_all_of_them() {
    let before = "[entry.a.ssh]\nat = 'a'\n\n[entry.b]\nssh = {}\n\n[entry.a.chat]\nat = 'a'\n";
    assert_eq!(removed(before, "a").unwrap(), "\n[entry.b]\nssh = {}\n".trim_start());
    let dotted = "entry.a.ssh.at = 'a'\nentry.b.ssh.at = 'b'\nentry.a.note = 'x'\n";
    assert_eq!(removed(dotted, "a").unwrap(), "entry.b.ssh.at = 'b'\n");
    let brief = "[entry]\na = { ssh = 'a' } # one\nb = { ssh = 'b' }\n";
    assert_eq!(removed(brief, "a").unwrap(), "[entry]\nb = { ssh = 'b' }\n");
}

#[test]
fn an_entry_of_tables_of_its_own_gets_a_further_one() {
    let before = "[entry.a.ssh]\nat = 'a'\n";
    let mut both = with_socket("a", "a:80");
    both.note = Some("x".to_owned());
    let after = edited(before, |draft| draft.add(&both, Force::No)).unwrap();
    assert_eq!(after, format!("{before}\n[entry.a]\nsocket = \"a:80\"\nnote = \"x\"\n"));
    let error = edited(before, |draft| draft.add(&with_ssh("a", "b"), Force::No)).unwrap_err();
    assert_eq!(error, "entry.a.ssh is in the book already (line 1)");
}

#[test]
fn what_is_written_in_another_way_than_documented_is_left_to_a_person() {
    let brief = "[entry]\na = { ssh = 'a' }\n";
    let error = edited(brief, |draft| draft.add(&with_socket("a", "a:80"), Force::No)).unwrap_err();
    assert_eq!(error, "entry.a (line 2) is not written as in the documentation: change it by hand");
    let braces = "entry = { a = { ssh = 'a' } }\n";
    let error = removed(braces, "a").unwrap_err();
    assert_eq!(error, "entry (line 1) is not written as in the documentation: change it by hand");
    let error = edited(braces, |draft| draft.add(&with_socket("b", "b:80"), Force::No)).unwrap_err();
    assert_eq!(
        error,
        "the book is left as it is, for with this change it would not load:\n\
         book.toml:3: entry: cannot extend value of type inline table with a dotted key"
    );
}

#[test]
fn lines_end_as_the_others_of_the_file_do() {
    let windows = "\u{feff}# 人\r\n[entry.a]\r\nssh = 'a'\r\n";
    let after = edited(windows, |draft| draft.add(&with_socket("a", "a:80"), Force::No)).unwrap();
    assert_eq!(after, format!("{windows}socket = \"a:80\"\r\n"));
    let after = edited(windows, |draft| draft.add(&with_socket("b", "b:80"), Force::No)).unwrap();
    assert_eq!(after, format!("{windows}\r\n[entry.b]\r\nsocket = \"b:80\"\r\n"));
    assert_eq!(removed(&after, "b").unwrap(), windows);
}

#[test]
fn a_last_line_without_an_end_gets_one() {
    let before = "[entry.a]\nssh = 'a'";
    let after = edited(before, |draft| draft.add(&with_socket("a", "a:80"), Force::No)).unwrap();
    assert_eq!(after, "[entry.a]\nssh = 'a'\nsocket = \"a:80\"\n");
    let after = edited("[entry.a]", |draft| draft.add(&with_socket("a", "a:80"), Force::No)).unwrap();
    assert_eq!(after, "[entry.a]\nsocket = \"a:80\"\n");
    let after = edited("# nobody yet", |draft| draft.add(&entry("张三"), Force::No)).unwrap();
    assert_eq!(after, "# nobody yet\n\n[entry.\"张三\"]\n");
}

#[test]
fn groups_are_added_and_removed() {
    let name = "夜班".parse().unwrap();
    let after = edited(KEPT, |draft| draft.add_group(&name, "@lab,gate", Force::No)).unwrap();
    assert_eq!(after, KEPT.replace("-n07'\n", "-n07'\n\"夜班\" = \"@lab,gate\"\n"));
    assert_eq!(edited(&after, |draft| draft.remove_group("夜班")).unwrap(), KEPT);
    assert_eq!(
        edited(&after, |draft| draft.add_group(&name, "gate", Force::No)).unwrap_err(),
        "groups.\"夜班\" is in the book already (line 24)"
    );
    let forced = edited(&after, |draft| draft.add_group(&name, "gate", Force::Yes)).unwrap();
    assert_eq!(forced, after.replace("@lab,gate", "gate"));
    assert_eq!(
        edited("", |draft| draft.add_group(&name, "n[1-9]", Force::No)).unwrap(),
        "[groups]\n\"夜班\" = \"n[1-9]\"\n"
    );
    assert_eq!(
        edited(KEPT, |draft| draft.remove_group("lap")).unwrap_err(),
        "@lap is not in the book; did you mean @lab?"
    );
    assert_eq!(
        edited(&after, |draft| draft.remove_group("lab")).unwrap_err(),
        "the book is left as it is, for with this change it would not load:\n\
         book.toml:23: groups.\"夜班\": \"@lab,gate\", column 1: there is no group @lab"
    );
    assert_eq!(
        edited(KEPT, |draft| draft.add_group(&name, "@lap", Force::No)).unwrap_err(),
        "the book is left as it is, for with this change it would not load:\n\
         book.toml:24: groups.\"夜班\": \"@lap\", column 1: there is no group @lap; did you mean @lab?"
    );
}

#[test]
fn what_others_name_is_removed_only_when_forced_and_only_if_they_can_do_without() {
    let before = "[entry.gate]\nssh = {}\n[entry.pc]\nssh = { via = 'Gate' }\n[entry.wang]\nseat = 'pc'\n[groups]\na = 'pc'\nb = '@a,-pc'\n";
    assert_eq!(
        removed(before, "pc").unwrap_err(),
        "pc is named by the seat of wang (line 5), @a (line 8): change that first"
    );
    assert_eq!(
        removed(before, "gate").unwrap_err(),
        "gate is named by the way to pc (line 3): change that first"
    );
    let forced = |before: &str, name| edited(before, |draft| draft.remove(name, Force::Yes));
    assert_eq!(
        forced(before, "pc").unwrap_err(),
        "the book is left as it is, for with this change it would not load:\n\
         book.toml:4: entry.wang.seat: 'pc' is not in the book"
    );
    let seatless = before.replace("seat", "note");
    assert_eq!(
        forced(&seatless, "pc").unwrap(),
        seatless.replace("[entry.pc]\nssh = { via = 'Gate' }\n", "")
    );
    assert_eq!(removed(before, "wang").unwrap(), before.replace("[entry.wang]\nseat = 'pc'\n", ""));
}

#[test]
fn one_name_of_a_range_is_not_removed_but_its_own_entry_is() {
    assert_eq!(
        removed(KEPT, "N07").unwrap_err(),
        "n07 is one of n[01-40] (line 8): write the range without it there, and its addresses too, \
         or take it out of your groups with -n07"
    );
    let own = format!("{KEPT}\n[entry.n08]\nssh = 'other'\n");
    assert_eq!(removed(&own, "n08").unwrap(), KEPT, "the group still finds it in the range");
}

#[test]
fn names_are_found_without_regard_to_case_and_width_unless_several_may_be_meant() {
    let before = "[entry.PC]\nssh = 'a'\n";
    assert_eq!(removed(before, "ｐｃ").unwrap(), "");
    let after = edited(before, |draft| draft.add(&with_socket("pc", "a:80"), Force::No)).unwrap();
    assert_eq!(after, "[entry.PC]\nssh = 'a'\nsocket = \"a:80\"\n");
    let two = "[entry.PC]\nssh = 'a'\n[entry.pc]\nssh = 'b'\n";
    assert_eq!(removed(two, "Pc").unwrap_err(), "'Pc' may be PC or pc: spell it as it stands in the book");
    assert_eq!(removed(two, "pc").unwrap(), before);
    assert_eq!(removed(before, "pd").unwrap_err(), "'pd' is not in the book; did you mean PC?");
}

#[test]
fn a_change_that_would_break_the_book_is_not_made() {
    let mut wang = entry("wang");
    wang.seat = Some(Each::parse("pc21", wang.names()).unwrap());
    let error = |record| edited(KEPT, |draft| draft.add(record, Force::No)).unwrap_err();
    assert_eq!(
        error(&wang),
        "the book is left as it is, for with this change it would not load:\n\
         book.toml:27: entry.wang.seat: 'pc21' is not in the book"
    );
    assert_eq!(
        error(&with_ssh("n[40-50]", "a")),
        "the book is left as it is, for with this change it would not load:\n\
         book.toml:26: entry.\"n[40-50]\": n40 lies in n[01-40] too (line 8): a name may lie in one range only"
    );
    let together = edited("", |draft| {
        draft.add(&wang, Force::No)?;
        draft.add(&with_ssh("pc21", "a"), Force::No)
    });
    assert!(together.is_ok(), "what is missing may come with the same change: {together:?}");
}

#[test]
fn a_refused_entry_leaves_nothing_behind_in_the_draft() {
    let after = edited(KEPT, |draft| {
        let mut both = with_socket("printer", "10.0.0.9:80");
        both.ssh = with_ssh("printer", "a").ssh;
        assert!(draft.add(&both, Force::No).is_err());
        draft.add(&entry("b"), Force::No)
    });
    assert_eq!(after.unwrap(), format!("{KEPT}\n[entry.b]\n"));
}

#[test]
fn every_part_of_a_line_is_written_as_documented() {
    let mut record = entry("x");
    let (at, key) = (Each::parse("10.0.0.1", record.names()).unwrap(), "0123456789abcdef".parse().ok());
    record.chat = Some(ChatLine { at, charset: net::charset::Charset::parse("cp936").ok(), key });
    let via = vec!["gate".parse().unwrap(), "u@h:1".parse().unwrap()];
    record.ssh =
        Some(SshLine { at: Each::parse("u@[::1]:2222", record.names()).unwrap(), charset: None, via });
    let framing = net::frame::Framing::parse("!BIH", Some(1)).ok();
    record.socket = Some(SocketLine { at: Each::parse("unix:/run/a 'b'", record.names()).unwrap(), framing });
    record.note = Some("two\nlines \"quoted\"".to_owned());
    let gate = "[entry.gate]\nssh = {}\n";
    let after = edited(gate, |draft| draft.add(&record, Force::No)).unwrap();
    assert_eq!(
        after.strip_prefix(gate).unwrap(),
        r#"
[entry.x]
chat = { at = "10.0.0.1", charset = "gbk", key = "0123456789abcdef" }
ssh = { at = "u@[::1]:2222", via = "gate,u@h:1" }
socket = { address = "unix:/run/a 'b'", frame = "!BIH", length-field = 1 }
note = """
two
lines "quoted""""
"#
    );
    assert_eq!(Book::from_text(&after, Path::new("book.toml")).unwrap().records()[1].value, record);
}

#[test]
fn a_new_book_is_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config/trunkline/book.toml");
    edit(&path, |draft| draft.add(&entry("a"), Force::No)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(fs::read_to_string(&path).unwrap(), "[entry.a]\n");
}

#[test]
fn a_changed_book_keeps_its_mode_and_its_link() {
    let folder = tempfile::tempdir().unwrap();
    let (link, book) = (folder.path().join("book.toml"), folder.path().join("dotfiles/my.toml"));
    fs::create_dir(book.parent().unwrap()).unwrap();
    symlink("dotfiles/my.toml", &link).unwrap();
    edit(&link, |draft| draft.add(&entry("a"), Force::No)).unwrap();
    fs::set_permissions(&book, fs::Permissions::from_mode(0o640)).unwrap();
    edit(&link, |draft| draft.add(&entry("b"), Force::No)).unwrap();
    assert!(link.is_symlink());
    assert_eq!(fs::read_to_string(&book).unwrap(), "[entry.a]\n\n[entry.b]\n");
    assert_eq!(fs::metadata(&book).unwrap().mode() & 0o777, 0o640);
}

#[test]
fn a_link_to_a_book_that_is_not_there_yet_makes_it_where_the_link_leads() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("book.toml");
    symlink("dotfiles/my.toml", &link).unwrap();
    edit(&link, |draft| draft.add(&entry("a"), Force::No)).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("dotfiles/my.toml")).unwrap(), "[entry.a]\n");
    assert!(link.is_symlink());
}

#[test]
fn a_broken_book_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.toml");
    fs::write(&path, "[entry.a]\nsssh = 'a'\n").unwrap();
    let before = fs::metadata(&path).unwrap().ino();
    let error = edit(&path, |draft| draft.add(&entry("b"), Force::No)).unwrap_err().to_string();
    assert!(error.ends_with("book.toml:2: entry.a.sssh: no such key, expected chat, ssh, socket, seat or note; did you mean ssh?"), "{error}");
    assert_eq!(fs::metadata(&path).unwrap().ino(), before);
}

#[test]
fn a_change_that_changes_nothing_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.toml");
    fs::write(&path, KEPT).unwrap();
    let before = fs::metadata(&path).unwrap().ino();
    let count = edit(&path, |draft| Ok::<_, EditError>(draft.book().records().len())).unwrap();
    assert_eq!((count, fs::metadata(&path).unwrap().ino()), (3, before));
}

#[test]
fn what_a_killed_writer_left_is_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".book.toml.new"), "[entry.half").unwrap();
    let path = folder.path().join("book.toml");
    edit(&path, |draft| draft.add(&entry("a"), Force::No)).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "[entry.a]\n");
    assert!(!folder.path().join(".book.toml.new").exists());
}
