//! The surgery's pages: the queue (T1), and one concern to advise on or pass on (T2).

use super::answer::{Stop, go, go_undone, page, with_status};
use super::concern::{SaidShown, due_words, moment_words, rows, status_words, thread};
use super::concern_files::{FileShown, shown};
use super::disclosure::Row;
use super::fields::Fields;
use super::frame::Frame;
use super::text::Text;
use super::visit::SignedIn;
use crate::exchange::{Answer, ConcernOutcome, Failure, Status};
use crate::vocabulary::Role;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

struct QueueRow {
    id: String,
    school: String,
    child: String,
    danger: bool,
    waiting: String,
    due: String,
    held: &'static str,
    status: String,
}

#[derive(Template)]
#[template(path = "surgery.html")]
struct QueuePage {
    frame: Frame,
    rows: Vec<QueueRow>,
}

/// T1: what waits, immediate danger first, then by due time.
pub async fn queue(visit: SignedIn) -> Result<HttpResponse, Stop> {
    adviser(&visit)?;
    let text = Text::english();
    let queue = visit.gateway().surgery_queue(&visit.visitor).await?;
    let rows = queue.into_iter().map(|q| QueueRow {
        school: visit.pages.agency_words(q.school.as_str()),
        child: match &q.initials {
            Some(initials) => text.fill("surgery.child", &[("initials", initials), ("band", &q.band)]),
            None => text.fill("surgery.no-names", &[("band", &q.band)]),
        },
        danger: q.danger,
        waiting: moment_words(q.submitted_at.millis()),
        due: moment_words(q.due_at.millis()),
        held: match q.held {
            Some(true) => text.say("surgery.mine"),
            Some(false) => text.say("surgery.another"),
            None => "",
        },
        status: text.word("status", q.status.word()),
        id: q.id,
    });
    page(&QueuePage { frame: framed(&visit, "surgery.title"), rows: rows.collect() })
}

#[derive(Template)]
#[template(path = "surgery_concern.html")]
struct AdvicePage {
    frame: Frame,
    id: String,
    school: String,
    status: String,
    due: Option<String>,
    rows: Vec<Row>,
    thread: Vec<SaidShown>,
    files: Vec<FileShown>,
    answers: Vec<(&'static str, String)>,
    outcomes: Vec<(&'static str, String)>,
    answer: Option<String>,
    reason: String,
    actions: String,
    mine: bool,
    free: bool,
    passed_on: bool,
    closed: bool,
    wrong: bool,
}

/// T2: one concern.
pub async fn one(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    page(&advice(&visit, &path, None).await?)
}

async fn advice(visit: &SignedIn, id: &str, typed: Option<&Fields>) -> Result<AdvicePage, Stop> {
    adviser(visit)?;
    let text = Text::english();
    let concern = visit.gateway().surgery_concern(&visit.visitor, id).await?;
    let words = |group: &str, all: &[&'static str]| all.iter().map(|w| (*w, text.word(group, w))).collect();
    let answers: Vec<&'static str> = Answer::ALL.iter().map(|a| a.word()).collect();
    let outcomes: Vec<&'static str> = ConcernOutcome::ALL.iter().map(|o| o.word()).collect();
    let decided = concern.decided.as_ref();
    let title = if typed.is_some() { "surgery.wrong-title" } else { "surgery.concern" };
    Ok(AdvicePage {
        frame: framed(visit, title),
        school: visit.pages.agency_words(concern.school.as_str()),
        status: status_words(&concern),
        due: due_words(&concern),
        rows: rows(&concern),
        thread: thread(&concern),
        files: shown(&concern.files),
        answers: words("answer", &answers),
        outcomes: words("outcome", &outcomes),
        answer: decided.map(|d| text.word("answer", d.answer.word())),
        reason: decided.map_or_else(|| typed.map_or("", |f| f.get("reason")).to_owned(), |d| d.reason.clone()),
        actions: decided.map_or_else(|| typed.map_or("", |f| f.get("actions")).to_owned(), |d| d.actions.clone()),
        mine: decided.is_none() && concern.taken_by.as_ref() == Some(&visit.visitor.account),
        free: concern.taken_by.is_none(),
        passed_on: concern.status == Status::PassedOn,
        closed: concern.status == Status::Closed,
        wrong: typed.is_some(),
        id: concern.id,
    })
}

/// Takes it.
pub async fn take(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    done(&path, visit.gateway().take_concern(&visit.visitor, &path).await)
}

/// Asks the school for more.
pub async fn ask(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let text = fields.get("reply").to_owned();
    if text.is_empty() {
        return Ok(go_undone(&format!("/surgery/{}", path.as_str())));
    }
    done(&path, visit.gateway().ask_school(&visit.visitor, &path, text).await)
}

/// Answers it.
pub async fn answer(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let (reason, actions) = (fields.get("reason").to_owned(), fields.get("actions").to_owned());
    let chosen = Answer::parse(fields.get("answer")).filter(|_| !reason.is_empty());
    let Some(chosen) = chosen else {
        return with_status(&advice(&visit, &path, Some(&fields)).await?, StatusCode::UNPROCESSABLE_ENTITY);
    };
    done(&path, visit.gateway().answer_concern(&visit.visitor, &path, chosen, reason, actions).await)
}

/// Records how it ended.
pub async fn end(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let Some(outcome) = ConcernOutcome::parse(fields.get("outcome")) else {
        return Ok(go_undone(&format!("/surgery/{}", path.as_str())));
    };
    done(&path, visit.gateway().end_concern(&visit.visitor, &path, outcome).await)
}

/// Back to the concern; also when somebody else was quicker: the page then shows what they did.
fn done(id: &str, result: Result<(), Failure>) -> Result<HttpResponse, Stop> {
    match result {
        Ok(()) => Ok(go(&format!("/surgery/{id}"))),
        Err(Failure::Conflict | Failure::Gone) => Ok(go_undone(&format!("/surgery/{id}"))),
        Err(failure) => Err(failure.into()),
    }
}

fn adviser(visit: &SignedIn) -> Result<(), Stop> {
    match visit.visitor.hat.as_ref().map(|h| h.role) {
        Some(Role::Sur) => Ok(()),
        Some(_) => Err(Stop::Missing),
        None => Err(Stop::NoHat),
    }
}

fn framed(visit: &SignedIn, key: &str) -> Frame {
    Frame::of(visit, Text::english().find(key).unwrap_or_default().to_owned(), None)
}
