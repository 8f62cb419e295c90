//! Translation of one message on one thread: everything we do beside what an expert would write by hand.
//!
//! Ours: read, native validation, mapping, labels, loss accounting with conservation, canonical validation, write, native
//! validation again. The peer for the FHIR bundle is a plain program: `serde_json` values, one `jsonschema` validation,
//! fields picked by hand into census XML, nothing labelled, nothing accounted for. Its limit is the same with `serde`
//! types and no check at all. A health Bundle says too little for a census, so ours writes the whole Bundle again, which
//! is more. For the HL7 v2 referral and the census the limits are programs written for that one message, without any
//! check; the peer of the referral splits every field and builds JSON values. The last lines show that cost is linear and
//! what a large census costs in memory.
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
    hl7_referral(&mappings, &out);
    child(&mappings, &census, &council, &out);
    large(&mappings, &census, &council);
    rows(&mappings, &council);
}

/// T2: an HL7 v2 referral to a FHIR Bundle.
fn hl7_referral(mappings: &Mappings, out: &WriteContext) {
    let message = case("hl7v2/referral/to-the-council/input.hl7");
    let context = ReadContext::of(AgencyId::new("northdown-camhs"));
    let text = String::from_utf8(message.clone()).unwrap();
    assert!(hand_hl7(&text).contains("9990000018") && split_hl7(&text).contains("9990000018"));
    println!("referral {} bytes", message.len());
    let ours = least(|| {
        let read = mappings.read("hl7v2", &message, &context).unwrap();
        let records: Vec<Record> = read.into_iter().map(|r| r.record).collect();
        mappings.write("fhir-r4-json", &records, out).unwrap().bytes
    });
    let what = "T2 referral: HL7 v2 to FHIR, all checks";
    line(what, "µs", ours, "limit: by hand, no checks", least(|| hand_hl7(&text)), Budget::AtMost(12.0));
    line(what, "µs", ours, "plain: split all, json!, no checks", least(|| split_hl7(&text)), Budget::AtMost(1.0));
}

/// T3: the children of a census to JSON.
fn child(mappings: &Mappings, census: &[u8], council: &ReadContext, out: &WriteContext) {
    let hand = String::from_utf8(hand_census(census)).unwrap();
    assert!(hand.contains("\"LAchildID\":\"HCC0000301\"") && hand.contains("\"Disability\":\"HEAR\""));
    let ours = least(|| {
        let read = mappings.read("cin-census", census, council).unwrap();
        let records: Vec<Record> = read.into_iter().map(|r| r.record).collect();
        mappings.write("canonical", &records, out).unwrap().bytes
    });
    let limit = least(|| hand_census(census));
    line(
        "T3 census of two children to JSON, all checks",
        "µs",
        ours,
        "limit: by hand, no checks",
        limit,
        Budget::AtMost(5.0),
    );
}

fn case(name: &str) -> Vec<u8> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/mappings").join(name)).unwrap()
}

