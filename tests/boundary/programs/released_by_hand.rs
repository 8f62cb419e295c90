//! Must fail with E0451: released bytes cannot be made from bytes.

use solent::exchange::Released;

fn main() {
    let _ = Released {
        bytes: b"anything".to_vec(),
        content_type: "text/plain",
        receipt: solent::ident::EntryId::new("0192f0c1-0000-7000-8000-000000000001"),
    };
}
