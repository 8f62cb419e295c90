//! What each fuzz target does with its bytes: read, write, read again, and hold what must always hold.
//!
//! Plain functions without a fuzzer, so that `tests/it/document/fuzz_seeds.rs` plays every seed through them in the
//! ordinary tests. A target panics when a rule is broken: a reader that takes something must write it so that it is read
//! the same again, and no error may hold a value of the input ([`CANARIES`], which the seeds carry in their values).

use solent::cli::content::built_in;
use solent::clock::Moment;
use solent::config::{Files, Gateway, System};
use solent::diagnostic::Diagnostic;
use solent::document::csv::{self, Column, Keys, Layout};
use solent::document::{Document, Limits, Style, hl7v2, json, xml};
use solent::http::Frames;
use solent::mapping::lang::{self, ast_json, format, from_json};
use solent::mapping::{Mappings, ReadContext, WriteContext};
use solent::schema::{Schema, Schemas, Strictness, Syntax, Valid};
use solent::sharing::World;
use solent::sharing::facts::Reader;
use solent::trust::{Assertions, Fault, SigningKey};
use std::path::Path;
use std::sync::OnceLock;

/// A target: its name, which is that of its folder of seeds, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("json", json_reader),
    ("xml", xml_reader),
    ("csv", csv_reader),
    ("hl7v2", hl7v2_reader),
    ("fhir_json", fhir_json),
    ("fhir_xml", fhir_xml),
    ("niem", niem),
    ("bimap", bimap),
    ("facts", facts),
    ("config", config),
    ("mllp", mllp),
    ("assertion", assertion),
    ("canonical", canonical),
    ("translate", translate),
];

/// Loads what the targets share, so that it does not count as the time of the first input.
pub fn prepare() {
    let _ = mappings();
}

/// Values that stand in the seeds, and that no error may repeat. Neither can be taken for a name of a format.
const CANARIES: [&str; 2] = ["Quillon Vexmoor", "9990176507"];

/// Nodes of a tree here: small, so that an input costs little and a bound is met now and then.
const NODES_MAX: usize = 20_000;

fn limits() -> Limits {
    Limits { bytes_max: 1 << 17, nodes_max: NODES_MAX, ..Limits::message() }
}

/// What is written may be longer than what was read (shared cells stand in every row, empty elements in two tags).
fn wide() -> Limits {
    Limits { depth_max: Limits::message().depth_max, ..Limits::file() }
}

fn schemas() -> &'static Schemas {
    static SCHEMAS: OnceLock<Schemas> = OnceLock::new();
    SCHEMAS.get_or_init(|| Schemas::load(&built_in()).expect("the built-in schemas load"))
}

fn schema(name: &str) -> &'static Schema {
    schemas().get(name).expect("the schema exists")
}

fn mappings() -> &'static Mappings {
    static MAPPINGS: OnceLock<Mappings> = OnceLock::new();
    MAPPINGS.get_or_init(|| Mappings::load(&built_in(), schemas()).expect("the built-in mappings load"))
}

/// No diagnostic repeats a value of the input.
fn discreet<'d>(found: impl IntoIterator<Item = &'d Diagnostic>) {
    for diagnostic in found {
        let said = diagnostic.to_string();
        for canary in CANARIES {
            assert!(!said.contains(canary), "a diagnostic repeats the input: {}", diagnostic.code);
        }
    }
}

/// JSON: what was read is written, compact and indented, and read again the same.
pub fn json_reader(bytes: &[u8]) {
    let first = match json::read(bytes, &limits()) {
        Ok(first) => first,
        Err(fault) => return discreet([&fault]),
    };
    let once = json::write(&first, first.root(), Style::Compact);
    for style in [Style::Compact, Style::Pretty] {
        let text = json::write(&first, first.root(), style);
        let again = json::read(&text, &wide()).expect("what is written is read");
        assert!(json::write(&again, again.root(), Style::Compact) == once, "read again, it differs");
    }
}

