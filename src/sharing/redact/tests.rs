//! What survives redaction, and that what does not leaves no trace.

mod joined;

use super::*;
use crate::cli::content;
use crate::schema::Schemas;
use serde_json::{Value, json};
use std::sync::LazyLock;

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| Schemas::load(&content::built_in()).unwrap());
static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy::load(&content::built_in()).unwrap());

fn label(category: &str, confidentiality: &str, about: &str) -> Value {
    json!({"category": category, "confidentiality": confidentiality, "custodian": "southdown-mh", "about": [about],
           "third_party": "none", "basis_marker": "reported", "author_role": "CLN"})
}

/// A record with one canary word per segment.
fn whole() -> Value {
    json!({
        "envelope": {"message_id": "canary-envelope"},
        "people": [{
            "id": "a", "label": label("IDN", "N", "a"), "role": "subject",
            "names": [{"family": "canary-family", "given": ["canary-given"]}], "birth": {"date": "1992-03-11"},
            "addresses": [{"id": "adr", "label": label("LOC", "V", "a"), "lines": ["canary-address"]}],
        }],
        "involvements": [{"id": "inv", "label": label("MHL", "R", "a"), "kind": "mental-health-care", "person": "a",
                          "team": "canary-team", "source_ref": {"system": "s", "key": "canary-key"}}],
        "assessments": [
            {"id": "full", "label": label("MHL", "R", "a"), "kind": "risk-assessment", "involvement": "inv",
             "summary": "canary-full"},
            {"id": "short", "label": label("MHL", "R", "a"), "kind": "risk-assessment", "form": "summary",
             "summary_of": ["full"], "summary": "canary-short"},
        ],
        "notes": [{"id": "note", "label": label("MHN", "V", "a"), "kind": "text", "text": "canary-note"}],
    })
}

fn disclosed(record: &Value, rulings: &[(&str, Level, Reason)]) -> Disclosable {
    let record = Record::validate(Document::from_value(record), &SCHEMAS).unwrap();
    let people = BTreeMap::from([("a".to_owned(), PersonId::new("hub-person"))]);
    let held = [Held { id: "rec-1", record: &record, people: &people }];
    let ruled = rulings
        .iter()
        .map(|(local, level, reason)| Ruled {
            held: 0,
            local: (*local).to_owned(),
            segment: format!("rec-1.{local}"),
            contact: "duty desk".to_owned(),
            decision: Decision::new(*level, *reason),
        })
        .collect();
    let alias = |text: &str| format!("x{:08x}", text.bytes().fold(7_u32, |h, b| h.wrapping_mul(31) ^ u32::from(b)));
    let request = Request {
        purpose: Purpose::Cin,
        policy: &POLICY,
        alias: &alias,
        receiver: "harbourshire-csc",
        subject: alias("person/hub-person"),
        identities: Identities::Separate,
        searched: vec![Category::Mhl],
        unavailable: vec![],
    };
    redact(request, &held, ruled)
}

fn text(disclosable: &Disclosable) -> String {
    disclosable.to_json("receipt").to_string()
}

#[test]
fn level_f_releases_the_full_form_and_nothing_else() {
    let text = text(&disclosed(&whole(), &[("full", Level::F, Reason::AllowMatrix)]));
    assert!(text.contains("canary-full"));
    for canary in ["short", "note", "address", "family", "team", "key", "envelope"] {
        assert!(!text.contains(&format!("canary-{canary}")), "{canary} came out");
    }
}

#[test]
fn level_s_releases_the_authored_summary_only() {
    let text = text(&disclosed(&whole(), &[("full", Level::S, Reason::AllowPermission)]));
    assert!(text.contains("canary-short"));
    assert!(!text.contains("canary-full"));
}

#[test]
fn level_i_releases_fixed_words_and_the_custodian() {
    let found = disclosed(&whole(), &[("full", Level::I, Reason::AllowMatrix)]);
    assert!(found.record().is_none());
    let [indicator] = found.indicators() else { panic!("one indicator") };
    assert_eq!((indicator.category, indicator.custodian.as_str()), (Category::Mhl, "southdown-mh"));
    assert_eq!(indicator.text, POLICY.indicator_text(Category::Mhl));
    assert!(!text(&found).contains("canary"));
}

#[test]
fn a_withheld_segment_leaves_the_same_bytes_as_one_that_was_never_there() {
    let mut without = whole();
    without.as_object_mut().unwrap().remove("notes");
    without["people"][0].as_object_mut().unwrap().remove("addresses");
    let rulings = [("full", Level::F, Reason::AllowMatrix)];
    let hidden = [rulings[0], ("note", Level::N, Reason::DMatrix), ("adr", Level::N, Reason::DSafe)];
    assert_eq!(text(&disclosed(&whole(), &hidden)), text(&disclosed(&without, &rulings)));
}

