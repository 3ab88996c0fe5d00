//! Files to and from a machine, by the SFTP server of OpenSSH.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{Context, SHA256};
use remote::ask::Nobody;
use remote::sftp::{Copier, Copying, Job, Meter, Way};
use remote::transport::Doing;
use remote::{Command, Machine, Outcome, Session as _, Signal, Transport as _};
use tempfile::TempDir;

use crate::needs::output_of;
use crate::streams::{MIB, blocks};
use crate::support::{Dropbear, GUEST, Person, Ran, Sshd, machine_at, may_mount, soon};

/// A person, a machine, and a folder on each side.
struct Ground {
    person: Person,
    server: Server,
    machine: Machine,
    here: TempDir,
    there: TempDir,
}

/// The server of a machine.
enum Server {
    OpenSsh(Sshd),
    Dropbear { _process: Dropbear },
}

impl Ground {
    async fn new() -> Self {
        Self::with("").await
    }

    async fn with(options: &str) -> Self {
        let person = Person::new();
        let server = Sshd::with(&person, options).await;
        let machine = person.machine(&server);
        Self::of(person, Server::OpenSsh(server), machine)
    }

    /// With Debian's sftp-server behind dropbear, as the guest, who may write in one folder only.
    async fn of_dropbear() -> Self {
        let person = Person::new();
        let server = Dropbear::start(&person).await;
        person.trust(&server.known_hosts_line());
        let machine = machine_at(GUEST, server.port, person.settings());
        let ground = Self::of(person, Server::Dropbear { _process: server }, machine);
        set_mode(ground.there.path(), 0o777);
        ground
    }

    fn of(person: Person, server: Server, machine: Machine) -> Self {
        let [here, there] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        Self { person, server, machine, here, there }
    }

    fn sshd(&mut self) -> &mut Sshd {
        match &mut self.server {
            Server::OpenSsh(sshd) => sshd,
            Server::Dropbear { .. } => panic!("it is dropbear"),
        }
    }

    fn here(&self, name: &str) -> PathBuf {
        self.here.path().join(name)
    }

    fn there(&self, name: &str) -> PathBuf {
        self.there.path().join(name)
    }

    async fn start(&self, job: Job) -> (Copying, Arc<Meter>) {
        let copier = Copier::new(self.person.client(Arc::new(Nobody)), job);
        let copying = soon(copier.start(&self.machine, &Command::new(""), &Doing::default())).await;
        (copying.unwrap(), copier.meter())
    }

    async fn copy(&self, job: Job) -> Ran {
        Ran::of(&mut self.start(job).await.0).await
    }

    async fn put(&self, from: &Path, to: &Path) -> Ran {
        soon(self.copy(plain(put(from, to)))).await
    }

    async fn get(&self, from: &Path, to: &Path) -> Ran {
        soon(self.copy(plain(get(from, to)))).await
    }
}

fn put(from: &Path, to: &Path) -> Way {
    Way::Put { from: vec![from.to_owned()], to: to.to_owned() }
}

fn get(from: &Path, to: &Path) -> Way {
    Way::Get { from: vec![from.to_owned()], to: to.to_owned(), labelled: false }
}

fn plain(way: Way) -> Job {
    Job { way, recursive: false, keep: false }
}

#[track_caller]
fn good(ran: &Ran) {
    assert!(matches!(ran.outcome, Outcome::Exit(0)) && ran.err.is_empty(), "{ran:?}");
}

/// The only failure, as it is told.
#[track_caller]
fn failure(ran: &Ran) -> &str {
    let (1, "", line) = ran.texts() else { panic!("{ran:?}") };
    assert_eq!(line.lines().count(), 1, "{line}");
    line.trim_end()
}

