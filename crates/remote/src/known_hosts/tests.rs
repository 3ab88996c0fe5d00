//! Against ssh-keygen, which reads and writes the same files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use proptest::prelude::*;
use russh::keys::{EcdsaCurve, HashAlg, PublicKeyOrCertificate};
use tempfile::TempDir;

use super::*;
use crate::ask::Question;
use crate::config::{Settings, StrictHostKeyChecking};
use crate::machine::Hop;
use crate::testing::{Person, hop, keygen, make_key, settings};

const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
const ANOTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBHwf2HMM5TRXvo2SQJjsNkiDD5KqiiNjrGVv3UUh+mMT5RHxiRtOnlqvjhQtBq0VpmpCV/PwUdhOig4vkbqAcEc=";

fn key(text: &str) -> PublicKey {
    text.parse().unwrap()
}

/// A folder with a file `known_hosts` of this text, and what is known by it.
fn known(text: &str) -> (TempDir, KnownHosts) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("known_hosts");
    fs::write(&file, text).unwrap();
    let known = KnownHosts::load(&[file], &[]).unwrap();
    (folder, known)
}

fn name(host: &str, port: u16) -> Name {
    Name::of(&hop(host, port, settings()))
}

fn line_of(verdict: &Verdict) -> usize {
    match verdict {
        Verdict::Known(place) | Verdict::Revoked(place) => place.line,
        other => panic!("no line: {other:?}"),
    }
}

#[test]
fn a_key_is_known_by_name_in_whatever_case() {
    let (_folder, known) = known(&format!("# hosts\n\nWeb.Lab,10.0.0.7 {ED25519} anna@desk\n"));
    assert_eq!(line_of(&known.check(&name("wEB.lab", 22), &key(ED25519))), 3);
    assert_eq!(line_of(&known.check(&name("10.0.0.7", 22), &key(ED25519))), 3);
    assert_eq!(known.check(&name("web", 22), &key(ED25519)), Verdict::Unknown);
}

#[test]
fn another_key_of_a_known_host_is_a_change_even_if_it_is_of_another_kind() {
    let (_folder, known) = known(&format!("web {ECDSA}\nweb {ANOTHER}\n"));
    let Verdict::Changed(others) = known.check(&name("web", 22), &key(ED25519)) else {
        panic!("not changed")
    };
    let lines: Vec<_> = others.iter().map(|other| (other.place.line, other.key.clone())).collect();
    assert_eq!(lines, [(1, key(ECDSA)), (2, key(ANOTHER))]);
}

#[test]
fn a_later_line_may_have_the_right_key() {
    let (_folder, known) = known(&format!("web {ANOTHER}\nweb {ED25519}\n"));
    assert_eq!(line_of(&known.check(&name("web", 22), &key(ED25519))), 2);
}

#[test]
fn a_name_without_a_port_vouches_for_its_key_on_every_port_and_denies_no_other_there() {
    let (_folder, known) = known(&format!("web {ED25519}\n[db]:2222 {ED25519}\n"));
    assert_eq!(line_of(&known.check(&name("web", 2222), &key(ED25519))), 1);
    assert_eq!(known.check(&name("web", 2222), &key(ANOTHER)), Verdict::Unknown);
    assert_eq!(line_of(&known.check(&name("db", 2222), &key(ED25519))), 2);
    assert_eq!(known.check(&name("db", 22), &key(ED25519)), Verdict::Unknown);
}

#[test]
fn a_revoked_key_is_revoked_whatever_else_is_known_and_on_every_port() {
    let (_folder, known) = known(&format!("web {ED25519}\n[web]:2222 {ED25519}\n@revoked web {ED25519}\n"));
    for port in [22, 2222, 2223] {
        assert_eq!(line_of(&known.check(&name("web", port), &key(ED25519))), 3);
    }
    assert_eq!(known.check(&name("db", 22), &key(ED25519)), Verdict::Unknown);
}

#[test]
fn an_alias_is_looked_up_as_it_is_without_port() {
    let (_folder, known) = known(&format!("rack {ED25519}\nweb {ANOTHER}\n"));
    let aliased = Settings { host_key_alias: Some("Rack".to_owned()), ..settings() };
    let name = Name::of(&hop("web", 2222, aliased));
    assert_eq!(line_of(&known.check(&name, &key(ED25519))), 1);
}

