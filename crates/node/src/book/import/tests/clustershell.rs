//! Groups of clustershell, held against `nodeset`.

use std::collections::BTreeMap;
use std::process::Command;

use super::*;

#[test]
fn yaml_has_sources_with_groups_that_name_each_other() {
    check(
        Format::Clustershell,
        "# roles\n\
         roles:\n\
         \x20   adm: 'example0'\n\
         \x20   io: '@racks:rack2,example2'\n\
         \x20   compute: \"@racks:rack[3-4]\"\n\
         \x20   none: ''\n\
         racks:\n\
         \x20   rack2: example[4-5]\n\
         \x20   rack3: 'example[32-159] example7'\n\
         \x20   rack4: [ 'example[156-159]', 'example200,example[201-206]' ]  # c\n\
         \x20   rack5:\n\
         \x20     - example[300-303]\n\
         \x20     - 'example302'\n\
         \x20   gpu: '@rack4&@roles:compute'\n\
         \x20   odd: 'a[1-3]!a2'\n",
        &[
            "a[1,3] a[1,3]",
            "example[0,2,4-5,7,32-159,200-206,300-303] example[0,2,4-5,7,32-159,200-206,300-303]",
            "@adm = example0",
            "@io = @rack2,example2",
            "@compute = @rack[3-4]",
            "@none = ",
            "@rack2 = example[4-5]",
            "@rack3 = example[7,32-159]",
            "@rack4 = example[156-159,200-206]",
            "@rack5 = example[300-303]",
            "@gpu = @rack4&@compute",
            "@odd = a[1,3]",
        ],
    );
}

#[test]
fn the_text_form_has_a_group_on_each_line() {
    check(
        Format::ClustershellText,
        "# c\nadm: example0\noss: example4 example5 # c\nmds:example[6-7]\nio: @oss,@local:mds\nempty:\n",
        &[
            "example[0,4-7] example[0,4-7]",
            "@adm = example0",
            "@oss = example[4-5]",
            "@mds = example[6-7]",
            "@io = @oss,@mds",
            "@empty = ",
        ],
    );
}

#[test]
fn what_is_no_group_is_noted_and_costs_only_itself() {
    check(
        Format::Clustershell,
        "a:\n\
         \x20 map:\n\
         \x20   x: &x [1, {y: z}]\n\
         \x20 list: [n1, [n2, n3], {n: 4}, n5]\n\
         \x20 null:\n\
         \x20 alias: *x\n\
         \x20 later: n9\n\
         \x20 [1, 2]: n1\n\
         b: n1\n\
         c: [n1]\n\
         d:\n\
         \x20 a/b: n1\n\
         \x20 other: '@nobody'\n\
         \x20 all: '@*'\n\
         \x20 me: '@you'\n\
         \x20 you: '@me'\n\
         \x20 set: n[1-\n\
         \x20 space: 'n1 n2!n1'\n\
         \x20 name: 'n1,a/b'\n\
         \x20 later: n10\n\
         \x20 far: '@a:later'\n\
         \x20 wrong: '@d:later'\n\
         ---\n\
         e:\n\
         \x20 last: n1\n",
        &[
            "n[1,5,9] n[1,5,9]",
            "@list = n[1,5]",
            "@later = n9",
            "@far = @later",
            "file:3: map: a group is a set, or a list of sets",
            "file:4: list: in this list stand sets",
            "file:4: list: in this list stand sets",
            "file:5: a name stands before the colon",
            "file:6: alias: a group is a set, or a list of sets",
            "file:8: a name stands before the colon",
            "file:9: n1: a source has groups below it, as GROUP: NODES",
            "file:10: c: a source has groups below it, as GROUP: NODES",
            "file:12: a/b: 'a/b' has '/' in it, which sets, addresses and user@host are made of: leave it out",
            "file:13: other: @other = \"@nobody\", column 1: there is no group @nobody",
            "file:14: all: @all = \"@*\", column 1: there is no group @*",
            "file:15: me: @you = \"@me\", column 1: the groups name each other in a circle: @me -> @you -> @me",
            "file:16: you: @me = \"@you\", column 1: the groups name each other in a circle: @you -> @me -> @you",
            "file:17: set: @set = \"n[1-\", column 2: the bracket is not closed: write ] after its last number, as in n[01-40]",
            "file:18: n1 n2!n1: what stands behind a blank is a set of its own here: write it before the blank",
            "file:19: name: 'a/b' has '/' in it, which sets, addresses and user@host are made of: leave it out",
            "file:20: later: there is another group of this name, read before",
            "file:22: wrong: @d:later is not here: @later is that of another source",
            "file:24: only the first document of a file is read",
        ],
    );
    check(
        Format::Clustershell,
        "a:\n  one: n1\n  two: [n2, 'n3\n",
        &[
            "n1 n1",
            "@one = n1",
            "file:3: it is not YAML from here on: while scanning a quoted scalar, found unexpected end of stream",
        ],
    );
    check(Format::Clustershell, "- n1\n", &["file:1: a file has sources, each with its groups below it"]);
    check(
        Format::ClustershellText,
        "adm n1\n: n2\n",
        &["file:1: adm n1: a line is GROUP: NODES", "file:2: a name is empty: write at least one character"],
    );
}

