//! Whom a request names, as the door reads it: a person by the gateway's id or by an identifier with a birth date, or an
//! agency. Bounded, and never both.

use super::Subject;
use crate::ident::{AgencyId, PersonId};
use serde::Deserialize;

/// Longest id, identifier or date, in bytes.
const TEXT_BYTES_MAX: usize = 128;

/// What stands in a body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    person: Option<String>,
    identifier: Option<RawIdentifier>,
    agency: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawIdentifier {
    scheme: String,
    value: String,
    birth_date: String,
}

/// A person.
#[derive(Clone, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Whom(pub Subject);

/// A person or an agency that decides.
#[derive(Clone, Deserialize)]
#[serde(try_from = "Raw")]
pub enum Party {
    /// A person.
    Person(Subject),
    /// An agency.
    Agency(AgencyId),
}

fn fits(text: &str) -> bool {
    !text.is_empty() && text.len() <= TEXT_BYTES_MAX && !text.contains('\0')
}

impl TryFrom<Raw> for Party {
    type Error = &'static str;
    fn try_from(raw: Raw) -> Result<Self, Self::Error> {
        match (raw.person, raw.identifier, raw.agency) {
            (Some(id), None, None) if fits(&id) => Ok(Self::Person(Subject::Person(PersonId::new(id)))),
            (None, Some(i), None)
                if fits(&i.scheme) && fits(&i.value) && i.birth_date.parse::<jiff::civil::Date>().is_ok() =>
            {
                let (scheme, value, birth_date) = (i.scheme, i.value, i.birth_date);
                Ok(Self::Person(Subject::Identifier { scheme, value, birth_date }))
            }
            (None, None, Some(id)) if fits(&id) => Ok(Self::Agency(AgencyId::new(id))),
            _ => Err("one of person, identifier (scheme, value, birth_date) and agency"),
        }
    }
}

impl TryFrom<Raw> for Whom {
    type Error = &'static str;
    fn try_from(raw: Raw) -> Result<Self, Self::Error> {
        match Party::try_from(raw)? {
            Party::Person(subject) => Ok(Self(subject)),
            Party::Agency(_) => Err("either person, or identifier with scheme, value and birth_date"),
        }
    }
}
