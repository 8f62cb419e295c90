//! A worker's families (P1) and one family (P2), behind the purpose that was stated for it. Its chronology is in `chronology`.
//!
//! Each person shown is one enquiry, decided and logged. A person of whom nothing may be known leaves no trace on the page:
//! no line, no blank, no number.

use super::answer::{Stop, go, page, with_status};
use super::disclosure::{ListShown, Notice, PlaceShown, Row, ServiceShown, Shown, day_words};
use super::fields::Fields;
use super::frame::Frame;
use super::picture::{self, Picture};
use super::seen::{Fresh, since_last};
use super::text::Text;
use super::visit::SignedIn;
use crate::exchange::{Failure, Family};
use crate::ident::PersonId;
use crate::vocabulary::{Category, Purpose, Role};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use std::collections::BTreeSet;

/// The reason of a refusal by the bulk rule.
const BULK: &str = "R81";
/// What a list of families shows of each person.
pub(super) const LISTED: [Category; 1] = [Category::Idn];

struct FamilyRow {
    id: String,
    people: Vec<String>,
    kinds: Vec<String>,
}

#[derive(Template)]
#[template(path = "families.html")]
struct FamiliesPage {
    frame: Frame,
    families: Vec<FamilyRow>,
    waiting: Vec<super::withheld::WaitingRow>,
}

/// P1: the families of the hat.
pub async fn list(visit: SignedIn) -> Result<HttpResponse, Stop> {
    worn(&visit)?;
    let text = Text::english();
    let mut families = Vec::new();
    for family in visit.gateway().families(&visit.visitor).await? {
        let mut people = Vec::new();
        // Names come with a stated purpose; a list is no reason to look at everybody in it.
        if let Some(purpose) = visit.visitor.purpose(&family.id) {
            for member in &family.members {
                let shown = look(&visit, &member.person, purpose, &LISTED).await?;
                people.extend(shown.and_then(|s| s.subject().and_then(|p| p.name.clone())));
            }
        }
        let kinds = family.kinds.iter().map(|k| text.word("kind", k)).collect();
        families.push(FamilyRow { id: family.id, people, kinds });
    }
    let waiting = super::withheld::waiting(&visit).await?;
    page(&FamiliesPage { frame: Frame::of(&visit, text.say("families.title").to_owned(), None), families, waiting })
}

struct PurposeChoice {
    code: &'static str,
    words: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "purpose.html")]
struct PurposePage {
    frame: Frame,
    family: String,
    choices: Vec<PurposeChoice>,
    /// Whether the visitor may change the case to child protection.
    may_protect: bool,
    failed: bool,
}

/// Why the family is opened: one radio for each purpose this hat may declare, no "other".
pub async fn why(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    let family = of_visitor(&visit, &path).await?;
    page(&purpose_page(&visit, &family, false))
}

/// Takes the purpose.
pub async fn state(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let family = of_visitor(&visit, &path).await?;
    let Some(purpose) = Purpose::parse(fields.get("purpose")) else {
        return with_status(&purpose_page(&visit, &family, true), StatusCode::UNPROCESSABLE_ENTITY);
    };
    visit.gateway().state_purpose(&visit.visitor, &family.id, purpose).await?;
    Ok(go(&format!("/families/{}", family.id)))
}

fn purpose_page(visit: &SignedIn, family: &Family, failed: bool) -> PurposePage {
    let content = visit.gateway().content();
    let role = visit.visitor.hat.as_ref().map(|h| h.role);
    let may = Purpose::ALL.iter().filter(|p| role.is_some_and(|r| content.policy.column(**p, r).is_some()));
    let stated = visit.visitor.purpose(&family.id);
    let choices =
        may.map(|p| PurposeChoice { code: p.code(), words: visit.pages.purpose_words(*p), chosen: stated == Some(*p) });
    let title = if failed { "purpose.failed" } else { "purpose.title" };
    PurposePage {
        choices: choices.collect(),
        frame: Frame::of(visit, Text::english().say(title).to_owned(), None),
        family: family.id.clone(),
        may_protect: visit.gateway().may_protect(&visit.visitor, family).is_some(),
        failed,
    }
}

/// A member of whom something may be shown.
pub struct MemberShown {
    /// Where the person's permissions are, for a hat that records them.
    pub permissions: Option<String>,
    /// The name, or that it is not known.
    pub name: String,
    /// Age, as far as the birth date is released, and how many categories are shown as withheld.
    pub bar: String,
    /// How addresses name them.
    pub alias: String,
    /// What custodians say differently.
    pub conflicts: Vec<String>,
    /// Members of the identity with their words.
    pub rows: Vec<Row>,
    /// Where the person is, segment by segment.
    pub places: Vec<PlaceShown>,
    /// Segments by list.
    pub lists: Vec<ListShown>,
    /// Services that are involved.
    pub indicators: Vec<Notice>,
    /// What is withheld, where that may be said.
    pub markers: Vec<Notice>,
}

