//! Translation of one message on one thread: everything we do beside what an expert would write by hand.
//!
//! Ours: read, native validation, mapping, labels, loss accounting with conservation, canonical validation, write, native
//! validation again. The limit for the FHIR bundle is a plain program: `serde_json` values, one `jsonschema` validation,
//! fields picked by hand into census XML, nothing labelled, nothing accounted for. For the census it is a scan that picks
//! up texts with no check at all. Inputs are the demo's messages.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench may stop"
)]
#![allow(missing_docs, clippy::print_stdout, reason = "a bench prints its result")]

mod measure;

use measure::{Budget, least, line};
use serde_json::{Value, json};
use solent::cli::content;
use solent::clock::Moment;
use solent::document::{Limits, json as own_json};
use solent::ident::AgencyId;
use solent::mapping::{Mappings, ReadContext, WriteContext};
use solent::record::Record;
use solent::schema::Schemas;
use std::fmt::Write as _;

fn input(name: &str) -> Vec<u8> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/demo").join(name)).unwrap()
}

fn main() {
    let files = content::built_in();
    let schemas = Schemas::load(&files).unwrap();
    let mappings = Mappings::load(&files, &schemas).unwrap();
    let health = ReadContext::of(AgencyId::new("southdown-mh"));
    let council = ReadContext::of(AgencyId::new("harbourshire-csc"));
    let out = WriteContext::at(Moment::from_millis(1_791_200_000_000));
    let (bundle, census) = (input("southdown-bundle.json"), input("harbourshire-census.xml"));
    println!("bundle {} bytes, census {} bytes", bundle.len(), census.len());

    let records = |format: &str, bytes: &[u8], context: &ReadContext| -> Vec<Record> {
        mappings.read(format, bytes, context).unwrap().into_iter().map(|r| r.record).collect()
    };
    let referral = oracle("fhir-r4-json/referral.schema.json");
    let program = plain(&bundle, &referral);
    assert!(
        program.contains("valid=\"true\"") && program.contains("<PersonBirthDate>"),
        "the plain program does its part"
    );

    let ours = least(|| {
        let read = records("fhir-r4-json", &bundle, &health);
        mappings.write("fhir-r4-json", &read, &out).unwrap().bytes
    });
    let hand = least(|| plain(&bundle, &referral));
    line(
        "T1 bundle: read and write, all checks",
        "µs",
        ours,
        "plain: serde_json + jsonschema + by hand",
        hand,
        Budget::AtMost(1.0),
    );
    let read = least(|| mappings.read("fhir-r4-json", &bundle, &health).unwrap());
    line("T1 bundle: read only", "µs", read, "plain: serde_json + jsonschema + by hand", hand, Budget::AtMost(1.0));
    let tree = least(|| own_json::read(&bundle, &Limits::message()).unwrap());
    let value = least(|| serde_json::from_slice::<Value>(&bundle).unwrap());
    line("bundle: bytes to positioned tree", "µs", tree, "serde_json::Value", value, Budget::AtMost(1.0));

    let ours = least(|| mappings.read("cin-census", &census, &council).unwrap());
    let scan = least(|| scan(&census));
    line("T3 census of two children: read", "µs", ours, "quick-xml scan, nothing checked", scan, Budget::AtMost(5.0));
    let children = records("cin-census", &census, &council);
    let written = least(|| mappings.write("cin-census", &children, &out).unwrap().bytes);
    line("census of two children: write", "µs", written, "quick-xml scan, nothing checked", scan, Budget::AtMost(5.0));
}

/// An independent validator for one schema of the set.
fn oracle(name: &str) -> jsonschema::Validator {
    let files = content::built_in();
    let all: Vec<Value> =
        files.matching("schemas/", ".schema.json").map(|(_, bytes)| serde_json::from_slice(bytes).unwrap()).collect();
    let mut registry = jsonschema::Registry::new();
    for schema in &all {
        registry = registry.add(schema["$id"].as_str().unwrap(), schema).unwrap();
    }
    let registry = registry.prepare().unwrap();
    let root: Value = serde_json::from_slice(files.get(&format!("schemas/{name}")).unwrap()).unwrap();
    jsonschema::options().with_registry(&registry).build(&root).unwrap()
}

