//! "Your packet number N": answers that name a packet of the other side.

use crate::body::BodyError;
use crate::command::{Command, MessageOptions, Mode, Options};
use crate::extension::MessageTag;
use crate::number;
use crate::packet::Packet;

/// An answer that names a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What has become of it.
    pub kind: ReceiptKind,
    /// The number of that packet.
    pub number: u32,
    /// [`Options::READCHECK`] on a [`ReceiptKind::Opened`] wants a [`ReceiptKind::OpenedNoted`]. Nothing else here is
    /// ever answered, whatever its options: iptux sets [`Options::SENDCHECK`] on its receipts.
    pub options: Options<MessageOptions>,
    /// Our own section, as the message had it.
    pub ours: Option<MessageTag>,
}

/// What has become of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptKind {
    /// The message arrived (`RECVMSG`).
    Received,
    /// The sealed message was opened (`READMSG`).
    Opened,
    /// The sealed message was thrown away unopened (`DELMSG`).
    Discarded,
    /// The news that the sealed message was opened arrived (`ANSREADMSG`).
    OpenedNoted,
    /// The files offered with the message are not needed any more (`RELEASEFILES`).
    FilesReleased,
}

impl ReceiptKind {
    /// The mode of its packets.
    #[must_use]
    pub fn mode(self) -> Mode {
        match self {
            Self::Received => Mode::RECVMSG,
            Self::Opened => Mode::READMSG,
            Self::Discarded => Mode::DELMSG,
            Self::OpenedNoted => Mode::ANSREADMSG,
            Self::FilesReleased => Mode::RELEASEFILES,
        }
    }
}

impl Receipt {
    /// Without options and section.
    #[must_use]
    pub fn new(kind: ReceiptKind, number: u32) -> Self {
        Self { kind, number, options: Options::NONE, ours: None }
    }

    /// Whether an answer is wanted.
    #[must_use]
    pub fn wants_answer(&self) -> bool {
        self.kind == ReceiptKind::Opened && self.options.has(Options::READCHECK)
    }

    pub(crate) fn parse(kind: ReceiptKind, packet: &Packet<'_>) -> Result<Self, BodyError> {
        let mut sections = packet.sections();
        let number = number::answered(sections.next().unwrap_or_default())
            .ok_or(BodyError::Missing("packet number"))?;
        let options = Options::from_bits(packet.command.options().bits());
        Ok(Self { kind, number, options, ours: MessageTag::find(sections) })
    }

    pub(crate) fn write(&self) -> (Command, Vec<u8>) {
        let mut body = self.number.to_string().into_bytes();
        body.push(0);
        if let Some(ours) = self.ours {
            ours.write(&mut body);
            body.push(0);
        }
        (Command::new(self.kind.mode(), self.options), body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::{Body, Sender};
    use crate::charset::{Charset, Dialect, Reader};
    use crate::extension::{MessageId, NodeId, Part};
    use crate::seal::seal;

    fn read(datagram: &str) -> Result<Receipt, BodyError> {
        match Body::parse(&Packet::parse(datagram.as_bytes()).unwrap(), &mut Reader::new(Charset::GBK))? {
            Body::Receipt(receipt) => Ok(receipt),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_kind_names_the_packet_in_decimal() {
        for (command, kind) in [
            (0x21, ReceiptKind::Received),
            (0x30, ReceiptKind::Opened),
            (0x31, ReceiptKind::Discarded),
            (0x32, ReceiptKind::OpenedNoted),
            (0x61, ReceiptKind::FilesReleased),
        ] {
            let datagram = format!("1:7:u:h:{command}:1795353652\0");
            assert_eq!(read(&datagram), Ok(Receipt::new(kind, 1_795_353_652)));
            let bytes = Body::Receipt(Receipt::new(kind, 1_795_353_652));
            let bytes = bytes.build(7, Sender { user: "u", host: "h" }, Dialect::FLAGGED_UTF_8).unwrap();
            assert_eq!(bytes, datagram.as_bytes());
        }
    }

    #[test]
    fn a_receipt_of_iptux_asks_for_a_receipt_and_gets_none() {
        let receipt = read("1_iptux 0.8.3:6:root:vm:289:5\0").unwrap();
        assert!(receipt.options.has(Options::SENDCHECK) && !receipt.wants_answer());
    }

    #[test]
    fn only_the_news_that_a_sealed_message_was_opened_is_answered() {
        assert!(read("1:7:u:h:1048624:5\0").unwrap().wants_answer(), "READMSG with READCHECK");
        assert!(!read("1:7:u:h:48:5\0").unwrap().wants_answer());
        assert!(!read("1:7:u:h:1048626:5\0").unwrap().wants_answer(), "ANSREADMSG with READCHECK");
    }

    #[test]
    fn a_number_that_ip_messenger_prints_with_a_minus_is_the_number_it_means() {
        assert_eq!(read("1:7:u:h:33:-294967295\0").unwrap().number, 4_000_000_001);
    }

    #[test]
    fn a_receipt_for_nothing_is_refused() {
        for body in ["", "x", "5 ", "0x5", "4294967296"] {
            let error = read(&format!("1:7:u:h:33:{body}\0")).unwrap_err();
            assert_eq!(error.to_string(), "the body has no packet number", "{body}");
        }
    }

    #[test]
    fn between_ours_it_says_which_message_and_which_part() {
        let tag = MessageTag {
            from: NodeId(0xa),
            to: NodeId(0xb),
            id: MessageId(0xff),
            part: Part::new(2, 3).unwrap(),
            after: 0,
        };
        let receipt = Receipt { ours: Some(tag), ..Receipt::new(ReceiptKind::Received, 5) };
        let sender = Sender { user: "u", host: "h" };
        let bytes = Body::Receipt(receipt).build(7, sender, Dialect::UTF_8).unwrap();
        let sealed = |section: &str| {
            let mut datagram = format!("1:7:u:h:33:5\0trunkline:1:{section}\0").into_bytes();
            seal(&mut datagram);
            String::from_utf8(datagram).unwrap()
        };
        let datagram = sealed(&format!("{:032x}:{:032x}:{:032x}:2:3:0", 0xa, 0xb, 0xff));
        assert_eq!(String::from_utf8(bytes).unwrap(), datagram);
        assert_eq!(read(&datagram), Ok(receipt));
        let later = sealed(&format!("{:032x}:{:032x}:{:032x}:2:3:0:more", 0xa, 0xb, 0xff));
        assert_eq!(read(&later), Ok(receipt), "later versions may say more");
    }
}
