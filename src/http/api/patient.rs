//! `POST /fhir/r4/Patient/$match?purpose=…`: a user of a connected system looks for a person.
//!
//! What may be found is `exchange`'s to say; the answer is a searchset whose bytes are the same for nobody and for somebody who
//! may not be found.

use super::{Caller, Problem, deeds};
use crate::http::Door;
use crate::http::envelope::FHIR_JSON;
use crate::vocabulary::Purpose;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

/// Media types of a resource.
const TYPES: [&str; 2] = ["application/fhir+json", "application/json"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    purpose: Purpose,
    #[serde(rename = "_format")]
    _format: Option<String>,
}

/// Matches.
pub(super) async fn matching(
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let user = deeds::user(&caller, &request, &door)?;
    let body = deeds::read(&request, payload, &door, &TYPES).await?;
    let query = web::Query::<Query>::from_query(request.query_string());
    let query = query.map_err(|_| Problem::parameter("the query names the user's purpose: ?purpose=CIN"))?;
    let parameters = deeds::resource(&body)?;
    let done = door.stories.match_person(caller.story(), user, query.purpose, parameters).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header(("solent-receipt", done.receipt.as_str())).content_type(FHIR_JSON);
    Ok(response.body(done.body.to_string()))
}
