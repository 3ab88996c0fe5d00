//! What is said about books that are wrong: the whole text of every message.

use std::path::Path;

use node::book::{Book, MISTAKES_SHOWN};

/// Books, each with what is said about it behind `> `, and `---` between them.
const BROKEN: &str = r#"
[entry.printer
> book.toml:1: unclosed table, expected `]` (in TOML, texts stand in quotes, and so do keys with other characters than A-Z a-z 0-9 - _)
---
# 人
[entry.张三]
chat = '10.0.0.21'
> book.toml:2: 张三: invalid unquoted key, expected letters, numbers, `-`, `_` (in TOML, texts stand in quotes, and so do keys with other characters than A-Z a-z 0-9 - _)
---
[entry.n[01-40]]
ssh = {}
> book.toml:1: unclosed table, expected `]` (in TOML, texts stand in quotes, and so do keys with other characters than A-Z a-z 0-9 - _)
---
[entry.printer]
socket = tcp://10.0.0.9:9100
> book.toml:2: tcp://10.0.0.9:9100: invalid boolean, expected `true` (in TOML, texts stand in quotes, and so do keys with other characters than A-Z a-z 0-9 - _)
---
[entry.a]
ssh = {}

[entry.a]
note = 'twice'
> book.toml:4: a: duplicate key
---
[entries.printer]
socket = 'tcp://10.0.0.9:9100'
> book.toml:1: entries: no such key, expected entry or groups
---
entry = 'printer'
> book.toml:1: entry: expected tables [entry.NAME], found a string
---
[[entry.printer]]
socket = 'tcp://10.0.0.9:9100'
> book.toml:1: entry.printer: expected a table, found an array of tables
---
[groups.lab]
members = 'n[01-40]'
> book.toml:1: groups.lab: expected a text in quotes, found a table
---
[entry.printer]
sockt = 'tcp://10.0.0.9:9100'
> book.toml:2: entry.printer.sockt: no such key, expected chat, ssh, socket, seat or note; did you mean socket?
---
[entry.printer]
socket = 9100
> book.toml:2: entry.printer.socket: expected an address in quotes or a table, found an integer
---
[entry.printer]
socket = ''
> book.toml:2: entry.printer.socket: expected a text, found an empty one: leave the key out
---
[entry.printer]
socket = '10.0.0.9'
> book.toml:2: entry.printer.socket: 10.0.0.9 has no port: write it as 10.0.0.9:8080
---
[entry.printer]
socket = 'http://10.0.0.9:80'
> book.toml:2: entry.printer.socket: http:// is not known here: write tcp://, udp://, unix: or unix-dgram:
---
[entry.printer]
socket = 'tcp://10.0.0.9:0'
> book.toml:2: entry.printer.socket: 0 is not a port to connect to: write a number from 1 to 65535
---
[entry.scale]
socket = { frame = '!I' }
> book.toml:2: entry.scale.socket: address = "tcp://HOST:PORT" is missing
---
[entry.scale]
socket = { address = '10.0.0.17:4001', frame = 'lines' }
> book.toml:2: entry.scale.socket.frame: 'lines' has 5 fields: say which one is the length with length-field, counting from 0; did you mean line?
---
[entry.scale]
socket = { address = '10.0.0.17:4001', frame = '!BIH' }
> book.toml:2: entry.scale.socket.frame: '!BIH' has 3 fields: say which one is the length with length-field, counting from 0
---
[entry.scale]
socket = { address = '10.0.0.17:4001', frame = '!BIH', length-field = 3 }
> book.toml:2: entry.scale.socket.frame: length-field 3: '!BIH' has 3 fields, and they are counted from 0
---
[entry.scale]
socket = { address = '10.0.0.17:4001', length-field = -1 }
> book.toml:2: entry.scale.socket.length-field: it counts the fields of a frame: write frame too, or leave it out
> book.toml:2: entry.scale.socket.length-field: expected the place of a field, counted from 0, found -1
---
[entry.scale]
socket = { address = 'udp://10.0.0.17:4001', frame = 'line' }
> book.toml:2: entry.scale.socket.frame: a datagram is a message by itself: leave the frame out
---
[entry.scale]
socket = {
  address = '10.0.0.17:4001',
  frmae = 'line',
}
> book.toml:4: entry.scale.socket.frmae: no such key, expected address, frame or length-field; did you mean frame?
---
[entry.'张三']
chat = { charset = 'gbk' }
> book.toml:2: entry."张三".chat: at = "HOST" is missing
---
[entry.'张三']
chat = { at = '10.0.0.21', charset = 'gb' }
> book.toml:2: entry."张三".chat.charset: 'gb' is not a charset known here: write utf-8, gbk, gb18030, big5, shift_jis, euc-kr, latin1 or another name of https://encoding.spec.whatwg.org
---
[entry.'张三']
chat = { at = '10.0.0.21', key = '0123' }
> book.toml:2: entry."张三".chat.key: a key is written as the 16 hexadecimal digits of its fingerprint, such as 0123456789abcdef
---
[entry.room]
chat = { at = 'udp://10.0.0.30:9000', key = '0123456789abcdef' }
> book.toml:2: entry.room.chat.key: at a plain udp:// address nobody shows a key: leave it out
---
[entry.room]
chat = 'tcp://10.0.0.30:9000'
> book.toml:2: entry.room.chat: tcp://10.0.0.30:9000 is no chat line: write the HOST or HOST:PORT of an IP Messenger, or udp://HOST:PORT
---
[entry.'s[1-2]']
chat = { at = '10.0.0.[1-2]', key = '0123456789abcdef' }
> book.toml:2: entry."s[1-2]".chat.key: one key cannot be that of 2: give each an entry of its own
---
[entry.gate]
ssh = 'admin@gate.lab:22222222'
> book.toml:2: entry.gate.ssh: 22222222 is not a port: a port is a number from 0 to 65535
---
[entry.gate]
ssh = { at = 'admin@gate.lab', user = 'root' }
> book.toml:2: entry.gate.ssh.user: a user stands in at already: leave one of them out
---
[entry.gate]
ssh = { at = 'gate.lab:22', port = 0, user = 'a b' }
> book.toml:2: entry.gate.ssh.user: 'a b' is no user: a user has no spaces and does not begin with '-'
> book.toml:2: entry.gate.ssh.port: expected a port from 1 to 65535, found 0
> book.toml:2: entry.gate.ssh.port: a port stands in at already: leave one of them out
---
[entry.gate]
ssh = { at = '-oProxyCommand=reboot' }
> book.toml:2: entry.gate.ssh.at: -oProxyCommand=reboot is no host: a host does not begin with '-'
---
[entry.gate]
ssh = { at = 'gate.lab', port = 70000 }
> book.toml:2: entry.gate.ssh.port: expected a port from 1 to 65535, found 70000
---
[entry.gate]
ssh = { at = 'gate.lab', prot = 22 }
> book.toml:2: entry.gate.ssh.prot: no such key, expected at, user, port, charset or via; did you mean port?
---
[entry.'meeting room']
ssh = { user = 'ops' }
> book.toml:2: entry."meeting room".ssh: meeting room is not a host: a host is a name or an IP address, without port, spaces and slashes
---
[entry.'n[01-40]']
ssh = '10.1.0.[1-39]'
> book.toml:2: entry."n[01-40]".ssh: 10.1.0.[1-39] stands for 39, and n[01-40] for 40: write as many, or one for all
---
[entry.n1]
ssh = '10.1.0.[1-39]'
> book.toml:2: entry.n1.ssh: 10.1.0.[1-39] stands for 39, and n1 for 1: write as many, or one for all
---
[entry.'n[01-40]']
ssh = '10.1.0.[40-1]'
> book.toml:2: entry."n[01-40]".ssh: "10.1.0.[40-1]", column 9: the range 40-1 runs backwards: write 1-40
---
[entry.'n[40-1]']
ssh = {}
> book.toml:1: entry."n[40-1]": "n[40-1]", column 3: the range 40-1 runs backwards: write 1-40
---
[entry.'n[1-2]']
socket = '10.1.0.1:[65535-65536]'
> book.toml:2: entry."n[1-2]".socket: 65536 is not a port: a port is a number from 0 to 65535
---
[entry.'n[01-40]']
ssh = {}
[entry.'n[40-50]']
ssh = {}
> book.toml:3: entry."n[40-50]": n40 lies in n[01-40] too (line 1): a name may lie in one range only
---
[entry.'user@host']
ssh = {}
> book.toml:1: entry."user@host": 'user@host' has '@' in it, which sets, addresses and user@host are made of: leave it out
---
[entry.'-n']
ssh = {}
> book.toml:1: entry.-n: '-n' begins with '-', which would take a name out of a set: begin with another character
---
[entry."a\u001b[2Jb"]
ssh = {}
> book.toml:1: entry."a\u001B[2Jb": "a\x1b[2Jb", column 2: the control character \u{1b} cannot be part of a name
---
[entry.pc21]
ssh = {}
[entry.'张三']
seat = 'pc2l'
> book.toml:4: entry."张三".seat: 'pc2l' is not in the book; did you mean pc21?
---
[entry.PC]
[entry.pc]
[entry.'张三']
seat = 'Pc'
> book.toml:4: entry."张三".seat: 'Pc' may be PC or pc: spell it as it stands in the book
---
[entry.'s[1-3]']
seat = 'pc[1-3]'
> book.toml:2: entry."s[1-3]".seat: 'pc1' is not in the book
---
[entry.gate]
ssh = {}
[entry.n1]
ssh = { via = 'gaet' }
> book.toml:4: entry.n1.ssh.via: 'gaet' is not in the book; did you mean gate? (a host that needs no entry is written with its port: gaet:22)
---
[entry.gate]
note = 'no line yet'
[entry.n1]
ssh = { via = 'gate' }
> book.toml:4: entry.n1.ssh.via: gate has no ssh line, so nothing can be reached through it: add ssh = {} to it
---
[entry.a]
ssh = { via = 'b' }
[entry.b]
ssh = { via = 'a' }
> book.toml:2: entry.a.ssh.via: the way goes in a circle: b via a via b
> book.toml:4: entry.b.ssh.via: the way goes in a circle: a via b via a
---
[entry.a]
ssh = { via = 'u@b:x' }
> book.toml:2: entry.a.ssh.via: x is not a port: a port is a number from 0 to 65535
---
[groups]
lab = 'n[01-40'
> book.toml:2: groups.lab: "n[01-40", column 2: the bracket is not closed: write ] after its last number, as in n[01-40]
---
[groups]
lab = ['n01', 'n02']
> book.toml:2: groups.lab: expected a text in quotes, found an array
---
[groups]
lab = 'n[01-40]'
night = '@lap'
> book.toml:3: groups.night: "@lap", column 1: there is no group @lap; did you mean @lab?
---
[groups]
day = '@night'
night = '@day'
> book.toml:2: groups.day: @day = "@night", column 1: the groups name each other in a circle: @night -> @day -> @night
> book.toml:3: groups.night: @night = "@day", column 1: the groups name each other in a circle: @day -> @night -> @day
---
[groups]
'@lab' = 'n[01-40]'
> book.toml:2: groups."@lab": '@lab' has '@' in it, which sets, addresses and user@host are made of: leave it out
"#;

