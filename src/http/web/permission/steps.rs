//! The questions of a decision, one page each, and the record that the answers make.
//!
//! Owns which question follows which: first whether permission is needed at all; then who decides, by age and competence;
//! then what, from whom, to whom, for what, until when; then how it was given and that the limits were told. Nothing is
//! chosen beforehand.

use crate::exchange::Age;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The answers so far, by question; several answers to one question are parted by line ends.
pub type Answers = BTreeMap<String, String>;

/// A page of the form.
pub struct Step {
    /// Its word in the address.
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
    /// Whether it may stay empty.
    pub optional: bool,
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
    /// One of a list made for this person and visitor.
    OneOf(List),
    /// Any of such a list.
    Many(List),
}

/// Lists that depend on the partnership and the family.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Other members of the family, by name.
    Members,
    /// The same, and the council under a care order.
    Deciders,
    /// Categories that a permission may list.
    Categories,
    /// Who holds the information.
    Givers,
    /// Who may receive it.
    Receivers,
    /// Roles there.
    Roles,
    /// Purposes under which permission is asked.
    Purposes,
    /// The categories that were chosen.
    Chosen,
    /// The roles that were chosen, or any when none was.
    Among,
}

const YES_NO: Kind = Kind::One(&["yes", "no"]);

const fn must(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, optional: false }
}

const fn may(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, optional: true }
}

/// The council, as decider under a care order.
pub const COUNCIL: &str = "council-order";
/// Everybody, for a refusal.
pub const ANYONE: &str = "anyone";

/// One page of what is left out: what fits everything filled in on it. All but the last ask whether there is more.
macro_rules! but {
    ($categories:literal, $roles:literal, $before:literal $(, $more:literal)?) => {
        [
            may($categories, Kind::Many(List::Chosen)),
            may($roles, Kind::Many(List::Among)),
            may($before, Kind::Day),
            $(may($more, YES_NO),)?
        ]
    };
}

/// Pages of what is left out, in order: more than any form on paper has room for.
pub const BUTS: [&str; 5] = ["but", "but-2", "but-3", "but-4", "but-5"];

/// The name of a field without the number of its page.
pub fn plain(name: &str) -> &str {
    name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['_', '-'])
}

/// A field of one of the [`BUTS`], by its place among them.
fn of_page(name: &str, at: usize) -> String {
    if at == 0 { name.to_owned() } else { format!("{name}_{}", at.saturating_add(1)) }
}

