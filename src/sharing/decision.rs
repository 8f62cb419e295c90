//! What the sharing module answers: one [`Decision`] per question.
//!
//! Owns the stable codes of reasons, limits, flags and markers (sharing rules §5, §10). A decision can be made only
//! inside `sharing` (its constructor is private to the module), so nobody can release on a verdict of their own.
//! Read [`Decision`] first.

mod sets;
mod words;

pub use sets::{Flags, Rules};

use super::policy::{Cell, LegalBasis};
use crate::vocabulary::{Category, Level, Purpose, Role};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }
        impl $name {
            /// Every member.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The stable code.
            #[must_use]
            pub const fn code(self) -> &'static str { match self { $(Self::$variant => $code),+ } }
            /// The member with this code.
            #[must_use]
            pub fn parse(code: &str) -> Option<Self> { match code { $($code => Some(Self::$variant),)+ _ => None } }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.code()) }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.serialize_str(self.code()) }
        }
    };
}

codes! {
    /// Why something was released or refused (sharing rules §5, reason codes).
    Reason {
        /// The hat's own work, or the adoption team's named opening.
        AllowOwn = "ALLOW-OWN",
        /// The matrix cell.
        AllowMatrix = "ALLOW-MATRIX",
        /// A permission in force.
        AllowPermission = "ALLOW-PERMISSION",
        /// A live override.
        AllowOverride = "ALLOW-OVERRIDE",
        /// An item grant.
        AllowItem = "ALLOW-ITEM",
        /// A de-identified table.
        AllowDeident = "ALLOW-DEIDENT",
        /// Account, authentication or hat not good.
        DAuth = "D-AUTH",
        /// Conflict of interest.
        DCoi = "D-COI",
        /// The role may not declare the purpose.
        DPurpose = "D-PURPOSE",
        /// No live relationship.
        DRel = "D-REL",
        /// The audit log cannot be written.
        DAudit = "D-AUDIT",
        /// Pre-adoption identity.
        DAdopt = "D-ADOPT",
        /// Sealed by the custodian.
        DSealed = "D-SEALED",
        /// Protected person, or a parent against a young person.
        DSafe = "D-SAFE",
        /// The matrix says nothing.
        DMatrix = "D-MATRIX",
        /// Nothing without permission.
        DPermission = "D-PERMISSION",
        /// A cap lowered it to nothing.
        DCap = "D-CAP",
        /// Analytics: a column was not declared or identifies.
        DMinimise = "D-MINIMISE",
        /// Analytics: a small number.
        DSmall = "D-SMALL",
        /// Not for this role or hat to do.
        DDelegate = "D-DELEGATE",
        /// The case has a lead already.
        DLeadExists = "D-LEAD-EXISTS",
    }
}

codes! {
    /// What made the level lower than it could be.
    Limit {
        /// No permission recorded.
        PermissionAbsent = "PERMISSION-ABSENT",
        /// Refused.
        PermissionRefused = "PERMISSION-REFUSED",
        /// Ran out.
        PermissionExpired = "PERMISSION-EXPIRED",
        /// Withdrawn.
        PermissionWithdrawn = "PERMISSION-WITHDRAWN",
        /// Two holders of parental responsibility disagree.
        PermissionDisputed = "PERMISSION-DISPUTED",
        /// Adult-subject cap.
        CapAdult = "CAP-ADULT",
        /// The delegating worker's own level.
        CapDelegate = "CAP-DELEGATE",
        /// Volunteer's minimum view.
        CapVolunteer = "CAP-VOLUNTEER",
        /// The custodian's handling instruction.
        CapOriginator = "CAP-ORIGINATOR",
        /// Another person the segment is about.
        CapThird = "CAP-THIRD",
        /// The partnership's own rule.
        CapLocal = "CAP-LOCAL",
        /// No authored summary.
        SummaryMissing = "SUMMARY-MISSING",
        /// Fields outside the purpose's template removed.
        Minimised = "MINIMISED",
        /// The cell has no override.
        OverrideNotAvailable = "OVERRIDE-NOT-AVAILABLE",
        /// The custodian's officer decides.
        CustodianTask = "CUSTODIAN-TASK",
    }
}