/// The referral as a Bundle, written for this message alone: fields by place, text by `format!`, nothing looked at twice.
fn hand_hl7(text: &str) -> String {
    let mut out = String::with_capacity(4096);
    out.push_str("{\"resourceType\":\"Bundle\",\"type\":\"message\",\"entry\":[");
    let part = |field: &str, n: usize| field.split('^').nth(n).unwrap_or("").to_owned();
    for segment in text.split('\r').filter(|s| !s.is_empty()) {
        let mut fields = segment.split('|');
        let name = fields.next().unwrap_or("");
        let rest: Vec<&str> = fields.collect();
        let f = |n: usize| rest.get(n - 1).copied().unwrap_or("");
        let _ = match name {
            "MSH" => write!(
                out,
                "{{\"resource\":{{\"resourceType\":\"MessageHeader\",\"id\":\"{}\",\"sender\":\"{}\",\"receiver\":\"{}\",\"time\":\"{}\"}}}}",
                f(9),
                f(3),
                f(5),
                f(6)
            ),
            "PID" => {
                let (name, address) = (f(5).split('~').next().unwrap_or(""), f(11));
                let phones: Vec<String> = f(13).split('~').map(|p| part(p, 0)).collect();
                write!(
                    out,
                    ",{{\"resource\":{{\"resourceType\":\"Patient\",\"identifier\":[{{\"value\":\"{}\"}}],\"name\":[{{\"family\":\"{}\",\"given\":[\"{}\",\"{}\"]}}],\"birthDate\":\"{}\",\"gender\":\"{}\",\"address\":[{{\"line\":[\"{}\",\"{}\"],\"city\":\"{}\",\"postalCode\":\"{}\"}}],\"telecom\":{phones:?}}}}}",
                    part(f(3), 0),
                    part(name, 0),
                    part(name, 1),
                    part(name, 2),
                    f(7),
                    if f(8) == "F" { "female" } else { "male" },
                    part(address, 0),
                    part(address, 1),
                    part(address, 2),
                    part(address, 4),
                )
            }
            "NK1" => write!(
                out,
                ",{{\"resource\":{{\"resourceType\":\"RelatedPerson\",\"family\":\"{}\",\"given\":\"{}\",\"relationship\":\"{}\"}}}}",
                part(f(2), 0),
                part(f(2), 1),
                part(f(3), 0)
            ),
            "DG1" => write!(
                out,
                ",{{\"resource\":{{\"resourceType\":\"Condition\",\"code\":\"{}\",\"text\":\"{}\",\"recordedDate\":\"{}\"}}}}",
                part(f(3), 0),
                part(f(3), 1),
                f(5)
            ),
            "RF1" => write!(
                out,
                ",{{\"resource\":{{\"resourceType\":\"ServiceRequest\",\"identifier\":\"{}\",\"priority\":\"{}\",\"authoredOn\":\"{}\",\"reason\":\"{}\"}}}}",
                part(f(6), 0),
                f(2),
                f(7),
                part(f(10), 1)
            ),
            "NTE" => write!(
                out,
                ",{{\"resource\":{{\"resourceType\":\"Communication\",\"text\":\"{}\"}}}}",
                f(3).replace("\\T\\", "&").replace("\\.br\\", "\\n")
            ),
            _ => Ok(()),
        };
    }
    out.push_str("]}");
    out
}

/// What a plain program does: every field, repetition and component split into lists, values picked, `json!`, text.
fn split_hl7(text: &str) -> String {
    let parsed: Vec<(String, Vec<Vec<Vec<String>>>)> = text
        .split('\r')
        .filter(|s| !s.is_empty())
        .map(|segment| {
            let mut fields = segment.split('|');
            let name = fields.next().unwrap_or("").to_owned();
            let split = |f: &str| f.split('~').map(|r| r.split('^').map(str::to_owned).collect()).collect();
            (name, fields.map(split).collect())
        })
        .collect();
    let mut entries = Vec::new();
    for (name, fields) in &parsed {
        let at = |f: usize, r: usize, c: usize| -> &str {
            fields.get(f - 1).and_then(|x| x.get(r)).and_then(|x| x.get(c)).map_or("", String::as_str)
        };
        let resource = match name.as_str() {
            "MSH" => {
                json!({"resourceType": "MessageHeader", "id": at(9, 0, 0), "sender": {"identifier": {"value": at(3, 0, 0)}},
                "destination": [{"receiver": {"identifier": {"value": at(5, 0, 0)}}}], "timestamp": at(6, 0, 0)})
            }
            "PID" => json!({"resourceType": "Patient",
                "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": at(3, 0, 0)}, {"value": at(3, 1, 0)}],
                "name": [{"use": "official", "family": at(5, 0, 0), "given": [at(5, 0, 1), at(5, 0, 2)], "prefix": [at(5, 0, 4)]},
                    {"use": "nickname", "family": at(5, 1, 0), "given": [at(5, 1, 1)]}],
                "birthDate": at(7, 0, 0), "gender": if at(8, 0, 0) == "F" { "female" } else { "male" },
                "address": [{"line": [at(11, 0, 0), at(11, 0, 1)], "city": at(11, 0, 2), "district": at(11, 0, 3), "postalCode": at(11, 0, 4)}],
                "telecom": [{"system": "phone", "value": at(13, 0, 0)}, {"system": "phone", "value": at(13, 1, 0)}, {"system": "email", "value": at(13, 2, 3)}]}),
            "NK1" => json!({"resourceType": "RelatedPerson", "name": [{"family": at(2, 0, 0), "given": [at(2, 0, 1)]}],
                "relationship": [{"coding": [{"code": at(3, 0, 0)}]}]}),
            "DG1" => {
                json!({"resourceType": "Condition", "code": {"coding": [{"code": at(3, 0, 0), "display": at(3, 0, 1)}]}, "recordedDate": at(5, 0, 0)})
            }
            "RF1" => {
                json!({"resourceType": "ServiceRequest", "identifier": [{"value": at(6, 0, 0)}], "priority": at(2, 0, 0),
                "authoredOn": at(7, 0, 0), "reasonCode": [{"text": at(10, 0, 1)}]})
            }
            "NTE" => json!({"resourceType": "Communication", "payload": [{"contentString": at(3, 0, 0)}]}),
            _ => continue,
        };
        entries.push(json!({"resource": resource}));
    }
    json!({"resourceType": "Bundle", "type": "message", "entry": entries}).to_string()
}