/// XML: with the shape of the census, and with none. Names with a prefix are kept so that they can be complained of, without
/// what their prefix stood for; only a message without them is written.
pub fn xml_reader(bytes: &[u8]) {
    let text = match xml::decode(bytes, &limits()) {
        Ok(text) => text,
        Err(fault) => return discreet([&fault]),
    };
    let _ = xml::root_name(&text);
    let shape = schema("cin-census/message.schema.json").xml_shape();
    for shape in [None, Some(&shape as &dyn xml::XmlShape)] {
        match xml::read(&text, "Message", &limits(), shape) {
            Err(fault) => discreet([&fault]),
            Ok(_) if text.contains("xmlns:") || text.contains("xml:") => {}
            Ok(first) => {
                let once = xml::write(&first, first.root(), "Message", shape, Style::Compact);
                let again = std::str::from_utf8(&once).expect("what is written is UTF-8");
                let again = xml::read(again, "Message", &wide(), shape).expect("what is written is read");
                let twice = xml::write(&again, again.root(), "Message", shape, Style::Compact);
                assert!(once == twice, "read again, it differs");
            }
        }
    }
}

/// CSV of three columns with a key and a shared cell.
pub fn csv_reader(bytes: &[u8]) {
    const KEYS: Keys<'static> = Keys { key: "CHILD", shared: &["DOB"] };
    let layout = Layout { columns: ["CHILD", "DOB", "KIND"].map(Column::named).into(), ..Layout::default() };
    let (text, odd) = match csv::decode(bytes, &limits()) {
        Ok(found) => found,
        Err(fault) => return discreet([&fault]),
    };
    discreet(&odd);
    let first = match csv::read(&text, &layout, &KEYS, &limits()) {
        Ok(first) => first,
        Err(fault) => return discreet([&fault]),
    };
    discreet(&first.warnings);
    // Columns that the layout does not name are kept to be complained of, and not written: nor is a row that has no other.
    let named = |d: &&Document| layout.columns.iter().any(|c| d.member(d.root(), &c.member).is_some());
    let documents: Vec<&Document> = first.documents.iter().filter(named).collect();
    let once = csv::write(&documents, &layout, &KEYS);
    let text = std::str::from_utf8(&once).expect("what is written is UTF-8");
    let second = csv::read(text, &layout, &KEYS, &wide()).expect("what is written is read");
    let documents: Vec<&Document> = second.documents.iter().collect();
    assert!(csv::write(&documents, &layout, &KEYS) == once, "read again, it differs");
}

/// HL7 v2: batches, character sets, headers, and each message by several structures; valid ones are written and read again.
pub fn hl7v2_reader(bytes: &[u8]) {
    let batch = hl7v2::open_batch(bytes);
    discreet(&batch.warnings);
    // A batch of many messages is no more than each of them: the first few will do.
    for message in batch.messages.into_iter().take(8) {
        let text = match hl7v2::decode(message, &limits()) {
            Ok((text, odd)) => {
                discreet(&odd);
                text
            }
            Err(fault) => {
                discreet([&fault]);
                continue;
            }
        };
        let header = hl7v2::Header::of(&text);
        let own = header.as_ref().and_then(hl7v2::Header::message_structure).unwrap_or_default();
        let own = own.to_ascii_lowercase().replace('_', "-");
        for name in ["adt-a01", "adt-a39", "oru-r01", "ref-i12", "siu-s12", "mdm-t02"] {
            let schema = schema(&format!("hl7v2/{name}.schema.json"));
            let shape = schema.message_shape();
            let read = match hl7v2::read(&text, &limits(), &shape) {
                Ok(read) => read,
                Err(fault) => {
                    discreet([&fault]);
                    continue;
                }
            };
            discreet(&read.warnings);
            // Only what is valid by its own structure is ever written: a stray segment may find another place the next time.
            if name != own {
                continue;
            }
            let Ok(valid) = schema.validate(read.document, None, Strictness::Strict) else { continue };
            let once = hl7v2::write(valid.get(), &shape);
            let again = std::str::from_utf8(&once).expect("what is written is UTF-8");
            let back = hl7v2::read(again, &wide(), &shape).expect("what is written is read");
            assert!(hl7v2::write(&back.document, &shape) == once, "read again, it differs");
        }
    }
}

