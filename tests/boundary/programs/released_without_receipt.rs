//! Must fail with E0624: only the exchange joins a rendering and a receipt, after the commit.

use solent::exchange::{Released, Rendered};
use solent::store::Receipt;

fn skip(rendered: Rendered, receipt: Receipt) -> Option<Released> {
    Released::new(rendered, receipt)
}

fn main() {
    let _ = skip;
}
