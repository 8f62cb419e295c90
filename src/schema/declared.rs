//! What a message says it is, before it is read: the name of its root, its structure, its columns.
//!
//! Only for choosing among the mappings of one format. Says nothing about validity: the reader does that.

use super::native::Syntax;
use crate::diagnostic::Diagnostic;
use crate::document::{Limits, csv, xml};

/// What a message says it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Declared {
    /// Nothing that can be seen without reading it.
    Nothing,
    /// Root element, or message structure.
    Root(String),
    /// The columns of the header line.
    Columns(Vec<String>),
}

/// What a message of this kind of syntax says it is (root, key and columns of `syntax` do not matter).
///
/// # Errors
/// The bytes are not text in an encoding the syntax permits.
pub fn declared(syntax: Syntax, bytes: &[u8], limits: &Limits) -> Result<Declared, Diagnostic> {
    match syntax {
        Syntax::Json | Syntax::FhirJson | Syntax::NiemJson { .. } | Syntax::NiemXml { .. } => Ok(Declared::Nothing),
        Syntax::Xml { .. } => {
            let text = xml::decode(bytes, limits)?;
            Ok(xml::root_name(&text).map_or(Declared::Nothing, Declared::Root))
        }
        Syntax::Hl7v2 { .. } => Ok(structure(bytes).map_or(Declared::Nothing, Declared::Root)),
        Syntax::Csv { .. } => Ok(Declared::Columns(csv::header(&csv::decode(bytes, limits)?.0)?)),
    }
}

/// Message structure of an HL7 v2 message: MSH-9.3, else trigger and event joined.
fn structure(bytes: &[u8]) -> Option<String> {
    let start = bytes.windows(3).position(|w| w == b"MSH")?;
    let header: &[u8] = bytes.get(start..)?.split(|b| matches!(b, b'\r' | b'\n')).next()?;
    let (field, component) = (*header.get(3)?, *header.get(4)?);
    let mut parts = header.split(|b| *b == field).nth(8)?.split(|b| *b == component);
    let text = |part: Option<&[u8]>| part.filter(|p| !p.is_empty()).map(|p| String::from_utf8_lossy(p).into_owned());
    let (message, event, structure) = (text(parts.next()), text(parts.next()), text(parts.next()));
    structure.or_else(|| Some(format!("{}_{}", message?, event?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(syntax: Syntax, text: &str) -> Declared {
        declared(syntax, text.as_bytes(), &Limits::default()).unwrap()
    }

    #[test]
    fn a_message_says_its_root_before_it_is_read() {
        let xml = Syntax::Xml { root: "" };
        assert_eq!(
            of(xml, "<?xml version=\"1.0\"?><!-- a --><p:CTfile xmlns:p='u'/>"),
            Declared::Root("CTfile".into())
        );
        assert_eq!(of(xml, "no xml"), Declared::Nothing);
        let hl7 = Syntax::Hl7v2 { root: "" };
        assert_eq!(
            of(hl7, "MSH|^~\\&|A|B|C|D|20260101||REF^I12^REF_I12|1|P|2.4\rPID|"),
            Declared::Root("REF_I12".into())
        );
        assert_eq!(of(hl7, "MSH|^~\\&|A|B|C|D|20260101||ADT^A04|1|P|2.4"), Declared::Root("ADT_A04".into()));
        let csv = Syntax::Csv { key: "", shared: &[] };
        assert_eq!(of(csv, "\u{feff}CHILD, \"DOB\"\r\n1,2\r\n"), Declared::Columns(vec!["CHILD".into(), "DOB".into()]));
    }
}
