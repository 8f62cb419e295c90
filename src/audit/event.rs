//! What is recorded: every event of the audit log and how it ended, as stable strings.
//!
//! Owns the list of events, its grouping and the *open spelling*: an event name that would reveal adoption or
//! protection is written openly as `identity` and only carries its true name inside the sealed payload.
//! Does not decide when an entry is due; the code that causes an event does. Read [`Event`] first.
//!
//! # Source
//! Solent audit paper §1 and §3 (open spelling); ISO 27789:2021 (what an audit record names).

use std::fmt;

/// The open spelling of events whose name would reveal a sensitive fact about a person.
pub const OPEN_IDENTITY: &str = "identity";

/// The families events come in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Group {
    /// Somebody signed in, looked, searched, sent or took something away.
    Access,
    /// A whole request was refused.
    Decision,
    /// Agencies asked, answered, corrected, recalled.
    Sharing,
    /// A person's permission changed.
    Permission,
    /// More was shown than the rules alone allow.
    Override,
    /// Who works with whom changed.
    Relationship,
    /// Who a person is, or how they are protected, changed.
    Identity,
    /// The system itself was changed.
    Administration,
    /// The log was read, proved or checked.
    AuditOfAudit,
}

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $group:ident $(, open $open:expr)?;)+) => {
        /// One thing that is recorded. The text is stable: it stands in stored entries for ever.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
        pub enum Event { $($(#[$doc])* #[serde(rename = $text)] $name),+ }

        impl Event {
            /// Every event, in the order of the paper.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
            /// The true name, as it stands in the sealed payload: for example `adopt-seal`.
            #[must_use]
            pub const fn name(self) -> &'static str { match self { $(Self::$name => $text),+ } }
            /// Reads a true name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> { match name { $($text => Some(Self::$name),)+ _ => None } }
            /// The family it belongs to.
            #[must_use]
            pub const fn group(self) -> Group { match self { $(Self::$name => Group::$group),+ } }
            /// The name as written in the open part of an entry: the true name, or [`OPEN_IDENTITY`].
            #[must_use]
            pub fn open_name(self) -> &'static str {
                match self { $($(Self::$name => $open,)?)+ other => other.name() }
            }
        }
    };
}

events! {
    /// An account signed in.
    Login = "login", Access;
    /// A sign-in failed.
    LoginFail = "login-fail", Access;
    /// An account chose a hat.
    HatChoose = "hat-choose", Access;
    /// A search, also one that found nothing.
    Search = "search", Access;
    /// Something about one person was shown.
    View = "view", Access;
    /// Content was put into another agency's mailbox.
    Send = "send", Access;
    /// Content was collected from a mailbox.
    Collect = "collect", Access;
    /// Content was printed.
    Print = "print", Access;
    /// Content was exported.
    Export = "export", Access;
    /// Content was released to the person it is about.
    SubjectAccessRelease = "subject-access-release", Access;
    /// A whole request was refused.
    Refuse = "refuse", Decision;
    /// A holder decided to share, share in part, or not share.
    ShareDecision = "share-decision", Sharing;
    /// An agency asked another.
    Request = "request", Sharing;
    /// An agency answered.
    Response = "response", Sharing;
    /// A wrong statement was corrected with those who received it.
    Correction = "correction", Sharing;
    /// Something released was called back.
    Recall = "recall", Sharing;
    /// A receiver acknowledged.
    Receipt = "receipt", Sharing;
    /// A permission was given.
    PermGrant = "perm-grant", Permission;
    /// A permission was refused.
    PermRefuse = "perm-refuse", Permission;
    /// A permission was withdrawn.
    PermWithdraw = "perm-withdraw", Permission;
    /// A permission ran out.
    PermExpire = "perm-expire", Permission;
    /// A permission is disputed.
    PermDispute = "perm-dispute", Permission;
    /// Somebody's competence to decide was assessed.
    CompetenceAssess = "competence-assess", Permission;
    /// An override was asked for.
    OvrRequest = "ovr-request", Override;
    /// An override was approved.
    OvrApprove = "ovr-approve", Override;
    /// An override was rejected.
    OvrReject = "ovr-reject", Override;
    /// An override was used.
    OvrUse = "ovr-use", Override;
    /// An override was reviewed afterwards.
    OvrReview = "ovr-review", Override;
    /// Content was opened for imminent danger.
    EmgUse = "emg-use", Override;
    /// A worker's relationship with a person began.
    RelStart = "rel-start", Relationship;
    /// A relationship ended.
    RelEnd = "rel-end", Relationship;
    /// A worker claimed a relationship themselves.
    RelSelfclaim = "rel-selfclaim", Relationship;
    /// Work was delegated.
    Delegate = "delegate", Relationship;
    /// A delegation ended.
    DelegateEnd = "delegate-end", Relationship;
    /// One item was opened to one hat.
    ItemGrant = "item-grant", Relationship;
    /// A volunteer was matched.
    MatchStart = "match-start", Relationship;
    /// A volunteer's match ended.
    MatchEnd = "match-end", Relationship;
    /// The lead agency or worker changed.
    LeadChange = "lead-change", Relationship;
    /// The purpose of a case changed.
    PurposeChange = "purpose-change", Relationship;
    /// Two person records were linked.
    PersonLink = "person-link", Identity;
    /// Two person records were separated.
    PersonUnlink = "person-unlink", Identity;
    /// A protection flag was set or lifted. Openly `identity`.
    ProtectFlag = "protect-flag", Identity, open OPEN_IDENTITY;
    /// An adoption record was sealed. Openly `identity`.
    AdoptSeal = "adopt-seal", Identity, open OPEN_IDENTITY;
    /// A sealed adoption record was opened. Openly `identity`.
    AdoptOpen = "adopt-open", Identity, open OPEN_IDENTITY;
    /// An account was linked to a person (for conflicts of interest).
    AccountPersonLink = "account-person-link", Identity;
    /// A sharing policy took effect.
    PolicyPublish = "policy-publish", Administration;
    /// A mapping took effect.
    MappingPublish = "mapping-publish", Administration;
    /// A role was given.
    RoleGrant = "role-grant", Administration;
    /// A role was taken away.
    RoleRevoke = "role-revoke", Administration;
    /// A signing key was replaced.
    KeyRotate = "key-rotate", Administration;
    /// Retention rules were applied.
    RetentionRun = "retention-run", Administration;
    /// A legal hold was set or lifted.
    LegalHold = "legal-hold", Administration;
    /// The clock was found wrong.
    ClockSkew = "clock-skew", Administration;
    /// Somebody queried the log.
    AuditQuery = "audit-query", AuditOfAudit;
    /// A pseudonym was resolved to a person.
    AuditReidentify = "audit-reidentify", AuditOfAudit;
    /// Part of the log was exported.
    AuditExport = "audit-export", AuditOfAudit;
    /// A checkpoint was published.
    Checkpoint = "checkpoint", AuditOfAudit;
    /// A witness was silent or refused.
    WitnessFail = "witness-fail", AuditOfAudit;
}

impl Event {
    /// True when `name` may stand in the open part of an entry: an event's open name, never a name that is sealed.
    #[must_use]
    pub fn is_open_name(name: &str) -> bool {
        name == OPEN_IDENTITY || Self::parse(name).is_some_and(|event| event.open_name() == name)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How the recorded thing ended. Part of the open entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// All of it was allowed.
    Allow,
    /// Some of it was allowed.
    Partial,
    /// None of it was allowed.
    Deny,
    /// It failed for a technical reason.
    Error,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: &'static [Self] = &[Self::Allow, Self::Partial, Self::Deny, Self::Error];
    /// The stable text.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Partial => "partial",
            Self::Deny => "deny",
            Self::Error => "error",
        }
    }
    /// Reads the stable text.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|outcome| outcome.name() == name)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names as the paper lists them (§1), group by group.
    const PAPER: &str = "login login-fail hat-choose search view send collect print export subject-access-release refuse \
        share-decision request response correction recall receipt perm-grant perm-refuse perm-withdraw perm-expire \
        perm-dispute competence-assess ovr-request ovr-approve ovr-reject ovr-use ovr-review emg-use rel-start rel-end \
        rel-selfclaim delegate delegate-end item-grant match-start match-end lead-change purpose-change person-link \
        person-unlink protect-flag adopt-seal adopt-open account-person-link policy-publish mapping-publish role-grant \
        role-revoke key-rotate retention-run legal-hold clock-skew audit-query audit-reidentify audit-export checkpoint \
        witness-fail";

    #[test]
    fn every_event_of_the_paper_exists_and_no_other() {
        let ours: Vec<&str> = Event::ALL.iter().map(|e| e.name()).collect();
        let paper: Vec<&str> = PAPER.split_whitespace().collect();
        assert_eq!(ours, paper);
        for event in Event::ALL {
            assert_eq!(Event::parse(event.name()), Some(*event));
            assert_eq!(serde_json::to_value(event).unwrap(), event.name());
        }
    }

    #[test]
    fn adoption_and_protection_are_never_named_openly() {
        for event in Event::ALL {
            let sealed = event.name().starts_with("adopt-") || *event == Event::ProtectFlag;
            assert_eq!(event.open_name(), if sealed { "identity" } else { event.name() });
            assert_eq!(Event::is_open_name(event.name()), !sealed);
        }
        assert!(Event::is_open_name("identity"));
        assert!(!Event::is_open_name("nonsense"));
    }

    #[test]
    fn outcomes_are_the_four_of_the_paper() {
        let names: Vec<&str> = Outcome::ALL.iter().map(|o| o.name()).collect();
        assert_eq!(names, ["allow", "partial", "deny", "error"]);
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::parse(outcome.name()), Some(*outcome));
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.name());
        }
    }
}
