//! `POST /fhir/r4/Consent?purpose=…` takes a foreign permission in, `GET /fhir/r4/Consent/{id}` writes one out.
//!
//! What a Consent means is `exchange`'s to read; problems are problem documents here as everywhere.

use super::{Caller, Problem, deeds};
use crate::exchange::{Deed, PermissionDeed};
use crate::http::Door;
use crate::vocabulary::Purpose;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

/// Media types of a resource.
const TYPES: [&str; 2] = ["application/fhir+json", "application/json"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    purpose: Purpose,
}

/// Takes one in.
pub(super) async fn import(
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let body = deeds::read(&request, payload, &door, &TYPES).await?;
    let query = web::Query::<Query>::from_query(request.query_string());
    let query = query.map_err(|_| Problem::parameter("the query names the user's purpose: ?purpose=CIN"))?;
    let resource = deeds::resource(&body)?;
    let deed = Deed::Permission(PermissionDeed::Import(resource, query.purpose));
    deeds::answer(&caller, &request, &door, deed, "application/json").await
}

/// Writes one out.
pub(super) async fn export(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<String>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let deed = Deed::Permission(PermissionDeed::Export(deeds::id(&path)?));
    deeds::answer(&caller, &request, &door, deed, TYPES[0]).await
}
