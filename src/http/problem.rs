//! Errors as the outside sees them: `application/problem+json` with a code, a pointer and a position, never a value.
//!
//! The one place where errors of the floors below become statuses. Two different causes that must look the same
//! (another's item and no item; every refused certificate) are one constructor here.
//!
//! # Source
//! RFC 9457 (problem details), RFC 9110 §15 (status codes).

use crate::diagnostic::{Code, Diagnostic, code};
use crate::exchange::Failure;
use crate::trust::Fault;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Value, json};
use std::fmt;

/// Most faults of one message that are listed; more do not help to mend it.
const ERRORS_MAX: usize = 50;
/// Media type of every error.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// An error on its way out.
#[derive(Clone, PartialEq, Debug)]
pub struct Problem {
    status: StatusCode,
    code: Code,
    title: String,
    /// A stable reason word of a refusal the requester may know of.
    reason: Option<&'static str>,
    errors: Vec<Diagnostic>,
    retry_after: Option<u64>,
    allow: Option<&'static str>,
}

impl Problem {
    fn new(status: StatusCode, code: Code, title: impl Into<String>) -> Self {
        Self { status, code, title: title.into(), reason: None, errors: Vec::new(), retry_after: None, allow: None }
    }

    /// The certificate is not, or no longer, taken: the same answer for every reason, so that nothing is learned.
    #[must_use]
    pub fn not_admitted() -> Self {
        Self::new(StatusCode::FORBIDDEN, code::TRUST_REFUSED, "this certificate is not accepted here")
    }
    /// No such item or message for this caller, whether or not another has it.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, code::HTTP_NOT_FOUND, "nothing with this id is here for this system")
    }
    /// No such path.
    #[must_use]
    pub fn no_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, code::HTTP_ROUTE, "there is no such path; see /api/v1/openapi.json")
    }
    /// The path does not take this method.
    #[must_use]
    pub fn method(allow: &'static str) -> Self {
        let problem =
            Self::new(StatusCode::METHOD_NOT_ALLOWED, code::HTTP_ROUTE, "this path does not take this method");
        Self { allow: Some(allow), ..problem }
    }
    /// The body is larger than the gateway takes.
    #[must_use]
    pub fn too_large(bytes_max: usize) -> Self {
        let title = format!("the body is larger than {bytes_max} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, code::HTTP_BODY_LIMIT, title)
    }
    /// The body did not arrive in time, or broke off.
    #[must_use]
    pub fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, code::HTTP_TIMEOUT, "the body did not arrive whole and in time")
    }
    /// Too many requests; try again after `seconds`.
    #[must_use]
    pub fn too_many(seconds: u64) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, code::HTTP_RATE, "this system asks too often");
        Self { retry_after: Some(seconds), ..problem }
    }
    /// Too many large bodies at once; try again after `seconds`.
    #[must_use]
    pub fn busy(seconds: u64) -> Self {
        let problem =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, code::HTTP_BUSY, "too many large messages are being read");
        Self { retry_after: Some(seconds), ..problem }
    }
    /// The media type or `?format=` is not the system's.
    #[must_use]
    pub fn media_type(format: &str, types: &[&str]) -> Self {
        let title = format!("this system sends {format}: Content-Type one of {}", types.join(", "));
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, code::HTTP_MEDIA_TYPE, title)
    }
    /// The client takes nothing this path writes.
    #[must_use]
    pub fn not_acceptable() -> Self {
        let title = "this path writes application/fhir+json";
        Self::new(StatusCode::NOT_ACCEPTABLE, code::HTTP_MEDIA_TYPE, title)
    }
    /// A header or query parameter is wrong; `title` names it, never its value.
    #[must_use]
    pub fn parameter(title: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code::HTTP_PARAMETER, title)
    }
    /// A JSON body of the gateway's own API is wrong.
    #[must_use]
    pub fn body(diagnostic: Diagnostic) -> Self {
        let problem = Self::new(StatusCode::BAD_REQUEST, diagnostic.code, diagnostic.message.clone());
        Self { errors: vec![diagnostic], ..problem }
    }
    /// The user assertion is not taken.
    #[must_use]
    pub fn assertion(fault: Fault) -> Self {
        Self::new(StatusCode::FORBIDDEN, code::TRUST_ASSERTION, fault.to_string())
    }

    /// After how many seconds to try again.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }

    /// The status, for metrics.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// As FHIR's OperationOutcome, for clients that ask for it: the same codes and places.
    ///
    /// # Source
    /// FHIR R4 OperationOutcome, value set `issue-type`; `expression` is FHIRPath.
    #[must_use]
    pub fn outcome(&self) -> Value {
        let coding = |system: &str, code: &str| json!({"system": system, "code": code});
        let mut codings = vec![coding("urn:solent:code", self.code.as_str())];
        codings.extend(self.reason.map(|reason| coding("urn:solent:reason", reason)));
        let mut first = json!({
            "severity": "error", "code": self.issue_type(), "details": {"coding": codings, "text": self.title},
        });
        let mut issues: Vec<Value> = self.errors.iter().take(ERRORS_MAX).map(|e| self.issue(e)).collect();
        if let (Some(Value::Object(worst)), Value::Object(members)) = (issues.first_mut(), &mut first) {
            // The title goes with the first fault, not beside it.
            worst.insert("details".to_owned(), members.remove("details").unwrap_or_default());
        } else {
            issues.push(first);
        }
        json!({"resourceType": "OperationOutcome", "issue": issues})
    }

    fn issue(&self, fault: &Diagnostic) -> Value {
        let coding = json!([{"system": "urn:solent:code", "code": fault.code.as_str()}]);
        let mut issue = json!({
            "severity": "error", "code": self.issue_type(), "details": {"coding": coding}, "diagnostics": fault.message,
        });
        let place = fault.pointer.as_deref().and_then(fhir_path);
        if let (Value::Object(members), Some(place)) = (&mut issue, place) {
            members.insert("expression".to_owned(), json!([place]));
        }
        issue
    }

    fn issue_type(&self) -> &'static str {
        let guard = self.code == code::SHARING_GUARD;
        let syntax = [code::DOC_SYNTAX, code::DOC_LIMIT, code::DOC_FORBIDDEN, code::HTTP_BODY].contains(&self.code);
        match self.status.as_u16() {
            400 if syntax => "structure",
            422 if guard => "business-rule",
            400 | 422 => "invalid",
            403 if self.code == code::TRUST_ASSERTION => "login",
            403 if self.code == code::TRUST_REFUSED => "security",
            403 => "forbidden",
            404 => "not-found",
            405 | 406 | 415 => "not-supported",
            408 => "timeout",
            409 if self.code == code::HTTP_CONFLICT => "duplicate",
            409 => "conflict",
            410 => "deleted",
            413 => "too-long",
            429 => "throttled",
            503 => "transient",
            _ => "exception",
        }
    }

    fn invalid(errors: Vec<Diagnostic>) -> Self {
        let first = errors.first().map_or(code::SCHEMA_INVALID, |d| d.code);
        let syntax = [code::DOC_SYNTAX, code::DOC_LIMIT, code::DOC_FORBIDDEN].contains(&first);
        let (status, title) = if syntax {
            (StatusCode::BAD_REQUEST, "the message is not well formed")
        } else {
            (StatusCode::UNPROCESSABLE_ENTITY, "the message is well formed but not valid")
        };
        Self { errors, ..Self::new(status, first, title) }
    }

    fn json(&self) -> Value {
        let mut body = json!({
            "type": format!("urn:solent:problem:{}", self.code),
            "title": self.title,
            "status": self.status.as_u16(),
            "code": self.code.as_str(),
        });
        let Value::Object(members) = &mut body else { return body };
        if let Some(reason) = self.reason {
            members.insert("reason".to_owned(), json!(reason));
        }
        if let Some(first) = self.errors.first() {
            members.extend(place(first));
            members.insert("detail".to_owned(), json!(first.message));
            let listed: Vec<Value> = self.errors.iter().take(ERRORS_MAX).map(entry).collect();
            members.insert("errors".to_owned(), Value::Array(listed));
            if self.errors.len() > ERRORS_MAX {
                members.insert("errors_in_all".to_owned(), json!(self.errors.len()));
            }
        }
        body
    }
}

