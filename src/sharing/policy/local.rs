//! The partnership's own restrictions, in Cedar (architecture §6).
//!
//! `forbid` only, each with `@id`, `@cap` and `@reason`; typed by `sharing.cedarschema`, validated when loaded (a warning
//! counts as an error). An evaluation error counts as refusal. Rules are sliced by role and category, so that a decision no
//! rule can concern costs nothing.

mod slice;

use super::{CATEGORIES, ROLES};
use crate::config::Files;
use crate::diagnostic::{Diagnostic, Span, code};
use crate::vocabulary::{Category, Level, Role};
use cedar_policy::{
    Authorizer, Context, Effect, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy, PolicyId, PolicySet,
    Request, RestrictedExpression, Schema, ValidationMode, Validator,
};
use std::collections::{BTreeSet, HashMap};
use std::str::FromStr as _;

/// Where the rules lie.
const RULES: &str = "sharing/local.cedar";
/// Where their types lie.
const SCHEMA: &str = "sharing/sharing.cedarschema";
/// Rules of one partnership: Cedar costs about a microsecond each, and a set nobody can read protects nobody.
const RULES_MAX: usize = 200;

/// One local rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalRule {
    /// Its `@id`.
    pub id: String,
    /// Its `@cap`: at most this level.
    pub cap: Level,
    /// Its `@reason`, for people.
    pub reason: String,
    /// What it says, in Cedar, without the annotations.
    pub text: String,
}

/// The checked local rules.
#[derive(Debug, Default)]
pub struct Local {
    rules: Vec<LocalRule>,
    schema: Option<Schema>,
    /// Rule sets that occur, and which of them each role × category needs.
    sets: Vec<PolicySet>,
    slices: Vec<Option<usize>>,
}

/// What a rule can see of a decision: codes and ids, no content.
#[derive(Clone, Debug)]
pub(in crate::sharing) struct Question<'a> {
    pub(in crate::sharing) role: Role,
    pub(in crate::sharing) agency: &'a str,
    pub(in crate::sharing) agency_kind: String,
    pub(in crate::sharing) team: Option<&'a str>,
    pub(in crate::sharing) supervisor: bool,
    pub(in crate::sharing) category: Category,
    pub(in crate::sharing) custodian: &'a str,
    pub(in crate::sharing) custodian_kind: String,
    pub(in crate::sharing) form: &'static str,
    pub(in crate::sharing) about_adult: bool,
    pub(in crate::sharing) about_child: bool,
    pub(in crate::sharing) people: usize,
    pub(in crate::sharing) observed: Option<String>,
    pub(in crate::sharing) purpose: &'static str,
    pub(in crate::sharing) level: Level,
    pub(in crate::sharing) emergency: bool,
    pub(in crate::sharing) relationship: String,
}

impl Local {
    /// The rules, in file order.
    #[must_use]
    pub fn rules(&self) -> &[LocalRule] {
        &self.rules
    }

    /// Whether any rule can concern this role and category.
    pub(in crate::sharing) fn concerns(&self, role: Role, category: Category) -> bool {
        self.set(role, category).is_some()
    }

    fn set(&self, role: Role, category: Category) -> Option<&PolicySet> {
        let at = role.index().checked_mul(CATEGORIES)?.checked_add(category.index())?;
        self.sets.get((*self.slices.get(at)?)?)
    }

    /// The lowest cap of the rules that apply; N when the rules cannot be evaluated; `None` when none applies.
    pub(in crate::sharing) fn cap(&self, question: &Question<'_>) -> Option<Level> {
        let set = self.set(question.role, question.category)?;
        let Some((request, entities)) = self.schema.as_ref().and_then(|schema| cedar(question, schema)) else {
            return Some(Level::N);
        };
        let response = Authorizer::new().is_authorized(&request, set, &entities);
        if response.diagnostics().errors().next().is_some() {
            return Some(Level::N);
        }
        // A set of forbids names those that apply as its reason; nothing applies = no reason.
        let caps = response.diagnostics().reason().map(|id| {
            let named = set.annotation(id, "cap").and_then(Level::parse);
            named.unwrap_or(Level::N)
        });
        caps.min()
    }
}

