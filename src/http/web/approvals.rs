//! P6: a manager or on-call lead approves or refuses what a colleague asks to open, and gives more time. Never their own.

use super::answer::{Stop, go, page, with_status};
use super::concern::moment_words;
use super::fields::Fields;
use super::frame::Frame;
use super::opened::{FIVE, categories_words, state_words};
use super::sheet::{By, Part, Question, Sheet, Table, form, row};
use super::text::Text;
use super::visit::SignedIn;
use crate::exchange::{Failure, OverrideSeen, OverrideState};
use crate::vocabulary::Category;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use std::collections::BTreeMap;

/// What waits, and what is open.
pub async fn list(visit: SignedIn) -> Result<HttpResponse, Stop> {
    let text = Text::english();
    let seen = visit.gateway().overrides_to_answer(&visit.visitor).await?;
    let parts = if seen.is_empty() {
        vec![Part::Words(text.say("approvals.none").to_owned())]
    } else {
        let heads = ["approvals.who", "open.what", "opened.asked", "opened.state"];
        let mut rows = Vec::new();
        for o in &seen {
            let who = who_words(&visit, o).await?;
            let cells = vec![who, categories_words(&o.categories), moment_words(o.asked_at), state_words(o)];
            rows.push((Some(format!("/approvals/{}", o.id)), cells));
        }
        vec![Part::Table(Table {
            caption: text.say("approvals.caption").to_owned(),
            head: heads.map(|key| text.find(key).unwrap_or_default().to_owned()).into(),
            rows,
        })]
    };
    page(&Sheet { frame: Frame::of(&visit, text.say("approvals.title").to_owned(), None), parts })
}

/// One of them.
pub async fn one(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    page(&sheet(&visit, &path, false).await?)
}

/// Approves, refuses with a reason, or gives 24 hours more.
pub async fn answer(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let (gateway, visitor) = (visit.gateway(), &visit.visitor);
    let seen = gateway.override_to_answer(visitor, &path).await?;
    let why = fields.get("decision_why");
    match (fields.get("also"), seen.state) {
        ("refuse", OverrideState::Waiting) if why.is_empty() => {
            return with_status(&sheet(&visit, &path, true).await?, StatusCode::UNPROCESSABLE_ENTITY);
        }
        ("refuse", OverrideState::Waiting) => gateway.answer_override_of(visitor, &path, false, why).await?,
        ("", OverrideState::Waiting) => gateway.answer_override_of(visitor, &path, true, why).await?,
        ("", OverrideState::Open) => gateway.renew_override_of(visitor, &path, why).await?,
        _ => return Err(Stop::Malformed),
    }
    Ok(go("/approvals"))
}

async fn sheet(visit: &SignedIn, id: &str, wrong: bool) -> Result<Sheet, Stop> {
    let text = Text::english();
    let seen = visit.gateway().override_to_answer(&visit.visitor, id).await?;
    let own = seen.account.as_ref() == Some(&visit.visitor.account);
    let mut rows = vec![
        row("approvals.who", who_words(visit, &seen).await?),
        row("approvals.about", about(visit, &seen).await?),
        row("open.what", categories_words(&seen.categories)),
        row("filter.purpose", visit.pages.purpose_words(seen.purpose)),
        row("opened.asked", moment_words(seen.asked_at)),
        row("opened.state", state_words(&seen)),
    ];
    rows.extend(seen.ends_at.map(|ends| row("opened.ends", moment_words(ends))));
    rows.extend(FIVE.iter().zip(&seen.answers).map(|(name, said)| row(&format!("ask.{name}"), said.clone())));
    let mut parts = vec![Part::Rows(rows)];
    let question = Question::new("decision_why", By::Long).filled(&BTreeMap::new()).wrong_if(wrong);
    let action = format!("/approvals/{}", seen.id);
    match seen.state {
        _ if own => parts.push(Part::Callout(text.say("approvals.own").to_owned(), false)),
        OverrideState::Waiting => {
            let mut form = form(action, vec![question], "approvals.approve");
            form.second = Some(("refuse", text.say("approvals.refuse").to_owned()));
            parts.push(Part::Form(form));
        }
        _ if seen.renewable => parts.push(Part::Form(form(action, vec![question], "approvals.renew"))),
        _ => {}
    }
    parts.push(Part::Links(vec![("/approvals".to_owned(), text.say("approvals.back").to_owned())]));
    let title = text.say("approvals.one").to_owned();
    let title = if wrong { text.fill("errors.before", &[("title", &title)]) } else { title };
    Ok(Sheet { frame: Frame::of(visit, title, None), parts })
}

/// Who asked: name, role, team and agency.
async fn who_words(visit: &SignedIn, seen: &OverrideSeen) -> Result<String, Stop> {
    let hat = seen.hat.as_ref().map(|hat| visit.pages.hat_words(hat));
    let name = match &seen.account {
        Some(account) => Some(visit.pages.called(account).await?),
        None => None,
    };
    Ok(name.into_iter().chain(hat).collect::<Vec<_>>().join(", "))
}

/// The person by name as far as this visitor may know it; else by reference only.
pub(super) async fn about(visit: &SignedIn, seen: &OverrideSeen) -> Result<String, Stop> {
    let named = visit.gateway().named_in_pages(&seen.subject);
    let released = visit.gateway().look_at(&visit.visitor, &seen.subject, seen.purpose, &[Category::Idn]).await;
    let name = match released {
        Ok(released) => {
            let shown = super::disclosure::Shown::read(&released.into_bytes(), &named, Text::english());
            shown.subject().and_then(|p| p.name.clone())
        }
        Err(Failure::Refused { .. }) => None,
        Err(failure) => return Err(failure.into()),
    };
    Ok(name.unwrap_or_else(|| Text::english().fill("approvals.reference", &[("id", seen.subject.as_str())])))
}
