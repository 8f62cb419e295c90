//! `/api/v1/audit/…` and `/fhir/r4/AuditEvent`: an auditor asks the log.
//!
//! The user comes from a signed assertion in the header `Solent-Assertion`; the calling system's certificate is not enough.
//! Owns the reading of the query: every name known, every value bounded. Dates are required.

use super::{Caller, Problem, id};
use crate::audit::{Event, Outcome};
use crate::clock::Moment;
use crate::exchange::{AlertState, Ask, LogForm, LogReply, LogRequest, QuestionId, fhir_bundle, parse_cursor};
use crate::http::Door;
use crate::http::envelope::FHIR_JSON;
use crate::trust::UserAssertion;
use crate::vocabulary::{Category, Purpose, Role};
use actix_web::http::header::LINK;
use actix_web::{HttpRequest, HttpResponse, web};
use std::collections::BTreeMap;

/// Longest value of a parameter, in bytes.
const VALUE_BYTES_MAX: usize = 1024;

/// One of the twenty questions.
pub(super) async fn question(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<String>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let question = QuestionId::parse(&path).ok_or_else(Problem::not_found)?;
    let (ask, form) = read(&request)?;
    reply(&door, &caller, &request, LogRequest::Question(question, ask), form).await
}

/// Entries of a span.
pub(super) async fn entries(
    caller: Caller,
    request: HttpRequest,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let (ask, form) = read(&request)?;
    reply(&door, &caller, &request, LogRequest::Entries(ask), form).await
}

/// One entry.
pub(super) async fn entry(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<String>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let what = LogRequest::Entry(id(&path)?.to_owned());
    reply(&door, &caller, &request, what, LogForm::Json).await
}

/// The proof file of one entry.
pub(super) async fn proof(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<String>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let what = LogRequest::Proof(id(&path)?.to_owned());
    reply(&door, &caller, &request, what, LogForm::Json).await
}

/// Entries as FHIR: parameters `date` (`ge…` and `lt…`), `patient`, `agent`, `_count`, `_after`.
pub(super) async fn fhir(caller: Caller, request: HttpRequest, door: web::Data<Door>) -> Result<HttpResponse, Problem> {
    let mut ask = Ask::default();
    for (name, value) in pairs(&request)? {
        match name.as_str() {
            "date" => match value.split_at_checked(2) {
                Some(("ge", date)) => ask.from = moment(date)?,
                Some(("lt", date)) => ask.to = moment(date)?,
                _ => return Err(Problem::parameter("date: ge and lt, each once")),
            },
            "patient" | "patient:identifier" => ask.subject = Some(after_bar(&value)),
            "agent" | "agent:identifier" => ask.actor = Some(after_bar(&value)),
            "_count" => ask.limit = Some(number(&value)?),
            "_after" => {
                ask.after = Some(parse_cursor(&value).ok_or_else(|| Problem::parameter("_after is not a page"))?)
            }
            "_format" => {}
            _ => return Err(Problem::parameter("date, patient, agent, _count, _after and _format are known")),
        }
    }
    reply(&door, &caller, &request, LogRequest::AuditEvents(ask), LogForm::Json).await
}

fn after_bar(value: &str) -> String {
    value.rsplit('|').next().unwrap_or_default().to_owned()
}

/// The alerts of the officer's agency.
pub(super) async fn alerts(
    caller: Caller,
    request: HttpRequest,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let user = user(&door, &caller, &request)?;
    let found = door.stories.alerts(caller.story(), (user.account(), user.hat())).await?;
    Ok(HttpResponse::Ok().json(serde_json::json!({ "alerts": found })))
}

/// What an officer sends to move an alert on.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Settled {
    state: AlertState,
}

/// Moves an alert on.
pub(super) async fn settle(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let user = user(&door, &caller, &request)?;
    let declared = super::messages::declared_length(request.headers());
    if declared.is_some_and(|n| n > VALUE_BYTES_MAX as u64) {
        return Err(Problem::too_large(VALUE_BYTES_MAX));
    }
    let (bytes, _permit) = door.limits.read(payload, declared).await?.into_parts();
    let wrong = || Problem::parameter("state is investigating, justified, not-justified or closed");
    let settled: Settled = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
    let who = (user.account(), user.hat());
    let alert = door.stories.settle_alert(caller.story(), who, id(&path)?, settled.state).await?;
    Ok(HttpResponse::Ok().json(alert))
}

fn user(door: &Door, caller: &Caller, request: &HttpRequest) -> Result<UserAssertion, Problem> {
    let assertion = request.headers().get("solent-assertion").and_then(|v| v.to_str().ok());
    let assertion = assertion.ok_or_else(|| Problem::parameter("Solent-Assertion is missing"))?;
    door.assertions.verify(assertion, caller.system(), door.clock.now()).map_err(Problem::assertion)
}

