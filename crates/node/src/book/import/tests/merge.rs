use super::*;
use crate::book::{Book, edit};

/// Merges an import into a book with this text, and gives the book's new text with what became of the import.
fn merge(book: &str, format: Format, text: &str) -> (String, Merged) {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "book.toml", book);
    let import = Import::parse(Path::new("file"), text, Some(format));
    let merged = edit(&path, |draft| import.merge_into(draft)).unwrap();
    Book::load(&path).unwrap();
    (std::fs::read_to_string(&path).unwrap(), merged)
}

/// What became of it: added, known and differing.
fn told(merged: &Merged) -> [String; 3] {
    let with_groups = |machines: &NameSet, groups: &[Name]| {
        let groups = groups.iter().map(|group| format!(" @{group}")).collect::<String>();
        format!("{machines}{groups}")
    };
    let difference = |Difference { what, book, file }: &Difference| format!("{what}: {book} | {file}");
    [
        with_groups(&merged.added, &merged.added_groups),
        with_groups(&merged.known, &merged.known_groups),
        merged.differing.iter().map(difference).collect::<Vec<_>>().join("\n"),
    ]
}

const INVENTORY: &str =
    "[lab]\nn[01:40] ansible_user=ops\nn07 ansible_host=10.0.0.7\n[night:children]\nlab\n";

#[test]
fn what_the_book_does_not_have_is_added_and_the_second_time_nothing_changes() {
    let (book, merged) = merge("# mine\n", Format::Ansible, INVENTORY);
    assert_eq!(
        book,
        "# mine\n\n[entry.\"n[01-06,08-40]\"]\nssh = \"ops@n[01-06,08-40]\"\n\n[entry.n07]\nssh = \"ops@10.0.0.7\"\n\n\
         [groups]\nlab = \"n[01-40]\"\nnight = \"@lab\"\n"
    );
    assert_eq!(told(&merged), ["n[01-40] @lab @night", "", ""]);
    let (again, merged) = merge(&book, Format::Ansible, INVENTORY);
    assert_eq!(again, book);
    assert_eq!(told(&merged), ["", "n[01-40] @lab @night", ""]);
}

#[test]
fn what_the_book_has_in_another_way_stays_as_it_is() {
    let book = "[entry.\"n[01-10]\"]\nssh = \"me@n[01-10]\"\n\n[entry.n07]\nssh = \"ops@10.0.0.7:22\"\n\n\
                [groups]\nlab = \"n[01-39]\"\nnight = \"n[01-40]\"\n";
    let (after, merged) = merge(book, Format::Ansible, INVENTORY);
    assert_eq!(
        told(&merged),
        [
            "n[11-40]",
            "n07 @night",
            "n01: me@n01 | ops@n01\nn02: me@n02 | ops@n02\nn03: me@n03 | ops@n03\nn04: me@n04 | ops@n04\n\
             n05: me@n05 | ops@n05\nn06: me@n06 | ops@n06\nn08: me@n08 | ops@n08\nn09: me@n09 | ops@n09\n\
             n10: me@n10 | ops@n10\n@lab: n[01-39] | n[01-40]",
        ]
    );
    let added = "\n[entry.\"n[11-40]\"]\nssh = \"ops@n[11-40]\"\n";
    assert_eq!(after, format!("{book}{added}"));
}

#[test]
fn a_file_that_has_only_names_differs_from_no_entry() {
    let book = "[entry.PC1]\nssh = \"admin@10.0.0.1:2222\"\n";
    let (after, merged) = merge(book, Format::List, "pc[1-3]\n");
    assert_eq!(told(&merged), ["pc[2-3] @file", "pc1", ""]);
    assert_eq!(
        after,
        format!("{book}\n[entry.\"pc[2-3]\"]\nssh = \"pc[2-3]\"\n\n[groups]\nfile = \"pc[1-3]\"\n")
    );
}

#[test]
fn who_is_in_the_book_without_an_ssh_line_gets_one() {
    let book = "[entry.\"n[1-3]\"]\nchat = \"10.0.0.[1-3]\"\n\n[entry.anna]\nnote = \"her desk\"\n";
    let (after, merged) = merge(book, Format::List, "n[2-5] anna\n");
    assert_eq!(told(&merged)[0], "anna,n[2-5] @file");
    let book = Book::from_text(&after, Path::new("book.toml")).unwrap();
    for name in ["n2", "n3", "n4", "anna"] {
        assert!(book.look_up(name).unwrap().ssh.is_some(), "{name} in {after}");
    }
    assert!(book.look_up("n2").unwrap().chat.is_some());
}

#[test]
fn a_range_that_is_too_long_to_be_a_name_becomes_several() {
    let odd: String = (0..500).map(|number| format!("n{}\n", 2 * number + 1)).collect();
    let (after, merged) = merge("", Format::List, &odd);
    assert_eq!(merged.added.len(), 500);
    let book = Book::from_text(&after, Path::new("book.toml")).unwrap();
    assert!(book.records().len() < 20, "{after}");
    assert!(book.look_up("n999").unwrap().ssh.is_some());
}