#[test]
fn global_files_count_as_the_users() {
    let folder = tempfile::tempdir().unwrap();
    let global = folder.path().join("global");
    fs::write(&global, format!("web {ED25519}\n")).unwrap();
    let known = KnownHosts::load(&[folder.path().join("none")], &[global]).unwrap();
    assert_eq!(line_of(&known.check(&name("web", 22), &key(ED25519))), 1);
}

#[test]
fn lines_that_mean_nothing_are_passed_over_and_told() {
    let certificate = ED25519.replace("ssh-ed25519 ", "ssh-ed25519-cert-v01@openssh.com ");
    let broken = [
        "web".to_owned(),
        "web ssh-ed25519".to_owned(),
        "web ssh-ed25519 AAAA".to_owned(),
        "web ssh-ed25519 !!!!".to_owned(),
        format!("web {}", ED25519.replace("ssh-ed25519", "ssh-rsa")),
        format!("web {certificate}"),
        format!("web 256 {ED25519}"),
        format!("web {}", ED25519.replace("ssh-ed25519", "x@example.com")),
        format!("@trusted web {ED25519}"),
        format!("@revoked @cert-authority web {ED25519}"),
        "@revoked".to_owned(),
        format!("|1|AAAA|AAAA {ED25519}"),
        format!("|2|AAAA {ED25519}"),
    ];
    let (_folder, known) = known(&format!("{}\n  web\t{ED25519}\r\n", broken.join("\n")));
    let told: Vec<usize> = known.broken().iter().map(|place| place.line).collect();
    assert_eq!(told, (1..=broken.len()).collect::<Vec<_>>());
    assert_eq!(line_of(&known.check(&name("web", 22), &key(ED25519))), broken.len() + 1);
}

#[test]
fn a_comment_in_another_charset_spoils_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("known_hosts");
    fs::write(&file, [b"web ", ED25519.as_bytes(), b" B\xfcro\n"].concat()).unwrap();
    let known = KnownHosts::load(&[file], &[]).unwrap();
    assert_eq!(line_of(&known.check(&name("web", 22), &key(ED25519))), 1);
}

#[test]
fn certificates_within_certificates_are_no_key_however_deep() {
    let mut blob = Vec::new();
    for _ in 0..100_000 {
        blob.extend([0, 0, 0, 28]);
        blob.extend(b"ssh-rsa-cert-v01@openssh.com");
    }
    let text = {
        use russh::keys::ssh_encoding::base64::{Base64, Encoding};
        Base64::encode_string(&blob)
    };
    let (_folder, known) = known(&format!("web ssh-rsa-cert-v01@openssh.com {text}\nweb ssh-rsa {text}\n"));
    assert_eq!(known.broken().len(), 2);
}

#[test]
fn stars_upon_stars_cost_no_time() {
    let stars = "*a".repeat(500);
    let (_folder, known) = known(&format!("{stars}b {ED25519}\n"));
    assert_eq!(known.check(&name(&"a".repeat(5_000), 22), &key(ED25519)), Verdict::Unknown);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_that_names_it_and_not_an_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    let error = KnownHosts::load(&[folder.path().to_owned()], &[]).unwrap_err();
    assert!(matches!(error, LoadError::Read { .. }));
    assert!(error.to_string().contains(folder.path().to_str().unwrap()));
}

#[test]
fn a_file_that_is_too_large_or_has_too_many_lines_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (large, long) = (folder.path().join("large"), folder.path().join("long"));
    File::create(&large).unwrap().set_len(MAX_FILE + 1).unwrap();
    fs::write(&long, "\n".repeat(MAX_LINES + 1)).unwrap();
    let error = |file: &Path| KnownHosts::load(&[], &[file.to_owned()]).unwrap_err();
    assert!(matches!(error(&large), LoadError::Size { file } if file == large));
    assert!(matches!(error(&long), LoadError::Lines { file } if file == long));
}

