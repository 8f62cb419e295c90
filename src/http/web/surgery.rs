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
use serde::Deserialize;

struct QueueRow {
    id: String,
    school: String,
    child: String,
    danger: bool,
    /// Whether the answer is overdue.
    late: bool,
    waiting: String,
    due: String,
    held: &'static str,
    status: String,
}

/// What the queue can be sorted by; the first is how it comes.
const ORDERS: [&str; 4] = ["due", "sent", "school", "age"];

/// How the queue is asked for.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Order {
    by: String,
}

#[derive(Template)]
#[template(path = "surgery.html")]
struct QueuePage {
    frame: Frame,
    rows: Vec<QueueRow>,
    /// Ways to sort: the word in the address, in words, whether it is this one.
    orders: Vec<(&'static str, String, bool)>,
    /// The first that nobody has taken, in the order in which they are due.
    next: Option<String>,
}

/// T1: what waits, immediate danger first, then by due time; or sorted by something else.
pub async fn queue(visit: SignedIn, order: Option<web::Query<Order>>) -> Result<HttpResponse, Stop> {
    adviser(&visit)?;
    let text = Text::english();
    let mut queue = visit.gateway().surgery_queue(&visit.visitor).await?;
    let next = queue.iter().find(|q| q.held.is_none()).map(|q| q.id.clone());
    let order = order.map(|o| o.into_inner().by).unwrap_or_default();
    let order = ORDERS.into_iter().find(|o| **o == order).unwrap_or("due");
    let now = visit.gateway().clock().now();
    // Each keeps the order of due times within what is equal.
    match order {
        "sent" => queue.sort_by_key(|q| q.submitted_at.millis()),
        "school" => queue.sort_by_key(|q| visit.pages.agency_words(q.school.as_str())),
        "age" => queue.sort_by_key(|q| q.band.split('-').next().and_then(|from| from.parse::<u8>().ok())),
        _ => {}
    }
    let rows = queue.into_iter().map(|q| QueueRow {
        late: q.due_at.millis() < now.millis() && matches!(q.status, Status::Received | Status::BeingRead),
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
    let orders = ORDERS.map(|word| (word, text.word("order", word), word == order)).into();
    page(&QueuePage { frame: framed(&visit, "surgery.title"), rows: rows.collect(), orders, next })
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
    answers: Vec<(&'static str, String, bool)>,
    outcomes: Vec<(&'static str, String)>,
    answer: Option<String>,
    reason: String,
    actions: String,
    mine: bool,
    free: bool,
    passed_on: bool,
    closed: bool,
    /// What is wrong with a form: where it stands on the page, and what is said.
    wrong: Vec<(&'static str, &'static str)>,
}

impl AdvicePage {
    /// What is wrong with one of its fields.
    fn fault(&self, anchor: &str) -> Option<&'static str> {
        self.wrong.iter().find(|(at, _)| *at == anchor).map(|(_, words)| *words)
    }
}

/// T2: one concern.
pub async fn one(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    page(&advice(&visit, &path, &Fields::default(), Vec::new()).await?)
}

/// The same, after a form that cannot be taken: what was typed is kept.
async fn again(
    visit: &SignedIn,
    id: &str,
    typed: &Fields,
    wrong: Vec<(&'static str, &'static str)>,
) -> Result<HttpResponse, Stop> {
    with_status(&advice(visit, id, typed, wrong).await?, StatusCode::UNPROCESSABLE_ENTITY)
}

async fn advice(
    visit: &SignedIn,
    id: &str,
    typed: &Fields,
    wrong: Vec<(&'static str, &'static str)>,
) -> Result<AdvicePage, Stop> {
    adviser(visit)?;
    let text = Text::english();
    let concern = visit.gateway().surgery_concern(&visit.visitor, id).await?;
    let answers = Answer::ALL.iter().map(|a| a.word());
    let answers = answers.map(|word| (word, text.word("answer", word), typed.get("answer") == word)).collect();
    let outcomes = ConcernOutcome::ALL.iter().map(|o| (o.word(), text.word("outcome", o.word()))).collect();
    let decided = concern.decided.as_ref();
    let title = if wrong.is_empty() { "surgery.concern" } else { "surgery.wrong-title" };
    Ok(AdvicePage {
        frame: framed(visit, title),
        school: visit.pages.agency_words(concern.school.as_str()),
        status: status_words(&concern),
        due: due_words(&concern),
        rows: rows(&concern),
        thread: thread(&concern),
        files: shown(&concern.files),
        answers,
        outcomes,
        answer: decided.map(|d| text.word("answer", d.answer.word())),
        reason: decided.map_or_else(|| typed.get("reason").to_owned(), |d| d.reason.clone()),
        actions: decided.map_or_else(|| typed.get("actions").to_owned(), |d| d.actions.clone()),
        mine: decided.is_none() && concern.taken_by.as_ref() == Some(&visit.visitor.account),
        free: concern.taken_by.is_none(),
        passed_on: concern.status == Status::PassedOn,
        closed: concern.status == Status::Closed,
        wrong,
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
        return again(&visit, &path, &fields, vec![("reply", Text::english().say("surgery.wrong.ask"))]).await;
    }
    done(&path, visit.gateway().ask_school(&visit.visitor, &path, text).await)
}

/// Answers it.
pub async fn answer(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let (reason, actions) = (fields.get("reason").to_owned(), fields.get("actions").to_owned());
    let (text, chosen) = (Text::english(), Answer::parse(fields.get("answer")));
    let (Some(chosen), false) = (chosen, reason.is_empty()) else {
        let missing = chosen.is_none().then(|| ("answer-1", text.say("surgery.wrong.answer")));
        let bare = reason.is_empty().then(|| ("reason", text.say("surgery.wrong.reason")));
        return again(&visit, &path, &fields, missing.into_iter().chain(bare).collect()).await;
    };
    done(&path, visit.gateway().answer_concern(&visit.visitor, &path, chosen, reason, actions).await)
}

/// Records how it ended.
pub async fn end(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let Some(outcome) = ConcernOutcome::parse(fields.get("outcome")) else {
        return again(&visit, &path, &fields, vec![("outcome-1", Text::english().say("surgery.wrong.end"))]).await;
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