fn names(folder: &Path) -> Vec<String> {
    let name =
        |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().to_string_lossy().into_owned();
    let mut names: Vec<_> = folder.read_dir().unwrap().map(name).collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Writes so many bytes; gives their digest.
fn write_noise(path: &Path, size: usize) -> Vec<u8> {
    let mut file = File::create(path).unwrap();
    let mut digest = Context::new(&SHA256);
    for bytes in blocks(size) {
        digest.update(&bytes);
        file.write_all(&bytes).unwrap();
    }
    digest.finish().as_ref().to_vec()
}

fn digest(path: &Path) -> Vec<u8> {
    let mut file = File::open(path).unwrap();
    let mut digest = Context::new(&SHA256);
    let mut bytes = vec![0; MIB];
    loop {
        match file.read(&mut bytes).unwrap() {
            0 => return digest.finish().as_ref().to_vec(),
            read => digest.update(&bytes[..read]),
        }
    }
}

async fn comes_back_as_it_went(ground: &Ground, size: usize) {
    let sent = write_noise(&ground.here("file"), size);
    good(&ground.copy(plain(put(&ground.here("file"), ground.there.path()))).await);
    assert!(digest(&ground.there("file")) == sent);
    good(&ground.copy(plain(get(&ground.there("file"), &ground.here("back")))).await);
    assert!(digest(&ground.here("back")) == sent);
    assert_eq!(
        (names(ground.here.path()), names(ground.there.path())),
        (vec!["back".into(), "file".into()], vec!["file".into()])
    );
}

#[tokio::test]
async fn a_file_of_a_gibibyte_comes_back_as_it_went() {
    needs!("sshd", "ssh");
    comes_back_as_it_went(&Ground::new().await, 1024 * MIB).await;
}

#[tokio::test]
async fn dropbear_gives_a_file_back_as_it_went() {
    needs!("dropbear", "sshd", "ssh");
    if may_mount() {
        soon(comes_back_as_it_went(&Ground::of_dropbear().await, 16 * MIB)).await;
    }
}

/// A tree of so many files of a few bytes.
fn make_tree(root: &Path, files: usize) {
    for file in 0..files {
        let folder = root.join(format!("{}/{}", file % 3, file % 5));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(file.to_string()), format!("file {file}")).unwrap();
    }
}

/// There and back.
async fn a_tree_comes_back(ground: &Ground, files: usize) {
    make_tree(&ground.here("tree"), files);
    let job = |way| Job { way, recursive: true, keep: true };
    for (way, root) in [
        (put(&ground.here("tree"), ground.there.path()), ground.there("tree")),
        (get(&ground.there("tree"), &ground.here("back")), ground.here("back")),
    ] {
        let (mut copying, meter) = ground.start(job(way)).await;
        good(&soon(Ran::of(&mut copying)).await);
        assert_eq!(meter.files(), files as u64);
        assert_eq!(
            output_of("diff", &["-r".as_ref(), ground.here("tree").as_os_str(), root.as_os_str()]),
            ""
        );
    }
}

#[tokio::test]
async fn many_small_files_go_by_several_sessions_or_by_as_few_as_the_machine_gives() {
    needs!("sshd", "ssh");
    for (options, sessions) in [("LogLevel VERBOSE", 8), ("LogLevel VERBOSE\nMaxSessions 1", 2)] {
        let mut ground = Ground::with(options).await;
        a_tree_comes_back(&ground, 150).await;
        assert_eq!(ground.sshd().count("Starting session: subsystem 'sftp'"), sessions, "{options}");
    }
}

#[tokio::test]
async fn dropbear_gives_many_small_files_back() {
    needs!("dropbear", "sshd", "ssh");
    if may_mount() {
        a_tree_comes_back(&Ground::of_dropbear().await, 60).await;
    }
}

