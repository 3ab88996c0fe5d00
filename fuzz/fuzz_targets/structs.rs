//! Any format is refused, or takes back every value it gives.
#![no_main]

use net::structs::StructFormat;

libfuzzer_sys::fuzz_target!(|input: (&str, &[u8])| {
    let (text, bytes) = input;
    let Ok(format) = StructFormat::parse(text) else { return };
    assert_eq!(format.to_string(), text);
    let Ok(values) = format.unpack(bytes) else { return };
    let packed = format.pack(&values).expect("a value that was there fits");
    assert_eq!(format.unpack(&packed).map(|again| format.pack(&again)), Ok(Ok(packed)));
});
