//! `GET /api/v1/openapi.json`.

use super::{Caller, Problem};
use actix_web::HttpResponse;

/// The description, kept beside the handlers; a test holds it to the route table.
pub(super) const TEXT: &str = include_str!("openapi.json");

/// The OpenAPI 3.1 description of this door.
pub(super) async fn document(_: Caller) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().content_type("application/json").body(TEXT))
}
