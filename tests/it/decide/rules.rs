//! `docs/rules.md` names for every rule R1 to R84 where it lives and what tests it, and what it names exists.

use super::root;

/// The rows of the table: number, and the paths of the third and fourth column.
fn rows() -> Vec<(u8, Vec<String>, Vec<String>)> {
    let text = std::fs::read_to_string(root().join("docs/rules.md")).unwrap_or_default();
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| R")?.split(" | ").collect();
        let paths = |cell: &str| -> Vec<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
        Some((cells[0].trim().parse().ok()?, paths(cells.get(2)?), paths(cells.get(3)?)))
    });
    rows.collect()
}

#[test]
fn every_rule_has_one_row_in_order() {
    let numbers: Vec<u8> = rows().into_iter().map(|(number, ..)| number).collect();
    assert_eq!(numbers, (1..=84).collect::<Vec<u8>>());
}

#[test]
fn every_path_of_a_row_exists_and_a_rule_that_is_built_has_a_test() {
    for (number, places, tests) in rows() {
        for path in places.iter().chain(&tests) {
            assert!(root().join(path).exists(), "R{number}: {path} does not exist");
        }
        assert!(places.is_empty() || !tests.is_empty(), "R{number} names no test");
    }
}

#[test]
fn every_scenario_named_after_a_rule_stands_in_its_row() {
    let rows = rows();
    let folder = std::fs::read_dir(root().join("tests/cases/sharing")).unwrap_or_else(|error| panic!("{error}"));
    for entry in folder.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let number = name.strip_prefix('r').and_then(|rest| rest.get(..2)).and_then(|digits| digits.parse::<u8>().ok());
        let Some(number) = number else { continue };
        let path = format!("tests/cases/sharing/{name}");
        let named = rows.iter().any(|(row, _, tests)| *row == number && tests.contains(&path));
        assert!(named, "{path} is not in the row of R{number}");
    }
}