struct ServiceRow {
    who: String,
    words: String,
    agency: String,
    contact: String,
    workers: String,
    since: String,
}

#[derive(Template)]
#[template(path = "family.html")]
struct FamilyPage {
    frame: Frame,
    family: String,
    picture: Picture,
    fresh: Vec<Fresh>,
    services: Vec<ServiceRow>,
    members: Vec<MemberShown>,
    may_open: bool,
    may_protect: bool,
    reader: String,
    may_delegate: bool,
}

/// P2: one picture of a family.
pub async fn open(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    let family = of_visitor(&visit, &path).await?;
    let Some(purpose) = visit.visitor.purpose(&family.id) else {
        return Ok(go(&format!("/families/{}/purpose", family.id)));
    };
    let records = visit.gateway().records_permissions(&visit.visitor);
    let all = everybody(&visit, &family, purpose).await?;
    let picture = picture::picture(&all.iter().map(|(_, shown)| shown).collect::<Vec<_>>());
    let (mut members, mut services) = (Vec::new(), Vec::new());
    for (person, shown) in all {
        let permissions = records.then(|| format!("/families/{}/people/{person}/permissions", family.id));
        let found = shown.services.clone();
        if let Some(member) = member(&visit, shown) {
            services.extend(found.into_iter().map(|s| service(&visit, &member.name, s)));
            let mut member = MemberShown { permissions, ..member };
            // By month in the chronology, once here.
            member.indicators.dedup_by(|a, b| {
                (&a.words, &a.text, &a.custodian, &a.reason) == (&b.words, &b.text, &b.custodian, &b.reason)
            });
            members.push(member);
        }
    }
    let title = Text::english().say("family.title").to_owned();
    let may_open = super::opened::offered(&visit, purpose);
    let may_delegate = super::work::may_open_items(&visit);
    page(&FamilyPage {
        frame: Frame::of(&visit, title, Some(purpose)),
        may_protect: visit.gateway().may_protect(&visit.visitor, &family).is_some(),
        family: family.id,
        picture,
        fresh: since_last(&visit, &path, &members).await?,
        services,
        members,
        may_open,
        may_delegate,
        reader: visit.visitor.shown.clone(),
    })
}

fn service(visit: &SignedIn, who: &str, service: ServiceShown) -> ServiceRow {
    ServiceRow {
        who: who.to_owned(),
        words: service.words,
        contact: visit.pages.agency_contact(&service.agency),
        agency: visit.pages.agency_words(&service.agency),
        workers: service.workers,
        since: service.since.as_deref().and_then(day_words).unwrap_or_default(),
    }
}

/// A person of whom something may be shown; one of whom nothing may be known is not there at all.
pub(super) fn member(visit: &SignedIn, shown: Shown) -> Option<MemberShown> {
    let nothing = shown.people.is_empty() && shown.indicators.is_empty() && shown.markers.is_empty();
    if nothing && shown.lists.is_empty() {
        return None;
    }
    let conflicts = picture::conflicts(&shown, |agency| visit.pages.agency_words(agency));
    let (mut name, mut rows, mut places, mut born) = (None, Vec::new(), Vec::new(), None);
    let subject = shown.people.iter().find(|p| p.subject).map(|p| p.id.clone());
    for person in shown.people {
        // Another custodian's identity of the same person says where they are, too.
        if person.subject || (person.same_as.is_some() && person.same_as == subject) {
            places.extend(person.places);
        }
        if subject.as_ref() == Some(&person.id) {
            (name, rows, born) = (person.name, person.rows, person.born);
        }
    }
    let name = name.unwrap_or_else(|| Text::english().say("family.unnamed").to_owned());
    let agency =
        |notice: Notice| Notice { custodian: notice.custodian.map(|c| visit.pages.agency_words(&c)), ..notice };
    let mut lists = shown.lists;
    for item in lists.iter_mut().flat_map(|l| l.items.iter_mut()) {
        item.agency = visit.pages.agency_words(&item.agency);
        let role = item.author.as_deref().and_then(Role::parse);
        item.author = role.map(|role| visit.pages.role_words(role));
    }
    let bar = bar_words(born.as_deref(), &shown.markers, visit.gateway().clock().now().millis());
    Some(MemberShown {
        permissions: None,
        name,
        bar,
        alias: shown.id,
        conflicts,
        rows,
        places,
        lists,
        indicators: shown.indicators.into_iter().map(agency).collect(),
        markers: shown.markers.into_iter().map(agency).collect(),
    })
}

/// The age, from a whole birth date, and the number of categories with a marker: what is silent is in no number.
fn bar_words(born: Option<&str>, markers: &[Notice], now_millis: i64) -> String {
    let text = Text::english();
    let age = born.and_then(|born| years(born, now_millis)).map(|years| years.to_string());
    let age = age.map(|years| text.fill("brief.age.years", &[("years", years.as_str())]));
    let withheld = markers.iter().map(|m| m.code.as_str()).collect::<BTreeSet<_>>().len();
    let withheld = match withheld {
        0 => None,
        1 => Some(text.say("family.withheld.one").to_owned()),
        more => Some(text.fill("family.withheld.count", &[("count", more.to_string().as_str())])),
    };
    age.into_iter().chain(withheld).collect::<Vec<_>>().join(" · ")
}

