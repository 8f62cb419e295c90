//! Must fail with E0616: the content of a disclosure cannot be taken out and sent past the log.

fn peek(disclosable: solent::sharing::disclosure::Disclosable) -> Option<solent::document::Document> {
    disclosable.record
}

fn main() {
    let _ = peek;
}
