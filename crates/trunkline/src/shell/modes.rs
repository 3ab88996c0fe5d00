//! The modes of a terminal as SSH tells them (RFC 4254 section 8): erase keys, flow control, UTF-8 and the like are over there
//! as they are here.

use rustix::termios::{InputModes, LocalModes, OutputModes, SpecialCodeIndex, Termios};

/// A key that is not used; on Linux termios(3) has 0 for it.
const UNUSED: u32 = 255;

const KEYS: [(u8, SpecialCodeIndex); 14] = [
    (1, SpecialCodeIndex::VINTR),
    (2, SpecialCodeIndex::VQUIT),
    (3, SpecialCodeIndex::VERASE),
    (4, SpecialCodeIndex::VKILL),
    (5, SpecialCodeIndex::VEOF),
    (6, SpecialCodeIndex::VEOL),
    (7, SpecialCodeIndex::VEOL2),
    (8, SpecialCodeIndex::VSTART),
    (9, SpecialCodeIndex::VSTOP),
    (10, SpecialCodeIndex::VSUSP),
    (12, SpecialCodeIndex::VREPRINT),
    (13, SpecialCodeIndex::VWERASE),
    (14, SpecialCodeIndex::VLNEXT),
    (18, SpecialCodeIndex::VDISCARD),
];

const INPUT: [(u8, InputModes); 12] = [
    (30, InputModes::IGNPAR),
    (31, InputModes::PARMRK),
    (32, InputModes::INPCK),
    (33, InputModes::ISTRIP),
    (34, InputModes::INLCR),
    (35, InputModes::IGNCR),
    (36, InputModes::ICRNL),
    (38, InputModes::IXON),
    (39, InputModes::IXANY),
    (40, InputModes::IXOFF),
    (41, InputModes::IMAXBEL),
    // RFC 8160.
    (42, InputModes::IUTF8),
];

const LOCAL: [(u8, LocalModes); 11] = [
    (50, LocalModes::ISIG),
    (51, LocalModes::ICANON),
    (53, LocalModes::ECHO),
    (54, LocalModes::ECHOE),
    (55, LocalModes::ECHOK),
    (56, LocalModes::ECHONL),
    (57, LocalModes::NOFLSH),
    (58, LocalModes::TOSTOP),
    (59, LocalModes::IEXTEN),
    (60, LocalModes::ECHOCTL),
    (61, LocalModes::ECHOKE),
];

const OUTPUT: [(u8, OutputModes); 5] = [
    (70, OutputModes::OPOST),
    (72, OutputModes::ONLCR),
    (73, OutputModes::OCRNL),
    (74, OutputModes::ONOCR),
    (75, OutputModes::ONLRET),
];

const INPUT_SPEED: u8 = 128;
const OUTPUT_SPEED: u8 = 129;

/// Each opcode with its value.
pub(super) fn modes(terminal: &Termios) -> Vec<(u8, u32)> {
    let keys = KEYS.map(|(opcode, index)| match terminal.special_codes[index] {
        0 => (opcode, UNUSED),
        key => (opcode, key.into()),
    });
    let input = INPUT.map(|(opcode, mode)| (opcode, terminal.input_modes.contains(mode).into()));
    let local = LOCAL.map(|(opcode, mode)| (opcode, terminal.local_modes.contains(mode).into()));
    let output = OUTPUT.map(|(opcode, mode)| (opcode, terminal.output_modes.contains(mode).into()));
    let speeds = [(INPUT_SPEED, terminal.input_speed()), (OUTPUT_SPEED, terminal.output_speed())];
    keys.into_iter().chain(input).chain(local).chain(output).chain(speeds).collect()
}
