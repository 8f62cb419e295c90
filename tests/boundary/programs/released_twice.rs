//! Must fail with E0382: released bytes leave once.

fn twice(released: solent::exchange::Released) -> (Vec<u8>, Vec<u8>) {
    (released.into_bytes(), released.into_bytes())
}

fn main() {
    let _ = twice;
}
