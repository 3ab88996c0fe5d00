//! Those who are in, put out.

use anyhow::anyhow;
use net::Untrusted;
use node::allow::Line;
use node::face::{Guest, Reply, Request};
use node::home::Home;

use crate::control::Client;
use crate::failure::{Exit, Failure, Outcome};
use crate::stdout;

/// Puts out who is in with one of these keys, or with a certificate that one of them has signed.
pub(super) async fn of_key(home: &Home, lines: &[Line], json: bool) -> Outcome {
    let fingerprints: Vec<_> = lines.iter().map(Line::fingerprint).collect();
    let Some(mut node) = Client::connect(home).await? else { return Ok(Exit::Good) };
    let guests = guests(&mut node).await?;
    let meant = guests.into_iter().filter(|guest| fingerprints.iter().any(|one| is_by(guest, one)));
    end(&mut node, meant.collect(), json).await
}

/// Puts out who is meant by a number, a label or a fingerprint.
pub(super) async fn meant(home: &Home, who: &str, json: bool) -> Outcome {
    let nobody = |reason| Failure::from(anyhow!("{}: {reason}", Untrusted::from(who)));
    let Some(mut node) = Client::connect(home).await? else {
        return Err(nobody("nobody is in, for no node runs"));
    };
    let is_meant = |guest: &Guest| match who.parse::<u64>() {
        Ok(number) => guest.id == number,
        Err(_) => guest.label == who || is_by(guest, who),
    };
    let guests: Vec<_> = guests(&mut node).await?.into_iter().filter(is_meant).collect();
    if guests.is_empty() {
        return Err(nobody("nobody who is in is called so").hint("trunkline who shows who is in"));
    }
    end(&mut node, guests, json).await
}

async fn guests(node: &mut Client) -> Result<Vec<Guest>, Failure> {
    match node.request(Request::Guests).await? {
        Reply::Guests { guests } => Ok(guests),
        _ => Err(anyhow!("the node answers something else").into()),
    }
}

fn is_by(guest: &Guest, fingerprint: &str) -> bool {
    guest.fingerprint == fingerprint || guest.authority.as_deref() == Some(fingerprint)
}

async fn end(node: &mut Client, guests: Vec<Guest>, json: bool) -> Outcome {
    for guest in &guests {
        // Whoever has left meanwhile is out as well.
        let _ = node.request(Request::PutOut { guest: guest.id }).await;
    }
    if json {
        return stdout::print_json(guests);
    }
    let told =
        guests.iter().map(|guest| format!("put out {} from {}\n", Untrusted::from(guest.name()), guest.from));
    stdout::print(told.collect::<String>())
}
