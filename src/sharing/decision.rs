//! What the sharing module answers: one [`Decision`] per question.
//!
//! Owns the stable codes of reasons, limits, flags and markers (sharing rules §5, §10). A decision can be made only
//! inside `sharing` (its constructor is private to the module), so nobody can release on a verdict of their own.
//! Read [`Decision`] first.

use crate::vocabulary::Level;
use serde::{Serialize, Serializer};
use std::collections::BTreeSet;
use std::fmt;

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

/// What the decision rests on. The four legal keys are `None` at level N (R11).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Basis {
    /// UK GDPR Article 6 point, or the law-enforcement regime.
    pub art6: Option<String>,
    /// Article 9 or 10 condition.
    pub art9_10: Option<String>,
    /// The statutory gateway.
    pub gateway: Option<String>,
    /// How confidence is lifted.
    pub confidence: Option<String>,
    /// The matrix row used: purpose, role, category, with, without, override.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matrix: Option<String>,
    /// Permission records that decided, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<String>,
    /// The relationship that carried the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relationship: Option<String>,
    /// The override used.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    pub override_id: Option<String>,
    /// The delegation acted under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delegation: Option<String>,
    /// The item grant used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_grant: Option<String>,
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
    pub flags: BTreeSet<Flag>,
    /// What it rests on.
    pub basis: Basis,
    /// The numbers of the rules (R1–R84) that set the result; printed `R33`.
    #[serde(serialize_with = "rule_names")]
    pub rules: BTreeSet<u8>,
    /// Private: nobody outside builds a decision.
    #[serde(skip)]
    sealed: (),
}

fn rule_names<S: Serializer>(rules: &BTreeSet<u8>, s: S) -> Result<S::Ok, S::Error> {
    s.collect_seq(rules.iter().map(|number| format!("R{number}")))
}

impl Decision {
    /// A decision of `level` for `reason`; only `sharing` can make one.
    pub(in crate::sharing) fn new(level: Level, reason: Reason) -> Self {
        Self {
            level,
            reason,
            limit: None,
            marker: Marker::None,
            flags: BTreeSet::new(),
            basis: Basis::default(),
            rules: BTreeSet::new(),
            sealed: (),
        }
    }
}

impl Decision {
    /// The decision in one plain sentence, without names: for practitioners, with the codes' meaning spelt out.
    #[must_use]
    pub fn explain(&self) -> String {
        let shown = match self.level {
            Level::F => "Shown in full",
            Level::S => "Shown as a summary",
            Level::I => "Shown only as an indicator",
            Level::N => "Not shown",
        };
        let because = self.reason.in_words();
        match self.limit {
            Some(limit) => format!("{shown}: {because}; {}.", limit.in_words()),
            None => format!("{shown}: {because}."),
        }
    }
}

impl Reason {
    /// The reason as part of a sentence.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::AllowOwn => "it is this worker's own work",
            Self::AllowMatrix => "the sharing rules allow it for this purpose and role",
            Self::AllowPermission => "the person who decides has given permission",
            Self::AllowOverride => "an override for safety is in force",
            Self::AllowItem => "this one item was opened for one task",
            Self::AllowDeident => "the table identifies nobody",
            Self::DAuth => "the account, sign-in or role is not valid now",
            Self::DCoi => "the worker has a personal tie to somebody concerned",
            Self::DPurpose => "this role cannot act for this purpose",
            Self::DRel => "there is no live working relationship with the person",
            Self::DAudit => "the audit log cannot be written, so nothing is released",
            Self::DAdopt => "the identity before adoption or recognition is sealed",
            Self::DSealed => "the agency that holds it has sealed it",
            Self::DSafe => "showing it could put somebody at risk, or it is a young person's own",
            Self::DMatrix => "the sharing rules do not allow it for this purpose and role",
            Self::DPermission => "it needs permission",
            Self::DCap => "a limit on this worker's view applies",
            Self::DMinimise => "a column was not declared, or would identify somebody",
            Self::DSmall => "the numbers are too small to publish",
            Self::DDelegate => "this is not for this role or worker to do",
            Self::DLeadExists => "the case has a lead professional already",
        }
    }
}

impl Limit {
    /// The limit as part of a sentence.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::PermissionAbsent => "more would need a permission, and none counts here",
            Self::PermissionRefused => "permission was refused",
            Self::PermissionExpired => "the permission has run out",
            Self::PermissionWithdrawn => "the permission was withdrawn",
            Self::PermissionDisputed => "two people with parental responsibility disagree",
            Self::CapAdult => "it concerns an adult",
            Self::CapDelegate => "it is limited to what the social worker can see",
            Self::CapVolunteer => "volunteers see a minimum",
            Self::CapOriginator => "the agency that holds it limits who may see it",
            Self::CapThird => "it also concerns somebody else",
            Self::CapLocal => "a local rule of the partnership applies",
            Self::SummaryMissing => "nobody has written a summary yet",
            Self::Minimised => "fields that this purpose does not need were left out",
            Self::OverrideNotAvailable => "an override is not available here",
            Self::CustodianTask => "an officer of the agency that holds it must decide",
        }
    }
}
