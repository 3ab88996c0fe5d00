use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// What the server answers to these requests, after the version.
fn converse(home: &Path, requests: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut input = packet(kind::INIT, &3u32.to_be_bytes());
    input.extend(requests.concat());
    let mut output = Vec::new();
    serve(input.as_slice(), &mut output, home);
    let mut answers = Vec::new();
    let mut rest = output.as_slice();
    while let Some((length, after)) = rest.split_first_chunk() {
        let (answer, after) = after.split_at(u32::from_be_bytes(*length) as usize);
        answers.push(answer.to_vec());
        rest = after;
    }
    assert_eq!(answers.remove(0)[..5], [kind::VERSION, 0, 0, 0, 3]);
    answers
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 1).unwrap();
    [&length.to_be_bytes(), &[kind][..], body].concat()
}

/// A request with the number 1.
fn request(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    packet(kind, &[&1u32.to_be_bytes()[..], &parts.concat()].concat())
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

fn open(name: &[u8], flags: u32) -> Vec<u8> {
    request(kind::OPEN, &[&string(name), &flags.to_be_bytes(), &0u32.to_be_bytes()])
}

/// The code of a status.
fn code(answer: &[u8]) -> u32 {
    assert_eq!(answer[0], kind::STATUS, "{answer:?}");
    u32::from_be_bytes(answer[5..9].try_into().unwrap())
}

const FIRST: [u8; 8] = [0, 0, 0, 4, 0, 0, 0, 1];

#[test]
fn a_file_is_written_and_read_from_where_it_is_asked() {
    let home = TempDir::new().unwrap();
    let flags = wire::open::READ | wire::open::WRITE | wire::open::CREATE;
    let answers = converse(
        home.path(),
        &[
            open(b"new", flags),
            request(kind::WRITE, &[&FIRST, &2u64.to_be_bytes(), &string(b"hello")]),
            request(kind::READ, &[&FIRST, &4u64.to_be_bytes(), &100u32.to_be_bytes()]),
            request(kind::READ, &[&FIRST, &7u64.to_be_bytes(), &100u32.to_be_bytes()]),
            request(kind::CLOSE, &[&FIRST]),
            request(kind::CLOSE, &[&FIRST]),
        ],
    );
    assert_eq!(answers[0][5..], FIRST);
    assert_eq!(code(&answers[1]), status::OK);
    assert_eq!(answers[2][5..], string(b"llo"));
    assert_eq!(code(&answers[3]), status::EOF);
    assert_eq!((code(&answers[4]), code(&answers[5])), (status::OK, status::FAILURE));
    assert_eq!(fs::read(home.path().join("new")).unwrap(), b"\0\0hello");
}

#[test]
fn names_that_are_no_text_are_names_like_others() {
    let home = TempDir::new().unwrap();
    let answers = converse(
        home.path(),
        &[
            open(b"\xff\xfe", wire::open::WRITE | wire::open::CREATE),
            request(kind::OPENDIR, &[&string(b"")]),
            request(kind::READDIR, &[&string(&2u32.to_be_bytes())]),
            request(kind::REMOVE, &[&string(b"\xff\xfe")]),
        ],
    );
    assert!(answers[2].windows(2).any(|bytes| bytes == b"\xff\xfe"));
    assert_eq!(code(&answers[3]), status::OK);
}

#[test]
fn a_rename_does_not_replace_and_a_posix_rename_does() {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("a"), "a").unwrap();
    fs::write(home.path().join("b"), "b").unwrap();
    let names = [string(b"a"), string(b"b")].concat();
    let answers = converse(
        home.path(),
        &[
            request(kind::RENAME, &[&names]),
            request(kind::EXTENDED, &[&string(extension::POSIX_RENAME), &names]),
        ],
    );
    assert_eq!((code(&answers[0]), code(&answers[1])), (status::FAILURE, status::OK));
    assert_eq!(fs::read(home.path().join("b")).unwrap(), b"a");
}

