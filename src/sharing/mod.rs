//! Who may see what, for what purpose, and why: facts and rules in, a [`Decision`] out.
//!
//! Floor 2: pure, no clock, no input or output. [`decide`] is the procedure of the sharing rules §5, its steps in order.
//! Refuses to guess: what is not known is not disclosed. Read [`decide`], then [`facts`].

pub mod decision;
pub mod disclosure;
pub mod facts;
pub mod govern;
pub mod lifecycle;
mod local;
pub mod policy;
mod procedure;
pub mod redact;
pub mod space;
mod steps;
pub mod unknown_adult;
mod world;

pub use decision::{Basis, Decision, Flag, Limit, Marker, Reason};
pub use policy::Policy;
pub use procedure::decide;
pub use world::{FactsError, Fault, Indexed, World};