fn cedar(question: &Question<'_>, schema: &Schema) -> Option<(Request, Entities)> {
    let text = |value: &str| RestrictedExpression::new_string(value.to_owned());
    let mut hat = HashMap::from([
        ("role".to_owned(), text(question.role.code())),
        ("agency".to_owned(), text(question.agency)),
        ("agency_kind".to_owned(), text(&question.agency_kind)),
        ("supervisor".to_owned(), RestrictedExpression::new_bool(question.supervisor)),
    ]);
    if let Some(team) = question.team {
        hat.insert("team".to_owned(), text(team));
    }
    let mut segment = HashMap::from([
        ("category".to_owned(), text(question.category.code())),
        ("custodian".to_owned(), text(question.custodian)),
        ("custodian_kind".to_owned(), text(&question.custodian_kind)),
        ("form".to_owned(), text(question.form)),
        ("about_adult".to_owned(), RestrictedExpression::new_bool(question.about_adult)),
        ("about_child".to_owned(), RestrictedExpression::new_bool(question.about_child)),
        ("people".to_owned(), RestrictedExpression::new_long(i64::try_from(question.people).unwrap_or(i64::MAX))),
    ]);
    if let Some(observed) = &question.observed {
        segment.insert("observed".to_owned(), text(observed));
    }
    let context = [
        ("purpose".to_owned(), text(question.purpose)),
        ("level".to_owned(), text(question.level.code())),
        ("emergency".to_owned(), RestrictedExpression::new_bool(question.emergency)),
        ("relationship".to_owned(), text(&question.relationship)),
    ];
    let uid = |kind: &str, id: &str| {
        Some(EntityUid::from_type_name_and_id(EntityTypeName::from_str(kind).ok()?, EntityId::new(id)))
    };
    let (principal, resource, action) = (uid("Hat", "asking")?, uid("Segment", "asked")?, uid("Action", "read")?);
    let entities = [
        Entity::new(principal.clone(), hat, std::collections::HashSet::new()).ok()?,
        Entity::new(resource.clone(), segment, std::collections::HashSet::new()).ok()?,
    ];
    let entities = Entities::from_entities(entities, Some(schema)).ok()?;
    let context = Context::from_pairs(context).ok()?;
    Some((Request::new(principal, action, resource, context, Some(schema)).ok()?, entities))
}

fn fault(file: &str, text: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code::RULES_FILE, text).with_file(file)
}

/// Reads and checks the local rules; none is fine.
pub(super) fn load(files: &Files, faults: &mut Vec<Diagnostic>) -> Option<Local> {
    let Some(bytes) = files.get(RULES) else { return Some(Local::default()) };
    let Ok(text) = std::str::from_utf8(bytes) else {
        faults.push(fault(RULES, "the file is not UTF-8"));
        return None;
    };
    let policies = match PolicySet::from_str(text) {
        Ok(policies) => policies,
        Err(error) => {
            faults.push(placed(fault(RULES, error.to_string()), &error, text));
            return None;
        }
    };
    if policies.is_empty() {
        return Some(Local::default());
    }
    let before = faults.len();
    let schema = schema(files, faults);
    let rules = shape(&policies, faults);
    if let Some(schema) = &schema {
        validate(&policies, schema, text, faults);
    }
    if faults.len() > before {
        return None;
    }
    sliced(rules, schema?, faults)
}

fn schema(files: &Files, faults: &mut Vec<Diagnostic>) -> Option<Schema> {
    let text = files.get(SCHEMA).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let Some(text) = text else {
        faults.push(fault(SCHEMA, "the file is missing or not UTF-8"));
        return None;
    };
    match Schema::from_cedarschema_str(text) {
        Ok((schema, _)) => Some(schema),
        Err(error) => {
            faults.push(placed(fault(SCHEMA, error.to_string()), &error, text));
            None
        }
    }
}

/// Adds the place a library error names, if it names one.
fn placed(diagnostic: Diagnostic, error: &impl miette::Diagnostic, text: &str) -> Diagnostic {
    match error.labels().and_then(|mut labels| labels.next()) {
        Some(label) => {
            let span = Span { start: label.offset(), end: label.offset().saturating_add(label.len()) };
            diagnostic.with_span(span, text.as_bytes())
        }
        None => diagnostic,
    }
}