#[test]
fn a_path_is_made_real_also_where_its_last_part_is_not_there() {
    let home = TempDir::new().unwrap();
    fs::create_dir(home.path().join("folder")).unwrap();
    let real = |path: &[u8]| converse(home.path(), &[request(kind::REALPATH, &[&string(path)])]).remove(0);
    let there = home.path().canonicalize().unwrap();
    let named = |answer: Vec<u8>| {
        let length = u32::from_be_bytes(answer[9..13].try_into().unwrap()) as usize;
        PathBuf::from(OsStr::from_bytes(&answer[13..13 + length]))
    };
    assert_eq!(named(real(b".")), there);
    assert_eq!(named(real(b"folder/../new")), there.join("new"));
    assert_eq!(code(&real(b"nowhere/new")), status::NO_SUCH_FILE);
}

#[test]
fn more_files_than_the_limit_are_not_opened() {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("file"), "").unwrap();
    let answers = converse(home.path(), &vec![open(b"file", wire::open::READ); MAX_HANDLES + 1]);
    assert_eq!(answers[MAX_HANDLES - 1][0], kind::HANDLE);
    assert_eq!(code(&answers[MAX_HANDLES]), status::FAILURE);
}

#[test]
fn paths_that_are_too_long_or_have_a_zero_byte_are_refused() {
    let home = TempDir::new().unwrap();
    let answers = converse(
        home.path(),
        &[
            request(kind::STAT, &[&string(&[b'x'; MAX_PATH])]),
            request(kind::MKDIR, &[&string(b"a\0b"), &0u32.to_be_bytes()]),
        ],
    );
    assert_eq!((code(&answers[0]), code(&answers[1])), (status::FAILURE, status::FAILURE));
}

#[test]
fn a_request_of_four_gibibytes_ends_the_session_and_takes_no_memory() {
    let home = TempDir::new().unwrap();
    let answers = converse(home.path(), &[u32::MAX.to_be_bytes().to_vec()]);
    assert!(answers.is_empty());
}

#[test]
fn a_request_that_ends_too_early_ends_the_session() {
    let home = TempDir::new().unwrap();
    let cut = request(kind::STAT, &[&9u32.to_be_bytes(), b"short"]);
    assert!(converse(home.path(), &[cut, request(kind::STAT, &[&string(b".")])]).is_empty());
}

#[test]
fn a_read_of_everything_gives_what_fits() {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("file"), vec![7; MAX_DATA + 1]).unwrap();
    let answers = converse(
        home.path(),
        &[
            open(b"file", wire::open::READ),
            request(kind::READ, &[&FIRST, &0u64.to_be_bytes(), &u32::MAX.to_be_bytes()]),
        ],
    );
    assert_eq!(answers[1].len(), 9 + MAX_DATA);
}

#[test]
fn what_is_not_known_is_said_to_be_so() {
    let home = TempDir::new().unwrap();
    let answers = converse(home.path(), &[request(kind::EXTENDED, &[&string(b"x@y")]), request(99, &[])]);
    assert_eq!((code(&answers[0]), code(&answers[1])), (status::OP_UNSUPPORTED, status::OP_UNSUPPORTED));
}

/// What may stand in a request, in any place.
fn field() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[a-c]{0,2}".prop_map(|name| string(name.as_bytes())),
        (0..3u32).prop_map(|handle| string(&handle.to_be_bytes())),
        any::<u32>().prop_map(|number| number.to_be_bytes().to_vec()),
        vec(any::<u8>(), 0..12),
    ]
}

/// Most of a kind that there is. No path in it leads out of the folder.
fn any_request() -> impl Strategy<Value = (u8, Vec<u8>)> {
    let kind = prop_oneof![8 => kind::OPEN..=kind::SYMLINK, 1 => any::<u8>()];
    (kind, vec(field(), 0..5).prop_map(|fields| fields.concat()))
        .prop_filter("a way out", |(_, body)| !body.iter().any(|byte| b"/.".contains(byte)))
}

proptest! {
    #[test]
    fn whatever_is_asked_is_answered_with_its_number_until_it_cannot_be_read(
        requests in vec(any_request(), 1..12),
    ) {
        let home = TempDir::new().unwrap();
        let sent: Vec<_> = requests.iter().map(|(kind, body)| request(*kind, &[body])).collect();
        let answers = converse(home.path(), &sent);
        prop_assert!(answers.len() <= requests.len());
        for answer in answers {
            prop_assert!(answer[0] == kind::VERSION || answer[1..5] == 1u32.to_be_bytes());
            prop_assert!(answer.len() <= MAX_REQUEST);
        }
    }
}
