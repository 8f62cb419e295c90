//! The demo's start page: a newcomer walks the story as each person. Outside a demo there are no people here and the page
//! does not exist.

use super::answer::{Stop, go_with, page};
use super::fields::Fields;
use super::frame::Frame;
use super::visit::{cookie, pages, request_id};
use crate::ident::AccountId;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

/// Somebody of the demo's story.
#[derive(Clone, Debug)]
pub struct DemoPerson {
    /// The account.
    pub account: AccountId,
    /// Name, role and agency, as the story tells them.
    pub words: String,
    /// How the pages greet them.
    pub shown: String,
}

#[derive(Template)]
#[template(path = "demo.html")]
struct DemoPage {
    frame: Frame,
    people: Vec<DemoPerson>,
}

/// The people.
pub async fn people(request: HttpRequest) -> Result<HttpResponse, Stop> {
    let people = pages(&request)?.demo.clone();
    if people.is_empty() {
        return Err(Stop::Missing);
    }
    page(&DemoPage { frame: Frame::open("demo.title"), people })
}

/// Signs in as one of them.
pub async fn walk(request: HttpRequest, fields: Fields) -> Result<HttpResponse, Stop> {
    let pages = pages(&request)?;
    let wanted = AccountId::new(fields.get("account"));
    let person = pages.demo.iter().find(|p| p.account == wanted).ok_or(Stop::Missing)?;
    let done = pages.gateway().walk_as(&person.account, &person.shown, &request_id(&request)).await?;
    Ok(go_with("/", cookie(&done.token)))
}
