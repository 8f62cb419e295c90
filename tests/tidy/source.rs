//! Reads the source tree as text: which files are ours, and a Rust file without comments, texts and test modules.
//!
//! Owns the small lexer. Refuses to be a Rust parser: it knows comments, strings, characters, lifetimes and braces,
//! which is all the house rules need. Read [`RustFile`] first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The top of the source tree.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the tree that belongs to the project, by its path from the top with `/`.
pub struct Tree {
    files: BTreeMap<String, Vec<u8>>,
}

/// One Rust file in the forms the rules need; all have the same number of lines.
pub struct RustFile {
    pub path: String,
    pub text: String,
    /// Without comments and with the content of strings blanked.
    pub code: String,
    /// As `code`, and without `#[cfg(test)]` items. Empty for a file that is all test.
    pub product: String,
    /// How many lines do not count as product code: all of them for a file that is all test.
    pub test_lines: usize,
}

impl Tree {
    /// Reads the tree under `root`: what version control tracks or would track. Without `git` (a source archive), every
    /// file except build output and hidden folders.
    pub fn read(root: &Path) -> Self {
        let mut files = BTreeMap::new();
        for name in listed_by_git(root).unwrap_or_else(|| walked(root)) {
            if let Ok(bytes) = std::fs::read(root.join(&name)) {
                files.insert(name, bytes);
            }
        }
        assert!(files.contains_key("Cargo.toml"), "the tree was not found at its top");
        Self { files }
    }
    /// A tree made of texts, for samples.
    pub fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(n, t)| ((*n).to_owned(), t.as_bytes().to_vec())).collect() }
    }
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }
    pub fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }
    /// A folder exists when a file lies in it.
    pub fn has_folder(&self, name: &str) -> bool {
        let start = format!("{}/", name.trim_end_matches('/'));
        name.is_empty() || self.files.keys().any(|f| f.starts_with(&start))
    }
    /// The file as text; bytes that are no UTF-8 are replaced. Empty when there is no such file.
    pub fn text(&self, name: &str) -> String {
        self.files.get(name).map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default()
    }
    /// Every Rust file whose path starts with `folder/`; the empty folder means all.
    pub fn rust_under(&self, folder: &str) -> Vec<RustFile> {
        let start = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let names = self.names().filter(|n| n.starts_with(&start) && n.ends_with(".rs"));
        names.map(|n| RustFile::new(n, self.text(n))).collect()
    }
}

fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let out = std::process::Command::new("git").arg("-C").arg(root).args(args).output().ok()?;
    if !out.status.success() || out.stdout.is_empty() {
        return None;
    }
    let text = String::from_utf8(out.stdout).ok()?;
    Some(text.split('\0').filter(|n| !n.is_empty()).map(str::to_owned).collect())
}

fn walked(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            if path.is_file() {
                found.push(name);
            } else if path.is_dir() && name != "target" && name != "data" && (name == ".ci" || !name.starts_with('.')) {
                open.push(path);
            }
        }
    }
    found
}

impl RustFile {
    pub fn new(path: &str, text: String) -> Self {
        let code = blank(&text);
        let all_test = !path.starts_with("src/") || path.ends_with("/tests.rs") || path.contains("/tests/");
        let (product, test_lines) = if all_test { (String::new(), text.lines().count()) } else { without_tests(&code) };
        Self { path: path.to_owned(), text, code, product, test_lines }
    }
    /// The top-level module a file of `src/` belongs to: `src/audit/tile.rs` and `src/audit.rs` give `audit`.
    pub fn module(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let first = inside.split('/').next()?;
        let name = first.strip_suffix(".rs").unwrap_or(first);
        (name != "lib" && name != "main").then_some(name)
    }
    /// How many modules lie between the crate's root and this file's items, itself included.
    pub fn depth(&self) -> usize {
        let parts = self.path.trim_start_matches("src/").split('/').count();
        if self.path.ends_with("/mod.rs") { parts - 1 } else { parts }
    }
}

/// The line, from 1, of byte `at`.
pub fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1
}

