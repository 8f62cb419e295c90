//! Bytes of a message to a valid tree in one step, and back: which reader, which regrouping, which checks.

use super::{Schema, Strictness, Valid};
use crate::diagnostic::{Diagnostic, Severity};
use crate::document::{Document, Limits, Style, fhir, json, xml};

/// How a format writes its trees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Syntax {
    /// JSON as it is.
    Json,
    /// A FHIR Bundle in JSON, regrouped by resource type (mapping language §5.1).
    FhirJson,
    /// XML with this root element.
    Xml {
        /// Local name of the root element.
        root: &'static str,
    },
}

impl Schema {
    /// Reads and validates a message.
    ///
    /// # Errors
    /// What the reader refuses (one diagnostic), or every finding of the schema, all with line, column and pointer into
    /// the message as it was sent.
    pub fn read(
        &self,
        syntax: Syntax,
        bytes: &[u8],
        limits: &Limits,
        strictness: Strictness,
    ) -> Result<Valid<Document>, Vec<Diagnostic>> {
        let one = |d: Diagnostic| vec![d];
        let mut warnings = Vec::new();
        let text;
        let (document, source) = match syntax {
            Syntax::Json => (json::read(bytes, limits).map_err(one)?, bytes),
            Syntax::FhirJson => {
                let tree = json::read(bytes, limits).map_err(one)?;
                let regrouped = fhir::regroup(tree, bytes)?;
                warnings = regrouped.warnings;
                (regrouped.document, bytes)
            }
            Syntax::Xml { root } => {
                text = xml::decode(bytes, limits).map_err(one)?;
                let tree = xml::read(&text, root, limits, Some(&self.xml_shape())).map_err(one)?;
                (tree, text.as_bytes())
            }
        };
        let mut valid = self.validate(document, Some(source), strictness).map_err(|refused| refused.1)?;
        if strictness == Strictness::Strict && warnings.iter().any(|w| w.severity == Severity::Error) {
            return Err(warnings);
        }
        warnings.append(&mut valid.warnings);
        valid.warnings = warnings;
        Ok(valid)
    }

    /// Writes a tree in the format's syntax: members in the schema's order (XML), entries by resource type (FHIR).
    #[must_use]
    pub fn write(&self, syntax: Syntax, document: &Document, style: Style) -> Vec<u8> {
        match syntax {
            Syntax::Json => json::write(document, document.root(), style),
            Syntax::FhirJson => {
                let bundle = fhir::ungroup(document);
                json::write(&bundle, bundle.root(), style)
            }
            Syntax::Xml { root } => xml::write(document, document.root(), root, Some(&self.xml_shape()), style),
        }
    }
}
