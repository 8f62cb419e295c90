//! What a change of the rules changes: in sentences over the files, and over decisions.
//!
//! Decisions come as pairs of a world and an ask, from wherever the caller has them: a facts file, or the log's past
//! decisions with the facts of their moment. Read [`rules`] and [`decisions`].

use super::{cell_in_words, level_in_words};
use crate::sharing::facts::Ask;
use crate::sharing::policy::{Consulted, LocalRule, Withheld};
use crate::sharing::{Decision, Policy, World, decide};
use crate::vocabulary::{Category, Purpose, Role};
use std::collections::BTreeMap;

/// A decision that the change changes.
#[derive(Clone, PartialEq, Debug)]
pub struct Changed {
    /// Which ask, as the caller names it.
    pub name: String,
    /// What the old rules say.
    pub before: Decision,
    /// What the new rules say.
    pub after: Decision,
}

impl Changed {
    /// In a sentence, without names.
    #[must_use]
    pub fn in_words(&self) -> String {
        let (before, after) = (&self.before, &self.after);
        let direction = match after.level.cmp(&before.level) {
            std::cmp::Ordering::Less => "Less is shown",
            std::cmp::Ordering::Greater => "More is shown",
            std::cmp::Ordering::Equal => "The level stays",
        };
        format!("{}: {direction}. Before: {} Now: {}", self.name, before.explain(), after.explain())
    }
}

/// The decisions that differ in level, reason, limit, marker or flags, in the order of the asks.
pub fn decisions<'a>(
    old: &Policy,
    new: &Policy,
    asked: impl Iterator<Item = (String, &'a World, &'a Ask)>,
) -> Vec<Changed> {
    compared(asked.map(|(name, world, ask)| Changed {
        name,
        before: decide(world, old, ask),
        after: decide(world, new, ask),
    }))
}

/// Of decisions made twice those that differ.
pub fn compared(answered: impl Iterator<Item = Changed>) -> Vec<Changed> {
    answered.filter(|each| differs(&each.before, &each.after)).collect()
}

fn differs(one: &Decision, other: &Decision) -> bool {
    let key = |d: &Decision| (d.level, d.reason, d.limit, d.marker, d.flags);
    key(one) != key(other)
}

/// What changed in the rule files, one sentence each, in the order of matrix, caps, categories, purposes, roles, local rules.
#[must_use]
pub fn rules(old: &Policy, new: &Policy) -> Vec<String> {
    let mut said = Vec::new();
    for purpose in Purpose::ALL {
        for role in Role::ALL {
            column(old, new, *purpose, *role, &mut said);
        }
    }
    caps(old, new, &mut said);
    categories(old, new, &mut said);
    purposes(old, new, &mut said);
    roles(old, new, &mut said);
    local(old, new, &mut said);
    said
}

fn column(old: &Policy, new: &Policy, purpose: Purpose, role: Role, said: &mut Vec<String>) {
    let (named, purpose_named) = (&new.role(role).name, &new.purpose(purpose).name);
    match (old.column(purpose, role), new.column(purpose, role)) {
        (None, None) => {}
        (None, Some(_)) => said.push(format!("{named} ({role}) can now act for {purpose_named} ({purpose}).")),
        (Some(_), None) => said.push(format!("{named} ({role}) can no longer act for {purpose_named} ({purpose}).")),
        (Some(before), Some(after)) => {
            for ((category, before), after) in Category::ALL.iter().zip(before).zip(after) {
                let head = || format!("{named} ({role}) for {purpose_named} ({purpose}), {}", name_of(new, *category));
                changed(said, head, &cell_in_words(*before), &cell_in_words(*after));
            }
        }
    }
}

fn caps(old: &Policy, new: &Policy, said: &mut Vec<String>) {
    for role in Role::ALL {
        for category in Category::ALL {
            let cap = |policy: &Policy| {
                let cap = policy.adult_cap(*role, *category);
                cap.map_or_else(|| "no limit".to_owned(), |level| level_in_words(level).to_owned())
            };
            let head = || format!("{} ({role}), {} of an adult", new.role(*role).name, name_of(new, *category));
            changed(said, head, &cap(old), &cap(new));
        }
    }
}

