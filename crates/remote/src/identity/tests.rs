//! With keys that ssh-keygen has made, an ssh-agent that holds some, and a server that takes what it is told to take.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use russh::client::AuthResult;
use russh::keys::{Certificate, PrivateKey, PublicKey};
use russh::server::Auth;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;

use super::*;
use crate::ask::{Nobody, Question};
use crate::config::IdentityFile;
use crate::testing::{Person, hop, keygen, make_key, settings};

/// A folder with a key `id` of this kind.
fn with_key(kind: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    make_key(folder.path(), "id", kind);
    folder
}

fn public(folder: &TempDir, name: &str) -> PublicKey {
    fs::read_to_string(folder.path().join(format!("{name}.pub"))).unwrap().parse().unwrap()
}

fn identity(folder: &TempDir, name: &str) -> IdentityFile {
    IdentityFile { path: folder.path().join(name), named: true }
}

fn with_files(folder: &TempDir, names: &[&str]) -> Settings {
    Settings { identity_files: names.iter().map(|name| identity(folder, name)).collect(), ..settings() }
}

async fn candidates(settings: &Settings) -> Candidates {
    Keyring::new(Arc::new(Nobody)).candidates(settings).await
}

/// What they are, with the folder left out.
fn told(candidates: &Candidates, folder: &TempDir) -> Vec<String> {
    let folder = format!("{}/", folder.path().display());
    candidates.keys.iter().map(|key| key.to_string().replace(&folder, "")).collect()
}

/// Takes one key, or certificates of it.
struct Server {
    taken: PublicKey,
    log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn judge(&self, what: &str, key: &PublicKey) -> Auth {
        self.log.lock().unwrap().push(what.to_owned());
        if key.key_data() == self.taken.key_data() { Auth::Accept } else { Auth::reject() }
    }
}

impl russh::server::Handler for Server {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        _: &str,
        offer: russh::server::PublicKeyOffer<'_>,
    ) -> Result<Auth, russh::Error> {
        Ok(self.judge(&format!("offered {}", offer.algorithm), offer.public_key))
    }

    async fn auth_publickey(
        &mut self,
        _: &str,
        key: russh::server::VerifiedPublicKey<'_>,
    ) -> Result<Auth, russh::Error> {
        Ok(self.judge(&format!("signed {}", key.algorithm), key.public_key))
    }

    async fn auth_openssh_certificate(
        &mut self,
        _: &str,
        certificate: &Certificate,
    ) -> Result<Auth, russh::Error> {
        Ok(self.judge("certified", &PublicKey::from(certificate.public_key().clone())))
    }
}

struct Client;

impl russh::client::Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        _: &russh::keys::PublicKeyOrCertificate,
    ) -> Result<bool, russh::Error> {
        Ok(true)
    }
}

/// A connection to a server that takes this key, and what the server notes.
async fn connect(taken: &PublicKey) -> (russh::client::Handle<Client>, Arc<Mutex<Vec<String>>>) {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let log = Arc::new(Mutex::default());
    let key = PrivateKey::random(&mut russh::keys::key::safe_rng(), russh::keys::Algorithm::Ed25519).unwrap();
    let config = russh::server::Config {
        keys: vec![key],
        auth_rejection_time: std::time::Duration::ZERO,
        ..Default::default()
    };
    let server = Server { taken: taken.clone(), log: log.clone() };
    tokio::spawn(async move { russh::server::run_stream(Arc::new(config), theirs, server).await?.await });
    (russh::client::connect_stream(Arc::default(), ours, Client).await.unwrap(), log)
}

/// Shows all in turn, as a client does: whether one was taken, and what the server noted.
async fn log_in(candidates: &Candidates, taken: &PublicKey) -> (bool, Vec<String>) {
    let (mut session, log) = connect(taken).await;
    let mut is_in = false;
    for key in &candidates.keys {
        if let Ok(AuthResult::Success) = key.show(&mut session, "anna").await {
            is_in = true;
            break;
        }
    }
    let log = log.lock().unwrap().clone();
    (is_in, log)
}

