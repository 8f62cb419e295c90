//! What is answered to a message: from its header, and from what the story says.
//!
//! A technical fault is `AE` (send it again later), a fault of content `AR` (do not). The faults name places, codes and
//! fixed words, never a value. Source: HL7 v2.5.1 §2.9; format dossier §3.

use crate::clock::Moment;
use crate::diagnostic::{Diagnostic, Severity, code};
use crate::document::hl7v2::{Ack, AckCode, AckFault, Header, Location};
use crate::exchange::{Accepted, Failure};

/// Bytes looked at for the header segment.
const HEADER_BYTES_MAX: usize = 8 * 1024;
/// Table 0357.
const SEQUENCE: u16 = 100;
const REQUIRED: u16 = 101;
const DATA_TYPE: u16 = 102;
const TABLE: u16 = 103;
const MESSAGE_TYPE: u16 = 200;
const PROCESSING: u16 = 202;
const VERSION: u16 = 203;
const DUPLICATE: u16 = 205;
const INTERNAL: u16 = 207;

/// A message to be answered.
pub(super) struct Asked {
    header: Option<Header>,
    now: Moment,
    control_id: String,
}

impl Asked {
    pub(super) fn of(body: &[u8], now: Moment) -> Self {
        let head = String::from_utf8_lossy(body.get(..body.len().min(HEADER_BYTES_MAX)).unwrap_or_default());
        Self { header: Header::of(&head), now, control_id: uuid::Uuid::now_v7().simple().to_string() }
    }

    /// The same for a message that is sent again: its sender and control id (dossier §2).
    pub(super) fn key(&self) -> String {
        let empty = Header::default();
        let header = self.header.as_ref().unwrap_or(&empty);
        // One part may not run into the next.
        let part = |text: &str| format!("{}:{text}", text.len());
        let parts = [&header.sending_application, &header.sending_facility, &header.control_id];
        format!("mllp/{}", parts.map(|p| part(p)).join("/"))
    }

    /// What can be refused by the header alone.
    pub(super) fn refused_at_once(&self) -> Option<Option<String>> {
        let Some(header) = &self.header else {
            let fault = fault(SEQUENCE, at("MSH", &[]), "SOL-DOC-SYNTAX", "a message begins with the segment MSH");
            return Some(self.write(AckCode::Reject, &[fault]));
        };
        let refused = if header.control_id.is_empty() {
            Some(fault(REQUIRED, at("MSH", &[10]), "", "a message without a control id cannot be acknowledged"))
        } else if !header.version.is_empty() && !header.version.starts_with("2.") {
            Some(fault(VERSION, at("MSH", &[12]), "", "versions 2.2 to 2.8 are read"))
        } else if !matches!(header.processing.as_str(), "" | "P" | "T" | "D") {
            Some(fault(PROCESSING, at("MSH", &[11]), "", "the processing id is P, T or D"))
        } else {
            None
        };
        refused.map(|fault| self.write(AckCode::Reject, &[fault]))
    }

    pub(super) fn busy(&self) -> Option<String> {
        let words = "more messages than this system is allowed in a minute; send it again later";
        self.write(AckCode::Error, &[fault(INTERNAL, Location::default(), "SOL-HTTP-RATE", words)])
    }

    pub(super) fn wrong_format(&self) -> Option<String> {
        let words = "this system is not configured to speak hl7v2";
        self.write(AckCode::Reject, &[fault(MESSAGE_TYPE, at("MSH", &[9]), "SOL-HTTP-MEDIA-TYPE", words)])
    }

    pub(super) fn answer(&self, outcome: Result<Accepted, Failure>) -> Option<String> {
        match outcome {
            Ok(_) => self.write(AckCode::Accept, &[]),
            Err(Failure::Invalid(findings)) => {
                let errors = findings.iter().filter(|f| f.severity == Severity::Error);
                let faults: Vec<AckFault> = errors.map(of_finding).collect();
                self.write(AckCode::Reject, &faults)
            }
            Err(Failure::Conflict) => {
                let words = "this control id was used for another message";
                self.write(AckCode::Reject, &[fault(DUPLICATE, at("MSH", &[10]), "SOL-HTTP-CONFLICT", words)])
            }
            Err(
                Failure::Refused { .. }
                | Failure::NotAcceptable(_)
                | Failure::NotFound
                | Failure::Gone
                | Failure::Unclear(_),
            ) => {
                let words = "the message is refused";
                self.write(AckCode::Reject, &[fault(INTERNAL, Location::default(), "SOL-EXCHANGE-REFUSED", words)])
            }
            Err(Failure::LogUnavailable | Failure::Store(_) | Failure::Inconsistent(_) | Failure::Changed) => {
                tracing::error!("an MLLP message could not be stored");
                let words = "the message could not be stored; send it again later";
                let own = "SOL-EXCHANGE-UNAVAILABLE";
                self.write(AckCode::Error, &[fault(INTERNAL, Location::default(), own, words)])
            }
        }
    }

