//! Must fail with E0451: a rendering comes only from a disclosure.

use solent::exchange::Rendered;

fn main() {
    let _ = Rendered {
        bytes: b"anything".to_vec(),
        content_type: "text/plain",
        entry: solent::ident::EntryId::new("0192f0c1-0000-7000-8000-000000000001"),
        written: None,
    };
}