#[tokio::test]
async fn keys_of_all_kinds_log_in_with_and_without_their_public_files() {
    needs!("ssh");
    let kinds: [(&[&str], &str); 5] = [
        (&["ed25519"], "ssh-ed25519"),
        (&["ecdsa", "-b", "256"], "ecdsa-sha2-nistp256"),
        (&["ecdsa", "-b", "384"], "ecdsa-sha2-nistp384"),
        (&["ecdsa", "-b", "521"], "ecdsa-sha2-nistp521"),
        (&["rsa", "-b", "2048"], "rsa-sha2-512"),
    ];
    for (kind, algorithm) in kinds {
        let folder = with_key(kind);
        let key = public(&folder, "id");
        for beside in [true, false] {
            let found = candidates(&with_files(&folder, &["id"])).await;
            let (is_in, log) = log_in(&found, &key).await;
            assert!(is_in, "{kind:?}, with public file: {beside}");
            assert_eq!(log, [format!("offered {algorithm}"), format!("signed {algorithm}")]);
            let _ = fs::remove_file(folder.path().join("id.pub"));
        }
    }
}

#[tokio::test]
async fn keys_in_pem_log_in_with_and_without_a_passphrase() {
    needs!("ssh");
    for (kind, format, passphrase) in [
        (&["rsa", "-b", "2048"][..], "PEM", ""),
        (&["rsa", "-b", "2048"], "PEM", "open sesame"),
        (&["rsa", "-b", "2048"], "PKCS8", ""),
        (&["rsa", "-b", "2048"], "PKCS8", "open sesame"),
        (&["ecdsa", "-b", "256"], "PEM", ""),
        (&["ecdsa", "-b", "384"], "PKCS8", ""),
    ] {
        let folder = with_key(kind);
        let key = public(&folder, "id");
        keygen(folder.path(), &["-q", "-p", "-P", "", "-N", passphrase, "-m", format, "-f", "id"]);
        fs::remove_file(folder.path().join("id.pub")).unwrap();
        let person = Person::who_says(&["open sesame"]);
        let found = Keyring::new(person.clone()).candidates(&with_files(&folder, &["id"])).await;
        let (is_in, _) = log_in(&found, &key).await;
        assert!(is_in, "{kind:?} as {format} with {passphrase:?}");
        assert_eq!(person.asked().len(), usize::from(!passphrase.is_empty()));
    }
}

#[tokio::test]
async fn an_old_encryption_is_told_and_not_taken_for_a_wrong_passphrase() {
    needs!("ssh");
    let folder = with_key(&["ecdsa"]);
    keygen(folder.path(), &["-q", "-p", "-P", "", "-N", "open sesame", "-m", "PEM", "-f", "id"]);
    let person = Person::who_says(&["open sesame"]);
    let found = Keyring::new(person.clone()).candidates(&with_files(&folder, &["id"])).await;
    let (mut session, _) = connect(&public(&folder, "id")).await;
    let error = found.keys[0].show(&mut session, "anna").await.unwrap_err().to_string();
    assert!(error.contains("ssh-keygen -p -f"), "{error}");
    assert!(person.asked().is_empty());
}

fn locked() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    keygen(folder.path(), &["-q", "-t", "ed25519", "-N", "open sesame", "-a", "4", "-f", "id"]);
    folder
}

#[tokio::test]
async fn a_passphrase_is_asked_for_once_for_all_machines_and_again_when_it_is_wrong() {
    needs!("ssh");
    let folder = locked();
    let person = Person::who_says(&["wrong", "open sesame"]);
    let keyring = Keyring::new(person.clone());
    let key = public(&folder, "id");
    let machines: Vec<_> = (0..10)
        .map(|_| {
            let (keyring, settings, key) = (keyring.clone(), with_files(&folder, &["id"]), key.clone());
            tokio::spawn(async move { log_in(&keyring.candidates(&settings).await, &key).await.0 })
        })
        .collect();
    for machine in machines {
        assert!(machine.await.unwrap());
    }
    let file = folder.path().join("id");
    let question = |again| Question::Passphrase { file: file.clone(), again };
    assert_eq!(person.asked(), [question(false), question(true)]);
}

#[tokio::test]
async fn a_passphrase_is_not_asked_for_while_no_server_takes_the_key() {
    needs!("ssh");
    for beside in [true, false] {
        let folder = locked();
        if !beside {
            fs::remove_file(folder.path().join("id.pub")).unwrap();
        }
        let other = with_key(&["ed25519"]);
        let person = Person::who_says(&["open sesame"]);
        let found = Keyring::new(person.clone()).candidates(&with_files(&folder, &["id"])).await;
        let (is_in, log) = log_in(&found, &public(&other, "id")).await;
        assert_eq!((is_in, log), (false, vec!["offered ssh-ed25519".to_owned()]));
        assert!(person.asked().is_empty());
    }
}

