//! record: see `src/lib.rs` for its floor.
