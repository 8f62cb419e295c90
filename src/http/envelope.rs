//! What every answer carries and every request leaves: a request id, security headers, a counter, one log line.
//!
//! The log line holds route pattern, status and time: no path as sent, no query, no peer address, nothing of a body.

use super::door::Door;
use actix_web::body::MessageBody;
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
pub(super) async fn wrap<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let id = RequestId(Uuid::now_v7());
    request.extensions_mut().insert(id);
    let started = Instant::now();
    let method = method_word(request.method());
    let door = request.app_data::<web::Data<Door>>().cloned();
    let mut response = next.call(request).await?;
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
