//! `GET /api/v1/mailbox`, `GET /api/v1/mailbox/{id}`, `POST …/ack`, `POST …/nack`.

use super::{Caller, Problem, id};
use crate::exchange::{ItemSummary, Released};
use crate::http::Door;
use crate::ident::ItemId;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Longest wait of a long poll, in seconds.
const WAIT_SECONDS_MAX: u64 = 30;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    #[serde(default)]
    wait: u64,
}

/// What waits, oldest first.
#[derive(Serialize)]
pub(super) struct Items {
    items: Vec<ItemSummary>,
}

/// What waits for this system; with `?wait=` the answer comes as soon as there is something, or after so many seconds.
pub(super) async fn list(
    caller: Caller,
    request: HttpRequest,
    door: web::Data<Door>,
) -> Result<web::Json<Items>, Problem> {
    let wrong = || Problem::parameter("the query takes wait only, 0 to 30 seconds");
    let query = web::Query::<Query>::from_query(request.query_string()).map_err(|_| wrong())?;
    if query.wait > WAIT_SECONDS_MAX {
        return Err(wrong());
    }
    let items = door.stories.mailbox(caller.story(), Duration::from_secs(query.wait)).await?;
    Ok(web::Json(Items { items }))
}

/// Decides now, translates, logs, releases.
pub(super) async fn collect(
    caller: Caller,
    path: web::Path<String>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let item = ItemId::new(id(&path)?);
    Ok(released(door.stories.collect(caller.story(), &item).await?))
}

/// The receiver has it.
pub(super) async fn acknowledge(
    caller: Caller,
    path: web::Path<String>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let item = ItemId::new(id(&path)?);
    door.stories.acknowledge(caller.story(), &item).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The receiver cannot use it.
pub(super) async fn decline(
    caller: Caller,
    path: web::Path<String>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let item = ItemId::new(id(&path)?);
    door.stories.decline(caller.story(), &item).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The one way content leaves by this door.
pub(super) fn released(released: Released) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("solent-receipt", released.receipt().as_str()))
        .content_type(released.content_type())
        .body(released.into_bytes())
}
