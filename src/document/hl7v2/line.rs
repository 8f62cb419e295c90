//! Text to segments. A segment ends with CR; LF and CRLF are taken with a warning.
//!
//! A line that is no segment continues the one before it when the sender broke the lines of a long text; anywhere else it
//! is refused.

use super::is_segment_name;
use crate::diagnostic::{Diagnostic, Span, code};

/// One segment: where it begins, its name, and the text from its name to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Line<'a> {
    pub at: usize,
    pub name: &'a str,
    /// From the name on; lines that continue it stand inside, line ends and all.
    pub text: &'a str,
}

/// The segments of a message and whether line ends were odd.
///
/// # Errors
/// `SOL-DOC-SYNTAX` for a line that is no segment and continues none.
pub(super) fn lines(text: &str, field: u8) -> Result<(Vec<Line<'_>>, Vec<Diagnostic>), Diagnostic> {
    let mut found: Vec<Line<'_>> = Vec::new();
    let mut warnings = Vec::new();
    let warn = |text: &str, at: usize| {
        Diagnostic::warning(code::DOC_SYNTAX, text).with_span(Span { start: at, end: at + 1 }, b"")
    };
    let (mut feeds, mut continued) = (None, None);
    let mut at = 0;
    for piece in text.split_inclusive(['\r', '\n']) {
        let start = at;
        at += piece.len();
        let line = piece.trim_end_matches(['\r', '\n']);
        if piece.ends_with('\n') {
            feeds = feeds.or(Some(start));
        }
        if line.trim_matches([' ', '\u{1a}']).is_empty() {
            continue;
        }
        if let Some(name) = segment_name(line, field) {
            found.push(Line { at: start, name, text: line.trim_end_matches(' ') });
            continue;
        }
        // The line before ended early: only texts (NTE, OBX and the like) have lines of their own.
        let Some(last) = found.last_mut().filter(|l| !matches!(l.name, "MSH" | "EVN" | "PID" | "PV1")) else {
            let fault =
                Diagnostic::error(code::DOC_SYNTAX, "this line is no segment: three capitals and a field separator");
            return Err(fault.with_span(Span { start, end: start + 1 }, text.as_bytes()));
        };
        continued = continued.or(Some(start));
        last.text = text.get(last.at..start + line.len()).map_or(last.text, |t| t.trim_end_matches(' '));
    }
    if let Some(at) = feeds {
        warnings.push(warn("segments end with a line feed; the standard has a carriage return", at));
    }
    if let Some(at) = continued {
        warnings.push(warn("a line that is no segment continues the one before it", at));
    }
    Ok((found, warnings))
}

/// The segment name a line begins with: alone on its line, or before a field separator.
fn segment_name(line: &str, field: u8) -> Option<&str> {
    let name = line.get(..3).filter(|n| is_segment_name(n))?;
    line.as_bytes().get(3).is_none_or(|b| *b == field || *b == b' ').then_some(name)
}

/// A text in which every segment is a line, of the same length: what positions are counted in.
#[must_use]
pub(super) fn for_positions(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let next = text.bytes().skip(1).chain(std::iter::once(0));
    for (byte, next) in bytes.iter_mut().zip(next) {
        if *byte == b'\r' && next != b'\n' {
            *byte = b'\n';
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&str> {
        lines(text, b'|').unwrap().0.iter().map(|l| l.name).collect()
    }

    #[test]
    fn every_line_end_is_taken() {
        for text in ["MSH|a\rPID|1\r", "MSH|a\nPID|1", "MSH|a\r\nPID|1\r\n\r\n", "MSH|a\r\rPID|1"] {
            assert_eq!(names(text), ["MSH", "PID"], "{text:?}");
        }
        assert_eq!(lines("MSH|a\rPID|1\r", b'|').unwrap().1.len(), 0);
        assert_eq!(lines("MSH|a\nPID|1\n", b'|').unwrap().1.len(), 1);
    }

    #[test]
    fn broken_lines_of_a_text_are_joined_and_other_lines_refused() {
        let (found, warnings) = lines("MSH|a\nOBX|1|one\ntwo\n\nNTE|1\n", b'|').unwrap();
        assert_eq!((found[1].text, warnings.len()), ("OBX|1|one\ntwo", 2));
        let fault = lines("MSH|a\nnonsense\nPID|1\n", b'|').unwrap_err();
        assert_eq!(fault.position.map(|p| (p.line, p.column)), Some((2, 1)));
    }

    #[test]
    fn positions_count_segments_as_lines() {
        assert_eq!(for_positions("MSH\rPID\r\nNTE\r"), b"MSH\nPID\r\nNTE\n");
    }
}
