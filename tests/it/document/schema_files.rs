//! Loading schema files: what is refused, with which place and which hint (`SOL-SCHEMA-FILE`).

use solent::config::Files;
use solent::diagnostic::{Diagnostic, code};
use solent::document::Document;
use solent::schema::{Schemas, Strictness};

fn load(files: &[(&str, &str)]) -> Result<Schemas, Vec<Diagnostic>> {
    let mut set = Files::default();
    for (name, text) in files {
        set.insert(format!("schemas/{name}.schema.json"), text.as_bytes().to_vec());
    }
    Schemas::load(&set)
}

#[test]
fn a_mistake_in_a_schema_file_is_named_with_its_place() {
    for (text, said, help) in [
        ("{\n \"type\": \"object\", }", "member name", None),
        ("{\"type\": \"object\", \"requird\": [\"a\"]}", "`requird` is not a keyword", Some("`required`")),
        ("{\"type\": \"object\", \"patternProperties\": {}}", "not a keyword", None),
        ("{\"$ref\": \"#/$defs/a\"}", "points at nothing", None),
        ("{\"$ref\": \"othr.schema.json\"}", "no schema file", Some("`other.schema.json`")),
        ("{\"$ref\": \"file:///etc/passwd\"}", "no schema file", None),
        ("{\"$ref\": \"https://example.org/x.json\"}", "no schema file", None),
        ("{\"$ref\": \"#\"}", "back to itself", None),
        ("{\"type\": \"string\", \"pattern\": \"(\"}", "not a regular expression", None),
        ("{\"type\": \"string\", \"pattern\": \"a(?=b)\"}", "not a regular expression", None),
        ("{\"type\": \"string\", \"format\": \"dat\"}", "not a format", Some("`date`")),
        (
            "{\"type\": \"object\", \"properties\": {\"name\": {}}, \"required\": [\"nam\"]}",
            "no member `nam`",
            Some("`name`"),
        ),
        ("{\"type\": \"object\", \"properties\": {\"a\": {}}, \"x-sequence\": [\"b\"]}", "no member `b`", None),
        ("{\"type\": [\"object\", \"string\"]}", "not a choice of them", None),
        ("{\"type\": \"text\"}", "not one of JSON Schema's", None),
        ("{\"allOf\": [{\"type\": \"string\"}, {\"type\": \"integer\"}]}", "nothing can satisfy", None),
        ("{\"pattern\": \"^a$\"}", "say the `type`", None),
        ("{\"properties\": {\"a\": 1}}", "a schema is an object", None),
        (
            "{\"allOf\": [{\"type\": \"object\", \"properties\": {\"a\": {}}, \"additionalProperties\": false}], \"properties\": {\"b\": {}}}",
            "declared elsewhere",
            None,
        ),
    ] {
        let found = load(&[("x", text), ("other", "{}")]).expect_err(text);
        let first = &found[0];
        assert_eq!(first.code, code::SCHEMA_FILE, "{first}");
        assert_eq!(first.file.as_deref(), Some("schemas/x.schema.json"), "{first}");
        assert!(first.position.is_some() && first.message.contains(said), "{text}: {first}");
        if let Some(help) = help {
            assert!(first.to_string().contains(&format!("did you mean {help}")), "{text}: {first}");
        }
    }
}

#[test]
fn references_reach_other_files_and_may_be_circular() {
    let list = r##"{"type":"object","properties":{"next":{"$ref":"#"},"value":{"$ref":"parts/v.schema.json#/$defs/n"}},"additionalProperties":false}"##;
    let schemas = load(&[("list", list), ("parts/v", r#"{"$defs":{"n":{"type":"integer","minimum":1}}}"#)]).unwrap();
    let schema = schemas.get("list.schema.json").unwrap();
    let judge = |v: serde_json::Value| schema.validate(Document::from_value(&v), None, Strictness::Strict).is_ok();
    assert!(judge(serde_json::json!({ "next": { "next": { "value": 2 } } })));
    assert!(!judge(serde_json::json!({ "next": { "next": { "value": 0 } } })));
    assert!(!judge(serde_json::json!({ "next": { "nxt": {} } })));
    let leaves = schema.shapes().leaves(schema.root());
    assert_eq!(
        leaves.iter().map(|l| (l.path.join("."), l.recursive)).collect::<Vec<_>>(),
        [("next".to_owned(), true), ("value".to_owned(), false)]
    );
}

#[test]
fn tolerance_turns_value_faults_into_warnings_and_nothing_else() {
    let text = r#"{"type":"object","required":["a","b"],"x-tolerate-missing":["b"],"x-tolerate-unknown":true,
        "properties":{"a":{"type":"string","enum":["x"],"x-tolerate":true},"b":{"type":"string"},"c":{"type":"string","maxLength":1}}}"#;
    let schemas = load(&[("t", text)]).unwrap();
    let schema = schemas.get("t.schema.json").unwrap();
    for (value, tolerant, strict) in [
        (serde_json::json!({ "a": "x", "b": "" }), Some(0), true),
        (serde_json::json!({ "a": "y", "b": "" }), Some(1), false),
        (serde_json::json!({ "a": "x" }), Some(1), false),
        (serde_json::json!({ "a": "x", "b": "", "z": 1 }), Some(1), true),
        (serde_json::json!({ "b": "" }), None, false),
        (serde_json::json!({ "a": 1, "b": "" }), None, false),
        (serde_json::json!({ "a": "x", "b": "", "c": "éé" }), None, false),
        (serde_json::json!({ "a": "x", "b": "", "c": "é" }), Some(0), true),
    ] {
        let run = |strictness| schema.validate(Document::from_value(&value), None, strictness);
        assert_eq!(run(Strictness::Tolerant).ok().map(|v| v.warnings().len()), tolerant, "{value}");
        assert_eq!(run(Strictness::Strict).is_ok(), strict, "{value}");
    }
}
