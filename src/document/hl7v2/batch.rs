//! One input, several messages: MLLP frames, and the batch envelope FHS/BHS … BTS/FTS.
//!
//! The envelope says nothing about people; its counts are compared with what is there. Source: HL7 v2.5.1 §2.10.3.

use super::delimiters::Delimiters;
use crate::diagnostic::{Diagnostic, code};

/// Start of an MLLP frame.
pub(super) const FRAME_START: u8 = 0x0B;
/// End of an MLLP frame, followed by CR.
pub(super) const FRAME_END: u8 = 0x1C;

/// The messages of an input, each a slice of it, and what was odd about the envelope.
#[derive(Clone, PartialEq, Debug)]
pub struct Batch<'a> {
    /// From `MSH` up to the next header or trailer. An input without any is given whole, to be refused by the reader.
    pub messages: Vec<&'a [u8]>,
    /// Counts that do not agree; frames found in a file.
    pub warnings: Vec<Diagnostic>,
}

/// Takes an input apart.
#[must_use]
pub fn open(bytes: &[u8]) -> Batch<'_> {
    let mut batch = Batch { messages: Vec::new(), warnings: Vec::new() };
    let framed = bytes.contains(&FRAME_START) || bytes.contains(&FRAME_END);
    if framed {
        batch
            .warnings
            .push(Diagnostic::warning(code::DOC_SYNTAX, "the input has MLLP frames, which belong on a connection"));
    }
    let (mut start, mut count): (Option<usize>, usize) = (None, 0);
    let mut stated: Vec<(&str, usize, usize)> = Vec::new();
    for (at, line) in segments(bytes) {
        let trailer = matches!(line.get(..3), Some(b"FHS" | b"BHS" | b"BTS" | b"FTS"));
        if !trailer && !is_head(line) {
            continue;
        }
        if let Some(message) = start.take().and_then(|s: usize| bytes.get(s..at)) {
            batch.messages.push(message);
            count += 1;
        }
        if is_head(line) {
            start = Some(at);
        }
        match line.get(..3) {
            Some(b"BHS") => count = 0,
            Some(b"BTS") => stated.extend(stated_count(line).map(|n| ("BTS-1", n, count))),
            _ => {}
        }
    }
    let rest = start.and_then(|s| bytes.get(s..));
    batch.messages.extend(rest);
    if batch.messages.is_empty() {
        batch.messages.push(bytes);
    } else if let Some(first) = segments(bytes).map(|(_, l)| l).find(|l| !l.trim_ascii().is_empty())
        && !is_head(first)
        && !matches!(first.get(..3), Some(b"FHS" | b"BHS"))
    {
        // Something stands before the first message: the reader refuses it where it stands.
        batch.messages = vec![bytes];
    }
    for (name, _, _) in stated.iter().filter(|(_, said, found)| said != found) {
        let text = format!("{name} states another number of messages than the batch holds");
        batch.warnings.push(Diagnostic::warning(code::DOC_SYNTAX, text));
    }
    batch.messages.iter_mut().for_each(|m| *m = unframed(m));
    batch
}

/// Lines with their offsets, frame bytes left out.
fn segments(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    bytes.split_inclusive(|b| matches!(b, b'\r' | b'\n' | &FRAME_END)).map(move |piece| {
        let skip = piece.iter().take_while(|b| matches!(**b, FRAME_START | 0xEF | 0xBB | 0xBF | b' ')).count();
        let start = at + skip;
        at += piece.len();
        let line = piece.get(skip..).unwrap_or(&[]);
        let end = line.iter().rposition(|b| !matches!(b, b'\r' | b'\n' | &FRAME_END)).map_or(0, |e| e + 1);
        (start, line.get(..end).unwrap_or(&[]))
    })
}

fn is_head(line: &[u8]) -> bool {
    line.starts_with(b"MSH") && line.get(3).is_some_and(|b| b.is_ascii_punctuation())
}

fn unframed(message: &[u8]) -> &[u8] {
    let frame = |b: &u8| matches!(*b, FRAME_START | FRAME_END);
    let start = message.iter().position(|b| !frame(b)).unwrap_or(0);
    let end = message.iter().position(|b| *b == FRAME_END).unwrap_or(message.len());
    message.get(start..end.max(start)).unwrap_or(message)
}

fn stated_count(line: &[u8]) -> Option<usize> {
    let usual = Delimiters::default().field;
    let field = line.get(3).copied().unwrap_or(usual);
    let text = line.split(|b| *b == field).nth(1)?;
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (Vec<String>, usize) {
        let batch = open(text.as_bytes());
        (batch.messages.iter().map(|m| String::from_utf8_lossy(m).into_owned()).collect(), batch.warnings.len())
    }

    #[test]
    fn a_batch_comes_apart_and_its_counts_are_compared() {
        let text = "FHS|^~\\&|\rBHS|^~\\&|\rMSH|^~\\&|a\rPID|1\rMSH|^~\\&|b\rBTS|2\rFTS|1\r";
        assert_eq!(parts(text), (vec!["MSH|^~\\&|a\rPID|1\r".into(), "MSH|^~\\&|b\r".into()], 0));
        assert_eq!(parts(&text.replace("BTS|2", "BTS|3")).1, 1);
    }

    #[test]
    fn frames_are_taken_off() {
        let text = "\u{b}MSH|^~\\&|a\r\u{1c}\r\u{b}MSH|^~\\&|b\r\u{1c}\r";
        assert_eq!(parts(text), (vec!["MSH|^~\\&|a\r".into(), "MSH|^~\\&|b\r".into()], 1));
    }

    #[test]
    fn an_input_without_a_message_is_given_whole() {
        for text in ["", "PID|1\r", "hello", "noise\rMSH|^~\\&|a\r"] {
            assert_eq!(parts(text).0, [text]);
        }
    }
}
