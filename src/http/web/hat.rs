//! Choosing a hat: one for each session, named on every page (R3).

use super::answer::{Stop, go_with, page};
use super::fields::Fields;
use super::frame::Frame;
use super::text::Text;
use super::visit::{SignedIn, cookie};
use crate::ident::HatId;
use actix_web::HttpResponse;
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
}

/// The hats there are to choose from.
pub async fn form(visit: SignedIn) -> Result<HttpResponse, Stop> {
    let worn = visit.visitor.hat.as_ref().map(|h| h.id.clone());
    let choices = visit.visitor.hats.iter().map(|hat| Choice {
        id: hat.id.as_str().to_owned(),
        words: visit.pages.hat_words(hat),
        chosen: worn.as_ref() == Some(&hat.id),
    });
    let choices = choices.collect();
    page(&HatPage { frame: Frame::of(&visit, Text::english().say("hat.title").to_owned(), None), choices })
}

/// Puts one on.
pub async fn choose(visit: SignedIn, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let token = visit.gateway().choose_hat(&visit.visitor, &HatId::new(fields.get("hat"))).await?;
    Ok(go_with("/", cookie(&token)))
}