#[test]
fn a_host_is_asked_first_for_a_key_that_is_known() {
    let (_folder, known) =
        known(&format!("web {ECDSA}\n@cert-authority *.lab {ED25519}\nbox.lab {ED25519}\n"));
    let web = known.preference(&name("web", 2222), &Algorithms::default());
    assert_eq!(web.keys[0], Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 });
    assert_eq!(web.keys[1], Algorithm::Ed25519, "the others follow in their order");
    assert!(web.certificates.is_empty());
    let lab = known.preference(&name("box.lab", 22), &Algorithms::default());
    assert_eq!(lab.keys, Algorithms::default().bare_host_keys());
    assert_eq!(lab.certificates, lab.keys);
    let host_keys = vec!["rsa-sha2-512", "ssh-ed25519"];
    let given = Algorithms { host_keys, host_keys_in_order: true, ..Algorithms::default() };
    let lab = known.preference(&name("box.lab", 22), &given);
    assert_eq!(lab.keys, [Algorithm::Rsa { hash: Some(HashAlg::Sha512) }, Algorithm::Ed25519]);
    assert!(lab.certificates.is_empty(), "none was named");
}

#[test]
fn a_known_rsa_key_may_sign_in_either_way_and_never_by_sha_1() {
    needs!("ssh");
    let folder = tempfile::tempdir().unwrap();
    make_key(folder.path(), "host", &["rsa"]);
    let public = fs::read_to_string(folder.path().join("host.pub")).unwrap();
    let (_folder, known) = known(&format!("web {public}"));
    let keys = known.preference(&name("web", 22), &Algorithms::default()).keys;
    let rsa = |hash| Algorithm::Rsa { hash };
    assert_eq!(keys[..2], [rsa(Some(HashAlg::Sha512)), rsa(Some(HashAlg::Sha256))]);
    assert!(!keys.contains(&rsa(None)));
}

/// An authority, a host's key, and the certificate that ssh-keygen makes of them with these options.
struct Certified {
    folder: TempDir,
    certificate: Certificate,
}

impl Certified {
    fn new(authority: &[&str], options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        make_key(folder.path(), "ca", authority);
        make_key(folder.path(), "host", &["ed25519"]);
        keygen(folder.path(), &[&["-q", "-s", "ca", "-I", "test"], options, &["host.pub"]].concat());
        let certificate = fs::read_to_string(folder.path().join("host-cert.pub")).unwrap();
        Self { certificate: Certificate::from_openssh(&certificate).unwrap(), folder }
    }

    fn public(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(format!("{name}.pub"))).unwrap()
    }

    fn check(&self, lines: &str) -> (Verdict, Option<CertificateFault>) {
        let (_folder, known) = known(lines);
        known.check_certificate(&name("web", 2222), &self.certificate, SystemTime::now())
    }
}

const HOST: &[&str] = &["-h", "-n", "web"];

#[test]
fn a_certificate_of_a_trusted_authority_is_known_whatever_the_kind_of_its_key() {
    needs!("ssh");
    for authority in [
        &["ed25519"][..],
        &["rsa", "-b", "2048"],
        &["ecdsa"],
        &["ecdsa", "-b", "384"],
        &["ecdsa", "-b", "521"],
    ] {
        let certified = Certified::new(authority, HOST);
        let (verdict, fault) = certified.check(&format!("@cert-authority w* {}", certified.public("ca")));
        assert_eq!((line_of(&verdict), fault), (1, None), "{authority:?}");
    }
    let for_all = Certified::new(&["ed25519"], &["-h"]);
    let (verdict, _) = for_all.check(&format!("@cert-authority [web]:2222 {}", for_all.public("ca")));
    assert_eq!(line_of(&verdict), 1);
}

#[test]
fn a_certificate_that_is_not_valid_says_why_and_counts_as_its_key() {
    needs!("ssh");
    let faults: [(&[&str], &str); 6] = [
        (&["-n", "web"], "a user, not of a host"),
        (&["-h", "-n", "web", "-V", "20200101:20200102"], "has expired"),
        (&["-h", "-n", "web", "-V", "20980101:20990101"], "not valid yet"),
        (&["-h", "-n", "db,mail"], "for db, mail, not for web"),
        (&["-h", "-n", "w*"], "for w*, not for web"),
        (&["-h", "-n", "web", "-O", "critical:shiny=yes"], "critical option shiny"),
    ];
    for (options, words) in faults {
        let certified = Certified::new(&["ed25519"], options);
        let authority = format!("@cert-authority * {}", certified.public("ca"));
        let (verdict, fault) = certified.check(&authority);
        assert_eq!(verdict, Verdict::Unknown);
        let fault = fault.unwrap().to_string();
        assert!(fault.contains(words), "{fault}");
        let (verdict, fault) = certified.check(&format!("{authority}web {}", certified.public("host")));
        assert_eq!(line_of(&verdict), 2);
        assert!(fault.is_some());
    }
}

