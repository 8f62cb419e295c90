//! Extracts of database tables as JSON: an object of tables, each a list of rows (`x-tables` at the top of a schema).
//!
//! Owns what such extracts leave to taste, so that mappings need not know it: names in any spelling of their case or
//! under an older name (`x-tables` lists those), numbers where a column is text and digits where it is a number, and
//! `null` or blank text for a cell without a value. Never touches a value otherwise. Also says which tables and columns
//! there are, for the same extract as CSV.

use super::shape::{ObjectShape, Shape, ShapeId, Shapes};
use super::source::{Loc, Sources};
use crate::document::csv::{Column, Table};
use crate::document::{Document, Kind, NodeId};
use std::collections::HashMap;

/// Members of an extract or a row that is tidied; one with more is left as it is, since tidying looks along all of them
/// for each. The widest table known has under 40 columns, the data set 62 tables.
const MEMBERS_MAX: usize = 300;

/// Other names of tables and columns, in lower case, with the name meant.
#[derive(Clone, Debug)]
pub(super) struct Tables {
    older: HashMap<String, String>,
}

impl Tables {
    /// What `x-tables` of a schema file says, if it says anything.
    pub(super) fn of(sources: &Sources, file: Loc) -> Option<Self> {
        let told = sources.children(sources.get(file, "x-tables")?);
        let pair = |l: Loc| Some((sources.key(l)?.to_lowercase(), sources.text(l)?.to_owned()));
        Some(Self { older: told.into_iter().filter_map(pair).collect() })
    }

    /// Brings an extract into the form its schema describes.
    pub(super) fn tidy(&self, document: &mut Document, shapes: &Shapes, root: ShapeId) {
        let Some(shape) = shapes.object(root) else { return };
        let top = document.root();
        if document.len(top) > MEMBERS_MAX {
            return;
        }
        self.rename(document, top, shape, &spellings(shape));
        let tables: Vec<NodeId> = document.children(top).collect();
        for table in tables {
            let Some(member) = document.key(table).and_then(|k| shape.member(k)) else { continue };
            let Some(row_shape) = shapes.object(member.shape) else { continue };
            let known = spellings(row_shape);
            let rows: Vec<NodeId> = document.children(table).collect();
            let usual = |r: &NodeId| document.kind(*r) == Kind::Object && document.len(*r) <= MEMBERS_MAX;
            for row in rows.into_iter().filter(usual).collect::<Vec<_>>() {
                self.rename(document, row, row_shape, &known);
                cells(document, row, shapes, row_shape);
            }
        }
    }

    /// The tables and their columns, with every name they go by.
    pub(super) fn listed(&self, shapes: &Shapes, root: ShapeId) -> Vec<Table> {
        let column = |name: &str| {
            let older = self.older.iter().filter(|(_, meant)| *meant == name).map(|(older, _)| older.clone());
            Column { member: name.to_owned(), headers: std::iter::once(name.to_owned()).chain(older).collect() }
        };
        let rows = |m: ShapeId| match shapes.get(m) {
            Shape::Array(list) => shapes.object(list.item),
            _ => shapes.object(m),
        };
        let members = shapes.object(root).map_or(&[][..], |shape| &shape.members);
        let table = |m: &super::shape::Member| {
            let columns = rows(m.shape)?.members.iter().map(|c| column(&c.name)).collect();
            Some(Table { name: column(&m.name), columns })
        };
        members.iter().filter_map(table).collect()
    }

    fn rename(&self, document: &mut Document, object: NodeId, shape: &ObjectShape, known: &HashMap<String, String>) {
        let members: Vec<NodeId> = document.children(object).collect();
        for member in members {
            let Some(key) = document.key(member).filter(|k| shape.member(k).is_none()) else { continue };
            let lower = key.to_lowercase();
            let meant =
                self.older.get(&lower).filter(|name| shape.member(name).is_some()).or_else(|| known.get(&lower));
            // Two spellings side by side: the exact one counts, the other stays unknown and is reported.
            if let Some(name) = meant.filter(|name| document.member(object, name).is_none()) {
                let name = name.clone();
                document.relocate(member, object, Some(&name));
            }
        }
    }
}

