//! The static checks S1 to S16 one by one, each broken in the census mapping. Those a user meets first stand in
//! `refusals.rs`; `docs/reference/mapping-language.md` says which test is for which check.

use super::refusals::{changed, first};
use super::{files, mappings, schemas};
use solent::mapping::{Direction, LossKind, Mappings};

/// The code and the sentence of the first finding.
fn said(from: &str, to: &str) -> (String, String) {
    let fault = first(from, to);
    assert!(fault.position.is_some(), "{fault}");
    (fault.code.as_str().to_owned(), fault.message)
}

/// A field of a choice.
const SEX: &str = "Sex           <-> sex : code sex-dfe";
const DISABILITY: &str = "each Disabilities.Disability <-> disabilities : code disability-dfe";
const PLAN_END: &str = "CPPendDate             <-> end            : date";
const NEED: &str = "PrimaryNeedCode  <-> primary_need               : code primary-need";

#[test]
fn s1_a_selector_whose_constant_is_no_value_of_its_member_is_refused() {
    let (code, text) = said("plans[kind = \"child-in-need-plan\"]", "plans[kind = \"child-in-need-plam\"]");
    assert_eq!(code, "SOL-MAP-PATH", "{text}");
}

#[test]
fn s2_an_each_over_one_object_is_refused() {
    let (code, text) = said("group ChildIdentifiers <-> .", "each ChildIdentifiers <-> .");
    assert_eq!(code, "SOL-MAP-TYPE", "{text}");
}

#[test]
fn s3_a_list_without_a_selector_on_the_way_is_refused() {
    let (code, text) = said("group Source[0] <-> .", "group Source <-> .");
    assert_eq!(code, "SOL-MAP-TYPE");
    assert!(text.contains("`Source` is a list"), "{text}");
}

#[test]
fn s3_a_selector_on_what_is_no_list_is_refused() {
    let (code, text) = said("group ChildIdentifiers <-> .", "group ChildIdentifiers[0] <-> .");
    assert_eq!((code.as_str(), text.contains("is no list")), ("SOL-MAP-TYPE", true), "{text}");
}

#[test]
fn s6_two_rules_that_write_one_place_of_the_record_are_refused() {
    let rule = "PersonDeathDate <-> death.date                                : date";
    let twice = format!("{rule}\n      ExpectedPersonBirthDate -> death.date : date because \"a test\"");
    let (code, text) = said(rule, &twice);
    assert_eq!((code.as_str(), text.contains("when reading")), ("SOL-MAP-WRITER", true), "{text}");
}

#[test]
fn s7_two_blocks_over_the_same_items_are_refused() {
    let twice = "each Disabilities.Disability <-> disabilities : code disability-dfe\n      each Disabilities.Disability \
                 <-> disabilities {\n        . <-> . : text\n      }";
    let (code, text) = said(DISABILITY, twice);
    assert!(["SOL-MAP-WRITER", "SOL-MAP-TYPE"].contains(&code.as_str()), "{code} {text}");
}

#[test]
fn s9_a_condition_on_a_value_that_has_a_condition_is_refused() {
    let start = "CPPstartDate           <-> start          : date";
    let both =
        format!("{start} only when abuse.initial present\n      CPPendDate <-> end : date only when start present");
    let faults = changed(start, &both).and_then(|_| changed(PLAN_END, "")).expect_err("refused");
    assert!(faults.iter().any(|f| f.code.as_str() == "SOL-MAP-PATH" && f.message.contains("no condition itself")));
}

#[test]
fn s9_a_condition_with_a_selector_is_refused() {
    let (code, text) = said(PLAN_END, "CPPendDate <-> end : date only when reviews[0] present");
    assert_eq!(code, "SOL-MAP-PATH", "{text}");
}

#[test]
fn s9_a_condition_that_no_code_satisfies_never_takes_effect() {
    let (code, text) = said(PLAN_END, "CPPendDate <-> end : date only when abuse.initial = \"no-such-kind\"");
    assert_eq!(code, "SOL-MAP-UNREACHABLE", "{text}");
}

#[test]
fn s10_a_fragment_that_is_not_there_is_refused_with_the_nearest() {
    let with = "group Header <-> envelope {";
    let (code, text) =
        said(with, "fragment dates {\n  Year <-> year : text\n}\ngroup Header <-> envelope {\n  include datse");
    assert_eq!(code, "SOL-MAP-NAME", "{text}");
}

