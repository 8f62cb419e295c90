//! Whatever bytes arrive as CSV are read or refused; what was read and written once is written the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use solent::document::csv::{Column, Keys, Layout, decode, read, write};
use solent::document::{Document, Limits};

const KEYS: Keys<'static> = Keys { key: "CHILD", shared: &["DOB"] };

fuzz_target!(|bytes: &[u8]| {
    let layout = Layout { columns: ["CHILD", "DOB", "KIND"].map(Column::named).into(), ..Layout::default() };
    let limits = Limits { bytes_max: 1 << 16, ..Limits::message() };
    let Ok((text, _)) = decode(bytes, &limits) else { return };
    let Ok(first) = read(&text, &layout, &KEYS, &limits) else { return };
    let documents: Vec<&Document> = first.documents.iter().collect();
    let once = write(&documents, &layout, &KEYS);
    let Ok(text) = std::str::from_utf8(&once) else { panic!("what is written is UTF-8") };
    // Shared cells are repeated in every row, so the written file may be too long where the first was not.
    let Ok(second) = read(text, &layout, &KEYS, &Limits::file()) else { panic!("what is written is read") };
    let documents: Vec<&Document> = second.documents.iter().collect();
    assert!(write(&documents, &layout, &KEYS) == once);
});