/// Every text of every child, as JSON under the names of the elements, in one pass over the events: no check, no types.
fn hand_census(bytes: &[u8]) -> Vec<u8> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_reader(bytes);
    let mut out = Vec::with_capacity(4096);
    let (mut first, mut name) = (true, String::new());
    out.push(b'[');
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                let tag = start.name();
                if tag.as_ref() == "Child" {
                    out.extend_from_slice(if out.len() == 1 { b"{" } else { b",{" });
                    first = true;
                }
                name.clear();
                name.push_str(tag.as_ref());
            }
            Event::Text(text) if !text.trim_ascii().is_empty() => {
                if !std::mem::take(&mut first) {
                    out.push(b',');
                }
                out.push(b'"');
                out.extend_from_slice(name.as_bytes());
                out.extend_from_slice(b"\":\"");
                out.extend_from_slice(text.trim_ascii().as_bytes());
                out.push(b'"');
            }
            Event::End(end) if end.name().as_ref() == "Child" => out.push(b'}'),
            Event::Eof => break,
            _ => {}
        }
    }
    out.push(b']');
    out
}

/// A CSV file from one to fifty megabytes: time per byte must stay the same.
fn rows(mappings: &Mappings, council: &ReadContext) {
    let context = ReadContext { limits: Limits::file(), ..council.clone() };
    let of = |children: usize| {
        let mut text = String::from("CHILD,DOB,MISSING,MIS_START,MIS_END\n");
        for n in 0..children {
            let _ = writeln!(text, "{n:06},08/10/2012,M,10/05/2026,12/05/2026");
        }
        text.into_bytes()
    };
    let time = |message: &[u8]| {
        let at = std::time::Instant::now();
        let mut records = 0_usize;
        mappings.read_each("ssda903", message, &context, &mut |_| records += 1).unwrap();
        at.elapsed().as_secs_f64() * 1e6 / records as f64
    };
    let count = if measure::measuring() { 20_000 } else { 100 };
    let (small, big) = (of(count / 20), of(count));
    let least_of = |message: &[u8]| (0..3).map(|_| time(message)).fold(f64::INFINITY, f64::min);
    let (few, many) = (least_of(&small), least_of(&big));
    line(&format!("{count} rows of CSV: read, each"), "µs", many, "one of a twentieth", few, Budget::AtMost(1.3));
}

/// Children of the large census: a large council has about 5,000 in a year.
const CHILDREN: usize = 10_000;

/// The same children again and again: time per child must not grow, nor memory per byte.
fn large(mappings: &Mappings, census: &[u8], council: &ReadContext) {
    let text = String::from_utf8(census.to_vec()).unwrap();
    let (start, end) = (text.find("<Child>").unwrap(), text.rfind("</Child>").unwrap() + "</Child>".len());
    let two = &text[start..end];
    // Each child has ids of its own: doubles are findings, and a finding costs a look at the file.
    let pair = |n: usize| {
        let named = two.replace("HCC0000301", &format!("HCC{:07}", 2 * n)).replace("T850220417001", &upn(2 * n));
        named.replace("HCC0000302", &format!("HCC{:07}", 2 * n + 1)).replace("E850214117002", &upn(2 * n + 1))
    };
    let all = |children: usize| (0..children / 2).map(pair).collect::<String>();
    let of = |children: usize| [&text[..start], &all(children), &text[end..]].concat().into_bytes();
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
    let few = least_of(&small);
    // What making the message took is forgotten, where Linux allows it (proc(5), clear_refs).
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = peak();
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

/// A pupil number with a right check letter.
fn upn(number: usize) -> String {
    let digits = format!("850{number:09}");
    let sum: usize = digits.bytes().zip(2..).map(|(d, weight)| usize::from(d - b'0') * weight).sum();
    format!("{}{digits}", char::from(b"ABCDEFGHJKLMNPQRTUVWXYZ"[sum % 23]))
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
