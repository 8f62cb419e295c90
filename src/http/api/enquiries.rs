//! `POST /api/v1/enquiries`: a user of a connected system asks, under a hat and a purpose.
//!
//! The user comes from a signed assertion, never from the body. The body is read strictly: unknown and repeated
//! members are refused, and an error names the line, never what stood there.

use super::messages::declared_length;
use super::{Caller, Problem, mailbox};
use crate::diagnostic::{Diagnostic, Position, code};
use crate::exchange::{Enquiry, Subject};
use crate::http::Door;
use crate::ident::PersonId;
use crate::vocabulary::{Category, Purpose};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::error::Category as Fault;

/// Largest body of an enquiry, in bytes: an assertion of up to 4 KiB and a few short members.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// Longest identifier, id or date, in bytes.
const TEXT_BYTES_MAX: usize = 128;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    assertion: String,
    purpose: Purpose,
    subject: About,
    categories: Vec<Category>,
    #[serde(default, rename = "override")]
    override_id: Option<String>,
    #[serde(default)]
    delegation: Option<String>,
    #[serde(default)]
    opening: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    person: Option<String>,
    identifier: Option<Identifier>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identifier {
    scheme: String,
    value: String,
    birth_date: String,
}

/// Answers in the system's format, with the receipt of the answer's audit entry.
pub(super) async fn ask(
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let json = |t: &str| t.split(';').next().is_some_and(|t| t.trim().eq_ignore_ascii_case("application/json"));
    let content_type = request.headers().get("content-type").and_then(|v| v.to_str().ok());
    if !content_type.is_some_and(json) {
        return Err(Problem::media_type("an enquiry", &["application/json"]));
    }
    let declared = declared_length(request.headers());
    if declared.is_some_and(|n| n > BODY_BYTES_MAX as u64) {
        return Err(Problem::too_large(BODY_BYTES_MAX));
    }
    let (bytes, _permit) = door.limits.read(payload, declared).await?.into_parts();
    if bytes.len() > BODY_BYTES_MAX {
        return Err(Problem::too_large(BODY_BYTES_MAX));
    }
    let question: Question = serde_json::from_slice(&bytes).map_err(|e| Problem::body(fault(&e)))?;
    let subject = subject(question.subject).map_err(Problem::body)?;
    let categories = distinct(question.categories).map_err(Problem::body)?;
    let user =
        door.assertions.verify(&question.assertion, caller.system(), door.clock.now()).map_err(Problem::assertion)?;
    let enquiry = Enquiry {
        account: user.account().clone(),
        hat: user.hat().clone(),
        purpose: question.purpose,
        subject,
        categories,
        override_id: short(question.override_id)?,
        delegation: short(question.delegation)?,
        opening: short(question.opening)?,
    };
    Ok(mailbox::released(door.stories.enquire(caller.story(), enquiry).await?))
}

/// What is wrong with the body. serde's own text may quote it, so only its kind and place are used.
fn fault(error: &serde_json::Error) -> Diagnostic {
    let (code, message) = match error.classify() {
        Fault::Data => (code::HTTP_BODY, "the body is JSON but not an enquiry"),
        _ => (code::DOC_SYNTAX, "the body is not JSON"),
    };
    let expected = "assertion, purpose, subject (person, or identifier with scheme, value and birth_date), categories";
    Diagnostic::error(code, message)
        .with_position(Position { line: error.line(), column: error.column() })
        .with_expected(expected)
}

fn subject(about: About) -> Result<Subject, Diagnostic> {
    let fits = |text: &str| !text.is_empty() && text.len() <= TEXT_BYTES_MAX && !text.contains('\0');
    let subject = match (about.person, about.identifier) {
        (Some(id), None) if fits(&id) => Some(Subject::Person(PersonId::new(id))),
        (None, Some(i)) => Some(i)
            .filter(|i| fits(&i.scheme) && fits(&i.value) && i.birth_date.parse::<jiff::civil::Date>().is_ok())
            .map(|i| Subject::Identifier { scheme: i.scheme, value: i.value, birth_date: i.birth_date }),
        _ => None,
    };
    let wrong = || {
        Diagnostic::error(code::HTTP_BODY, "the subject is not one person")
            .with_pointer("/subject")
            .with_expected("either person, or identifier with scheme, value and birth_date (year-month-day)")
    };
    subject.ok_or_else(wrong)
}

/// Never empty and never twice: an enquiry names what it needs (R22).
fn distinct(categories: Vec<Category>) -> Result<Vec<Category>, Diagnostic> {
    let mut sorted = categories;
    let count = sorted.len();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.is_empty() || sorted.len() != count {
        let text = "categories is empty or names one twice";
        return Err(Diagnostic::error(code::HTTP_BODY, text).with_pointer("/categories"));
    }
    Ok(sorted)
}

fn short(text: Option<String>) -> Result<Option<String>, Problem> {
    match text {
        Some(text) if text.is_empty() || text.len() > TEXT_BYTES_MAX || text.contains('\0') => {
            Err(Problem::body(Diagnostic::error(code::HTTP_BODY, "an id is empty or too long")))
        }
        other => Ok(other),
    }
}
