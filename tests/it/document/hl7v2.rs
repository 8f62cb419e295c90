//! The HL7 v2 reader and writer: what the standard says, what senders do, hostile bytes, and the samples.

use super::{schemas, shared};
use proptest::prelude::*;
use serde_json::{Value, json};
use solent::diagnostic::code;
use solent::document::hl7v2::{self, Read};
use solent::document::{Document, Limits};

/// An invented update of a child: the usual delimiters, repeats, subcomponents, escapes, a clearing, a Z segment.
pub const UPDATE: &str = concat!(
    "MSH|^~\\&|CAMHS|RX9|SOLENT|E10000099|20260304101500+0000||ADT^A08^ADT_A01|M-0001|P|2.5.1\r",
    "EVN||20260304101400+0000\r",
    "PID|1||9990000018^^^NHS^NH~H44021^^^RX9^MR||Testperson&van^Maya^\\F\\\\S\\\\T\\\\R\\\\E\\^^Miss||20170511|F|||",
    "12 Example Road^^Testham^^ZZ99 1AA^GBR^H||\"\"\r",
    "NK1|1|Testperson^Dana|MTH^Mother^HL70063\r",
    "NK1|2|Testperson^Ola|FTH\r",
    "PV1|1|O\r",
    "ZU1|1|local^value~again\r",
);

fn read_as(structure: &str, text: &str, limits: &Limits) -> Result<Read, solent::diagnostic::Diagnostic> {
    let schema = schemas().get(&format!("hl7v2/{structure}.schema.json")).unwrap();
    let (text, _) = hl7v2::decode(text.as_bytes(), limits)?;
    hl7v2::read(&text, limits, &schema.message_shape())
}
fn read(structure: &str, text: &str) -> Read {
    read_as(structure, text, &Limits::default()).unwrap()
}
fn value(read: &Read) -> Value {
    read.document.to_value(read.document.root())
}
fn write(structure: &str, document: &Document) -> String {
    let schema = schemas().get(&format!("hl7v2/{structure}.schema.json")).unwrap();
    String::from_utf8(hl7v2::write(document, &schema.message_shape())).unwrap()
}

#[test]
fn a_message_becomes_segments_numbered_fields_and_repeats() {
    let tree = value(&read("adt-a01", UPDATE));
    assert_eq!(tree["MSH"]["9"], json!({"1": "ADT", "2": "A08", "3": "ADT_A01"}));
    assert_eq!(tree["MSH"].get("1"), None);
    assert_eq!(tree["PID"]["3"][1], json!({"1": "H44021", "4": {"1": "RX9"}, "5": "MR"}));
    assert_eq!(
        tree["PID"]["5"],
        json!([{"1": {"1": "Testperson", "2": "van"}, "2": "Maya", "3": "|^&~\\", "5": "Miss"}])
    );
    assert_eq!(tree["PID"]["8"], json!("F"));
    assert_eq!(tree["PID"]["13"], json!([{"1": null}]));
    assert_eq!(tree["NK1"].as_array().map(Vec::len), Some(2));
}

#[test]
fn what_the_schema_does_not_know_is_kept_with_its_place() {
    let text = UPDATE.replace("PV1|1|O\r", "PV1|1|O^Out&x~I\rPV1|2|E\r").replace("|F|||", "|F^Female|||");
    let read = read("adt-a01", &text);
    let tree = value(&read);
    assert_eq!(tree["PID"]["8[0].2"], json!("Female"));
    assert_eq!(tree["PV1"]["2"], json!("O"));
    assert_eq!((&tree["PV1"]["2[0].2.1"], &tree["PV1"]["2[0].2.2"]), (&json!("Out"), &json!("x")));
    assert_eq!(tree["PV1"]["2[1]"], json!("I"));
    assert_eq!(tree["PV1[1]"][0]["2"], json!("E"));
    assert_eq!(tree["ZU1"], json!([{"1": "1", "2[0].1": "local", "2[0].2": "value", "2[1]": "again"}]));
    let written = write("adt-a01", &read.document);
    assert!(written.contains("|F^Female|||") && written.contains("PV1|1|O^Out&x~I\r"), "{written}");
}

#[test]
fn a_message_is_written_as_it_was_read() {
    assert_eq!(write("adt-a01", &read("adt-a01", UPDATE).document), UPDATE);
}

