//! Must fail with E0451: a document is valid only because a schema said so.

use solent::document::Document;
use solent::schema::Valid;

fn pass(document: Document) -> Valid<Document> {
    Valid { value: document, warnings: Vec::new(), refused: Vec::new() }
}

fn main() {
    let _ = pass;
}
