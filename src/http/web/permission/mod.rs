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
use super::text::Text;
use super::visit::SignedIn;
use crate::exchange::Family;
use crate::ident::PersonId;
use crate::vocabulary::Purpose;
use actix_web::web::{self, ServiceConfig};

/// Adds the routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/families/{family}/people/{person}/permissions", web::get().to(list::list))
        .route("/families/{family}/people/{person}/permissions", web::post().to(record::submit))
        .route("/families/{family}/people/{person}/permissions/new", web::get().to(record::begin))
        .route("/families/{family}/people/{person}/permissions/new/{step}", web::get().to(record::ask))
        .route("/families/{family}/people/{person}/permissions/new/{step}", web::post().to(record::answer))
        .route("/families/{family}/people/{person}/permissions/{permission}", web::get().to(events::one))
        .route("/families/{family}/people/{person}/permissions/{permission}/{act}", web::get().to(events::ask))
        .route("/families/{family}/people/{person}/permissions/{permission}/{act}", web::post().to(events::done))
        // For privacy officers, who have no families: by the id in an alert.
        .route("/permissions/{permission}", web::get().to(events::one))
        .route("/permissions/{permission}/{act}", web::get().to(events::ask))
        .route("/permissions/{permission}/{act}", web::post().to(events::done));
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

/// Who is shown as having decided: the person, somebody of the family, or an agency.
async fn decider_words(visit: &SignedIn, place: Option<&Place>, subject: &str, decider: &str) -> Result<String, Stop> {
    let text = Text::english();
    if decider == subject {
        let own = text.say("permission.self").to_owned();
        return Ok(place.map_or(own, |p| p.name.clone()));
    }
    if visit.gateway().config().agencies.iter().any(|a| a.id.as_str() == decider) {
        return Ok(visit.pages.agency_words(decider));
    }
    if let Some(place) = place {
        let others = place.others(visit).await?;
        if let Some((_, name)) = others.into_iter().find(|(id, _)| id.as_str() == decider) {
            return Ok(name);
        }
    }
    Ok(text.say("permission.another").to_owned())
}
