//! A3: the privacy officer's queue. Requests to the agency, what was opened for safety, alerts, and people who may be one.
//!
//! An auditor reads it and decides nothing; a manager of an agency without an officer has the requests only.

use super::answer::{Stop, go, page, with_status};
use super::concern::moment_words;
use super::disclosure::day_words;
use super::fields::Fields;
use super::frame::Frame;
use super::matches::match_parts;
use super::opened::{FIVE, categories_words, state_words};
use super::sheet::{By, Part, Question, Sheet, Table, form, row};
use super::text::Text;
use super::visit::SignedIn;
use crate::clock::Moment;
use crate::exchange::{
    AccessOutcome, AccessRequest, Alert, AlertCard, AlertState, Desk, Failure, OverrideCard, OverrideLine,
};
use crate::vocabulary::Category;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use std::collections::BTreeMap;

/// The queue.
pub async fn list(visit: SignedIn) -> Result<HttpResponse, Stop> {
    let text = Text::english();
    let (gateway, visitor) = (visit.gateway(), &visit.visitor);
    let framed = |parts| Sheet { frame: Frame::of(&visit, text.say("review.title").to_owned(), None), parts };
    let desk = match gateway.desk(visitor).await {
        // A manager whose agency has an officer is told so; everybody else learns nothing.
        Err(Failure::NotFound) if visitor.hat.as_ref().is_some_and(|h| h.supervisor) => {
            return page(&framed(vec![Part::Words(text.say("review.officer").to_owned())]));
        }
        other => other?,
    };
    let mut parts = Vec::new();
    if desk == Desk::Reader {
        parts.push(Part::Words(text.say("review.reader").to_owned()));
    } else {
        parts.extend(request_parts(&visit, &gateway.access_requests(visitor).await?));
    }
    if desk != Desk::Manager {
        let (overrides, alerts) = gateway.review_list(visitor).await?;
        parts.extend(override_parts(&visit, &overrides));
        parts.extend(alert_parts(&visit, &alerts));
        parts.extend(match_parts(&visit, desk, false).await?);
    }
    page(&framed(parts))
}

fn heads(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| Text::english().find(key).unwrap_or_default().to_owned()).collect()
}

fn table(title: &str, none: &str, head: &[&str], rows: Vec<(Option<String>, Vec<String>)>) -> Vec<Part> {
    let say = |key: &str| Text::english().find(key).unwrap_or_default().to_owned();
    let heading = Part::Heading(say(title));
    if rows.is_empty() {
        return vec![heading, Part::Words(say(none))];
    }
    vec![heading, Part::Table(Table { caption: say("review.caption"), head: heads(head), rows })]
}

fn request_parts(visit: &SignedIn, requests: &[AccessRequest]) -> Vec<Part> {
    let text = Text::english();
    let state = |r: &AccessRequest| if r.answered.is_some() { "waiting.answered" } else { "waiting.waits" };
    let rows = requests.iter().map(|r| {
        let cells = vec![
            text.word("category", r.category.code()),
            visit.pages.agency_words(r.agency.as_str()),
            text.word("option", r.how_soon.word()),
            age_words(visit, r.at),
            text.find(state(r)).unwrap_or_default().to_owned(),
        ];
        (Some(format!("/review/requests/{}", r.id)), cells)
    });
    let head = ["waiting.what", "review.from", "ask.how_soon", "review.age", "waiting.state"];
    table("review.requests", "review.requests.none", &head, rows.collect())
}

fn override_parts(visit: &SignedIn, lines: &[OverrideLine]) -> Vec<Part> {
    let text = Text::english();
    let rows = lines.iter().map(|line| {
        let kind = if line.seen.emergency { "review.emergency" } else { "review.ordinary" };
        let done = if line.reviewed { "review.reviewed" } else { "review.open" };
        let cells = vec![
            text.find(kind).unwrap_or_default().to_owned(),
            line.seen.hat.as_ref().map(|h| visit.pages.hat_words(h)).unwrap_or_default(),
            categories_words(&line.seen.categories),
            age_words(visit, line.seen.asked_at),
            line.due.as_deref().map(when_words).unwrap_or_default(),
            format!("{}, {}", state_words(&line.seen), text.find(done).unwrap_or_default()),
        ];
        (Some(format!("/review/overrides/{}", line.seen.id)), cells)
    });
    let head = ["review.kind", "approvals.who", "open.what", "review.age", "review.due", "waiting.state"];
    table("review.overrides", "review.overrides.none", &head, rows.collect())
}

