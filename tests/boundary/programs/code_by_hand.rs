//! Must fail with E0423: a diagnostic code can only be one of the registry.

fn main() {
    let _ = solent::diagnostic::Code("SOL-MADE-UP");
}
