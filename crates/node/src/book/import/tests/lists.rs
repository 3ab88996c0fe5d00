//! pdsh's lists and genders, held against `pdsh` and `nodeattr`.

use std::process::Command;

use super::*;

#[test]
fn a_list_is_a_group_with_the_name_of_its_file() {
    check(
        Format::List,
        "# the rack\nn[01-03], n05 # two\n\n root@n07\nssh:u@m[1-2]\nn04\n",
        &["n[01-05] n[01-05]", "n07 root@n07", "m[1-2] u@m[1-2]", "@file = m[1-2],n[01-05,07]"],
    );
}

#[test]
fn a_list_may_include_a_group_but_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let files = [("lab", "#include night\nn1\n#include /etc/hosts.list\n"), ("night", "n[2-3]\n")];
    let files = files.map(|(name, text)| write(folder.path(), name, text));
    let shown = shown(&Import::read(&files, None));
    assert_eq!(shown[..3], ["n[1-3] n[1-3]", "@lab = @night,n1", "@night = n[2-3]"]);
    assert!(
        shown[3].ends_with(
            "/lab:3: #include /etc/hosts.list: files are not included here: give it to the import too"
        ),
        "{shown:?}"
    );
    check(
        Format::List,
        "n1\n#include nihgt\n",
        &["n1 n1", "file:1: file: @file = \"n1,@nihgt\", column 4: there is no group @nihgt"],
    );
}

#[test]
fn a_line_that_names_no_machine_costs_only_itself() {
    check(
        Format::List,
        "n1\nn[2-\na/b\nn[5-3]\nx:1\n-n1\n[u]@n3\nn4,n4\n-o@n5\n",
        &[
            "n[1,3-5] n[1,3-5]",
            "@file = n[1,3-5]",
            "file:2: n[2-: the bracket is not closed: write ] after its last number, as in n[01-40]",
            "file:3: a/b: 'a/b' has '/' in it, which sets, addresses and user@host are made of: leave it out",
            "file:4: n[5-3]: the range 5-3 runs backwards: write 3-5",
            "file:5: x:1: 'x:1' has ':' in it, which sets, addresses and user@host are made of: leave it out",
            "file:6: -n1: a set does not begin with -, which takes away from what stands before it, as in n[1-9],-n7",
            "file:7: n3: [u] is no user: a user has no brackets",
            "file:9: n5: '-o' is no user: a user has no spaces and does not begin with '-'",
        ],
    );
}

#[test]
fn who_is_reached_in_two_ways_keeps_the_first_and_too_many_are_left_out() {
    check(
        Format::List,
        "a@n1\nb@n[1-2]\nn1\nu@m[1-100000]\n",
        &[
            "m[1-100000] m[1-100000]",
            "n1 a@n1",
            "n2 b@n2",
            "@file = m[1-100000],n[1-2]",
            "file:2: n1: another user, host or port was read for it before, and is kept",
            "file:4: m[1-100000]: more than 100000 machines have a user, a host or a port: its own are left out",
        ],
    );
}

#[test]
fn genders_make_a_group_of_each_attribute_and_of_each_value() {
    check(
        Format::Genders,
        "# all of them\nn[1-4],gate\tall,cpus=8,eth=e%n,rate=5%%  # c\nn[3-4] io\nn5\nn6 cpus=4,altname=m6\n",
        &[
            "gate gate",
            "n[1-6] n[1-6]",
            "@all = gate,n[1-4]",
            "@cpus = gate,n[1-4,6]",
            "@cpus=4 = n6",
            "@cpus=8 = gate,n[1-4]",
            "@eth = gate,n[1-4]",
            "@io = n[3-4]",
            "@rate = gate,n[1-4]",
            "@rate=5% = gate,n[1-4]",
            "file:5: altname=m6: a machine has one name in the book: its second one is left out",
        ],
    );
}

