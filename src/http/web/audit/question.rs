//! The twenty questions: a list, and a form for each with its answer below.

use super::super::answer::{Stop, page, with_status};
use super::super::fields::{Fields, escaped};
use super::super::frame::Frame;
use super::super::text::Text;
use super::super::visit::SignedIn;
use super::query::{self, Filter, Query};
use super::search::framed;
use super::table::{self, Table};
use super::{Names, auditor, stopped};
use crate::exchange::{Failure, LogAnswer, QuestionId};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

#[derive(Template)]
#[template(path = "audit_questions.html")]
struct QuestionsPage {
    frame: Frame,
    questions: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "audit_question.html")]
struct QuestionPage {
    frame: Frame,
    code: &'static str,
    filters: Vec<Filter>,
    wrong: bool,
    /// What the question still needs.
    unclear: bool,
    answered: bool,
    table: Option<Table>,
    summary: Vec<(String, String)>,
    notes: Vec<String>,
    next: Option<String>,
    /// Up to when the log was looked at, when there is more.
    until: Option<String>,
}

/// All of them.
pub async fn list(visit: SignedIn) -> Result<HttpResponse, Stop> {
    auditor(&visit)?;
    let questions = QuestionId::ALL.iter().map(|q| (q.code(), title(*q))).collect();
    page(&QuestionsPage { frame: framed(&visit, "audit.questions"), questions })
}

/// One, with its answer when it was asked.
pub async fn one(visit: SignedIn, path: web::Path<String>, request: HttpRequest) -> Result<HttpResponse, Stop> {
    auditor(&visit)?;
    let question = QuestionId::parse(&path).ok_or(Stop::Missing)?;
    let names = filters_of(question);
    // What the form does not show does not narrow the answer.
    let fields = Fields::of_query(&request)?.only(&[&names, &["after"][..]].concat());
    let asked = fields.has("from") || fields.has("to");
    let read = Query::read(&visit, &fields);
    let mut wrong = if asked { read.wrong.clone() } else { Vec::new() };
    wrong.extend(needed(question).iter().filter(|name| asked && fields.get(name).is_empty()));
    let mut shown = QuestionPage {
        frame: Frame::of(&visit, heading(question, !wrong.is_empty()), None),
        code: question.code(),
        filters: query::filters(&visit, &names, &fields, &wrong),
        wrong: !wrong.is_empty(),
        unclear: false,
        answered: false,
        table: None,
        summary: Vec::new(),
        notes: Vec::new(),
        next: None,
        until: None,
    };
    if !asked {
        return page(&shown);
    }
    if shown.wrong {
        return with_status(&shown, StatusCode::UNPROCESSABLE_ENTITY);
    }
    match visit.gateway().ask_question(&visit.visitor, question, read.ask).await {
        Ok(answer) => {
            fill(&visit, &mut shown, &answer, &fields.to_query(&names)).await?;
            page(&shown)
        }
        // Nobody, or nothing, of that name in this view.
        Err(Failure::NotFound | Failure::Gone) => {
            shown.answered = true;
            page(&shown)
        }
        Err(Failure::Unclear(_)) => {
            shown.unclear = true;
            shown.frame = Frame::of(&visit, heading(question, true), None);
            with_status(&shown, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(failure) => Err(stopped(failure)),
    }
}

async fn fill(visit: &SignedIn, shown: &mut QuestionPage, answer: &LogAnswer, query: &str) -> Result<(), Stop> {
    let names = Names::of(visit, table::accounts(answer)).await?;
    let text = Text::english();
    let said = answer.summary.iter().map(|(name, v)| (text.word("column", name), table::cell(visit, name, v, &names)));
    shown.summary = said.filter(|(_, v)| !v.is_empty()).collect();
    shown.notes.clone_from(&answer.notes);
    shown.until = super::search::until(answer);
    shown.next = answer.next.as_ref().map(|c| format!("/audit/questions/{}?{query}&after={}", shown.code, escaped(c)));
    shown.table = (!answer.rows.is_empty()).then(|| table::table(visit, answer, &names));
    shown.answered = true;
    Ok(())
}

/// The question in words.
fn title(question: QuestionId) -> String {
    let found = Text::english().find(&format!("question.{}", question.code()));
    found.unwrap_or_else(|| question.title()).to_owned()
}

fn heading(question: QuestionId, wrong: bool) -> String {
    let title = title(question);
    if wrong { Text::english().fill("errors.before", &[("title", &title)]) } else { title }
}

/// The filters a question takes, beside the days.
fn filters_of(question: QuestionId) -> Vec<&'static str> {
    use QuestionId::{Q1, Q2, Q3, Q4, Q5, Q6, Q7, Q8, Q9, Q10, Q11, Q12, Q13, Q14, Q15, Q16, Q17, Q18, Q19, Q20};
    let own: &[&'static str] = match question {
        Q1 | Q9 => &["subject", "category", "role", "agency"],
        Q2 | Q8 => &["entry", "subject", "actor"],
        Q3 => &["actor"],
        Q4 | Q13 => &["subject", "actor", "agency"],
        Q5 | Q12 => &["agency"],
        Q6 => &["agency", "event"],
        Q7 | Q17 => &["agency", "actor"],
        Q10 => &["message", "segment"],
        Q11 => &["subject", "actor", "linked"],
        Q14 => &["role"],
        Q15 | Q16 => &["agency"],
        Q18 => &["agency"],
        Q19 => &["entry"],
        Q20 => &[],
    };
    ["from", "to"].into_iter().chain(own.iter().copied()).collect()
}

/// Filters without which a question has no answer.
const fn needed(question: QuestionId) -> &'static [&'static str] {
    match question {
        QuestionId::Q1 | QuestionId::Q9 | QuestionId::Q11 => &["subject"],
        QuestionId::Q3 => &["actor"],
        QuestionId::Q18 => &["agency"],
        QuestionId::Q19 => &["entry"],
        _ => &[],
    }
}