#[test]
fn a_certificate_signed_by_sha_1_or_not_by_its_authority_is_not_taken() {
    needs!("ssh");
    let weak = Certified::new(&["rsa", "-b", "2048"], &["-h", "-n", "web", "-t", "ssh-rsa"]);
    let (_, fault) = weak.check(&format!("@cert-authority * {}", weak.public("ca")));
    assert_eq!(fault, Some(CertificateFault::Sha1));

    let mut forged = Certified::new(&["ed25519"], &["-h", "-n", "bad"]);
    let mut bytes = forged.certificate.to_bytes().unwrap();
    let at = bytes.windows(3).position(|window| window == b"bad").unwrap();
    bytes[at..at + 3].copy_from_slice(b"web");
    forged.certificate = Certificate::from_bytes(&bytes).unwrap();
    let (verdict, fault) = forged.check(&format!("@cert-authority * {}", forged.public("ca")));
    assert_eq!((verdict, fault), (Verdict::Unknown, Some(CertificateFault::Signature)));
}

#[test]
fn without_its_authority_a_certificate_is_its_key_and_nothing_more() {
    needs!("ssh");
    let certified = Certified::new(&["ed25519"], HOST);
    let (authority, host) = (certified.public("ca"), certified.public("host"));
    let verdict = |lines: &str| certified.check(lines).0;
    assert_eq!(
        verdict(&format!("web {authority}")),
        Verdict::Unknown,
        "a key without its marker is no authority"
    );
    assert_eq!(verdict(&format!("@cert-authority db {authority}")), Verdict::Unknown);
    assert_eq!(line_of(&verdict(&format!("@cert-authority * {ANOTHER}\nweb {host}"))), 2);
}

#[test]
fn a_revoked_authority_or_key_ends_all_certificates() {
    needs!("ssh");
    let certified = Certified::new(&["ed25519"], HOST);
    let trusted = format!("@cert-authority * {}", certified.public("ca"));
    for revoked in ["ca", "host"] {
        let (verdict, _) = certified.check(&format!("{trusted}@revoked * {}", certified.public(revoked)));
        assert!(matches!(&verdict, Verdict::Revoked(place) if place.line == 2), "{revoked}: {verdict:?}");
    }
}

#[test]
fn what_is_remembered_is_found_here_and_by_ssh() {
    needs!("ssh");
    for hash in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/.ssh/known_hosts");
        let hosts = [name("web.lab", 22), name("db", 2222), name("2001:db8::7", 2222)];
        let known = KnownHosts::load(std::slice::from_ref(&file), &[]).unwrap();
        for host in &hosts {
            known.remember(host, &key(ED25519), hash).unwrap();
        }
        let again = KnownHosts::load(std::slice::from_ref(&file), &[]).unwrap();
        for (index, host) in hosts.iter().enumerate() {
            assert_eq!(line_of(&known.check(host, &key(ED25519))), index + 1, "without reading it anew");
            assert_eq!(line_of(&again.check(host, &key(ED25519))), index + 1);
            let found = keygen(folder.path(), &["-F", &host.to_string(), "-f", file.to_str().unwrap()]);
            assert!(found.contains(&format!("found: line {}", index + 1)), "{found}");
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
        assert_eq!(fs::read_to_string(&file).unwrap().contains("web.lab"), !hash);
    }
}

#[test]
fn what_is_remembered_is_known_also_where_it_was_looked_for_in_vain() {
    for hash in [false, true] {
        let (_folder, known) = known("");
        let (web, db) = (name("web", 2222), name("db", 22));
        assert_eq!(known.check(&web, &key(ED25519)), Verdict::Unknown);
        assert_eq!(known.check(&db, &key(ED25519)), Verdict::Unknown);
        known.remember(&web, &key(ED25519), hash).unwrap();
        assert_eq!(line_of(&known.check(&web, &key(ED25519))), 1);
        assert_eq!(known.check(&db, &key(ED25519)), Verdict::Unknown);
    }
}

