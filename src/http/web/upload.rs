//! A form with one file, as browsers send it.
//!
//! Owns taking `multipart/form-data` apart, bounded. Refuses a form that does not come from one of our own pages, and anything
//! it does not understand (no form of ours comes another way); what a part says of its own type is not read.
//!
//! # Source
//! RFC 7578; RFC 2046 §5.1.

use super::answer::Stop;
use super::fields::{Fields, from_own_page};
use crate::http::door::Door;
use actix_web::{HttpRequest, web};

/// Most parts of a form: a word and a file, and room for a little more.
const PARTS_MAX: usize = 8;
/// Longest text of a part that is no file, in bytes.
const TEXT_BYTES_MAX: usize = 4 * 1024;
/// Longest boundary (RFC 2046 §5.1.1), in bytes.
const BOUNDARY_BYTES_MAX: usize = 70;
/// Bytes of a form beside its file.
const BESIDE_BYTES: usize = 16 * 1024;

/// What came in.
pub struct Upload {
    /// The fields.
    pub fields: Fields,
    /// The file's name and bytes; both may be empty.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Reads a form whose file has at most `file_bytes_max` bytes.
///
/// # Errors
/// [`Stop::Forged`], [`Stop::TooLarge`], [`Stop::Malformed`].
pub async fn read(request: &HttpRequest, payload: web::Payload, file_bytes_max: usize) -> Result<Upload, Stop> {
    if !from_own_page(request.headers()) {
        return Err(Stop::Forged);
    }
    let door = request.app_data::<web::Data<Door>>().ok_or(Stop::Missing)?;
    let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok());
    let boundary = header("content-type").and_then(boundary).ok_or(Stop::Forged)?.to_owned();
    let declared = header("content-length").and_then(|n| n.parse::<u64>().ok());
    let most = file_bytes_max.saturating_add(BESIDE_BYTES);
    if declared.is_none_or(|n| n > u64::try_from(most).unwrap_or(u64::MAX)) {
        return Err(Stop::TooLarge);
    }
    let (bytes, _permit) = door.limits.read(payload, declared).await.map_err(|_| Stop::TooLarge)?.into_parts();
    if bytes.len() > most {
        return Err(Stop::TooLarge);
    }
    apart(&bytes, &boundary).ok_or(Stop::Malformed)
}

fn boundary(content_type: &str) -> Option<&str> {
    let rest = content_type.strip_prefix("multipart/form-data")?;
    let boundary = rest.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?.trim_matches('"');
    (!boundary.is_empty() && boundary.len() <= BOUNDARY_BYTES_MAX).then_some(boundary)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn apart(bytes: &[u8], boundary: &str) -> Option<Upload> {
    let first = format!("--{boundary}");
    let between = format!("\r\n--{boundary}");
    let mut rest = bytes.strip_prefix(first.as_bytes())?;
    let mut fields = Vec::new();
    let (mut name, mut file) = (String::new(), Vec::new());
    for _ in 0..PARTS_MAX {
        if rest.starts_with(b"--") {
            return Some(Upload { fields: Fields::of(fields), name, bytes: file });
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let head_end = find(rest, b"\r\n\r\n")?;
        let (head, body) = (rest.get(..head_end)?, rest.get(head_end.checked_add(4)?..)?);
        let end = find(body, between.as_bytes())?;
        let content = body.get(..end)?;
        let head = std::str::from_utf8(head).ok()?;
        let field = parameter(head, "name")?;
        match parameter(head, "filename") {
            Some(filename) => (name, file) = (filename, content.to_vec()),
            None if content.len() <= TEXT_BYTES_MAX => {
                fields.push((field, std::str::from_utf8(content).ok()?.to_owned()));
            }
            None => return None,
        }
        rest = body.get(end.checked_add(between.len())?..)?;
    }
    None
}

/// A parameter of the part's disposition.
fn parameter(head: &str, wanted: &str) -> Option<String> {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let mut parts = line.split(';').skip(1).map(str::trim);
    let value = parts.find_map(|part| part.strip_prefix(wanted)?.strip_prefix('='))?;
    Some(value.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &[u8] = b"--x\r\nContent-Disposition: form-data; name=\"word\"\r\n\r\nabc\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a b.png\"\r\nContent-Type: text/html\r\n\r\n\x89PNG\r\n\x1A\n\r\n--\r\n--x--\r\n";

    #[test]
    fn a_form_is_taken_apart_at_its_boundary() {
        let upload = apart(FORM, "x").unwrap();
        assert_eq!((upload.fields.get("word"), upload.name.as_str()), ("abc", "a b.png"));
        assert_eq!(upload.bytes, b"\x89PNG\r\n\x1A\n\r\n--");
    }

    #[test]
    fn what_is_cut_short_is_no_form() {
        for end in 0..FORM.len() - 4 {
            assert!(apart(&FORM[..end], "x").is_none(), "{end}");
        }
        assert!(apart(FORM, "y").is_none());
    }

    #[test]
    fn a_boundary_is_read_with_and_without_quotes() {
        assert_eq!(boundary("multipart/form-data; boundary=abc"), Some("abc"));
        assert_eq!(boundary("multipart/form-data; boundary=\"a b\""), Some("a b"));
        assert_eq!(boundary("application/x-www-form-urlencoded"), None);
    }
}