fn alert_parts(visit: &SignedIn, alerts: &[Alert]) -> Vec<Part> {
    let text = Text::english();
    let at = |a: &Alert| Moment::parse(&a.raised_at).map_or(0, Moment::millis);
    let rows = alerts.iter().map(|a| {
        let cells = vec![
            text.word("alert", a.kind.word()),
            age_words(visit, at(a)),
            a.due.as_deref().map(when_words).unwrap_or_default(),
            text.word("state", a.state.word()),
        ];
        (Some(format!("/review/alerts/{}", a.id)), cells)
    });
    let head = ["review.kind", "review.age", "review.due", "waiting.state"];
    table("review.alerts", "review.alerts.none", &head, rows.collect())
}

/// One override.
pub async fn opened(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    let card = visit.gateway().override_card(&visit.visitor, &path).await?;
    page(&override_sheet(&visit, &card, &BTreeMap::new(), &[]))
}

/// Takes the verdict.
pub async fn decide(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let card = visit.gateway().override_card(&visit.visitor, &path).await?;
    let (verdict, why) = (fields.get("verdict"), fields.get("found"));
    let mut wrong = Vec::new();
    let known = ["justified", "not-justified", "needs-more"].contains(&verdict);
    if !known || (verdict == "justified" && !card.seen.told) {
        wrong.push("verdict");
    }
    if verdict != "justified" && why.is_empty() {
        wrong.push("found");
    }
    if card.may_decide && !wrong.is_empty() {
        let typed = ["verdict", "found"].map(|n| (n.to_owned(), fields.get(n).to_owned())).into();
        return with_status(&override_sheet(&visit, &card, &typed, &wrong), StatusCode::UNPROCESSABLE_ENTITY);
    }
    visit.gateway().decide_override(&visit.visitor, &path, verdict, why).await?;
    Ok(go("/review"))
}

fn override_sheet(visit: &SignedIn, card: &OverrideCard, typed: &BTreeMap<String, String>, wrong: &[&str]) -> Sheet {
    let text = Text::english();
    let seen = &card.seen;
    let say = |key: &str| text.find(key).unwrap_or_default().to_owned();
    let mut parts = vec![Part::Rows(override_rows(visit, card))];
    if seen.answers.iter().any(|a| !a.is_empty()) {
        parts.push(Part::Heading(say("review.answers")));
        let rows = FIVE.iter().zip(&seen.answers).map(|(name, said)| row(&format!("ask.{name}"), said.clone()));
        parts.push(Part::Rows(rows.collect()));
    }
    for (agency, outcome, at, found) in &card.reviews {
        let verdict = format!(
            "{}: {}, {}",
            visit.pages.agency_words(agency.as_str()),
            text.word("option", outcome),
            when_words(at)
        );
        parts.push(Part::Callout(format!("{verdict}\n{found}").trim().to_owned(), false));
    }
    if card.may_decide {
        if !seen.told {
            parts.push(Part::Words(say("review.untold")));
        }
        let options: &[&str] =
            if seen.told { &["justified", "not-justified", "needs-more"] } else { &["not-justified", "needs-more"] };
        let questions = vec![Question::of("verdict", By::One, options), Question::new("found", By::Long)];
        let questions = questions.into_iter().map(|q| {
            let bad = wrong.contains(&q.name);
            q.filled(typed).wrong_if(bad)
        });
        let action = format!("/review/overrides/{}", seen.id);
        parts.push(Part::Form(form(action, questions.collect(), "review.decide")));
    } else if card.same_team {
        parts.push(Part::Callout(say("review.team"), false));
    } else {
        parts.push(Part::Words(say("review.not-yours")));
    }
    parts.push(back());
    let title = say("review.override");
    let title = if wrong.is_empty() { title } else { text.fill("errors.before", &[("title", &title)]) };
    Sheet { frame: Frame::of(visit, title, None), parts }
}

