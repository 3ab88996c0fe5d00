//! Any text is an address that prints as itself, or is refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(address) = text.parse::<net::Address>() {
        assert_eq!(address.to_string().parse(), Ok(address));
    }
});
