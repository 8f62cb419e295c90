//! Several mappings of one format: which reads a message, which writes a record, and that nothing is guessed.

use super::{context, files, writing};
use solent::config::Files;
use solent::mapping::{Mappings, WriteContext};
use solent::schema::Schemas;

/// A child with a name and a birth date; `extra` is one more scalar of the message and the rule that carries it.
fn mapping(name: &str, native: &str, extra: &str) -> String {
    format!(
        "mapping {name} 1.0.0\ntitle \"{name}\"\nnative {native}\ncanonical \"record/record.schema.json\"\n\
         agency health\nsystem \"{name}\"\nbasis fact\nauthor CLN\nceiling R because \"no label\"\n\
         group . <-> people[role = \"subject\"] as child {{\n  label IDN N about child\n  key <-> \
         identifiers[scheme = \"la-child-id\"].value : text\n  {extra}\n}}\n{}drop canonical rest because \"a test\"\n",
        if native.starts_with("json") {
            if name == "alpha" { "fixed native type = \"a\"\n" } else { "fixed native type = \"b\"\n" }
        } else {
            ""
        }
    )
}

fn schema(members: &str, more: &str) -> String {
    format!("{{\"type\": \"object\", \"properties\": {{{members}}}, \"additionalProperties\": false{more}}}")
}

const KEY: &str = "\"key\": {\"type\": \"string\"}";
const BORN: &str = "born <-> birth.date : date";