#[tokio::test]
async fn a_passphrase_is_asked_for_three_times_and_then_by_no_machine_any_more() {
    needs!("ssh");
    let folder = locked();
    let person = Person::who_says(&["a", "b", "c", "open sesame"]);
    let keyring = Keyring::new(person.clone());
    for _ in 0..2 {
        let found = keyring.candidates(&with_files(&folder, &["id"])).await;
        let (mut session, _) = connect(&public(&folder, "id")).await;
        let error = found.keys[0].show(&mut session, "anna").await.unwrap_err();
        assert!(matches!(error, ShowError::Key(KeyError::Passphrase { .. })), "{error}");
    }
    assert_eq!(person.asked().len(), 3);
}

#[tokio::test]
async fn where_nobody_may_be_asked_a_key_stays_closed_for_that_machine_alone() {
    needs!("ssh");
    let folder = locked();
    let person = Person::who_says(&["open sesame"]);
    let keyring = Keyring::new(person.clone());
    let settings = with_files(&folder, &["id"]);
    let batch = keyring.candidates(&Settings { ask: false, ..settings.clone() }).await;
    assert!(!log_in(&batch, &public(&folder, "id")).await.0);
    assert!(person.asked().is_empty());
    assert!(log_in(&keyring.candidates(&settings).await, &public(&folder, "id")).await.0);
}

#[tokio::test]
async fn a_key_that_others_can_read_is_not_used_and_the_remedy_is_told() {
    needs!("ssh");
    let folder = with_key(&["ed25519"]);
    let file = folder.path().join("id");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let found = candidates(&with_files(&folder, &["id"])).await;
    let (mut session, log) = connect(&public(&folder, "id")).await;
    let error = found.keys[0].show(&mut session, "anna").await.unwrap_err().to_string();
    assert!(
        error.contains("mode 0640") && error.contains(&format!("chmod 600 {}", file.display())),
        "{error}"
    );
    assert_eq!(*log.lock().unwrap(), ["offered ssh-ed25519"]);
}

#[tokio::test]
async fn a_key_that_cannot_sign_does_not_keep_the_next_from_logging_in() {
    needs!("ssh");
    let folder = locked();
    let key = public(&folder, "id");
    let open = tempfile::tempdir().unwrap();
    fs::copy(folder.path().join("id"), open.path().join("id")).unwrap();
    fs::set_permissions(open.path().join("id"), fs::Permissions::from_mode(0o644)).unwrap();
    let mut settings = with_files(&open, &["id"]);
    settings.identity_files.push(identity(&folder, "id"));
    let found = Keyring::new(Person::who_says(&["open sesame"])).candidates(&settings).await;
    let (is_in, log) = log_in(&found, &key).await;
    assert!(is_in);
    assert_eq!(log, ["offered ssh-ed25519", "offered ssh-ed25519", "signed ssh-ed25519"]);
}

#[tokio::test]
async fn the_public_file_of_another_key_is_told() {
    needs!("ssh");
    let folder = with_key(&["ed25519"]);
    make_key(folder.path(), "other", &["ed25519"]);
    fs::copy(folder.path().join("other.pub"), folder.path().join("id.pub")).unwrap();
    let found = candidates(&with_files(&folder, &["id"])).await;
    let (mut session, _) = connect(&public(&folder, "other")).await;
    let error = found.keys[0].show(&mut session, "anna").await.unwrap_err();
    assert!(matches!(error, ShowError::Key(KeyError::Mismatch { .. })), "{error}");
}

#[tokio::test]
async fn a_file_that_a_person_named_and_cannot_be_used_is_told_and_a_default_one_is_not() {
    needs!("ssh");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("text"), "hello\n").unwrap();
    let mut settings = with_files(&folder, &["none", "text", "."]);
    settings.identity_files.push(IdentityFile { path: folder.path().join("default"), named: false });
    settings.certificate_files.push(folder.path().join("none-cert.pub"));
    settings.agent = Some(folder.path().join("no-agent"));
    make_key(folder.path(), "half", &["ed25519"]);
    fs::remove_file(folder.path().join("half")).unwrap();
    settings.identity_files.push(identity(&folder, "half"));
    let found = candidates(&settings).await;
    assert!(found.keys.is_empty());
    let words = [
        "no-agent does not answer",
        "none cannot be read",
        "text is no private key",
        ". cannot be read",
        "half cannot be read",
        "none-cert.pub is not there",
    ];
    assert_eq!(found.notes.len(), words.len(), "{:?}", found.notes);
    for (note, words) in found.notes.iter().zip(words) {
        assert!(note.contains(words), "{note}");
    }
}

