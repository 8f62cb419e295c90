//! The first page: on to what this hat is for.

use super::answer::{Stop, go};
use super::visit::{SignedIn, pages};
use crate::vocabulary::Role;
use actix_web::{HttpRequest, HttpResponse};

/// Sends each visitor to the first page of the hat; a newcomer of the demo to the demo's people.
pub async fn start(request: HttpRequest, visit: Option<SignedIn>) -> Result<HttpResponse, Stop> {
    let pages = pages(&request)?;
    Ok(match visit {
        None if pages.demo.is_empty() => go("/sign-in"),
        None => go("/demo"),
        Some(visit) if visit.visitor.hat.is_none() => go("/hat"),
        Some(visit) => go(first_page(visit.visitor.hat.as_ref().map(|h| h.role))),
    })
}

/// Where a hat's work begins.
fn first_page(role: Option<Role>) -> &'static str {
    match role {
        Some(Role::Sch) => "/concerns",
        Some(Role::Sur) => "/surgery",
        _ => "/families",
    }
}
