//! What the tutorial's simulated ssh does wrong, by the rows S3 and S4.

use crate::ground::Ground;

#[test]
fn output_is_whole_whatever_its_size_and_answers_never_mix() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let numbers: String = (1..=3000).map(|number| format!("{number}\n")).collect();
    assert_eq!(ground.run(&["n1", "seq", "1", "3000"]).text(), numbers);
    assert_eq!(ground.run(&["n1", "echo", "next"]).text(), "next\n");
}

#[test]
fn a_silent_command_returns_with_its_status() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    for (command, code) in [("true", 0), ("false", 1)] {
        let ran = ground.run(&["n1", command]);
        assert_eq!((ran.code, ran.text(), ran.err.as_str()), (Some(code), "", ""));
    }
}

#[test]
fn much_on_standard_error_blocks_nothing() {
    needs!("sshd", "ssh-keygen");
    let ran = Ground::new().run(&["n1", "head -c 200000 /dev/zero | tr '\\0' x >&2; echo done"]);
    assert_eq!((ran.code, ran.text(), ran.err.len()), (Some(0), "done\n", 200_000));
}

#[test]
fn no_character_is_cut() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let message = "汉字".repeat(171);
    assert_eq!(message.len(), 1026);
    for machines in ["n1", "n[1-2]"] {
        let ran = ground.run(&["--json", machines, "printf", "%s", &message]);
        assert!(!ran.text().contains("base64"), "{}", ran.text());
    }
    assert_eq!(ground.run(&["n1", "printf", "%s", &message]).text(), message);
}
