//! Inventories, held against `ansible-inventory`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use super::*;
use crate::book::Login;

const INVENTORY: &str = "\
# by hand
lone ansible_port=2201
web1:2222 ansible_user=w http_port=80 note='a # b'   # c
[web]
web1
n[01:03] ansible_host=10.0.0.9
x[a:c]-[1:2] ansible_ssh_user=\"d\"
v[1:9:4]
[db]
db1 ansible_ssh_host=h1 ansible_host=h2
db[2:4] ansible_port=5 ansible_ssh_port=6
[prod:children]
web
db # c
[z_above:children]
web

[a_above:children]
prod
[empty]
; semicolons too
[prod:vars]
ansible_user=prod
ansible_port=22
[a_above:vars]
ansible_user=a
ansible_host=\"above\"
[z_above:vars]
ansible_ssh_user='z'
[db:vars]
ansible_user = \"dba\"
[all:vars]
ansible_user=anybody
ansible_port=1
[ungrouped:vars]
ansible_user=nobody
[web:vars]
hello=world
";

#[test]
fn an_inventory_has_hosts_groups_and_how_they_are_reached() {
    check(
        Format::Ansible,
        INVENTORY,
        &[
            "xa-[1-2] d@above:22",
            "xb-[1-2] d@above:22",
            "xc-[1-2] d@above:22",
            "db[2-4] dba@above:6",
            "db1 dba@h1:22",
            "lone nobody@lone:2201",
            "n[01-03] z@10.0.0.9:22",
            "v[1,5,9] z@above:22",
            "web1 z@above:2222",
            "@a_above = @prod",
            "@db = db[1-4]",
            "@empty = ",
            "@prod = @web,@db",
            "@web = n[01-03],v[1,5,9],web1,xa-[1-2],xb-[1-2],xc-[1-2]",
            "@z_above = @web",
        ],
    );
}

#[test]
fn what_the_book_has_no_place_for_is_noted() {
    check(
        Format::Ansible,
        "[web]\n\
         n1 ansible_connection=local ansible_port=http x=y\n\
         n2 ansible_password=secret ansible_host={{address}}\n\
         n3 'open\n\
         u@n4\n\
         n[1:\n\
         n[3:1]\n\
         n[x:y:0] z=1\n\
         n[a:]\n\
         n[01:100]\n\
         n[1:2][1:2]\n\
         [::1]:22\n\
         n5 ansible_user='a b' pass word=x\n\
         [web:vars]\n\
         ansible_ssh_common_args=-o ProxyJump=gate\n\
         ansible_become_password: secret\n\
         [no such group]\n\
         n6\n\
         [web:what]\n\
         n7\n\
         [db:children]\n\
         web\n\
         nobody\n\
         [ghost:vars]\n\
         ansible_user=boo\n\
         [a:children]\n\
         b\n\
         [b:children]\n\
         a\n",
        &[
            "n[1-2,5] n[1-2,5]",
            "@db = @web",
            "@web = n[1-2,5]",
            "file:2: ansible_connection: the book has no place for this variable",
            "file:2: ansible_port: http is not a port: a port is a number from 1 to 65535",
            "file:3: ansible_password: the book has no place for this variable",
            "file:3: ansible_host: templates are not evaluated",
            "file:4: n3: a quote is not closed on this line",
            "file:5: u@n4: 'u@n4' has '@' in it, which sets, addresses and user@host are made of: leave it out",
            "file:6: n[1:: a bracket is not closed",
            "file:7: n[3-1]: the range 3-1 runs backwards: write 1-3",
            "file:8: n[x:y:0]: [x:y:0] is no range: write [FIRST:LAST] or [FIRST:LAST:STEP]",
            "file:9: n[a:]: [a:] is no range: write [FIRST:LAST] or [FIRST:LAST:STEP]",
            "file:10: n[01:100]: 01 and 100 need the same number of digits",
            "file:11: n[1-2][1-2]: where a number ends cannot be told: between two ranges write something that is no digit, as in [1-3]-[1-4]",
            "file:12: ::1: '::1' has ':' in it, which sets, addresses and user@host are made of: leave it out",
            "file:13: n5: behind a host stands NAME=VALUE; a word that is not is left out",
            "file:13: n5: 'a b' is no user: a user has no spaces and does not begin with '-'",
            "file:15: ansible_ssh_common_args: the book has no place for this variable",
            "file:16: ansible_become_password: a variable is NAME=VALUE",
            "file:17: [no such group]: a section is [GROUP], [GROUP:children] or [GROUP:vars]: this one is left out",
            "file:19: [web:what]: a section is [GROUP], [GROUP:children] or [GROUP:vars]: this one is left out",
            "file:23: nobody: there is no such group here",
            "file:24: ghost: these are variables of a group that is not here",
            "file:26: a: @b = \"@a\", column 1: the groups name each other in a circle: @a -> @b -> @a",
            "file:28: b: @a = \"@b\", column 1: the groups name each other in a circle: @b -> @a -> @b",
        ],
    );
}