/// Reads by a schema's own way; what is valid is written, read again, and written the same.
fn settles(schema: &Schema, syntax: Syntax, bytes: &[u8]) {
    let read = |bytes| schema.parse(syntax, bytes, &limits()).and_then(|p| schema.check(p, Strictness::Tolerant));
    match read(bytes) {
        Ok(valid) => valid.iter().for_each(|v| discreet(v.warnings())),
        Err(faults) => return discreet(&faults),
    }
    let strict =
        |bytes, limits: Limits| schema.parse(syntax, bytes, &limits).and_then(|p| schema.check(p, Strictness::Strict));
    let first = match strict(bytes, limits()) {
        Ok(first) => first,
        Err(faults) => return discreet(&faults),
    };
    let write = |all: &[Valid<Document>]| {
        let documents: Vec<&Document> = all.iter().map(Valid::get).collect();
        schema.write_all(syntax, &documents, Style::Compact)
    };
    let once = write(&first);
    match strict(&once, wide()) {
        Ok(again) => assert!(write(&again) == once, "read again, it differs"),
        Err(faults) => {
            panic!("what is written is not taken: {}", faults.first().map_or_else(String::new, |f| f.to_string()))
        }
    }
}

/// A FHIR Bundle in JSON, regrouped and ungrouped.
pub fn fhir_json(bytes: &[u8]) {
    settles(schema("fhir-r4-json/referral.schema.json"), Syntax::FhirJson, bytes);
}

/// A FHIR Bundle in XML.
pub fn fhir_xml(bytes: &[u8]) {
    settles(schema("fhir-r4-json/referral.schema.json"), Syntax::FhirXml, bytes);
}

/// The police notification in both NIEM forms.
pub fn niem(bytes: &[u8]) {
    let root = "pn:PoliceNotification";
    if bytes.trim_ascii_start().starts_with(b"<") {
        settles(schema("police-xml/notification.schema.json"), Syntax::NiemXml { root }, bytes);
    } else {
        settles(schema("police/notification.schema.json"), Syntax::NiemJson { root }, bytes);
    }
}

/// A mapping file: parser, formatter, JSON form, and the checks of a whole load with the code tables it names.
pub fn bimap(bytes: &[u8]) {
    let Ok(tree) = lang::parse(bytes) else { return };
    let text = format::format(&tree);
    let again = lang::parse(text.as_bytes()).expect("what is formatted is parsed");
    assert!(format::format(&again) == text, "formatted again, it differs");
    let from_json = from_json::to_text(&ast_json::to_json(&tree)).expect("the JSON form is taken back");
    let from_json = lang::parse(from_json.as_bytes()).expect("the text of the JSON form is parsed");
    assert!(ast_json::to_json(&from_json) == ast_json::to_json(&tree), "by way of JSON, it differs");
    let mut files = Files::default();
    for table in lang::tables_of(&tree) {
        let name = format!("mappings/codes/{table}.csv");
        if let Some(found) = built_in().get(&name) {
            files.insert(name, found.to_vec());
        }
    }
    files.insert("mappings/fuzzed/one.bimap", bytes.to_vec());
    let _ = Mappings::load(&files, schemas());
}

/// A facts file: syntax, schema, moments, references.
pub fn facts(bytes: &[u8]) {
    static READER: OnceLock<Reader> = OnceLock::new();
    let reader = READER.get_or_init(|| {
        let files = built_in();
        Reader::new(files.get("schemas/config/facts.schema.json").expect("the schema exists")).expect("it compiles")
    });
    match reader.read(bytes) {
        Ok(facts) => drop(World::new(facts)),
        Err(faults) => discreet(&faults),
    }
}

/// The configuration of a gateway.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(faults) = Gateway::parse("solent.toml", text, Path::new("/etc/solent")) {
        discreet(&faults);
    }
}

