//! Sockets of every kind, opened on this machine.

mod handed_over;
mod tcp;
mod udp;
mod unix;
mod without_privileges;

use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::io::{FdFlags, fcntl_getfd};
use rustix::net::sockopt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::census;
use crate::sockopt::DATAGRAM_RECEIVE_BUFFER;
use crate::testing::{Python, eventually};

async fn open_with(address: &str, options: &[&str]) -> Result<Bound, ListenError> {
    let options = options.iter().map(|option| option.parse().unwrap()).collect();
    listen(&address.parse().unwrap(), &ListenOptions { options, ..ListenOptions::default() }).await
}

async fn listener(address: &str) -> Listener {
    match open_with(address, &[]).await.unwrap() {
        Bound::Stream(mut listeners) => listeners.remove(0),
        Bound::Datagram(_) => panic!("{address} is for datagrams"),
    }
}

async fn datagrams(address: &str) -> DatagramSocket {
    match open_with(address, &[]).await.unwrap() {
        Bound::Datagram(mut sockets) => sockets.remove(0),
        Bound::Stream(_) => panic!("{address} is for streams"),
    }
}

async fn refusal(address: &str) -> String {
    open_with(address, &[]).await.expect_err(address).to_string()
}

fn port(local: &Endpoint) -> u16 {
    local.socket_addr().unwrap().port()
}

/// A folder, and the address of a socket file in it.
fn file_in(folder: &tempfile::TempDir, scheme: &str) -> (std::path::PathBuf, String) {
    let path = folder.path().join("line.sock");
    let address = format!("{scheme}:{}", path.display());
    (path, address)
}

/// The next connection: its stream, our end and the other end.
async fn accept(listener: &Listener) -> (Stream, Endpoint, Endpoint) {
    std::future::poll_fn(|cx| listener.poll_accept(cx)).await.unwrap()
}
