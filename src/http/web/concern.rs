//! The school's pages: submit a concern (S1), my concerns (S2), one concern (S3).

use super::answer::{Stop, go, go_undone, page, with_status};
use super::concern_files::{FileShown, shown};
use super::concern_next::{holder, next};
use super::concern_steps::{self as steps, Kind, Step};
use super::disclosure::{Row, day_words};
use super::fields::Fields;
use super::frame::Frame;
use super::text::Text;
use super::visit::SignedIn;
use crate::clock::Moment;
use crate::config::AgencyKind;
use crate::exchange::{About, Concern, Failure, Side, Status};
use crate::vocabulary::Role;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use std::collections::BTreeMap;

/// Longest account, in characters, as the story takes it.
const ACCOUNT_CHARS_MAX: usize = 20_000;

struct Question {
    name: &'static str,
    words: &'static str,
    hint: Option<&'static str>,
    value: String,
    wrong: Option<&'static str>,
    options: Vec<(&'static str, String, bool)>,
    several: bool,
    long: bool,
    day: bool,
}

#[derive(Template)]
#[template(path = "question.html")]
struct StepPage {
    frame: Frame,
    action: String,
    back: &'static str,
    questions: Vec<Question>,
    /// Longest account, in characters.
    long: usize,
    wrong: bool,
    /// Whether the page's heading is the question itself.
    alone: bool,
}

/// The first question, or the first that is open.
pub async fn begin(visit: SignedIn) -> Result<HttpResponse, Stop> {
    may_submit(&visit)?;
    let draft = visit.gateway().concern_draft(&visit.visitor).await?;
    let next = steps::open(&draft).first().map_or("check", |s| s.name);
    Ok(go(&format!("/concerns/new/{next}")))
}

/// One question.
pub async fn ask(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    may_submit(&visit)?;
    let draft = visit.gateway().concern_draft(&visit.visitor).await?;
    match path.as_str() {
        "now" => {
            let agencies = visit.gateway().config().agencies.iter().filter(|a| a.kind == AgencyKind::Council);
            let councils = agencies.map(|a| (a.name.clone(), a.contact.clone())).collect();
            page(&NowPage { frame: framed(&visit, "concern.now"), councils })
        }
        "check" => check(&visit, &draft).await,
        name => {
            let step = steps::step(name).ok_or(Stop::Missing)?;
            page(&step_page(&visit, step, &draft, &[]))
        }
    }
}

/// Takes the answers of one page; keeps them, also when one is wrong.
pub async fn answer(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    may_submit(&visit)?;
    let step = steps::step(&path).ok_or(Stop::Missing)?;
    let mut draft = visit.gateway().concern_draft(&visit.visitor).await?;
    for field in step.fields {
        draft.insert(field.name.to_owned(), fields.get(field.name).to_owned());
    }
    let wrong = steps::faults(step, &draft);
    visit.gateway().keep_concern_draft(&visit.visitor, &draft).await?;
    if !wrong.is_empty() {
        return with_status(&step_page(&visit, step, &draft, &wrong), StatusCode::UNPROCESSABLE_ENTITY);
    }
    if step.name == "danger" && draft.get("danger").is_some_and(|v| v == "yes") {
        return Ok(go("/concerns/new/now"));
    }
    Ok(match steps::after(step.name, &draft) {
        Some(next) if !steps::open(&draft).is_empty() => go(&format!("/concerns/new/{}", next.name)),
        _ => go("/concerns/new/check"),
    })
}

fn step_page(visit: &SignedIn, step: &'static Step, draft: &BTreeMap<String, String>, wrong: &[&str]) -> StepPage {
    let text = Text::english();
    let question = |field: &steps::Field| {
        let value = draft.get(field.name).cloned().unwrap_or_default();
        let options = match field.kind {
            Kind::One(words) => words.iter().map(|w| (*w, text.word("option", w), value == **w)).collect(),
            _ => Vec::new(),
        };
        Question {
            name: field.name,
            words: text.find(&format!("ask.{}", field.name)).unwrap_or_default(),
            hint: text.find(&format!("hint.{}", field.name)),
            wrong: wrong
                .contains(&field.name)
                .then(|| text.find(&format!("wrong.{}", field.name)).unwrap_or(text.say("wrong.other"))),
            several: false,
            long: field.kind == Kind::Account,
            day: field.kind == Kind::Day,
            value,
            options,
        }
    };
    let key = text.find(&format!("step.{}", step.name)).unwrap_or_default();
    let title = if wrong.is_empty() { key.to_owned() } else { text.fill("errors.before", &[("title", key)]) };
    StepPage {
        frame: Frame::of(visit, title, None),
        action: format!("/concerns/new/{}", step.name),
        back: "/concerns",
        long: ACCOUNT_CHARS_MAX,
        questions: step.fields.iter().map(question).collect(),
        wrong: !wrong.is_empty(),
        alone: step.fields.len() == 1,
    }
}

#[derive(Template)]
#[template(path = "concern_now.html")]
struct NowPage {
    frame: Frame,
    /// The councils of the partnership and whom to ring there.
    councils: Vec<(String, String)>,
}

struct Answered {
    step: &'static str,
    words: &'static str,
    value: String,
}

#[derive(Template)]
#[template(path = "concern_check.html")]
struct CheckPage {
    frame: Frame,
    answered: Vec<Answered>,
    open: Vec<(&'static str, &'static str)>,
    /// The names of its files, for a concern that names the child.
    files: Option<Vec<String>>,
    /// Files that are not sent, because no names are.
    left: bool,
    /// An earlier concern of the school that looks like the same: its id and day.
    duplicate: Option<(String, String)>,
}

async fn check(visit: &SignedIn, draft: &BTreeMap<String, String>) -> Result<HttpResponse, Stop> {
    let text = Text::english();
    let duplicate = visit.gateway().likely_duplicate(&visit.visitor, &steps::form(draft)).await?;
    let duplicate = duplicate.map(|c| (c.id, moment_words(c.submitted_at)));
    let mut answered = Vec::new();
    for step in steps::STEPS.iter().filter(|s| steps::asked(s, draft)) {
        for field in step.fields {
            let value = draft.get(field.name).cloned().unwrap_or_default();
            let value = match field.kind {
                _ if value.trim().is_empty() => text.say("permission.nothing").to_owned(),
                Kind::One(_) => text.word("option", &value),
                Kind::Day => day_words(&value).unwrap_or(value),
                _ => value,
            };
            let words = text.find(&format!("ask.{}", field.name)).unwrap_or_default();
            answered.push(Answered { step: step.name, words, value });
        }
    }
    let open = steps::open(draft).into_iter();
    let open = open.map(|s| (s.name, text.find(&format!("step.{}", s.name)).unwrap_or_default())).collect();
    let files: Vec<String> = visit.gateway().draft_files(&visit.visitor).await?.into_iter().map(|f| f.name).collect();
    let named = draft.get("named").is_some_and(|v| v == "yes");
    let left = !named && !files.is_empty();
    let files = named.then_some(files);
    page(&CheckPage { frame: framed(visit, "concern.check"), answered, open, files, left, duplicate })
}

/// Submits what was checked.
pub async fn submit(visit: SignedIn, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    may_submit(&visit)?;
    let draft = visit.gateway().concern_draft(&visit.visitor).await?;
    // No draft: it was sent a moment ago, by the same button.
    if draft.is_empty() {
        return Ok(go_undone("/concerns"));
    }
    if let Some(open) = steps::open(&draft).first() {
        return Ok(go_undone(&format!("/concerns/new/{}", open.name)));
    }
    match visit.gateway().submit_concern(&visit.visitor, steps::form(&draft)).await {
        Ok(done) => Ok(go(&format!("/concerns/{}", done.id))),
        Err(Failure::Conflict) => Ok(go_undone("/concerns")),
        Err(failure) => Err(failure.into()),
    }
}

struct ConcernRow {
    id: String,
    about: String,
    status: String,
    outcome: Option<String>,
    holder: &'static str,
    next: &'static str,
    sent: String,
    due: Option<String>,
}

#[derive(Template)]
#[template(path = "concerns.html")]
struct ConcernsPage {
    frame: Frame,
    concerns: Vec<ConcernRow>,
    /// Whether a concern is begun and not sent.
    draft: bool,
}

/// S2: the school's concerns (a lead's), or one's own.
pub async fn list(visit: SignedIn) -> Result<HttpResponse, Stop> {
    may_submit(&visit)?;
    let text = Text::english();
    let concerns = visit.gateway().own_concerns(&visit.visitor).await?;
    let rows = concerns.iter().map(|c| ConcernRow {
        id: c.id.clone(),
        about: about_words(c),
        status: status_words(c),
        outcome: c.outcome.map(|o| text.word("outcome", o.word())),
        holder: holder(c),
        next: next(c, visit.gateway().clock().now()),
        sent: moment_words(c.submitted_at),
        due: due_words(c),
    });
    let draft = !visit.gateway().concern_draft(&visit.visitor).await?.is_empty();
    page(&ConcernsPage { frame: framed(&visit, "concerns.title"), concerns: rows.collect(), draft })
}

/// One thing said in the thread.
pub struct SaidShown {
    /// Which side, in words.
    pub side: &'static str,
    /// When.
    pub at: String,
    /// What.
    pub text: String,
}

#[derive(Template)]
#[template(path = "concern.html")]
struct ConcernPage {
    frame: Frame,
    id: String,
    status: String,
    outcome: Option<String>,
    due: Option<String>,
    answer: Option<String>,
    reason: Option<String>,
    actions: Option<String>,
    rows: Vec<Row>,
    thread: Vec<SaidShown>,
    files: Vec<FileShown>,
    holder: &'static str,
    next: &'static str,
    file_refused: bool,
    reply_empty: bool,
    /// Where a file is sent to.
    files_at: String,
    may_add: bool,
    open: bool,
    to_surgery: bool,
}

/// What cannot be taken of what was sent from the page of a concern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Nothing,
    File,
    Reply,
}

