//! `POST /api/v1/permissions`, `GET …/{id}`, `POST …/{id}/withdraw|dispute|resolve|error`, `POST /api/v1/assessments`.

use super::deeds::{self, perform};
use super::{Caller, Problem};
use crate::exchange::Deed;
use crate::exchange::{Happening, PermissionDeed};
use crate::http::Door;
use actix_web::{HttpRequest, HttpResponse, web};

/// Records a permission or a refusal.
pub(super) async fn record(
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    perform((caller, request, payload, door), |body| Deed::Permission(PermissionDeed::Record(Box::new(body)))).await
}

/// Records an assessment of competence or capacity.
pub(super) async fn assess(
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    perform((caller, request, payload, door), |body| Deed::Permission(PermissionDeed::Assess(body))).await
}

/// Withdraws it, at once.
pub(super) async fn withdraw(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let id = deeds::id(&path)?;
    perform((caller, request, payload, door), |body| {
        Deed::Permission(PermissionDeed::Happened(id, Happening::Withdrawn(body)))
    })
    .await
}

/// Another holder of parental responsibility objects.
pub(super) async fn dispute(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let id = deeds::id(&path)?;
    perform((caller, request, payload, door), |body| {
        Deed::Permission(PermissionDeed::Happened(id, Happening::Disputed(body)))
    })
    .await
}

/// A manager decides a dispute.
pub(super) async fn resolve(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let id = deeds::id(&path)?;
    perform((caller, request, payload, door), |body| {
        Deed::Permission(PermissionDeed::Happened(id, Happening::Resolved(body)))
    })
    .await
}

/// It was recorded on the wrong person.
pub(super) async fn error(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let id = deeds::id(&path)?;
    perform((caller, request, payload, door), |body| {
        Deed::Permission(PermissionDeed::Happened(id, Happening::Erred(body)))
    })
    .await
}

/// The record, for its own agency.
pub(super) async fn show(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<String>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let deed = Deed::Permission(PermissionDeed::Read(deeds::id(&path)?));
    deeds::answer(&caller, &request, &door, deed, "application/json").await
}
