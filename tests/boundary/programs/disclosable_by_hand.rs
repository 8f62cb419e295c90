//! Must fail with E0451: only redaction, after a decision, makes a disclosure; another one cannot be bent into it.

use solent::document::Document;
use solent::sharing::disclosure::Disclosable;

fn swap(decided: Disclosable, record: Document) -> Disclosable {
    Disclosable { record: Some(record), ..decided }
}

fn main() {
    let _ = swap;
}
