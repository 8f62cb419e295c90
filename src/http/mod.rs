//! The doors: for people the pages (`web/`), for machines HTTPS and, where configured, HL7 v2 over MLLP, both with client certificates; and a loopback
//! listener for health and metrics.
//!
//! Owns: who may speak ([`Caller`], asked anew for every request), how much and how fast (`limits.rs`), how errors look
//! ([`Problem`]), and the routes (`api/`). Refuses to hold a rule about sharing: a handler hands a checked request to a
//! story of `exchange` and turns its outcome into a status. Content leaves only as `exchange::Released`.
//! Read [`Door`] and [`Running`] first, then `api/messages.rs`.

mod api;
mod caller;
mod door;
mod envelope;
mod health;
mod limits;
mod metrics;
mod mllp;
mod problem;
mod server;
mod stories;
mod web;
mod witness;

pub use api::{ROUTES, RouteRow};
pub use caller::Caller;
pub use door::Door;
pub use mllp::{Broken, Frames, Mllp};
pub use problem::Problem;
pub use server::Running;
pub use stories::{Denial, Promise, Stories, Unready};
pub use web::{DemoPerson, PROVIDER_RETURN};
pub use witness::{Answering, witness_server};
