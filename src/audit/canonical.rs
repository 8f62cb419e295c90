//! Canonical JSON (RFC 8785): one document, one spelling, so that a hash of it means something.
//!
//! Owns the writing of a `serde_json::Value` in canonical form and the check that bytes are already in it. Numbers are
//! integers only: what we seal never needs a fraction, and integers spare the float-printing rules. Read [`write`].
//!
//! # Source
//! RFC 8785 §3.2 (JSON Canonicalization Scheme): §3.2.2.2 strings, §3.2.2.3 numbers, §3.2.3 order by UTF-16 code units.

use serde_json::Value;
use std::cmp::Ordering;

/// Largest integer with one exact spelling in JSON for every reader: 2^53 - 1 (RFC 8785 §3.2.2.3, I-JSON).
const INTEGER_MAX: i64 = 9_007_199_254_740_991;
/// Deepest nesting written. Payloads are four deep; anything near this is a mistake.
const DEPTH_MAX: usize = 32;

/// Why a value has no canonical form here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CanonicalError {
    /// A number with a fraction or exponent, or beyond 2^53 - 1.
    #[error("a number is not an integer within 2^53 - 1")]
    Number,
    /// Nested deeper than the limit.
    #[error("nested deeper than {DEPTH_MAX} levels")]
    Depth,
}

/// The canonical bytes of `value`.
///
/// # Errors
/// [`CanonicalError`] when a number is not a safe integer or the value nests too deeply.
///
/// # Source
/// RFC 8785 §3.2
pub fn write(value: &Value) -> Result<Vec<u8>, CanonicalError> {
    let mut out = Vec::with_capacity(512);
    put(value, &mut out, 0)?;
    Ok(out)
}

fn put(value: &Value, out: &mut Vec<u8>, depth: usize) -> Result<(), CanonicalError> {
    if depth > DEPTH_MAX {
        return Err(CanonicalError::Depth);
    }
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => {
            let whole = number.as_i64().ok_or(CanonicalError::Number)?;
            if !(-INTEGER_MAX..=INTEGER_MAX).contains(&whole) {
                return Err(CanonicalError::Number);
            }
            out.extend_from_slice(whole.to_string().as_bytes());
        }
        Value::String(text) => put_string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                put(item, out, depth + 1)?;
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
            sorted.sort_unstable_by(|a, b| by_utf16(a.0, b.0));
            out.push(b'{');
            for (i, (name, member)) in sorted.into_iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                put_string(name, out);
                out.push(b':');
                put(member, out, depth + 1)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

/// Order of member names: by UTF-16 code units, which differs from byte order only beyond the basic plane.
fn by_utf16(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

/// Only `"`, `\` and controls below U+0020 are escaped, in their shortest form (RFC 8785 §3.2.2.2).
fn put_string(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x09 => out.extend_from_slice(b"\\t"),
            0x0A => out.extend_from_slice(b"\\n"),
            0x0C => out.extend_from_slice(b"\\f"),
            0x0D => out.extend_from_slice(b"\\r"),
            0x00..=0x1F => {
                out.extend_from_slice(b"\\u00");
                for nibble in [byte >> 4, byte & 0x0F] {
                    out.push(HEX.get(usize::from(nibble)).copied().unwrap_or(b'0'));
                }
            }
            other => out.push(other),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Result<String, CanonicalError> {
        let value: Value = serde_json::from_str(text).unwrap();
        write(&value).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn members_are_sorted_by_utf16_code_units() {
        // RFC 8785 §3.2.3: the published example, order "\r", "1", U+0080, "ö", "€", U+1F600, U+FB33.
        let text = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#;
        let expected = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"\u{f6}\":\"Latin Small Letter O With Diaeresis\",\"\u{20ac}\":\"Euro Sign\",\"\u{1f600}\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}";
        assert_eq!(canonical(text).as_deref(), Ok(expected));
    }

    #[test]
    fn strings_are_escaped_in_the_shortest_way() {
        // RFC 8785 §3.2.2.2, the published example string and every control.
        assert_eq!(
            canonical(r#""\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/""#).as_deref(),
            Ok("\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"")
        );
        assert_eq!(canonical(r#""\u0008\t\n\f\r\u001f\u007f""#).as_deref(), Ok("\"\\b\\t\\n\\f\\r\\u001f\u{7f}\""));
    }

    #[test]
    fn only_safe_integers_have_a_form() {
        assert_eq!(canonical("[0,-0,9007199254740991,-1]").as_deref(), Ok("[0,0,9007199254740991,-1]"));
        for bad in ["1.5", "1e3", "9007199254740992", "-9007199254740992", "123456789012345678901234567890"] {
            assert_eq!(canonical(bad), Err(CanonicalError::Number), "{bad}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
        assert_eq!(canonical(&deep), Err(CanonicalError::Depth));
    }
}