#[test]
fn delimiters_of_the_sender_are_resolved_and_the_usual_ones_written() {
    let odd = "MSH#*!?%#A#B#C#D#20260101##ADT*A31*ADT_A05#1#P#2.5\rEVN##20260101\r\
               PID#1##1***RX9*MR##O?T?Brien%x*Ann|?F?#\rPV1##N\r";
    let read = read("adt-a05", odd);
    assert_eq!(value(&read)["PID"]["5"][0], json!({"1": {"1": "O%Brien", "2": "x"}, "2": "Ann|#"}));
    assert!(write("adt-a05", &read.document).contains("PID|1||1^^^RX9^MR||O%Brien&x^Ann\\F\\#\r"));
}

/// HL7 v2.5.1 §7.4.2.5: repetitions of a text result are its lines. A comment that its sender wrote as several
/// repetitions is one text too, so that no line of it is lost.
#[test]
fn the_lines_of_a_text_sent_as_repetitions_are_one_text() {
    let text = concat!(
        "MSH|^~\\&|LAB|RX9|||20260304||ORU^R01^ORU_R01|1|P|2.5.1\r",
        "PID|||1||A\rOBR|1|||X\r",
        "OBX|1|TX|1||first~~third~||||||F\r",
        "NTE|1||one~two \\T\\ three\r",
        "OBX|2|CE|2||a^b~c^d||||||F\r",
    );
    let tree = value(&read("oru-r01", text));
    let found = tree["PATIENT_RESULT"][0]["ORDER_OBSERVATION"][0]["OBSERVATION"].clone();
    assert_eq!(found[0]["OBX"]["5"], json!([{"1": "first\n\nthird"}]));
    assert_eq!(found[0]["NTE"][0]["3"], json!(["one\ntwo & three"]));
    assert_eq!(found[1]["OBX"]["5"], json!([{"1": "a", "2": "b"}, {"1": "c", "2": "d"}]));
}

/// HL7 v2.5.1 §2.5.4: a sender that uses no subcomponents need not name a sign for them.
#[test]
fn a_message_without_a_subcomponent_sign_is_read() {
    let text = UPDATE.replacen("MSH|^~\\&|", "MSH|^~\\|", 1).replace("Testperson&van", "Testperson");
    let tree = value(&read("adt-a01", &text));
    assert_eq!(tree["PID"]["3"][1], json!({"1": "H44021", "4": {"1": "RX9"}, "5": "MR"}));
    assert_eq!(tree["PID"]["5"][0]["1"], json!({"1": "Testperson"}));
}

#[test]
fn groups_repeat_with_the_segment_that_begins_them() {
    let text = "MSH|^~\\&|A|B|C|D|20260101||ORU^R01^ORU_R01|1|P|2.5\rPID|1||1^^^R^MR||X^Y\rPV1|1|O\r\
                ORC|RE\rOBR|1|||A\rNTE|1||of the order\rOBX|1|NM|a||1\rNTE|1||of the result\rOBX|2|NM|b||2\r\
                OBR|2|||B\rOBX|1|TX|c||x\rPID|2||2^^^R^MR||Z\rOBR|1|||C\r";
    let tree = value(&read("oru-r01", text));
    let results = &tree["PATIENT_RESULT"];
    assert_eq!(results[0]["PATIENT"]["VISIT"]["PV1"]["2"], json!("O"));
    let orders = &results[0]["ORDER_OBSERVATION"];
    assert_eq!(orders[0]["NTE"][0]["3"], json!(["of the order"]));
    assert_eq!(orders[0]["OBSERVATION"][0]["NTE"][0]["3"], json!(["of the result"]));
    assert_eq!(orders[0]["OBSERVATION"][1]["OBX"]["5"], json!([{"1": "2"}]));
    assert_eq!(orders[1]["OBSERVATION"][0]["OBX"]["2"], json!("TX"));
    assert_eq!(results[1]["PATIENT"]["PID"]["1"], json!("2"));
    assert_eq!(results[1]["ORDER_OBSERVATION"][0]["OBR"]["4"]["1"], json!("C"));
}

#[test]
fn a_note_at_the_end_of_a_referral_is_the_referrals_own() {
    let text = "MSH|^~\\&|A|B|C|D|20260101||REF^I12^REF_I12|1|P|2.5\rRF1|P|A|SAFE||O|R1\rPRD|RP|Patel\rPRD|RT|MASH\r\
                PID|1||1^^^R^MR||X^Y\rNK1|1|X^Z|MTH\rDG1|1||702953007^^SCT||20260303|W\rNTE|1||kept\r";
    let tree = value(&read("ref-i12", text));
    assert_eq!(tree["NTE"][0]["3"], json!(["kept"]));
    assert_eq!(tree["PROVIDER_CONTACT"][1]["PRD"]["2"][0]["1"]["1"], json!("MASH"));
}

