//! Hosts, each with a network of its own, as long as the test lasts.

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A host: a process that does nothing but keep a network namespace.
pub(crate) struct Host(Process);

/// A program on a host. It is ended when this is dropped.
pub(crate) struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// Two hosts at one cable: `near` is 10.7.0.1 on the first, `far` 10.7.0.2 on the second.
pub(crate) fn pair() -> (Host, Host) {
    let (first, second) = (Host::new(), Host::new());
    let there = second.0.id();
    first.run(&format!("ip link add near type veth peer name far netns {there}"));
    first.run("ip address add 10.7.0.1/24 dev near; ip link set near up");
    second.run("ip address add 10.7.0.2/24 dev far; ip link set far up");
    // The carrier is noticed a moment later.
    while !first.output("ip link show near").contains("state UP") {
        std::thread::yield_now();
    }
    (first, second)
}

impl Host {
    /// A host with nothing but its loopback.
    pub(crate) fn new() -> Self {
        let script = "ip link set lo up && echo ready && exec cat";
        let mut unshare = Command::new("unshare");
        let mut keeper =
            Process::start(unshare.args(["--net", "--", "sh", "-c", script]).stdin(Stdio::piped()));
        assert_eq!(keeper.line(), "ready");
        Self(keeper)
    }

    /// A program that runs there once it is started.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.0.id())).args(["--net", "--", program]);
        command
    }

    pub(crate) fn start(&self, program: &str, arguments: &[&str]) -> Process {
        Process::start(self.command(program).args(arguments))
    }

    /// Does what a shell is told there, each line of which must succeed, and gives what it prints.
    #[track_caller]
    pub(crate) fn output(&self, script: &str) -> String {
        let output = self.command("sh").args(["-e", "-c", script]).output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    pub(crate) fn run(&self, script: &str) {
        self.output(script);
    }
}

impl Process {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it prints.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        self.lines.next().expect("the program ended before it had said this").unwrap()
    }

    pub(crate) fn wait(&mut self) {
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
