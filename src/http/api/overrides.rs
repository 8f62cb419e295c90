//! `POST /api/v1/overrides`, `…/{id}/approve|reject|renew|told|review`.

use super::deeds::{self, perform};
use super::{Caller, Problem};
use crate::exchange::Deed;
use crate::exchange::OverrideDeed;
use crate::http::Door;
use actix_web::{HttpRequest, HttpResponse, web};

/// Asks for an override, or invokes imminent danger.
pub(super) async fn ask(
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    perform((caller, request, payload, door), |body| Deed::Override(OverrideDeed::Ask(Box::new(body)))).await
}

/// The second person approves.
pub(super) async fn approve(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let id = deeds::id(&path)?;
    perform((caller, request, payload, door), |body| Deed::Override(OverrideDeed::Answer(id, true, body))).await
}

/// The second person rejects.
pub(super) async fn reject(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let id = deeds::id(&path)?;
    perform((caller, request, payload, door), |body| Deed::Override(OverrideDeed::Answer(id, false, body))).await
}

/// The second person gives 24 hours more.
pub(super) async fn renew(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let id = deeds::id(&path)?;
    perform((caller, request, payload, door), |body| Deed::Override(OverrideDeed::Renew(id, body))).await
}

/// Whether the person was told, or why not.
pub(super) async fn tell(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let id = deeds::id(&path)?;
    perform((caller, request, payload, door), |body| Deed::Override(OverrideDeed::Tell(id, body))).await
}

/// A custodian's privacy officer reviews it.
pub(super) async fn review(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let id = deeds::id(&path)?;
    perform((caller, request, payload, door), |body| Deed::Override(OverrideDeed::Review(id, body))).await
}