/// The pages in order.
pub const STEPS: &[Step] = &[
    Step { name: "why", fields: &[must("p_why", Kind::One(&["help", "at-risk", "danger", "advice"]))] },
    Step { name: "decision", fields: &[must("p_decision", Kind::One(&["permit", "refuse"]))] },
    Step { name: "able", fields: &[must("p_able", YES_NO)] },
    Step { name: "lacks", fields: &[must("p_lacks", Kind::Account)] },
    Step { name: "for", fields: &[must("p_for", Kind::One(&["attorney-or-deputy", "best-interests"]))] },
    Step { name: "attorney", fields: &[must("p_attorney", Kind::OneOf(List::Members))] },
    Step { name: "self", fields: &[must("p_self", YES_NO)] },
    Step { name: "what", fields: &[must("p_what", Kind::Account)] },
    Step { name: "reasons", fields: &[must("p_reasons", Kind::Account)] },
    Step { name: "follows", fields: &[must("p_follows", Kind::Account)] },
    Step { name: "if-no", fields: &[must("p_if_no", Kind::Account)] },
    Step { name: "pressure", fields: &[must("p_pressure", Kind::Account)] },
    Step { name: "outcome", fields: &[must("p_outcome", Kind::One(&["yes", "no", "unsure"]))] },
    Step { name: "parent", fields: &[must("p_parent", Kind::OneOf(List::Deciders))] },
    Step {
        name: "proof",
        fields: &[
            must("p_document", Kind::One(&["birth-certificate", "marriage-certificate", "agreement", "order"])),
            must("p_seen_by", Kind::Line),
            must("p_seen_on", Kind::Day),
        ],
    },
    Step { name: "categories", fields: &[must("p_categories", Kind::Many(List::Categories))] },
    Step { name: "asked", fields: &[must("p_asked", Kind::One(&["asked-agrees", "asked-objects", "not-asked"]))] },
    Step { name: "from", fields: &[must("p_from", Kind::Many(List::Givers))] },
    Step { name: "to", fields: &[must("p_to", Kind::Many(List::Receivers))] },
    Step { name: "roles", fields: &[may("p_roles", Kind::Many(List::Roles))] },
    Step { name: "purposes", fields: &[must("p_purposes", Kind::Many(List::Purposes))] },
    Step { name: "but", fields: &but!("p_but_categories", "p_but_roles", "p_but_before", "p_but_more") },
    Step { name: "but-2", fields: &but!("p_but_categories_2", "p_but_roles_2", "p_but_before_2", "p_but_more_2") },
    Step { name: "but-3", fields: &but!("p_but_categories_3", "p_but_roles_3", "p_but_before_3", "p_but_more_3") },
    Step { name: "but-4", fields: &but!("p_but_categories_4", "p_but_roles_4", "p_but_before_4", "p_but_more_4") },
    Step { name: "but-5", fields: &but!("p_but_categories_5", "p_but_roles_5", "p_but_before_5") },
    Step { name: "until", fields: &[may("p_until", Kind::Day)] },
    Step {
        name: "how",
        fields: &[must("p_how", Kind::One(&["signed-paper", "signed-screen", "spoken-witnessed", "video", "email"]))],
    },
    Step { name: "language", fields: &[must("p_language", Kind::Line), must("p_interpreter", YES_NO)] },
    Step { name: "evidence", fields: &[may("p_kept", Kind::Line), may("p_witness", Kind::Line)] },
    Step { name: "told", fields: &[must("p_told", YES_NO)] },
];

/// Longest line and longest account, in characters: enough for a sentence and for a page.
const LINE_MAX: usize = 200;
pub const ACCOUNT_MAX: usize = 4_000;
/// Categories in which a young person of 13 to 15 must have been asked before a parent agrees (consent paper §7).
const ASKED: [&str; 4] = ["SXH", "MHL", "SUB", "EXP"];

/// The page with this name.
pub fn step(name: &str) -> Option<&'static Step> {
    STEPS.iter().find(|s| s.name == name)
}

/// One answer; empty when there is none.
pub fn answer<'a>(answers: &'a Answers, name: &str) -> &'a str {
    answers.get(name).map_or("", String::as_str)
}

/// Every answer to a question that may have several.
pub fn many<'a>(answers: &'a Answers, name: &str) -> Vec<&'a str> {
    answer(answers, name).lines().filter(|v| !v.is_empty()).collect()
}

/// Whether permission is needed for what is meant to be done.
pub fn needed(answers: &Answers) -> bool {
    answer(answers, "p_why") == "help"
}

/// Whether this page is asked, given the person's age and what was answered so far.
pub fn asked(step: &Step, answers: &Answers, age: Age) -> bool {
    let is = |name: &str, value: &str| answer(answers, name) == value;
    let sixteen = age >= Age::Young;
    let assessed = !sixteen && is("p_self", "yes");
    let parents = !sixteen && (is("p_self", "no") || is("p_outcome", "no") || is("p_outcome", "unsure"));
    let by_parent = parents && !answer(answers, "p_parent").is_empty() && !is("p_parent", COUNCIL);
    match step.name {
        "why" => true,
        _ if !needed(answers) => false,
        "able" => sixteen,
        "lacks" | "for" => sixteen && is("p_able", "no"),
        "attorney" => sixteen && is("p_able", "no") && is("p_for", "attorney-or-deputy"),
        "self" => !sixteen,
        "what" | "reasons" | "follows" | "if-no" | "pressure" | "outcome" => assessed,
        "parent" => parents,
        "proof" => by_parent,
        "asked" => {
            let sensitive = many(answers, "p_categories").iter().any(|c| ASKED.contains(c));
            age == Age::Teen && by_parent && sensitive && is("p_decision", "permit")
        }
        "but" => is("p_decision", "permit"),
        name if plain(name) == "but" => {
            is("p_decision", "permit") && BUTS.iter().position(|but| *but == name).is_some_and(|at| at < pages(answers))
        }
        "roles" => !many(answers, "p_to").iter().all(|to| *to == ANYONE || to.starts_with("team:")),
        _ => true,
    }
}

