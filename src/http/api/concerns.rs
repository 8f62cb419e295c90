//! `POST /api/v1/concerns`, `GET …/{id}`: a school's system sends a concern and learns what became of it.

use super::deeds;
use super::{Caller, Problem};
use crate::exchange::SystemConcern;
use crate::http::Door;
use actix_web::{HttpRequest, HttpResponse, web};

/// Takes a concern. A user's assertion is taken where there is one; without it the system speaks for its school.
pub(super) async fn submit(
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let user = deeds::user_if_any(&caller, &request, &door)?;
    let body = deeds::read(&request, payload, &door, &["application/json"]).await?;
    let sent: SystemConcern = deeds::parsed(&body)?;
    let standing = door.stories.submit_concern(caller.story(), user, sent).await?;
    Ok(HttpResponse::Accepted().content_type("application/json").body(standing.to_string()))
}

/// Status, answer and outcome, for the system that sent it.
pub(super) async fn show(
    caller: Caller,
    path: web::Path<String>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let id = super::id(&path)?;
    let standing = door.stories.concern(caller.story(), id).await?;
    Ok(HttpResponse::Ok().content_type("application/json").body(standing.to_string()))
}