/// S3: one concern.
pub async fn one(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    page(&concern_page(&visit, &path, Wrong::Nothing).await?)
}

/// The same, after a file that cannot be taken.
pub async fn with_file_refused(visit: &SignedIn, id: &str, status: StatusCode) -> Result<HttpResponse, Stop> {
    with_status(&concern_page(visit, id, Wrong::File).await?, status)
}

async fn concern_page(visit: &SignedIn, id: &str, wrong: Wrong) -> Result<ConcernPage, Stop> {
    may_submit(visit)?;
    let concern = visit.gateway().own_concern(&visit.visitor, id).await?;
    let text = Text::english();
    let decided = concern.decided.as_ref();
    let lead = visit.visitor.hat.as_ref().is_some_and(|h| h.role == Role::Dsl);
    let title = if wrong == Wrong::Nothing { "concern.title" } else { "concern.wrong-title" };
    Ok(ConcernPage {
        frame: framed(visit, title),
        files: shown(&concern.files),
        may_add: matches!(concern.about, About::Named(_)) && concern.status != Status::Closed,
        holder: holder(&concern),
        next: next(&concern, visit.gateway().clock().now()),
        file_refused: wrong == Wrong::File,
        reply_empty: wrong == Wrong::Reply,
        files_at: format!("/concerns/{id}/files"),
        status: status_words(&concern),
        outcome: concern.outcome.map(|o| text.word("outcome", o.word())),
        due: due_words(&concern),
        answer: decided.map(|d| text.word("answer", d.answer.word())),
        reason: decided.map(|d| d.reason.clone()),
        actions: decided.map(|d| d.actions.clone()).filter(|a| !a.trim().is_empty()),
        rows: rows(&concern),
        thread: thread(&concern),
        open: concern.status != Status::Closed,
        to_surgery: concern.in_school && lead,
        id: concern.id,
    })
}