/// The page after this one; none after the last.
pub fn after(name: &str, answers: &Answers, age: Age) -> Option<&'static Step> {
    let at = STEPS.iter().position(|s| s.name == name)?;
    STEPS.iter().skip(at.saturating_add(1)).find(|s| asked(s, answers, age))
}

/// The questions of a page that are not answered as they must be. `offered` says what a list of this person holds.
pub fn faults(step: &Step, answers: &Answers, offered: impl Fn(List) -> Vec<String>) -> Vec<&'static str> {
    let wrong = |field: &Field| {
        let given = answer(answers, field.name);
        if plain(field.name) == "p_but_categories" && all_but_all(field.name, answers) {
            return true;
        }
        if plain(field.name) == "p_but_more" && given == "yes" && says_nothing(field.name, answers) {
            return true;
        }
        match field.kind {
            _ if given.is_empty() => !field.optional || evidence_missing(field, answers),
            Kind::One(words) => !words.contains(&given) || (field.name == "p_told" && given != "yes"),
            Kind::OneOf(list) => !offered(list).iter().any(|o| o == given),
            Kind::Many(list) => {
                let offered = offered(list);
                !many(answers, field.name).iter().all(|g| offered.iter().any(|o| o == g))
            }
            Kind::Day => given.parse::<jiff::civil::Date>().is_err(),
            Kind::Line => given.chars().count() > LINE_MAX,
            Kind::Account => given.chars().count() > ACCOUNT_MAX,
        }
    };
    step.fields.iter().filter(|f| wrong(f)).map(|f| f.name).collect()
}

/// How many pages of what is left out are asked: one, and one more for each that says so.
fn pages(answers: &Answers) -> usize {
    let more = |at: usize| answer(answers, &of_page("p_but_more", at)) == "yes" && exception(answers, at).is_some();
    (0..BUTS.len().saturating_sub(1)).take_while(|at| more(*at)).count().saturating_add(1)
}

/// Whether what is left out on the pages up to this field's is everything that is agreed to.
fn all_but_all(field: &str, answers: &Answers) -> bool {
    let chosen = many(answers, "p_categories");
    let upto = (0..BUTS.len()).find(|at| of_page("p_but_categories", *at) == field).unwrap_or(0);
    let narrowed =
        |at: usize| ["p_but_roles", "p_but_before"].iter().any(|name| !answer(answers, &of_page(name, at)).is_empty());
    let whole = (0..=upto).filter(|at| !narrowed(*at)).map(|at| of_page("p_but_categories", at));
    let left_out: Vec<String> = whole.collect();
    let left_out: Vec<&str> = left_out.iter().flat_map(|name| many(answers, name)).collect();
    !left_out.is_empty() && !answer(answers, field).is_empty() && chosen.iter().all(|c| left_out.contains(c))
}

/// Whether a page asks for more before anything is left out on it.
fn says_nothing(field: &str, answers: &Answers) -> bool {
    let at = (0..BUTS.len()).find(|at| of_page("p_but_more", *at) == field).unwrap_or(0);
    exception(answers, at).is_none()
}

