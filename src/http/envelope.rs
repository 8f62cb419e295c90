//! What every answer carries and every request leaves: a request id, security headers, a counter, one log line.
//!
//! The log line holds route pattern, status and time: no path as sent, no query, no peer address, nothing of a body.

use super::Problem;
use super::door::Door;
use super::web::is_page;
use actix_http::BoxedPayloadStream;
use actix_web::HttpResponseBuilder;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::Method;
use actix_web::http::Version;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage as _, web};
use futures_util::{Stream, StreamExt as _};
use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
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
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let id = RequestId(Uuid::now_v7());
    request.extensions_mut().insert(id);
    let started = Instant::now();
    let method = method_word(request.method());
    let door = request.app_data::<web::Data<Door>>().cloned();
    let outcome = wants_outcome(&request);
    if request.method() == Method::HEAD && door.as_ref().is_some_and(|d| d.pages.is_some()) && is_page(request.path()) {
        // The server leaves the body of the answer out by itself. For machines a GET may release something: they say GET.
        request.head_mut().method = Method::GET;
    }
    let rest = keep_rest(&mut request);
    let response = next.call(request).await?;
    if let Some(rest) = rest.filter(|_| !response.status().is_success()) {
        throw_away(&rest).await;
    }
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

/// How long, and how much of, the rest of a body is read and thrown away before an early answer goes out over HTTP/2.
const REST_TIME: Duration = Duration::from_secs(5);
/// See [`REST_TIME`]; in bytes, several of the largest bodies taken.
const REST_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The body of a request, of which something may be left when the handler is done.
#[derive(Clone)]
struct Rest(Rc<RefCell<Payload>>);

impl Stream for Rest {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}

/// Over HTTP/2 an answer that comes before the whole body is followed by a reset of the stream (RFC 9113 §8.1), and clients in use
/// (curl before 8) then lose the answer. Over HTTP/1.1 the server lingers by itself.
fn keep_rest(request: &mut ServiceRequest) -> Option<Rest> {
    if request.version() != Version::HTTP_2 || matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let rest = Rest(Rc::new(RefCell::new(request.take_payload())));
    let stream: BoxedPayloadStream = Box::pin(rest.clone());
    request.set_payload(Payload::from(stream));
    Some(rest)
}

async fn throw_away(rest: &Rest) {
    let deadline = tokio::time::Instant::now() + REST_TIME;
    let (mut rest, mut left) = (rest.clone(), REST_BYTES_MAX);
    while let Ok(Some(Ok(chunk))) = tokio::time::timeout_at(deadline, rest.next()).await {
        match left.checked_sub(chunk.len()) {
            Some(fewer) => left = fewer,
            None => return,
        }
    }
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
const HEADERS: [(HeaderName, &str); 9] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000"),
    // For browsers that do not know frame-ancestors; and nothing of ours is in another site's window or page.
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
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