fn spellings(shape: &ObjectShape) -> HashMap<String, String> {
    shape.members.iter().map(|m| (m.name.to_lowercase(), m.name.clone())).collect()
}

fn cells(document: &mut Document, row: NodeId, shapes: &Shapes, shape: &ObjectShape) {
    let all: Vec<NodeId> = document.children(row).collect();
    for cell in all {
        let text = document.text(cell).unwrap_or("").to_owned();
        let kind = document.kind(cell);
        if kind == Kind::Null || (kind == Kind::String && text.trim().is_empty()) {
            document.detach(cell);
            continue;
        }
        let Some(member) = document.key(cell).and_then(|k| shape.member(k)) else { continue };
        let Shape::Scalar(scalar) = shapes.get(member.shape) else { continue };
        let takes = |k: Kind| scalar.kinds.contains(&k);
        if kind == Kind::Number && !takes(Kind::Number) && takes(Kind::String) {
            document.set_scalar(cell, Kind::String, &text);
        } else if kind == Kind::String && !takes(Kind::String) && takes(Kind::Number) && is_plain_number(&text) {
            document.set_scalar(cell, Kind::Number, &text);
        }
    }
}

/// Digits that are the same as text and as a number.
fn is_plain_number(text: &str) -> bool {
    text.parse::<u32>().is_ok_and(|n| n.to_string() == text)
}

#[cfg(test)]
mod tests {
    use crate::config::Files;
    use crate::document::Limits;
    use crate::schema::{Schemas, Syntax};
    use serde_json::{Value, json};

    const SCHEMA: &str = r#"{
        "type": "object",
        "x-tables": {"Kids": "Children", "OldAge": "Age"},
        "properties": {"Children": {"type": "array", "items": {"type": "object", "properties": {
            "Code": {"type": "string"}, "Age": {"type": "integer"}, "Either": {"type": ["string", "number"]}}}}}
    }"#;

    /// What the reader makes of an extract.
    fn tidied(extract: &Value) -> Value {
        let mut files = Files::default();
        files.insert("schemas/t.schema.json", SCHEMA.into());
        let schemas = Schemas::load(&files).unwrap();
        let text = extract.to_string();
        let read = schemas.get("t.schema.json").unwrap().parse(Syntax::Json, text.as_bytes(), &Limits::default());
        let document = read.unwrap().documents.remove(0);
        document.to_value(document.root())
    }

    #[test]
    fn names_are_taken_in_any_case_and_under_their_older_name() {
        let read = tidied(&json!({"kids": [{"CODE": "a", "oldage": 3}]}));
        assert_eq!(read, json!({"Children": [{"Code": "a", "Age": 3}]}));
    }

    #[test]
    fn two_spellings_side_by_side_leave_the_second_to_be_reported() {
        let read = tidied(&json!({"Children": [{"Code": "a", "CODE": "b"}]}));
        assert_eq!(read, json!({"Children": [{"Code": "a", "CODE": "b"}]}));
    }

    #[test]
    fn a_cell_without_a_value_is_no_cell() {
        let read = tidied(&json!({"Children": [{"Code": "  ", "Age": null}, {"Code": "a"}]}));
        assert_eq!(read, json!({"Children": [{}, {"Code": "a"}]}));
    }

    #[test]
    fn numbers_and_digits_become_what_their_column_is() {
        let read = tidied(&json!({"Children": [{"Code": 7, "Age": "7", "Either": "7"}]}));
        assert_eq!(read, json!({"Children": [{"Code": "7", "Age": 7, "Either": "7"}]}));
        // Digits that would not come back the same stay text, for the schema to judge.
        assert_eq!(tidied(&json!({"Children": [{"Age": "07"}]})), json!({"Children": [{"Age": "07"}]}));
    }

    #[test]
    fn a_row_wider_than_any_table_is_left_as_it_is() {
        let wide: serde_json::Map<String, Value> = (0..400).map(|n| (format!("code{n}"), json!(""))).collect();
        let read = tidied(&json!({"Children": [wide]}));
        assert_eq!(read["Children"][0].as_object().map(serde_json::Map::len), Some(400));
    }
}