#[test]
fn every_broken_book_is_refused_with_what_was_expected() {
    let cases: Vec<&str> = BROKEN.trim_start().split("---\n").collect();
    assert!(cases.len() >= 25, "only {} were looked at", cases.len());
    for case in cases {
        let book: String = case.split_inclusive('\n').filter(|line| !line.starts_with("> ")).collect();
        let expected: Vec<&str> = case.lines().filter_map(|line| line.strip_prefix("> ")).collect();
        let error = Book::from_text(&book, Path::new("book.toml")).expect_err(&book).to_string();
        assert_eq!(error, expected.join("\n"), "{book}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_but_no_more_than_a_screen_holds() {
    let lines: Vec<String> =
        (0..MISTAKES_SHOWN + 5).map(|nth| format!("[entry.n{nth}]\nprot = 22\n")).collect();
    let error = Book::from_text(&lines.concat(), Path::new("book.toml")).unwrap_err();
    assert_eq!(error.all().len(), MISTAKES_SHOWN + 5);
    let text = error.to_string();
    assert_eq!(text.lines().count(), MISTAKES_SHOWN + 1);
    assert!(text.ends_with("\nand 5 more"), "{text}");
    assert!(text.starts_with("book.toml:2: entry.n0.prot: no such key"), "{text}");
}

#[test]
fn a_book_in_another_charset_is_refused_at_the_line_where_it_is_not_utf_8() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.toml");
    std::fs::write(&path, b"# ok\n[entry.x]\nnote = '\xc4\xe3\xba\xc3'\n").unwrap();
    let error = Book::load(&path).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "{}:3: this is not UTF-8: save the file in UTF-8 (editors on Windows may take another charset)",
            path.display()
        )
    );
}

#[test]
fn a_book_that_cannot_be_read_is_an_error_and_no_empty_book() {
    let folder = tempfile::tempdir().unwrap();
    let error = Book::load(folder.path()).unwrap_err().to_string();
    assert_eq!(error, format!("reading the book {}: Is a directory (os error 21)", folder.path().display()));
}
