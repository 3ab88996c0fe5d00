//! Whatever comes from outside, no control character but those of lines reaches a screen, and none a log.
#![no_main]

use net::untrusted::{Screen, Untrusted};

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| {
    let (max, bytes) = input;
    let text = Untrusted::from(bytes);
    assert!(!text.to_string().contains(char::is_control));
    assert!(!text.preview(max.into()).to_string().contains(char::is_control));
    let mut screen = Screen::new(net::charset::Charset::UTF_8);
    let shown: String = bytes.chunks(usize::from(max).max(1)).map(|piece| screen.show(piece)).collect();
    for on_screen in [text.multiline().to_string(), shown, screen.finish()] {
        assert!(!on_screen.replace(['\n', '\t'], "").contains(char::is_control));
    }
});
