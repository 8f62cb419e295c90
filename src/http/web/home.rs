//! The first page: on to what this hat is for.

use super::answer::{Stop, go};
use super::frame::first_place;
use super::visit::{SignedIn, pages};
use actix_web::{HttpRequest, HttpResponse};

/// Sends each visitor to the first page of the hat; a newcomer of the demo to the demo's people.
pub async fn start(request: HttpRequest, visit: Option<SignedIn>) -> Result<HttpResponse, Stop> {
    let pages = pages(&request)?;
    Ok(match visit {
        None if pages.demo.is_empty() => go("/sign-in"),
        None => go("/demo"),
        Some(visit) => go(visit.visitor.hat.as_ref().map_or("/hat", first_place)),
    })
}