#[test]
fn s10_a_fragment_that_includes_itself_is_refused() {
    let with = "group Header <-> envelope {";
    let (code, text) = said(with, "fragment round {\n  include round\n}\ngroup Header <-> envelope {\n  include round");
    assert_eq!(code, "SOL-MAP-NAME");
    assert!(text.contains("includes itself"), "{text}");
}

#[test]
fn s11_a_label_that_does_not_come_first_is_refused() {
    let (code, text) = said(
        "      label CHR R about child\n      Ethnicity <-> ethnicity : code ethnicity-dfe",
        "      Ethnicity <-> ethnicity : code ethnicity-dfe\n      label CHR R about child",
    );
    assert_eq!(code, "SOL-MAP-LABEL", "{text}");
}

#[test]
fn s11_a_label_table_that_is_not_there_is_refused() {
    let (code, text) = said("label STS R about child", "label by no-such-table of primary_need about child");
    assert_eq!(code, "SOL-MAP-TABLE", "{text}");
}

#[test]
fn s13_a_narrower_other_side_stands_in_the_loss_statement() {
    // A family name of any length may be too long for a common transfer file: foretold, before any message.
    let source = mappings().sources().find(|s| s.format == "ctf").unwrap();
    let line = source.text.lines().position(|l| l.contains("Surname") && l.contains("names[0].family")).unwrap() + 1;
    let losses = &source.statement.losses;
    assert!(
        losses.iter().any(|f| f.line == Some(line) && f.direction == Direction::Write && f.kind == LossKind::Truncated)
    );
}

#[test]
fn s14_a_reference_to_a_segment_without_a_key_is_refused() {
    let (code, text) = said(NEED, "PrimaryNeedCode <-> reference : ref child");
    assert_eq!(code, "SOL-MAP-NAME", "{text}");
}

#[test]
fn s15_more_rules_on_one_value_than_anyone_reads_are_refused() {
    let many: String = (0..70).map(|n| format!("        Sex -> sex : code sex-dfe because \"rule {n}\"\n")).collect();
    let faults = changed(SEX, &format!("{SEX}\n{many}")).expect_err("refused");
    assert!(faults.iter().any(|f| f.code.as_str() == "SOL-MAP-LIMIT"), "{:?}", faults.first().map(ToString::to_string));
}

#[test]
fn s16_a_summary_of_another_category_is_refused() {
    let full = "each CINPlanDates <-> /plans[kind = \"child-in-need-plan\"] link involvement = episode {\n      label STS R about child";
    let other = "each CINPlanDates <-> /plans[kind = \"child-in-need-plan\"] link involvement = episode {\n      label CSN R about child summary of episode";
    let (code, text) = said(full, other);
    assert_eq!(code, "SOL-MAP-LABEL", "{text}");
    assert!(text.contains("full segment"), "{text}");
}

#[test]
fn rules_that_never_take_effect_are_refused() {
    for (from, to) in [
        (SEX, "Sex <-> sex : code sex-dfe\n        Sex -> sex : code sex-dfe because \"again\""),
        ("    PrimaryNeedCode ", "    drop native ReferralSource because \"a test\"\n    PrimaryNeedCode "),
        ("group Header <-> envelope {", "fragment nobody {\n  Year <-> year : text\n}\ngroup Header <-> envelope {"),
        ("drop canonical rest", "drop canonical rest because \"once\"\ndrop canonical rest"),
    ] {
        let faults = changed(from, to).expect_err("refused");
        assert!(faults.iter().any(|f| f.code.as_str() == "SOL-MAP-UNREACHABLE"), "{to}");
    }
}

#[test]
fn two_mappings_of_one_root_that_nothing_tells_apart_are_refused() {
    let mut set = files();
    let census = String::from_utf8(set.get("mappings/cin-census/census.bimap").unwrap().to_vec()).unwrap();
    let twin = census.replacen("mapping   cin-census", "mapping   cin-twin", 1);
    assert_ne!(twin, census);
    set.insert("mappings/cin-census/twin.bimap", twin.into_bytes());
    let faults = Mappings::load(&set, schemas()).unwrap_err();
    assert!(faults.iter().any(|f| f.code.as_str() == "SOL-MAP-FORMAT"));
}
