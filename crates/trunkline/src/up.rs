//! `up`: runs this machine's node, and shows what happens.

mod guests;
mod screen;
mod signals;
mod words;

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use net::ListenError;
use net::door::Shutdown;
use node::book::CHAT_PORT;
use node::home::{Home, LockError};
use node::sshd::{self, Sshd, SshdError};
use node::{Node, Plan, StartError, Watch};
use sd_notify::NotifyState;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::cli::{ChatAt, UpFlags};
use crate::control::{Api, Socket};
use crate::descriptors;
use crate::doctor;
use crate::failure::{Exit, Failure, Outcome};
use screen::{Aside, Screen};

pub(crate) use signals::Signals;
pub(crate) use words::Words;

/// How long faces that are still there may take to hear that the node has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What may wait to be shown besides the node's own events. More is left out: troubles are like those before them, and
/// sessions of the SSH line are in the journal.
const ASIDES: usize = 256;

/// Runs the node until it is told to stop.
pub(crate) async fn run(flags: UpFlags) -> Outcome {
    let json = flags.json;
    let ssh = ssh(&flags)?;
    let plan = plan(flags)?;
    descriptors::raise(sshd::CONNECTIONS_MAX);
    let home = Home::of_this_user().map_err(Failure::usage)?;
    let path = home.control_socket().map_err(Failure::usage)?;
    let mut signals = Signals::new()?;
    let (node, mut running) = tokio::select! {
        biased;
        exit = signals.next() => return Ok(exit),
        started = Node::start(&home, &plan) => started.map_err(|error| not_started(error, &plan))?,
    };
    let socket = match Socket::open(&path).await {
        Ok(socket) => socket,
        Err(error) => {
            running.stop().await;
            return Err(anyhow!(error).into());
        }
    };
    let (aside, asides) = mpsc::channel(ASIDES);
    let ssh = match ssh {
        Some(plan) => match open_ssh(&node, &home, plan, aside.clone()).await {
            Ok(ssh) => Some(ssh),
            Err(failure) => {
                running.stop().await;
                return Err(failure);
            }
        },
        None => None,
    };
    let watch = node.watch().await.map_err(|error| anyhow!(error))?;
    let screen = Screen::begin(&watch.snapshot, &path, json);
    let shutdown = Shutdown::default();
    look_at_set_up(home, aside.clone());
    let tell = move |text| drop(aside.try_send(Aside::Trouble(text)));
    let control = tokio::spawn(socket.serve(Api::new(node.clone()), shutdown.clone(), tell));
    // Without a supervisor that asked for it this does nothing.
    let _ = sd_notify::notify(&[NotifyState::Ready]);

    let mut shown = show(screen, node, watch, asides)?;
    let (ended, shown) = tokio::select! {
        biased;
        exit = signals.next() => (Ok(exit), Some(shown)),
        () = running.ended() => return Err(anyhow!("the node has ended by itself").into()),
        outcome = &mut shown => (outcome.unwrap_or(Ok(Exit::Failed)), None),
    };
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    shutdown.drain.cancel();
    let goodbye = async {
        // First: what becomes of its sessions is shown.
        if let Some(ssh) = ssh {
            ssh.stop().await;
        }
        running.stop().await;
        // Those who do not listen are not waited for.
        let _ = timeout(LAST_WORDS, control).await;
        if let Some(shown) = shown {
            let _ = timeout(LAST_WORDS, shown).await;
        }
    };
    tokio::select! {
        biased;
        () = goodbye => ended,
        exit = signals.next() => Ok(if exit == Exit::Interrupted { exit } else { Exit::Failed }),
    }
}

/// Has the machine's set-up looked at, and says in a line if something is in the way. It takes up to a second, for which
/// nobody waits.
fn look_at_set_up(home: Home, aside: mpsc::Sender<Aside>) {
    thread::spawn(move || {
        if let Ok(findings) = doctor::examine(&home)
            && doctor::has_problem(&findings)
        {
            let text = format!("{} in the set-up: see trunkline doctor", doctor::brief(&findings));
            // The node may have ended meanwhile.
            let _ = aside.try_send(Aside::Trouble(text));
        }
    });
}

/// Opens the SSH line, and says where it is and how it is known.
async fn open_ssh(
    node: &Node,
    home: &Home,
    plan: sshd::Plan,
    aside: mpsc::Sender<Aside>,
) -> Result<Sshd, Failure> {
    let tell = move |happening| drop(aside.try_send(Aside::Ssh(happening)));
    let ssh = Sshd::start(home, plan, node, tell).await.map_err(no_ssh)?;
    guests::announce(&ssh);
    Ok(ssh)
}

