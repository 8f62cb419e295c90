//! How people and hats are tied: links, conflicts, parental responsibility, orders, assessments, protections, strands,
//! seals, openings, relationships, item grants.

use super::{AssessmentId, CaseId, ItemGrantId, OpeningId, ProtectionId, RelationshipId, SealId, Text, Time};
use crate::ident::{AccountId, AgencyId, HatId, PersonId, SegmentId};
use crate::vocabulary::{Category, Purpose};
use serde::{Deserialize, Serialize};

/// A tie between two persons, in either direction.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Its id, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// One person.
    pub a: PersonId,
    /// The other.
    pub b: PersonId,
    /// What the tie is.
    pub kind: LinkKind,
    /// First moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    /// First moment after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
}

/// Kinds of tie between persons (R9).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each word says it")]
pub enum LinkKind {
    Relative,
    Partner,
    Friend,
    Neighbour,
}

/// A conflict of interest an account holder declared without an own person record (R9).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conflict {
    /// Whose.
    pub account: AccountId,
    /// With whom.
    pub person: PersonId,
    /// What the tie is.
    pub kind: ConflictKind,
    /// First moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    /// First moment after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
}

/// Kinds of declared conflict.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each word says it")]
pub enum ConflictKind {
    #[serde(rename = "self")]
    Own,
    Relative,
    Partner,
    Friend,
    Neighbour,
}

/// Who is parental responsibility's holder: a person, or the local authority under a care order.
/// The text is the id of one or the other.
pub type HolderId = String;

/// A holding of parental responsibility (R30).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParentalResponsibility {
    /// A person, or an agency.
    pub holder: HolderId,
    /// The child.
    pub child: PersonId,
    /// On what ground.
    pub basis: ResponsibilityBasis,
    /// What proves it; all bases but mother and care-order need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Text>,
    /// First moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    /// First moment after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
}

/// Grounds of parental responsibility.
///
/// # Source
/// Children Act 1989 ss.2–4A, 33.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each word says it")]
pub enum ResponsibilityBasis {
    Mother,
    Marriage,
    RegisteredFather,
    Agreement,
    Order,
    CareOrder,
}

/// A court order about a child.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Its id, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Which order.
    pub kind: OrderKind,
    /// The child.
    pub child: PersonId,
    /// The local authority it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<AgencyId>,
    /// First moment.
    pub from: Time,
    /// First moment after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
}

/// Kinds of order; care orders (full and interim) change who decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each word says it")]
pub enum OrderKind {
    CareOrder,
    InterimCareOrder,
    SpecialGuardianship,
    ChildArrangements,
    EmergencyProtection,
}

/// An assessment of competence (under 16, R26) or a capacity decision (16 and over, MCA 2005).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assessment {
    /// Its id.
    pub id: AssessmentId,
    /// Of whom.
    pub person: PersonId,
    /// Which kind.
    pub kind: AssessmentKind,
    /// For decisions about these categories only.
    pub categories: Vec<Category>,
    /// What was found.
    pub outcome: AssessmentOutcome,
    /// When.
    pub at: Time,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessor: Option<HatId>,
    /// The decision assessed, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Text>,
}

/// Kinds of assessment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AssessmentKind {
    /// Under 16.
    Competence,
    /// 16 and over.
    Capacity,
}

/// What an assessment found; `unsure` counts as no.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each word says it")]
pub enum AssessmentOutcome {
    Yes,
    No,
    Unsure,
    Has,
    Lacks,
}

/// Person P is protected from X; this also makes X P's alleged perpetrator (R57).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protection {
    /// Its id.
    pub id: ProtectionId,
    /// P.
    pub person: PersonId,
    /// X.
    pub against: PersonId,
    /// Who set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_by: Option<HatId>,
    /// First moment.
    pub from: Time,
    /// First moment after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
}

/// A worker marked by the social worker as linked to X (R57).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strand {
    /// The worker's hat.
    pub hat: HatId,
    /// X.
    pub linked_to: PersonId,
    /// Who marked it.
    pub marked_by: HatId,
    /// First moment.
    pub from: Time,
    /// First moment after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
}

/// A sealed identity: the `former` person record (R66, R67).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// Its id.
    pub id: SealId,
    /// Why.
    pub kind: SealKind,
    /// The sealed record.
    pub former: PersonId,
    /// The record that replaced it.
    pub current: PersonId,
    /// Who keeps the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custodian: Option<AgencyId>,
    /// First moment.
    pub from: Time,
    /// First moment after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
}

/// Why an identity is sealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SealKind {
    /// Adoption (R66).
    Adoption,
    /// A gender recognition certificate (R67).
    GenderRecognition,
}

/// A per-request opening by the adoption team; an ask must name it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Its id.
    pub id: OpeningId,
    /// For which hat.
    pub hat: HatId,
    /// Which segment.
    pub segment: SegmentId,
    /// Why.
    pub reason: Text,
    /// First moment.
    pub from: Time,
    /// First moment after.
    pub to: Time,
}

/// What makes a hat a legitimate user of one person's record (R5, R6).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relationship {
    /// Its id.
    pub id: RelationshipId,
    /// Which kind.
    pub kind: RelationshipKind,
    /// Whose.
    pub hat: HatId,
    /// To one person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<PersonId>,
    /// To the members of a case at that time; with `subject`: to that person through that case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// `supervisor`: of which hat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<HatId>,
    /// `delegation`: for which social worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grantor: Option<HatId>,
    /// `delegation`: only these cases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<CaseId>,
    /// `delegation`: when the grantor was away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absences: Vec<Absence>,
    /// `match`: as what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<MatchRole>,
    /// `self-claim`: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// `subject-access`: the person for whom the officer asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<PersonId>,
    /// Only for these purposes (with `subject` alone).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purposes: Option<Vec<Purpose>>,
    /// What proves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Text>,
    /// Who created it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<HatId>,
    /// First moment.
    pub from: Time,
    /// First moment after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
}

/// Kinds of relationship.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "facts file paper §3 says each; the words say most")]
pub enum RelationshipKind {
    Allocated,
    Supervisor,
    TeamNamed,
    PlanNamed,
    Referral,
    Contact,
    Lead,
    Delegation,
    Match,
    Consultation,
    SelfClaim,
    Observation,
    SubjectAccess,
}

/// What a volunteer is matched as.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each word says it")]
pub enum MatchRole {
    Mentor,
    FamilySupport,
    Advocate,
    ReturnInterview,
}

/// A time when a delegation's grantor was away, with the hat that covered, if any (R48).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absence {
    /// Who covered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover: Option<HatId>,
    /// First moment.
    pub from: Time,
    /// First moment after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
}

/// One ADR or LOC item opened for one task (R50, R51).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemGrant {
    /// Its id.
    pub id: ItemGrantId,
    /// Which segment.
    pub segment: SegmentId,
    /// Who granted: a social worker, or a volunteer co-ordinator.
    pub by: HatId,
    /// To whom: the personal assistant, or the volunteer.
    pub to: HatId,
    /// For what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Text>,
    /// First moment.
    pub from: Time,
    /// First moment after; at most eight hours later.
    pub until: Time,
}