#[tokio::test]
async fn a_file_without_an_end_is_read_no_further_than_its_limit() {
    let found = candidates(&Settings {
        identity_files: vec![IdentityFile { path: "/dev/zero".into(), named: true }],
        ..settings()
    })
    .await;
    assert!(found.keys.is_empty());
    assert!(found.notes[0].contains("/dev/zero") && found.notes[0].contains("1048576"), "{:?}", found.notes);
}

#[tokio::test]
async fn certificates_log_in_with_their_keys() {
    needs!("ssh");
    for kind in [&["ed25519"][..], &["ecdsa"], &["rsa", "-b", "2048"]] {
        let folder = with_key(kind);
        make_key(folder.path(), "ca", &["ed25519"]);
        keygen(folder.path(), &["-q", "-s", "ca", "-I", "anna", "-n", "anna", "id.pub"]);
        let found = candidates(&with_files(&folder, &["id"])).await;
        assert_eq!(told(&found, &folder), ["the certificate of id", "id"]);
        let (is_in, log) = log_in(&found, &public(&folder, "id")).await;
        assert!(is_in, "{kind:?}");
        assert_eq!(log.last().unwrap(), "certified");
    }
}

#[tokio::test]
async fn a_certificate_that_is_named_replaces_those_beside_the_keys_and_needs_its_key() {
    needs!("ssh");
    let folder = with_key(&["ed25519"]);
    make_key(folder.path(), "other", &["ed25519"]);
    make_key(folder.path(), "ca", &["ed25519"]);
    keygen(folder.path(), &["-q", "-s", "ca", "-I", "x", "id.pub", "other.pub"]);
    keygen(folder.path(), &["-q", "-s", "ca", "-h", "-I", "x", "ca.pub"]);
    let named = ["other-cert.pub", "ca-cert.pub", "ca.pub"].map(|name| folder.path().join(name));
    let mut settings = Settings { certificate_files: named.to_vec(), ..with_files(&folder, &["id"]) };
    let found = candidates(&settings).await;
    assert_eq!(told(&found, &folder), ["id"]);
    assert!(found.notes[0].contains("other-cert.pub is in no file"), "{:?}", found.notes);
    assert!(
        found.notes[1].contains("of a host") && found.notes[2].contains("no certificate"),
        "{:?}",
        found.notes
    );
    settings.identity_files.push(identity(&folder, "other"));
    assert_eq!(told(&candidates(&settings).await, &folder), ["the certificate of other", "id", "other"]);
}

/// A real ssh-agent that ends with this.
struct SshAgent {
    program: Child,
    folder: TempDir,
}

impl SshAgent {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut agent = Command::new("ssh-agent");
        let program =
            agent.args(["-D", "-a", "socket"]).current_dir(folder.path()).stdout(Stdio::piped()).spawn();
        let mut program = program.unwrap();
        // It prints where it listens as soon as it does.
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(program.stdout.take().unwrap()), &mut line)
            .unwrap();
        Self { program, folder }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    #[track_caller]
    fn add(&self, folder: &TempDir, name: &str) {
        let mut add = Command::new("ssh-add");
        add.args(["-q", name]).current_dir(folder.path()).env("SSH_AUTH_SOCK", self.socket());
        assert!(add.status().unwrap().success());
    }
}