    /// The answer, where the sender wants one. Whoever asks for an application acknowledgement gets it at once, because
    /// a message is stored and understood in one step; whoever asks for a commit acknowledgement only, gets that.
    fn write(&self, code: AckCode, faults: &[AckFault]) -> Option<String> {
        let wants = |rule: &str| match rule {
            "AL" => true,
            "ER" => code != AckCode::Accept,
            "SU" => code == AckCode::Accept,
            _ => false,
        };
        let (accept, application) =
            self.header.as_ref().map_or(("", ""), |h| (h.accept_ack.as_str(), h.application_ack.as_str()));
        let original = accept.is_empty() && application.is_empty();
        let commit = !original && !wants(application);
        if commit && !wants(accept) {
            return None;
        }
        let time = self.now.timestamp().to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y%m%d%H%M%S").to_string();
        let ack = Ack {
            to: self.header.as_ref(),
            code,
            commit,
            control_id: &self.control_id,
            time: &format!("{time}+0000"),
            faults,
        };
        Some(ack.write())
    }
}

fn at(segment: &str, parts: &[usize]) -> Location {
    Location { segment: segment.to_owned(), sequence: 1, parts: parts.to_vec() }
}

fn fault(code: u16, location: Location, own_code: &str, words: &str) -> AckFault {
    AckFault { location, code, warning: false, own_code: own_code.to_owned(), words: words.to_owned() }
}

/// A finding of the reader, the schema or the mapping, as table 0357 says it.
fn of_finding(finding: &Diagnostic) -> AckFault {
    let number = if finding.code == code::DOC_SYNTAX || finding.code == code::DOC_LIMIT {
        SEQUENCE
    } else if finding.code == code::MAP_FORMAT {
        MESSAGE_TYPE
    } else if finding.code == code::MAP_INCOMPLETE || finding.message.ends_with("is missing") {
        REQUIRED
    } else if finding.message.contains("code list") {
        TABLE
    } else {
        DATA_TYPE
    };
    let location = finding.pointer.as_deref().map(Location::of_pointer).unwrap_or_default();
    let location = if number == MESSAGE_TYPE { at("MSH", &[9]) } else { location };
    fault(number, location, finding.code.as_str(), &finding.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(acks: &str) -> Asked {
        let text = format!("MSH|^~\\&|A|B|C|D|20260304||ADT^A08|M1|P|2.5.1|||{acks}\r");
        Asked::of(text.as_bytes(), Moment::from_millis(0))
    }
    fn said(acks: &str, outcome: Result<Accepted, Failure>) -> Option<String> {
        let text = asked(acks).answer(outcome)?;
        text.split('\r').nth(1).map(str::to_owned)
    }
    fn taken() -> Result<Accepted, Failure> {
        let (id, received_at) = (String::new(), String::new());
        Ok(Accepted {
            id,
            received_at,
            loss: serde_json::Value::Null,
            subjects_matched: 0,
            routed: 0,
            quarantined: 0,
            replaced: 0,
        })
    }

    #[test]
    fn each_mode_gets_the_answer_it_asks_for() {
        assert_eq!(said("", taken()).as_deref(), Some("MSA|AA|M1"));
        assert_eq!(said("AL|AL", taken()).as_deref(), Some("MSA|AA|M1"));
        assert_eq!(said("AL|NE", taken()).as_deref(), Some("MSA|CA|M1"));
        assert_eq!(said("NE|NE", taken()), None);
        assert_eq!(said("ER|NE", taken()), None);
        assert_eq!(said("ER|NE", Err(Failure::LogUnavailable)).as_deref(), Some("MSA|CE|M1"));
    }

    #[test]
    fn faults_of_content_are_rejected_and_technical_ones_may_be_sent_again() {
        let missing = Diagnostic::error(code::SCHEMA_INVALID, "`3` is missing").with_pointer("/PID");
        let text = asked("").answer(Err(Failure::Invalid(vec![missing]))).unwrap();
        assert!(
            text.contains("MSA|AR|M1\rERR||PID^1|101^Required field missing^HL70357|E|SOL-SCHEMA-INVALID"),
            "{text}"
        );
        assert!(said("", Err(Failure::Conflict)).unwrap().starts_with("MSA|AR"));
        assert!(said("", Err(Failure::LogUnavailable)).unwrap().starts_with("MSA|AE"));
    }

    #[test]
    fn what_the_header_rules_out_is_refused_at_once() {
        let refused = |text: &str| Asked::of(text.as_bytes(), Moment::from_millis(0)).refused_at_once().flatten();
        assert!(refused("nonsense").unwrap().contains("|100^"));
        assert!(refused("MSH|^~\\&|A|B|C|D|2026||ADT^A08||P|2.5\r").unwrap().contains("MSH^1^10|101^"));
        assert!(refused("MSH|^~\\&|A|B|C|D|2026||ADT^A08|1|P|3.0\r").unwrap().contains("|203^"));
        assert!(refused("MSH|^~\\&|A|B|C|D|2026||ADT^A08|1|X|2.5\r").unwrap().contains("|202^"));
        assert_eq!(refused("MSH|^~\\&|A|B|C|D|2026||ADT^A08|1|P|2.5\r"), None);
    }

    #[test]
    fn the_key_is_the_sender_and_its_control_id() {
        assert_eq!(asked("").key(), "mllp/1:A/1:B/2:M1");
    }
}
