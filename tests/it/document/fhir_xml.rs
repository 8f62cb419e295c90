//! FHIR in XML is the same tree as FHIR in JSON, and back. Expected forms are those of the FHIR R4 XML and JSON pages.

use super::{schemas, shared};
use solent::diagnostic::Diagnostic;
use solent::document::{Document, Limits, Style};
use solent::schema::{Schema, Strictness, Syntax};
use std::io::Write as _;

fn schema() -> &'static Schema {
    schemas().get("fhir-r4-json/referral.schema.json").expect("the schema of FHIR Bundles")
}

fn read(syntax: Syntax, text: &str) -> Result<Document, Vec<Diagnostic>> {
    schema().read(syntax, text.as_bytes(), &Limits::default(), Strictness::Tolerant).map(|v| v.get().clone())
}

const JSON: &str = r##"{"resourceType":"Bundle","id":"b","type":"collection","entry":[
 {"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","id":"p","text":{"status":"generated",
  "div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>A &amp; B</p></div>"},
  "contained":[{"resourceType":"Organization","id":"o","name":"A & B"}],
  "extension":[{"url":"https://x.test/e","valueString":"é \"q\""}],
  "active":true,
  "name":[{"family":"Oak","given":["Ann",null,"Bea"],
   "_given":[null,{"extension":[{"url":"https://x.test/g","valueBoolean":true}]},{"id":"g3"}]}],
  "birthDate":"2015-03","_birthDate":{"id":"d","extension":[{"url":"https://x.test/t","valueDateTime":"2015"}]},
  "multipleBirthInteger":2}},
 {"fullUrl":"urn:uuid:2","resource":{"resourceType":"Flag","status":"active",
  "code":{"coding":[{"system":"https://x.test","code":"a"}],"text":"one\ntwo"},
  "subject":{"reference":"urn:uuid:1"}},"request":{"method":"POST","url":"Flag"}}]}"##;

const XML: &str = r##"<?xml version="1.0" encoding="UTF-8"?>
<!-- a remark --><f:Bundle xmlns:f="http://hl7.org/fhir" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:schemaLocation="http://hl7.org/fhir x.xsd">
 <f:id value="b"/><f:type value="collection"/>
 <entry xmlns="http://hl7.org/fhir"><fullUrl value="urn:uuid:1"/><resource><Patient><id value="p"/>
  <text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml"><p>A &amp; B</p></div></text>
  <contained><Organization><id value="o"/><name value="A &amp; B"/></Organization></contained>
  <extension url="https://x.test/e"><valueString value="é &quot;q&quot;"/></extension>
  <active value="true"/>
  <name><family value="Oak"/><given value="Ann"/><given><extension url="https://x.test/g"><valueBoolean value="true"/>
   </extension></given><given id="g3" value="Bea"/></name>
  <birthDate id="d" value="2015-03"><extension url="https://x.test/t"><valueDateTime value="2015"/></extension></birthDate>
  <multipleBirthInteger value="2"/></Patient></resource></entry>
 <entry xmlns="http://hl7.org/fhir"><fullUrl value="urn:uuid:2"/><resource><Flag><status value="active"/>
  <code><coding><system value="https://x.test"/><code value="a"/></coding><text value="one&#10;two"/></code>
  <subject><reference value="urn:uuid:1"/></subject></Flag></resource>
  <request><method value="POST"/><url value="Flag"/></request></entry></f:Bundle>"##;

#[test]
fn both_notations_are_one_tree() {
    let json = read(Syntax::FhirJson, JSON).unwrap();
    let xml = read(Syntax::FhirXml, XML).unwrap();
    let (a, b) = (json.to_value(json.root()), xml.to_value(xml.root()));
    assert_eq!(a, b);
}

#[test]
fn what_is_written_has_the_order_of_fhir_and_is_read_again() {
    let tree = read(Syntax::FhirJson, JSON).unwrap();
    let text = String::from_utf8(schema().write(Syntax::FhirXml, &tree, Style::Pretty)).unwrap();
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("no {part} in {text}"));
    assert!(text.starts_with(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Bundle xmlns=\"http://hl7.org/fhir\">\n  <id value=\"b\"/>"
    ));
    assert!(at("<contained>") < at("<extension url=\"https://x.test/e\">"));
    assert!(
        at("<active value=\"true\"/>") < at("<name>") && at("<name>") < at("<birthDate id=\"d\" value=\"2015-03\">")
    );
    assert!(text.contains("<given id=\"g3\" value=\"Bea\"/>") && text.contains("value=\"one&#10;two\""));
    assert!(!text.contains("<div"), "the narrative is never written");
    let back = read(Syntax::FhirXml, &text).unwrap();
    let mut expected = tree.to_value(tree.root());
    expected.pointer_mut("/Patient/0").unwrap().as_object_mut().unwrap().remove("text");
    assert_eq!(back.to_value(back.root()), expected);
}

