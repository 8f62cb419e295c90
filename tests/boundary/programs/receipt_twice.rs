//! Must fail with E0277: a receipt cannot be copied, so one entry lets one thing out.

fn copies<T: Clone>() {}

fn main() {
    copies::<solent::store::Receipt>();
}
