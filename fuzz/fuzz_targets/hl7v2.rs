//! Bytes through the HL7 v2 reader: never a crash, and what is read settles after one writing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use solent::document::{Limits, hl7v2};
use solent::schema::Schemas;
use std::sync::OnceLock;

fn schemas() -> &'static Schemas {
    static SCHEMAS: OnceLock<Schemas> = OnceLock::new();
    SCHEMAS.get_or_init(|| Schemas::load(&solent::cli::content::built_in()).expect("the built-in schemas load"))
}

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { nodes_max: 20_000, ..Limits::default() };
    for message in hl7v2::open_batch(bytes).messages {
        let Ok((text, _)) = hl7v2::decode(message, &limits) else { continue };
        let _ = hl7v2::Header::of(&text);
        for name in ["adt-a01", "adt-a39", "oru-r01", "ref-i12", "siu-s12", "mdm-t02"] {
            let schema = schemas().get(&format!("hl7v2/{name}.schema.json")).expect("the schema exists");
            let Ok(read) = hl7v2::read(&text, &limits, &schema.message_shape()) else { continue };
            let once = hl7v2::write(&read.document, &schema.message_shape());
            let again = std::str::from_utf8(&once).expect("what is written is UTF-8");
            let back = hl7v2::read(again, &Limits::default(), &schema.message_shape()).expect("it is read again");
            assert_eq!(hl7v2::write(&back.document, &schema.message_shape()), once);
        }
    }
});
