//! What a message says it is, before it is read: the name of its root, its structure, its columns.
//!
//! Only for choosing among the mappings of one format. Says nothing about validity: the reader does that.

use super::native::Syntax;
use crate::diagnostic::Diagnostic;
use crate::document::{Limits, csv, hl7v2, xml};

/// Bytes of an HL7 v2 message looked at for its header segment.
const HEADER_BYTES_MAX: usize = 8 * 1024;

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
        Syntax::Json
        | Syntax::FhirJson
        | Syntax::FhirXml
        | Syntax::NiemJson { .. }
        | Syntax::NiemXml { .. }
        | Syntax::TablesCsv => Ok(Declared::Nothing),
        Syntax::Xml { .. } => {
            let text = xml::decode(bytes, limits)?;
            Ok(xml::root_name(&text).map_or(Declared::Nothing, Declared::Root))
        }
        Syntax::Hl7v2 { .. } => Ok(structure(bytes).map_or(Declared::Nothing, Declared::Root)),
        Syntax::Csv { .. } => Ok(Declared::Columns(csv::header(&csv::decode(bytes, limits)?.0)?)),
    }
}

/// The message structure that reads an HL7 v2 message.
fn structure(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(HEADER_BYTES_MAX))?);
    Some(hl7v2::read_as(&hl7v2::message_structure(&head)?).to_owned())
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
        assert_eq!(of(hl7, "MSH|^~\\&|A|B|C|D|20260101||ADT^A04|1|P|2.4"), Declared::Root("ADT_A01".into()));
        let csv = Syntax::Csv { key: "", shared: &[] };
        assert_eq!(of(csv, "\u{feff}CHILD,\"DOB\"\r\n1,2\r\n"), Declared::Columns(vec!["CHILD".into(), "DOB".into()]));
    }
}
