//! A person's permissions: what was decided (C1), recording a decision (C2), withdrawing it (C3).
//!
//! Owns the pages and the order of their questions. Who may see or change what, and what a record must say, is for
//! `exchange` to tell: a breach it names is shown beside the question it belongs to. One person at a time: another family
//! member's decisions are on no page of this module. Read `list` first, then `steps`.

mod events;
mod list;
mod record;
mod steps;
mod words;

use super::answer::Stop;
use super::disclosure::Shown;
use super::family::{LISTED, look, of_visitor};
use super::routes::Routes;
use super::text::Text;
use super::visit::SignedIn;
use crate::exchange::{Agreed, Family};
use crate::ident::PersonId;
use crate::vocabulary::Purpose;

/// Adds the routes.
pub fn routes(pages: &mut Routes<'_>) {
    pages
        .get("/families/{family}/people/{person}/permissions", list::list)
        .post("/families/{family}/people/{person}/permissions", record::submit)
        .get("/families/{family}/people/{person}/permissions/new", record::begin)
        .get("/families/{family}/people/{person}/permissions/new/{step}", record::ask)
        .post("/families/{family}/people/{person}/permissions/new/{step}", record::answer)
        .get("/families/{family}/people/{person}/permissions/{permission}", events::one)
        .get("/families/{family}/people/{person}/permissions/{permission}/{act}", events::ask)
        .post("/families/{family}/people/{person}/permissions/{permission}/{act}", events::done)
        // For privacy officers, who have no families: by the id in an alert.
        .get("/permissions/{permission}", events::one)
        .get("/permissions/{permission}/{act}", events::ask)
        .post("/permissions/{permission}/{act}", events::done);
}

/// Whose permissions a page is about: a member of one of the visitor's families of whom something may be known.
struct Place {
    family: Family,
    purpose: Purpose,
    person: PersonId,
    name: String,
}

impl Place {
    /// Finds it; a person of whom nothing may be known is not there.
    async fn find(visit: &SignedIn, family: &str, person: &str) -> Result<Self, Stop> {
        let family = of_visitor(visit, family).await?;
        let person = family.members.iter().map(|m| &m.person).find(|p| p.as_str() == person).cloned();
        let person = person.ok_or(Stop::Missing)?;
        let first = || Stop::First(format!("/families/{}/purpose", family.id));
        let purpose = visit.visitor.purpose(&family.id).ok_or_else(first)?;
        let shown = look(visit, &person, purpose, &LISTED).await?.ok_or(Stop::Missing)?;
        if knows_nothing(&shown) {
            return Err(Stop::Missing);
        }
        let name = shown.subject().and_then(|p| p.name.clone());
        let name = name.unwrap_or_else(|| Text::english().say("family.unnamed").to_owned());
        Ok(Self { family, purpose, person, name })
    }
    /// Where the person's permissions are.
    fn base(&self) -> String {
        format!("/families/{}/people/{}/permissions", self.family.id, self.person)
    }
    /// The other members of the family whose name the visitor may know.
    async fn others(&self, visit: &SignedIn) -> Result<Vec<(PersonId, String)>, Stop> {
        let mut all = Vec::new();
        for member in self.family.members.iter().filter(|m| m.person != self.person) {
            if let Some(shown) = look(visit, &member.person, self.purpose, &LISTED).await? {
                let name = shown.subject().and_then(|p| p.name.clone());
                all.extend(name.map(|name| (member.person.clone(), name)));
            }
        }
        Ok(all)
    }
}

fn knows_nothing(shown: &Shown) -> bool {
    shown.people.is_empty() && shown.lists.is_empty() && shown.indicators.is_empty() && shown.markers.is_empty()
}

/// Who decided, in words: found once for a page.
struct Deciders {
    /// What the person is called.
    name: String,
    /// The others of the family, when one of them decided something on this page.
    others: Vec<(PersonId, String)>,
}

impl Deciders {
    /// For these records of one person; without a place nobody's name is known.
    async fn of(visit: &SignedIn, place: Option<&Place>, records: &[&Agreed]) -> Result<Self, Stop> {
        let own = Text::english().say("permission.self").to_owned();
        let Some(place) = place else { return Ok(Self { name: own, others: Vec::new() }) };
        let another = |a: &&Agreed| a.record.decider != a.record.subject.as_str();
        let others = if records.iter().any(another) { place.others(visit).await? } else { Vec::new() };
        Ok(Self { name: place.name.clone(), others })
    }
    /// The person, somebody of the family, or an agency.
    fn words(&self, visit: &SignedIn, agreed: &Agreed) -> String {
        let decider = agreed.record.decider.as_str();
        if decider == agreed.record.subject.as_str() {
            return self.name.clone();
        }
        if visit.gateway().config().agencies.iter().any(|a| a.id.as_str() == decider) {
            return visit.pages.agency_words(decider);
        }
        let found = self.others.iter().find(|(id, _)| id.as_str() == decider);
        found.map_or_else(|| Text::english().say("permission.another").to_owned(), |(_, name)| name.clone())
    }
}
