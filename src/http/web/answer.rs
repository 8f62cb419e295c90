//! Pages on their way out, and the few ways a request for one can stop.

use super::frame::Frame;
use super::text::Text;
use super::visit::no_cookie;
use crate::exchange::Failure;
use actix_web::body::BoxBody;
use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, LOCATION};
use actix_web::{HttpResponse, ResponseError};
use askama::Template;
use std::fmt;

/// Nothing but our own style sheet and forms to ourselves; pictures are inside the page.
///
/// # Source
/// W3C Content Security Policy Level 3.
pub const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A page with status 200.
pub fn page(template: &impl Template) -> Result<HttpResponse, Stop> {
    with_status(template, StatusCode::OK)
}

/// A page with a status of its own: 422 for a form that must be mended.
pub fn with_status(template: &impl Template, status: StatusCode) -> Result<HttpResponse, Stop> {
    let html = template.render().map_err(|_| Stop::Broken)?;
    Ok(html_response(status, html))
}

fn html_response(status: StatusCode, html: String) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    response.insert_header((CONTENT_SECURITY_POLICY, POLICY));
    response.content_type("text/html; charset=utf-8").body(html)
}

/// On to another page, after something was done: reloading it does nothing twice.
pub fn go(to: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, to)).finish()
}

/// What an answer carries when its form did nothing: sent again it is looked at again.
pub struct NothingDone;

/// On to another page, as there was nothing to do, or nothing could be done yet.
pub fn go_undone(to: &str) -> HttpResponse {
    let mut response = go(to);
    response.extensions_mut().insert(NothingDone);
    response
}

/// On to another page, with a new or ended session.
pub fn go_with(to: &str, cookie: Cookie<'static>) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, to)).cookie(cookie).finish()
}

/// On to another page with the session's end: what the browser kept of the pages goes, too.
///
/// # Source
/// W3C Clear Site Data.
pub fn go_out(to: &str, cookie: Cookie<'static>) -> HttpResponse {
    let mut response = go_with(to, cookie);
    response.headers_mut().insert(HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\""));
    response
}

/// Why there is no page. Each looks the same whatever it hides.
#[derive(Debug)]
pub enum Stop {
    /// Not signed in, or no longer.
    SignedOut,
    /// Signed in, no hat chosen yet.
    NoHat,
    /// Another page comes first.
    First(String),
    /// Nothing here for this visitor, whether or not it is there for another.
    Missing,
    /// The form is not from a page of this session.
    Forged,
    /// The form is larger than any of ours.
    TooLarge,
    /// What came in is no form.
    Malformed,
    /// Too many tries.
    TooMany,
    /// The request is refused, and the visitor may know.
    Refused,
    /// Something changed meanwhile: nothing was done.
    Changed,
    /// The store or the log cannot be used: nothing was shown, nothing was changed.
    Unavailable,
    /// An entry of the log that the page needs is not what was signed.
    Altered,
    /// A page could not be made.
    Broken,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotFound | Failure::Gone => Self::Missing,
            Failure::Refused { .. } => Self::Refused,
            Failure::LogUnavailable | Failure::Store(_) => Self::Unavailable,
            Failure::Changed | Failure::Conflict => Self::Changed,
            Failure::Unclear(_) => Self::Malformed,
            Failure::Invalid(_) | Failure::NotAcceptable(_) | Failure::Inconsistent(_) => Self::Broken,
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status_code().as_u16())
    }
}

/// A page that says why there is none.
#[derive(Template)]
#[template(path = "stop.html")]
struct StopPage {
    frame: Frame,
    words: &'static str,
    href: &'static str,
    next: &'static str,
}

impl ResponseError for Stop {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::SignedOut | Self::NoHat | Self::First(_) => StatusCode::SEE_OTHER,
            Self::Missing => StatusCode::NOT_FOUND,
            Self::Forged | Self::Refused => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Changed => StatusCode::CONFLICT,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Altered | Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let text = Text::english();
        let (title, words, next) = match self {
            Self::SignedOut => return go_with("/sign-in", no_cookie()),
            Self::NoHat => return go("/hat"),
            Self::First(page) => return go(page),
            Self::Missing => ("stop.missing", text.say("stop.missing.words"), text.say("stop.next.families")),
            Self::Forged => ("stop.forged", text.say("stop.forged.words"), text.say("stop.next.start")),
            Self::Refused => ("stop.refused", text.say("stop.refused.words"), text.say("stop.next.families")),
            Self::TooLarge | Self::Malformed => ("stop.form", text.say("stop.form.words"), text.say("stop.next.start")),
            Self::TooMany => ("stop.many", text.say("stop.many.words"), text.say("stop.next.start")),
            Self::Changed => ("stop.changed", text.say("stop.changed.words"), text.say("stop.next.start")),
            Self::Unavailable => ("stop.unavailable", text.say("stop.unavailable.words"), text.say("stop.next.start")),
            Self::Altered => ("stop.altered", text.say("stop.altered.words"), text.say("stop.next.integrity")),
            Self::Broken => ("stop.broken", text.say("stop.broken.words"), text.say("stop.next.start")),
        };
        let href = if matches!(self, Self::Altered) { "/audit/integrity" } else { "/" };
        let page = StopPage { frame: Frame::open(title), words, href, next };
        html_response(self.status_code(), page.render().unwrap_or_default())
    }
}

/// The page for a method that an address does not take.
pub fn not_taken(allow: &str) -> HttpResponse {
    let text = Text::english();
    let frame = Frame::open("stop.method");
    let page = StopPage { frame, words: text.say("stop.method.words"), href: "/", next: text.say("stop.next.start") };
    let mut response = html_response(StatusCode::METHOD_NOT_ALLOWED, page.render().unwrap_or_default());
    if let Ok(allow) = HeaderValue::from_str(allow) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}
