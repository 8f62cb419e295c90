//! Acknowledgements: the answer to one message, with what was wrong and where, never a value.
//!
//! The text of an answer is made of the header of what it answers, fixed words and codes. Source: HL7 v2.5.1 §2.9,
//! §2.14.5 (ERR), §2.14.8 (MSA), tables 0008, 0357, 0516; format dossier §3.

use super::header::Header;
use super::{Delimiters, escape};
use std::fmt::Write as _;

/// Characters of a control id that are repeated; the standard has 20, real ones are longer (dossier §4).
const CONTROL_ID_MAX: usize = 199;
/// Faults one answer lists.
const FAULTS_MAX: usize = 20;
/// Characters of the words for people.
const WORDS_MAX: usize = 200;

/// What became of the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AckCode {
    /// Accepted: the sender may go on.
    Accept,
    /// A technical fault: nothing was stored, the same message may be sent again.
    Error,
    /// A fault of content: sending it again will not help.
    Reject,
}

impl AckCode {
    /// MSA-1; an enhanced-mode sender is told of safe storage (`CA`), others of acceptance (`AA`).
    #[must_use]
    pub const fn word(self, commit: bool) -> &'static str {
        match (self, commit) {
            (Self::Accept, false) => "AA",
            (Self::Error, false) => "AE",
            (Self::Reject, false) => "AR",
            (Self::Accept, true) => "CA",
            (Self::Error, true) => "CE",
            (Self::Reject, true) => "CR",
        }
    }
}

/// Where a fault is: segment, its sequence in the message, field, repetition, component, subcomponent; 0 ends it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Location {
    /// Segment name; empty when nothing is known.
    pub segment: String,
    /// Which of the segments with this name, from 1.
    pub sequence: usize,
    /// Field and what is below it, from 1, as far as known.
    pub parts: Vec<usize>,
}

impl Location {
    /// From a pointer into the tree of a message: `/PID/5/0/1` is PID-5, first repetition, first component.
    #[must_use]
    pub fn of_pointer(pointer: &str) -> Self {
        let steps: Vec<&str> = pointer.split('/').skip(1).collect();
        let Some(at) = steps.iter().rposition(|s| super::is_segment_name(s)) else { return Self::default() };
        let mut rest: Vec<usize> = steps.iter().skip(at + 1).map_while(|s| s.parse().ok()).collect();
        // A segment in a list has its place before its fields.
        let listed = steps.get(at + 1).is_some_and(|s| s.parse::<usize>().is_ok()) && is_listed(&steps, at);
        let sequence = if listed { rest.remove(0) + 1 } else { 1 };
        if rest.len() > 1 {
            // The repetition counts from 0 in a tree and from 1 in a message.
            if let Some(repetition) = rest.get_mut(1) {
                *repetition += 1;
            }
        }
        Self { segment: steps.get(at).copied().unwrap_or("").to_owned(), sequence, parts: rest }
    }

    fn text(&self) -> String {
        let mut out = self.segment.clone();
        if !out.is_empty() {
            let _ = write!(out, "^{}", self.sequence.max(1));
            for part in &self.parts {
                let _ = write!(out, "^{part}");
            }
        }
        out
    }
}

/// Segments that a message may have several of stand in lists; the others do not.
fn is_listed(steps: &[&str], at: usize) -> bool {
    const LISTED: [&str; 12] = ["NK1", "NTE", "OBX", "DG1", "AL1", "PRD", "CTD", "ROL", "DB1", "AIS", "AIP", "CON"];
    steps.get(at).is_some_and(|s| LISTED.contains(s))
}

/// One fault of the message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Where.
    pub location: Location,
    /// Table 0357: 100 to 104, 200 to 207.
    pub code: u16,
    /// Whether it is only a warning.
    pub warning: bool,
    /// The gateway's own code, `SOL-…`.
    pub own_code: String,
    /// What to tell a person: fixed words, never a value.
    pub words: String,
}

impl Fault {
    /// The word of table 0357.
    #[must_use]
    pub const fn meaning(code: u16) -> &'static str {
        match code {
            0 => "Message accepted",
            100 => "Segment sequence error",
            101 => "Required field missing",
            102 => "Data type error",
            103 => "Table value not found",
            200 => "Unsupported message type",
            201 => "Unsupported event code",
            202 => "Unsupported processing id",
            203 => "Unsupported version id",
            204 => "Unknown key identifier",
            205 => "Duplicate key identifier",
            206 => "Application record locked",
            _ => "Application internal error",
        }
    }
}

/// An answer to one message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ack<'a> {
    /// What is answered; `None` when the message had no readable header.
    pub to: Option<&'a Header>,
    /// What became of it.
    pub code: AckCode,
    /// Whether the sender asked for enhanced mode (MSH-15 or MSH-16).
    pub commit: bool,
    /// MSH-10 of the answer.
    pub control_id: &'a str,
    /// MSH-7 of the answer, as HL7 writes it.
    pub time: &'a str,
    /// What was wrong.
    pub faults: &'a [Fault],
}