impl Drop for SshAgent {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[tokio::test]
async fn the_agent_signs_for_keys_and_certificates_of_all_kinds() {
    needs!("ssh");
    for kind in [&["ed25519"][..], &["ecdsa"], &["rsa", "-b", "2048"]] {
        let (agent, folder) = (SshAgent::start(), with_key(kind));
        agent.add(&folder, "id");
        let settings = Settings { agent: Some(agent.socket()), ..settings() };
        let found = candidates(&settings).await;
        assert!(log_in(&found, &public(&folder, "id")).await.0, "{kind:?}");

        make_key(folder.path(), "ca", &["ed25519"]);
        keygen(folder.path(), &["-q", "-s", "ca", "-I", "anna", "id.pub"]);
        let certificate_files = vec![folder.path().join("id-cert.pub")];
        let found = candidates(&Settings { certificate_files, ..settings.clone() }).await;
        let (is_in, log) = log_in(&found, &public(&folder, "id")).await;
        assert!(is_in && log.last().unwrap() == "certified", "{kind:?}: {log:?}");

        agent.add(&folder, "id");
        let found = candidates(&settings).await;
        assert_eq!(found.keys.len(), 2, "{found:?}");
        let (is_in, log) = log_in(&found, &public(&folder, "id")).await;
        assert!(is_in && log.last().unwrap() == "certified", "{kind:?}: {log:?}");
    }
}

#[tokio::test]
async fn keys_that_are_named_come_before_the_agents_others_and_these_before_files() {
    needs!("ssh");
    let agent = SshAgent::start();
    let folder = with_key(&["ed25519"]);
    for name in ["stray", "held", "file"] {
        make_key(folder.path(), name, &["ed25519"]);
    }
    agent.add(&folder, "stray");
    agent.add(&folder, "held");
    fs::remove_file(folder.path().join("held")).unwrap();
    let mut settings =
        Settings { agent: Some(agent.socket()), ..with_files(&folder, &["id", "held", "file"]) };
    let held = |name| format!("the agent's key '{name}'");
    assert_eq!(
        told(&candidates(&settings).await, &folder),
        [held("held"), held("stray"), "id".to_owned(), "file".to_owned()]
    );
    settings.identities_only = true;
    assert_eq!(
        told(&candidates(&settings).await, &folder),
        [held("held"), "id".to_owned(), "file".to_owned()]
    );
    settings.identity_files = vec![identity(&folder, "held.pub")];
    let found = candidates(&settings).await;
    assert_eq!((told(&found, &folder), &found.notes[..]), (vec![held("held")], &[][..]));
}

#[tokio::test]
async fn many_machines_share_one_agent() {
    needs!("ssh");
    let (agent, folder) = (SshAgent::start(), with_key(&["ed25519"]));
    agent.add(&folder, "id");
    let keyring = Keyring::new(Arc::new(Nobody));
    let settings = Settings { agent: Some(agent.socket()), ..settings() };
    let machines: Vec<_> = (0..20)
        .map(|_| {
            let (keyring, settings, key) = (keyring.clone(), settings.clone(), public(&folder, "id"));
            tokio::spawn(async move { log_in(&keyring.candidates(&settings).await, &key).await.0 })
        })
        .collect();
    for machine in machines {
        assert!(machine.await.unwrap());
    }
}

/// An agent that says this to whatever it is asked.
fn agent_that_says(folder: &TempDir, answer: Vec<u8>) -> PathBuf {
    let path = folder.path().join("agent");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(&answer).await;
            open.push(stream);
        }
    });
    path
}