/// What is left out on one page, as an exception of the record (consent paper §2): what fits everything that was filled in.
/// `None` when nothing was, and for a refusal.
fn exception(answers: &Answers, at: usize) -> Option<Value> {
    let many_of =
        |name: &str| -> Vec<String> { many(answers, &of_page(name, at)).into_iter().map(str::to_owned).collect() };
    let (categories, roles) = (many_of("p_but_categories"), many_of("p_but_roles"));
    let mut scope = serde_json::Map::new();
    if !categories.is_empty() {
        scope.insert("categories".to_owned(), json!(categories));
    }
    if !roles.is_empty() {
        let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
        scope.insert("to".to_owned(), json!(parties_of_roles(&many(answers, "p_to"), &roles)));
    }
    let before = answer(answers, &of_page("p_but_before", at)).parse::<jiff::civil::Date>().ok();
    if let Some(last) = before.and_then(|day| day.yesterday().ok()) {
        scope.insert("data_period".to_owned(), json!({"to": last.to_string()}));
    }
    if scope.is_empty() || answer(answers, "p_decision") != "permit" {
        return None;
    }
    scope.insert("decision".to_owned(), json!("refuse"));
    Some(Value::Object(scope))
}

/// Everything that is left out, page by page; each stands by itself: what fits any of them is not shared.
fn exceptions(answers: &Answers) -> Vec<Value> {
    (0..pages(answers)).filter_map(|at| exception(answers, at)).collect()
}

/// Each agency and team with each of these roles there.
fn parties_of_roles(chosen: &[&str], roles: &[&str]) -> Vec<Value> {
    let with_role = |one: &str, role: &str| match one.strip_prefix("team:") {
        Some(team) => json!({"team": team, "role": role}),
        None => json!({"agency": one, "role": role}),
    };
    chosen.iter().flat_map(|one| roles.iter().map(move |role| with_role(one, role))).collect()
}

/// A signature is kept somewhere; what was said had a witness.
fn evidence_missing(field: &Field, answers: &Answers) -> bool {
    match (field.name, answer(answers, "p_how")) {
        ("p_kept", how) => how.starts_with("signed-") || how == "email",
        ("p_witness", how) => how == "spoken-witnessed",
        _ => false,
    }
}

/// Every page that is asked and not yet answered.
pub fn open(answers: &Answers, age: Age, offered: impl Fn(List) -> Vec<String>) -> Vec<&'static Step> {
    let unanswered = |s: &&Step| asked(s, answers, age) && !faults(s, answers, &offered).is_empty();
    STEPS.iter().filter(unanswered).collect()
}

/// Who decides, as the record says it: the capacity, and the decider when it is not the person.
pub struct Deciding {
    /// A word of the consent paper §2.
    pub capacity: &'static str,
    /// Who, when it is not the person.
    pub decider: Option<Value>,
}

/// Works it out. `agency` is the visitor's, which decides under a care order or in best interests.
pub fn deciding(answers: &Answers, age: Age, agency: &str) -> Deciding {
    let is = |name: &str, value: &str| answer(answers, name) == value;
    let of = |capacity, decider| Deciding { capacity, decider };
    if age >= Age::Young {
        return match (answer(answers, "p_able"), answer(answers, "p_for")) {
            ("no", "best-interests") => of("best-interests", Some(json!({"agency": agency}))),
            ("no", _) => of("attorney-or-deputy", Some(json!({"person": answer(answers, "p_attorney")}))),
            _ if age == Age::Adult => of("self-adult", None),
            _ => of("self-16-17", None),
        };
    }
    if is("p_self", "yes") && is("p_outcome", "yes") {
        return of("self-competent-child", None);
    }
    if is("p_parent", COUNCIL) {
        return of("la-care-order", Some(json!({"agency": agency})));
    }
    of("parent-pr", Some(json!({"person": answer(answers, "p_parent")})))
}

