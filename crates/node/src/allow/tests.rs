use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

const ANN: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJeCwZ7tb8b9jqOjrtx3MfPmDxCGEF+d+ELep1S6YNZQ ann";
const BOB: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIhMSHJkKQk6vGsUJ2oUn+Qhar6DKpnix0fT0ciw/s8S bob";

struct Place(tempfile::TempDir);

impl Place {
    fn with(text: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::write(place.path(), text).unwrap();
        place
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("allow")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }
}

#[test]
fn what_a_person_wrote_stays_byte_by_byte() {
    let person = format!("# colleagues\r\n\nrestrict,pty  {BOB}\nno such line at all");
    let place = Place::with(&person);
    add(&place.path(), &format!("{ANN}\n"), &Terms::default()).unwrap();
    assert_eq!(place.text(), format!("{person}\n{ANN}\n"));
    remove(&place.path(), "ann").unwrap();
    assert_eq!(place.text(), format!("{person}\n"));
}

#[test]
fn the_first_key_makes_a_file_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trunkline/allow");
    add(&path, ANN, &Terms::default()).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(path.parent().unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn terms_are_read_back_as_they_were_meant() {
    let until = "2026-11-23T17:00:00Z".parse().unwrap();
    for only in [r#"echo "a b""#, r"grep -E '\.log$'", r#"printf 'a,b # c'"#, "uptime"] {
        let place = Place::with("");
        let label = Some("Ann Lee, lab".to_owned());
        let terms = Terms { until: Some(until), only: Some(only.to_owned()), label, ..Terms::default() };
        add(&place.path(), ANN, &terms).unwrap();
        let line = &list(&place.path()).unwrap().lines[0];
        assert_eq!(line.options.command.as_deref(), Some(only), "{}", place.text());
        assert_eq!((line.options.expires, line.comment.as_str()), (Some(until), "Ann Lee, lab"));
    }
}

#[test]
fn what_would_be_read_back_as_something_else_is_not_written() {
    let place = Place::with("");
    let with = |only: &str| Terms { only: Some(only.to_owned()), ..Terms::default() };
    let forged = format!("uptime\n{BOB}");
    for only in ["uptime \\", r#"echo \"a b""#, forged.as_str()] {
        let refused = add(&place.path(), ANN, &with(only)).unwrap_err();
        assert!(matches!(refused, AllowError::Unwritable { what: "--only", .. }), "{only}: {refused}");
    }
    let label = Some(format!("ann\n{BOB}"));
    let refused = add(&place.path(), ANN, &Terms { label, ..Terms::default() }).unwrap_err();
    assert!(matches!(refused, AllowError::Unwritable { what: "--name", .. }), "{refused}");
    assert_eq!(place.text(), "");
}

#[test]
fn only_one_public_key_is_taken() {
    let place = Place::with("");
    let refused = |text: &str| add(&place.path(), text, &Terms::default()).unwrap_err().to_string();
    let private =
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n-----END OPENSSH PRIVATE KEY-----\n";
    assert!(refused(private).contains("a private key, which stays with its owner"));
    assert!(
        refused("ssh-ed25519 AAAA ann").contains("its key is not one"),
        "{}",
        refused("ssh-ed25519 AAAA")
    );
    assert!(refused(&format!("{ANN}\n{BOB}\n")).contains("there are 2"));
    assert!(refused("# nothing\n").contains("there are 0"));
    assert!(refused(&format!("cert-authority {ANN}")).contains("options stand in front"));
    assert_eq!(place.text(), "");
}

#[test]
fn a_key_stands_once() {
    let place = Place::with(&format!("# first\n{ANN}\n"));
    let again = ANN.replace(" ann", " another name");
    let refused = add(&place.path(), &again, &Terms::default()).unwrap_err().to_string();
    assert!(refused.ends_with("allow:2 already, as ann"), "{refused}");
}

#[test]
fn a_key_is_meant_by_its_label_its_fingerprint_or_itself() {
    let fingerprint = key(ANN).unwrap().fingerprint();
    for which in ["ann", &fingerprint, ANN, &ANN.replace(" ann", "")] {
        let place = Place::with(&format!("{BOB}\n{ANN}\nrestrict {ANN}\n"));
        assert_eq!(remove(&place.path(), which).unwrap().len(), 2, "{which}");
        assert_eq!(place.text(), format!("{BOB}\n"), "{which}: every line of the key goes");
    }
}

#[test]
fn a_label_of_two_keys_names_them_and_one_of_none_is_told() {
    let twins = format!("{ANN}\n{}\n", BOB.replace("bob", "ann"));
    let place = Place::with(&twins);
    let refused = remove(&place.path(), "ann").unwrap_err().to_string();
    assert!(refused.contains(&key(BOB).unwrap().fingerprint()), "{refused}");
    assert!(matches!(remove(&place.path(), "carl"), Err(AllowError::Nobody { .. })));
    assert_eq!(place.text(), twins);
}
