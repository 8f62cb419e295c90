//! Translation of one message on one thread: everything we do beside what an expert would write by hand.
//!
//! Ours: read, native validation, mapping, labels, loss accounting with conservation, canonical validation, write, native
//! validation again. The peer for the FHIR bundle is a plain program: `serde_json` values, one `jsonschema` validation,
//! fields picked by hand into census XML, nothing labelled, nothing accounted for. Its limit is the same with `serde`
//! types and no check at all. For the census the limit is a scan that picks up texts with no check at all. Inputs are the
//! demo's messages. The last lines show that cost is linear and what a large census costs in memory.
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
use serde::Deserialize;
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
    let bare = least(|| typed(&bundle));
    line(
        "T1 bundle: read and write, all checks",
        "µs",
        ours,
        "limit: serde types, no checks",
        bare,
        Budget::AtMost(4.0),
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
    large(&mappings, &census, &council);
}

/// Children of the large census: a large council has about 5,000 in a year.
const CHILDREN: usize = 10_000;

/// The same children again and again: time per child must not grow, nor memory per byte.
fn large(mappings: &Mappings, census: &[u8], council: &ReadContext) {
    let text = String::from_utf8(census.to_vec()).unwrap();
    let (start, end) = (text.find("<Child>").unwrap(), text.rfind("</Child>").unwrap() + "</Child>".len());
    let two = &text[start..end];
    let of = |children: usize| [&text[..start], &two.repeat(children / 2), &text[end..]].concat().into_bytes();
    let context = ReadContext { limits: Limits::file(), ..council.clone() };
    let count = if measure::measuring() { CHILDREN } else { 100 };
    let time = |message: &[u8]| {
        let at = std::time::Instant::now();
        let mut records = 0_usize;
        mappings.read_each("cin-census", message, &context, &mut |_| records += 1).unwrap();
        at.elapsed().as_secs_f64() * 1e6 / records as f64
    };
    let (small, big) = (of(count / 20), of(count));
    let least_of = |message: &[u8]| (0..3).map(|_| time(message)).fold(f64::INFINITY, f64::min);
    let (few, before) = (least_of(&small), peak());
    let many = least_of(&big);
    line(
        &format!("census of {count} children: read, each"),
        "µs",
        many,
        "one of a twentieth",
        few,
        Budget::AtMost(1.3),
    );
    if let (Some(before), Some(after)) = (before, peak()) {
        let grown = (after.saturating_sub(before) * 1024) as f64 / 1e6;
        let size = big.len() as f64 / 1e6;
        line("the same: memory above what was there", "MB", grown, "size of the message", size, Budget::AtMost(8.0));
    }
}

/// Highest memory of this process so far, in KiB, where Linux tells it.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

#[derive(Deserialize)]
struct Bundle<'a> {
    #[serde(borrow)]
    entry: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    resource: Resource<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Resource<'a> {
    resource_type: &'a str,
    meta: Meta<'a>,
    #[serde(borrow)]
    identifier: Vec<Identifier<'a>>,
    #[serde(borrow)]
    name: Vec<Name<'a>>,
    birth_date: Option<&'a str>,
    gender: Option<&'a str>,
    #[serde(borrow)]
    code: Option<Concept<'a>>,
    status: Option<&'a str>,
    #[serde(borrow)]
    subject: Option<Reference<'a>>,
    onset_date_time: Option<&'a str>,
    recorded_date: Option<&'a str>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Meta<'a> {
    #[serde(borrow)]
    security: Vec<Coding<'a>>,
}

#[derive(Deserialize)]
struct Identifier<'a> {
    system: Option<&'a str>,
    value: Option<std::borrow::Cow<'a, str>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Name<'a> {
    family: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    given: Vec<std::borrow::Cow<'a, str>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Concept<'a> {
    #[serde(borrow)]
    coding: Vec<Coding<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Coding<'a> {
    code: Option<&'a str>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Reference<'a> {
    reference: Option<&'a str>,
}

/// The same fields as [`plain`], from types made for this very message, with no check at all.
fn typed(bytes: &[u8]) -> String {
    let bundle: Bundle<'_> = serde_json::from_slice(bytes).unwrap();
    let mut out = String::with_capacity(4096);
    let mut put = |name: &str, text: Option<&str>| {
        if let Some(text) = text {
            let _ = write!(out, "<{name}>{}</{name}>", text.replace('&', "&amp;").replace('<', "&lt;"));
        }
    };
    for Entry { resource: r } in &bundle.entry {
        let nhs = r.identifier.iter().find(|i| i.system == Some("https://fhir.nhs.uk/Id/nhs-number"));
        put("Kind", Some(r.resource_type));
        put("NHSNumber", nhs.and_then(|i| i.value.as_deref()));
        put("Surname", r.name.first().and_then(|n| n.family.as_deref()));
        put("Forename", r.name.first().and_then(|n| n.given.first()).map(|g| &**g));
        put("PersonBirthDate", r.birth_date);
        put("Sex", r.gender);
        put("Status", r.status);
        put("Code", r.code.as_ref().and_then(|c| c.coding.first()?.code));
        put("Onset", r.onset_date_time);
        put("Recorded", r.recorded_date);
        put("About", r.subject.as_ref().and_then(|s| s.reference));
        put("Confidentiality", r.meta.security.first().and_then(|c| c.code));
    }
    out
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