/// Whole years since a day, in London's calendar.
fn years(born: &str, now_millis: i64) -> Option<i16> {
    let born: jiff::civil::Date = Some(born).filter(|born| born.len() == 10)?.parse().ok()?;
    let zone = jiff::tz::TimeZone::get("Europe/London").ok()?;
    let today = jiff::Timestamp::from_millisecond(now_millis).ok()?.to_zoned(zone).date();
    let had = (today.month(), today.day()) >= (born.month(), born.day());
    today.year().checked_sub(born.year())?.checked_sub(i16::from(!had)).filter(|years| *years >= 0)
}

/// Everybody of a family, as far as this hat may see them for this purpose.
pub(super) async fn everybody(
    visit: &SignedIn,
    family: &Family,
    purpose: Purpose,
) -> Result<Vec<(PersonId, Shown)>, Stop> {
    let mut all = Vec::new();
    for member in &family.members {
        let shown = look(visit, &member.person, purpose, Category::ALL).await?;
        all.extend(shown.map(|shown| (member.person.clone(), shown)));
    }
    Ok(all)
}

/// The member of a family whom an address names, and how they are called as far as that is released.
pub async fn member_at(
    visit: &SignedIn,
    family: &str,
    alias: &str,
) -> Result<(Family, PersonId, Purpose, String), Stop> {
    let family = of_visitor(visit, family).await?;
    let named = |m: &&crate::exchange::FamilyMember| m.person.as_str() == alias;
    let person = family.members.iter().find(named).map(|m| m.person.clone()).ok_or(Stop::Missing)?;
    let purpose = visit.visitor.purpose(&family.id).ok_or(Stop::Missing)?;
    let shown = look(visit, &person, purpose, &LISTED).await?.ok_or(Stop::Missing)?;
    // Somebody of whom nothing is shown is nobody here either.
    if shown.people.is_empty() && shown.indicators.is_empty() && shown.markers.is_empty() {
        return Err(Stop::Missing);
    }
    let name = shown.subject().and_then(|p| p.name.clone());
    let name = name.unwrap_or_else(|| Text::english().say("family.unnamed").to_owned());
    Ok((family, person, purpose, name))
}

/// What is released of one person; nothing for a refusal that the visitor may know of: the page goes on without them.
pub(super) async fn look(
    visit: &SignedIn,
    person: &PersonId,
    purpose: Purpose,
    categories: &[Category],
) -> Result<Option<Shown>, Stop> {
    let subject = visit.gateway().named_in_pages(person);
    match visit.gateway().look_at(&visit.visitor, person, purpose, categories).await {
        Ok(released) => {
            let shown = Shown::read(&released.into_bytes(), &subject, Text::english());
            Ok(Some(Shown { id: person.as_str().to_owned(), ..shown }))
        }
        // Too many people in an hour: the page says so, instead of showing nothing (R81).
        Err(Failure::Refused { reason }) if reason == BULK => Err(Stop::Refused),
        Err(Failure::Refused { .. }) => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

/// The family in the address, if it is the visitor's.
pub(super) async fn of_visitor(visit: &SignedIn, id: &str) -> Result<Family, Stop> {
    worn(visit)?;
    Ok(visit.gateway().family(&visit.visitor, id).await?)
}

/// A volunteer has one page of their own and no family.
fn worn(visit: &SignedIn) -> Result<(), Stop> {
    match &visit.visitor.hat {
        Some(hat) if hat.role == Role::Vol => Err(Stop::Missing),
        Some(_) => Ok(()),
        None => Err(Stop::NoHat),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(code: &str) -> Notice {
        let (words, text) = (String::new(), String::new());
        let (custodian, custodian_id, contact, reason, month) = (None, None, None, None, None);
        Notice { code: code.to_owned(), words, text, custodian, custodian_id, contact, reason, month }
    }

    #[test]
    fn the_bar_of_a_person_counts_categories_with_a_marker_and_years_in_london() {
        // 22 October 2026; and half past midnight in London on 11 March 2027.
        let (autumn, birthday) = (1_792_656_000_000, 1_804_725_000_000);
        let markers = [marker("MHL"), marker("PIN"), marker("MHL")];
        assert_eq!(bar_words(Some("1992-03-11"), &markers, autumn), "34 years old · 2 categories withheld");
        assert_eq!(bar_words(Some("1992-03-11"), &markers[..1], birthday), "35 years old · 1 category withheld");
        // A year or a month is no age, and without a marker nothing is counted.
        assert_eq!(bar_words(Some("1992"), &[], autumn), "");
        assert_eq!(bar_words(None, &[], autumn), "");
    }
}