/// Takes a reply.
pub async fn reply(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let text = fields.get("reply").to_owned();
    if text.is_empty() {
        return with_status(&concern_page(&visit, &path, Wrong::Reply).await?, StatusCode::UNPROCESSABLE_ENTITY);
    }
    visit.gateway().add_to_concern(&visit.visitor, &path, text).await?;
    Ok(go(&format!("/concerns/{}", path.as_str())))
}

/// A lead takes a colleague's concern to the surgery.
pub async fn to_surgery(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    visit.gateway().concern_to_surgery(&visit.visitor, &path).await?;
    Ok(go(&format!("/concerns/{}", path.as_str())))
}

pub fn may_submit(visit: &SignedIn) -> Result<(), Stop> {
    match visit.visitor.hat.as_ref().map(|h| h.role) {
        Some(Role::Dsl | Role::Sch) => Ok(()),
        Some(_) => Err(Stop::Missing),
        None => Err(Stop::NoHat),
    }
}

fn framed(visit: &SignedIn, key: &str) -> Frame {
    Frame::of(visit, Text::english().find(key).unwrap_or_default().to_owned(), None)
}

/// Whom a concern is about, in words.
pub fn about_words(concern: &Concern) -> String {
    let text = Text::english();
    match &concern.about {
        About::Named(child) => format!("{} {}", child.given, child.family),
        About::NoNames { band, phase } => {
            text.fill("concern.no-names", &[("band", band), ("phase", &text.word("option", phase))])
        }
    }
}

