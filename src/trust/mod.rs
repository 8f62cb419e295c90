//! trust: see `src/lib.rs` for its floor.