#[test]
fn a_link_to_something_withheld_is_left_out() {
    let alone = disclosed(&whole(), &[("full", Level::F, Reason::AllowMatrix)]);
    let doc = alone.record().unwrap();
    let assessment = doc.at_pointer("/assessments/0").unwrap();
    assert!(doc.member(assessment, "involvement").is_none());
    let both = disclosed(&whole(), &[("full", Level::F, Reason::AllowMatrix), ("inv", Level::F, Reason::AllowMatrix)]);
    let doc = both.record().unwrap();
    let linked = doc.text_at(doc.at_pointer("/assessments/0").unwrap(), &["involvement"]);
    assert_eq!(linked, doc.text_at(doc.at_pointer("/involvements/0").unwrap(), &["id"]));
}

#[test]
fn a_person_whose_identity_is_withheld_is_a_skeleton() {
    let found = disclosed(&whole(), &[("full", Level::F, Reason::AllowMatrix)]);
    let doc = found.record().unwrap();
    let person = doc.at_pointer("/people/0").unwrap();
    let members: Vec<&str> = doc.children(person).filter_map(|n| doc.key(n)).collect();
    assert_eq!(members, ["id", "label", "role"]);
}

#[test]
fn coded_categories_at_s_give_listed_fields_only() {
    let found = disclosed(&whole(), &[("a", Level::S, Reason::AllowMatrix)]);
    let text = text(&found);
    assert!(!text.contains("canary-family"), "a surname is not in the summary of IDN");
    assert!(!text.contains("1992-03-11"), "a full birth date is not in the summary of IDN");
}

#[test]
fn local_ids_keys_and_staff_never_travel() {
    let found = disclosed(&whole(), &[("inv", Level::F, Reason::AllowMatrix), ("a", Level::F, Reason::AllowMatrix)]);
    let text = text(&found);
    assert!(!text.contains("canary-key"));
    let doc = found.record().unwrap();
    let ids = ["/people/0", "/involvements/0"].map(|p| doc.text_at(doc.at_pointer(p).unwrap(), &["id"]).unwrap());
    assert!(ids.iter().all(|id| id.starts_with('x')));
}

#[test]
fn what_is_disclosed_is_a_valid_record_again_for_the_writers() {
    let all = ["a", "adr", "inv", "full", "short", "note"].map(|id| (id, Level::F, Reason::AllowOwn));
    let found = disclosed(&whole(), &all);
    assert!(Record::validate(found.record().unwrap().clone(), &SCHEMAS).is_ok());
    let skeleton = disclosed(&whole(), &[("note", Level::F, Reason::AllowOwn)]);
    assert!(Record::validate(skeleton.record().unwrap().clone(), &SCHEMAS).is_ok());
}

#[test]
fn every_disclosure_forbids_redisclosure_and_reuse() {
    let found = disclosed(&whole(), &[("note", Level::F, Reason::AllowOwn)]);
    let doc = found.record().unwrap();
    let note = doc.at_pointer("/notes/0/label/handling").unwrap();
    let codes: Vec<&str> = doc.children(note).filter_map(|n| doc.text(n)).collect();
    assert_eq!(codes, ["NORDSCLCD", "NOREUSE"]);
}

#[test]
fn the_outward_code_is_all_but_the_last_three_characters_however_a_postcode_is_written() {
    let outward = |text| part_of("outward", text);
    assert_eq!((outward("ZZ99 3VZ"), outward("ZZ993VZ"), outward("Z9 9ZZ ")), (Some("ZZ99"), Some("ZZ99"), Some("Z9")));
    assert_eq!((outward("Z9"), part_of("county", "ZZ99 3VZ")), (None, None));
}

/// What `wanted` releases of an object.
fn fields(of: &Value, wanted: &[&[&str]]) -> Value {
    let source = Document::from_value(of);
    let wanted: Vec<Vec<&str>> = wanted.iter().map(|path| path.to_vec()).collect();
    let mut out = Document::new(Kind::Object);
    let root = out.root();
    source.children(source.root()).for_each(|child| copy_fields(&mut out, root, &source, child, &wanted));
    out.to_value(root)
}

#[test]
fn of_a_field_named_in_part_and_whole_the_part_is_released_and_of_one_named_with_its_members_all() {
    let of = json!({"born": "2012-02-29", "home": {"town": "Sampleton", "lines": ["1 Mill Lane"]}});
    assert_eq!(fields(&of, &[&["born:year"], &["born"]]), json!({"born": "2012"}));
    assert_eq!(fields(&of, &[&["home", "town"]]), json!({"home": {"town": "Sampleton"}}));
    assert_eq!(fields(&of, &[&["home"], &["home", "town"]]), json!({"home": of["home"]}));
}
