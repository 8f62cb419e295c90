//! From bytes to text: byte order marks and declared encodings.

use crate::diagnostic::{Diagnostic, Span, code};
use crate::document::{Limits, windows_1252};
use std::borrow::Cow;

/// Bytes looked through for the encoding declaration; it must stand at the very start.
const DECLARATION_BYTES_MAX: usize = 256;

/// The text of an XML document: UTF-8 (with or without mark), UTF-16 with a mark, or declared as ISO-8859-1, US-ASCII or
/// Windows-1252. Positions reported later refer to this text.
///
/// # Errors
/// `SOL-DOC-LIMIT` past `bytes_max`, `SOL-DOC-SYNTAX` for another encoding or bytes that do not fit the encoding.
pub fn decode<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Cow<'a, str>, Diagnostic> {
    if bytes.len() > limits.bytes_max {
        let text = format!("the message has more than {} bytes", limits.bytes_max);
        return Err(Diagnostic::error(code::DOC_LIMIT, text));
    }
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => match declared(bytes).as_deref() {
            None | Some("utf-8" | "utf8") => utf8(bytes),
            Some("us-ascii" | "ascii" | "iso-8859-1" | "latin1") => Ok(single(bytes, u16::from)),
            Some("windows-1252" | "cp1252") => Ok(single(bytes, windows_1252::letter)),
            Some(_) => Err(Diagnostic::error(code::DOC_SYNTAX, "the declared encoding is not one that is read here")
                .with_expected("UTF-8, UTF-16 with a byte order mark, ISO-8859-1 or Windows-1252")),
        },
    }
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, Diagnostic> {
    std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|e| {
        let at = e.valid_up_to();
        Diagnostic::error(code::DOC_SYNTAX, "the message is not UTF-8 here")
            .with_span(Span { start: at, end: at + 1 }, bytes)
    })
}

fn utf16<'a>(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'a, str>, Diagnostic> {
    let fault = || Diagnostic::error(code::DOC_SYNTAX, "the message is not UTF-16");
    crate::document::utf16::text(bytes, unit).map(Cow::Owned).ok_or_else(fault)
}

fn single<'a>(bytes: &[u8], letter: impl Fn(u8) -> u16) -> Cow<'a, str> {
    // NUL, for a byte that means nothing, is refused by the reader with its position.
    Cow::Owned(bytes.iter().map(|b| char::from_u32(u32::from(letter(*b))).unwrap_or('\0')).collect())
}

/// The encoding named in the XML declaration, in lower case.
fn declared(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..bytes.len().min(DECLARATION_BYTES_MAX))?;
    let head = String::from_utf8_lossy(head).into_owned();
    let declaration = head.strip_prefix("<?xml")?.split("?>").next()?.to_owned();
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value.get(1..)?.split(quote).next().map(str::to_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Option<String> {
        decode(bytes, &Limits::default()).ok().map(Cow::into_owned)
    }

    #[test]
    fn marks_and_declarations_are_followed() {
        let utf16: Vec<u8> = "\u{feff}<a>é</a>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(text(&utf16).as_deref(), Some("<a>é</a>"));
        let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE9</a>";
        assert!(text(latin).is_some_and(|t| t.ends_with("<a>é</a>")));
        let windows = b"<?xml version=\"1.0\" encoding=\"Windows-1252\"?><a>\x93x\x94</a>";
        assert!(text(windows).is_some_and(|t| t.ends_with("<a>“x”</a>")));
    }

    #[test]
    fn other_bytes_are_refused() {
        assert_eq!(text(b"<a>\xE9</a>"), None);
        assert_eq!(text(b"\xFF\xFE<"), None);
        assert_eq!(text(b"<?xml version='1.0' encoding='EBCDIC'?><a/>"), None);
    }
}