/// What an expert writes by hand: parse, group resources by type, validate, pick fields, print census-like XML.
fn plain(bytes: &[u8], schema: &jsonschema::Validator) -> String {
    let Value::Object(mut bundle) = serde_json::from_slice(bytes).unwrap() else { panic!("no object") };
    let Some(Value::Array(entries)) = bundle.remove("entry") else { panic!("no entries") };
    for mut entry in entries {
        let Value::Object(mut resource) = entry["resource"].take() else { panic!("no resource") };
        let Some(Value::String(kind)) = resource.remove("resourceType") else { panic!("no type") };
        resource.insert("@url".to_owned(), entry["fullUrl"].take());
        let group = bundle.entry(kind).or_insert_with(|| Value::Array(Vec::new()));
        group.as_array_mut().unwrap().push(Value::Object(resource));
    }
    bundle.remove("resourceType");
    let bundle = Value::Object(bundle);
    let valid = schema.is_valid(&bundle);
    let groups = bundle.as_object().unwrap();
    let mut out = String::with_capacity(4096);
    let _ = write!(out, "<Message valid=\"{valid}\"><Children>");
    for person in ["Patient", "RelatedPerson"].iter().filter_map(|k| groups.get(*k)?.as_array()).flatten() {
        let nhs = person["identifier"].as_array().into_iter().flatten();
        let nhs = nhs.into_iter().find(|i| i["system"] == "https://fhir.nhs.uk/Id/nhs-number").map(|i| &i["value"]);
        field(&mut out, "NHSNumber", nhs.unwrap_or(&Value::Null));
        field(&mut out, "Surname", &person["name"][0]["family"]);
        field(&mut out, "Forename", &person["name"][0]["given"][0]);
        field(&mut out, "PersonBirthDate", &person["birthDate"]);
        field(&mut out, "Sex", &json!(if person["gender"] == "female" { "F" } else { "M" }));
        field(&mut out, "Relation", &person["relationship"][0]["coding"][0]["code"]);
        field(&mut out, "Confidentiality", &person["meta"]["security"][0]["code"]);
    }
    for (kind, resources) in groups.iter().filter(|(k, _)| *k != "Patient" && *k != "RelatedPerson") {
        for resource in resources.as_array().into_iter().flatten() {
            let _ = write!(out, "<{kind}>");
            field(&mut out, "Status", &resource["status"]);
            field(&mut out, "Code", &resource["code"]["coding"][0]["code"]);
            field(&mut out, "Start", &resource["period"]["start"]);
            field(&mut out, "End", &resource["period"]["end"]);
            field(&mut out, "Recorded", &resource["recordedDate"]);
            field(&mut out, "Onset", &resource["onsetDateTime"]);
            field(&mut out, "Text", &resource["description"]);
            field(&mut out, "About", &resource["subject"]["reference"]);
            field(&mut out, "Confidentiality", &resource["meta"]["security"][0]["code"]);
            let _ = write!(out, "</{kind}>");
        }
    }
    out.push_str("</Children></Message>");
    out
}

fn field(out: &mut String, name: &str, value: &Value) {
    if let Some(text) = value.as_str() {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        let _ = write!(out, "<{name}>{text}</{name}>");
    }
}

/// Names and texts of an XML document, in order, unchecked.
fn scan(bytes: &[u8]) -> Vec<(String, String)> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_reader(bytes);
    let (mut name, mut found) = (String::new(), Vec::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => name = start.name().as_ref().to_owned(),
            Event::Text(text) if !text.trim_ascii().is_empty() => {
                found.push((name.clone(), (*text).to_owned()));
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}