#[test]
fn segments_out_of_order_are_put_in_their_place_and_named() {
    let text =
        "MSH|^~\\&|A|B|C|D|20260101||ADT^A31|1|P|2.5\rPV1||N\rNK1|1|X^Z|MTH\rPID|1||1^^^R^MR||X^Y\rEVN||20260101\r";
    let read = read("adt-a05", text);
    let tree = value(&read);
    assert!(["PID", "EVN", "PV1"].iter().all(|s| tree[s].is_object()) && tree["NK1"].is_array());
    assert_eq!(read.warnings.len(), 3);
    let place = read.warnings[0].position.unwrap();
    assert_eq!((place.line, place.column), (3, 1));
}

const APPOINTMENT: &str = "MSH|^~\\&|A|B|C|D|20260101||SIU^S12^SIU_S12|1|P|2.5.1\rSCH||F-77\r";

#[test]
fn a_segment_its_group_has_only_once_stays_in_that_group_and_is_written_there_again() {
    // SIU_S12 of 2.5.1: PATIENT has one PV1, and no other group has any.
    for (text, people) in [
        (format!("{APPOINTMENT}PID|1||1^^^R^MR\rPV1|1|O\rPV1|2|E\rRGS|1\r"), 1),
        (format!("{APPOINTMENT}PID|1||1^^^R^MR\rPV1|1|O\rPV1|2|E\rPID|2||2^^^R^MR\rRGS|1\r"), 2),
    ] {
        let read = read("siu-s12", &text);
        let tree = value(&read);
        let patients = tree["PATIENT"].as_array().unwrap();
        assert_eq!((patients.len(), &patients[0]["PV1[1]"][0]["2"]), (people, &json!("E")));
        assert_eq!(write("siu-s12", &read.document), text);
    }
    // ADT_A39: the second visit of one patient is not the next patient's.
    let merge = "MSH|^~\\&|A|B|C|D|20260101||ADT^A40^ADT_A39|1|P|2.5.1\rEVN||20260101\r";
    let text = format!("{merge}PID|1||1\rMRG|9\rPV1|1|O\rPV1|2|E\rPID|2||2\rMRG|8\r");
    assert_eq!(write("adt-a39", &read("adt-a39", &text).document), text);
}

#[test]
fn a_segment_that_cannot_begin_a_group_belongs_to_the_last_group_of_its_kind() {
    let person = "PID|1||1^^^R^MR\r";
    for (late, number) in [("PV1|1|O\r", 1), ("PV1|1|O\rPV1|2|E\r", 2)] {
        let read = read("siu-s12", &format!("{APPOINTMENT}{person}RGS|1\r{late}AIS|1||X\r"));
        let tree = value(&read);
        assert_eq!((tree["PATIENT"].as_array().unwrap().len(), &tree["PATIENT"][0]["PV1"]["2"]), (1, &json!("O")));
        assert_eq!(tree["PATIENT"][0]["PV1[1]"].as_array().map_or(1, |more| 1 + more.len()), number);
        assert_eq!(tree["RESOURCES"].as_array().unwrap().len(), 1);
        assert_eq!(tree["RESOURCES"][0]["SERVICE"].as_array().unwrap().len(), 1);
        // The first late visit and what comes back to the resources are named; a second visit is in the loss report.
        assert_eq!(read.warnings.len(), 2);
        assert_eq!(write("siu-s12", &read.document), format!("{APPOINTMENT}{person}{late}RGS|1\rAIS|1||X\r"));
    }
}

#[test]
fn line_feeds_and_broken_texts_are_taken_with_a_warning() {
    let text = UPDATE.replace('\r', "\n");
    let tolerated = read("adt-a01", &text);
    assert_eq!((value(&tolerated), tolerated.warnings.len()), (value(&read("adt-a01", UPDATE)), 1));
    let text = "MSH|^~\\&|A|B|C|D|20260101||ORU^R01|1|P|2.5\nPID|1||1\nOBR|1\nOBX|1|TX|c||one\ntwo|||F\n";
    let tree = value(&read("oru-r01", text));
    let obx = &tree["PATIENT_RESULT"][0]["ORDER_OBSERVATION"][0]["OBSERVATION"][0]["OBX"];
    assert_eq!((&obx["5"][0]["1"], &obx["8"]), (&json!("one\ntwo"), &json!(["F"])));
}