#[test]
fn yaml_made_to_be_large_or_deep_is_not() {
    let deep = format!("a:\n  b: {}\n", "[".repeat(100_000));
    assert_eq!(Import::parse(Path::new("x"), &deep, Some(Format::Clustershell)).groups, []);
    let laughs = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd:\n  e: *c\n";
    let import = Import::parse(Path::new("x"), laughs, Some(Format::Clustershell));
    assert_eq!(import.groups, []);
    assert_eq!(import.notes.len(), 4, "{:?}", import.notes);
}

#[test]
fn groups_have_the_members_that_nodeset_finds() {
    needs!("nodeset");
    let example = "roles:\n  adm: 'example0'\n  io: '@racks:rack2,example2'\n  compute: '@racks:rack[3-4]'\n  \
        gpu: '@racks:rack4'\nracks:\n  rack1: 'example[0,2]'\n  rack2: 'example[4-5]'\n  rack3: 'example[32-159]'\n  \
        rack4: 'example[156-159]'\n  old: '@rack[1,3]'\n  new: '@rack[2,4]'\n  rack5:\n    - 'example[200-205]'  # c\n    \
        - 'example245'\n    - 'example300,example[401-406]'\ncpu:\n  ivy: 'example[32-63]'\n  hsw: '@roles:compute!@ivy'\n";
    agree("x.yaml", example).unwrap();
    agree("local.cfg", "# c\nadm: a0\noss: a4  a[05-06]\nio:@oss,@local:adm\nsome: @io!a4 b\n").unwrap();
    let config = ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config).run(&yaml(), |text| agree("x.yaml", &text)).unwrap();
}

/// Three sources with three groups each; a group names only those before it.
fn yaml() -> impl Strategy<Value = String> {
    let nodes = proptest::sample::select(vec!["n1", "n[1-5]", "n[03-07]", "n[2-9/3]", "a,b", "r[1-2]n[1-3]"]);
    let operator = proptest::sample::select(vec![",", "!", "&", "^", " "]);
    let operand = (nodes, proptest::option::of(any::<prop::sample::Index>()), any::<bool>());
    let group = (proptest::collection::vec((operator, operand), 1..4), any::<bool>());
    proptest::collection::vec(group, 9).prop_map(|groups| {
        let mut text = String::new();
        let is_open = |set: &str, operator: &str| operator != " " && set.contains(' ');
        for (number, (operands, is_list)) in groups.into_iter().enumerate() {
            let mut set = String::new();
            for (operator, (nodes, group, qualified)) in operands {
                let operand = match group.filter(|_| number > 0).map(|index| index.index(number)) {
                    Some(other) if qualified || other / 3 != number / 3 => {
                        format!("@s{}:g{other}", other / 3)
                    }
                    Some(other) => format!("@g{other}"),
                    None => nodes.to_owned(),
                };
                // Behind a blank a set of its own begins, which we leave to the person.
                let operator = if is_open(&set, operator) && operator != "," { "," } else { operator };
                set += if set.is_empty() { "" } else { operator };
                set += &operand;
            }
            if number % 3 == 0 {
                text += &format!("s{}:\n", number / 3);
            }
            let set =
                if is_list { format!("[\"{}\"]", set.replace(',', "\", \"")) } else { format!("'{set}'") };
            text += &format!("  g{number}: {set}\n");
        }
        text
    })
}

fn agree(name: &str, text: &str) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let groups = folder.path().join("groups.d");
    std::fs::create_dir(&groups).unwrap();
    write(folder.path(), "groups.conf", "[Main]\ndefault: local\nautodir: $CFGDIR/groups.d\n");
    write(&groups, "local.cfg", "");
    let file = write(&groups, name, text);
    let output =
        Command::new("nodeset").arg("-LL").env("CLUSTERSHELL_CFGDIR", folder.path()).output().unwrap();
    prop_assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs = String::from_utf8(output.stdout).unwrap();
    let theirs: BTreeMap<&str, NameSet> = theirs
        .lines()
        .filter_map(|line| {
            let (group, nodes) = line.strip_prefix('@')?.split_once(' ').unwrap_or((&line[1..], ""));
            Some((group.split_once(':').map_or(group, |(_, name)| name), NameSet::of(items(nodes)).unwrap()))
        })
        .collect();
    let import = Import::read(&[file], None);
    prop_assert_eq!(&import.notes, &[]);
    let ours = import.groups.iter().map(|group| (group.name.as_str(), group.members.clone())).collect();
    prop_assert_eq!(theirs, ours, "{}", text);
    Ok(())
}
