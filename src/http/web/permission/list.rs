//! C1: what one person has decided, and nothing about anybody else.

use super::{Deciders, Place, words};
use crate::exchange::Agreed;
use crate::http::web::answer::{Stop, page};
use crate::http::web::disclosure::Row;
use crate::http::web::frame::Frame;
use crate::http::web::text::Text;
use crate::http::web::visit::SignedIn;
use actix_web::{HttpResponse, web};
use askama::Template;

/// A record in the list.
pub struct AgreedShown {
    /// Where it is.
    pub href: String,
    /// Agreed or refused.
    pub heading: String,
    /// Its state, in words.
    pub status: String,
    /// What that state means, where it needs saying.
    pub meaning: Option<&'static str>,
    /// What it says.
    pub rows: Vec<Row>,
    /// Whether it may be withdrawn here.
    pub withdraw: bool,
}

#[derive(Template)]
#[template(path = "permissions.html")]
struct ListPage {
    frame: Frame,
    family: String,
    name: String,
    base: String,
    now: Vec<AgreedShown>,
    before: Vec<AgreedShown>,
}

/// The page.
pub async fn list(visit: SignedIn, path: web::Path<(String, String)>) -> Result<HttpResponse, Stop> {
    let place = Place::find(&visit, &path.0, &path.1).await?;
    let decided = visit.gateway().permissions_of(&visit.visitor, &place.person, place.purpose).await?;
    let (mut now, mut before) = (Vec::new(), Vec::new());
    let deciders = Deciders::of(&visit, Some(&place), &decided.agreed.iter().collect::<Vec<_>>()).await?;
    for agreed in &decided.agreed {
        let over = ["withdrawn", "expired", "superseded", "entered-in-error"].contains(&agreed.status);
        let list = if over { &mut before } else { &mut now };
        list.push(shown(&visit, agreed, &place.base(), &deciders.words(&visit, agreed)));
    }
    let title = Text::english().fill("permissions.title", &[("name", &place.name)]);
    page(&ListPage {
        frame: Frame::of(&visit, title, Some(place.purpose)),
        base: place.base(),
        family: place.family.id,
        name: place.name,
        now,
        before,
    })
}

/// A record as the list and its own page show it.
pub fn shown(visit: &SignedIn, agreed: &Agreed, base: &str, decider: &str) -> AgreedShown {
    let text = Text::english();
    let permits = words::code(&agreed.record.decision) == "permit";
    let heading = if permits { "permission.agreed" } else { "permission.refused" };
    AgreedShown {
        href: format!("{base}/{}", agreed.record.id.as_str()),
        heading: text.find(heading).unwrap_or_default().to_owned(),
        status: text.word("status", agreed.status),
        meaning: text.find(&format!("hint.status.{}", agreed.status)),
        rows: words::rows(visit, agreed, decider),
        withdraw: agreed.may.withdraw,
    }
}
