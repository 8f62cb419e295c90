//! `/log/{shard}/checkpoint` and `/log/{shard}/tile/…`: the log's signed head and its hash tiles.
//!
//! Hashes only: entry bundles hold the open parts of entries and are exported by `solent audit export`.
//!
//! # Source
//! C2SP tlog-tiles, "Checkpoints" and "Merkle Tree".

use super::{Caller, Problem};
use crate::http::Door;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};

/// Longest tile path, in bytes: five groups of three digits, a level and a width.
const PATH_BYTES_MAX: usize = 64;

/// A tile never changes: a larger tree has wider ones beside it.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The newest checkpoint.
pub(super) async fn checkpoint(
    _: Caller,
    path: web::Path<String>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let note = door.stories.checkpoint(plain(&path)?).await?;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(note))
}

/// The newest checkpoint that enough witnesses have cosigned.
pub(super) async fn cosigned(
    _: Caller,
    path: web::Path<String>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let note = door.stories.cosigned(plain(&path)?).await?;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(note))
}

/// A hash tile.
pub(super) async fn tile(
    _: Caller,
    path: web::Path<(String, String)>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let (shard, tile) = path.into_inner();
    if tile.starts_with("entries") {
        return Err(Problem::not_found());
    }
    let hashes = door.stories.tile(plain(&shard)?, plain(&tile)?).await?;
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header((CACHE_CONTROL, FOR_EVER))
        .body(hashes))
}

/// Letters, digits, `-`, `.` and `/`, and no `..`: nothing a path could climb with.
fn plain(text: &str) -> Result<&str, Problem> {
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'/');
    if text.is_empty() || text.len() > PATH_BYTES_MAX || !text.bytes().all(good) || text.contains("..") {
        return Err(Problem::not_found());
    }
    Ok(text)
}
