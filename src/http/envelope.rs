//! What every answer carries and every request leaves: a request id, security headers, a counter, one log line.
//!
//! The log line holds route pattern, status and time: no path as sent, no query, no peer address, nothing of a body.

use super::Problem;
use super::door::Door;
use actix_web::HttpResponseBuilder;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, web};
use std::fmt;
use std::time::Instant;
use uuid::Uuid;

/// Header with the gateway's own id of the request. Ids that clients send are not taken over.
const REQUEST_ID: HeaderName = HeaderName::from_static("solent-request-id");

/// The gateway's own id of a request (UUID version 7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RequestId(Uuid);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Wraps every request of the door.
pub(super) async fn wrap<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let id = RequestId(Uuid::now_v7());
    request.extensions_mut().insert(id);
    let started = Instant::now();
    let method = method_word(request.method());
    let door = request.app_data::<web::Data<Door>>().cloned();
    let outcome = wants_outcome(&request);
    let response = next.call(request).await?;
    let mut response = if outcome { as_outcome(response) } else { response.map_into_left_body() };
    let route = response.request().match_pattern().unwrap_or_else(|| "other".to_owned());
    let status = response.status().as_u16();
    let took = started.elapsed();
    tracing::info!(request = %id, method, route, status, millis = took.as_millis(), "answered");
    if let Some(door) = door {
        door.metrics.request(route, method, status, took);
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
    for (name, value) in HEADERS {
        // Pages say themselves what they may load, and the style sheet how long it keeps.
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    Ok(response)
}

/// Media type of FHIR in JSON, as it is written.
pub(super) const FHIR_JSON: &str = "application/fhir+json; fhirVersion=4.0";

/// Whether errors of this request are to be FHIR's: it asks for FHIR at a path of FHIR.
fn wants_outcome(request: &ServiceRequest) -> bool {
    let fhir = |range: &str| {
        range.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/fhir+json"))
    };
    let mut accepted = request.headers().get_all(header::ACCEPT).filter_map(|v| v.to_str().ok());
    request.path().starts_with("/fhir/r4/") && accepted.any(|text| text.split(',').any(fhir))
}

/// A problem as an OperationOutcome with the same status and headers; everything else as it is.
fn as_outcome<B: MessageBody>(response: ServiceResponse<B>) -> ServiceResponse<EitherBody<B>> {
    let problem = response.response().error().and_then(|e| e.as_error::<Problem>());
    let Some(outcome) = problem.map(Problem::outcome) else { return response.map_into_left_body() };
    let mut answer = HttpResponseBuilder::new(response.status());
    for (name, value) in response.headers().iter().filter(|(name, _)| **name != header::CONTENT_TYPE) {
        answer.append_header((name.clone(), value.clone()));
    }
    let answer = answer.content_type(FHIR_JSON).body(outcome.to_string());
    response.into_response(answer.map_into_right_body())
}

/// Nothing is cached, framed, sniffed or executed.
///
/// # Source
/// RFC 9111 §5.2.2.5 (`no-store`), RFC 6797 (HSTS), OWASP REST security headers.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000"),
];

/// The method as one of a few words, because a client may send any token as a method.
fn method_word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}
