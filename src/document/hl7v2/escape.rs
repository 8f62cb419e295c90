//! Escape sequences, resolved after the message is split and made before it is joined.
//!
//! `\.br\` is a line break, which in a tree is `\n`. Highlighting, other formatting, character set switches and local
//! sequences are kept as they stand: they are text to us. Source: HL7 v2.5.1 §2.7.

use super::delimiters::Delimiters;

/// Longest sequence between two escape signs that is looked for. A hexadecimal one may be long, more is text.
const SEQUENCE_BYTES_MAX: usize = 256;

/// The text with its escape sequences resolved.
#[must_use]
pub fn decode(text: &str, signs: &Delimiters) -> String {
    if signs.escape == 0 {
        return text.to_owned();
    }
    let escape = char::from(signs.escape);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(escape) {
        out.push_str(before);
        let body = after.split_once(escape).filter(|(body, _)| body.len() <= SEQUENCE_BYTES_MAX);
        match body.and_then(|(body, tail)| meaning(body, signs).map(|m| (m, tail))) {
            Some((meaning, tail)) => {
                out.push_str(&meaning);
                rest = tail;
            }
            None => {
                // Not ours to resolve: the sign stays, and what follows may begin a sequence of its own.
                out.push(escape);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn meaning(body: &str, signs: &Delimiters) -> Option<String> {
    let sign = |b: u8| Some(char::from(b).to_string());
    match body {
        "F" => sign(signs.field),
        "S" => sign(signs.component),
        "R" => sign(signs.repetition),
        "T" => sign(if signs.subcomponent == 0 { b'&' } else { signs.subcomponent }),
        "E" => sign(signs.escape),
        ".br" | ".BR" => Some("\n".to_owned()),
        _ => body.strip_prefix('X').and_then(hexadecimal),
    }
}

/// Bytes in hexadecimal, if they are UTF-8 or else Latin-1; never NUL.
fn hexadecimal(digits: &str) -> Option<String> {
    if digits.is_empty() || !digits.len().is_multiple_of(2) || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let bytes: Vec<u8> = digits
        .as_bytes()
        .chunks_exact(2)
        .filter_map(|pair| std::str::from_utf8(pair).ok().and_then(|p| u8::from_str_radix(p, 16).ok()))
        .collect();
    if bytes.contains(&0) {
        return None;
    }
    Some(String::from_utf8(bytes).unwrap_or_else(|e| e.into_bytes().iter().map(|b| char::from(*b)).collect()))
}

/// The text as it stands between delimiters, for the usual delimiters.
pub fn encode(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '|' => out.push_str(r"\F\"),
            '^' => out.push_str(r"\S\"),
            '&' => out.push_str(r"\T\"),
            '~' => out.push_str(r"\R\"),
            '\\' => out.push_str(r"\E\"),
            '\n' => out.push_str(r"\.br\"),
            // Control characters would end a segment or a frame.
            c if c < ' ' => {
                let _ = std::fmt::Write::write_fmt(out, format_args!(r"\X{:02X}\", u32::from(c)));
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(text: &str) -> String {
        decode(text, &Delimiters::default())
    }

    #[test]
    fn every_sequence_of_the_standard_is_resolved() {
        assert_eq!(decoded(r"a\F\b\S\c\T\d\R\e\E\f"), r"a|b^c&d~e\f");
        assert_eq!(decoded(r"one\.br\two"), "one\ntwo");
        assert_eq!(decoded(r"\X41C3A9\ \X0D\ \XE9\"), "Aé \r é");
    }

    #[test]
    fn unknown_sequences_and_lone_signs_are_kept() {
        for text in [r"\H\bold\N\", r"\Zlocal\", r"C:\temp", r"\X4\", r"\X00\", r"end\", r"\.sp2\"] {
            assert_eq!(decoded(text), text);
        }
        assert_eq!(decoded(r"\H\a\F\b"), r"\H\a|b");
    }

    #[test]
    fn letters_of_other_delimiters_mean_those_delimiters() {
        let signs = Delimiters { field: b'#', component: b'*', repetition: b'!', escape: b'?', subcomponent: b'%' };
        assert_eq!(decode("?F??S??R??T??E?", &signs), "#*!%?");
    }

    proptest! {
        #[test]
        fn any_text_survives_and_never_holds_a_delimiter(text in "[\\PC\\n\\r\\t\\x0b\\x1c]{0,60}") {
            let mut made = String::new();
            encode(&text, &mut made);
            let free = !made.contains(['|', '^', '~', '&', '\r', '\n', '\u{b}', '\u{1c}']);
            prop_assert!(free);
            prop_assert_eq!(decoded(&made), text);
        }
        #[test]
        fn resolving_never_fails(text in "[A-Z0-9\\\\.|&]{0,40}") {
            let _ = decoded(&text);
        }
    }
}
