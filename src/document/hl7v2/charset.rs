//! From bytes to text: the character set of MSH-18, and what the bytes themselves say.
//!
//! The UK standard only promises ASCII, so what is declared is often wrong. UTF-8 is taken where the bytes are UTF-8,
//! else Latin-1 in its Windows form, with a warning. A declared set that is none of these is refused as soon as a byte
//! beyond ASCII needs it. Source: HL7 v2.5.1 table 0211; format dossier §1.

use crate::diagnostic::{Diagnostic, Span, code};
use crate::document::Limits;
use std::borrow::Cow;

/// Windows-1252 where it differs from ISO-8859-1: bytes 0x80 to 0x9F; 0 where the byte means nothing.
const WINDOWS_1252: [u16; 32] = [
    0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017D, 0, 0,
    0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E, 0x0178,
];
/// ISO-8859-15 where it differs from ISO-8859-1.
const LATIN_9: [(u8, u16); 8] = [
    (0xA4, 0x20AC),
    (0xA6, 0x0160),
    (0xA8, 0x0161),
    (0xB4, 0x017D),
    (0xB8, 0x017E),
    (0xBC, 0x0152),
    (0xBD, 0x0153),
    (0xBE, 0x0178),
];
/// The field of MSH that names the character set.
const CHARSET_FIELD: usize = 18;

#[derive(Clone, Copy, PartialEq)]
enum Declared {
    Nothing,
    Ascii,
    Utf8,
    Latin1,
    Latin9,
    Other,
}

/// The text of one message and what was odd about its bytes. Offsets reported later refer to this text.
///
/// # Errors
/// `SOL-DOC-LIMIT` past `bytes_max`, `SOL-DOC-SYNTAX` for bytes that do not fit the declared set or a set not read here,
/// `SOL-DOC-FORBIDDEN` for a NUL.
pub fn decode<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(Cow<'a, str>, Option<Diagnostic>), Diagnostic> {
    if bytes.len() > limits.bytes_max {
        let text = format!("the message has more than {} bytes", limits.bytes_max);
        return Err(Diagnostic::error(code::DOC_LIMIT, text));
    }
    let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
    if let Some(at) = bytes.iter().position(|b| *b == 0) {
        let fault = Diagnostic::error(code::DOC_FORBIDDEN, "a NUL character is never accepted");
        return Err(fault.with_span(Span { start: at, end: at + 1 }, bytes));
    }
    let declared = declared(bytes);
    if bytes.is_ascii() && declared != Declared::Other {
        return utf8(bytes).map(|text| (text, None));
    }
    let warn = |text: &str| Some(Diagnostic::warning(code::DOC_SYNTAX, text));
    match (declared, std::str::from_utf8(bytes)) {
        (Declared::Utf8, _) => utf8(bytes).map(|text| (text, None)),
        (Declared::Nothing | Declared::Ascii, Ok(text)) => {
            Ok((Cow::Borrowed(text), warn("MSH-18 does not say so, but the message is UTF-8")))
        }
        (Declared::Nothing | Declared::Ascii, Err(_)) => {
            Ok((windows(bytes), warn("MSH-18 does not say which: bytes beyond ASCII are taken as Windows-1252")))
        }
        (Declared::Latin1, _) => Ok((windows(bytes), None)),
        (Declared::Latin9, _) => Ok((latin9(bytes), None)),
        (Declared::Other, _) if bytes.is_ascii() && !bytes.contains(&0x1B) => {
            let text = "the character set of MSH-18 is not one that is read here, but only ASCII is used";
            utf8(bytes).map(|t| (t, warn(text)))
        }
        (Declared::Other, _) => {
            Err(Diagnostic::error(code::DOC_SYNTAX, "the character set of MSH-18 is not one that is read here")
                .with_expected("ASCII, 8859/1, 8859/15 or UNICODE UTF-8"))
        }
    }
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, Diagnostic> {
    std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|e| {
        let at = e.valid_up_to();
        Diagnostic::error(code::DOC_SYNTAX, "the message is not UTF-8 here, though MSH-18 says so")
            .with_span(Span { start: at, end: at + 1 }, bytes)
    })
}

