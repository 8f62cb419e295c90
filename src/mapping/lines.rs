//! Several messages in one input, one a line: JSON, or FHIR in XML.

use crate::diagnostic::Diagnostic;
use crate::document::hl7v2;
use crate::schema::Syntax;

/// The messages of an input; a batch of another syntax is cut here too. JSON comes in lines, and XML as it is written
/// here when there are several messages: an input is lines when every line is a whole object or document.
pub fn split(bytes: &[u8], syntax: Syntax) -> Vec<&[u8]> {
    open(bytes, syntax).0
}

/// As [`split`], with what was odd about the envelope of a batch.
pub fn open(bytes: &[u8], syntax: Syntax) -> (Vec<&[u8]>, Vec<Diagnostic>) {
    if matches!(syntax, Syntax::Hl7v2 { .. }) {
        let batch = hl7v2::open_batch(bytes);
        return (batch.messages, batch.warnings);
    }
    (apart(bytes, syntax), Vec::new())
}

fn apart(bytes: &[u8], syntax: Syntax) -> Vec<&[u8]> {
    let is_whole: fn(&[u8]) -> bool = match syntax {
        Syntax::Json | Syntax::FhirJson => |line| line.starts_with(b"{") && line.ends_with(b"}"),
        Syntax::FhirXml => |line| line.starts_with(b"<?xml") && line.ends_with(b"</Bundle>"),
        _ => return vec![bytes],
    };
    let lines = || bytes.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    // The first line decides for nearly every message, so that the others are not looked at.
    if lines().all(is_whole) && lines().nth(1).is_some() { lines().collect() } else { vec![bytes] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_objects_on_every_line_are_lines() {
        assert_eq!(split(b"{\"a\":1}\n{\"b\":2}\n", Syntax::Json).len(), 2);
        assert_eq!(split(b"{\n\"a\":{}\n}", Syntax::Json).len(), 1);
        assert_eq!(split(b"{\"a\":1}\nnot json", Syntax::Json).len(), 1);
        assert_eq!(split(b"<?xml?><Bundle></Bundle>\n<?xml?><Bundle></Bundle>\n", Syntax::FhirXml).len(), 2);
        assert_eq!(split(b"<?xml?>\n<Bundle>\n</Bundle>\n", Syntax::FhirXml).len(), 1);
    }
}