/// MLLP frames: however the stream is cut, the same messages or the same end.
pub fn mllp(bytes: &[u8]) {
    const FRAME_BYTES_MAX: usize = 4096;
    let cut = |size: usize| {
        let mut frames = Frames::new(FRAME_BYTES_MAX);
        let mut whole = Vec::new();
        for piece in bytes.chunks(size) {
            match frames.push(piece) {
                Ok(more) => whole.extend(more),
                // What became whole in the same piece as the fault is lost with the connection.
                Err(broken) => return Err(broken),
            }
        }
        Ok((whole, frames.is_open()))
    };
    let one = cut(1);
    assert!(one == cut(7) && one == cut(bytes.len().max(1)), "cut otherwise, it differs");
    if let Ok((whole, _)) = one {
        assert!(whole.iter().all(|m| m.len() <= FRAME_BYTES_MAX));
        whole.iter().for_each(|m| drop(hl7v2::decode(m, &limits())));
    }
}

/// A signed user assertion: the bytes as they came; and the first line of them as a header and the rest as claims, signed,
/// so that the claims are read too.
pub fn assertion(bytes: &[u8]) {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    let key = KEY.get_or_init(|| SigningKey::from_seed(&[7; 32]).expect("a seed makes a key"));
    let system = System {
        id: "council".into(),
        agency: "harbourshire-csc".into(),
        format: "cin-census".to_owned(),
        fingerprints: Vec::new(),
        assertion_key: Some(key.public()),
        teams: Vec::new(),
    };
    let now = Moment::from_millis(1_791_280_800_000);
    let verifier = Assertions::new("solent.example/log1", 300);
    assert!(verifier.verify(&String::from_utf8_lossy(bytes), &system, now).is_err(), "nobody signed this");
    let at = bytes.iter().position(|b| *b == b'\n').unwrap_or(bytes.len());
    let (header, claims) = bytes.split_at(at);
    let signed = format!("{}.{}", base64url(header), base64url(claims.get(1..).unwrap_or_default()));
    let text = format!("{signed}.{}", base64url(&key.sign(signed.as_bytes())));
    if verifier.verify(&text, &system, now).is_ok() {
        assert!(verifier.verify(&text, &system, now) == Err(Fault::Replay), "an assertion is used once");
    }
}

/// RFC 4648 §5 without padding.
fn base64url(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        for place in 0..=three.len() {
            out.push(char::from(SIGNS[(bits >> (18 - 6 * place) & 63) as usize]));
        }
    }
    out
}

/// Canonical records as they are.
pub fn canonical(bytes: &[u8]) {
    match mappings().records(bytes, &limits()) {
        Err(faults) => discreet(&faults),
        Ok(records) => {
            let context = WriteContext::at(Moment::from_millis(1_791_280_800_000));
            let Ok(once) = mappings().write("canonical", &records, &context) else { panic!("a record is written") };
            let again = mappings().records(&once.bytes, &wide()).expect("what is written is read");
            let twice = mappings().write("canonical", &again, &context).expect("a record is written");
            assert!(once.bytes == twice.bytes, "read again, it differs");
        }
    }
}

/// A whole translation. The first byte says from which format, the second to which; the rest is the message.
pub fn translate(bytes: &[u8]) {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    let names = NAMES.get_or_init(|| mappings().formats().into_iter().map(|f| f.name).collect());
    let [from, to, message @ ..] = bytes else { return };
    let named = |byte: &u8| names.get(usize::from(*byte).wrapping_sub(usize::from(b'a')) % names.len());
    let (Some(from), Some(to)) = (named(from), named(to)) else { return };
    let context = ReadContext { limits: limits(), ..ReadContext::of("harbourshire-csc".into()) };
    let read = match mappings().read(from, message, &context) {
        Ok(read) => read,
        Err(faults) => return discreet(&faults),
    };
    for one in &read {
        discreet(&one.warnings);
    }
    let records: Vec<_> = read.into_iter().map(|r| r.record).collect();
    match mappings().write(to, &records, &WriteContext::at(Moment::from_millis(1_791_280_800_000))) {
        Ok(written) => {
            if let Err(faults) = mappings().validate(to, &written.bytes, &wide()) {
                panic!("{to} does not take what is written as {to}: {}", faults[0].code);
            }
        }
        Err(faults) => {
            discreet(&faults);
            let balanced = faults.iter().all(|f| f.code.as_str() != "SOL-MAP-BALANCE");
            assert!(balanced, "values are not accounted for");
        }
    }
}