fn set(more: Vec<(&str, String)>) -> Result<Mappings, String> {
    let mut set = Files::default();
    for (name, bytes) in files().matching("", "") {
        if !name.starts_with("mappings/") || name.starts_with("mappings/codes/") {
            set.insert(name, bytes.to_vec());
        }
    }
    more.into_iter().for_each(|(name, text)| set.insert(name, text.into_bytes()));
    let said = |faults: Vec<solent::diagnostic::Diagnostic>| {
        faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let schemas = Schemas::load(&set).map_err(said)?;
    Mappings::load(&set, &schemas).map_err(said)
}

fn xml_set() -> Mappings {
    set(vec![
        (
            "schemas/t/a.schema.json",
            schema(&format!("{KEY}, \"born\": {{\"type\": \"string\"}}"), ", \"required\": [\"key\"]"),
        ),
        (
            "schemas/t/b.schema.json",
            schema(&format!("{KEY}, \"text\": {{\"type\": \"string\"}}"), ", \"required\": [\"key\"]"),
        ),
        ("mappings/t/a.bimap", mapping("alpha", "xml \"t/a.schema.json\" root Alpha", BORN)),
        ("mappings/t/b.bimap", mapping("beta", "xml \"t/b.schema.json\" root Beta", "text <-> birth.date : date")),
    ])
    .unwrap()
}

fn json_set() -> Mappings {
    let of = |kind: &str, more: &str| {
        let members = format!(
            "{KEY}, \"type\": {{\"type\": \"string\", \"const\": \"{kind}\"}}, \"born\": {{\"type\": \"string\"}}"
        );
        schema(&members, &format!(", \"required\": [\"type\"]{more}"))
    };
    set(vec![
        ("schemas/t/a.schema.json", of("a", "")),
        ("schemas/t/b.schema.json", of("b", "")),
        ("schemas/t/c.schema.json", of("b", ", \"x-chosen-when\": {\"required\": [\"born\"]}")),
        ("mappings/t/a.bimap", mapping("alpha", "json \"t/a.schema.json\" root A", BORN)),
        ("mappings/t/b.bimap", mapping("beta", "json \"t/b.schema.json\" root B", BORN)),
        ("mappings/t/c.bimap", mapping("gamma", "json \"t/c.schema.json\" root C", BORN)),
    ])
    .unwrap()
}

fn read_by(mappings: &Mappings, message: &str) -> Result<String, String> {
    match mappings.read("t", message.as_bytes(), &context()) {
        Ok(read) => Ok(read[0].loss.runs[0].mapping.clone()),
        Err(faults) => Err(faults[0].to_string()),
    }
}

#[test]
fn xml_messages_are_told_apart_by_their_root_element() {
    let mappings = xml_set();
    assert_eq!(read_by(&mappings, "<Alpha><key>1</key></Alpha>").unwrap(), "alpha");
    assert_eq!(read_by(&mappings, "<Beta><key>1</key></Beta>").unwrap(), "beta");
    let refused = read_by(&mappings, "<Gamma><key>1</key></Gamma>").unwrap_err();
    assert!(refused.contains("SOL-MAP-FORMAT") && refused.contains("`Alpha` as root element"), "{refused}");
    assert!(read_by(&mappings, "not a message").unwrap_err().contains("SOL-DOC-SYNTAX"));
}

#[test]
fn json_messages_are_told_apart_by_constants_and_by_what_the_schema_states() {
    let mappings = json_set();
    assert_eq!(read_by(&mappings, r#"{"type": "a", "key": "1"}"#).unwrap(), "alpha");
    assert_eq!(read_by(&mappings, r#"{"type": "b", "key": "1"}"#).unwrap(), "beta");
    // A schema that says when it is chosen goes before one that does not.
    assert_eq!(read_by(&mappings, r#"{"type": "b", "key": "1", "born": "2020-01-01"}"#).unwrap(), "gamma");
    assert!(
        read_by(&mappings, r#"{"type": "z", "key": "1"}"#).unwrap_err().contains("none of those this format knows")
    );
}

#[test]
fn a_message_that_could_be_either_is_refused_by_name() {
    let plain = schema(&format!("{KEY}, \"type\": {{\"type\": \"string\"}}, \"born\": {{\"type\": \"string\"}}"), "");
    let mappings = set(vec![
        ("schemas/t/a.schema.json", plain.clone()),
        ("schemas/t/b.schema.json", plain),
        ("mappings/t/a.bimap", mapping("alpha", "json \"t/a.schema.json\" root A", BORN)),
        ("mappings/t/b.bimap", mapping("beta", "json \"t/b.schema.json\" root B", BORN)),
    ])
    .unwrap();
    let refused = read_by(&mappings, r#"{"key": "1"}"#).unwrap_err();
    assert!(refused.contains("any of alpha, beta"), "{refused}");
}

#[test]
fn two_mappings_of_one_root_or_one_name_do_not_load() {
    let one = |name: &str, file: &'static str| (file, mapping(name, "xml \"t/a.schema.json\" root Alpha", BORN));
    let native = || ("schemas/t/a.schema.json", schema(&format!("{KEY}, \"born\": {{\"type\": \"string\"}}"), ""));
    let refused =
        set(vec![native(), one("alpha", "mappings/t/a.bimap"), one("beta", "mappings/t/b.bimap")]).unwrap_err();
    assert!(refused.contains("SOL-MAP-FORMAT") && refused.contains("nothing tells the two apart"), "{refused}");
    let refused =
        set(vec![native(), one("alpha", "mappings/t/a.bimap"), one("alpha", "mappings/u/a.bimap")]).unwrap_err();
    assert!(refused.contains("SOL-MAP-NAME") && refused.contains("the name `alpha` is taken"), "{refused}");
}

#[test]
fn a_record_is_written_by_the_mapping_that_read_it_unless_another_is_asked_for() {
    let mappings = xml_set();
    let message = b"<Beta><key>1</key><text>2020-01-01</text></Beta>";
    let records: Vec<_> = mappings.read("t", message, &context()).unwrap().into_iter().map(|r| r.record).collect();
    let text = |context: &WriteContext| {
        mappings
            .write("t", &records, context)
            .map(|w| String::from_utf8(w.bytes).unwrap())
            .map_err(|f| f[0].to_string())
    };
    assert!(text(&writing()).unwrap().contains("<Beta"));
    let asked = |name: &str| WriteContext { message: Some(name.to_owned()), ..writing() };
    assert!(text(&asked("alpha")).unwrap().contains("<born>2020-01-01</born>"));
    assert!(text(&asked("alfa")).unwrap_err().contains("did you mean `alpha`"));
}

#[test]
fn a_record_read_elsewhere_goes_to_the_mapping_that_carries_most_of_it_and_can_be_valid() {
    // `beta` carries as much as `alpha` and stands later by file name, but only it can do without the birth date.
    let native = |required: &str| {
        schema(
            &format!(
                "{KEY}, \"born\": {{\"type\": \"string\"}}, \"sex\": {{\"type\": \"string\", \"enum\": [\"M\", \"F\", \"U\"]}}"
            ),
            required,
        )
    };
    let drop =
        |text: String| text.replace("drop canonical rest", "drop native sex because \"a test\"\ndrop canonical rest");
    let mappings = set(vec![
        ("schemas/t/a.schema.json", native(", \"required\": [\"key\", \"born\"]")),
        ("schemas/t/b.schema.json", native(", \"required\": [\"key\"]")),
        ("mappings/t/a.bimap", drop(mapping("alpha", "xml \"t/a.schema.json\" root Alpha", BORN))),
        ("mappings/t/b.bimap", drop(mapping("beta", "xml \"t/b.schema.json\" root Beta", BORN))),
    ])
    .unwrap();
    let write = |born: &str| {
        let record = format!(
            r#"{{"envelope": {{}}, "people": [{{"id": "p", "label": {{"category": "IDN", "confidentiality": "N", "custodian": "c",
            "about": ["p"], "third_party": "none", "basis_marker": "fact", "author_role": "CLN"}}, "role": "subject"{born},
            "identifiers": [{{"scheme": "la-child-id", "value": "1"}}]}}]}}"#
        );
        let records = mappings.records(record.replace('\n', " ").as_bytes(), &context().limits).unwrap();
        String::from_utf8(mappings.write("t", &records, &writing()).unwrap().bytes).unwrap()
    };
    assert!(write(r#", "birth": {"date": "2020-01-01"}"#).contains("<Alpha"));
    assert!(write("").contains("<Beta"));
}

/// The 903 as one XML file is read like its CSV files and goes back as it came; nobody gets it without asking.
#[test]
fn a_message_in_a_second_syntax_is_not_chosen_for_others() {
    let mappings = super::mappings();
    let bytes = |name: &str| std::fs::read(super::here("tests/cases/mappings").join(name)).unwrap();
    let read = |format: &str, name: &str| -> Vec<solent::record::Record> {
        mappings.read(format, &bytes(name), &context()).unwrap().into_iter().map(|r| r.record).collect()
    };
    let whole = read("ssda903", "ssda903/return-xml/whole/input.xml");
    assert_eq!(whole.len(), 1);
    let text = String::from_utf8(bytes("ssda903/return-xml/whole/input.xml")).unwrap();
    let two = text.replace(
        "</EXPSSDA903>",
        "<CHILD><HEADER><CHILDID>HB0002</CHILDID><DOB>01/02/2016</DOB></HEADER></CHILD></EXPSSDA903>",
    );
    assert_eq!(mappings.read("ssda903", two.as_bytes(), &context()).unwrap().len(), 2);
    let first = |records: &[solent::record::Record], message: Option<&str>| {
        let asked = WriteContext { message: message.map(str::to_owned), ..writing() };
        mappings.write("ssda903", records, &asked).map(|w| w.bytes.first().copied())
    };
    assert_eq!(first(&whole, None).unwrap(), Some(b'<'));
    assert_eq!(first(&whole, Some("ssda903-header")).unwrap(), Some(b'C'));
    let child = read("csc-api", "csc-api/children/two-children/input.json");
    assert_ne!(first(&child[..1], None).unwrap(), Some(b'<'));
    assert_eq!(first(&child[..1], Some("ssda903-return")).unwrap(), Some(b'<'));
}
