//! `POST /api/v1/messages`, `GET /api/v1/messages/{id}`.

use super::{Caller, Problem, id, media};
use crate::exchange::{MessageStatus, Submission};
use crate::http::Door;
use crate::ident::MessageId;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

/// Longest `Idempotency-Key`, in bytes.
const KEY_BYTES_MAX: usize = 255;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    format: Option<String>,
}

/// Takes a message in the system's own format. 202 means durable and logged.
pub(super) async fn submit(
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    right_format(&caller, &request)?;
    let idempotency_key = idempotency_key(request.headers())?;
    let body = door.limits.read(payload, declared_length(request.headers())).await?;
    let (body, permit) = body.into_parts();
    let accepted = door.receive(caller.story(), Submission { body, idempotency_key }, permit).await?;
    Ok(HttpResponse::Accepted().json(accepted))
}

/// What became of a message; only its sender can ask.
pub(super) async fn status(
    caller: Caller,
    path: web::Path<String>,
    door: web::Data<Door>,
) -> Result<web::Json<MessageStatus>, Problem> {
    let message = MessageId::new(id(&path)?);
    Ok(web::Json(door.stories.message(caller.story(), &message).await?))
}

/// One system has one format: `?format=` may repeat it, and then stands in for the media type.
fn right_format(caller: &Caller, request: &HttpRequest) -> Result<(), Problem> {
    let format = caller.system().format.as_str();
    let query = web::Query::<Query>::from_query(request.query_string())
        .map_err(|_| Problem::parameter("the query takes format only, once"))?;
    let fits = match &query.format {
        Some(named) => named == format,
        None => {
            let types: Vec<_> = request.headers().get_all(CONTENT_TYPE).collect();
            matches!(types.as_slice(), [one] if one.to_str().is_ok_and(|t| media::fits(t, format)))
        }
    };
    if fits { Ok(()) } else { Err(Problem::media_type(format, media::types_of(format))) }
}

/// The length a client declares. HTTP/1.1 has checked that it is one number; chunked bodies have none.
pub(super) fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let keys: Vec<_> = headers.get_all("idempotency-key").collect();
    let key = match keys.as_slice() {
        [] => return Ok(None),
        [one] => one.to_str().ok(),
        _ => None,
    };
    let visible =
        |text: &&str| !text.is_empty() && text.len() <= KEY_BYTES_MAX && text.bytes().all(|b| b.is_ascii_graphic());
    let wrong = || Problem::parameter("Idempotency-Key is one header of 1 to 255 visible ASCII characters");
    key.filter(visible).map(|text| Some(text.to_owned())).ok_or_else(wrong)
}