fn windows<'a>(bytes: &[u8]) -> Cow<'a, str> {
    single(bytes, |b| {
        let high = WINDOWS_1252.get(usize::from(b).wrapping_sub(0x80)).copied().filter(|c| *c != 0);
        high.unwrap_or_else(|| u16::from(b))
    })
}

fn latin9<'a>(bytes: &[u8]) -> Cow<'a, str> {
    single(bytes, |b| LATIN_9.iter().find(|(byte, _)| *byte == b).map_or_else(|| u16::from(b), |(_, c)| *c))
}

fn single<'a>(bytes: &[u8], letter: impl Fn(u8) -> u16) -> Cow<'a, str> {
    Cow::Owned(bytes.iter().filter_map(|b| char::from_u32(u32::from(letter(*b)))).collect())
}

/// What the first repetition of MSH-18 says.
fn declared(bytes: &[u8]) -> Declared {
    let head = bytes.split(|b| matches!(b, b'\r' | b'\n')).next().unwrap_or(&[]);
    let Some(separator) = head.get(3) else { return Declared::Nothing };
    // MSH-1 is the separator itself, so field n is piece n-1.
    let field = head.split(|b| b == separator).nth(CHARSET_FIELD - 1).unwrap_or(&[]);
    let first = field.split(|b| *b == b'~').next().unwrap_or(&[]);
    let name: String = first.iter().map(|b| char::from(*b).to_ascii_uppercase()).filter(|c| *c != ' ').collect();
    match name.as_str() {
        "" | "\"\"" => Declared::Nothing,
        "ASCII" | "US-ASCII" | "ISOIR6" => Declared::Ascii,
        "UNICODEUTF-8" | "UTF-8" | "UTF8" | "UNICODE" | "ISO_IR192" | "ISOIR192" => Declared::Utf8,
        "8859/1" | "ISO-8859-1" | "ISO8859-1" | "8859-1" | "ISOIR100" | "WINDOWS-1252" => Declared::Latin1,
        "8859/15" | "ISO-8859-15" => Declared::Latin9,
        _ => Declared::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(charset: &str, name: &[u8]) -> Vec<u8> {
        let head = format!("MSH|^~\\&|A|B|C|D|20260101||ADT^A31|1|P|2.5||||||{charset}\rPID|||||");
        [head.as_bytes(), name].concat()
    }
    fn name(charset: &str, name: &[u8]) -> Option<(String, bool)> {
        let bytes = message(charset, name);
        let (text, warning) = decode(&bytes, &Limits::default()).ok()?;
        Some((text.rsplit('|').next()?.to_owned(), warning.is_some()))
    }

    #[test]
    fn each_declared_set_is_followed() {
        assert_eq!(name("UNICODE UTF-8", "Zoë".as_bytes()), Some(("Zoë".into(), false)));
        assert_eq!(name("8859/1", b"Zo\xEB"), Some(("Zoë".into(), false)));
        assert_eq!(name("8859/15", b"\xA4"), Some(("€".into(), false)));
        assert_eq!(name("ASCII", b"Zoe"), Some(("Zoe".into(), false)));
    }

    #[test]
    fn undeclared_bytes_are_guessed_and_said() {
        assert_eq!(name("", "Zoë".as_bytes()), Some(("Zoë".into(), true)));
        assert_eq!(name("", b"Zo\xEB \x93x\x94"), Some(("Zoë “x”".into(), true)));
        assert_eq!(name("8859/7", b"plain"), Some(("plain".into(), true)));
    }

    #[test]
    fn bytes_that_do_not_fit_are_refused() {
        assert_eq!(name("UNICODE UTF-8", b"Zo\xEB"), None);
        assert_eq!(name("8859/7", b"\xE1"), None);
        assert_eq!(name("ISO IR87", b"\x1B$B"), None);
        assert_eq!(name("ASCII", b"a\0b"), None);
        let small = Limits { bytes_max: 10, ..Limits::default() };
        assert_eq!(decode(&message("", b""), &small).unwrap_err().code, code::DOC_LIMIT);
    }
}
