//! What comes back of a command.

use remote::{Command, Outcome};

use crate::support::{Person, Sshd};

#[tokio::test]
async fn standard_output_and_standard_error_come_apart_and_the_exit_status_is_the_commands() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person);
    let machine = person.machine(&server);
    for code in [0, 1, 255] {
        let ran = person.run(&machine, &format!("echo out; echo err >&2; exit {code}")).await;
        assert_eq!(ran.texts(), (code, "out\n", "err\n"));
    }
}