#[tokio::test]
async fn where_the_connection_is_cut_among_many_files_each_under_its_name_is_whole() {
    needs!("sshd", "ssh");
    let mut ground = Ground::new().await;
    let bytes = vec![b'x'; 100_000];
    fs::create_dir(ground.here("tree")).unwrap();
    (0..400).for_each(|file| fs::write(ground.here("tree").join(file.to_string()), &bytes).unwrap());
    let job = Job { way: put(&ground.here("tree"), ground.there.path()), recursive: true, keep: false };
    let (mut copying, meter) = ground.start(job).await;
    soon(async {
        while meter.files() < 20 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    ground.sshd().cut_connections();
    let ran = soon(Ran::of(&mut copying)).await;
    assert!(matches!(ran.outcome, Outcome::Lost(_)), "{ran:?}");
    let there = names(&ground.there("tree"));
    assert!((20..400).contains(&there.len()), "{}", there.len());
    for name in there.iter().filter(|name| !name.ends_with(".part")) {
        assert!(fs::read(ground.there("tree").join(name)).unwrap() == bytes, "{name}");
    }
}

#[tokio::test]
async fn files_without_bytes_and_files_that_do_not_tell_their_length_are_copied() {
    needs!("sshd", "ssh");
    let ground = Ground::new().await;
    fs::write(ground.here("empty"), "").unwrap();
    good(&ground.put(&ground.here("empty"), &ground.there("empty")).await);
    good(&ground.get(&ground.there("empty"), &ground.here("back")).await);
    assert_eq!(fs::read(ground.here("back")).unwrap(), b"");
    let version = Path::new("/proc/version");
    good(&ground.get(version, ground.here.path()).await);
    good(&ground.put(version, ground.there.path()).await);
    let text = fs::read(version).unwrap();
    assert!(fs::read(ground.here("version")).unwrap() == text);
    assert!(fs::read(ground.there("version")).unwrap() == text);
}

#[tokio::test]
async fn a_tree_is_copied_with_whatever_names_and_links_followed() {
    needs!("sshd", "ssh");
    let ground = Ground::new().await;
    let strange = OsStr::from_bytes(b"\xff\xfe -rf\n*");
    fs::create_dir_all(ground.here("tree/sub/deep")).unwrap();
    fs::write(ground.here("tree/sub").join(strange), "strange").unwrap();
    fs::write(ground.here("tree/sub/deep/file"), "deep").unwrap();
    fs::create_dir(ground.here("tree/empty")).unwrap();
    symlink("sub/deep/file", ground.here("tree/link")).unwrap();
    let job = |way| Job { way, recursive: true, keep: false };
    good(&soon(ground.copy(job(put(&ground.here("tree"), ground.there.path())))).await);
    good(&soon(ground.copy(job(get(&ground.there("tree"), &ground.here("back"))))).await);
    for root in [ground.there("tree"), ground.here("back")] {
        assert_eq!(names(&root), ["empty", "link", "sub"]);
        assert_eq!(fs::read(root.join("sub").join(strange)).unwrap(), b"strange");
        assert!(root.join("link").symlink_metadata().unwrap().is_file());
        assert_eq!(fs::read(root.join("link")).unwrap(), b"deep");
    }
}

#[tokio::test]
async fn a_link_that_leads_back_ends_and_the_rest_is_copied() {
    needs!("sshd", "ssh");
    let ground = Ground::new().await;
    fs::create_dir_all(ground.here("tree/sub")).unwrap();
    symlink("..", ground.here("tree/sub/back")).unwrap();
    fs::write(ground.here("tree/sub/file"), "rest").unwrap();
    let job = |way| Job { way, recursive: true, keep: false };
    for (way, root) in [
        (put(&ground.here("tree"), ground.there.path()), ground.there("tree")),
        (get(&ground.here("tree"), &ground.there("got")), ground.there("got")),
    ] {
        let ran = soon(ground.copy(job(way))).await;
        assert!(failure(&ran).contains("sub/back: a link leads back"), "{ran:?}");
        assert_eq!(fs::read(root.join("sub/file")).unwrap(), b"rest");
    }
}

#[tokio::test]
async fn modes_and_times_are_kept_when_asked_and_no_right_to_be_somebody_else() {
    needs!("sshd", "ssh");
    let ground = Ground::new().await;
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::create_dir(ground.here("tree")).unwrap();
    fs::write(ground.here("tree/tool"), "").unwrap();
    set_mode(&ground.here("tree/tool"), 0o4775);
    File::open(ground.here("tree/tool")).unwrap().set_modified(then).unwrap();
    File::open(ground.here("tree")).unwrap().set_modified(then).unwrap();
    set_mode(&ground.here("tree"), 0o555);
    let job = |way| Job { way, recursive: true, keep: true };
    good(&soon(ground.copy(job(put(&ground.here("tree"), ground.there.path())))).await);
    good(&soon(ground.copy(job(get(&ground.there("tree"), &ground.here("back"))))).await);
    for root in [ground.there("tree"), ground.here("back")] {
        assert_eq!((mode(&root), mode(&root.join("tool"))), (0o555, 0o775));
        for path in [root.clone(), root.join("tool")] {
            assert_eq!(path.metadata().unwrap().modified().unwrap(), then, "{}", path.display());
        }
    }
}

#[tokio::test]
async fn a_file_that_is_replaced_gives_its_mode_and_a_link_to_it_stays() {
    needs!("sshd", "ssh");
    let ground = Ground::new().await;
    fs::write(ground.here("new"), "new").unwrap();
    set_mode(&ground.here("new"), 0o644);
    for folder in [ground.here.path(), ground.there.path()] {
        fs::write(folder.join("secret"), "old").unwrap();
        set_mode(&folder.join("secret"), 0o600);
        symlink("secret", folder.join("link")).unwrap();
    }
    good(&ground.put(&ground.here("new"), &ground.there("link")).await);
    good(&ground.get(&ground.there("secret"), &ground.here("link")).await);
    for folder in [ground.here.path(), ground.there.path()] {
        assert!(folder.join("link").is_symlink());
        assert_eq!(fs::read(folder.join("secret")).unwrap(), b"new");
        assert_eq!(mode(&folder.join("secret")), 0o600);
    }
    assert_eq!(names(ground.there.path()), ["link", "secret"]);
}

#[tokio::test]
async fn what_cannot_be_copied_says_why_and_leaves_nothing() {
    needs!("sshd", "ssh");
    let ground = Ground::new().await;
    fs::write(ground.here("file"), "").unwrap();
    output_of("mkfifo", &[ground.here("pipe")]);
    let (here, there) = (ground.here.path(), ground.there.path());
    for (way, reason) in [
        (get(&ground.there("none"), here), "none: no such file or directory there"),
        (put(&ground.here("none"), there), "none: No such file or directory (os error 2)"),
        (put(here, there), "it is a directory: -r copies those, too"),
        (get(there, here), "it is a directory: -r copies those, too"),
        (put(&ground.here("pipe"), there), "it is no regular file"),
        (get(&ground.here("pipe"), there), "it is no regular file"),
        (put(&ground.here("file"), &ground.there("none/")), "there is no such directory to copy into"),
        (put(&ground.here("file"), &ground.there("none/file")), "none/file: no such file or directory there"),
        (
            put(&ground.here("file"), Path::new("/dev/null")),
            "what has that name over there is no regular file",
        ),
        (get(&ground.here("file"), Path::new("/dev/null")), "what has that name here is no regular file"),
        // Its first page is nobody's.
        (get(Path::new("/proc/self/mem"), here), "the machine failed, and does not say why"),
        (put(Path::new("/proc/self/mem"), there), "Input/output error (os error 5)"),
    ] {
        let ran = soon(ground.copy(plain(way))).await;
        assert!(failure(&ran).ends_with(reason), "{reason}: {ran:?}");
        assert_eq!((names(here).len(), names(there).len()), (2, 0), "{reason}");
    }
}

#[tokio::test]
async fn patterns_match_names_over_there_and_one_failure_stops_no_other_file() {
    needs!("sshd", "ssh");
    let ground = Ground::new().await;
    fs::create_dir_all(ground.there("log/c.gz")).unwrap();
    for name in ["log/a.gz", "log/b.gz", "log/.hidden.gz", "log/b.txt"] {
        fs::write(ground.there(name), name).unwrap();
    }
    let ran = ground.get(&ground.there("l?g/*.gz"), ground.here.path()).await;
    assert!(failure(&ran).contains("c.gz: it is a directory"), "{ran:?}");
    assert_eq!(names(ground.here.path()), ["a.gz", "b.gz"]);
    fs::write(ground.there("[x]"), "literal").unwrap();
    good(&ground.get(&ground.there("[x]"), &ground.here("literal")).await);
}

/// A disk of its own, of a megabyte.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn new() -> Self {
        let disk = Self(tempfile::tempdir().unwrap());
        let path = disk.0.path().to_str().unwrap();
        output_of("mount", &["-t", "tmpfs", "-o", "size=1m", "none", path]);
        disk
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        output_of("umount", &[self.0.path()]);
    }
}

