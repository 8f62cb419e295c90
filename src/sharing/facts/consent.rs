//! Permissions and overrides as recorded (consent paper §2–§4; sharing rules R37–R45).

use super::{AssessmentId, CaseId, Day, OverrideId, PermissionId, Text, Time};
use crate::ident::{AccountId, AgencyId, HatId, PersonId, SegmentId};
use crate::vocabulary::{Category, Purpose, Role};
use serde::{Deserialize, Serialize};

use super::TeamId;

/// One recorded agreement or refusal; status is never stored, always derived from the events.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permission {
    /// Its id.
    pub id: PermissionId,
    /// Version, from 1; a change makes a new one. (A `Number`, because a flattened struct reads numbers only so.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<serde_json::Number>,
    /// Which of the four things called consent; only `confidence` opens cells.
    #[serde(default)]
    pub kind: PermissionKind,
    /// Whose confidential information.
    pub subject: PersonId,
    /// Who decided: a person, or the local authority under a care order.
    pub decider: String,
    /// As what.
    pub capacity: Capacity,
    /// The assessment relied on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub competence: Option<AssessmentId>,
    /// Proof of parental responsibility seen with this form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pr_evidence: Option<ResponsibilityEvidence>,
    /// Permit or refuse.
    pub decision: Choice,
    /// What it covers.
    #[serde(flatten)]
    pub scope: Scope,
    /// Narrower decisions inside, one level.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Exception>,
    /// First moment; absent = `recorded_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Time>,
    /// First moment after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Time>,
    /// The case whose plan it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<CaseId>,
    /// The person was told when sharing happens without permission.
    pub told_limits: bool,
    /// Whether the young person was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub young_person_asked: Option<YoungPersonAsked>,
    /// Came from a foreign system; may leave `from`/`to` out.
    #[serde(default)]
    pub imported: bool,
    /// When it was recorded.
    pub recorded_at: Time,
    /// By which hat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_by: Option<HatId>,
    /// The record it replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<PermissionId>,
    /// What happened to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<PermissionEvent>,
    /// How it was given. No decision depends on it; a facts file has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<PermissionForm>,
}

/// How a permission was given and where the proof is kept (consent paper §2, §5). Never the form's image.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermissionForm {
    /// By which channel.
    pub how: PermissionChannel,
    /// The language it was explained in (BCP 47).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Whether an interpreter helped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interpreter: bool,
    /// SHA-256 of the signed document, lower-case hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Where the document is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Text>,
    /// Version of the wording that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wording: Option<String>,
    /// Who witnessed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Text>,
    /// What the import left open: `broad` for a foreign record without parties.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub broad: bool,
}

/// Channels of a permission (consent paper §2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each word says it")]
pub enum PermissionChannel {
    SignedPaper,
    SignedScreen,
    SpokenWitnessed,
    Video,
    Email,
}

/// The four things called consent (consent paper §1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PermissionKind {
    /// Common-law permission: the only kind that opens gated cells.
    #[default]
    Confidence,
    /// Agreement to a service.
    Service,
    /// UK GDPR consent.
    Ukgdpr,
    /// Consent to treatment.
    Treatment,
}

/// In which capacity the decider decided (consent paper §2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each word says it")]
pub enum Capacity {
    #[serde(rename = "self-adult")]
    SelfAdult,
    #[serde(rename = "self-16-17")]
    Self16To17,
    #[serde(rename = "self-competent-child")]
    SelfCompetentChild,
    #[serde(rename = "parent-pr")]
    ParentPr,
    #[serde(rename = "la-care-order")]
    LaCareOrder,
    #[serde(rename = "attorney-or-deputy")]
    AttorneyOrDeputy,
    #[serde(rename = "best-interests")]
    BestInterests,
}

/// Permit or refuse.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each word says it")]
pub enum Choice {
    Permit,
    Refuse,
}

/// Proof of parental responsibility.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponsibilityEvidence {
    /// Which document.
    pub kind: ResponsibilityDocument,
    /// Who saw it.
    pub seen_by: Text,
    /// When.
    pub date: Day,
}

/// Documents that prove parental responsibility.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each word says it")]
pub enum ResponsibilityDocument {
    BirthCertificate,
    MarriageCertificate,
    Agreement,
    Order,
}

