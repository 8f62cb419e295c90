//! Every text of the pages, in one file a language.
//!
//! Owns finding a text by its key, and filling its places. Refuses to show a key to a reader: a test holds that every key
//! used exists, that no text is unused, and that templates hold no words of their own. Welsh is a second file.

use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The texts in English: lines `key = text`, blank lines, comments from `#`.
const ENGLISH: &str = include_str!("text/en.txt");

/// The texts of one language.
#[derive(Debug)]
pub struct Text {
    /// As in the `lang` attribute.
    pub lang: &'static str,
    texts: BTreeMap<&'static str, &'static str>,
}

impl Text {
    /// English.
    pub fn english() -> &'static Self {
        static TEXT: OnceLock<Text> = OnceLock::new();
        TEXT.get_or_init(|| Self { lang: "en-GB", texts: parse(ENGLISH) })
    }
    /// The text with this key; an empty one when there is none, which the test excludes.
    pub fn say(&self, key: &str) -> &'static str {
        self.find(key).unwrap_or_default()
    }
    /// The text with this key, if there is one: for words of data, such as codes and member names.
    pub fn find(&self, key: &str) -> Option<&'static str> {
        self.texts.get(key).copied()
    }
    /// A text with its places `{name}` filled. What is filled in is text, never markup: the template escapes all of it.
    pub fn fill(&self, key: &str, places: &[(&str, &str)]) -> String {
        let empty = self.say(key).to_owned();
        places.iter().fold(empty, |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }
    /// A word of data for people: its text, or the word itself with spaces.
    pub fn word(&self, group: &str, word: &str) -> String {
        match self.find(&format!("{group}.{word}")) {
            Some(text) => text.to_owned(),
            None => plain(word),
        }
    }
}

/// `not_seen-yet` as people write it: "Not seen yet".
fn plain(word: &str) -> String {
    let spaced = word.replace(['_', '-'], " ");
    let mut chars = spaced.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => spaced,
    }
}

fn parse(file: &'static str) -> BTreeMap<&'static str, &'static str> {
    let lines = file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('=')).map(|(key, text)| (key.trim(), text.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn sources(dir: &Path, into: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, into);
            } else if path.extension().is_some_and(|e| e == "html" || e == "rs") {
                into.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }

    fn pages() -> Vec<(String, String)> {
        let mut all = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/web"), &mut all);
        all.retain(|(name, _)| !name.ends_with("text.rs"));
        all
    }

    /// Keys named literally: after `say(`, `fill(` or `key:`.
    fn keys_in(text: &str) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        for start in ["say(\"", "fill(\"", "key: \""] {
            for part in text.split(start).skip(1) {
                keys.extend(part.split('"').next().map(str::to_owned));
            }
        }
        keys
    }

    #[test]
    fn every_key_that_is_used_has_a_text() {
        for (name, text) in pages() {
            for key in keys_in(&text) {
                assert!(Text::english().find(&key).is_some(), "{name} uses {key}, which has no text");
            }
        }
    }

    #[test]
    fn no_text_is_unused() {
        let all: String = pages().into_iter().map(|(_, text)| text).collect();
        let data = [
            "category.",
            "field.",
            "list.",
            "role.",
            "kind.",
            "purpose.",
            "marker.",
            "value.",
            "ask.",
            "hint.",
            "wrong.",
            "option.",
            "step.",
            "status.",
            "answer.",
            "outcome.",
            "export-form.",
            "filter.",
            "filter-hint.",
            "filter-wrong.",
            "note.",
            "level.",
            "ended.",
            "verdict.",
            "ground.",
            "basis.",
            "event.",
            "reason.",
            "column.",
            "question.",
            "alert.",
            "state.",
            "likeness.",
            "doubt.",
            "relation.",
            "standing.",
            "scheme.",
            "order.",
        ];
        for key in Text::english().texts.keys() {
            assert!(
                all.contains(&format!("\"{key}\"")) || data.iter().any(|group| key.starts_with(group)),
                "nothing uses the text {key}"
            );
        }
    }

    #[test]
    fn templates_hold_no_words_of_their_own() {
        for (name, text) in pages().iter().filter(|(name, _)| name.ends_with(".html")) {
            let mut bare = String::new();
            let mut rest = text.as_str();
            while let Some(start) = rest.find(['<', '{']) {
                bare.push_str(&rest[..start]);
                let end = match &rest[start..] {
                    r if r.starts_with("{{") => r.find("}}").map(|i| i + 2),
                    r if r.starts_with("{%") => r.find("%}").map(|i| i + 2),
                    r if r.starts_with("{#") => r.find("#}").map(|i| i + 2),
                    r => r.find('>').map(|i| i + 1),
                };
                rest = &rest[start + end.unwrap_or(1)..];
            }
            bare.push_str(rest);
            let words: String = bare.chars().filter(|c| c.is_alphabetic()).collect();
            assert!(words.is_empty(), "{name} holds words: {words}");
        }
    }
}