#[test]
fn inventories_made_to_be_large_are_cut_with_a_note() {
    let letters = format!("{}x\n", "[a:Z]".repeat(9));
    check(
        Format::Ansible,
        &letters,
        &["file:1: [a:Z][a:Z][a:Z][a:Z][a:Z][a:Z][a:Z][a:Z][a:Z]x: its letters make more than 1000 hosts"],
    );
    let import = Import::parse(Path::new("x"), &format!("n{}\n", "[1:2]-".repeat(17)), Some(Format::Ansible));
    assert!(import.notes[0].to_string().ends_with("it has more than 16 ranges"), "{:?}", import.notes);
    check(
        Format::Ansible,
        "n[1:200000]\nm[1:200000]\n",
        &[
            "n[1-200000] n[1-200000]",
            "file:2: m[1-200000]: in all, hosts stand in groups more than 300000 times",
        ],
    );
}

#[test]
fn inventories_mean_what_they_mean_to_ansible() {
    needs!("ansible-inventory");
    agree(INVENTORY).unwrap();
    let config = ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config).run(&inventory(), |text| agree(&text)).unwrap();
}

/// Five groups, each with hosts, variables and groups behind it as children.
fn inventory() -> impl Strategy<Value = String> {
    let select = |words: &'static [&'static str]| proptest::sample::select(words);
    let hosts = select(&["n1", "n[1:4]", "n[02:08:3]", "m[a:c]:99", "m[b:b]", "n3:7"]);
    let variable = || {
        (select(&["host", "ssh_host", "port", "ssh_port", "user", "ssh_user"]), 1..9_u8)
            .prop_map(|(name, value)| format!("ansible_{name}={value}"))
    };
    let variables = || proptest::collection::vec(variable(), 0..3);
    let host = (hosts, variables()).prop_map(|(hosts, variables)| format!("{hosts} {}", variables.join(" ")));
    let group =
        (proptest::collection::vec(host, 0..3), variables(), proptest::collection::vec(any::<bool>(), 5));
    (proptest::collection::vec(group, 5), variables()).prop_map(|(groups, of_all)| {
        let mut text = format!("[all:vars]\n{}\n", of_all.join("\n"));
        // The names do not count down as the groups do.
        let name = |number: usize| ["gc", "ga", "ge", "gb", "gd"][number];
        for (number, (hosts, variables, children)) in groups.into_iter().enumerate() {
            let group = name(number);
            let children = (number + 1..5).filter(|child| children[*child]).map(name).collect::<Vec<_>>();
            text += &format!("[{group}]\n{}\n[{group}:vars]\n{}\n", hosts.join("\n"), variables.join("\n"));
            text += &format!("[{group}:children]\n{}\n", children.join("\n"));
        }
        text
    })
}

fn agree(text: &str) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "hosts", text);
    let output = Command::new("ansible-inventory")
        .args(["--list", "--inventory"])
        .arg(&file)
        .env("HOME", folder.path())
        .env("ANSIBLE_LOCAL_TEMP", folder.path())
        .current_dir(folder.path())
        .output()
        .unwrap();
    prop_assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs: Value = serde_json::from_slice(&output.stdout).unwrap();

    let import = Import::read(&[file], None);
    prop_assert_eq!(&import.notes, &[], "{}", text);
    let mut ours = BTreeMap::new();
    for machines in &import.machines {
        ours.extend(
            machines
                .names
                .iter()
                .map(|name| (machines.reach.login(&name), name))
                .map(|(login, name)| (name, login)),
        );
    }
    prop_assert_eq!(&ours, &logins(&theirs), "{}", text);
    let groups: BTreeMap<String, BTreeSet<String>> =
        import.groups.iter().map(|group| (group.name.to_string(), group.members.iter().collect())).collect();
    for (name, members) in &groups {
        prop_assert_eq!(members, &members_of(&theirs, name), "{} of {}", name, text);
    }
    let named = theirs
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| !["_meta", "all", "ungrouped"].contains(&name.as_str()));
    for name in named {
        prop_assert!(groups.contains_key(name), "{} of {}", name, text);
    }
    Ok(())
}

/// How Ansible reaches each host, by the order of its ssh plugin's options.
fn logins(inventory: &Value) -> BTreeMap<String, Login> {
    let login = |(name, variables): (&String, &Value)| {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let last = |names: [&str; 2]| names.iter().rev().find_map(|name| variables.get(name)).map(text);
        let host = last(["ansible_host", "ansible_ssh_host"]).unwrap_or_else(|| name.clone());
        let port = last(["ansible_port", "ansible_ssh_port"]).map(|port| port.parse().unwrap());
        (name.clone(), Login { user: last(["ansible_user", "ansible_ssh_user"]), host, port })
    };
    let hosts = members_of(inventory, "all");
    let variables = &inventory["_meta"]["hostvars"];
    let none = Value::Object(serde_json::Map::new());
    hosts.iter().map(|name| login((name, variables.get(name).unwrap_or(&none)))).collect()
}

/// The hosts of a group and of all below it.
fn members_of(inventory: &Value, group: &str) -> BTreeSet<String> {
    let texts = |key: &str| {
        let list = inventory[group][key].as_array().into_iter().flatten();
        list.map(|text| text.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let below = texts("children").into_iter().flat_map(|child| members_of(inventory, &child));
    texts("hosts").into_iter().chain(below).collect()
}