async fn reply(
    door: &Door,
    caller: &Caller,
    request: &HttpRequest,
    what: LogRequest,
    form: LogForm,
) -> Result<HttpResponse, Problem> {
    let user = user(door, caller, request)?;
    match door.stories.ask_log(caller.story(), (user.account(), user.hat()), what, form).await? {
        LogReply::Json(value) => Ok(HttpResponse::Ok().json(value)),
        LogReply::Text(kind, text, next) => {
            let mut response = HttpResponse::Ok();
            if let Some(next) = next {
                response.insert_header((LINK, format!("<{}>; rel=\"next\"", following(request, &next))));
            }
            Ok(response.content_type(kind).body(text))
        }
        LogReply::Events(events, next) => {
            let this = request.uri().to_string();
            let base = this.split("&_after=").next().unwrap_or_default().to_owned();
            let next = next.map(|cursor| format!("{base}&_after={}", escaped(&cursor)));
            let bundle = fhir_bundle(events, &this, next.as_deref());
            Ok(HttpResponse::Ok().content_type(FHIR_JSON).body(bundle.to_string()))
        }
    }
}

/// The same question from a cursor on: a table has no other place that says there is more (RFC 8288).
fn following(request: &HttpRequest, cursor: &str) -> String {
    let rest = request.query_string().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("after="));
    let pairs: Vec<&str> = rest.collect();
    format!("{}?{}&after={}", request.path(), pairs.join("&"), escaped(cursor))
}

/// A cursor holds digits, dots, and an origin. What a query may hold as it is, stays (RFC 3986 §3.4).
fn escaped(cursor: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'/' | b':');
    cursor.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn pairs(request: &HttpRequest) -> Result<Vec<(String, String)>, Problem> {
    let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let pairs = query.map_err(|_| Problem::parameter("the query cannot be read"))?.into_inner();
    let fits = |text: &str| text.len() <= VALUE_BYTES_MAX && !text.contains('\0');
    if pairs.iter().all(|(name, value)| fits(name) && fits(value)) {
        Ok(pairs)
    } else {
        Err(Problem::parameter("a parameter is too long"))
    }
}

fn moment(text: &str) -> Result<i64, Problem> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let wrong = || Problem::parameter("a date is year-month-day, or a moment in UTC");
    Ok(Moment::parse(&whole).ok_or_else(wrong)?.millis())
}

fn number(text: &str) -> Result<usize, Problem> {
    let number = text.parse::<usize>().ok().filter(|n| (1..=500).contains(n));
    number.ok_or_else(|| Problem::parameter("a page has 1 to 500 rows"))
}

fn read(request: &HttpRequest) -> Result<(Ask, LogForm), Problem> {
    let mut given: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in pairs(request)? {
        if given.insert(name, value).is_some() {
            return Err(Problem::parameter("a parameter stands twice"));
        }
    }
    let mut take = |name: &str| given.remove(name).filter(|v| !v.is_empty());
    let list =
        |text: Option<String>| -> Vec<String> { text.iter().flat_map(|t| t.split(',')).map(str::to_owned).collect() };
    let (from, to) = (take("from"), take("to"));
    let (Some(from), Some(to)) = (from, to) else { return Err(Problem::parameter("from and to are required")) };
    let categories: Option<Vec<Category>> = list(take("categories")).iter().map(|c| Category::parse(c)).collect();
    let known = |text: Option<String>, wrong: &'static str, ok: bool| match text {
        Some(_) if !ok => Err(Problem::parameter(wrong)),
        _ => Ok(()),
    };
    let (event, role) = (take("event"), take("role"));
    let read_event = event.as_deref().and_then(Event::parse);
    let read_role = role.as_deref().and_then(Role::parse);
    known(event, "there is no such event", read_event.is_some())?;
    known(role, "there is no such role", read_role.is_some())?;
    let (purpose, outcome) = (take("purpose"), take("outcome"));
    let read_purpose = purpose.as_deref().and_then(Purpose::parse);
    let read_outcome = outcome.as_deref().and_then(Outcome::parse);
    known(purpose, "there is no such purpose", read_purpose.is_some())?;
    known(outcome, "there is no such outcome", read_outcome.is_some())?;
    let after = take("after").map(|text| parse_cursor(&text).ok_or_else(|| Problem::parameter("after is not a page")));
    let form = match take("form").as_deref() {
        None | Some("json") => LogForm::Json,
        Some("csv") => LogForm::Csv,
        Some("jsonl") => LogForm::Lines,
        Some(_) => return Err(Problem::parameter("form is json, csv or jsonl")),
    };
    let ask = Ask {
        from: moment(&from)?,
        to: moment(&to)?,
        subject: take("subject"),
        actor: take("actor"),
        linked: list(take("linked")),
        agency: take("agency"),
        entry: take("entry"),
        message: take("message"),
        segment: take("segment"),
        event: read_event,
        role: read_role,
        categories: categories.ok_or_else(|| Problem::parameter("there is no such category"))?,
        after: after.transpose()?,
        limit: take("limit").map(|text| number(&text)).transpose()?,
        case: take("case"),
        hat: take("hat"),
        purpose: read_purpose,
        outcome: read_outcome,
        reason: take("reason"),
        ..Ask::default()
    };
    if given.is_empty() { Ok((ask, form)) } else { Err(Problem::parameter("a parameter is not known")) }
}