#[test]
fn what_is_no_fhir_is_refused_with_its_place() {
    let bundle = |inner: &str| format!("<Bundle xmlns=\"http://hl7.org/fhir\">\n{inner}</Bundle>");
    for (text, code, line) in [
        ("<Bundle><type value=\"message\"/></Bundle>".to_owned(), "SOL-SCHEMA-INVALID", 1),
        ("<html xmlns=\"http://hl7.org/fhir\"/>".to_owned(), "SOL-SCHEMA-INVALID", 1),
        (bundle("<type xmlns=\"urn:other\" value=\"message\"/>"), "SOL-SCHEMA-INVALID", 2),
        (bundle("<type>message</type>"), "SOL-SCHEMA-INVALID", 2),
        (bundle("<type value=\"message\"/>\n<type value=\"message\"/>"), "SOL-SCHEMA-INVALID", 3),
        (bundle("<type value=\"message\" style=\"x\"/>"), "SOL-SCHEMA-INVALID", 2),
        (bundle("<entry><resource><Flag/>\n<Patient/></resource></entry>"), "SOL-SCHEMA-INVALID", 3),
        (bundle("<type value=\"message\">x</type>"), "SOL-SCHEMA-INVALID", 2),
        ("<!DOCTYPE x [<!ENTITY a \"b\">]><Bundle xmlns=\"http://hl7.org/fhir\"/>".to_owned(), "SOL-DOC-FORBIDDEN", 1),
        (bundle("<text><div xmlns=\"http://www.w3.org/1999/xhtml\">&nbsp;</div></text>"), "SOL-DOC-FORBIDDEN", 2),
        (bundle("<type value=\"message\""), "SOL-DOC-SYNTAX", 2),
    ] {
        let refused = read(Syntax::FhirXml, &text).expect_err(&text);
        let first = refused.first().unwrap();
        assert_eq!((first.code.as_str(), first.position.map(|p| p.line)), (code, Some(line)), "{text}");
    }
}

#[test]
fn too_many_values_or_too_deep_is_refused() {
    let flags = "<entry><resource><Flag/></resource></entry>".repeat(30);
    let text = format!("<Bundle xmlns=\"http://hl7.org/fhir\">{flags}</Bundle>");
    let limits = Limits { nodes_max: 60, ..Limits::default() };
    let refused = schema().read(Syntax::FhirXml, text.as_bytes(), &limits, Strictness::Tolerant).unwrap_err();
    assert_eq!(refused[0].code.as_str(), "SOL-DOC-LIMIT");
    let deep =
        format!("<Bundle xmlns=\"http://hl7.org/fhir\">{}{}</Bundle>", "<entry>".repeat(80), "</entry>".repeat(80));
    assert_eq!(read(Syntax::FhirXml, &deep).unwrap_err()[0].code.as_str(), "SOL-DOC-LIMIT");
}

#[test]
fn every_public_sample_in_xml_is_read_or_refused_with_a_place() {
    let Some(folder) = shared("fhir") else { return };
    let mut read_whole = 0;
    for inner in ["uk-core-examples", "nhs-england-examples", "bars-profile-examples"] {
        let Ok(list) = std::fs::read_dir(folder.join(inner)) else { continue };
        for entry in list {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|e| e != "xml") {
                continue;
            }
            match read(Syntax::FhirXml, &std::fs::read_to_string(&path).unwrap()) {
                Ok(_) => read_whole += 1,
                Err(faults) => {
                    let _ = writeln!(std::io::stdout(), "{}: {}", path.display(), faults[0]);
                    assert!(faults.iter().all(|f| f.position.is_some() || f.pointer.is_some()), "{}", path.display());
                }
            }
        }
    }
    let _ = writeln!(std::io::stdout(), "{read_whole} read");
    assert!(read_whole > 80);
}