#[tokio::test]
async fn a_full_disk_on_either_side_keeps_what_was_there_and_nothing_else() {
    needs!("sshd", "ssh");
    if !may_mount() {
        return;
    }
    let ground = Ground::new().await;
    let disk = SmallDisk::new();
    let target = disk.0.path().join("file");
    fs::write(&target, "old").unwrap();
    write_noise(&ground.here("file"), 2 * MIB);
    let ran = ground.put(&ground.here("file"), &target).await;
    assert!(failure(&ran).contains("the machine failed"), "{ran:?}");
    assert_eq!((names(disk.0.path()), fs::read(&target).unwrap()), (vec!["file".into()], b"old".to_vec()));
    let ran = ground.get(&ground.here("file"), &target).await;
    assert!(failure(&ran).contains("No space left"), "{ran:?}");
    assert_eq!((names(disk.0.path()), fs::read(&target).unwrap()), (vec!["file".into()], b"old".to_vec()));
}

/// A job that never comes to its end while somebody looks: a file of a terabyte without bytes.
fn endless(ground: &Ground) -> [(Way, PathBuf); 2] {
    File::create(ground.here("long")).unwrap().set_len(1 << 40).unwrap();
    let (here, there) = (ground.here("target"), ground.there("target"));
    [&here, &there].into_iter().for_each(|folder| fs::create_dir(folder).unwrap());
    [(put(&ground.here("long"), &there), there), (get(&ground.here("long"), &here), here)]
}

