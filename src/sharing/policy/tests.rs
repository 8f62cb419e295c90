//! The rule files shipped with the program, and what the checker refuses.

use super::*;

/// The rule files of this repository, without touching the file system at run time.
pub(in crate::sharing) fn files() -> Files {
    let mut files = Files::default();
    files.insert("sharing/matrix.csv", include_bytes!("../../../sharing/matrix.csv").to_vec());
    files.insert("sharing/caps.csv", include_bytes!("../../../sharing/caps.csv").to_vec());
    files.insert("sharing/categories.csv", include_bytes!("../../../sharing/categories.csv").to_vec());
    files.insert("sharing/purposes.csv", include_bytes!("../../../sharing/purposes.csv").to_vec());
    files.insert("sharing/roles.csv", include_bytes!("../../../sharing/roles.csv").to_vec());
    files
}

fn shipped() -> Policy {
    Policy::load(&files()).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// The shipped files with one text replaced.
fn changed(file: &str, from: &str, to: &str) -> Result<Policy, Vec<Diagnostic>> {
    let mut files = files();
    let text = String::from_utf8(files.get(file).unwrap_or(b"").to_vec()).unwrap_or_default();
    assert!(text.contains(from), "{file} does not contain {from}");
    files.insert(file, text.replacen(from, to, 1).into_bytes());
    Policy::load(&files)
}

#[test]
fn the_matrix_has_fifty_nine_complete_columns() {
    let policy = shipped();
    let count = |purpose: Purpose| Role::ALL.iter().filter(|role| policy.column(purpose, **role).is_some()).count();
    assert_eq!(Purpose::ALL.iter().map(|p| count(*p)).sum::<usize>(), 59);
    assert_eq!((count(Purpose::An), count(Purpose::Au), count(Purpose::Sa)), (0, 0, 0));
}

#[test]
fn gated_cells_are_as_many_as_the_sharing_rules_say() {
    let policy = shipped();
    let gated = |purpose: Purpose| {
        let cells = Role::ALL.iter().filter_map(|role| policy.column(purpose, *role)).flatten();
        cells.filter(|cell| cell.gated()).count()
    };
    assert_eq!([Purpose::Cin, Purpose::Eh, Purpose::Dc, Purpose::Met].map(gated), [41, 131, 24, 1]);
    assert_eq!([Purpose::Cp, Purpose::Le, Purpose::Qa].map(gated), [0, 0, 0]);
}

#[test]
fn no_cell_of_adoption_or_third_party_or_intelligence_can_be_raised() {
    let policy = shipped();
    for purpose in Purpose::ALL {
        for role in Role::ALL {
            for category in [Category::Adp, Category::Tpi, Category::Int] {
                let cell = policy.cell(*purpose, *role, category);
                assert!(cell.is_none_or(|cell| !cell.raisable), "{purpose} {role} {category}");
            }
        }
    }
}

#[test]
fn every_raisable_cell_belongs_to_a_role_that_may_override() {
    let policy = shipped();
    for purpose in Purpose::ALL.iter().filter(|p| **p != Purpose::Le) {
        for role in Role::ALL {
            let raisable = policy.column(*purpose, *role).is_some_and(|column| column.iter().any(|cell| cell.raisable));
            assert!(!raisable || policy.role(*role).override_purposes.contains(purpose), "{purpose} {role}");
        }
    }
}

#[test]
fn a_missing_cell_a_double_cell_and_an_unknown_level_are_refused_with_their_line() {
    let missing = changed("sharing/matrix.csv", "CP,MSH,ADR,F,F,no\n", "").err().unwrap_or_default();
    assert!(missing.iter().any(|d| d.message.contains("lacks category ADR")), "{missing:?}");
    let double = changed("sharing/matrix.csv", "CP,MSH,ADR,F,F,no\n", "CP,MSH,ADR,F,F,no\nCP,MSH,ADR,N,N,no\n");
    assert_eq!(double.err().unwrap_or_default().first().and_then(|d| d.position).map(|p| p.line), Some(4));
    let unknown = changed("sharing/matrix.csv", "CP,MSH,ADR,F,F,no", "CP,MSH,ADR,X,F,no");
    assert_eq!(unknown.err().unwrap_or_default().first().and_then(|d| d.position).map(|p| p.line), Some(3));
}

#[test]
fn a_category_below_its_default_confidentiality_is_refused() {
    assert!(changed("sharing/categories.csv", "LOC,protected-location,V", "LOC,protected-location,R").is_err());
}

#[test]
fn the_version_changes_with_any_byte_of_the_set() {
    let one = changed("sharing/caps.csv", "DSL,HLT,N", "DSL,HLT,I").map(|p| p.version().to_owned());
    assert!(one.is_ok());
    assert_ne!(one.ok().as_deref(), Some(shipped().version()));
    assert_eq!(shipped().version(), shipped().version());
}

#[test]
fn summary_fields_exist_exactly_for_the_seven_coded_categories() {
    let policy = shipped();
    let coded: Vec<&str> =
        Category::ALL.iter().filter(|c| policy.summary_fields(**c).is_some()).map(|c| c.code()).collect();
    assert_eq!(coded, ["IDN", "ADR", "FAM", "EDU", "STS", "TPI", "RSK"]);
}

#[test]
fn the_not_available_marker_is_for_the_six_categories_of_section_ten_only() {
    let policy = shipped();
    assert_eq!(policy.unavailable(Purpose::Cin, Role::Fdp), [Category::Hlt]);
    assert_eq!(policy.unavailable(Purpose::Cin, Role::Vol), []);
}

/// The shipped files with this text as the partnership's own rules.
fn with_local(rules: &str) -> Result<Policy, Vec<Diagnostic>> {
    let mut files = files();
    files.insert("sharing/local.cedar", rules.as_bytes().to_vec());
    files.insert("sharing/sharing.cedarschema", include_bytes!("../../../sharing/sharing.cedarschema").to_vec());
    Policy::load(&files)
}

fn refusal(rules: &str) -> String {
    with_local(rules).err().unwrap_or_default().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

const NOTES: &str = "@id(\"a\") @cap(\"I\") @reason(\"agreed\")\nforbid (principal, action, resource)\n\
    when { [\"DSL\", \"LPR\"].contains(principal.role) && resource.category == \"CSN\" && resource.about_child };\n";

#[test]
fn a_local_rule_is_read_and_concerns_only_its_roles_and_categories() {
    let policy = with_local(NOTES).unwrap_or_else(|faults| panic!("{faults:?}"));
    assert_eq!(policy.local().rules().first().map(|rule| (rule.id.as_str(), rule.cap)), Some(("a", Level::I)));
    assert!(policy.local().concerns(Role::Dsl, Category::Csn));
    assert!(!policy.local().concerns(Role::Sw, Category::Csn) && !policy.local().concerns(Role::Dsl, Category::Mhl));
}

#[test]
fn a_rule_whose_condition_narrows_nothing_certain_concerns_everybody() {
    let rule = "@id(\"a\") @cap(\"N\") @reason(\"r\") forbid (principal, action, resource) \
        when { principal.role == \"DSL\" || context.purpose == \"EH\" };";
    let policy = with_local(rule).unwrap_or_else(|faults| panic!("{faults:?}"));
    assert!(policy.local().concerns(Role::Sw, Category::Mhl));
}

#[test]
fn the_shipped_local_rules_are_none_and_load() {
    let shipped = include_str!("../../../sharing/local.cedar");
    assert!(with_local(shipped).is_ok_and(|policy| policy.local().rules().is_empty()));
}

#[test]
fn the_example_in_the_shipped_file_is_a_valid_rule() {
    let shipped = include_str!("../../../sharing/local.cedar");
    let example: Vec<&str> = shipped.lines().filter_map(|line| line.strip_prefix("//   ")).collect();
    assert!(with_local(&example.join("\n")).is_ok_and(|policy| policy.local().rules().len() == 1));
}

#[test]
fn a_permit_is_refused() {
    assert!(refusal(&NOTES.replace("forbid", "permit")).contains("is a permit"));
}

#[test]
fn two_rules_with_one_id_and_a_rule_without_cap_or_with_cap_f_are_refused() {
    assert!(refusal(&format!("{NOTES}{NOTES}")).contains("@id of another rule"));
    assert!(refusal(&NOTES.replace("@cap(\"I\")", "")).contains("lacks an annotation"));
    assert!(refusal(&NOTES.replace("@cap(\"I\")", "@cap(\"F\")")).contains("lacks an annotation"));
}

#[test]
fn a_misspelt_attribute_and_an_optional_one_without_has_are_refused() {
    assert!(!refusal(&NOTES.replace("about_child", "about_chidl")).is_empty());
    assert!(!refusal(&NOTES.replace("resource.about_child", "resource.observed == \"2026-01-01\"")).is_empty());
}

#[test]
fn a_rule_that_can_never_apply_is_a_warning_and_refused() {
    let never = NOTES.replace("resource.about_child", "false");
    assert!(refusal(&never).contains("a warning counts as an error"), "{}", refusal(&never));
}

#[test]
fn a_syntax_fault_names_file_and_line() {
    let faults = with_local(&NOTES.replace("when {", "when {{")).err().unwrap_or_default();
    assert_eq!(faults.first().and_then(|fault| fault.position).map(|position| position.line), Some(3), "{faults:?}");
}
