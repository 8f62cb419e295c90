//! What is refused: mappings that could fail, messages that say too little. Each with code and place.

use super::{context, files, mappings, schemas, writing};
use solent::config::Files;
use solent::diagnostic::Diagnostic;
use solent::mapping::Mappings;

const CENSUS: &str = "mappings/cin-census/census.bimap";

/// The built-in set with one text of the census mapping replaced.
pub(super) fn changed(from: &str, to: &str) -> Result<Mappings, Vec<Diagnostic>> {
    let files = files();
    let text = String::from_utf8(files.get(CENSUS).unwrap().to_vec()).unwrap();
    assert!(text.contains(from), "the mapping has no `{from}`");
    let mut set = Files::default();
    for (name, bytes) in files.matching("", "") {
        set.insert(name, bytes.to_vec());
    }
    set.insert(CENSUS, text.replacen(from, to, 1).into_bytes());
    Mappings::load(&set, schemas())
}

pub(super) fn first(from: &str, to: &str) -> Diagnostic {
    changed(from, to).expect_err("this mapping must be refused").remove(0)
}

#[test]
fn a_missing_path_is_refused_at_its_character_with_the_nearest_name() {
    let fault = first("PersonBirthDate ", "PersonBrithDate ");
    assert_eq!(fault.code.as_str(), "SOL-MAP-PATH");
    assert!(fault.position.is_some_and(|p| p.line > 30 && p.column > 1));
    assert_eq!(fault.help.as_deref(), Some("did you mean `PersonBirthDate`?"));
}

#[test]
fn a_value_nobody_speaks_of_is_refused() {
    let fault = first("FormerUPN ", "# FormerUPN ");
    assert_eq!(fault.code.as_str(), "SOL-MAP-COVERAGE");
    assert!(fault.message.contains("FormerUPN"));
}

#[test]
fn a_line_outside_the_grammar_is_refused_with_what_was_expected() {
    let fault = first("<-> start", "= start");
    assert_eq!(fault.code.as_str(), "SOL-MAP-SYNTAX");
    assert!(fault.position.is_some());
    assert_eq!(fault.expected.as_deref(), Some("`<->`, `->` or `<-`"));
}

#[test]
fn a_one_way_rule_without_a_reason_is_refused() {
    let fault = first(" because \"censuses up to 2023-24 only; we write the current element\"", "");
    assert_eq!(fault.code.as_str(), "SOL-MAP-REASON");
}

#[test]
fn an_unlabelled_segment_is_refused() {
    let fault = first("label STS R about child", "# no label");
    assert_eq!(fault.code.as_str(), "SOL-MAP-LABEL");
}

#[test]
fn a_label_below_its_floor_is_refused() {
    assert_eq!(first("label STS R about child", "label STS N about child").code.as_str(), "SOL-MAP-LABEL");
}

#[test]
fn a_name_used_before_it_is_bound_is_refused() {
    let fault = first("link involvement = episode", "link involvement = episod");
    assert_eq!(fault.code.as_str(), "SOL-MAP-NAME");
    assert_eq!(fault.help.as_deref(), Some("did you mean `episode`?"));
}

#[test]
fn a_converter_that_does_not_fit_is_refused() {
    assert_eq!(
        first(
            ": int
", ": date
"
        )
        .code
        .as_str(),
        "SOL-MAP-TYPE"
    );
}

#[test]
fn two_writers_of_one_place_are_refused() {
    let fault = first("FormerUPN", "LAchildID <-> death.date : date\n      FormerUPN");
    assert_eq!(fault.code.as_str(), "SOL-MAP-WRITER");
}

#[test]
fn a_required_member_nothing_writes_is_refused() {
    let way = "CINreferralDate  <-> start                      : date";
    let one_way = "CINreferralDate  -> start : date because \"for this test\"";
    assert_eq!(first(way, one_way).code.as_str(), "SOL-MAP-REQUIRED");
}

#[test]
fn a_code_table_that_is_not_total_is_refused() {
    let files = files();
    let mut set = Files::default();
    for (name, bytes) in files.matching("", "") {
        set.insert(name, bytes.to_vec());
    }
    let name = "mappings/codes/abuse-category.csv";
    let text = String::from_utf8(files.get(name).unwrap().to_vec()).unwrap();
    let shorter: String = text.lines().filter(|l| !l.starts_with("EMO")).map(|l| format!("{l}\n")).collect();
    set.insert(name, shorter.into_bytes());
    let faults = Mappings::load(&set, schemas()).unwrap_err();
    assert!(faults.iter().any(|f| f.code.as_str() == "SOL-MAP-TABLE" && f.message.contains("EMO")));
}

#[test]
fn an_unknown_format_names_the_nearest() {
    let fault = mappings().read("cin-sensus", b"", &context()).unwrap_err().remove(0);
    assert_eq!((fault.code.as_str(), fault.help.as_deref()), ("SOL-MAP-FORMAT", Some("did you mean `cin-census`?")));
}

#[test]
fn a_record_that_says_too_little_for_the_census_is_refused_by_name_of_the_part() {
    let bytes = std::fs::read(super::here("docs/demo/southdown-bundle.json")).unwrap();
    let read = mappings().read("fhir-r4-json", &bytes, &context()).unwrap();
    let records: Vec<_> = read.into_iter().map(|r| r.record).collect();
    let faults = mappings().write("cin-census", &records, &writing()).unwrap_err();
    assert!(faults.iter().all(|f| f.code.as_str() == "SOL-MAP-INCOMPLETE"));
    let said = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(said.contains("CINdetails"), "{said}");
    for personal in ["Lane", "Dana", "9990000034"] {
        assert!(!said.contains(personal));
    }
}

#[test]
fn a_bundle_without_a_patient_makes_no_record() {
    let bundle = br#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Flag","status":"active","code":{"text":"x"},"subject":{"reference":"urn:uuid:1"}}}]}"#;
    let faults = mappings().read("fhir-r4-json", bundle, &context()).unwrap_err();
    assert_eq!(faults[0].code.as_str(), "SOL-MAP-INCOMPLETE");
}

/// Rule 8525Q asks whether exactly one of the two dates is given; a date that cannot be read is given and has a finding
/// of its own.
#[test]
fn a_malformed_birth_date_is_no_missing_birth_date() {
    let input = super::here("tests/cases/mappings/cin-census/census/pre-proceedings/input.xml");
    let text = std::fs::read_to_string(input).unwrap();
    let date = "<PersonBirthDate>2017-08-08</PersonBirthDate>";
    let found = |to: &str| {
        let changed = text.replacen(date, to, 1);
        assert_ne!(changed, text);
        let limits = solent::document::Limits::file();
        mappings().validate("cin-census", changed.as_bytes(), &limits).unwrap_or_else(|found| found)
    };
    let missing = |found: &[Diagnostic]| found.iter().any(|d| d.message.starts_with("rule 8525Q"));
    let malformed = found("<PersonBirthDate>2017-02-30</PersonBirthDate>");
    assert!(malformed.iter().any(|d| d.pointer.as_deref().is_some_and(|p| p.ends_with("/PersonBirthDate"))));
    assert!(!missing(&malformed));
    assert!(missing(&found("")));
}
