//! schema: see `src/lib.rs` for its floor.
