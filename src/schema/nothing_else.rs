//! `x-nothing-else`: where a member says this, only those others may be filled (a refused consent, for example).
//!
//! Owns the rule and its effect: strictly, every other value is an error; while reading, it is taken out before anything
//! looks at it, named without its content, and never reaches a record.

use super::source::{Loc, Sources};
use crate::document::{Document, NodeId};

/// The rule of a schema file.
#[derive(Clone, Debug)]
pub(super) struct NothingElse {
    /// Members of the root with the texts that set the rule off.
    when: Vec<(String, String)>,
    /// Members of the root that may be filled all the same.
    but: Vec<String>,
    because: String,
}

/// A value that may not stand where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// Member names from the root, with places in lists, as the loss report writes paths.
    pub path: String,
    /// Where it stood in the message.
    pub offset: usize,
    /// Why, in the schema's words.
    pub because: String,
}

impl NothingElse {
    pub(super) fn of(sources: &Sources, file: Loc) -> Option<Self> {
        let told = sources.get(file, "x-nothing-else")?;
        let when = sources.get(told, "when").map(|l| sources.children(l)).unwrap_or_default();
        let pair = |l: Loc| Some((sources.key(l)?.to_owned(), sources.text(l)?.to_owned()));
        Some(Self {
            when: when.into_iter().filter_map(pair).collect(),
            but: sources.get(told, "but").map(|l| sources.texts(l)).unwrap_or_default(),
            because: sources.get(told, "because").and_then(|l| sources.text(l)).unwrap_or("").to_owned(),
        })
    }

    /// The values that may not stand there; none when the rule is not set off.
    pub(super) fn refused(&self, document: &Document) -> Vec<Refused> {
        let root = document.root();
        let says = |(name, text): &(String, String)| document.text_at(root, &[name.as_str()]) == Some(text.as_str());
        if self.when.is_empty() || !self.when.iter().all(says) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for member in self.others(document) {
            self.collect(document, member, &mut found);
        }
        found
    }

    /// Takes them out.
    pub(super) fn take_out(&self, document: &mut Document) {
        for member in self.others(document) {
            document.detach(member);
        }
    }

    fn others(&self, document: &Document) -> Vec<NodeId> {
        let kept = |m: &NodeId| document.key(*m).is_some_and(|k| self.but.iter().any(|b| b == k));
        document.children(document.root()).filter(|m| !kept(m)).collect()
    }

    fn collect(&self, document: &Document, from: NodeId, found: &mut Vec<Refused>) {
        let mut open = vec![from];
        while let Some(node) = open.pop() {
            if document.is_scalar(node) {
                let path = dotted(&document.pointer(node));
                found.push(Refused { path, offset: document.offset(node), because: self.because.clone() });
            }
            open.extend(document.children(node));
        }
    }
}

/// `/rows/0/DOB` as `rows[0].DOB`.
fn dotted(pointer: &str) -> String {
    let mut out = String::new();
    for step in pointer.split('/').skip(1) {
        if step.bytes().all(|b| b.is_ascii_digit()) && !step.is_empty() {
            out += &format!("[{step}]");
        } else {
            if !out.is_empty() {
                out.push('.');
            }
            out += step;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule() -> NothingElse {
        NothingElse {
            when: vec![("agreed".to_owned(), "N".to_owned())],
            but: vec!["agreed".to_owned(), "number".to_owned()],
            because: "a refusal stands alone".to_owned(),
        }
    }
    fn tree(agreed: &str) -> Document {
        Document::from_value(
            &json!({"agreed": agreed, "number": "1", "name": "x", "rows": [{"a": "1"}, {"b": {"c": "2"}}]}),
        )
    }

    #[test]
    fn a_refusal_names_every_other_value_by_its_place() {
        let found = rule().refused(&tree("N"));
        let mut paths: Vec<&str> = found.iter().map(|r| r.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["name", "rows[0].a", "rows[1].b.c"]);
        assert!(found.iter().all(|r| r.because == "a refusal stands alone"));
    }

    #[test]
    fn what_may_not_stand_there_is_taken_out_and_nothing_else() {
        let mut document = tree("N");
        rule().take_out(&mut document);
        assert_eq!(document.to_value(document.root()), json!({"agreed": "N", "number": "1"}));
        assert!(rule().refused(&document).is_empty());
    }

    #[test]
    fn an_agreement_or_a_rule_without_conditions_bars_nothing() {
        assert!(rule().refused(&tree("Y")).is_empty());
        assert!(NothingElse { when: Vec::new(), ..rule() }.refused(&tree("N")).is_empty());
    }
}