fn no_ssh(error: SshdError) -> Failure {
    let hint = match &error {
        SshdError::Root => {
            Some("--allow-root lets them be root; better: run the node as another user".to_owned())
        }
        SshdError::Exposed { path } => Some(format!("chmod 600 {}", path.display())),
        SshdError::HostKey { path, .. } => {
            Some(format!("move {} away, and a new one is made: clients will ask about it", path.display()))
        }
        _ => None,
    };
    let is_usage = matches!(error, SshdError::Root);
    let error = anyhow!(error).context("opening the SSH line");
    let failure = if is_usage { Failure::usage(error) } else { Failure::from(error) };
    hint.into_iter().fold(failure, Failure::hint)
}

/// The flags as the SSH line's plan; None: there is to be none.
fn ssh(flags: &UpFlags) -> Result<Option<sshd::Plan>, Failure> {
    let Some(at) = &flags.ssh else { return Ok(None) };
    let mut plan = sshd::Plan::new(at.clone(), flags.allow_root).map_err(no_ssh)?;
    if flags.allow_tcp_forwarding {
        plan = plan.forwarding();
    }
    if let Some(key_exchanges) = &flags.ssh_kex {
        plan = plan.with_key_exchanges(key_exchanges.clone());
    }
    Ok(Some(plan))
}

/// The flags as the node's plan.
fn plan(flags: UpFlags) -> Result<Plan, Failure> {
    let is_blank = |name: &String| name.trim().is_empty();
    if flags.name.as_ref().is_some_and(is_blank) {
        return Err(Failure::usage(anyhow!("--name: others would see no name at all")));
    }
    let said = [("--name", &flags.name), ("--group", &flags.group)];
    if let Some((flag, _)) =
        said.iter().find(|(_, text)| text.iter().any(|text| text.contains(char::is_control)))
    {
        return Err(Failure::usage(anyhow!("{flag}: a control character is in it")));
    }
    let (port, interface) = match flags.chat {
        ChatAt::Port(port) => (port, None),
        ChatAt::Interface(name) => (CHAT_PORT, Some(name)),
    };
    let chat = !flags.no_chat;
    let port = chat.then_some(port);
    Ok(Plan { port, name: flags.name, group: flags.group, interface, chat, says_goodbye: true })
}

fn not_started(error: StartError, plan: &Plan) -> Failure {
    let hint = match &error {
        StartError::Lock(LockError::Held { pid, .. }) => {
            let stop = pid.map(|pid| format!("; kill {pid} ends it")).unwrap_or_default();
            Some(format!("trunkline who talks to it{stop}"))
        }
        StartError::Listen(ListenError::PortTaken { .. }) if plan.port == Some(CHAT_PORT) => Some(format!(
            "there is one chat node for each machine; up --chat {} takes another port, where only those find you whose \
             book says so, and up --no-chat opens none",
            CHAT_PORT + 1
        )),
        _ => None,
    };
    let failure = Failure::from(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Shows what happens, from a thread of its own: a terminal that was stopped (Ctrl-S), or a pipe that nobody reads, must
/// not stop the node. It misses events instead, and is told of it.
fn show(
    screen: Screen,
    node: Node,
    watch: Watch,
    asides: mpsc::Receiver<Aside>,
) -> Result<oneshot::Receiver<Outcome>, Failure> {
    let (done, shown) = oneshot::channel();
    let runtime = Handle::current();
    let follow = move || drop(done.send(runtime.block_on(screen.follow(node, watch, asides))));
    thread::Builder::new().name("screen".to_owned()).spawn(follow).context("starting the screen's thread")?;
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use net::Endpoint;

    use super::*;

    #[test]
    fn the_usual_port_taken_names_the_way_to_another() {
        let taken = |port| {
            let at = Endpoint::Udp(SocketAddr::from(([0, 0, 0, 0], port)));
            let plan = Plan {
                port: Some(port),
                name: None,
                group: None,
                interface: None,
                chat: true,
                says_goodbye: true,
            };
            let error = ListenError::PortTaken { at, holder: None };
            not_started(StartError::Listen(error), &plan).to_string()
        };
        for way in ["up --chat 2426 takes another port", "up --no-chat opens none"] {
            assert!(taken(CHAT_PORT).contains(way), "{}", taken(CHAT_PORT));
        }
        assert!(!taken(5000).contains("hint"), "{}", taken(5000));
    }
}