codes! {
    /// Something to note or do besides the level.
    Flag {
        /// Alert the privacy officers.
        AlertPrv = "alert-prv",
        /// Ask the young person.
        AskYoungPerson = "ask-young-person",
        /// Route as child protection.
        CpTask = "cp-task",
        /// A manager decides the dispute.
        DecideDispute = "decide-dispute",
        /// A refusal is in force that this purpose overrides.
        DissentNoted = "dissent-noted",
        /// The custodian should write a summary.
        WriteSummary = "write-summary",
    }
}

/// What the requester learns of something at level N (sharing rules §10).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Marker {
    /// The level is above N.
    None,
    /// Learns that something is withheld, or that the category is not available.
    Shown,
    /// Learns nothing.
    Silent,
}

impl Marker {
    /// `none`, `shown` or `silent`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Shown => "shown",
            Self::Silent => "silent",
        }
    }
}

impl Serialize for Marker {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.code())
    }
}

/// The matrix row that was used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MatrixRow {
    /// The declared purpose.
    pub purpose: Purpose,
    /// The hat's role.
    pub role: Role,
    /// The segment's category.
    pub category: Category,
    /// What the matrix says.
    pub cell: Cell,
}

impl fmt::Display for MatrixRow {
    /// As in `matrix.csv`: `CIN,SW,MHL,S,I,yes`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cell { with, without, raisable } = self.cell;
        let raisable = if raisable { "yes" } else { "no" };
        write!(f, "{},{},{},{with},{without},{raisable}", self.purpose, self.role, self.category)
    }
}

/// What the decision rests on. There is no legal ground at level N (R11).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Basis {
    /// The four legal grounds.
    pub legal: Option<Arc<LegalBasis>>,
    /// The matrix row used.
    pub matrix: Option<MatrixRow>,
    /// Permission records that decided, sorted.
    pub permissions: Vec<Arc<str>>,
    /// The relationship that carried the request.
    pub relationship: Option<Arc<str>>,
    /// The override used.
    pub override_id: Option<Arc<str>>,
    /// The delegation acted under.
    pub delegation: Option<Arc<str>>,
    /// The item grant used.
    pub item_grant: Option<Arc<str>>,
}

impl Serialize for Basis {
    /// The four legal keys always, the others where used.
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        let legal = self.legal.as_deref();
        map.serialize_entry("art6", &legal.map(|legal| &legal.art6))?;
        map.serialize_entry("art9_10", &legal.map(|legal| &legal.art9_10))?;
        map.serialize_entry("gateway", &legal.map(|legal| &legal.gateway))?;
        map.serialize_entry("confidence", &legal.map(|legal| &legal.confidence))?;
        if let Some(row) = self.matrix {
            map.serialize_entry("matrix", &row.to_string())?;
        }
        if !self.permissions.is_empty() {
            map.serialize_entry("permissions", &self.permissions.iter().map(|id| &**id).collect::<Vec<&str>>())?;
        }
        let used = [
            ("relationship", &self.relationship),
            ("override", &self.override_id),
            ("delegation", &self.delegation),
            ("item_grant", &self.item_grant),
        ];
        for (key, id) in used {
            if let Some(id) = id {
                map.serialize_entry(key, &**id)?;
            }
        }
        map.end()
    }
}

/// The answer to one question. Made only by [`super::decide`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[allow(clippy::manual_non_exhaustive, reason = "the attribute would let the rest of this crate build decisions")]
pub struct Decision {
    /// How much is shown.
    pub level: Level,
    /// Why.
    pub reason: Reason,
    /// What set the level lower than it could be.
    pub limit: Option<Limit>,
    /// What the requester learns at level N.
    pub marker: Marker,
    /// What to note or do.
    pub flags: Flags,
    /// What it rests on.
    pub basis: Basis,
    /// The numbers of the rules (R1–R84) that set the result; printed `R33`.
    pub rules: Rules,
    /// Private: nobody outside builds a decision.
    #[serde(skip)]
    sealed: (),
}

impl Decision {
    /// A decision of `level` for `reason`; only `sharing` can make one.
    pub(in crate::sharing) fn new(level: Level, reason: Reason) -> Self {
        Self {
            level,
            reason,
            limit: None,
            marker: Marker::None,
            flags: Flags::default(),
            basis: Basis::default(),
            rules: Rules::default(),
            sealed: (),
        }
    }
}
