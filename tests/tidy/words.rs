//! Names and patterns that may not stand in the source, each with its reason.
//!
//! Clippy denies `unwrap`, `expect`, `panic!` and indexing already; this holds what no lint knows. Read [`RULES`].

use crate::source::{RustFile, line_of};

/// Names that say nothing about what a thing is.
const EMPTY_NAMES: &[&str] =
    &["util", "utils", "utility", "utilities", "helper", "helpers", "common", "manager", "misc", "stuff"];

/// Files, folders, modules and types whose name says nothing.
pub fn names(files: &[RustFile]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for part in file.path.trim_end_matches(".rs").split('/') {
            if EMPTY_NAMES.contains(&part) {
                found.push(format!("{}: `{part}` says nothing", file.path));
            }
        }
        for keyword in ["mod ", "struct ", "enum ", "trait "] {
            for (at, _) in file.code.match_indices(keyword) {
                if file.code[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_') {
                    continue;
                }
                let tail = &file.code[at + keyword.len()..];
                let name: String = tail.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let lower = name.to_lowercase();
                let empty_type = ["manager", "helper", "helpers", "utils", "util"].iter().any(|w| lower.ends_with(w));
                if EMPTY_NAMES.contains(&lower.as_str()) || empty_type {
                    found.push(format!("{}:{}: `{name}` says nothing", file.path, line_of(&file.code, at)));
                }
            }
        }
    }
    found
}

/// Where a rule looks.
#[derive(Clone, Copy, PartialEq)]
enum Where {
    /// Product code: `src/` without test modules.
    Product,
    /// Everything else: tests, benches, and test modules.
    Tests,
}

/// One pattern, where it may not stand, which files may hold it after all, and why.
struct Rule {
    pattern: &'static str,
    place: Where,
    except: &'static [&'static str],
    why: &'static str,
}

const fn rule(pattern: &'static str, place: Where, except: &'static [&'static str], why: &'static str) -> Rule {
    Rule { pattern, place, except, why }
}

/// The banned patterns. A pattern matches only at the start of a word.
const RULES: &[Rule] = &[
    rule("todo!(", Where::Product, &[], "unfinished work is not landed"),
    rule("unimplemented!(", Where::Product, &[], "unfinished work is not landed"),
    rule(
        "unreachable!(",
        Where::Product,
        &[],
        "a panic in a gateway is an outage; make the state impossible or return an error",
    ),
    rule("assert!(", Where::Product, &[], "a panic in a gateway is an outage; return an error, or use debug_assert!"),
    rule("dbg!(", Where::Product, &[], "a debugging aid that prints values"),
    rule("SystemTime::now", Where::Product, &[], "time comes from `Clock`, which tests can set"),
    rule("Timestamp::now", Where::Product, &["src/clock.rs"], "time comes from `Clock`, which tests can set"),
    rule("Zoned::now", Where::Product, &[], "time comes from `Clock`, which tests can set"),
    rule("AssertSqlSafe(", Where::Product, &["src/store/"], "SQL text made at run time has one home"),
    rule("#[ignore", Where::Tests, &[], "a test that is not run is no test; skip with a printed reason instead"),
    rule("thread::sleep(", Where::Tests, &[], "waiting on a clock is not synchronisation"),
    // The fault tests pace a stress of writers; nothing they assert depends on how long they wait.
    rule("time::sleep(", Where::Tests, &["tests/it/faults/"], "waiting on a clock is not synchronisation"),
    rule("assert!(true", Where::Tests, &[], "asserts nothing"),
];

/// Every banned pattern found, with file and line.
pub fn patterns(files: &[RustFile]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for rule in RULES {
            if rule.except.iter().any(|e| file.path.starts_with(e)) {
                continue;
            }
            for (at, _) in file.code.match_indices(rule.pattern) {
                let before = file.code[..at].chars().next_back();
                let product = file.product.get(at..).is_some_and(|p| p.starts_with(rule.pattern));
                let here = if product { Where::Product } else { Where::Tests };
                if here == rule.place
                    && !checked_by_the_compiler(&file.code, at)
                    && !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
                {
                    let line = line_of(&file.code, at);
                    found.push(format!("{}:{line}: `{}`: {}", file.path, rule.pattern, rule.why));
                }
            }
        }
    }
    found
}

/// `allow` and `expect` attributes that give no `reason`: a lint is silenced in public or not at all.
pub fn unexplained(files: &[RustFile]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for mark in ["[allow(", "[expect("] {
            for (at, _) in file.code.match_indices(mark) {
                let tail = &file.code[at..];
                let end = tail.find(")]").unwrap_or(tail.len());
                if !tail[..end].contains("reason") {
                    found.push(format!("{}:{}: `{mark}…)]` without a reason", file.path, line_of(&file.code, at)));
                }
            }
        }
    }
    found
}

/// `const _: () = assert!(…)` stops the build, not the gateway.
fn checked_by_the_compiler(code: &str, at: usize) -> bool {
    let start = code[..at].rfind('\n').map_or(0, |i| i + 1);
    code[start..at].trim_start().starts_with("const ")
}

#[cfg(test)]
mod samples {
    use super::*;

    fn file(path: &str, text: &str) -> Vec<RustFile> {
        vec![RustFile::new(path, text.to_owned())]
    }

    #[test]
    fn empty_names_are_found() {
        assert_eq!(names(&file("src/store/utils.rs", "")).len(), 1);
        assert_eq!(names(&file("src/store/rows.rs", "pub struct SessionManager;")).len(), 1);
        assert!(names(&file("src/store/rows.rs", "pub struct Sessions; // a manager")).is_empty());
    }

    #[test]
    fn a_silenced_lint_needs_a_reason() {
        assert_eq!(unexplained(&file("src/a.rs", "#[allow(dead_code)] fn a() {}")).len(), 1);
        assert!(unexplained(&file("src/a.rs", "#[expect(dead_code, reason = \"b (c)\")] fn a() {}")).is_empty());
    }

    #[test]
    fn every_rule_can_fail_and_respects_its_place() {
        for rule in RULES {
            let path = if rule.place == Where::Product { "src/a/b.rs" } else { "tests/a.rs" };
            let text = format!("fn a() {{ {}1); }}", rule.pattern);
            assert!(!patterns(&file(path, &text)).is_empty(), "{}", rule.pattern);
        }
        assert!(
            patterns(&file("src/a.rs", "fn a() { debug_assert!(b); }\n#[cfg(test)] mod t { fn c() { assert!(d); } }"))
                .is_empty()
        );
        assert!(patterns(&file("src/clock.rs", "fn a() { Timestamp::now() }")).is_empty());
    }
}
