//! The questions of the concern form, one page each, in order.
//!
//! Owns which page follows which. Immediate danger comes first and a yes shows whom to ring before anything is filled in. Nothing
//! is chosen beforehand.

use crate::exchange::ConcernForm;
use std::collections::BTreeMap;

/// A page of the form.
pub struct Step {
    /// Its word in the address and in texts.
    pub name: &'static str,
    /// What it asks.
    pub fields: &'static [Field],
}

/// A question.
pub struct Field {
    /// Its name in the form and in texts.
    pub name: &'static str,
    /// How it is answered.
    pub kind: Kind,
}

/// How a question is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One line.
    Line,
    /// A long account.
    Account,
    /// A day.
    Day,
    /// One of these words.
    One(&'static [&'static str]),
}

const YES_NO: Kind = Kind::One(&["yes", "no"]);

/// The pages in order; two of them exclude each other.
pub const STEPS: &[Step] = &[
    Step { name: "danger", fields: &[Field { name: "danger", kind: YES_NO }] },
    Step { name: "who", fields: &[Field { name: "named", kind: YES_NO }] },
    Step {
        name: "child",
        fields: &[
            Field { name: "given", kind: Kind::Line },
            Field { name: "family", kind: Kind::Line },
            Field { name: "born", kind: Kind::Day },
            Field { name: "upn", kind: Kind::Line },
        ],
    },
    Step {
        name: "about",
        fields: &[
            Field { name: "band", kind: Kind::One(&["0-4", "5-10", "11-13", "14-15", "16-17"]) },
            Field { name: "phase", kind: Kind::One(&["nursery", "primary", "secondary", "college"]) },
        ],
    },
    Step {
        name: "seen",
        fields: &[Field { name: "own_words", kind: Kind::Account }, Field { name: "seen", kind: Kind::Account }],
    },
    Step {
        name: "when",
        fields: &[Field { name: "when", kind: Kind::Day }, Field { name: "place", kind: Kind::Line }],
    },
    Step {
        name: "knows",
        fields: &[
            Field { name: "parents_told", kind: YES_NO },
            Field { name: "not_told_why", kind: Kind::Line },
            Field { name: "parents_agree", kind: YES_NO },
            Field { name: "who_knows", kind: Kind::Line },
        ],
    },
    // The files have a page of their own.
    Step { name: "files", fields: &[] },
    Step { name: "question", fields: &[Field { name: "question", kind: Kind::Account }] },
];

/// Questions that may stay empty.
const OPTIONAL: [&str; 5] = ["upn", "own_words", "place", "who_knows", "not_told_why"];

/// The page with this name.
pub fn step(name: &str) -> Option<&'static Step> {
    STEPS.iter().find(|s| s.name == name)
}

/// Whether this page is asked, given what was answered so far.
pub fn asked(step: &Step, draft: &BTreeMap<String, String>) -> bool {
    let named = draft.get("named").map(String::as_str);
    match step.name {
        "child" | "files" => named == Some("yes"),
        "about" => named == Some("no"),
        _ => true,
    }
}

/// The page after this one; none after the last.
pub fn after(name: &str, draft: &BTreeMap<String, String>) -> Option<&'static Step> {
    let at = STEPS.iter().position(|s| s.name == name)?;
    STEPS.iter().skip(at.saturating_add(1)).find(|s| asked(s, draft))
}

/// The questions of a page that are not answered as they must be.
pub fn faults(step: &Step, draft: &BTreeMap<String, String>) -> Vec<&'static str> {
    let all = form(draft).faults();
    let wrong = |field: &Field| {
        let given = draft.get(field.name).map_or("", String::as_str);
        let chosen = match field.kind {
            Kind::One(words) => words.contains(&given),
            _ => OPTIONAL.contains(&field.name) || !given.is_empty(),
        };
        !chosen || all.contains(&field.name)
    };
    step.fields.iter().filter(|f| wrong(f)).map(|f| f.name).collect()
}

/// Every page that is asked and not yet answered.
pub fn open(draft: &BTreeMap<String, String>) -> Vec<&'static Step> {
    STEPS.iter().filter(|s| asked(s, draft) && !faults(s, draft).is_empty()).collect()
}

/// The form as the story takes it.
pub fn form(draft: &BTreeMap<String, String>) -> ConcernForm {
    let text = |name: &str| draft.get(name).cloned().unwrap_or_default();
    let yes = |name: &str| draft.get(name).is_some_and(|v| v == "yes");
    let named = yes("named");
    // An answer to a page that is no longer asked is not sent.
    let only = |when: bool, name: &str| if when { text(name) } else { String::new() };
    ConcernForm {
        danger: yes("danger"),
        named,
        given: only(named, "given"),
        family: only(named, "family"),
        born: only(named, "born"),
        upn: only(named, "upn"),
        band: only(!named, "band"),
        phase: only(!named, "phase"),
        own_words: text("own_words"),
        seen: text("seen"),
        when: text("when"),
        place: text("place"),
        who_knows: text("who_knows"),
        parents_told: yes("parents_told"),
        not_told_why: text("not_told_why"),
        parents_agree: yes("parents_agree"),
        question: text("question"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn without_names_the_child_is_not_asked_for_and_not_sent() {
        let draft = draft(&[("named", "no"), ("given", "Ellis"), ("band", "5-10"), ("phase", "primary")]);
        assert_eq!(after("who", &draft).map(|s| s.name), Some("about"));
        assert_eq!(form(&draft).given, "");
    }

    #[test]
    fn a_reason_is_needed_when_the_parents_were_not_told() {
        let knows = step("knows").unwrap();
        let answered = draft(&[("parents_told", "no"), ("parents_agree", "no")]);
        assert_eq!(faults(knows, &answered), ["not_told_why"]);
        let told = draft(&[("parents_told", "yes"), ("parents_agree", "no")]);
        assert!(faults(knows, &told).is_empty());
    }
}
