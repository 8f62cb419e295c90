//! Size and shape: files, functions, headers. The numbers are those of the projects we learn from.
//!
//! Lines of `#[cfg(test)]` modules do not count in `src/`; in `tests/` and `benches/` every line does. There is no
//! list of exceptions: a file at its limit is two files with two names.

use crate::source::{RustFile, item_end, line_of};

/// A file should stay below this many lines without its tests.
pub const FILE_LINES_AIM: usize = 400;
/// A file may never have more lines than this without its tests.
pub const FILE_LINES_MAX: usize = 600;
/// A product function may never have more lines than this, from `fn` to its closing brace.
pub const FUNCTION_LINES_MAX: usize = 70;

/// Files with more than `lines_max` lines.
pub fn long_files(files: &[RustFile], lines_max: usize) -> Vec<String> {
    let mut found: Vec<(usize, String)> = files.iter().map(|f| (counted(f), f.path.clone())).collect();
    found.retain(|(lines, _)| *lines > lines_max);
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(lines, path)| format!("{path}: {lines} lines, {lines_max} wanted at most")).collect()
}

/// Lines without test modules in `src/`; every line elsewhere.
fn counted(file: &RustFile) -> usize {
    let lines = file.text.lines().count();
    if file.product.is_empty() { lines } else { lines.saturating_sub(file.test_lines) }
}

/// Product functions longer than the limit. A test may be a long table.
pub fn long_functions(files: &[RustFile]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for (name, line, lines) in functions(&file.product) {
            if lines > FUNCTION_LINES_MAX {
                found.push(format!("{}:{line}: `{name}` has {lines} lines, {FUNCTION_LINES_MAX} at most", file.path));
            }
        }
    }
    found
}

/// Name, first line and number of lines of each function with a body.
fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let name: String = code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if name.is_empty() {
            continue; // the type `fn (…)`
        }
        let end = item_end(code, at);
        let first = line_of(code, at);
        found.push((name, first, line_of(code, end.saturating_sub(1)) - first + 1));
    }
    found
}

/// Files that do not open with `//!`: what it owns, what it refuses, what to read first.
pub fn headers(files: &[RustFile]) -> Vec<String> {
    let opens = |f: &&RustFile| !f.text.trim_start().starts_with("//!");
    files.iter().filter(opens).map(|f| format!("{}: does not open with `//!` saying what it owns", f.path)).collect()
}

#[cfg(test)]
mod samples {
    use super::*;

    fn file(path: &str, text: &str) -> Vec<RustFile> {
        vec![RustFile::new(path, text.to_owned())]
    }

    #[test]
    fn a_long_file_is_found_and_its_tests_do_not_count() {
        assert_eq!(long_files(&file("src/a.rs", &"let a;\n".repeat(601)), FILE_LINES_MAX).len(), 1);
        let tested = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{\n{}}}\n", "let a;\n".repeat(601));
        assert!(long_files(&file("src/a.rs", &tested), FILE_LINES_MAX).is_empty());
        assert_eq!(long_files(&file("tests/a.rs", &tested), FILE_LINES_MAX).len(), 1);
    }

    #[test]
    fn a_long_function_is_found() {
        let long = format!("fn a(b: fn (u8)) -> [u8; 2] {{\n{}}}\nfn short() {{}}\n", "b;\n".repeat(69));
        let found = long_functions(&file("src/a.rs", &long));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(long_functions(&file("src/a.rs", &long.replacen("b;\n", "", 1))).is_empty());
    }

    #[test]
    fn a_file_without_header_is_found() {
        assert_eq!(headers(&file("src/a.rs", "// ordinary\nfn a() {}")).len(), 1);
        assert!(headers(&file("src/a.rs", "//! Owns a.\nfn a() {}")).is_empty());
    }
}