/// What a permission covers: elements join by AND, values inside one by OR, an absent element matches anything.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Scope {
    /// Categories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<Category>>,
    /// v3 sensitivity codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// Whose information: tested against custodian and author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Vec<Party>>,
    /// To whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Vec<Party>>,
    /// For which purposes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purposes: Option<Vec<Purpose>>,
    /// Only information observed on these days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_period: Option<Period>,
    /// Only these segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<Vec<SegmentId>>,
}

/// A party: all elements given must fit the hat; `anyone` is for refusals only.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// The agency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<AgencyId>,
    /// The role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// The account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Everybody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anyone: bool,
}

/// Days, both inclusive, compared with a segment's `observed`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// First day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Day>,
    /// Last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Day>,
}

/// A narrower decision inside a permission record.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Exception {
    /// Permit or refuse.
    pub decision: Choice,
    /// What it covers.
    #[serde(flatten)]
    pub scope: Scope,
}

/// Whether the young person was asked before a parent's permission (consent paper §7).
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct YoungPersonAsked {
    /// Asked.
    pub asked: bool,
    /// Objected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objected: Option<bool>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
}

/// What happened to a permission; `at` is when it was recorded.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum PermissionEvent {
    /// Withdrawn; never back-dated (R35).
    Withdraw {
        /// When recorded.
        at: Time,
        /// By whom: person or agency.
        by: String,
        /// By which channel.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        how: Option<Text>,
        /// When the person said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        told_at: Option<Time>,
    },
    /// Another holder of parental responsibility objects (R29).
    Object {
        /// When recorded.
        at: Time,
        /// By whom.
        by: String,
    },
    /// A manager resolved a dispute.
    Resolve {
        /// When recorded.
        at: Time,
        /// How.
        outcome: Outcome,
        /// By whom.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<Text>,
    },
    /// Recorded on the wrong person.
    EnteredInError {
        /// When recorded.
        at: Time,
        /// By whom.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<Text>,
    },
}

/// How a dispute was resolved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The record stands.
    Active,
    /// The record ends.
    Withdrawn,
}

/// A request to go above the normal level, with its five answers (R37).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Its id.
    pub id: OverrideId,
    /// Ordinary (approved first) or imminent danger.
    pub kind: OverrideKind,
    /// Whose.
    pub hat: HatId,
    /// About whom.
    pub subject: PersonId,
    /// Which categories; never "whole record" (R40).
    pub categories: Vec<Category>,
    /// Under which purpose.
    pub purpose: Purpose,
    /// When asked.
    pub requested_at: Time,
    /// The five answers.
    pub answers: Answers,
    /// The approving hat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<HatId>,
    /// When approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Time>,
    /// Renewals, each 24 h, 72 h in all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renewals: Vec<Renewal>,
    /// Whether the person was told (R43).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
    /// What became of the request beside its approval. No decision depends on it; a facts file has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub course: Option<OverrideCourse>,
}

/// What became of an override beside its approval (R39, R41, R44).
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OverrideCourse {
    /// Agencies that hold something about the person in these categories: their privacy officers review.
    pub custodians: Vec<AgencyId>,
    /// Who rejected it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected_by: Option<HatId>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected_at: Option<Time>,
    /// The reviews.
    pub reviews: Vec<OverrideReview>,
}

/// A custodian's review of an override (R44).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideReview {
    /// By which privacy officer's hat.
    pub by: HatId,
    /// For which custodian.
    pub agency: AgencyId,
    /// When.
    pub at: Time,
    /// What was found.
    pub outcome: ReviewOutcome,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Text>,
}

/// What a review found (R44).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each word says it")]
pub enum ReviewOutcome {
    Justified,
    NotJustified,
    NeedsMore,
}

/// Kinds of override.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum OverrideKind {
    /// Needs approval first.
    #[serde(rename = "ordinary")]
    Ordinary,
    /// Imminent danger to life or limb (R45).
    #[serde(rename = "EMG")]
    Emg,
}

/// The five written answers of R37; one empty or missing voids the override.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// What harm, to whom, how likely, how soon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harm: Option<Text>,
    /// What exactly is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needed: Option<Text>,
    /// Why a lower level or asking would not do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not_less: Option<Text>,
    /// Is it proportionate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proportionate: Option<Text>,
    /// Will telling the person raise the risk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telling_risk: Option<Text>,
}

/// A renewal of an override.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renewal {
    /// When approved.
    pub at: Time,
    /// By whom.
    pub approved_by: HatId,
}

/// Whether the person was told of an override (R43).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// Told.
    pub told: bool,
    /// Why (not).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Text>,
    /// When to look again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Day>,
}
