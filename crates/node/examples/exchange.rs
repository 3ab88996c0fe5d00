//! A node that sends as fast as its messages are delivered: what a message costs from one disk to another.
//!
//! It prints the port of its chat line. Each line that it then reads, `ADDRESS COUNT WINDOW`, makes it send so many
//! messages there, so many of them under way at a time; when the last one is delivered it prints how many that were a
//! second. To `people` it answers how many it sees. It ends with its standard input. `cargo xtask bench chat` runs two of them.
//!
//! ```text
//! TRUNKLINE_HOME=/var/tmp/anna cargo run --release -p node --example exchange
//! ```

use std::error::Error;
use std::io::{Write as _, stdin, stdout};
use std::time::Instant;

use node::face::{Event, Reply, Request};
use node::home::Home;
use node::{Node, Plan};
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

/// The face is a task beside the node, as those of `trunkline up` are: tokio wakes its main one by way of the kernel.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    tokio::spawn(talk()).await?
}

/// Does what the lines say.
async fn talk() -> Result<(), Failure> {
    let plan =
        Plan { port: Some(0), name: None, group: None, interface: None, chat: true, says_goodbye: true };
    let (node, running) = Node::start(&Home::of_this_user()?, &plan).await?;
    say(node.watch().await?.snapshot.me.port.ok_or("a chat line is open")?)?;
    while let Some(line) = tokio::task::spawn_blocking(|| stdin().lines().next()).await? {
        match line?.split(' ').collect::<Vec<_>>()[..] {
            ["people"] => say(node.watch().await?.snapshot.people.len())?,
            [to, count, window] => say(exchange(&node, to, count.parse()?, window.parse()?).await?)?,
            _ => return Err("people, or ADDRESS COUNT WINDOW".into()),
        }
    }
    running.stop().await;
    Ok(())
}

/// Sends so many messages, and gives how many were delivered in a second.
async fn exchange(node: &Node, to: &str, count: u32, window: u32) -> Result<f64, Failure> {
    let mut watch = node.watch().await?;
    let start = Instant::now();
    let mut accepting = JoinSet::new();
    let (mut sent, mut delivered) = (0, 0);
    while delivered < count {
        while sent < count && sent - delivered < window {
            sent += 1;
            let text = format!("message {sent}: 今天下午三点开会，请大家准时到");
            let request = Request::Send { to: to.to_owned(), text, sealed: false };
            let node = node.clone();
            accepting.spawn(async move { node.request(request).await });
        }
        tokio::select! {
            Some(reply) = accepting.join_next() => match reply?? {
                Reply::Accepted { unsent, .. } if unsent.is_empty() => {}
                reply => return Err(format!("a message was not accepted: {reply:?}").into()),
            },
            event = watch.next() => match event?.event {
                Event::Delivered { .. } => delivered += 1,
                Event::Failed { ref reason, .. } => return Err(reason.as_str().into()),
                _ => {}
            },
        }
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

/// Prints a line at once.
fn say(what: impl std::fmt::Display) -> Result<(), Failure> {
    writeln!(stdout(), "{what}")?;
    Ok(stdout().flush()?)
}
