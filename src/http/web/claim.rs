//! Working with somebody who is not one of the visitor's families: a relationship claimed for 24 hours (R6). Reached from a
//! search that found the person, never otherwise; from the page of the person whoever may can then open more for danger (R45).

use super::answer::{Stop, go, page, with_status};
use super::fields::Fields;
use super::frame::Frame;
use super::sheet::{By, Part, Question, Sheet, form, row};
use super::text::Text;
use super::visit::SignedIn;
use crate::vocabulary::Purpose;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use std::collections::BTreeMap;

/// What the form asks.
const ASKED: [&str; 2] = ["claim_purpose", "claim_why"];

/// The form.
pub async fn ask(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    page(&sheet(&visit, &path, &BTreeMap::new(), &[]).await?)
}

/// Claims, and opens the record for what was stated.
pub async fn claim(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let purpose = purposes(&visit).into_iter().find(|p| p.code() == fields.get("claim_purpose"));
    let why = fields.get("claim_why");
    let missing = [("claim_purpose", purpose.is_none()), ("claim_why", why.is_empty())];
    let wrong: Vec<&str> = missing.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| name).collect();
    let (Some(purpose), true) = (purpose, wrong.is_empty()) else {
        let typed = ASKED.map(|n| (n.to_owned(), fields.get(n).to_owned())).into();
        return with_status(&sheet(&visit, &path, &typed, &wrong).await?, StatusCode::UNPROCESSABLE_ENTITY);
    };
    visit.gateway().claim(&visit.visitor, &path, purpose, why).await?;
    visit.gateway().state_purpose(&visit.visitor, &path, purpose).await?;
    Ok(go(&format!("/families/{}", path.as_str())))
}

/// The purposes that the visitor's role may declare.
fn purposes(visit: &SignedIn) -> Vec<Purpose> {
    let content = visit.gateway().content();
    let role = visit.visitor.hat.as_ref().map(|hat| hat.role);
    let may = |p: &Purpose| role.is_some_and(|role| content.policy.column(*p, role).is_some());
    Purpose::ALL.iter().copied().filter(may).collect()
}

async fn sheet(
    visit: &SignedIn,
    person: &str,
    typed: &BTreeMap<String, String>,
    wrong: &[&str],
) -> Result<Sheet, Stop> {
    let (_, name) = visit.gateway().found_lately(&visit.visitor, person).await?;
    let text = Text::english();
    let options = purposes(visit).into_iter().map(|p| (p.code().to_owned(), visit.pages.purpose_words(p)));
    let questions =
        [Question::new("claim_purpose", By::One).with(options.collect()), Question::new("claim_why", By::Long)];
    let questions = questions.into_iter().map(|q| {
        let bad = wrong.contains(&q.name);
        q.filled(typed).wrong_if(bad)
    });
    let parts = vec![
        Part::Callout(text.say("open.999").to_owned(), true),
        Part::Rows(vec![row("withheld.about", name)]),
        Part::Words(text.say("claim.words").to_owned()),
        Part::Words(text.say("claim.told").to_owned()),
        Part::Form(form(format!("/claims/{person}"), questions.collect(), "claim.send")),
        Part::Links(vec![("/families/search".to_owned(), text.say("claim.back").to_owned())]),
    ];
    let title = text.say("claim.title").to_owned();
    let title = if wrong.is_empty() { title } else { text.fill("errors.before", &[("title", &title)]) };
    Ok(Sheet { frame: Frame::of(visit, title, None), parts })
}