fn override_rows(visit: &SignedIn, card: &OverrideCard) -> Vec<super::disclosure::Row> {
    let text = Text::english();
    let seen = &card.seen;
    let say = |key: &str| text.find(key).unwrap_or_default().to_owned();
    let opened = card.opened.iter().map(|(category, (level, times))| {
        let (what, times) = (text.word("category", category.code()), times.to_string());
        text.fill("review.times", &[("what", &what), ("level", &text.word("level", level.code())), ("times", &times)])
    });
    let opened = opened.collect::<Vec<_>>().join("; ");
    let relations = card.relations.iter().map(|r| text.word("kind", r)).collect::<Vec<_>>().join(", ");
    let or_none = |said: String| if said.is_empty() { say("review.nothing") } else { said };
    let mut rows = vec![
        row("review.kind", say(if seen.emergency { "review.emergency" } else { "review.ordinary" })),
        row("approvals.who", seen.hat.as_ref().map(|h| visit.pages.hat_words(h)).unwrap_or_default()),
        row("review.account", seen.account.as_ref().map(|a| a.as_str().to_owned()).unwrap_or_default()),
        row("review.subject", card.subject.clone()),
        row("review.relation", or_none(relations)),
        row("review.purpose", visit.pages.purpose_words(seen.purpose)),
        row("open.what", categories_words(&seen.categories)),
        row("review.opened", or_none(opened)),
        row("opened.asked", moment_words(seen.asked_at)),
        row("review.age", age_words(visit, seen.asked_at)),
        row("opened.state", state_words(seen)),
        row("review.second", say(if card.approved { "value.yes" } else { "value.no" })),
        row("ask.told", say(if seen.told { "review.told" } else { "review.told.not" })),
    ];
    rows.extend(seen.ends_at.map(|ends| row("opened.ends", moment_words(ends))));
    rows.extend(card.due.as_deref().map(|due| row("review.due", when_words(due))));
    rows
}

/// One alert.
pub async fn alert(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    let card = visit.gateway().alert_card(&visit.visitor, &path).await?;
    page(&alert_sheet(&visit, &card))
}

/// Moves it on.
pub async fn settle_alert(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    visit.gateway().move_alert(&visit.visitor, &path, fields.get("alert_state")).await?;
    Ok(go("/review"))
}

fn alert_sheet(visit: &SignedIn, card: &AlertCard) -> Sheet {
    let text = Text::english();
    let alert = &card.alert;
    let categories: Vec<Category> = card.categories.iter().copied().collect();
    let mut rows = vec![
        row("review.kind", text.word("alert", alert.kind.word())),
        row("review.raised", when_words(&alert.raised_at)),
        row("waiting.state", text.word("state", alert.state.word())),
        row("review.who", card.hat.as_ref().map(|h| visit.pages.hat_words(h)).unwrap_or_default()),
        row("review.account", card.account.as_ref().map(|a| a.as_str().to_owned()).unwrap_or_default()),
        row("review.event", text.word("event", card.event)),
        row("review.reason", card.reason.clone().unwrap_or_default()),
        row("review.subject", card.subject.clone().unwrap_or_default()),
        row("review.categories", categories_words(&categories)),
        row("review.relation", card.relation.as_deref().map(|r| text.word("kind", r)).unwrap_or_default()),
        row("review.written", card.written.clone().unwrap_or_default()),
    ];
    rows.extend(alert.due.as_deref().map(|due| row("review.due", when_words(due))));
    rows.retain(|row| !row.value.is_empty());
    let mut parts = vec![Part::Rows(rows)];
    let steps = alert
        .steps
        .iter()
        .map(|s| (None, vec![text.word("state", s.state.word()), s.by.as_str().to_owned(), when_words(&s.at)]));
    let steps: Vec<_> = steps.collect();
    if !steps.is_empty() {
        parts.push(Part::Table(Table {
            caption: text.say("review.steps").to_owned(),
            head: heads(&["waiting.state", "review.account", "review.raised"]),
            rows: steps,
        }));
    }
    if card.next.is_empty() && alert.state != AlertState::Closed {
        parts.push(Part::Words(text.say("review.not-yours").to_owned()));
    }
    if !card.next.is_empty() {
        let options = card.next.iter().map(|s| (s.word().to_owned(), text.word("state", s.word()))).collect();
        let question = Question::new("alert_state", By::One).with(options);
        parts.push(Part::Form(form(format!("/review/alerts/{}", alert.id), vec![question], "review.decide")));
    }
    parts.push(back());
    Sheet { frame: Frame::of(visit, text.word("alert", alert.kind.word()), None), parts }
}

