//! A node with an SSH line, as clients find it.

use std::fs;

use crate::client::Place;
use crate::home::Home;
use crate::needs::output_of;
use crate::process::Process;

/// `trunkline up --ssh` on a free port of 127.0.0.1, until it is dropped. The home is the clients' folder, too.
pub(crate) struct Node {
    pub(crate) home: Home,
    pub(crate) process: Process,
    pub(crate) place: Place,
}

impl Node {
    #[track_caller]
    pub(crate) fn start(home: Home, arguments: &[&str]) -> Self {
        let mut command = home.command(env!("CARGO_BIN_EXE_trunkline"));
        command.args(["up", "--chat", "0", "--ssh", "127.0.0.1:0", "--allow-root"]).args(arguments);
        let process = Process::start(&mut command);
        process.log.wait_for("you are ");
        let listening = process.log.wait_for("(ssh)");
        let port = listening.trim_end_matches(" (ssh)\n").rsplit(':').next().unwrap().parse().unwrap();
        let known = process.log.wait_for("for known_hosts: ");
        let user = output_of("id", &["-un"]).trim().to_owned();
        let place = Place { folder: home.path().to_owned(), user, port };
        fs::write(place.path("known_hosts"), known.split_once(": ").unwrap().1).unwrap();
        Self { home, process, place }
    }
}
