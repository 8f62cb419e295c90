//! Who may see what, for what purpose, and why: facts and rules in, a [`Decision`] out.
//!
//! Floor 2: pure, no clock, no input or output. [`decide`] is the procedure of the sharing rules §5, its steps in order.
//! Refuses to guess: what is not known is not disclosed. Read [`decide`], then [`facts`].

pub mod decision;
pub mod disclosure;
pub mod facts;
pub mod policy;
pub mod redact;
pub mod unknown_adult;

pub use decision::{Basis, Decision, Flag, Limit, Marker, Reason};
pub use policy::Policy;

/// The facts, indexed. Until the index lands nothing can be indexed.
#[derive(Debug)]
pub struct World(());

impl World {
    /// Refuses every set of facts until the index lands.
    ///
    /// # Errors
    /// Always.
    pub fn new(_facts: facts::Facts) -> Result<Self, &'static str> {
        Err("the index is not built yet")
    }
}

/// Refuses everything until the procedure lands.
#[must_use]
pub fn decide(_world: &World, _policy: &Policy, _ask: &facts::Ask) -> Decision {
    Decision::new(crate::vocabulary::Level::N, Reason::DAudit)
}