#[test]
fn what_is_no_message_is_refused_with_its_place() {
    for (text, line) in [("", 1), ("PID|1\r", 1), ("MSH|^~\\&|A\rnonsense\r", 2), ("MSH|^^^^|A\r", 1), ("<xml/>", 1)] {
        let fault = read_as("adt-a01", text, &Limits::default()).unwrap_err();
        assert_eq!((fault.code, fault.position.map(|p| p.line)), (code::DOC_SYNTAX, Some(line)), "{text:?}");
    }
}

#[test]
fn every_limit_holds() {
    let many = format!("{UPDATE}{}", "NK1|1|X^Y\r".repeat(20));
    let limits = |f: fn(&mut Limits)| {
        let mut limits = Limits::default();
        f(&mut limits);
        limits
    };
    for limits in [limits(|l| l.bytes_max = 100), limits(|l| l.nodes_max = 60), limits(|l| l.repeats_max = 10)] {
        assert_eq!(read_as("adt-a01", &many, &limits).unwrap_err().code, code::DOC_LIMIT);
    }
    assert!(read_as("adt-a01", &many, &Limits::default()).is_ok());
}

#[test]
fn no_fault_or_warning_repeats_a_value() {
    let text = "MSH|^~\\&|A|B|C|D|20260101||ADT^A31|1|P|2.5\rPV1||N\rPID|1||||Secret^Name\rEVN|\rSecretline\r";
    let fault = read_as("adt-a05", text, &Limits::default());
    assert!(!format!("{fault:?}").contains("Secret"));
}

#[test]
fn every_sample_is_read_and_settles_after_one_writing() {
    let Some(folder) = shared("hl7v2") else { return };
    let (mut files, mut messages) = (0, 0);
    let folders = std::fs::read_dir(folder).unwrap().flatten().filter(|f| f.path().is_dir());
    for file in folders.flat_map(|f| std::fs::read_dir(f.path()).unwrap().flatten()) {
        let bytes = std::fs::read(file.path()).unwrap();
        if bytes.starts_with(b"<") {
            continue;
        }
        files += 1;
        for message in hl7v2::open_batch(&bytes).messages {
            let (text, _) = hl7v2::decode(message, &Limits::default()).unwrap();
            let kind = hl7v2::Header::of(&text).and_then(|h| h.message_structure()).unwrap_or_default();
            let name = format!("hl7v2/{}.schema.json", kind.to_lowercase().replace('_', "-"));
            let schema = schemas().get(&name).or(schemas().get("hl7v2/adt-a01.schema.json")).unwrap();
            let Ok(read) = hl7v2::read(&text, &Limits::default(), &schema.message_shape()) else { continue };
            messages += 1;
            let once = hl7v2::write(&read.document, &schema.message_shape());
            let again = std::str::from_utf8(&once).unwrap();
            let back = hl7v2::read(again, &Limits::default(), &schema.message_shape()).unwrap().document;
            assert_eq!(back.to_value(back.root()), read.document.to_value(read.document.root()), "{:?}", file.path());
            assert_eq!(hl7v2::write(&back, &schema.message_shape()), once);
        }
    }
    assert!(files > 50 && messages > 50, "{files} files, {messages} messages");
}

proptest! {
    /// Whatever is changed in a message, reading ends, and what is read is written and read again as the same.
    #[test]
    fn changed_messages_are_read_or_refused_and_settle(
        changes in prop::collection::vec((0usize..600, "[|^~&\\\\\r\nA-Z0-9\" é]{0,4}"), 0..8),
        structure in prop::sample::select(vec!["adt-a01", "adt-a39", "oru-r01", "ref-i12", "mdm-t02", "siu-s12"]),
    ) {
        let mut text = UPDATE.to_owned();
        for (at, piece) in changes {
            let at = (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
            text.insert_str(at, &piece);
        }
        if let Ok(read) = read_as(structure, &text, &Limits::default()) {
            let once = write(structure, &read.document);
            let again = read_as(structure, &once, &Limits::default()).unwrap();
            prop_assert_eq!(write(structure, &again.document), once);
        }
    }
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for start in [&b"MSH|^~\\&|"[..], b""] {
            let all = [start, &bytes].concat();
            for message in hl7v2::open_batch(&all).messages {
                if let Ok((text, _)) = hl7v2::decode(message, &Limits::default()) {
                    let _ = read_as("oru-r01", &text, &Limits::default());
                    let _ = hl7v2::Header::of(&text);
                }
            }
        }
    }
}
