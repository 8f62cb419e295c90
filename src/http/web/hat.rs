//! Choosing a hat: one for each session, named on every page (R3).

use super::answer::{Stop, go_with, page, with_status};
use super::fields::Fields;
use super::frame::Frame;
use super::text::Text;
use super::visit::{SignedIn, cookie};
use crate::ident::HatId;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

struct Choice {
    id: String,
    words: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "hat.html")]
struct HatPage {
    frame: Frame,
    choices: Vec<Choice>,
    failed: bool,
}

/// The hats there are to choose from.
pub async fn form(visit: SignedIn) -> Result<HttpResponse, Stop> {
    page(&hat_page(&visit, false))
}

fn hat_page(visit: &SignedIn, failed: bool) -> HatPage {
    let worn = visit.visitor.hat.as_ref().map(|h| h.id.clone());
    let choices = visit.visitor.hats.iter().map(|hat| Choice {
        id: hat.id.as_str().to_owned(),
        words: visit.pages.hat_words(hat),
        chosen: worn.as_ref() == Some(&hat.id),
    });
    let choices = choices.collect();
    let text = Text::english();
    let title = text.say("hat.title").to_owned();
    let title = if failed { text.fill("errors.before", &[("title", &title)]) } else { title };
    HatPage { frame: Frame::of(visit, title, None), choices, failed }
}

/// Puts one on.
pub async fn choose(visit: SignedIn, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    if fields.get("hat").is_empty() {
        return with_status(&hat_page(&visit, true), StatusCode::UNPROCESSABLE_ENTITY);
    }
    let token = visit.gateway().choose_hat(&visit.visitor, &HatId::new(fields.get("hat"))).await?;
    Ok(go_with("/", cookie(&token)))
}
