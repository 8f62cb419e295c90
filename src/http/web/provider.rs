//! Signing in at a provider: out to its page, and back with a code.
//!
//! Both ways are plain links: a form of ours may only lead to ourselves. The cookie of a sign-in under way is sealed, lives for
//! minutes, and is the one cookie here that comes back from another site's page; it opens nothing.

use super::answer::{Stop, page, with_status};
use super::frame::Frame;
use super::visit::{Pages, cookie, pages, request_id};
use crate::exchange::SignInFailure;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use std::sync::Arc;

/// Where a provider sends browsers back to.
pub const RETURN: &str = "/sign-in/provider/return";
const COOKIE: &str = "__Host-solent-signing-in";
/// How long the cookie lives, in seconds: as long as somebody may take at the provider.
const COOKIE_SECONDS: i64 = 600;

/// What a provider sends along.
#[derive(Deserialize)]
pub struct Back {
    state: Option<String>,
    code: Option<String>,
}

#[derive(Template)]
#[template(path = "signed_in.html")]
struct SignedInPage {
    frame: Frame,
}

#[derive(Template)]
#[template(path = "stop.html")]
struct NotSignedInPage {
    frame: Frame,
    words: &'static str,
    href: &'static str,
    next: &'static str,
}

/// Out to the provider.
pub async fn out(request: HttpRequest) -> Result<HttpResponse, Stop> {
    let pages = with_provider(&request)?;
    if !pages.may_try(&request) {
        return Err(Stop::TooMany);
    }
    let pending = pages.gateway().begin_at_provider().await?;
    let kept = own(pending.sealed).max_age(Duration::seconds(COOKIE_SECONDS)).finish();
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, pending.url)).cookie(kept).finish())
}

/// Back from it. Who is signed in now gets a page that leads on by itself: the session's cookie is not sent along while a
/// browser is still on its way from another site.
pub async fn back(request: HttpRequest, given: web::Query<Back>) -> Result<HttpResponse, Stop> {
    let pages = with_provider(&request)?;
    if !pages.may_try(&request) {
        return Err(Stop::TooMany);
    }
    let sealed = request.cookie(COOKIE).map(|c| c.value().to_owned()).unwrap_or_default();
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let (state, code) = (text(&given.state), text(&given.code));
    let done = pages.gateway().end_at_provider(&sealed, &state, &code, &request_id(&request)).await;
    let mut gone = own(String::new()).finish();
    gone.make_removal();
    let mut response = match &done {
        Ok(_) => page(&SignedInPage { frame: Frame::open("signed-in.title") })?,
        Err(SignInFailure::Refused) => not_signed_in()?,
        Err(SignInFailure::Failed(_)) => return done.map_err(failed).map(|_| HttpResponse::Ok().finish()),
    };
    let cookies = done.iter().map(|signed_in| cookie(&signed_in.token)).chain([gone]);
    for one in cookies {
        response.add_cookie(&one).map_err(|_| Stop::Broken)?;
    }
    Ok(response)
}

/// The pages, where there is a provider; else these addresses are none.
fn with_provider(request: &HttpRequest) -> Result<Arc<Pages>, Stop> {
    pages(request).and_then(|pages| pages.gateway().provider_name().is_some().then_some(pages).ok_or(Stop::Missing))
}

fn failed(failure: SignInFailure) -> Stop {
    match failure {
        SignInFailure::Refused => Stop::Refused,
        SignInFailure::Failed(failure) => failure.into(),
    }
}

fn not_signed_in() -> Result<HttpResponse, Stop> {
    let frame = Frame::open("sign-in.failed");
    let words = frame.say("sign-in.provider.wrong");
    let next = frame.say("sign-in.go");
    with_status(&NotSignedInPage { frame, words, href: "/", next }, StatusCode::FORBIDDEN)
}

/// Sent along when a browser comes back from the provider by a plain link, and only then.
fn own(value: String) -> actix_web::cookie::CookieBuilder<'static> {
    Cookie::build(COOKIE, value).path("/").secure(true).http_only(true).same_site(SameSite::Lax)
}