impl Ack<'_> {
    /// The answer as ER7, without a frame.
    #[must_use]
    pub fn write(&self) -> String {
        let unknown = Header::default();
        let to = self.to.unwrap_or(&unknown);
        let version = Some(to.version.as_str()).filter(|v| !v.is_empty()).unwrap_or("2.5.1");
        let processing = Some(to.processing.as_str()).filter(|p| !p.is_empty()).unwrap_or("P");
        let mut out = String::from(r"MSH|^~\&|");
        // Sender and receiver change places; both are written as they were, delimiters of their own included.
        let ends = [&to.receiving_application, &to.receiving_facility, &to.sending_application, &to.sending_facility];
        for end in ends {
            out.push_str(&limited(end, CONTROL_ID_MAX));
            out.push('|');
        }
        let event = if to.event.is_empty() { String::new() } else { format!("^{}", escaped(&to.event)) };
        let kind = if event.is_empty() { "ACK".to_owned() } else { format!("ACK{event}^ACK") };
        let _ = write!(out, "{}||{kind}|{}|{}|{}", self.time, self.control_id, escaped(processing), escaped(version));
        out.push('\r');
        let answered: String = to.control_id.chars().take(CONTROL_ID_MAX).collect();
        let _ = write!(out, "MSA|{}|{}\r", self.code.word(self.commit), escaped(&answered));
        for fault in self.faults.iter().take(FAULTS_MAX) {
            self.error(fault, version, &mut out);
        }
        out
    }

    fn error(&self, fault: &Fault, version: &str, out: &mut String) {
        let (place, meaning) = (fault.location.text(), Fault::meaning(fault.code));
        if is_before_2_5(version) {
            // ERR-1: segment, sequence, field and the code; ERR-2 to ERR-12 came with version 2.5.
            let field = fault.location.parts.first().map_or_else(String::new, usize::to_string);
            let sequence = if fault.location.segment.is_empty() { 0 } else { fault.location.sequence.max(1) };
            let sequence = if sequence == 0 { String::new() } else { sequence.to_string() };
            let _ = write!(out, "ERR|{}^{sequence}^{field}^{}&{meaning}&HL70357\r", fault.location.segment, fault.code);
            return;
        }
        let severity = if fault.warning { 'W' } else { 'E' };
        let words: String = fault.words.chars().take(WORDS_MAX).collect();
        let own = if fault.own_code.is_empty() { String::new() } else { escaped(&fault.own_code) };
        let _ = write!(out, "ERR||{place}|{}^{meaning}^HL70357|{severity}|{own}|||{}\r", fault.code, escaped(&words));
    }
}

fn is_before_2_5(version: &str) -> bool {
    let mut parts = version.split('.').map(|p| p.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(2), parts.next().unwrap_or(0)) < (2, 5)
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    escape::encode(text, &mut out);
    out
}

fn limited(text: &str, most: usize) -> String {
    // Already written with the usual delimiters; a field separator or line end can only come from a fault.
    let separator = char::from(Delimiters::default().field);
    text.chars().filter(|c| *c != separator && *c >= ' ').take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(version: &str) -> Header {
        let text = format!("MSH|^~\\&|PAS|RX9^x&y|SOLENT|E10000099|20260304||ADT^A08^ADT_A01|M\\T\\1|T|{version}\r");
        Header::of(&text).unwrap()
    }
    fn fault() -> Fault {
        Fault {
            location: Location::of_pointer("/PID/3/0/1"),
            code: 101,
            warning: false,
            own_code: "SOL-SCHEMA-INVALID".into(),
            words: "`1` is missing".into(),
        }
    }
    fn answer(version: &str, code: AckCode, commit: bool, faults: &[Fault]) -> Vec<String> {
        let header = header(version);
        let ack = Ack { to: Some(&header), code, commit, control_id: "S1", time: "20260304101501+0000", faults };
        ack.write().split_terminator('\r').map(str::to_owned).collect()
    }

    #[test]
    fn an_answer_swaps_the_ends_and_repeats_the_control_id() {
        assert_eq!(
            answer("2.5.1", AckCode::Accept, false, &[]),
            [r"MSH|^~\&|SOLENT|E10000099|PAS|RX9^x&y|20260304101501+0000||ACK^A08^ACK|S1|T|2.5.1", r"MSA|AA|M\T\1"]
        );
        assert_eq!(answer("2.5.1", AckCode::Error, true, &[])[1], r"MSA|CE|M\T\1");
    }

    #[test]
    fn a_fault_names_place_and_code_as_its_version_has_it() {
        assert_eq!(
            answer("2.5.1", AckCode::Reject, false, &[fault()])[2],
            "ERR||PID^1^3^1^1|101^Required field missing^HL70357|E|SOL-SCHEMA-INVALID|||`1` is missing"
        );
        assert_eq!(
            answer("2.4", AckCode::Reject, false, &[fault()])[2],
            "ERR|PID^1^3^101&Required field missing&HL70357"
        );
    }

    #[test]
    fn an_answer_to_nothing_readable_is_still_an_answer() {
        let ack = Ack { to: None, code: AckCode::Reject, commit: false, control_id: "S2", time: "2026", faults: &[] };
        assert_eq!(ack.write(), "MSH|^~\\&|||||2026||ACK|S2|P|2.5.1\rMSA|AR|\r");
    }

    #[test]
    fn pointers_become_locations() {
        let text = |pointer: &str| Location::of_pointer(pointer).text();
        assert_eq!(text("/PID/5/0/1/1"), "PID^1^5^1^1^1");
        assert_eq!(text("/NK1/2/3/0"), "NK1^3^3^1");
        assert_eq!(text("/PATIENT_RESULT/0/PATIENT/PID/8"), "PID^1^8");
        assert_eq!(text(""), "");
    }
}
