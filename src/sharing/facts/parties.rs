//! Who there is: agencies, teams, accounts with their hats, people, households, cases.

use super::{CaseId, Day, HouseholdId, Span, TeamId, Text, Time};
use crate::ident::{AccountId, AgencyId, HatId, PersonId};
use crate::vocabulary::{Purpose, Role};
use serde::{Deserialize, Serialize};

/// A partner organisation.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agency {
    /// Its id.
    pub id: AgencyId,
    /// What it is.
    pub kind: AgencyKind,
    /// Its name, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
}

/// The kinds of agency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each word says it")]
pub enum AgencyKind {
    Council,
    Nhs,
    SubstanceMisuse,
    DomesticAbuse,
    Police,
    Probation,
    School,
    Nursery,
    YouthJustice,
    Charity,
    Court,
    Other,
}

/// A team; its members are the hats that name it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// The agency that runs it; hats of other agencies may be placed in it.
    pub agency: AgencyId,
    /// Its name, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
}

/// A user account with its hats; rights of two hats are never added together (R3).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// The account holder's own person record (R62).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// From when that link is known; absent = always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_linked_at: Option<Time>,
    /// First moment of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_from: Option<Time>,
    /// First moment after the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_to: Option<Time>,
    /// The hats.
    pub hats: Vec<Hat>,
}

/// Account + role + agency + team, chosen for a session.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hat {
    /// Its id, unique over all accounts.
    pub id: HatId,
    /// The role.
    pub role: Role,
    /// The employer or the agency acted for.
    pub agency: AgencyId,
    /// The team it is placed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// Whether this hat is a manager or on-call lead, who may approve (R39).
    #[serde(default)]
    pub supervisor: bool,
    /// First moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    /// First moment after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
}

/// A person; exactly one of `born` and `age_band` is given.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The pseudonymous id.
    pub id: PersonId,
    /// Date of birth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born: Option<Day>,
    /// Age band of somebody whose date of birth is not known; counts at its lower bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_band: Option<AgeBand>,
    /// Date or moment of death (R73: the rules stay).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub died: Option<Time>,
    /// A no-names consultation (R83): never found by a search.
    #[serde(default)]
    pub nameless: bool,
    /// Surname.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family_name: Option<Text>,
    /// First name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_name: Option<Text>,
    /// Postcode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postcode: Option<Text>,
    /// Identifiers, each with its span (an old NHS number ends with the adoption, R66).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identifiers: Vec<Identifier>,
}

/// Age bands of the indicator level (sharing rules §9).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum AgeBand {
    /// 0 to 4.
    #[serde(rename = "0-4")]
    From0,
    /// 5 to 10.
    #[serde(rename = "5-10")]
    From5,
    /// 11 to 13.
    #[serde(rename = "11-13")]
    From11,
    /// 14 or 15.
    #[serde(rename = "14-15")]
    From14,
    /// 16 or 17.
    #[serde(rename = "16-17")]
    From16,
    /// 18 or over.
    #[serde(rename = "adult")]
    Adult,
}

/// One identifier of a person.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identifier {
    /// Which numbering.
    pub kind: IdentifierKind,
    /// The value.
    pub value: Text,
    /// First moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    /// First moment after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
}

/// Numberings of people.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentifierKind {
    /// NHS number.
    Nhs,
    /// Unique pupil number.
    Upn,
    /// An agency's own number.
    Local,
    /// Police National Computer number.
    Pnc,
}

/// A member of a household or case: an id, or a person with a span.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Member {
    /// A member for as long as the household or case.
    Always(PersonId),
    /// A member for a time.
    During(MemberDuring),
}

/// A person who is a member for a time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberDuring {
    /// Who.
    pub person: PersonId,
    /// First moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    /// First moment after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
}

impl Member {
    /// Who it is.
    #[must_use]
    pub fn person(&self) -> &PersonId {
        match self {
            Self::Always(person) => person,
            Self::During(member) => &member.person,
        }
    }
    /// When.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Always(_) => Span::default(),
            Self::During(member) => Span { from: member.from, to: member.to },
        }
    }
}

/// People who live together; a child may be in two households.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Household {
    /// Its id.
    pub id: HouseholdId,
    /// Who lives there.
    pub members: Vec<Member>,
    /// First moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    /// First moment after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
}

/// A case: the people it is about and the purposes in force on it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Its id.
    pub id: CaseId,
    /// The agency that runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<AgencyId>,
    /// The team it is with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// Who it is about.
    pub members: Vec<Member>,
    /// Purposes in force and when (R17).
    pub purposes: Vec<CasePurpose>,
}

/// A purpose in force on a case: a recorded step with author, time, reason and manager (R17).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CasePurpose {
    /// CP, CIN, EH or MET.
    pub purpose: Purpose,
    /// Who recorded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<HatId>,
    /// The manager named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<HatId>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// First moment.
    pub from: Time,
    /// First moment after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
}
