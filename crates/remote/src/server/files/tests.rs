use super::*;

#[test]
fn a_file_that_is_not_there_lets_nobody_in_and_is_no_mistake() {
    let keys = KeyFiles::new(vec!["/nowhere/at/all".into()]);
    assert_eq!(keys.notes(), []);
}

#[test]
fn what_is_wrong_in_a_file_can_be_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    std::fs::write(&file, "nonsense\n").unwrap();
    let keys = KeyFiles::new(vec![file.clone()]);
    assert_eq!(keys.notes()[0].line, 1);
    std::fs::write(&file, "").unwrap();
    assert_eq!(keys.notes(), [], "it is read anew");
}

#[test]
fn a_folder_that_others_may_write_to_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    std::fs::write(&file, "").unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(folder.path(), open).unwrap();
    let note = KeyFiles::new(vec![file]).notes()[0].to_string();
    assert!(note.contains("chmod go-w"), "{note}");
}
