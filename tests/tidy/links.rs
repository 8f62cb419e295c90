//! Links between our own pages: the file exists, and the heading too.
//!
//! Outside addresses are not fetched: tests need no network.

use crate::source::Tree;
use std::collections::BTreeSet;

/// Every relative link of a Markdown file that leads nowhere.
pub fn check(tree: &Tree) -> Vec<String> {
    let mut out = Vec::new();
    for name in tree.names().filter(|n| n.ends_with(".md")) {
        for target in targets(&tree.text(name)) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, heading) = target.split_once('#').unwrap_or((&target, ""));
            let full = if path.is_empty() { Some(name.to_owned()) } else { resolve(name, path) };
            let Some(full) = full.filter(|f| tree.has(f) || tree.has_folder(f)) else {
                out.push(format!("{name}: link to `{target}` leads nowhere"));
                continue;
            };
            if !heading.is_empty() && full.ends_with(".md") && !headings(&tree.text(&full)).contains(heading) {
                out.push(format!("{name}: `{target}` names no heading"));
            }
        }
    }
    out
}

/// Every page of `docs/` that source, rules or messages send a reader to and that does not exist.
pub fn mentions(tree: &Tree) -> Vec<String> {
    let mut out = Vec::new();
    for name in tree.names().filter(|n| !n.ends_with(".md") && !n.starts_with("tests/tidy") && *n != "Cargo.lock") {
        let text = tree.text(name);
        for (at, _) in text.match_indices("docs/") {
            let tail = &text[at..];
            let end = tail.find(|c: char| !(c.is_ascii_alphanumeric() || "/-_.".contains(c))).unwrap_or(tail.len());
            let page = tail[..end].trim_end_matches('.');
            if page.ends_with(".md") && !tree.has(page) && !out.iter().any(|o: &String| o.ends_with(page)) {
                out.push(format!("{name}: sends the reader to {page}"));
            }
        }
    }
    out
}

/// The targets of `[text](target)` outside code blocks and code spans.
fn targets(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        for (at, _) in plain.match_indices("](") {
            let tail = &plain[at + 2..];
            if let Some(end) = tail.find(')') {
                out.push(tail[..end].split_whitespace().next().unwrap_or("").to_owned());
            }
        }
    }
    out
}

/// `target` seen from the folder of `from`; `None` when it leaves the project.
fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The anchors of a page's headings, as the usual Markdown renderers make them.
fn headings(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|l| l.starts_with('#'));
    lines
        .map(|l| {
            let title = l.trim_start_matches('#').trim().to_lowercase();
            title
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .collect::<String>()
                .replace(' ', "-")
        })
        .collect()
}

#[cfg(test)]
mod samples {
    use super::*;

    #[test]
    fn a_message_that_points_at_a_missing_page_is_found() {
        let tree = Tree::of(&[("src/a.rs", "\"See docs/reference/a.md.\" // docs/b.md"), ("docs/b.md", "")]);
        assert_eq!(mentions(&tree), ["src/a.rs: sends the reader to docs/reference/a.md"]);
    }

    #[test]
    fn dead_links_and_headings_are_found_and_code_is_skipped() {
        let page = "# One Two\n[a](b.md) [c](../README.md#x) [d](#one-two) [e](https://example.org) `[f](g)`\n```\n[h](i)\n```\n";
        let tree = Tree::of(&[("docs/a.md", page), ("README.md", "# Top")]);
        let found = check(&tree);
        assert_eq!(found.len(), 2, "{found:?}");
    }
}
