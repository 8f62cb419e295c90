//! `POST /api/v1/relationships`, `…/{id}/end`, `POST /api/v1/item-grants`, `POST /api/v1/cases/{id}/purpose`.

use super::deeds::{self, perform};
use super::{Caller, Problem};
use crate::exchange::Deed;
use crate::exchange::RelationshipDeed;
use crate::http::Door;
use actix_web::{HttpRequest, HttpResponse, web};

/// Begins a relationship.
pub(super) async fn begin(
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    perform((caller, request, payload, door), |body| Deed::Relationship(RelationshipDeed::Begin(Box::new(body)))).await
}

/// Ends it, exclusive of the moment given.
pub(super) async fn end(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let id = deeds::id(&path)?;
    perform((caller, request, payload, door), |body| Deed::Relationship(RelationshipDeed::End(id, body))).await
}

/// Opens one item for one task.
pub(super) async fn open_item(
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    perform((caller, request, payload, door), |body| Deed::Relationship(RelationshipDeed::Open(body))).await
}

/// Changes the purposes of a case.
pub(super) async fn change_purpose(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let id = deeds::id(&path)?;
    perform((caller, request, payload, door), |body| Deed::Relationship(RelationshipDeed::Purpose(id, body))).await
}
