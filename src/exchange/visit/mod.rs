//! Visits: people at the pages. Who they are ([`Visitor`]), what they sign in with, whose families they work with, and what
//! of a person is released to them.
//!
//! Owns sessions and their hats and purposes. What a visitor sees of a person comes through `enquire`, the same story that
//! answers machines: decided, logged, released. Knows nothing of HTML or cookies. Read [`Visitor`] first, then `session.rs`.

pub(super) mod account;
mod draft;
mod families;
mod operator;
mod permissions;
mod person;
mod provider;
mod session;
mod sign_in;

pub(super) use draft::{KEPT_MILLIS as DRAFT_KEPT_MILLIS, draft_id};

pub use account::{NewMeans, Worn};
pub use families::{Family, FamilyMember};
pub use operator::{Operation, Waiting};
pub use permissions::{Age, Agreed, Change, Consequences, Decided as DecidedPermissions, May, SharedBefore};
pub use provider::{NewLink, Pending};
pub use session::{Token, Visitor};
pub use sign_in::{SignInFailure, SignedIn};

use super::Caller;
use crate::ident::{AgencyId, SystemId};

/// The system's name under which pages appear in the log.
pub const PAGES: &str = "pages";

/// The pages as a caller: they speak `canonical` and have no certificate.
fn caller(agency: &AgencyId, request: &str) -> Caller {
    Caller {
        system: SystemId::new(PAGES),
        agency: agency.clone(),
        format: super::render::CANONICAL.to_owned(),
        certificate: String::new(),
        request: request.to_owned(),
    }
}
