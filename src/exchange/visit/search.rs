//! Looking for a person (R8): surname, birth date and first name or an identifier; or one identifier exactly. At most five,
//! never one whose place is protected or whose identity is sealed; each search is logged with what was asked.
//!
//! Owns the question, not a right: whom a search names is not thereby the searcher's to open. A postcode is not among the keys of
//! the index of people, so it narrows nothing here.

use super::Visitor;
use crate::audit::payload::FreeText;
use crate::audit::{Draft, Event, Outcome};
use crate::exchange::alerts::Bulk;
use crate::exchange::deed::{Cast, User};
use crate::exchange::receive::scheme_of;
use crate::exchange::{Failure, Gateway};
use crate::ident::PersonId;
use crate::matching::Identifier;
use crate::sharing::lifecycle;
use crate::store::{Job, Presented};
use crate::vocabulary::{Category, Level, Purpose};

/// Most candidates shown (R8).
const FOUND_MAX: usize = 5;
/// Longest text of a question, in characters.
const TEXT_CHARS_MAX: usize = 100;

/// What is asked, as typed.
#[derive(Clone, Default)]
pub struct PeopleQuery {
    /// Surname.
    pub family: String,
    /// First name.
    pub given: String,
    /// Birth date, year-month-day.
    pub born: String,
    /// Which numbering: `nhs-number`, `upn`, `la-child-id`.
    pub scheme: String,
    /// The number.
    pub number: String,
}

/// Somebody who fits, as far as level S of identity goes: name and age.
#[derive(Clone, PartialEq, Eq)]
pub struct Found {
    /// Who.
    pub person: PersonId,
    /// First name and surname, when the register has them.
    pub name: String,
    /// Age in years.
    pub age: Option<i16>,
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Found({})", self.person)
    }
}

impl PeopleQuery {
    /// Whether it is enough to ask (R8).
    #[must_use]
    pub fn is_enough(&self) -> bool {
        let given = |text: &str| !text.trim().is_empty() && text.chars().count() <= TEXT_CHARS_MAX;
        let number = given(&self.number) && scheme_of(&self.scheme).is_some();
        let day = self.born.len() == 10 && self.born.parse::<jiff::civil::Date>().is_ok();
        number || (given(&self.family) && given(&self.given) && day)
    }
    /// As the log keeps it.
    fn text(&self) -> String {
        let parts = [&self.family, &self.given, &self.born, &self.scheme, &self.number];
        parts.into_iter().map(|p| p.chars().take(TEXT_CHARS_MAX).collect::<String>()).collect::<Vec<_>>().join(" | ")
    }
}

impl Gateway {
    /// Searches. `None` when more than five fit: then nobody is shown.
    ///
    /// # Errors
    /// [`Failure::Refused`] for a hat that searches nobody, and when the bulk rule stops it; [`Failure::Unclear`] when it is
    /// not enough to ask.
    pub async fn search_people(&self, visitor: &Visitor, query: &PeopleQuery) -> Result<Option<Vec<Found>>, Failure> {
        let hat = visitor.worn()?;
        let policy = &self.content().policy;
        let level = |p: &Purpose| policy.cell(*p, hat.role, Category::Idn).map_or(Level::N, |c| c.without);
        let sees = Purpose::ALL.iter().any(|p| level(p) >= Level::S);
        if !policy.role(hat.role).searches || !sees {
            return Err(Failure::Refused { reason: "D-PURPOSE" });
        }
        if !query.is_enough() {
            return Err(Failure::Unclear("too little to search by"));
        }
        let fitting = self.fitting(visitor, query).await?;
        let user = User { account: visitor.account.clone(), hat: hat.id.clone() };
        let caller = visitor.caller();
        let scene = self.scene(&caller, &user, Cast { persons: fitting.clone(), ..Cast::default() }).await?;
        let may = |p: &&PersonId| lifecycle::may_be_found(&scene.world, &visitor.account, p, scene.now);
        let known: Vec<&PersonId> = fitting.iter().filter(may).collect();
        let shown = known.len() <= FOUND_MAX;
        let mut payload = scene.payload(Event::Search, None, None);
        payload.query = Some(FreeText::new(query.text()));
        if let [only] = known.as_slice() {
            payload.subject = Some((*only).clone());
        }
        payload.counts.insert("candidates".to_owned(), u32::try_from(known.len()).unwrap_or(u32::MAX));
        let outcome = if shown && !known.is_empty() { Outcome::Allow } else { Outcome::Deny };
        self.committer.commit(Job::new(Draft::new(outcome, payload))).await?;
        if !shown {
            return Ok(None);
        }
        for person in &known {
            if self.one_more_person(&visitor.account, &hat.id, person.as_str()).await? == Bulk::Blocked {
                return Err(Failure::Refused { reason: "R81" });
            }
        }
        let today = scene.now.date();
        let found = scene.facts.people.iter().filter(|p| known.contains(&&p.id) && !p.nameless);
        let name = |p: &crate::sharing::facts::Person| {
            let parts = [&p.given_name, &p.family_name].into_iter().flatten().map(|t| t.as_str().to_owned());
            parts.collect::<Vec<_>>().join(" ")
        };
        Ok(Some(
            found
                .map(|p| Found {
                    person: p.id.clone(),
                    name: name(p),
                    age: p.born.and_then(|born| born.0.until((jiff::Unit::Year, today)).ok()).map(|s| s.get_years()),
                })
                .collect(),
        ))
    }

    async fn fitting(&self, visitor: &Visitor, query: &PeopleQuery) -> Result<Vec<PersonId>, Failure> {
        let agency = &visitor.worn()?.agency;
        let scheme = scheme_of(&query.scheme).filter(|_| !query.number.trim().is_empty());
        let identifiers: Vec<Identifier> =
            scheme.and_then(|scheme| Identifier::new(scheme, query.number.trim(), agency)).into_iter().collect();
        if scheme.is_some() && identifiers.is_empty() {
            return Ok(Vec::new());
        }
        let named = !query.family.trim().is_empty() && !query.given.trim().is_empty();
        let names = named.then(|| (query.family.clone(), query.given.clone())).into_iter().collect();
        let birth = Some(query.born.clone()).filter(|b| !b.is_empty());
        Ok(self.db.search_people(&self.keys, &Presented { identifiers, birth, names }).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surname_alone_is_not_enough_and_one_number_is() {
        let query = |family: &str, given: &str, born: &str, number: &str| PeopleQuery {
            family: family.to_owned(),
            given: given.to_owned(),
            born: born.to_owned(),
            scheme: "nhs-number".to_owned(),
            number: number.to_owned(),
        };
        assert!(!query("Smith", "", "", "").is_enough());
        assert!(!query("Smith", "", "2017-02-03", "").is_enough());
        assert!(!query("Smith", "Jo", "soon", "").is_enough());
        assert!(query("Smith", "Jo", "2017-02-03", "").is_enough());
        assert!(query("", "", "", "9990000018").is_enough());
    }
}
