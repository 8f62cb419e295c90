//! The house rules as tests: floors, sizes, headers, names, patterns, codes, files, links, dependencies, licences.
//!
//! Owns no rule of its own: each file under `tests/tidy/` holds one subject, says why, and proves on small inline
//! samples that it can fail. Everything is read as text from the source tree; nothing here runs the program.
//! Start with `source.rs` (how a Rust file is read) and the tests below.
//!
//! `SOLENT_BLESS=1 cargo test --test tidy` writes the generated pages (`docs/reference/codes/`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]
#![allow(missing_docs, reason = "test names are the documentation")]

#[path = "tidy/codes.rs"]
mod codes;
#[path = "tidy/data.rs"]
mod data;
#[path = "tidy/dependencies.rs"]
mod dependencies;
#[path = "tidy/floors.rs"]
mod floors;
#[path = "tidy/links.rs"]
mod links;
#[path = "tidy/pages.rs"]
mod pages;
#[path = "tidy/shape.rs"]
mod shape;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/tracked.rs"]
mod tracked;
#[path = "tidy/words.rs"]
mod words;

use source::{Tree, root};

/// Fails with every complaint on a line of its own.
#[track_caller]
fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{} breaches:\n  {}\n", complaints.len(), complaints.join("\n  "));
}

#[test]
fn a_module_imports_only_from_lower_floors() {
    let tree = Tree::read(&root());
    let map = floors::Map::parse(&tree.text("src/lib.rs"));
    none(floors::check(&map, &tree.rust_under("src")));
}

#[test]
fn doors_send_only_what_a_story_released() {
    none(floors::check_doors(&Tree::read(&root()).rust_under("src")));
}

#[test]
fn floors_0_to_2_do_no_input_output_clock_or_chance() {
    let tree = Tree::read(&root());
    let map = floors::Map::parse(&tree.text("src/lib.rs"));
    none(floors::check_pure(&map, &tree.rust_under("src")));
}

#[test]
fn files_and_functions_keep_to_the_hard_stops() {
    let tree = Tree::read(&root());
    let files = tree.rust_under("");
    for line in shape::long_files(&files, shape::FILE_LINES_AIM) {
        eprintln!("longer than we like: {line}");
    }
    none([shape::long_files(&files, shape::FILE_LINES_MAX), shape::long_functions(&files)].concat());
}

#[test]
fn every_file_says_what_it_owns() {
    none(shape::headers(&Tree::read(&root()).rust_under("")));
}

#[test]
fn no_name_says_nothing() {
    none(words::names(&Tree::read(&root()).rust_under("")));
}

#[test]
fn source_has_no_banned_pattern() {
    none(words::patterns(&Tree::read(&root()).rust_under("")));
}

#[test]
fn no_lint_is_silenced_without_a_reason() {
    none(words::unexplained(&Tree::read(&root()).rust_under("")));
}

#[test]
fn every_code_has_a_page_and_no_page_is_stale() {
    none(codes::pages(&root(), std::env::var_os("SOLENT_BLESS").is_some()));
}

#[test]
fn every_code_is_given_somewhere_and_provoked_by_a_test() {
    none(codes::used(&Tree::read(&root())));
}

#[test]
fn no_data_file_is_dead() {
    none(data::dead(&Tree::read(&root())));
}

#[test]
fn no_tracked_file_names_a_workplace_or_a_real_looking_person() {
    none(tracked::check(&Tree::read(&root())));
}

#[test]
fn links_in_the_documentation_lead_somewhere() {
    let tree = Tree::read(&root());
    none([links::check(&tree), links::mentions(&tree)].concat());
}

#[test]
fn the_configuration_example_is_valid() {
    none(pages::configuration(&root()));
}

#[test]
fn the_command_page_lists_what_the_program_has() {
    none(pages::commands(&root()));
}

#[test]
fn every_dependency_is_listed_with_features_licence_and_reason() {
    none(dependencies::listed(&root()));
}

#[test]
fn every_dependency_is_used() {
    none(dependencies::used(&Tree::read(&root())));
}

#[test]
fn every_licence_is_permissive() {
    none(dependencies::licences(&root()));
}
