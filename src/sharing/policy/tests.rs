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