/// A status in words.
pub fn status_words(concern: &Concern) -> String {
    let text = Text::english();
    if concern.in_school { text.say("status.in-school").to_owned() } else { text.word("status", concern.status.word()) }
}

/// By when the surgery answers; nothing once it has.
pub fn due_words(concern: &Concern) -> Option<String> {
    (!concern.in_school && concern.decided.is_none()).then(|| moment_words(concern.due_at))
}

/// A moment in words.
pub fn moment_words(millis: i64) -> String {
    let at = Moment::from_millis(millis).to_string();
    day_words(&at).unwrap_or(at)
}

/// What a concern says, as rows.
pub fn rows(concern: &Concern) -> Vec<Row> {
    let text = Text::english();
    let yes_no = |yes: bool| text.word("option", if yes { "yes" } else { "no" });
    let mut rows = vec![("concern.about", about_words(concern))];
    if let About::Named(child) = &concern.about {
        rows.push(("ask.born", day_words(&child.born).unwrap_or_default()));
    }
    rows.extend([
        ("ask.danger", yes_no(concern.danger)),
        ("ask.own_words", concern.own_words.clone()),
        ("ask.seen", concern.seen.clone()),
        ("ask.when", day_words(&concern.when).unwrap_or_default()),
        ("ask.place", concern.place.clone()),
        ("ask.parents_told", yes_no(concern.parents_told)),
        ("ask.not_told_why", concern.not_told_why.clone()),
        ("ask.parents_agree", yes_no(concern.parents_agree)),
        ("ask.who_knows", concern.who_knows.clone()),
        ("ask.question", concern.question.clone()),
    ]);
    let filled = rows.into_iter().filter(|(_, value)| !value.is_empty());
    filled.map(|(key, value)| Row { name: text.find(key).unwrap_or_default().to_owned(), value }).collect()
}

/// What was said, in order.
pub fn thread(concern: &Concern) -> Vec<SaidShown> {
    let text = Text::english();
    let side = |side: Side| match side {
        Side::School => text.say("side.school"),
        Side::Surgery => text.say("side.surgery"),
    };
    let said = concern.thread.iter();
    said.map(|s| SaidShown { side: side(s.side), at: moment_words(s.at), text: s.text.clone() }).collect()
}
