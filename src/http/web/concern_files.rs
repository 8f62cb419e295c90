//! Files that come with a concern: adding one, taking one away as a download.

use super::answer::{Stop, go};
use super::concern;
use super::text::Text;
use super::upload;
use super::visit::SignedIn;
use crate::exchange::{Attached, FILE_BYTES_MAX, Failure};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};

/// A download never runs in the page's place, whatever opens it.
const FILE_POLICY: &str = "sandbox; default-src 'none'; frame-ancestors 'none'";

/// A file as a page lists it.
pub struct FileShown {
    /// Its id.
    pub id: String,
    /// The name it came with.
    pub name: String,
    /// What it is and how large, in words.
    pub words: String,
}

/// Files as a page lists them.
pub fn shown(files: &[Attached]) -> Vec<FileShown> {
    let text = Text::english();
    let shown = files.iter().map(|f| {
        let kib = f.bytes.div_ceil(1024).to_string();
        FileShown {
            id: f.id.clone(),
            name: f.name.clone(),
            words: text.fill("file.words", &[("kind", f.kind.extension()), ("size", &kib)]),
        }
    });
    shown.collect()
}

/// Adds one.
pub async fn add(
    visit: SignedIn,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Stop> {
    let upload = match upload::read(&request, payload, FILE_BYTES_MAX).await {
        Err(Stop::TooLarge) => return concern::with_file_refused(&visit, &path, StatusCode::PAYLOAD_TOO_LARGE).await,
        upload => upload?,
    };
    upload.fields.checked(&visit)?;
    match visit.gateway().attach(&visit.visitor, &path, &upload.name, upload.bytes).await {
        Ok(()) => Ok(go(&format!("/concerns/{}", path.as_str()))),
        Err(Failure::Unclear(_)) => concern::with_file_refused(&visit, &path, StatusCode::UNPROCESSABLE_ENTITY).await,
        Err(Failure::Conflict | Failure::Gone) => Ok(go(&format!("/concerns/{}", path.as_str()))),
        Err(failure) => Err(failure.into()),
    }
}

/// Hands one out.
pub async fn one(visit: SignedIn, path: web::Path<(String, String)>) -> Result<HttpResponse, Stop> {
    let (listed, bytes) = visit.gateway().attached(&visit.visitor, &path.0, &path.1).await?;
    Ok(download(&listed, bytes))
}

/// A file on its way out: always as a download, as bytes that nothing opens by itself, under a name that says nothing.
pub fn download(listed: &Attached, bytes: Vec<u8>) -> HttpResponse {
    let disposition = format!("attachment; filename=\"file.{}\"", listed.kind.extension());
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/octet-stream"))
        .insert_header((CONTENT_DISPOSITION, disposition))
        .insert_header((CONTENT_SECURITY_POLICY, FILE_POLICY))
        .body(bytes)
}
