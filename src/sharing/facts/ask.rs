//! What is asked about: segments; and the asks themselves.

use super::Day;
use super::{AskId, CaseId, DelegationId, IdentifierKind, OpeningId, OverrideId, Party, Text, Time};
use crate::ident::{AccountId, AgencyId, HatId, PersonId, SegmentId};
use crate::vocabulary::{Category, Level, Purpose};
use serde::{Deserialize, Serialize};

/// The smallest unit labelled with one category (sharing rules §1); no content, only its label.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Its id.
    pub id: SegmentId,
    /// Its category; `None` = no usable label (R1).
    pub category: Option<Category>,
    /// Whom it is about.
    pub about: Vec<PersonId>,
    /// In whose record it lies; absent = first of `about`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_of: Option<PersonId>,
    /// The agency that stays its controller.
    pub custodian: AgencyId,
    /// The hat that wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<HatId>,
    /// Hats whose caseload owns it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caseload: Vec<HatId>,
    /// Full, or an authored summary.
    pub form: Form,
    /// The authored summary of a full one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<SegmentId>,
    /// MIS: what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<MissingKind>,
    /// The day it was observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Day>,
    /// From when it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_at: Option<Time>,
    /// Fact or opinion (R69).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<BasisMarker>,
    /// v3 sensitivity codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Markings of the passage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub markings: Vec<Marking>,
    /// The custodian's caps for parties.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub originator: Vec<OriginatorCap>,
    /// Kinds of indirect location inside (R58).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Place>,
    /// Persons whose own disclosure is in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub voices: Vec<PersonId>,
    /// INT: the handling code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handling: Option<Text>,
    /// Sealed by the custodian.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Sealed>,
}

/// The form of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each word says it")]
pub enum Form {
    Full,
    Summary,
}

/// What a segment of category MIS is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each word says it")]
pub enum MissingKind {
    MissingEpisode,
    ReturnInterview,
}

/// Fact or opinion (R69).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each word says it")]
pub enum BasisMarker {
    Fact,
    Reported,
    Opinion,
}

/// Markings a passage can carry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Marking {
    /// Not for parents (R53).
    #[serde(rename = "NOPAT")]
    Nopat,
    /// Not for schools.
    #[serde(rename = "NOT-SCHOOL")]
    NotSchool,
    /// A request to pass on to the police; never raises a level.
    #[serde(rename = "TELL-POLICE")]
    TellPolice,
}

/// A custodian's instruction: this party sees at most this level.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OriginatorCap {
    /// Who.
    pub to: Party,
    /// At most.
    pub max: Level,
}

/// Indirect locations (R58).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each word says it")]
pub enum Place {
    GpPractice,
    School,
    Nursery,
    Pharmacy,
    AppointmentPlace,
    OutwardPostcode,
    PhoneArea,
    Distance,
    Map,
    Court,
    WorkerBase,
    Sender,
    FileName,
    AddressChangeTime,
    DeliveryReceipt,
}

/// Sealed by the custodian for a time; closed for everybody, the custodian too.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// Who sealed it: agency, hat or account id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// First moment.
    pub from: Time,
    /// First moment after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
}

/// One question; exactly one of `segment`, `act`, `analytics` is given.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// Its id.
    pub id: AskId,
    /// The account.
    pub account: AccountId,
    /// The hat of that account.
    pub hat: HatId,
    /// The declared purpose.
    pub purpose: Purpose,
    /// When; absent = the file's `now`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// Whether authentication was strong.
    #[serde(default = "yes")]
    pub strong_auth: bool,
    /// Read this segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<SegmentId>,
    /// Do something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Act>,
    /// Make a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analytics: Option<Analytics>,
    /// The override invoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#override: Option<OverrideId>,
    /// The delegation a personal assistant acts under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegation: Option<DelegationId>,
    /// The opening an adoption officer names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<OpeningId>,
    /// Purpose SA: the person for whom the officer asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<PersonId>,
    /// What a test expects; ignored by the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
}

