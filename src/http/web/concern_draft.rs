//! Files of a concern that is not sent yet (a page of S1), and throwing the whole draft away.

use super::answer::{Stop, go, page, with_status};
use super::concern::may_submit;
use super::concern_files::{FileShown, download, shown};
use super::concern_steps as steps;
use super::fields::Fields;
use super::frame::Frame;
use super::text::Text;
use super::upload;
use super::visit::SignedIn;
use crate::exchange::{FILE_BYTES_MAX, FILES_MAX, Failure};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

/// Where the page is.
const HERE: &str = "/concerns/new/files";

#[derive(Template)]
#[template(path = "concern_draft_files.html")]
struct FilesPage {
    frame: Frame,
    files: Vec<FileShown>,
    /// Whether another one may be added.
    room: bool,
    /// Whether the concern names the child: without names no file is sent.
    named: bool,
    wrong: bool,
    /// Where a file is sent to.
    here: &'static str,
    next: String,
}

/// The files so far, and room for one more.
pub async fn files(visit: SignedIn) -> Result<HttpResponse, Stop> {
    may_submit(&visit)?;
    page(&files_page(&visit, false).await?)
}

async fn files_page(visit: &SignedIn, wrong: bool) -> Result<FilesPage, Stop> {
    let text = Text::english();
    let draft = visit.gateway().concern_draft(&visit.visitor).await?;
    let files = visit.gateway().draft_files(&visit.visitor).await?;
    let title = text.say("step.files");
    let title = if wrong { text.fill("errors.before", &[("title", title)]) } else { title.to_owned() };
    let next = match steps::after("files", &draft) {
        Some(step) if !steps::open(&draft).is_empty() => step.name,
        _ => "check",
    };
    Ok(FilesPage {
        frame: Frame::of(visit, title, None),
        room: files.len() < FILES_MAX,
        named: draft.get("named").is_none_or(|v| v != "no"),
        files: shown(&files),
        wrong,
        here: HERE,
        next: format!("/concerns/new/{next}"),
    })
}

/// Adds one.
pub async fn add(visit: SignedIn, request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Stop> {
    let upload = match upload::read(&request, payload, FILE_BYTES_MAX).await {
        // Nothing of it was read: who sent it is known, whether from our own page too, the session's word is not.
        Err(Stop::TooLarge) if may_submit(&visit).is_ok() => {
            return with_status(&files_page(&visit, true).await?, StatusCode::PAYLOAD_TOO_LARGE);
        }
        upload => upload?,
    };
    upload.fields.checked(&visit)?;
    may_submit(&visit)?;
    match visit.gateway().attach_to_draft(&visit.visitor, &upload.name, &upload.bytes).await {
        Ok(()) => Ok(go(HERE)),
        Err(Failure::Unclear(_)) => with_status(&files_page(&visit, true).await?, StatusCode::UNPROCESSABLE_ENTITY),
        Err(failure) => Err(failure.into()),
    }
}

/// Takes one away. Taken away already, there is nothing left to do.
pub async fn away(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    may_submit(&visit)?;
    match visit.gateway().take_from_draft(&visit.visitor, &path).await {
        Ok(()) | Err(Failure::NotFound) => Ok(go(HERE)),
        Err(failure) => Err(failure.into()),
    }
}

/// Hands one out.
pub async fn one(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    may_submit(&visit)?;
    let (listed, bytes) = visit.gateway().draft_file(&visit.visitor, &path).await?;
    Ok(download(&listed, bytes))
}

/// Throws the draft away, files and all.
pub async fn drop(visit: SignedIn, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    may_submit(&visit)?;
    visit.gateway().drop_concern_draft(&visit.visitor).await?;
    Ok(go("/concerns"))
}
