//! `POST /api/v1/protections`, `…/{id}/lift`, `POST /api/v1/strands`, `/conflicts`, `/seals` and their ends, `/openings`.

use super::deeds::{self, perform};
use super::{Caller, Problem};
use crate::exchange::Deed;
use crate::exchange::SafetyDeed;
use crate::http::Door;
use actix_web::{HttpRequest, HttpResponse, web};

/// Flags somebody as protected from somebody.
pub(super) async fn protect(
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    perform((caller, request, payload, door), |body| Deed::Safety(SafetyDeed::Protect(body))).await
}

/// Lifts a protection.
pub(super) async fn lift(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let id = deeds::id(&path)?;
    perform((caller, request, payload, door), |body| Deed::Safety(SafetyDeed::Lift(id, body))).await
}

/// Marks a worker as linked to somebody.
pub(super) async fn mark(
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    perform((caller, request, payload, door), |body| Deed::Safety(SafetyDeed::Mark(body))).await
}

/// Declares a conflict of interest of the user's own.
pub(super) async fn declare(
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    perform((caller, request, payload, door), |body| Deed::Safety(SafetyDeed::Declare(body))).await
}

/// Seals an identity.
pub(super) async fn seal(
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    perform((caller, request, payload, door), |body| Deed::Safety(SafetyDeed::Seal(body))).await
}

/// Ends a worker's link to somebody.
pub(super) async fn unmark(
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    perform((caller, request, payload, door), |body| Deed::Safety(SafetyDeed::Unmark(body))).await
}

/// Ends somebody's declared conflict of interest.
pub(super) async fn undeclare(
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    perform((caller, request, payload, door), |body| Deed::Safety(SafetyDeed::Undeclare(body))).await
}

/// Opens what stood before an adoption, for one request.
pub(super) async fn open(
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    perform((caller, request, payload, door), |body| Deed::Safety(SafetyDeed::Open(body))).await
}

/// Ends a seal.
pub(super) async fn unseal(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let id = deeds::id(&path)?;
    perform((caller, request, payload, door), |body| Deed::Safety(SafetyDeed::Unseal(id, body))).await
}
