//! P4: why something is withheld, and asking for it. Reached from what the family page shows as withheld, and from nowhere else.
//!
//! Never the value, a hint of it, or whose refusal it is. Without a marker of this category shown now there is no such page.

use super::answer::{Stop, go, page, with_status};
use super::concern::moment_words;
use super::family::member_at;
use super::fields::Fields;
use super::frame::Frame;
use super::opened;
use super::sheet::{By, Part, Question, Sheet, form, row};
use super::text::Text;
use super::visit::SignedIn;
use crate::exchange::{AccessForm, HowSoon, OverrideState, ShownMarker};
use crate::vocabulary::Category;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use std::collections::BTreeMap;

type Place = web::Path<(String, String, String)>;

/// Why it is withheld, and the form to ask for it.
pub async fn why(visit: SignedIn, path: Place) -> Result<HttpResponse, Stop> {
    page(&sheet(&visit, &path, &BTreeMap::new(), &[]).await?)
}

/// Takes the request.
pub async fn ask(visit: SignedIn, path: Place, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let (family, alias, category) = &*path;
    let (family, person, purpose, _) = member_at(&visit, family, alias).await?;
    let category = Category::parse(category).ok_or(Stop::Missing)?;
    let typed: BTreeMap<String, String> =
        ["what", "why_needed", "how_soon"].map(|name| (name.to_owned(), fields.get(name).to_owned())).into();
    let how_soon = HowSoon::parse(fields.get("how_soon"));
    let wrong: Vec<&str> = ["what", "why_needed"].into_iter().filter(|name| fields.get(name).is_empty()).collect();
    let (Some(how_soon), true) = (how_soon, wrong.is_empty()) else {
        let wrong: Vec<&str> = wrong.into_iter().chain(how_soon.is_none().then_some("how_soon")).collect();
        return with_status(&sheet(&visit, &path, &typed, &wrong).await?, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let form = AccessForm { what: fields.get("what").to_owned(), why: fields.get("why_needed").to_owned(), how_soon };
    visit.gateway().ask_access(&visit.visitor, (&family, &person), purpose, category, form).await?;
    Ok(go("/families"))
}

async fn sheet(
    visit: &SignedIn,
    path: &Place,
    typed: &BTreeMap<String, String>,
    wrong: &[&str],
) -> Result<Sheet, Stop> {
    let (family, alias, code) = &**path;
    let (family, person, purpose, name) = member_at(visit, family, alias).await?;
    let category = Category::parse(code).ok_or(Stop::Missing)?;
    let markers = visit.gateway().shown_markers(&visit.visitor, &person, purpose, category).await?;
    let text = Text::english();
    let words = text.word("category", category.code());
    let mut rows = vec![row("withheld.about", name), row("withheld.what", words.clone())];
    rows.extend(markers.iter().filter_map(|marker| held_by(visit, marker)));
    let gated = markers.iter().any(|m| m.gated);
    let mut parts = vec![Part::Rows(rows)];
    let sentences: &[&str] = if gated {
        &["withheld.gated", "withheld.gated.change"]
    } else {
        &["withheld.purpose", "withheld.purpose.change"]
    };
    parts.extend(sentences.iter().map(|key| Part::Words(text.find(key).unwrap_or_default().to_owned())));
    parts.push(Part::Heading(text.say("withheld.ask").to_owned()));
    let questions = vec![
        Question::new("what", By::Long),
        Question::new("why_needed", By::Long),
        Question::of("how_soon", By::One, &HowSoon::ALL.iter().map(|h| h.word()).collect::<Vec<_>>()),
    ];
    let questions = questions.into_iter().map(|q| {
        let bad = wrong.contains(&q.name);
        q.filled(typed).wrong_if(bad)
    });
    let action = format!("/families/{}/people/{alias}/withheld/{code}", family.id);
    parts.push(Part::Form(form(action, questions.collect(), "withheld.send")));
    if visit.gateway().may_open(&visit.visitor, purpose, false).contains(&category) || opened::emergency(visit, purpose)
    {
        parts.push(Part::Heading(text.say("withheld.danger").to_owned()));
        parts.push(Part::Words(text.say("withheld.danger.words").to_owned()));
        let to = format!("/families/{}/people/{alias}/open/danger", family.id);
        parts.push(Part::Button(to, text.say("withheld.danger.go").to_owned()));
    }
    parts.push(Part::Links(vec![(format!("/families/{}", family.id), text.say("chronology.back").to_owned())]));
    let title = text.fill("withheld.title", &[("what", &words)]);
    let title = if wrong.is_empty() { title } else { text.fill("errors.before", &[("title", &title)]) };
    Ok(Sheet { frame: Frame::of(visit, title, Some(purpose)), parts })
}

fn held_by(visit: &SignedIn, marker: &ShownMarker) -> Option<super::disclosure::Row> {
    let custodian = visit.pages.agency_words(marker.custodian.as_ref()?.as_str());
    let words = match &marker.contact {
        Some(contact) => format!("{custodian}, {contact}"),
        None => custodian,
    };
    Some(row("withheld.held", words))
}

/// Something the visitor waits for, as P1 lists it.
pub struct WaitingRow {
    /// What.
    pub what: String,
    /// About which family.
    pub family: String,
    /// Since when.
    pub since: String,
    /// How far it is.
    pub state: String,
    /// What was answered.
    pub said: Vec<String>,
}

/// What the visitor's hat waits for: requests for access, overrides that were asked for.
pub async fn waiting(visit: &SignedIn) -> Result<Vec<WaitingRow>, Stop> {
    let text = Text::english();
    let mut rows = Vec::new();
    for own in visit.gateway().own_requests(&visit.visitor).await? {
        let words = text.word("category", own.category.code());
        let said = own.answers.iter().map(|a| format!("{}: {}", text.word("option", a.outcome.word()), a.words));
        rows.push(WaitingRow {
            what: text.fill("waiting.access", &[("what", &words)]),
            family: own.family.clone(),
            since: moment_words(own.at),
            state: text
                .find(if own.waits { "waiting.waits" } else { "waiting.answered" })
                .unwrap_or_default()
                .to_owned(),
            said: said.collect(),
        });
    }
    for seen in visit.overrides.iter().filter(|o| matches!(o.state, OverrideState::Waiting | OverrideState::Refused)) {
        rows.push(WaitingRow {
            what: text.fill("waiting.open", &[("what", &opened::categories_words(&seen.categories))]),
            family: String::new(),
            since: moment_words(seen.asked_at),
            state: opened::state_words(seen),
            said: Vec::new(),
        });
    }
    Ok(rows)
}
