//! A1: searching the log. Each search is an entry itself, and the page says so.

use super::super::answer::{Stop, go, go_undone, page as answer_page, with_status};
use super::super::fields::{Fields, escaped};
use super::super::frame::Frame;
use super::super::text::Text;
use super::super::visit::SignedIn;
use super::query::{self, Filter, Query};
use super::{Names, auditor, stopped, table, when};
use crate::clock::Moment;
use crate::exchange::{Failure, LogAnswer, SavedSearch, parse_cursor};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde_json::{Map, Value};

/// The filters of this page: the days first.
const FILTERS: [&str; 13] = [
    "from", "to", "event", "outcome", "actor", "role", "agency", "subject", "case", "purpose", "category", "reason",
    "hat",
];

/// One entry found.
struct Found {
    id: String,
    time: String,
    who: String,
    hat: String,
    did: String,
    /// The person, the case.
    whose: Vec<String>,
    why: String,
    decision: String,
}

#[derive(Template)]
#[template(path = "audit_search.html")]
struct SearchPage {
    frame: Frame,
    filters: Vec<Filter>,
    wrong: bool,
    /// Whether a search was made.
    searched: bool,
    missing: bool,
    found: Vec<Found>,
    next: Option<String>,
    /// Up to when the log was looked at, when the search stopped on its way.
    until: Option<String>,
    /// The filters as the address holds them.
    query: String,
    saved: Vec<SavedSearch>,
    name_wrong: bool,
}

/// The form, and what was found.
pub async fn page(visit: SignedIn, request: HttpRequest) -> Result<HttpResponse, Stop> {
    auditor(&visit)?;
    let fields = Fields::of_query(&request)?.only(&[&FILTERS[..], &["after", "name"]].concat());
    let saved = visit.gateway().saved_searches(&visit.visitor).await?;
    let asked = fields.has("from") || fields.has("to");
    let read = Query::read(&visit, &fields);
    let wrong = if asked { read.wrong.clone() } else { Vec::new() };
    let title = if wrong.is_empty() { "audit.search" } else { "audit.search-wrong" };
    let mut shown = SearchPage {
        frame: framed(&visit, title),
        filters: query::filters(&visit, &FILTERS, &fields, &wrong),
        wrong: !wrong.is_empty(),
        searched: false,
        missing: false,
        found: Vec::new(),
        next: None,
        until: None,
        query: fields.to_query(&FILTERS),
        saved,
        name_wrong: fields.get("name") == "wrong",
    };
    if !asked {
        return answer_page(&shown);
    }
    if shown.wrong {
        return with_status(&shown, StatusCode::UNPROCESSABLE_ENTITY);
    }
    match visit.gateway().search_log(&visit.visitor, read.ask).await {
        Ok(answer) => {
            let names = Names::of(&visit, table::accounts(&answer)).await?;
            shown.found = answer.rows.iter().map(|row| found(&visit, row, &names)).collect();
            shown.next = next(&answer, &shown.query);
            shown.until = until(&answer);
            shown.searched = true;
            answer_page(&shown)
        }
        // A pseudonym of another view, or of nobody: an empty answer, as for anybody nobody looked at.
        Err(Failure::NotFound) => {
            shown.searched = true;
            answer_page(&shown)
        }
        Err(Failure::Unclear(_)) => {
            shown.missing = true;
            shown.frame = framed(&visit, "audit.search-wrong");
            with_status(&shown, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(failure) => Err(stopped(failure)),
    }
}

/// Up to when the log was looked at, when there is more of it.
pub fn until(answer: &LogAnswer) -> Option<String> {
    let place = answer.next.as_deref().and_then(parse_cursor)?;
    Some(when(&Moment::from_millis(place.time).to_string()))
}

/// The address of the next page.
fn next(answer: &LogAnswer, query: &str) -> Option<String> {
    answer.next.as_ref().map(|cursor| format!("/audit?{query}&after={}", escaped(cursor)))
}

fn found(visit: &SignedIn, row: &Map<String, Value>, names: &Names) -> Found {
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let words = |name: &str| table::cell(visit, name, row.get(name).unwrap_or(&Value::Null), names);
    let whole = |names: &[&str]| {
        let all: Vec<String> = names.iter().map(|n| words(n)).filter(|w| !w.is_empty()).collect();
        all.join(", ")
    };
    let decision: Vec<String> =
        ["outcome", "reason", "shown", "withheld"].iter().map(|n| words(n)).filter(|w| !w.is_empty()).collect();
    Found {
        id: text("entry"),
        time: when(&text("time")),
        who: words("actor"),
        hat: whole(&["role", "team", "agency"]),
        did: words("event"),
        whose: ["subject", "case"].map(words).into_iter().filter(|w| !w.is_empty()).collect(),
        why: words("purpose"),
        decision: decision.join(". "),
    }
}

/// Keeps the search under a name.
pub async fn save(visit: SignedIn, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    auditor(&visit)?;
    // Read again as filters: nothing else is kept, and nothing else is put into an address later.
    let query = Fields::of_text(fields.get("query"))?.to_query(&FILTERS);
    match visit.gateway().save_search(&visit.visitor, fields.get("name"), &query).await {
        Ok(()) => Ok(go(&format!("/audit?{query}"))),
        Err(Failure::Unclear(_)) => Ok(go_undone(&format!("/audit?{query}&name=wrong"))),
        Err(failure) => Err(failure.into()),
    }
}

/// Forgets a kept search.
pub async fn forget(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    auditor(&visit)?;
    visit.gateway().forget_search(&visit.visitor, &path).await?;
    Ok(go("/audit"))
}

/// A frame of the console.
pub fn framed(visit: &SignedIn, key: &str) -> Frame {
    Frame::of(visit, Text::english().find(key).unwrap_or_default().to_owned(), None)
}