#[test]
fn what_is_wrong_in_genders_is_noted() {
    check(
        Format::Genders,
        "n1 a, b\nn[1- a\nn2 a,,x:y,all\nn3 a@b=1\n",
        &[
            "n[1-3] n[1-3]",
            "@a = n[1-2]",
            "@all = n2",
            "file:1: b: no blanks stand between attributes: this and what follows is left out",
            "file:2: n[1-: the bracket is not closed: write ] after its last number, as in n[01-40]",
            "file:3: x:y: 'x:y' has ':' in it, which sets, addresses and user@host are made of: leave it out",
            "file:4: a@b: 'a@b' has '@' in it, which sets, addresses and user@host are made of: leave it out",
            "file:4: a@b=1: 'a@b=1' has '@' in it, which sets, addresses and user@host are made of: leave it out",
        ],
    );
}

#[test]
fn lists_have_the_hosts_that_pdsh_finds() {
    needs!("pdsh");
    let folder = tempfile::tempdir().unwrap();
    for (number, text) in [
        "n1\n",
        "# c\n n[01-03] \nm[1-2]x[1-2] # c\n\n",
        "n[1-3,7,9-11],gate\n10.0.0.1 a.lab\n",
        "u@n[1-2]\nn5,root@n6#x\n",
        "n[08-12]-ib\nn008\nn8\n",
    ]
    .into_iter()
    .enumerate()
    {
        let file = write(folder.path(), &number.to_string(), text);
        let import = Import::read(std::slice::from_ref(&file), Some(Format::List));
        let theirs = output("pdsh", &["-R", "exec", "-Q", "-w", &format!("^{}", file.display())]);
        let theirs = theirs.lines().last().unwrap().split(',').map(|host| host.rsplit('@').next().unwrap());
        assert_eq!(import.groups[0].members, NameSet::of(theirs).unwrap(), "{text}");
        assert_eq!(import.notes, []);
    }
}

#[test]
fn genders_have_the_groups_that_nodeattr_finds() {
    needs!("nodeattr");
    let config = ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() };
    // For each attribute, the nodes from one number to the next have a value, or the attribute alone.
    let value = proptest::option::of(proptest::sample::select(vec!["1", "2", "e%n", "5%%"]));
    let spans = proptest::collection::vec((1..9_u32, value), 0..4);
    TestRunner::new(config)
        .run(&proptest::collection::vec(spans, 1..5), |attributes| {
            let mut text = "n1 first,always=%n # c\n".to_owned();
            for (attribute, spans) in (b'a'..).map(char::from).zip(attributes) {
                let mut from = 1;
                for (length, value) in spans {
                    let (last, value) =
                        (from + length, value.map_or(String::new(), |value| format!("={value}")));
                    text += &format!("n[{from}-{last}],m{from} \t{attribute}{value}\n");
                    from = last + 1;
                }
            }
            let folder = tempfile::tempdir().unwrap();
            let file = write(folder.path(), "genders", &text);
            let import = Import::read(std::slice::from_ref(&file), None);
            prop_assert_eq!(&import.notes, &[]);
            let ask = |arguments: &[&str]| {
                output("nodeattr", &[&["-f", file.to_str().unwrap()], arguments].concat())
            };
            for group in &import.groups {
                let theirs = ask(&["-n", group.name.as_str()]);
                prop_assert_eq!(
                    &group.members,
                    &NameSet::of(theirs.lines()).unwrap(),
                    "{} of {}",
                    &group.name,
                    text
                );
            }
            let attributes: Vec<String> =
                ask(&["-l"]).lines().map(|line| line.split('=').next().unwrap().to_owned()).collect();
            for attribute in attributes {
                prop_assert!(
                    import.groups.iter().any(|group| group.name.as_str() == attribute),
                    "{}",
                    attribute
                );
            }
            Ok(())
        })
        .unwrap();
}

/// The standard output of a program that does what it is asked.
fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