/// The assessment that must be recorded before the decision, if one must.
pub fn assessment(answers: &Answers, age: Age, (purpose, person, decision): (&str, &str, &str)) -> Option<Value> {
    let is = |name: &str, value: &str| answer(answers, name) == value;
    let categories = many(answers, "p_categories");
    if age >= Age::Young {
        let decision = format!("{decision}: {}", answer(answers, "p_lacks"));
        return is("p_able", "no").then(|| {
            json!({"purpose": purpose, "person": {"person": person}, "kind": "capacity", "categories": categories,
                "outcome": "lacks", "decision": decision})
        });
    }
    is("p_self", "yes").then(|| {
        json!({"purpose": purpose, "person": {"person": person}, "kind": "competence", "categories": categories,
            "outcome": answer(answers, "p_outcome"), "decision": decision,
            "prompts": {"what": answer(answers, "p_what"), "why": answer(answers, "p_reasons"),
                "what_follows": answer(answers, "p_follows"), "if_no": answer(answers, "p_if_no"),
                "pressure": answer(answers, "p_pressure")}})
    })
}

/// The record, in the words of the API's body.
pub fn body(
    answers: &Answers,
    age: Age,
    (purpose, person, agency, wording): (&str, &str, &str, &str),
    assessment: Option<&str>,
) -> Value {
    let text = |name: &str| answer(answers, name);
    let deciding = deciding(answers, age, agency);
    let filled = |name: &str| Some(text(name)).filter(|v| !v.is_empty());
    let mut body = json!({
        "purpose": purpose, "subject": {"person": person}, "capacity": deciding.capacity,
        "decision": text("p_decision"), "categories": many(answers, "p_categories"),
        "from": parties(&many(answers, "p_from"), &[]), "to": parties(&many(answers, "p_to"), &many(answers, "p_roles")),
        "purposes": many(answers, "p_purposes"), "told_limits": text("p_told") == "yes",
        "form": {"how": text("p_how"), "language": text("p_language"), "interpreter": text("p_interpreter") == "yes",
            "kept": filled("p_kept"), "witness": filled("p_witness"), "wording": wording},
    });
    let Value::Object(map) = &mut body else { return body };
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            map.insert(name.to_owned(), value);
        }
    };
    add("decider", deciding.decider);
    add("exceptions", Some(exceptions(answers)).filter(|all| !all.is_empty()).map(|all| json!(all)));
    add("valid_to", filled("p_until").map(|day| json!(day)));
    let rests = ["self-competent-child", "attorney-or-deputy", "best-interests"].contains(&deciding.capacity);
    add("competence", assessment.filter(|_| rests).map(|id| json!(id)));
    if deciding.capacity == "parent-pr" {
        let proof = json!({"kind": text("p_document"), "seen_by": text("p_seen_by"), "date": text("p_seen_on")});
        add("pr_evidence", Some(proof));
        let asked = text("p_asked");
        let young = json!({"asked": asked != "not-asked", "objected": asked == "asked-objects"});
        add("young_person_asked", Some(young).filter(|_| age == Age::Teen && !asked.is_empty()));
    }
    body
}

/// Parties: agencies, each with each role if roles were chosen; teams; everybody.
fn parties(chosen: &[&str], roles: &[&str]) -> Vec<Value> {
    let mut all = Vec::new();
    for one in chosen {
        match (one.strip_prefix("team:"), *one) {
            (Some(team), _) => all.push(json!({"team": team})),
            (None, ANYONE) => all.push(json!({"anyone": true})),
            (None, agency) if roles.is_empty() => all.push(json!({"agency": agency})),
            (None, agency) => all.extend(roles.iter().map(|role| json!({"agency": agency, "role": role}))),
        }
    }
    all
}

