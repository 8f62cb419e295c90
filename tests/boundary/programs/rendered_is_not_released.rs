//! Must fail with E0308: what was written but not logged is not what may leave.

use solent::exchange::{Released, Rendered};

fn send(_: Released) {}

fn unlogged(rendered: Rendered) {
    send(rendered);
}

fn main() {
    let _ = unlogged;
}
