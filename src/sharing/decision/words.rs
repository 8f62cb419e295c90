//! Every code of a decision as part of a plain English sentence: exhaustive, so a new code does not compile without words.

use super::{Decision, Flag, Limit, Marker, Reason};
use crate::vocabulary::Level;

impl Decision {
    /// The decision in one plain sentence, without names, with the meaning of level, reason, limit and flags spelt out.
    /// At level N it also says what the reader learns, so it is for those who look after the rules and for the log; a
    /// practitioner to whom the marker is silent never gets it.
    #[must_use]
    pub fn explain(&self) -> String {
        let shown = match self.level {
            Level::F => "Shown in full",
            Level::S => "Shown as a summary",
            Level::I => "Shown only as an indicator",
            Level::N => "Not shown",
        };
        let mut text = format!("{shown}: {}", self.reason.in_words());
        if let Some(limit) = self.limit {
            text.push_str("; ");
            text.push_str(limit.in_words());
        }
        for flag in self.flags.iter() {
            text.push_str("; ");
            text.push_str(flag.in_words());
        }
        if let Some(marker) = self.marker.in_words() {
            text.push_str("; ");
            text.push_str(marker);
        }
        text.push('.');
        text
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

impl Flag {
    /// The flag as part of a sentence.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::AlertPrv => "the privacy officers are alerted",
            Self::AskYoungPerson => "the young person should be asked",
            Self::CpTask => "it is passed on as a child protection matter",
            Self::DecideDispute => "a manager has to decide",
            Self::DissentNoted => "a refusal is on record, which does not bind here",
            Self::WriteSummary => "the agency that holds it is asked to write a summary",
        }
    }
}

impl Marker {
    /// What the reader learns, as part of a sentence; nothing to say above level N.
    #[must_use]
    pub const fn in_words(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Shown => Some("the reader is told that it is withheld or not available"),
            Self::Silent => Some("the reader is told nothing"),
        }
    }
}