#[test]
fn a_last_line_without_an_end_is_ended_first() {
    let (folder, known) = known(&format!("web {ANOTHER}"));
    known.remember(&name("db", 22), &key(ED25519), false).unwrap();
    let text = fs::read_to_string(folder.path().join("known_hosts")).unwrap();
    assert_eq!(text, format!("web {ANOTHER}\ndb {ED25519}\n"));
    assert_eq!(line_of(&known.check(&name("db", 22), &key(ED25519))), 2);
}

#[test]
fn many_at_once_tear_no_line_and_write_none_twice() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("known_hosts");
    std::thread::scope(|scope| {
        for thread in 0..30 {
            let file = &file;
            scope.spawn(move || {
                // Each thread is a run of its own, as far as the file is concerned.
                let known = KnownHosts::load(std::slice::from_ref(file), &[]).unwrap();
                for host in 0..10 {
                    let host = format!("host{}", (host + thread) % 20);
                    known.remember(&name(&host, 22), &key(ED25519), thread % 2 == 0).unwrap();
                }
            });
        }
    });
    let known = KnownHosts::load(std::slice::from_ref(&file), &[]).unwrap();
    assert!(known.broken().is_empty());
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 20);
    for host in 0..20 {
        line_of(&known.check(&name(&format!("host{host}"), 22), &key(ED25519)));
    }
}

#[test]
fn a_name_that_would_stand_for_others_is_not_written() {
    let (folder, known) = known("");
    for host in ["*", "a?c", "a,b", "!a", "|1|a", "@revoked", "#a", "a b", "a\nb"] {
        let error = known.remember(&name(host, 22), &key(ED25519), false).unwrap_err();
        assert!(matches!(&error, RememberError::Name(name) if name == host), "{error}");
    }
    assert_eq!(fs::read_to_string(folder.path().join("known_hosts")).unwrap(), "");
}

#[test]
fn nowhere_to_write_is_an_error_that_says_so() {
    let known = KnownHosts::load(&[], &[]).unwrap();
    let error = known.remember(&name("web", 22), &key(ED25519), false).unwrap_err();
    assert!(error.to_string().contains("UserKnownHostsFile"));
    let known = KnownHosts::load(&[PathBuf::from("/proc/no/known_hosts")], &[]).unwrap();
    let error = known.remember(&name("web", 22), &key(ED25519), false).unwrap_err();
    assert!(error.to_string().contains("/proc/no/known_hosts"));
}

#[test]
fn a_changed_key_is_told_with_both_fingerprints_the_line_and_a_command_that_mends_it() {
    needs!("ssh");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("anna's known_hosts");
    fs::write(&file, format!("# mine\n[web]:2222 {ECDSA}\n")).unwrap();
    let known = KnownHosts::load(std::slice::from_ref(&file), &[]).unwrap();
    let web = name("web", 2222);
    let Verdict::Changed(others) = known.check(&web, &key(ED25519)) else { panic!("not changed") };
    let refusal = Refusal { name: web.clone(), key: key(ED25519), reason: Reason::Changed(others) };
    let text = refusal.to_string();
    for public in [ED25519, ECDSA] {
        fs::write(folder.path().join("x.pub"), public).unwrap();
        let listed = keygen(folder.path(), &["-l", "-f", "x.pub"]);
        let fingerprint = listed.split(' ').nth(1).unwrap();
        assert!(fingerprint.starts_with("SHA256:") && text.contains(fingerprint), "{text}");
    }
    assert!(text.contains("THE KEY OF [web]:2222 HAS CHANGED"));
    assert!(text.contains(&format!("{}:2", file.display())));
    let command = text.lines().last().unwrap();
    assert!(Command::new("sh").args(["-c", command]).output().unwrap().status.success(), "{command}");
    let mended = KnownHosts::load(std::slice::from_ref(&file), &[]).unwrap();
    assert_eq!(mended.check(&web, &key(ED25519)), Verdict::Unknown);
}

