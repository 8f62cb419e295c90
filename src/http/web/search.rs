//! Looking for a person (part of P1). The question comes in a form and never stands in an address.

use super::answer::{Stop, page, with_status};
use super::fields::Fields;
use super::frame::Frame;
use super::text::Text;
use super::visit::SignedIn;
use crate::exchange::{Failure, PeopleQuery};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

/// Numberings that may be searched by.
const SCHEMES: [&str; 3] = ["nhs-number", "upn", "la-child-id"];

struct FoundRow {
    name: String,
    age: String,
    person: String,
    /// The visitor's own families that the person belongs to.
    families: Vec<String>,
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    frame: Frame,
    query: PeopleQuery,
    number: String,
    schemes: Vec<(&'static str, String, bool)>,
    wrong: bool,
    asked: bool,
    many: bool,
    /// Whether the visitor may claim a relationship.
    claims: bool,
    found: Vec<FoundRow>,
}

/// The form.
pub async fn form(visit: SignedIn) -> Result<HttpResponse, Stop> {
    if visit.visitor.hat.is_none() {
        return Err(Stop::NoHat);
    }
    page(&sheet(&visit, PeopleQuery::default(), ("", ""), false))
}

/// Searches.
pub async fn search(visit: SignedIn, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let text = |name: &str| fields.get(name).to_owned();
    let query = PeopleQuery {
        family: text("family"),
        given: text("given"),
        born: text("born"),
        postcode: text("postcode"),
        numbers: Vec::from_iter(Some(text("number")).filter(|n| !n.trim().is_empty()).map(|n| (text("scheme"), n))),
    };
    let (scheme, number) = (text("scheme"), text("number"));
    match visit.gateway().search_people(&visit.visitor, &query).await {
        Ok(found) => {
            let families = visit.gateway().families(&visit.visitor).await?;
            let mut sheet = sheet(&visit, query, (&scheme, &number), false);
            sheet.asked = true;
            sheet.many = found.is_none();
            sheet.claims = visit.gateway().may_claim(&visit.visitor);
            visit.gateway().remember_found(&visit.visitor, found.as_deref().unwrap_or_default()).await?;
            for one in found.into_iter().flatten() {
                let of = families.iter().filter(|f| f.members.iter().any(|m| m.person == one.person));
                sheet.found.push(FoundRow {
                    name: one.name,
                    age: one.age.map(|age| age.to_string()).unwrap_or_default(),
                    families: of.map(|f| f.id.clone()).collect(),
                    person: one.person.as_str().to_owned(),
                });
            }
            page(&sheet)
        }
        Err(Failure::Unclear(_)) => {
            with_status(&sheet(&visit, query, (&scheme, &number), true), StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(failure) => Err(failure.into()),
    }
}

fn sheet(visit: &SignedIn, query: PeopleQuery, (scheme, number): (&str, &str), wrong: bool) -> SearchPage {
    let text = Text::english();
    let title = text.say("search.title");
    let title = if wrong { text.fill("errors.before", &[("title", title)]) } else { title.to_owned() };
    let schemes = SCHEMES.iter().map(|s| (*s, text.word("option", s), scheme == *s)).collect();
    SearchPage {
        frame: Frame::of(visit, title, None),
        query,
        number: number.to_owned(),
        schemes,
        wrong,
        asked: false,
        many: false,
        claims: false,
        found: Vec::new(),
    }
}
