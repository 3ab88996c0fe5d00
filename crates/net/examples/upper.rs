//! The tutorial's server: it answers each message in upper case, to all clients at once, until Ctrl-C.
//!
//! Start it, and talk to it from a second terminal with `nc 127.0.0.1 8080`:
//!
//! ```text
//! cargo run -p net --example upper
//! ```

use std::error::Error;
use std::sync::Arc;

use net::door::{Shutdown, serve};
use net::frame::Framing;
use net::limits::MAX_FRAME;
use net::report::Event;
use net::service::{Reply, Server, Service};
use net::{Address, Bound, Limits, ListenOptions, Reporter, listen};

/// Prints who came, and how it ended.
struct Printer;

impl Reporter for Printer {
    fn report(&self, event: Event<'_>) {
        match event {
            Event::Opened { peer } => println!("#{} {} came", peer.id, peer.remote),
            Event::Closed { peer, tally, ending, .. } => {
                println!("#{} left: {} messages, {ending}", peer.id, tally.messages());
            }
            other => println!("{other:?}"),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // socket(2), bind(2) and listen(2) in one.
    let address: Address = "tcp://127.0.0.1:8080".parse()?;
    let Bound::Stream(listeners) = listen(&address, &ListenOptions::default()).await? else {
        return Err("tcp:// is a stream".into());
    };
    println!("listening on {address}");

    // What becomes of a message, and what is one: with `Line`, whatever ends with a newline.
    let (service, reporter) = (Service::Reply(Reply::Upper), Arc::new(Printer));
    let server = Server::new(service, Framing::Line, MAX_FRAME, None, true, reporter.clone());
    let server = Arc::new(server);

    let (limits, shutdown) = (Limits::default(), Shutdown::default());
    let ctrl_c = async {
        tokio::signal::ctrl_c().await?;
        shutdown.drain.cancel();
        Ok::<_, std::io::Error>(())
    };
    // accept(2), again and again. Each connection is attended in a task of its own.
    let serving = serve(listeners, &limits, &shutdown, reporter, |stream, peer, tally| {
        let server = Arc::clone(&server);
        async move { server.attend(stream, peer, tally).await }
    });
    let (_, stopped) = tokio::join!(serving, ctrl_c);
    Ok(stopped?)
}
