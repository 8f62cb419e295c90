//! Our validator against an independent implementation of JSON Schema 2020-12, on our own schemas.

use super::{CENSUS, REFERRAL, schemas};
use jsonschema::{Registry, Validator};
use proptest::prelude::*;
use serde_json::{Value, json};
use solent::cli::content;
use solent::document::{Document, Limits};
use solent::schema::{Format, Strictness, Syntax};
use std::sync::OnceLock;

/// The oracle for one schema file, all files of the set at hand.
fn oracle(name: &str) -> Validator {
    let files = content::built_in();
    let all: Vec<Value> =
        files.matching("schemas/", ".schema.json").map(|(_, bytes)| serde_json::from_slice(bytes).unwrap()).collect();
    let mut registry = Registry::new();
    for schema in &all {
        registry = registry.add(schema["$id"].as_str().unwrap(), schema).unwrap();
    }
    let registry = registry.prepare().unwrap();
    let mut options = jsonschema::options();
    for format in solent::schema::FORMATS {
        options = options.with_format(*format, move |text: &str| Format::named(format).is_some_and(|f| f.holds(text)));
    }
    let root: Value = serde_json::from_slice(files.get(&format!("schemas/{name}")).unwrap()).unwrap();
    options.should_validate_formats(true).with_registry(&registry).build(&root).unwrap()
}

fn natives() -> &'static Vec<(&'static str, Validator, Value)> {
    static ALL: OnceLock<Vec<(&'static str, Validator, Value)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let tree = |name: &str, syntax, text: &str| {
            let schema = schemas().get(name).unwrap();
            let tree =
                schema.read(syntax, text.as_bytes(), &Limits::default(), Strictness::Strict).unwrap().into_inner();
            tree.to_value(tree.root())
        };
        let (census, referral) = ("cin-census/message.schema.json", "fhir-r4-json/referral.schema.json");
        let record = "record/record.schema.json";
        vec![
            (census, oracle(census), tree(census, Syntax::Xml { root: "Message" }, CENSUS)),
            (referral, oracle(referral), tree(referral, Syntax::FhirJson, REFERRAL)),
            (record, oracle(record), record_value()),
        ]
    })
}

fn record_value() -> Value {
    let label = json!({ "category": "IDN", "confidentiality": "N", "custodian": "a", "about": ["p"], "third_party": "none",
        "basis_marker": "fact", "author_role": "SW", "originator": [{ "max": "I", "roles": ["DSL"] }] });
    json!({ "envelope": { "sent_at": "2026-10-05T09:30:00Z", "read_by": { "mapping": "m" } },
        "people": [{ "id": "p", "label": label, "role": "subject", "birth": { "date": "2014-05" }, "sex": { "code": "male" },
            "names": [{ "given": ["x"] }], "addresses": [{ "id": "a", "label": label, "start": "2014" }],
            "absent": { "names": "refused" }, "unparsed": [{ "path": "a", "text": "b" }] }],
        "plans": [{ "id": "q", "label": label, "kind": "safety-plan", "start": "2014", "reviews": ["2014-05-27"],
            "goals": [{ "rated_by_family": 3 }], "previous_plans": 0 }],
        "health": [{ "id": "h", "label": label, "kind": "condition", "alcohol": { "days": { "value": 1.5, "unit": "d" } } }] })
}

/// All places of a value, as pointers.
fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(k, v)| pointers(v, &format!("{at}/{}", k.replace('~', "~0").replace('/', "~1")), out)),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| pointers(v, &format!("{at}/{i}"), out)),
        _ => {}
    }
}

fn damage(value: &mut Value, at: usize, how: usize) {
    let mut all = Vec::new();
    pointers(value, "", &mut all);
    let place = &all[at % all.len()];
    let target = value.pointer_mut(place).unwrap();
    match how % 12 {
        0 => *target = json!("2014-05-27"),
        1 => *target = json!(-1.5),
        2 => *target = json!([]),
        3 => *target = json!({}),
        4 => *target = json!(null),
        5 => *target = json!(true),
        6 => *target = json!("INT"),
        7 => *target = json!(""),
        8 => {
            if let Value::Object(members) = target {
                members.insert("unheard-of".into(), json!(1));
            }
        }
        9 => {
            if let Value::Object(members) = target {
                let first = members.keys().next().cloned();
                first.map(|k| members.remove(&k));
            }
        }
        10 => {
            if let Value::Array(items) = target {
                items.extend(items.clone());
            }
        }
        _ => *target = json!(["x", 1]),
    }
}

/// Members that exclude each other are ours (`x-at-most-one`), so the oracle cannot judge them.
fn only_ours(text: &str) -> bool {
    text.contains("only one of")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_judge_a_damaged_message_alike(which in 0..3usize, blows in prop::collection::vec((any::<usize>(), any::<usize>()), 0..3)) {
        let (name, oracle, value) = &natives()[which];
        let mut value = value.clone();
        for (at, how) in blows {
            damage(&mut value, at, how);
        }
        let schema = schemas().get(name).unwrap();
        let ours = schema.validate(Document::from_value(&value), None, Strictness::Strict);
        let theirs: Vec<String> = oracle.iter_errors(&value).map(|e| format!("{} {}", e.instance_path(), e.masked())).collect();
        match ours {
            Ok(_) => prop_assert!(theirs.is_empty(), "{}: only they refuse: {:?}", name, theirs),
            Err(refused) => {
                let found: Vec<String> = refused.1.iter().map(ToString::to_string).collect();
                prop_assert!(!theirs.is_empty() || found.iter().any(|f| only_ours(f)), "{}: only we refuse: {:?}", name, found);
            }
        }
    }
}

#[test]
fn the_samples_of_the_oracle_are_valid() {
    for (name, oracle, value) in natives() {
        let errors: Vec<String> = oracle.iter_errors(value).map(|e| e.masked().to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

#[test]
fn every_schema_is_valid_json_schema() {
    let files = content::built_in();
    for (name, bytes) in files.matching("schemas/", ".schema.json") {
        let schema: Value = serde_json::from_slice(bytes).unwrap();
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
    }
}
