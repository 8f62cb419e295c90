//! From bytes to text: UTF-8, with or without mark, UTF-16 with one, else Windows-1252.

use crate::diagnostic::{Diagnostic, Span, code};
use crate::document::{Limits, utf16, windows_1252};
use std::borrow::Cow;

/// The text of a CSV file. A file says nothing of its encoding: what is not UTF-8 is taken as Windows-1252, with a
/// warning. Positions reported later refer to this text.
///
/// # Errors
/// `SOL-DOC-LIMIT` past `bytes_max`, `SOL-DOC-SYNTAX` for bytes that neither encoding has.
///
/// # Source
/// NDTMS dossier §2 and SSDA903 dossier ("a BOM occurs, readers must drop it").
pub fn decode<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(Cow<'a, str>, Option<Diagnostic>), Diagnostic> {
    if bytes.len() > limits.bytes_max {
        let text = format!("the file has more than {} bytes", limits.bytes_max);
        return Err(Diagnostic::error(code::DOC_LIMIT, text));
    }
    // A mark of UTF-16 is two letters that begin no header in the other encodings.
    let wide = match bytes {
        [0xFF, 0xFE, rest @ ..] => Some(utf16::text(rest, u16::from_le_bytes)),
        [0xFE, 0xFF, rest @ ..] => Some(utf16::text(rest, u16::from_be_bytes)),
        _ => None,
    };
    if let Some(text) = wide {
        let fault = || Diagnostic::error(code::DOC_SYNTAX, "the file begins as UTF-16 and is none");
        return text.map(|t| (Cow::Owned(t), None)).ok_or_else(fault);
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let Err(fault) = std::str::from_utf8(bytes) else {
        return Ok((String::from_utf8_lossy(bytes), None));
    };
    let at = fault.valid_up_to();
    let letters = bytes.iter().map(|b| Some(windows_1252::letter(*b)).filter(|l| *l != 0 || *b == 0));
    let text: Option<String> = letters.map(|l| l.and_then(|l| char::from_u32(u32::from(l)))).collect();
    let span = Span { start: at, end: at + 1 };
    match text {
        Some(text) => {
            let said = "the file is not UTF-8 here and was read as Windows-1252";
            Ok((Cow::Owned(text), Some(Diagnostic::warning(code::DOC_SYNTAX, said).with_span(span, bytes))))
        }
        None => {
            let said = "the file is neither UTF-8 nor Windows-1252";
            Err(Diagnostic::error(code::DOC_SYNTAX, said).with_span(span, bytes))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_of_utf16_is_followed() {
        let wide = |swap: bool| -> Vec<u8> {
            let bytes = |u: u16| if swap { u.to_be_bytes() } else { u.to_le_bytes() };
            "\u{feff}A\té\n".encode_utf16().flat_map(bytes).collect()
        };
        for swap in [false, true] {
            let bytes = wide(swap);
            let (text, warning) = decode(&bytes, &Limits::default()).unwrap();
            assert_eq!((&*text, warning.is_none()), ("A\té\n", true));
        }
        assert!(decode(b"\xFF\xFEA", &Limits::default()).is_err());
    }

    #[test]
    fn what_is_not_utf8_is_windows_1252_and_said_so() {
        let (text, warning) = decode(b"A\n\x93x\x94 \xE9\n", &Limits::default()).unwrap();
        assert_eq!((&*text, warning.is_some()), ("A\n“x” é\n", true));
        let (text, warning) = decode("\u{feff}A\né\n".as_bytes(), &Limits::default()).unwrap();
        assert_eq!((&*text, warning.is_some()), ("A\né\n", false));
        let fault = decode(b"A\nx\x81\n", &Limits::default()).unwrap_err();
        assert_eq!(fault.position.map(|p| (p.line, p.column)), Some((2, 2)));
    }
}
