//! Must fail with E0451: a receipt is made only by a committed audit append.

use solent::store::Receipt;

fn main() {
    let _ = Receipt {
        id: solent::ident::EntryId::new("0192f0c1-0000-7000-8000-000000000001"),
        index: 0,
        time: solent::clock::Moment::from_millis(0),
        origin: std::sync::Arc::from("audit.example.org/log1"),
    };
}