/// A JSON pointer as FHIRPath from the resource; `None` where a step is no element's name.
fn fhir_path(pointer: &str) -> Option<String> {
    let mut path = String::new();
    for step in pointer.strip_prefix('/')?.split('/') {
        let index = !step.is_empty() && step.bytes().all(|b| b.is_ascii_digit());
        let name =
            step.starts_with(|c: char| c.is_ascii_alphabetic()) && step.bytes().all(|b| b.is_ascii_alphanumeric());
        match (index, name) {
            (true, _) if !path.is_empty() => path.push_str(&format!("[{step}]")),
            (_, true) if path.is_empty() => path.push_str(step),
            (_, true) => path.push_str(&format!(".{step}")),
            _ => return None,
        }
    }
    Some(path)
}

fn place(diagnostic: &Diagnostic) -> serde_json::Map<String, Value> {
    let mut members = serde_json::Map::new();
    if let Some(pointer) = &diagnostic.pointer {
        members.insert("pointer".to_owned(), json!(pointer));
    }
    if let Some(position) = diagnostic.position {
        members.insert("position".to_owned(), json!({ "line": position.line, "column": position.column }));
    }
    members
}

fn entry(diagnostic: &Diagnostic) -> Value {
    let mut members = serde_json::Map::new();
    members.insert("code".to_owned(), json!(diagnostic.code.as_str()));
    members.insert("message".to_owned(), json!(diagnostic.message));
    members.extend(place(diagnostic));
    if let Some(expected) = &diagnostic.expected {
        members.insert("expected".to_owned(), json!(expected));
    }
    if let Some(help) = &diagnostic.help {
        members.insert("help".to_owned(), json!(help));
    }
    Value::Object(members)
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Invalid(errors) => Self::invalid(errors),
            Failure::Conflict => {
                Self::new(StatusCode::CONFLICT, code::HTTP_CONFLICT, "this Idempotency-Key was used for another body")
            }
            Failure::Unclear(title) => Self::parameter(title),
            Failure::Changed => {
                Self::new(StatusCode::CONFLICT, code::EXCHANGE_CHANGED, "this was changed by somebody else meanwhile")
            }
            Failure::NotFound => Self::not_found(),
            Failure::Gone => Self::new(StatusCode::GONE, code::HTTP_GONE, "this item has been settled"),
            Failure::Refused { reason } => {
                let problem = Self::new(StatusCode::FORBIDDEN, code::EXCHANGE_REFUSED, "the request is refused");
                Self { reason: Some(reason), ..problem }
            }
            Failure::NotAcceptable(errors) => {
                let title = "what may be released cannot be written in this system's format";
                Self { errors, ..Self::new(StatusCode::NOT_ACCEPTABLE, code::EXCHANGE_FORMAT, title) }
            }
            Failure::LogUnavailable => {
                let title = "the audit log is not available, so nothing is released";
                let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, code::EXCHANGE_UNAVAILABLE, title);
                Self { retry_after: Some(5), ..problem }
            }
            Failure::Store(_) => {
                let title = "the store is not available";
                let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, code::EXCHANGE_UNAVAILABLE, title);
                Self { retry_after: Some(5), ..problem }
            }
            Failure::Inconsistent(_) => {
                let title = "the gateway cannot answer this; its operator has been told";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, code::EXCHANGE_UNAVAILABLE, title)
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status.as_u16(), self.code)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }
    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::build(self.status);
        if let Some(seconds) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        if let Some(allow) = self.allow {
            response.insert_header((header::ALLOW, HeaderValue::from_static(allow)));
        }
        response.content_type(PROBLEM_JSON).body(self.json().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Position;

    #[test]
    fn a_schema_fault_becomes_422_with_code_pointer_and_position() {
        let fault = Diagnostic::error(code::SCHEMA_INVALID, "the value is not in the code list")
            .with_pointer("/Children/0/Sex")
            .with_position(Position { line: 3, column: 14 });
        let problem = Problem::from(Failure::Invalid(vec![fault]));
        assert_eq!(problem.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let body = problem.json();
        assert_eq!(body["code"], "SOL-SCHEMA-INVALID");
        assert_eq!(body["pointer"], "/Children/0/Sex");
        assert_eq!(body["position"], json!({ "line": 3, "column": 14 }));
        assert_eq!(body["errors"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn every_failure_of_a_story_has_a_status_and_a_code() {
        for (failure, expected) in [
            (Failure::Conflict, "409 SOL-HTTP-CONFLICT"),
            (Failure::Changed, "409 SOL-EXCHANGE-CHANGED"),
            (Failure::NotFound, "404 SOL-HTTP-NOT-FOUND"),
            (Failure::Gone, "410 SOL-HTTP-GONE"),
            (Failure::Refused { reason: "D-REL" }, "403 SOL-EXCHANGE-REFUSED"),
            (Failure::NotAcceptable(Vec::new()), "406 SOL-EXCHANGE-FORMAT"),
            (Failure::LogUnavailable, "503 SOL-EXCHANGE-UNAVAILABLE"),
            (Failure::Inconsistent("a row is missing"), "500 SOL-EXCHANGE-UNAVAILABLE"),
        ] {
            let problem = Problem::from(failure);
            assert_eq!(problem.to_string(), expected);
            assert!(!problem.json().to_string().contains("row"), "the inside stays inside");
        }
        assert_eq!(Problem::busy(10).to_string(), "503 SOL-HTTP-BUSY");
    }

    #[test]
    fn a_syntax_fault_becomes_400_and_long_lists_are_cut() {
        let fault = Diagnostic::error(code::DOC_SYNTAX, "a value is missing");
        let problem = Problem::from(Failure::Invalid(vec![fault; 60]));
        assert_eq!(problem.status(), StatusCode::BAD_REQUEST);
        assert_eq!(problem.json()["errors"].as_array().map(Vec::len), Some(ERRORS_MAX));
        assert_eq!(problem.json()["errors_in_all"], 60);
    }
}