/// Replaces comments and the content of strings and characters by spaces; keeps every line break and every offset.
pub fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = skip_end(bytes, at);
        match end {
            Some((from, to)) => {
                for byte in &mut out[from..to.min(bytes.len())] {
                    if *byte != b'\n' {
                        *byte = b' ';
                    }
                }
                at = to.max(at + 1);
            }
            None => at += 1,
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// If a comment or a literal starts at `at`: the range to blank.
fn skip_end(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        let to = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        return Some((at, at + to));
    }
    if rest.starts_with(b"/*") {
        return Some((at, at + block_comment(rest)));
    }
    let fresh = at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    if fresh
        && (rest.starts_with(b"r\"")
            || rest.starts_with(b"r#")
            || rest.starts_with(b"br\"")
            || rest.starts_with(b"br#"))
    {
        let letters = rest.iter().position(|b| *b == b'r')? + 1;
        let hashes = rest[letters..].iter().take_while(|b| **b == b'#').count();
        let open = letters + hashes;
        if rest.get(open) != Some(&b'"') {
            return None; // a raw identifier
        }
        let close = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
        let body = &rest[open + 1..];
        let to = body.windows(close.len()).position(|w| w == close).unwrap_or(body.len());
        return Some((at + open + 1, at + open + 1 + to + close.len()));
    }
    match rest[0] {
        b'"' => Some((at + 1, at + quoted(rest, b'"'))),
        // A lifetime has no closing quote where a character would have one.
        b'\'' if rest.get(1) == Some(&b'\\') => Some((at + 1, at + quoted(rest, b'\''))),
        b'\'' => {
            let width = std::str::from_utf8(&rest[1..rest.len().min(5)]).map_or_else(|e| e.valid_up_to(), str::len);
            let first = std::str::from_utf8(&rest[1..1 + width]).ok()?.chars().next()?.len_utf8();
            (rest.get(1 + first) == Some(&b'\'')).then_some((at + 1, at + 2 + first))
        }
        _ => None,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// Blanks every item that carries `#[cfg(test)]`, offsets kept, and counts its lines. `code` has no comments or strings.
fn without_tests(code: &str) -> (String, usize) {
    const MARK: &str = "#[cfg(test)]";
    let (mut out, mut lines) = (code.to_owned(), 0);
    while let Some(start) = out.find(MARK) {
        let after = start + MARK.len();
        let end = item_end(&out, after);
        lines += line_of(&out, end) - line_of(&out, start) + 1;
        let blanked: Vec<u8> = out[start..end].bytes().map(|b| if b == b'\n' { b } else { b' ' }).collect();
        out.replace_range(start..end, &String::from_utf8_lossy(&blanked));
    }
    (out, lines)
}

/// Where the item that starts at `from` ends: after its closing brace, or after a `;` that comes before any brace.
pub fn item_end(code: &str, from: usize) -> usize {
    let bytes = code.as_bytes();
    let (mut depth, mut round) = (0usize, 0usize);
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => round += 1,
            b')' | b']' => round = round.saturating_sub(1),
            b'{' => depth += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            b';' if depth == 0 && round == 0 => return at + 1,
            _ => {}
        }
    }
    bytes.len()
}

#[test]
fn comments_strings_and_characters_are_blanked_and_lines_kept() {
    let text =
        "let a = \"crate::x\"; // crate::y\nlet b = 'c'; let c: &'static str = r#\"crate::\"z\"#;\n/* crate::w\n*/ d";
    let code = blank(text);
    assert!(!code.contains("crate::"), "{code}");
    assert!(code.contains("&'static str") && code.ends_with(" d"));
    assert_eq!(code.lines().count(), text.lines().count());
}

#[test]
fn an_escaped_quote_does_not_end_a_string() {
    assert_eq!(blank(r#"("a\"b{", '\'', '{')"#).matches('{').count(), 0);
}

#[test]
fn test_items_are_no_product_code() {
    let file =
        RustFile::new("src/a/b.rs", "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { c(\"}\") } }\nfn d() {}".into());
    assert!(file.product.contains("fn a") && file.product.contains("fn d") && !file.product.contains("fn b"));
}