fn yes() -> bool {
    true
}

/// Requests that are not about reading one segment.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// Look for a person (R8).
    Search {
        /// The criteria.
        query: Query,
    },
    /// Approve an override (R39).
    ApproveOverride {
        /// Which.
        r#override: OverrideId,
    },
    /// Delegate one's access to another account.
    Delegate {
        /// About whom.
        person: PersonId,
        /// To whom.
        account: AccountId,
    },
    /// Make a hat the case's lead.
    AssignLead {
        /// The case.
        case: CaseId,
        /// The hat.
        hat: HatId,
    },
    /// Assign a worker to the case.
    AssignWorker {
        /// The case.
        case: CaseId,
        /// The hat.
        hat: HatId,
    },
    /// Confirm a personal assistant's draft (R49).
    ConfirmDraft {
        /// About whom.
        person: PersonId,
    },
    /// Record a permission, refusal or withdrawal.
    RecordPermission {
        /// About whom.
        person: PersonId,
    },
    /// Sign a record off.
    SignOff {
        /// About whom.
        person: PersonId,
    },
    /// Decide a threshold.
    ThresholdDecision {
        /// About whom.
        person: PersonId,
    },
    /// Read a segmentation label; never allowed.
    ReadSegmentationLabel {
        /// About whom.
        person: PersonId,
    },
    /// Read the practice scores of an account.
    ReadPracticeScores {
        /// Whose.
        account: AccountId,
    },
    /// Send another custodian's segment on (R18).
    Forward {
        /// Which.
        segment: SegmentId,
        /// To which hat or agency.
        to: String,
    },
}

/// Search criteria (R8).
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Surname.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family_name: Option<Text>,
    /// First name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_name: Option<Text>,
    /// Date of birth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born: Option<Day>,
    /// Postcode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postcode: Option<Text>,
    /// One identifier, exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<QueryIdentifier>,
}

/// An identifier searched for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryIdentifier {
    /// Which numbering.
    pub kind: IdentifierKind,
    /// The value.
    pub value: Text,
}

/// A table an analyst asks for (R20); counts are after opt-outs are removed (R21).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Analytics {
    /// Its name.
    pub table: Text,
    /// Its columns.
    pub columns: Vec<Column>,
    /// The columns the project declared.
    pub declared: Vec<Column>,
    /// Rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The smallest cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smallest_cell: Option<u64>,
    /// The smallest difference from an earlier table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference_from_previous: Option<u64>,
}

/// A column: what it is about and in which form.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The category.
    pub category: Category,
    /// The form of its values.
    pub form: ColumnForm,
}

/// Forms of a column's values.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each word says it")]
pub enum ColumnForm {
    Name,
    DateOfBirth,
    FullPostcode,
    Address,
    FreeText,
    PersonKey,
    ExactDate,
    YesNo,
    Count,
    Band,
    Quartile,
    AgeYears,
    OutwardCode,
    SmallArea,
    ProjectPseudonym,
}

/// What a test expects of an ask; the codes as text, so that a test may name what the program does not know.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The level.
    pub level: Level,
    /// The reason code.
    pub reason: String,
    /// The limit code; the outer `None` = not stated, the inner = no limit.
    #[serde(default, with = "stated", skip_serializing_if = "Option::is_none")]
    pub limit: Option<Option<String>>,
    /// `shown`, `silent` or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// The flags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flags: Option<Vec<String>>,
}

/// Keeps `limit: null` apart from a missing `limit`.
mod stated {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    #[allow(clippy::option_option, reason = "absent, null and a text are three things here")]
    pub fn serialize<S: Serializer>(value: &Option<Option<String>>, s: S) -> Result<S::Ok, S::Error> {
        value.as_ref().and_then(Option::as_ref).serialize(s)
    }
    #[allow(clippy::option_option, reason = "absent, null and a text are three things here")]
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Option<String>>, D::Error> {
        Option::deserialize(d).map(Some)
    }
}
