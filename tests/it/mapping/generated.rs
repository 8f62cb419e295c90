//! The laws over documents made from the native schemas: places no sample fills.

use super::{laws, mappings, schemas};
use serde_json::{Map, Value, json};
use solent::document::{Document, Style};
use solent::mapping::Source;
use solent::mapping::lang::tree::Syntax as Written;
use solent::schema::{ScalarShape, Schema, Shape, ShapeId, Syntax};

/// Texts tried where a schema asks for a pattern.
const CANDIDATES: [&str; 22] = [
    "A",
    "1",
    "01",
    "0",
    "Y",
    "F",
    "A1",
    "123",
    "2020-01-31",
    "2020-01-31T09:30:00Z",
    "31/01/2020",
    "20200131",
    "2020",
    "9990000034",
    "E850214117002",
    "PO1 2AB",
    "123456",
    "1234567",
    "12345678",
    "E10000014",
    "urn:uuid:0b3d5f6a-77c9-5a41-8e02-4c5f1d98ba67",
    "MSH",
];

/// Documents made of one schema: each takes about a second unoptimised.
const SEEDS: u64 = 6;

/// Small numbers out of a seed; the same seed gives the same document.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % sides.max(1)
    }
}

fn scalar(shape: &ScalarShape, dice: &mut Dice) -> Value {
    if dice.roll(25) == 0 {
        return json!("??");
    }
    let text = if shape.enumeration.is_empty() {
        let fits = |text: &&str| {
            let length = text.chars().count();
            length >= shape.min_length
                && shape.max_length.is_none_or(|max| length <= max)
                && shape.pattern.as_deref().is_none_or(|p| regex::Regex::new(p).is_ok_and(|p| p.is_match(text)))
                && shape.format.is_none_or(|f| f.holds(text))
        };
        let fitting: Vec<&str> = CANDIDATES.into_iter().filter(|t| fits(t)).collect();
        (*fitting.get(dice.roll(fitting.len())).unwrap_or(&"x")).to_owned()
    } else {
        shape.enumeration[dice.roll(shape.enumeration.len())].clone()
    };
    match shape.kinds.first() {
        Some(solent::document::Kind::Number) => json!(dice.roll(100)),
        Some(solent::document::Kind::Bool) => json!(dice.roll(2) == 0),
        _ => json!(text),
    }
}

fn build(schema: &Schema, at: ShapeId, depth: usize, dice: &mut Dice) -> Option<Value> {
    match schema.shapes().get(at) {
        Shape::Scalar(shape) => Some(scalar(shape, dice)),
        Shape::Any => None,
        Shape::Array(list) => {
            let count = 1 + dice.roll(2);
            let items: Vec<Value> = (0..count).filter_map(|_| build(schema, list.item, depth + 1, dice)).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Shape::Object(object) => {
            let mut members = Map::new();
            for member in &object.members {
                let wanted = member.required || (depth < 6 && dice.roll(3) > 0) || dice.roll(8) == 0;
                if wanted
                    && depth < 12
                    && let Some(value) = build(schema, member.shape, depth + 1, dice)
                {
                    members.insert(member.name.clone(), value);
                }
            }
            (!members.is_empty()).then_some(Value::Object(members))
        }
    }
}

fn syntax(source: &Source<'static>) -> Option<Syntax> {
    match source.tree.native.syntax {
        Written::Fhir => Some(Syntax::FhirJson),
        Written::Json => Some(Syntax::Json),
        Written::Xml => Some(Syntax::Xml { root: source.tree.native.root.text.as_str() }),
        // Rows and segments are made from their own trees by their own tests.
        _ => None,
    }
}

#[test]
fn documents_made_from_every_native_schema_keep_the_laws() {
    let mut read = 0;
    for source in mappings().sources() {
        let Some(syntax) = syntax(&source) else { continue };
        let schema = schemas().get(&source.tree.native.schema.text).unwrap();
        for seed in 0..SEEDS {
            let Some(tree) = build(schema, schema.root(), 0, &mut Dice(seed * 7919 + 1)) else { continue };
            let document = Document::from_value(&tree);
            let bytes = schema.write(syntax, &document, Style::Compact);
            read += usize::from(laws::read(source.format, &bytes).is_some());
            laws::laws(source.format, &bytes);
        }
    }
    assert!(read > 5, "only {read} generated messages could be read");
}
