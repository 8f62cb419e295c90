//! A6: entries of some days as a file, with a reason, a watermark, and an entry about it.

use super::super::answer::{Stop, page, with_status};
use super::super::fields::Fields;
use super::super::frame::Frame;
use super::super::text::Text;
use super::super::visit::SignedIn;
use super::query::{self, Filter, Query};
use super::{auditor, stopped};
use crate::exchange::{ExportForm, Failure};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_DISPOSITION;
use askama::Template;

/// The days.
const FILTERS: [&str; 2] = ["from", "to"];

#[derive(Template)]
#[template(path = "audit_export.html")]
struct ExportPage {
    frame: Frame,
    filters: Vec<Filter>,
    forms: Vec<(&'static str, String, bool)>,
    reason: String,
    wrong: bool,
    reason_wrong: bool,
    too_many: bool,
}

/// The form.
pub async fn form(visit: SignedIn) -> Result<HttpResponse, Stop> {
    auditor(&visit)?;
    page(&shown(&visit, &Fields::default(), &[], (false, false)))
}

fn shown(visit: &SignedIn, fields: &Fields, wrong: &[&'static str], (reason, many): (bool, bool)) -> ExportPage {
    let text = Text::english();
    let any = !wrong.is_empty() || reason || many;
    let chosen = ExportForm::parse(fields.get("form")).unwrap_or(ExportForm::Extract);
    ExportPage {
        frame: super::search::framed(visit, if any { "export.title-wrong" } else { "export.title" }),
        filters: query::filters(visit, &FILTERS, fields, wrong),
        forms: ExportForm::ALL.iter().map(|f| (f.word(), text.word("export-form", f.word()), *f == chosen)).collect(),
        reason: fields.get("reason").to_owned(),
        wrong: any,
        reason_wrong: reason,
        too_many: many,
    }
}

/// The file.
pub async fn take(visit: SignedIn, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    auditor(&visit)?;
    // Its reason is why somebody wants it, and no filter.
    let read = Query::read(&visit, &fields.clone().only(&FILTERS));
    let form = ExportForm::parse(fields.get("form")).ok_or(Stop::Malformed)?;
    let reason = fields.get("reason");
    let short = reason.chars().count() < 5 || reason.chars().count() > 500;
    if !read.wrong.is_empty() || short {
        return with_status(&shown(&visit, &fields, &read.wrong, (short, false)), StatusCode::UNPROCESSABLE_ENTITY);
    }
    match visit.gateway().export_log(&visit.visitor, read.ask, form, reason).await {
        Ok(file) => Ok(HttpResponse::Ok()
            .content_type(file.content_type)
            .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"solent-audit-{}\"", file.name)))
            .body(file.text)),
        Err(Failure::Unclear(_)) => {
            with_status(&shown(&visit, &fields, &[], (false, true)), StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(failure) => Err(stopped(failure)),
    }
}