/// Only forbids, no templates, each with its three annotations, every id once.
fn shape(policies: &PolicySet, faults: &mut Vec<Diagnostic>) -> Vec<(Policy, LocalRule)> {
    if policies.templates().next().is_some() {
        faults.push(fault(RULES, "a rule with a slot (`?principal`, `?resource`) is not allowed"));
    }
    if policies.num_of_policies() > RULES_MAX {
        faults.push(fault(RULES, format!("more than {RULES_MAX} rules")));
    }
    let mut all: Vec<&Policy> = policies.policies().collect();
    // `policy0`, `policy1`, …: the number is the place in the file.
    all.sort_by_key(|policy| number(policy.id()));
    let mut ids = BTreeSet::new();
    let mut rules = Vec::new();
    for policy in all {
        let place = format!("rule {}", number(policy.id()).saturating_add(1));
        if policy.effect() == Effect::Permit {
            faults
                .push(fault(RULES, format!("{place} is a permit")).with_expected("forbid: local rules only restrict"));
        }
        let id = policy.annotation("id").filter(|id| !id.is_empty());
        let reason = policy.annotation("reason").filter(|reason| !reason.is_empty());
        let cap = policy.annotation("cap").and_then(Level::parse).filter(|cap| *cap < Level::F);
        match (id, cap, reason) {
            (Some(id), Some(cap), Some(reason)) => {
                if !ids.insert(id.to_owned()) {
                    faults.push(fault(RULES, format!("{place} has the @id of another rule")));
                }
                let text = policy.to_string();
                // The annotations stand before the effect.
                let text = text.find("forbid").and_then(|at| text.get(at..)).unwrap_or(&text).to_owned();
                let rule = LocalRule { id: id.to_owned(), cap, reason: reason.to_owned(), text };
                rules.push((policy.clone(), rule));
            }
            _ => faults.push(
                fault(RULES, format!("{place} lacks an annotation"))
                    .with_expected("@id(\"…\"), @cap(\"S\", \"I\" or \"N\") and @reason(\"…\")"),
            ),
        }
    }
    rules
}

fn number(id: &PolicyId) -> usize {
    let text: &str = id.as_ref();
    text.trim_start_matches("policy").parse().unwrap_or(usize::MAX)
}

fn validate(policies: &PolicySet, schema: &Schema, text: &str, faults: &mut Vec<Diagnostic>) {
    let result = Validator::new(schema.clone()).validate(policies, ValidationMode::Strict);
    for error in result.validation_errors() {
        faults.push(placed(fault(RULES, error.to_string()), error, text));
    }
    for warning in result.validation_warnings() {
        faults.push(placed(fault(RULES, format!("{warning} (a warning counts as an error)")), warning, text));
    }
}

/// One rule set for every combination of rules that occurs over role × category.
fn sliced(rules: Vec<(Policy, LocalRule)>, schema: Schema, faults: &mut Vec<Diagnostic>) -> Option<Local> {
    let bounds: Vec<slice::Bounds> = rules.iter().map(|(policy, _)| slice::bounds(policy)).collect();
    let mut known: HashMap<Vec<usize>, usize> = HashMap::new();
    let mut local = Local { slices: Vec::with_capacity(ROLES * CATEGORIES), schema: Some(schema), ..Local::default() };
    for role in Role::ALL {
        for category in Category::ALL {
            let numbered = bounds.iter().enumerate();
            let applies = numbered.filter(|(_, bounds)| bounds.allow(role.code(), category.code())).map(|(at, _)| at);
            let applies: Vec<usize> = applies.collect();
            if applies.is_empty() {
                local.slices.push(None);
                continue;
            }
            let at = match known.get(&applies) {
                Some(at) => *at,
                None => {
                    let chosen = applies.iter().filter_map(|at| rules.get(*at)).map(|(policy, _)| policy.clone());
                    let Ok(set) = PolicySet::from_policies(chosen) else {
                        faults.push(fault(RULES, "the rules cannot be put together"));
                        return None;
                    };
                    local.sets.push(set);
                    let at = local.sets.len().saturating_sub(1);
                    known.insert(applies, at);
                    at
                }
            };
            local.slices.push(Some(at));
        }
    }
    local.rules = rules.into_iter().map(|(_, rule)| rule).collect();
    Some(local)
}