#[tokio::test]
async fn an_agent_that_promises_gigabytes_or_nonsense_is_a_note() {
    let key = [&[0, 0, 0, 4][..], b"none", &[0, 0, 0, 0]].concat();
    let nonsense = [&[0, 0, 0, 17, 12, 0, 0, 0, 1][..], &key].concat();
    for answer in [vec![0xff; 64], nonsense, vec![0, 0, 0, 5, 12, 0xff, 0xff, 0xff, 0xff]] {
        let folder = tempfile::tempdir().unwrap();
        let agent = Some(agent_that_says(&folder, answer));
        let found = candidates(&Settings { agent, ..settings() }).await;
        assert!(found.keys.is_empty());
        assert!(found.notes[0].contains("does not answer"), "{:?}", found.notes);
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_says_nothing_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let agent = Some(agent_that_says(&folder, Vec::new()));
    let found = candidates(&Settings { agent, ..settings() }).await;
    assert!(found.notes[0].contains("says nothing for 5s"), "{:?}", found.notes);
}

#[tokio::test]
async fn an_agent_with_more_keys_than_anybody_has_is_listened_to_only_so_far() {
    let blob = russh::keys::PublicKeyBase64::public_key_bytes(
        PrivateKey::random(&mut russh::keys::key::safe_rng(), russh::keys::Algorithm::Ed25519)
            .unwrap()
            .public_key(),
    );
    let number = |number: usize| u32::try_from(number).unwrap().to_be_bytes();
    let one = [&number(blob.len())[..], &blob, &[0; 4]].concat();
    let keys = [&[12][..], &number(1000), &one.repeat(1000)].concat();
    let folder = tempfile::tempdir().unwrap();
    let agent = Some(agent_that_says(&folder, [&number(keys.len())[..], &keys].concat()));
    let found = candidates(&Settings { agent, ..settings() }).await;
    assert_eq!(found.keys.len(), agent::MAX_KEYS);
}

fn secret(answer: Option<crate::Secret>) -> Option<String> {
    answer.map(|secret| secret.expose().to_owned())
}

#[tokio::test]
async fn a_password_is_asked_for_once_for_all_machines_of_a_user() {
    let person = Person::who_says(&["one"]);
    let keyring = Keyring::new(person.clone());
    let machines: Vec<_> = (0..10)
        .map(|number| {
            let mut tries = keyring.tries(&hop(&format!("n{number}"), 22, settings()));
            tokio::spawn(async move { secret(tries.password().await) })
        })
        .collect();
    for machine in machines {
        assert_eq!(machine.await.unwrap().as_deref(), Some("one"));
    }
    assert_eq!(person.asked(), [Question::Password { login: "anna@n0".to_owned(), again: false }]);
}

#[tokio::test]
async fn refused_passwords_are_asked_for_again_twice_in_all() {
    let person = Person::who_says(&["one", "two", "three", "four"]);
    let keyring = Keyring::new(person.clone());
    let mut first = keyring.tries(&hop("n1", 22, settings()));
    let mut second = keyring.tries(&hop("n2", 22, settings()));
    assert_eq!(secret(first.password().await).as_deref(), Some("one"));
    assert_eq!(secret(second.password().await).as_deref(), Some("one"));
    assert_eq!(secret(first.password().await).as_deref(), Some("two"), "the first was refused");
    assert_eq!(secret(second.password().await).as_deref(), Some("two"), "without asking");
    assert_eq!(secret(first.password().await).as_deref(), Some("three"));
    assert_eq!(secret(first.password().await), None);
    let mut third = keyring.tries(&hop("n3", 22, settings()));
    let mut offered = Vec::new();
    while let Some(password) = secret(third.password().await) {
        offered.push(password);
    }
    assert_eq!(offered, ["three", "two", "one"], "the newest first, since older ones were refused somewhere");
    let again: Vec<bool> =
        person.asked().iter().map(|asked| matches!(asked, Question::Password { again: true, .. })).collect();
    assert_eq!(again, [false, true, true]);
}

#[tokio::test]
async fn who_would_not_say_is_not_asked_by_the_next_machine() {
    let person = Person::who_says(&[]);
    let keyring = Keyring::new(person.clone());
    for host in ["n1", "n2"] {
        assert_eq!(secret(keyring.tries(&hop(host, 22, settings())).password().await), None);
    }
    assert_eq!(person.asked().len(), 1);
}

#[tokio::test]
async fn prompts_are_answered_by_their_words_and_keep_whether_the_answer_is_seen() {
    let person = Person::who_says(&["secret", "123456"]);
    let keyring = Keyring::new(person.clone());
    for host in ["n1", "n2"] {
        let mut tries = keyring.tries(&hop(host, 22, settings()));
        assert_eq!(secret(tries.prompt("", "Password: ", false).await).as_deref(), Some("secret"));
        assert_eq!(
            secret(tries.prompt("Look at your token", "Code: ", true).await).as_deref(),
            Some("123456")
        );
    }
    let prompt = |instruction: &str, prompt: &str, echo| Question::Prompt {
        login: "anna@n1".to_owned(),
        instruction: instruction.to_owned(),
        prompt: prompt.to_owned(),
        echo,
    };
    assert_eq!(
        person.asked(),
        [prompt("", "Password: ", false), prompt("Look at your token", "Code: ", true)]
    );
}

#[tokio::test]
async fn nothing_that_is_secret_is_in_a_debug_text() {
    needs!("ssh");
    let folder = locked();
    let keyring = Keyring::new(Person::who_says(&["open sesame", "hunter2"]));
    let settings = with_files(&folder, &["id"]);
    let found = keyring.candidates(&settings).await;
    assert!(log_in(&found, &public(&folder, "id")).await.0);
    let mut tries = keyring.tries(&hop("n1", 22, settings));
    let password = tries.password().await;
    let text = format!("{keyring:?} {found:?} {tries:?} {password:?}");
    assert_eq!(
        text,
        format!(
            "Keyring(..) Candidates {{ keys: [Candidate({})], notes: [] }} Tries(anna@n1) Some(Secret(..))",
            folder.path().join("id").display()
        )
    );
}
