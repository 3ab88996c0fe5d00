//! Packets over a stream, many of them under way at once.

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split};

use super::problem::Problem;
use super::wire::{Fields, Packet, kind, status};
use crate::dial::Stream;

/// Bytes in one packet from a machine: as OpenSSH has it. A longer one ends the session.
const MAX_PACKET: usize = 256 * 1024;

/// A session's packets. Dropping what waits for one loses nothing.
pub(super) struct Link {
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
    incoming: BytesMut,
    /// What has not been sent yet. It is as long as its owner makes it: whoever asks without waiting, counts.
    outgoing: BytesMut,
    last_id: u32,
}

/// An answer, without its length and its kind.
pub(super) struct Answer {
    pub(super) kind: u8,
    body: Bytes,
}

impl Link {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        let (reader, writer) = split(stream);
        Self { reader, writer, incoming: BytesMut::new(), outgoing: BytesMut::new(), last_id: 0 }
    }

    /// Makes a request, which goes out while answers are waited for; gives its number.
    pub(super) fn ask(&mut self, kind: u8, fill: impl FnOnce(Packet) -> Packet) -> u32 {
        self.last_id = self.last_id.wrapping_add(1);
        self.send(fill(Packet::new(kind, self.last_id)));
        self.last_id
    }

    pub(super) fn send(&mut self, packet: Packet) {
        self.outgoing.extend_from_slice(&packet.finish());
    }

    /// The next packet from there.
    pub(super) async fn next(&mut self) -> Result<Answer, Problem> {
        loop {
            if let Some(answer) = self.whole()? {
                return Ok(answer);
            }
            // The machine may wait for us to read before it reads what we write.
            tokio::select! {
                biased;
                read = self.reader.read_buf(&mut self.incoming) => match read {
                    Ok(0) => return Err(ended()),
                    Ok(_) => {}
                    Err(error) => return Err(Problem::Lost(format!("the connection is lost: {error}"))),
                },
                written = self.writer.write(&self.outgoing), if !self.outgoing.is_empty() => match written {
                    Ok(0) | Err(_) => return Err(ended()),
                    Ok(bytes) => self.outgoing.advance(bytes),
                },
            }
        }
    }

    /// The answer to this request; those to others, which nobody waits for any more, are passed over.
    pub(super) async fn answer(&mut self, id: u32) -> Result<Answer, Problem> {
        loop {
            let answer = self.next().await?;
            if answer.id()? == id {
                return Ok(answer);
            }
        }
    }

    fn whole(&mut self) -> Result<Option<Answer>, Problem> {
        let Some(&length) = self.incoming.first_chunk() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length == 0 || length > MAX_PACKET {
            return Err(Problem::Lost(
                "what the machine says is not SFTP: perhaps its shell prints something at every login"
                    .to_owned(),
            ));
        }
        if self.incoming.len() < 4 + length {
            self.incoming.reserve(4 + length - self.incoming.len());
            return Ok(None);
        }
        self.incoming.advance(4);
        let mut body = self.incoming.split_to(length).freeze();
        Ok(Some(Answer { kind: body.get_u8(), body }))
    }
}

impl Answer {
    pub(super) fn fields(&self) -> Fields<'_> {
        Fields::new(&self.body)
    }

    /// The request that it answers.
    pub(super) fn id(&self) -> Result<u32, Problem> {
        Ok(self.fields().number()?)
    }

    /// What stands behind the number, if it is of this kind. A status in its place is a problem, also a good one.
    pub(super) fn expect(&self, kind: u8) -> Result<Fields<'_>, Problem> {
        let mut fields = self.fields();
        fields.number()?;
        if self.kind == kind {
            return Ok(fields);
        }
        if self.kind != kind::STATUS {
            return Err(Problem::Lost("the machine answers something else than it was asked".to_owned()));
        }
        let code = fields.number()?;
        // Before version 3 there was no text.
        Err(Problem::of_status(code, fields.string().unwrap_or_default()))
    }

    /// Whether what was asked is done.
    pub(super) fn done(&self) -> Result<(), Problem> {
        match self.expect(u8::MAX) {
            Err(Problem::There { code: status::OK, .. }) => Ok(()),
            Err(problem) => Err(problem),
            Ok(_) => Ok(()),
        }
    }
}

fn ended() -> Problem {
    Problem::Lost("the machine ended the session: it may have no SFTP server, or was cut off".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a client makes of these bytes from a machine, which then hangs up.
    async fn heard(bytes: &[u8]) -> Result<Answer, Problem> {
        let (near, mut far) = tokio::io::duplex(1024);
        let mut link = Link::new(Box::new(near));
        let saying = async {
            // It may be refused before its end.
            let _ = far.write_all(bytes).await;
            drop(far);
        };
        tokio::join!(link.next(), saying).0
    }

    #[tokio::test]
    async fn a_shell_that_talks_is_no_server_and_costs_no_memory() {
        let Err(problem) = heard(b"Welcome to n1, it is a fine day").await else { panic!() };
        assert!(problem.to_string().contains("perhaps its shell prints"), "{problem}");
        for length in [0, u32::MAX, 256 * 1024 + 1] {
            assert!(heard(&length.to_be_bytes()).await.is_err_and(|problem| problem.is_final()));
        }
    }

    #[tokio::test]
    async fn a_packet_that_is_cut_is_the_end_and_one_in_pieces_is_whole() {
        let status = [&[0, 0, 0, 9, kind::STATUS][..], &[0, 0, 0, 7], &[0, 0, 0, 3]].concat();
        assert!(heard(&status[..8]).await.is_err_and(|problem| problem.is_final()));
        let answer = heard(&status).await.unwrap();
        assert_eq!(answer.id().unwrap(), 7);
        assert_eq!(answer.done().unwrap_err().to_string(), "permission denied there");
    }
}
