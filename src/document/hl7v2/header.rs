//! What MSH says about the message itself, read without the rest: for choosing a mapping and for answering.

use super::delimiters::Delimiters;
use super::escape;
use super::structure::structure_of;
use std::fmt;

/// The fields of MSH that an acknowledgement repeats, resolved. `Debug` shows the kind of message only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// MSH-3, as written with the usual delimiters.
    pub sending_application: String,
    /// MSH-4.
    pub sending_facility: String,
    /// MSH-5.
    pub receiving_application: String,
    /// MSH-6.
    pub receiving_facility: String,
    /// MSH-9.1.
    pub kind: String,
    /// MSH-9.2.
    pub event: String,
    /// MSH-9.3.
    pub structure: String,
    /// MSH-10.
    pub control_id: String,
    /// MSH-11.1.
    pub processing: String,
    /// MSH-12.1.
    pub version: String,
    /// MSH-15: when the sender wants to know that the message is stored.
    pub accept_ack: String,
    /// MSH-16: when it wants to know that it was understood.
    pub application_ack: String,
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Header({}^{})", self.kind, self.event)
    }
}

impl Header {
    /// From the first segment of a message; `None` when it is no MSH.
    #[must_use]
    pub fn of(message: &str) -> Option<Self> {
        let head = Head::of(message)?;
        let signs = head.signs;
        let part = |n: usize, p: usize| head.part(n, p);
        let whole = |n: usize| {
            let first = head.first(n);
            let pieces: Vec<String> = first.split(char::from(signs.component)).map(|p| encoded(p, &signs)).collect();
            pieces.join("^").trim_end_matches('^').to_owned()
        };
        Some(Self {
            sending_application: whole(3),
            sending_facility: whole(4),
            receiving_application: whole(5),
            receiving_facility: whole(6),
            kind: part(9, 1),
            event: part(9, 2),
            structure: part(9, 3),
            control_id: part(10, 1),
            processing: part(11, 1),
            version: part(12, 1),
            accept_ack: part(15, 1),
            application_ack: part(16, 1),
        })
    }

    /// The structure of the message; see [`structure_of`].
    #[must_use]
    pub fn message_structure(&self) -> Option<String> {
        structure_of(&self.kind, &self.event, &self.structure)
    }
}

/// The structure a message says it has, without reading the rest of its header; see [`structure_of`].
#[must_use]
pub fn message_structure(message: &str) -> Option<String> {
    let head = Head::of(message)?;
    structure_of(&head.part(9, 1), &head.part(9, 2), &head.part(9, 3))
}

/// The first segment of a message, in fields.
struct Head<'m> {
    fields: Vec<&'m str>,
    signs: Delimiters,
}

impl<'m> Head<'m> {
    fn of(message: &'m str) -> Option<Self> {
        let start = message.trim_start_matches(['\u{feff}', '\u{b}', '\r', '\n', ' ']);
        let line = start.split(['\r', '\n']).next().filter(|l| l.starts_with("MSH"))?;
        let (signs, _) = Delimiters::of(line).ok()?;
        Some(Self { fields: line.split(char::from(signs.field)).collect(), signs })
    }
    /// The first repetition of a field. MSH-1 is the separator itself: field n is piece n-1.
    fn first(&self, n: usize) -> &'m str {
        let field = n.checked_sub(1).and_then(|at| self.fields.get(at)).copied().unwrap_or("").trim();
        field.split(char::from(self.signs.repetition)).next().unwrap_or("")
    }
    fn part(&self, n: usize, p: usize) -> String {
        let piece = self.first(n).split(char::from(self.signs.component)).nth(p.saturating_sub(1)).unwrap_or("");
        clean(escape::decode(piece, &self.signs))
    }
}

fn clean(text: String) -> String {
    if text == "\"\"" { String::new() } else { text.trim().to_owned() }
}

/// A component with the usual delimiters, whatever those of the message are.
fn encoded(component: &str, signs: &Delimiters) -> String {
    let split = if signs.subcomponent == 0 { '&' } else { char::from(signs.subcomponent) };
    let parts: Vec<String> = component
        .split(split)
        .map(|p| {
            let mut out = String::new();
            escape::encode(&escape::decode(p, signs), &mut out);
            out
        })
        .collect();
    parts.join("&").trim_end_matches('&').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_read_whatever_the_delimiters() {
        let header = Header::of("MSH#*!?%#APP*x%y#RX9###20260101##ADT*A08#M1#P#2.4\rPID#").unwrap();
        assert_eq!(header.sending_application, "APP^x&y");
        assert_eq!((header.kind.as_str(), header.event.as_str(), header.control_id.as_str()), ("ADT", "A08", "M1"));
        assert_eq!(header.message_structure().as_deref(), Some("ADT_A01"));
        assert!(Header::of("PID|1").is_none() && Header::of("").is_none());
        assert_eq!(format!("{header:?}"), "Header(ADT^A08)");
    }
}
