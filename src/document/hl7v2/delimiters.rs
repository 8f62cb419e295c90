//! The delimiters a message declares in MSH-1 and MSH-2.

use crate::diagnostic::{Diagnostic, Span, code};

/// The five signs that structure a message. Source: HL7 v2.5.1 §2.5.4.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Delimiters {
    /// Between fields.
    pub field: u8,
    /// Between components.
    pub component: u8,
    /// Between repetitions.
    pub repetition: u8,
    /// Around escape sequences; 0 when the message declares none.
    pub escape: u8,
    /// Between subcomponents; 0 when the message declares none.
    pub subcomponent: u8,
}

impl Default for Delimiters {
    fn default() -> Self {
        Self { field: b'|', component: b'^', repetition: b'~', escape: b'\\', subcomponent: b'&' }
    }
}

/// What the header segments of a message or batch are called.
const HEADS: [&str; 3] = ["MSH", "BHS", "FHS"];

impl Delimiters {
    /// From a header segment, with what was odd about it.
    ///
    /// # Errors
    /// `SOL-DOC-SYNTAX`: no header segment, or signs that are letters, blanks or the same.
    pub fn of(line: &str) -> Result<(Self, Option<&'static str>), Diagnostic> {
        let bad = |at: usize, text: &str| {
            Diagnostic::error(code::DOC_SYNTAX, text).with_span(Span { start: at, end: at + 1 }, line.as_bytes())
        };
        let Some(field) = line.get(..3).filter(|h| HEADS.contains(h)).and_then(|_| line.as_bytes().get(3)) else {
            return Err(bad(0, "a message begins with the segment MSH and its field separator"));
        };
        let rest = line.get(4..).unwrap_or("");
        let mut signs = rest.split(char::from(*field)).next().unwrap_or("").as_bytes().to_vec();
        // Some senders write the escape sign twice, as in a programming language.
        let doubled = signs.len() == 5 && signs.get(2) == signs.get(3) && signs.get(2) != signs.get(4);
        if doubled {
            signs.remove(3);
        }
        let sign = |at: usize| signs.get(at).copied().unwrap_or(0);
        let found =
            Self { field: *field, component: sign(0), repetition: sign(1), escape: sign(2), subcomponent: sign(3) };
        let used: Vec<u8> = std::iter::once(found.field).chain(signs.iter().copied()).collect();
        let distinct = used.iter().enumerate().all(|(i, a)| used.iter().skip(i + 1).all(|b| a != b));
        if signs.is_empty() || signs.len() > 5 || !distinct || !used.iter().all(u8::is_ascii_punctuation) {
            return Err(bad(4, "MSH-2 does not give delimiters that can be told apart").with_expected(r"^~\&"));
        }
        Ok((found, doubled.then_some("MSH-2 has the escape sign twice; taken as once")))
    }

    /// Whether a text is made of delimiters and blanks alone, so that it says nothing.
    #[must_use]
    pub fn is_blank(&self, text: &str) -> bool {
        text.bytes().all(|b| b == b' ' || self.structures(b))
    }

    /// Whether a byte separates parts.
    const fn structures(&self, byte: u8) -> bool {
        byte == self.field || byte == self.component || byte == self.repetition || {
            byte == self.subcomponent && byte != 0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_come_from_the_message() {
        assert_eq!(Delimiters::of(r"MSH|^~\&|A").unwrap(), (Delimiters::default(), None));
        let odd = Delimiters::of("MSH#*!?%#A").unwrap().0;
        assert_eq!(
            (odd.field, odd.component, odd.repetition, odd.escape, odd.subcomponent),
            (b'#', b'*', b'!', b'?', b'%')
        );
        assert_eq!(Delimiters::of(r"MSH|^~\&#|A").unwrap().0, Delimiters::default());
        assert!(Delimiters::of(r"MSH|^~\\&|A").unwrap().1.is_some());
        assert_eq!(Delimiters::of("MSH|^|A").unwrap().0.subcomponent, 0);
    }

    #[test]
    fn signs_that_cannot_be_told_apart_are_refused() {
        for wrong in ["MSH|^^^^|A", "MSH|A~\\&|B", "MSH", "PID|1", "", "MSH||A", "MSHé", "MSH|^~\\&#!|A"] {
            assert!(Delimiters::of(wrong).is_err(), "{wrong}");
        }
    }
}