/// One request for access.
pub async fn request(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    let request = visit.gateway().request_to_agency(&visit.visitor, &path).await?;
    page(&request_sheet(&visit, &request, &BTreeMap::new(), &[]).await?)
}

/// Answers it.
pub async fn answer(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let outcome = AccessOutcome::parse(fields.get("access_answer"));
    let said = fields.get("said").to_owned();
    let (Some(outcome), false) = (outcome, said.is_empty()) else {
        let request = visit.gateway().request_to_agency(&visit.visitor, &path).await?;
        let typed = ["access_answer", "said"].map(|n| (n.to_owned(), fields.get(n).to_owned())).into();
        let wrong: Vec<&str> = outcome.is_none().then_some("access_answer").into_iter().collect();
        let wrong: Vec<&str> = wrong.into_iter().chain(said.is_empty().then_some("said")).collect();
        let sheet = request_sheet(&visit, &request, &typed, &wrong).await?;
        return with_status(&sheet, StatusCode::UNPROCESSABLE_ENTITY);
    };
    visit.gateway().answer_access(&visit.visitor, &path, outcome, said).await?;
    Ok(go("/review"))
}

async fn request_sheet(
    visit: &SignedIn,
    request: &AccessRequest,
    typed: &BTreeMap<String, String>,
    wrong: &[&str],
) -> Result<Sheet, Stop> {
    let text = Text::english();
    let role = visit.gateway().content().policy.role(request.role).name.clone();
    let team = request.team.as_ref().map(|t| format!(", {t}")).unwrap_or_default();
    let mut rows = vec![
        row("review.who", format!("{role}{team}, {}", visit.pages.agency_words(request.agency.as_str()))),
        row("review.account", request.account.as_str()),
        row("review.family", request.family.clone()),
        row("review.references", request.references.join(", ")),
        row("waiting.what", text.word("category", request.category.code())),
        row("review.purpose", visit.pages.purpose_words(request.purpose)),
        row("ask.how_soon", text.word("option", request.how_soon.word())),
        row("opened.asked", moment_words(request.at)),
        row("ask.what", request.what.clone()),
        row("ask.why_needed", request.why.clone()),
    ];
    rows.retain(|row| !row.value.is_empty());
    let mut parts = vec![Part::Rows(rows)];
    match &request.answered {
        Some(answer) => {
            let words = format!("{}\n{}", text.word("option", answer.outcome.word()), answer.words);
            parts.push(Part::Callout(words, false));
        }
        None => {
            let outcomes: Vec<&str> = AccessOutcome::ALL.iter().map(|o| o.word()).collect();
            let questions = vec![Question::of("access_answer", By::One, &outcomes), Question::new("said", By::Long)];
            let questions = questions.into_iter().map(|q| {
                let bad = wrong.contains(&q.name);
                q.filled(typed).wrong_if(bad)
            });
            let action = format!("/review/requests/{}", request.id);
            parts.push(Part::Form(form(action, questions.collect(), "review.answer")));
        }
    }
    parts.push(back());
    let title = text.say("review.request").to_owned();
    let title = if wrong.is_empty() { title } else { text.fill("errors.before", &[("title", &title)]) };
    Ok(Sheet { frame: Frame::of(visit, title, None), parts })
}

pub(super) fn back() -> Part {
    Part::Links(vec![("/review".to_owned(), Text::english().say("review.back").to_owned())])
}

fn when_words(at: &str) -> String {
    day_words(at).unwrap_or_else(|| at.to_owned())
}

/// How old something is, in days and hours.
pub(super) fn age_words(visit: &SignedIn, at: i64) -> String {
    let hours = visit.gateway().clock().now().millis().saturating_sub(at).max(0).div_euclid(3_600_000);
    if hours == 0 {
        return Text::english().say("review.ago.now").to_owned();
    }
    let (days, hours) = (hours.div_euclid(24).to_string(), hours.rem_euclid(24).to_string());
    Text::english().fill("review.ago", &[("days", &days), ("hours", &hours)])
}
