//! Signing in and out.

use super::answer::{Stop, go, go_out, go_with, page, with_status};
use super::fields::Fields;
use super::frame::Frame;
use super::visit::{Pages, SignedIn, cookie, no_cookie, pages, request_id};
use crate::exchange::SignInFailure;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    /// Whether the last try failed.
    failed: bool,
    /// Whether there is a demo to walk through.
    demo: bool,
    /// Where else one may sign in.
    provider: Option<String>,
    /// The name as typed, given back.
    name: String,
}

/// The form; somebody signed in already goes on to the first page.
pub async fn form(request: HttpRequest, visit: Option<SignedIn>) -> Result<HttpResponse, Stop> {
    if visit.is_some() {
        return Ok(go("/"));
    }
    page(&form_page(&*pages(&request)?, "sign-in.title", ""))
}

fn form_page(pages: &Pages, title: &str, name: &str) -> SignInPage {
    SignInPage {
        frame: Frame::open(title),
        failed: false,
        demo: !pages.demo.is_empty(),
        provider: pages.gateway().provider_name().map(str::to_owned),
        name: name.to_owned(),
    }
}

/// Takes name, password and code.
pub async fn submit(request: HttpRequest, fields: Fields) -> Result<HttpResponse, Stop> {
    let pages = pages(&request)?;
    if !pages.may_try(&request) {
        return Err(Stop::TooMany);
    }
    let (name, code) = (fields.get("name"), fields.get("code"));
    let password = fields.typed("password").to_owned();
    match pages.gateway().sign_in(name, password, code, &request_id(&request)).await {
        Ok(done) => Ok(go_with("/", cookie(&done.token))),
        Err(SignInFailure::Refused) => {
            let again = SignInPage { failed: true, ..form_page(&pages, "sign-in.failed", name) };
            with_status(&again, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(SignInFailure::Failed(failure)) => Err(failure.into()),
    }
}

/// Ends the session.
pub async fn out(visit: SignedIn, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    visit.gateway().sign_out(&visit.visitor).await?;
    Ok(go_out("/sign-in", no_cookie()))
}
