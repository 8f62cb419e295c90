//! Data files that nothing reads: schemas no mapping or code names, code tables no mapping names, cases no driver walks.
//!
//! A rule, table or case that is never read looks like protection and is none.

use crate::source::Tree;

/// Every data file that nothing refers to, and every mapping without a case.
pub fn dead(tree: &Tree) -> Vec<String> {
    let names: Vec<&str> = tree.names().collect();
    let mut out = Vec::new();
    for name in &names {
        let (folder, rest) = name.split_once('/').unwrap_or(("", name));
        if rest.ends_with(".gitkeep") || rest.ends_with("README.md") {
            continue;
        }
        let live = match folder {
            "schemas" => mentioned(tree, &names, name, &["src/", "mappings/", "schemas/", "tests/"], rest),
            "mappings" if rest.starts_with("codes/") => {
                let table = rest.trim_start_matches("codes/").trim_end_matches(".csv");
                mentioned(tree, &names, name, &["src/", "mappings/"], table)
            }
            // Mappings are found by walking their folder: each is live when it is a mapping and has a case.
            "mappings" => rest.ends_with(".bimap") && has_case(&names, rest),
            "sharing" => mentioned(tree, &names, name, &["src/"], rest),
            "docs" if rest.starts_with("demo/") => {
                mentioned(tree, &names, name, &["src/", "docs/demo/", "tests/"], rest.trim_start_matches("demo/"))
            }
            "tests" if rest.starts_with("cases/") => driven(tree, &names, rest),
            _ => true,
        };
        if !live {
            out.push(format!("{name}: nothing reads it"));
        }
    }
    out
}

/// Whether a file under one of `folders`, other than `own`, contains the path `text`, whole or by its last part.
fn mentioned(tree: &Tree, names: &[&str], own: &str, folders: &[&str], text: &str) -> bool {
    let last = text.rsplit('/').next().unwrap_or(text);
    let others = names.iter().filter(|n| **n != own && folders.iter().any(|f| n.starts_with(f)));
    others.into_iter().any(|n| {
        let content = tree.text(n);
        content.contains(text) || content.contains(last)
    })
}

/// A mapping `format/name.bimap` has its case folder `tests/cases/mappings/format/name/`.
fn has_case(names: &[&str], rest: &str) -> bool {
    let folder = format!("tests/cases/mappings/{}/", rest.trim_end_matches(".bimap"));
    names.iter().any(|n| n.starts_with(&folder))
}

/// A case is driven when a test names its area: `cases/mappings/…` by the text `cases/mappings`.
fn driven(tree: &Tree, names: &[&str], rest: &str) -> bool {
    let area: Vec<&str> = rest.split('/').take(2).collect();
    let area = area.join("/");
    let tests = names.iter().filter(|n| (n.starts_with("tests/it/") || n.starts_with("src/")) && n.ends_with(".rs"));
    tests.into_iter().any(|n| tree.text(n).contains(&area))
}

#[cfg(test)]
mod samples {
    use super::*;

    #[test]
    fn a_mapping_without_a_case_is_dead() {
        assert!(has_case(&["tests/cases/mappings/cin-census/child/one/input.xml"], "cin-census/child.bimap"));
        assert!(!has_case(&["tests/cases/mappings/cin-census/children/one/input.xml"], "cin-census/child.bimap"));
    }

    #[test]
    fn a_file_that_only_names_itself_is_not_mentioned() {
        let tree = Tree::of(&[("schemas/a.json", "a.json"), ("src/b.rs", "x")]);
        let names: Vec<&str> = tree.names().collect();
        assert!(!mentioned(&tree, &names, "schemas/a.json", &["src/", "schemas/"], "a.json"));
        let tree = Tree::of(&[("schemas/a.json", ""), ("src/b.rs", "\"a.json\"")]);
        assert_eq!(dead(&tree), Vec::<String>::new());
    }
}