fn categories(old: &Policy, new: &Policy, said: &mut Vec<String>) {
    for category in Category::ALL {
        let head = |what: &str| format!("Category {} ({category}), {what}", name_of(new, *category));
        let (a, b) = (old.category(*category), new.category(*category));
        changed(said, || head("name"), &a.name, &b.name);
        changed(said, || head("when withheld"), &withheld(a.withheld), &withheld(b.withheld));
        changed(said, || head("may be permitted"), yes_no(a.may_be_permitted), yes_no(b.may_be_permitted));
        changed(said, || head("fields of a summary"), &a.summary_fields.join(" "), &b.summary_fields.join(" "));
        changed(said, || head("words of an indicator"), &a.indicator, &b.indicator);
        changed(said, || head("codes"), &a.hl7_codes.join(" "), &b.hl7_codes.join(" "));
        changed(said, || head("retention class"), &a.retention_class, &b.retention_class);
    }
}

fn purposes(old: &Policy, new: &Policy, said: &mut Vec<String>) {
    for purpose in Purpose::ALL {
        let head = |what: &str| format!("Purpose {} ({purpose}), {what}", new.purpose(*purpose).name);
        let (a, b) = (old.purpose(*purpose), new.purpose(*purpose));
        changed(said, || head("name"), &a.name, &b.name);
        changed(said, || head("code"), &a.hl7_code, &b.hl7_code);
        changed(said, || head("Article 6"), &a.basis.art6, &b.basis.art6);
        changed(said, || head("Article 9 or 10"), &a.basis.art9_10, &b.basis.art9_10);
        changed(said, || head("gateway"), &a.basis.gateway, &b.basis.gateway);
        changed(said, || head("how confidence is lifted"), &a.basis.confidence, &b.basis.confidence);
        changed(said, || head("where permission is asked"), &asked(&a.consulted), &asked(&b.consulted));
    }
}

fn roles(old: &Policy, new: &Policy, said: &mut Vec<String>) {
    for role in Role::ALL {
        let head = |what: &str| format!("Role {} ({role}), {what}", new.role(*role).name);
        let (a, b) = (old.role(*role), new.role(*role));
        changed(said, || head("name"), &a.name, &b.name);
        changed(said, || head("claims a relationship"), yes_no(a.self_claim), yes_no(b.self_claim));
        let purposes = |list: &[Purpose]| list.iter().map(|p| p.code()).collect::<Vec<_>>().join(" ");
        let (before, after) = (purposes(&a.override_purposes), purposes(&b.override_purposes));
        changed(said, || head("overrides in"), &before, &after);
        changed(said, || head("declares imminent danger"), yes_no(a.emg), yes_no(b.emg));
        changed(said, || head("approves and signs"), yes_no(a.may_approve), yes_no(b.may_approve));
        let records = (yes_no(a.records_permission), yes_no(b.records_permission));
        changed(said, || head("records permissions"), records.0, records.1);
        changed(said, || head("searches for people"), yes_no(a.searches), yes_no(b.searches));
    }
}

fn local(old: &Policy, new: &Policy, said: &mut Vec<String>) {
    let named = |policy: &Policy| -> BTreeMap<String, String> {
        let rules = policy.local().rules().iter();
        let said =
            |rule: &LocalRule| format!("at most {}, because {} ({})", level_in_words(rule.cap), rule.reason, rule.text);
        rules.map(|rule| (rule.id.clone(), said(rule))).collect()
    };
    let (before, after) = (named(old), named(new));
    for (id, text) in &after {
        match before.get(id) {
            None => said.push(format!("Local rule `{id}` is new: {text}.")),
            Some(earlier) => changed(said, || format!("Local rule `{id}`"), earlier, text),
        }
    }
    said.extend(before.keys().filter(|id| !after.contains_key(*id)).map(|id| format!("Local rule `{id}` is gone.")));
}

fn changed(said: &mut Vec<String>, head: impl Fn() -> String, before: &str, after: &str) {
    if before != after {
        let shown = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.to_owned() };
        said.push(format!("{}: was {}, is {}.", head(), shown(before), shown(after)));
    }
}

fn name_of(policy: &Policy, category: Category) -> String {
    policy.category(category).name.replace('-', " ")
}

const fn yes_no(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

fn withheld(how: Withheld) -> String {
    match how {
        Withheld::Silent => "nothing is said",
        Withheld::Shown => "said when permission withholds it",
        Withheld::ShownForAll => "said for every person",
    }
    .to_owned()
}

fn asked(consulted: &Consulted) -> String {
    match consulted {
        Consulted::None => "nowhere".to_owned(),
        Consulted::All => "everywhere".to_owned(),
        Consulted::Only(some) => some.iter().map(|category| category.code()).collect::<Vec<_>>().join(" "),
    }
}