async fn some_bytes(meter: &Meter) {
    while meter.bytes() == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_leaves_no_file_under_its_name_and_tells_what_it_leaves() {
    needs!("sshd", "ssh");
    let mut ground = Ground::new().await;
    for (way, target) in endless(&ground) {
        let is_put = matches!(way, Way::Put { .. });
        let (mut copying, meter) = ground.start(plain(way)).await;
        soon(some_bytes(&meter)).await;
        ground.sshd().cut_connections();
        let ran = soon(Ran::of(&mut copying)).await;
        let Outcome::Lost(reason) = &ran.outcome else { panic!("{ran:?}") };
        let left = names(&target);
        if is_put {
            assert!(left.len() == 1 && left[0].starts_with(".long.trunkline-"), "{left:?}");
            assert!(
                reason.contains(&format!("{} may be left there", target.join(&left[0]).display())),
                "{reason}"
            );
        } else {
            assert_eq!(left, [""; 0]);
        }
    }
}

#[tokio::test]
async fn a_copy_that_is_stopped_leaves_nothing() {
    needs!("sshd", "ssh");
    let ground = Ground::new().await;
    for (way, target) in endless(&ground) {
        let (mut copying, meter) = ground.start(plain(way)).await;
        soon(some_bytes(&meter)).await;
        copying.signal(Signal::Interrupt).await;
        let ran = soon(Ran::of(&mut copying)).await;
        assert!(matches!(ran.outcome, Outcome::Cancelled), "{ran:?}");
        assert_eq!(names(&target), [""; 0]);
    }
}

#[tokio::test]
async fn a_machine_without_sftp_and_one_that_talks_are_told_apart() {
    needs!("sshd", "ssh");
    for (subsystem, reason) in [
        ("/bin/false", "the machine ended the session: it may have no SFTP server"),
        ("/bin/echo welcome to this fine machine", "perhaps its shell prints something at every login"),
    ] {
        let ground = Ground::with(&format!("Subsystem sftp {subsystem}")).await;
        let copier = Copier::new(
            ground.person.client(Arc::new(Nobody)),
            plain(put(Path::new("/etc/hostname"), Path::new(""))),
        );
        let started = soon(copier.start(&ground.machine, &Command::new(""), &Doing::default())).await;
        let error = started.err().unwrap().to_string();
        assert!(error.contains(reason), "{error}");
    }
}
