//! What most values of a message are asked, in eight bytes a shape and side by side.
//!
//! A shape with its lists, patterns and names fills several hundred bytes, and fetching them cost more than looking at the
//! value. A glance settles a scalar of which no more is asked than its kind and its length; for all others it says
//! nothing, and the shape is asked. It never finds anything: what it does not settle is not wrong yet.

use super::shape::{Entry, ScalarShape, Shape};
use crate::document::{Document, Kind, NodeId};

/// Bytes of the longest character in UTF-8.
const CHARACTER_BYTES: usize = 4;

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Glance {
    /// Permitted kinds, one bit each, when nothing else is asked but a length; else none.
    taken: u8,
    /// A text of so many bytes is long enough, whatever its characters.
    least: u16,
    /// A text of so many bytes is short enough.
    most: u32,
}

impl Glance {
    /// What is seen of a shape at a glance.
    pub(super) fn of(entry: &Entry) -> Self {
        match &entry.shape {
            Shape::Scalar(scalar) if entry.checks.is_empty() && entry.notice.is_none() => Self::scalar(scalar),
            _ => Self::default(),
        }
    }

    fn scalar(shape: &ScalarShape) -> Self {
        let asked = !shape.enumeration.is_empty()
            || !shape.regexes.is_empty()
            || shape.format.is_some()
            || shape.integer
            || shape.minimum.is_some()
            || shape.maximum.is_some();
        let least = match shape.min_length {
            0 => Some(0),
            characters => u16::try_from((characters - 1).saturating_mul(CHARACTER_BYTES).saturating_add(1)).ok(),
        };
        match least {
            Some(least) if !asked => Self {
                taken: shape.taken,
                least,
                most: shape.max_length.map_or(u32::MAX, |m| u32::try_from(m).unwrap_or(u32::MAX)),
            },
            _ => Self::default(),
        }
    }

    /// Whether a value is right beyond doubt.
    pub(super) fn settles(self, document: &Document, node: NodeId) -> bool {
        let kind = document.kind(node);
        if self.taken >> kind as u8 & 1 == 0 {
            return false;
        }
        let bytes = || document.text(node).map_or(0, str::len);
        kind != Kind::String || (usize::from(self.least)..=self.most as usize).contains(&bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Files;
    use crate::schema::{Schema, Schemas};

    fn schema(text: &str) -> Schema {
        let mut files = Files::default();
        files.insert("schemas/x.schema.json", text.as_bytes().to_vec());
        Schemas::load(&files).unwrap().get("x.schema.json").unwrap().clone()
    }

    #[test]
    fn what_a_glance_settles_is_what_the_whole_shape_finds_nothing_wrong_with() {
        let scalars = [
            r#"{"type":"string"}"#,
            r#"{"type":"string","minLength":1,"maxLength":3}"#,
            r#"{"type":"string","minLength":2}"#,
            r#"{"type":["string","number"],"maxLength":2}"#,
            r#"{"type":"boolean"}"#,
            r#"{"type":"integer"}"#,
            r#"{"type":"number","maximum":3}"#,
            r#"{"type":"string","enum":["a","abc"]}"#,
            r#"{"type":"string","pattern":"^a*$"}"#,
            r#"{"type":"string","format":"year"}"#,
            r#"{"type":"string","x-notice":"unknown"}"#,
            r#"{"type":"string","not":{"const":"a"}}"#,
        ];
        let mut settled = 0;
        for scalar in scalars {
            let schema = schema(scalar);
            let glance = schema.shapes().glance(schema.root());
            for (kind, text) in [
                (Kind::String, ""),
                (Kind::String, "a"),
                (Kind::String, "é"),
                (Kind::String, "abc"),
                (Kind::String, "ééé"),
                (Kind::String, "abcdefghi"),
                (Kind::Number, "1.5"),
                (Kind::Bool, "true"),
                (Kind::Null, ""),
            ] {
                let mut document = Document::new(kind);
                let root = document.root();
                document.set_scalar(root, kind, text);
                if glance.settles(&document, root) {
                    settled += 1;
                    // The shape itself, without a glance before it.
                    let found = crate::schema::validate::fault_of(&document, schema.shapes(), schema.root());
                    assert!(!found, "{scalar} {text}");
                }
            }
        }
        assert_eq!(settled, 16);
        let object = schema(r#"{"type":"object"}"#);
        assert!(!object.shapes().glance(object.root()).settles(&Document::new(Kind::Object), NodeId::default()));
    }
}