/// The page on which a breach at this member is mended.
pub fn step_of(pointer: &str, answers: &Answers, age: Age) -> Option<&'static str> {
    let mut parts = pointer.trim_start_matches('/').split('/');
    let member = parts.next().unwrap_or_default();
    Some(match member {
        "decider" if age >= Age::Young => "able",
        "decider" if answer(answers, "p_self") == "yes" && answer(answers, "p_outcome") == "yes" => "outcome",
        "decider" => "parent",
        "competence" if age >= Age::Young => "able",
        "competence" => "self",
        "capacity" => "for",
        "pr_evidence" => "proof",
        "categories" | "labels" => "categories",
        "from" => "from",
        "to" => "to",
        "purposes" => "purposes",
        "exceptions" => {
            let at = parts.next().and_then(|at| at.parse::<usize>().ok()).unwrap_or(0);
            BUTS.get(at).copied().unwrap_or("but")
        }
        "valid_to" | "valid_from" => "until",
        "young_person_asked" => "asked",
        "told_limits" => "told",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(pairs: &[(&str, &str)]) -> Answers {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }
    fn next(name: &str, age: Age, pairs: &[(&str, &str)]) -> Option<&'static str> {
        after(name, &answers(pairs), age).map(|s| s.name)
    }

    #[test]
    fn a_choice_of_who_decides_is_mended_where_it_was_made() {
        let by = answers(&[("p_able", "no"), ("p_for", "best-interests")]);
        assert_eq!(step_of("/capacity", &by, Age::Adult), Some("for"));
        assert_eq!(step_of("/decider", &by, Age::Adult), Some("able"));
    }

    #[test]
    fn when_permission_is_not_needed_nothing_more_is_asked() {
        assert_eq!(next("why", Age::Adult, &[("p_why", "at-risk")]), None);
        assert_eq!(next("why", Age::Adult, &[("p_why", "help")]), Some("decision"));
    }

    #[test]
    fn who_is_asked_depends_on_age_and_competence() {
        let help = [("p_why", "help"), ("p_decision", "permit")];
        assert_eq!(next("decision", Age::Adult, &help), Some("able"));
        assert_eq!(next("decision", Age::Young, &help), Some("able"));
        assert_eq!(next("decision", Age::Teen, &help), Some("self"));
        let unsure = [("p_why", "help"), ("p_self", "yes"), ("p_outcome", "unsure")];
        assert_eq!(next("outcome", Age::Child, &unsure), Some("parent"));
        let able = [("p_why", "help"), ("p_self", "yes"), ("p_outcome", "yes")];
        assert_eq!(next("outcome", Age::Child, &able), Some("categories"));
        assert_eq!(deciding(&answers(&able), Age::Child, "a").capacity, "self-competent-child");
        assert_eq!(deciding(&answers(&unsure), Age::Child, "a").capacity, "parent-pr");
    }

    #[test]
    fn a_teenager_is_asked_before_a_parent_agrees_about_what_they_keep_to_themselves() {
        let pairs = [
            ("p_why", "help"),
            ("p_decision", "permit"),
            ("p_self", "no"),
            ("p_parent", "p-9"),
            ("p_categories", "EDU\nSUB"),
        ];
        assert_eq!(next("categories", Age::Teen, &pairs), Some("asked"));
        assert_eq!(next("categories", Age::Child, &pairs), Some("from"));
    }

    #[test]
    fn a_signature_is_kept_somewhere_and_what_was_said_had_a_witness() {
        let evidence = step("evidence").unwrap();
        let faults = |how| faults(evidence, &answers(&[("p_how", how)]), |_| Vec::new());
        assert_eq!(faults("signed-paper"), ["p_kept"]);
        assert_eq!(faults("spoken-witnessed"), ["p_witness"]);
        assert!(faults("video").is_empty());
    }

    #[test]
    fn what_is_left_out_is_one_narrower_refusal() {
        let base = [("p_decision", "permit"), ("p_categories", "MHL\nSUB"), ("p_to", "a\nteam:t")];
        let with = |more: &[(&str, &str)]| answers(&[&base, more].concat());
        assert_eq!(exception(&with(&[]), 0), None);
        // Consent paper §6, E2: nothing for the domestic abuse specialist from before 2025.
        let made = exception(&with(&[("p_but_roles", "FDV"), ("p_but_before", "2025-01-01")]), 0);
        let to = json!([{"agency": "a", "role": "FDV"}, {"team": "t", "role": "FDV"}]);
        assert_eq!(made, Some(json!({"decision": "refuse", "to": to, "data_period": {"to": "2024-12-31"}})));
        let made = exception(&with(&[("p_but_categories", "SUB")]), 0);
        assert_eq!(made, Some(json!({"decision": "refuse", "categories": ["SUB"]})));
        assert_eq!(exception(&answers(&[("p_decision", "refuse"), ("p_but_categories", "SUB")]), 0), None);
        // All but all is no permission.
        let but = step("but").unwrap();
        let codes = |_| vec!["MHL".to_owned(), "SUB".to_owned()];
        assert_eq!(faults(but, &with(&[("p_but_categories", "MHL\nSUB")]), codes), ["p_but_categories"]);
        let before = [("p_but_categories", "MHL\nSUB"), ("p_but_before", "2025-01-01")];
        assert!(faults(but, &with(&before), codes).is_empty());
        assert_eq!(faults(but, &with(&[("p_but_categories", "HLT")]), codes), ["p_but_categories"]);
    }

    #[test]
    fn several_things_are_left_out_page_by_page_and_each_stands_by_itself() {
        let base = [("p_why", "help"), ("p_decision", "permit"), ("p_categories", "MHL\nSUB\nHLT"), ("p_to", "a")];
        let with = |more: &[(&str, &str)]| answers(&[&base, more].concat());
        let first = [("p_but_categories", "SUB"), ("p_but_more", "yes")];
        let second = [("p_but_roles_2", "FDV"), ("p_but_before_2", "2025-01-01"), ("p_but_more_2", "yes")];
        let both = with(&[&first[..], &second[..], &[("p_but_before_3", "2020-06-01")]].concat());
        let to = json!([{"agency": "a", "role": "FDV"}]);
        let expected = [
            json!({"decision": "refuse", "categories": ["SUB"]}),
            json!({"decision": "refuse", "to": to, "data_period": {"to": "2024-12-31"}}),
            json!({"decision": "refuse", "data_period": {"to": "2020-05-31"}}),
        ];
        assert_eq!(exceptions(&both), expected);
        // A page that is no longer asked is not sent.
        let no_more = with(&[&second[..], &[("p_but_categories", "SUB"), ("p_but_more", "no")]].concat());
        assert_eq!(exceptions(&no_more), expected[..1]);
        assert_eq!(after("but", &no_more, Age::Adult).map(|s| s.name), Some("until"));
        assert_eq!(after("but-2", &both, Age::Adult).map(|s| s.name), Some("but-3"));
        assert_eq!(step_of("/exceptions/1/categories", &both, Age::Adult), Some("but-2"));
        // More of nothing is asked back; all of it, said on two pages, is no permission.
        let nothing = with(&[("p_but_more", "yes")]);
        assert_eq!(faults(step("but").unwrap(), &nothing, |_| Vec::new()), ["p_but_more"]);
        let codes = |_| vec!["MHL".to_owned(), "SUB".to_owned(), "HLT".to_owned()];
        let all = with(&[&first[..], &[("p_but_categories_2", "MHL\nHLT")]].concat());
        assert!(faults(step("but").unwrap(), &all, codes).is_empty());
        assert_eq!(faults(step("but-2").unwrap(), &all, codes), ["p_but_categories_2"]);
    }

    #[test]
    fn each_agency_is_named_with_each_role() {
        let made = parties(&["a", "team:t"], &["SW", "FSM"]);
        let wanted = json!([{"agency": "a", "role": "SW"}, {"agency": "a", "role": "FSM"}, {"team": "t"}]);
        assert_eq!(json!(made), wanted);
    }
}