#[test]
fn a_revoked_and_an_unknown_key_are_told_by_name_fingerprint_and_remedy() {
    let refusal = |reason| Refusal { name: name("web", 22), key: key(ED25519), reason }.to_string();
    let place = Place { file: Arc::from(Path::new("/etc/ssh/revoked")), line: 7 };
    let revoked = refusal(Reason::Revoked(place));
    assert!(revoked.contains("THE ED25519 KEY OF web IS REVOKED by /etc/ssh/revoked:7"), "{revoked}");
    let unknown = refusal(Reason::Unknown);
    assert!(unknown.contains("SHA256:") && unknown.contains("StrictHostKeyChecking=accept-new"), "{unknown}");
}

fn shown(key: &str) -> PublicKeyOrCertificate {
    PublicKeyOrCertificate::from(key.parse::<PublicKey>().unwrap())
}

fn strict(strict: StrictHostKeyChecking) -> Hop {
    hop("web", 22, Settings { strict, ..settings() })
}

#[tokio::test]
async fn connections_that_meet_the_same_new_key_ask_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("known_hosts");
    let known = Arc::new(KnownHosts::load(std::slice::from_ref(&file), &[]).unwrap());
    let person = Person::who_says(&["yes"]);
    let connections: Vec<_> = (0..20)
        .map(|_| {
            let (known, person) = (known.clone(), person.clone());
            tokio::spawn(async move {
                known.admit(&strict(StrictHostKeyChecking::Ask), &shown(ED25519), &*person).await
            })
        })
        .collect();
    for connection in connections {
        assert!(!connection.await.unwrap().unwrap().keys_only);
    }
    let [Question::NewKey { host, kind, fingerprint }] = &person.asked()[..] else {
        panic!("{:?}", person.asked())
    };
    assert_eq!((host.as_str(), kind.as_str(), fingerprint.starts_with("SHA256:")), ("web", "ED25519", true));
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("web {ED25519}\n"));
}

#[tokio::test]
async fn who_says_that_all_new_machines_are_right_is_asked_no_more() {
    let (folder, known) = known("");
    let known = Arc::new(known);
    let person = Person::who_says(&["yes", "all"]);
    for host in ["n1", "n2", "n3", "n4"] {
        let admission = known.admit(&hop(host, 22, settings()), &shown(ED25519), &*person).await.unwrap();
        assert_eq!(admission.notes, [format!("the ED25519 key of {host} is known from now on")]);
    }
    assert_eq!(person.asked().len(), 2);
    let changed = known.admit(&hop("n4", 22, settings()), &shown(ANOTHER), &*person).await.unwrap_err();
    assert!(matches!(changed.reason, Reason::Changed(_)), "that is for new ones only");
    assert_eq!(fs::read_to_string(folder.path().join("known_hosts")).unwrap().lines().count(), 4);
}

#[tokio::test]
async fn an_unknown_key_is_refused_unless_a_person_or_the_settings_say_yes() {
    let person = Person::who_says(&["no"]);
    let silent = Settings { ask: false, ..settings() };
    for (hop, questions) in [
        (strict(StrictHostKeyChecking::Ask), 1),
        (strict(StrictHostKeyChecking::Yes), 1),
        (hop("web", 22, silent), 1),
    ] {
        let known = Arc::new(known("").1);
        let refusal = known.admit(&hop, &shown(ED25519), &*person).await.unwrap_err();
        assert_eq!(refusal.reason, Reason::Unknown);
        assert_eq!(person.asked().len(), questions);
    }
    for setting in [StrictHostKeyChecking::AcceptNew, StrictHostKeyChecking::No] {
        let (folder, known) = known("");
        let admission = Arc::new(known).admit(&strict(setting), &shown(ED25519), &*person).await.unwrap();
        assert_eq!(admission.notes, ["the ED25519 key of web is known from now on"]);
        assert!(fs::read_to_string(folder.path().join("known_hosts")).unwrap().contains(ED25519));
    }
}

