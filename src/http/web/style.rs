//! The one style sheet, built in; its address changes with its content, so that it may be kept for ever.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use std::sync::OnceLock;

/// The route.
pub const PATH: &str = "/style/{version}";
const SHEET: &str = include_str!("style.css");
/// Hexadecimal digits of the sheet's digest in its address.
const VERSION_CHARS: usize = 16;

/// The address of the sheet.
pub fn href() -> String {
    static HREF: OnceLock<String> = OnceLock::new();
    HREF.get_or_init(|| {
        let digest = ring::digest::digest(&ring::digest::SHA256, SHEET.as_bytes());
        let hex: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        format!("/style/{}.css", hex.get(..VERSION_CHARS).unwrap_or("0"))
    })
    .clone()
}

/// The sheet. It holds nothing of anybody, so it may be kept by the browser.
pub async fn sheet() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/css; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(SHEET)
}
