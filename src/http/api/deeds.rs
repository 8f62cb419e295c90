//! What the resources that record something share: the user's assertion in a header, a strict JSON body, the answer.
//!
//! The user comes from the signed assertion in `Solent-Assertion`, never from the body. A body is read strictly: unknown and
//! repeated members are refused, and an error names the line, never what stood there.

use super::messages::declared_length;
use super::{Caller, Problem};
use crate::diagnostic::{Diagnostic, Position, code};
use crate::document::{Limits, json};
use crate::exchange::{Deed, Done, User};
use crate::http::Door;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::de::DeserializeOwned;
use serde_json::error::Category as Fault;

/// Largest body, in bytes: a permission with fifty parties and five long answers fit in a quarter of it.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// The header with the user's assertion.
const ASSERTION: &str = "solent-assertion";
/// Longest id of a fact in a path, in bytes.
const ID_BYTES_MAX: usize = 64;

/// Reads the body, does what it asks for, and answers with ids and words.
pub(super) async fn perform<T: DeserializeOwned>(
    (caller, request, payload, door): (Caller, HttpRequest, web::Payload, web::Data<Door>),
    make: impl FnOnce(T) -> Deed,
) -> Result<HttpResponse, Problem> {
    let body = read(&request, payload, &door, &["application/json"]).await?;
    let body = parse(&body)?;
    answer(&caller, &request, &door, make(body), "application/json").await
}

/// Does a deed under the user's assertion.
pub(super) async fn answer(
    caller: &Caller,
    request: &HttpRequest,
    door: &Door,
    deed: Deed,
    content_type: &'static str,
) -> Result<HttpResponse, Problem> {
    let user = user(caller, request, door)?;
    let Done { created, body, receipt } = door.stories.act(caller.story(), user, deed).await?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = HttpResponse::build(status);
    response.insert_header(("solent-receipt", receipt.as_str())).content_type(content_type);
    Ok(response.body(body.to_string()))
}

/// The user of an assertion, which must be there.
pub(super) fn user(caller: &Caller, request: &HttpRequest, door: &Door) -> Result<User, Problem> {
    let mut given = request.headers().get_all(ASSERTION);
    let text = given.next().and_then(|v| v.to_str().ok());
    let (Some(text), None) = (text, given.next()) else {
        return Err(Problem::parameter("the header Solent-Assertion must carry one user assertion"));
    };
    let user = door.assertions.verify(text, caller.system(), door.clock.now()).map_err(Problem::assertion)?;
    Ok(User { account: user.account().clone(), hat: user.hat().clone() })
}

/// The user of an assertion, where the request carries one.
pub(super) fn user_if_any(caller: &Caller, request: &HttpRequest, door: &Door) -> Result<Option<User>, Problem> {
    if request.headers().contains_key(ASSERTION) { user(caller, request, door).map(Some) } else { Ok(None) }
}

/// A body whose members a type names; members beyond them are tolerated, none stands twice.
pub(super) fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    json::read(bytes, &Limits::default()).map_err(Problem::body)?;
    parse(bytes)
}

/// The bytes of a body of one of these media types.
pub(super) async fn read(
    request: &HttpRequest,
    payload: web::Payload,
    door: &Door,
    types: &[&str],
) -> Result<Vec<u8>, Problem> {
    let fits = |t: &str| t.split(';').next().is_some_and(|t| types.iter().any(|x| t.trim().eq_ignore_ascii_case(x)));
    let content_type = request.headers().get("content-type").and_then(|v| v.to_str().ok());
    if !content_type.is_some_and(fits) {
        return Err(Problem::media_type("what is to be recorded", types));
    }
    let declared = declared_length(request.headers());
    if declared.is_some_and(|n| n > BODY_BYTES_MAX as u64) {
        return Err(Problem::too_large(BODY_BYTES_MAX));
    }
    let (bytes, _permit) = door.limits.read(payload, declared).await?.into_parts();
    if bytes.len() > BODY_BYTES_MAX {
        return Err(Problem::too_large(BODY_BYTES_MAX));
    }
    // A text with U+0000 names nothing, and no database keeps it.
    if bytes.windows(NUL.len()).any(|w| w == NUL) {
        return Err(Problem::body(Diagnostic::error(code::DOC_FORBIDDEN, "a text holds U+0000")));
    }
    Ok(bytes.to_vec())
}

/// U+0000 as JSON writes it.
const NUL: &[u8] = b"\\u0000";

/// A resource whose shape a story reads: strict JSON, no member twice.
pub(super) fn resource(bytes: &[u8]) -> Result<serde_json::Value, Problem> {
    json::read(bytes, &Limits::default()).map_err(Problem::body)?;
    parse(bytes)
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|e| Problem::body(fault(&e)))
}

/// What is wrong with the body. serde's own text may quote it, so only its kind and place are used.
pub(super) fn fault(error: &serde_json::Error) -> Diagnostic {
    let (code, message) = match error.classify() {
        Fault::Data => (code::HTTP_BODY, "the body is JSON but not what this path takes"),
        _ => (code::DOC_SYNTAX, "the body is not JSON"),
    };
    Diagnostic::error(code, message)
        .with_position(Position { line: error.line(), column: error.column() })
        .with_expected("the members named in docs/reference/http-api.md, each once")
}

/// The id of a fact in a path. One that cannot be an id is as absent as one that is not there.
pub(super) fn id(text: &str) -> Result<String, Problem> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let starts = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    if !starts || text.len() > ID_BYTES_MAX || !text.bytes().all(plain) {
        return Err(Problem::not_found());
    }
    Ok(text.to_owned())
}
