//! Pointers: what waits for a hat or an agency, as a list of ids that is found without looking through everything.
//!
//! Owns no content: a pointer holds the id of a fact or of something kept, and what it points at says the rest. A pointer to
//! something that is gone is skipped.

use super::visit::account::kept;
use super::{Failure, Gateway};
use crate::clock::Moment;
use crate::ident::{AgencyId, HatId};
use crate::store::{Effect, KeptKind};

/// What a list of pointers is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Waits {
    /// An override, for those of the agency who may approve it.
    Approval,
    /// A hat's own override.
    OwnOverride,
    /// A request for access that a hat made.
    OwnRequest,
    /// A volunteer's worry, for those who must know.
    Worry,
    /// A volunteer's visit note, for the co-ordinators.
    Note,
}

impl Waits {
    const fn word(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::OwnOverride => "own-override",
            Self::OwnRequest => "own-request",
            Self::Worry => "worry",
            Self::Note => "note",
        }
    }
}

/// Whose list.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whose<'a> {
    /// A hat's.
    Hat(&'a HatId),
    /// An agency's.
    Agency(&'a AgencyId),
}

fn owner(what: Waits, whose: Whose<'_>) -> String {
    match whose {
        Whose::Hat(hat) => format!("{}/hat/{hat}", what.word()),
        Whose::Agency(agency) => format!("{}/agency/{agency}", what.word()),
    }
}

/// Puts an id on a list until its time is over.
pub(super) fn point(what: Waits, whose: Whose<'_>, to: &str, ends: Moment) -> Effect {
    let owner = owner(what, whose);
    let kept = kept(KeptKind::Pointer, format!("{owner}/{to}"), &owner, to.as_bytes().to_vec(), ends);
    Effect::Keep { kept, was: None }
}

impl Gateway {
    /// The ids on a list, newest first.
    pub(super) async fn pointed(&self, what: Waits, whose: Whose<'_>) -> Result<Vec<String>, Failure> {
        let owner = owner(what, whose);
        let rows = self.db.kept_of(&self.keys, KeptKind::Pointer, &owner, self.clock().now()).await?;
        Ok(rows.into_iter().filter_map(|row| String::from_utf8(row.body).ok()).collect())
    }
}