#[tokio::test]
async fn a_changed_or_revoked_key_is_refused_and_where_checking_is_off_gets_no_passwords() {
    let person = Person::who_says(&["yes"]);
    for line in [format!("web {ANOTHER}\n"), format!("@revoked * {ED25519}\n")] {
        let known = Arc::new(known(&line).1);
        for setting in
            [StrictHostKeyChecking::Ask, StrictHostKeyChecking::AcceptNew, StrictHostKeyChecking::Yes]
        {
            assert!(known.admit(&strict(setting), &shown(ED25519), &*person).await.is_err());
        }
        let admission =
            known.admit(&strict(StrictHostKeyChecking::No), &shown(ED25519), &*person).await.unwrap();
        assert!(admission.keys_only && admission.notes.len() == 1);
    }
    assert!(person.asked().is_empty());
}

#[tokio::test]
async fn a_certificate_that_was_not_taken_is_told_although_its_key_is_known() {
    needs!("ssh");
    let certified = Certified::new(&["ed25519"], &["-h", "-n", "web", "-V", "20200101:20200102"]);
    let lines = format!("@cert-authority * {}web {}", certified.public("ca"), certified.public("host"));
    let known = Arc::new(known(&lines).1);
    let shown = PublicKeyOrCertificate::from(certified.certificate.clone());
    let admission =
        known.admit(&strict(StrictHostKeyChecking::Yes), &shown, &crate::ask::Nobody).await.unwrap();
    assert!(admission.notes[0].contains("expired"), "{:?}", admission.notes);
}

#[test]
fn a_certificate_is_valid_to_its_last_second() {
    needs!("ssh");
    let certified = Certified::new(&["ed25519"], &["-h", "-n", "web", "-V", "20200101:20200102"]);
    let (_folder, known) = known(&format!("@cert-authority * {}", certified.public("ca")));
    let at = |seconds| {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        known.check_certificate(&name("web", 22), &certified.certificate, now).1
    };
    let (after, before) = (certified.certificate.valid_after(), certified.certificate.valid_before());
    assert_eq!(at(after - 1), Some(CertificateFault::NotYet));
    assert_eq!(at(after), None);
    assert_eq!(at(before - 1), None);
    assert_eq!(at(before), Some(CertificateFault::Expired));
}

#[test]
fn a_file_that_ssh_keygen_has_hashed_is_read() {
    needs!("ssh");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("known_hosts");
    fs::write(&file, format!("web,10.0.0.7 {ED25519}\n[db]:2222 {ANOTHER}\n*.lab {ECDSA}\n")).unwrap();
    keygen(folder.path(), &["-H", "-f", "known_hosts"]);
    let known = KnownHosts::load(std::slice::from_ref(&file), &[]).unwrap();
    assert!(!fs::read_to_string(&file).unwrap().contains("web"));
    for (host, port, wanted) in
        [("web", 22, ED25519), ("10.0.0.7", 22, ED25519), ("db", 2222, ANOTHER), ("x.lab", 22, ECDSA)]
    {
        line_of(&known.check(&name(host, port), &key(wanted)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn every_line_is_for_the_hosts_that_ssh_keygen_finds_it_for(
        lines in prop::collection::vec(
            (prop::sample::select(vec!["", "", "@revoked ", "@cert-authority "]),
             prop::collection::vec("!?[abA*?.]{1,4}|\\[a\\]:[12*]", 1..4)), 1..6),
        host in "[ab.]{1,4}|\\[a\\]:[12]",
    ) {
        prop_assume!(crate::needs::is_there("ssh"));
        let text: String =
            lines.iter().map(|(marker, hosts)| format!("{marker}{} {ED25519}\n", hosts.join(","))).collect();
        let (folder, known) = known(&text);
        let found = keygen(folder.path(), &["-F", &host, "-f", "known_hosts"]);
        let theirs: Vec<usize> = found
            .lines()
            .filter_map(|line| line.split("found: line ").nth(1)?.split(' ').next()?.parse().ok())
            .collect();
        let ours: Vec<usize> = known.lock().entries_of(&host).iter().map(|entry| entry.place.line).collect();
        prop_assert_eq!(ours, theirs, "{}", text);
    }

    #[test]
    fn any_bytes_are_read(text in prop::collection::vec(any::<u8>(), 0..200)) {
        let file: Arc<Path> = Arc::from(Path::new("x"));
        lines(&text, &file).for_each(drop);
    }
}
