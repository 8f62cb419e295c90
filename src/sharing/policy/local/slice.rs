//! Which roles and categories a rule can concern at all, read off its condition.
//!
//! Only what is certain narrows: a top-level `&&` of `principal.role == "X"`, `["X","Y"].contains(principal.role)`, the same
//! for `resource.category`, and `||` of such. Anything else narrows nothing: the rule is then always evaluated.

use cedar_policy::Policy;
use serde_json::Value;
use std::collections::BTreeSet;

/// The roles and categories a rule can concern; `None` = all.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Bounds {
    roles: Option<BTreeSet<String>>,
    categories: Option<BTreeSet<String>>,
}

impl Bounds {
    /// Whether the rule can concern this role and category.
    pub(super) fn allow(&self, role: &str, category: &str) -> bool {
        self.roles.as_ref().is_none_or(|roles| roles.contains(role))
            && self.categories.as_ref().is_none_or(|categories| categories.contains(category))
    }
    fn and(self, other: Self) -> Self {
        Self { roles: both(self.roles, other.roles), categories: both(self.categories, other.categories) }
    }
    fn or(self, other: Self) -> Self {
        Self { roles: either(self.roles, other.roles), categories: either(self.categories, other.categories) }
    }
}

type Codes = Option<BTreeSet<String>>;

fn both(one: Codes, other: Codes) -> Codes {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.intersection(&other).cloned().collect()),
        (one, other) => one.or(other),
    }
}

fn either(one: Codes, other: Codes) -> Codes {
    Some(one?.union(&other?).cloned().collect())
}

/// The bounds of a rule.
pub(super) fn bounds(policy: &Policy) -> Bounds {
    let Ok(json) = policy.to_json() else { return Bounds::default() };
    let conditions = json.get("conditions").and_then(Value::as_array);
    conditions
        .into_iter()
        .flatten()
        .filter(|condition| condition.get("kind").and_then(Value::as_str) == Some("when"))
        .filter_map(|condition| condition.get("body"))
        .map(of)
        .fold(Bounds::default(), Bounds::and)
}

fn of(expression: &Value) -> Bounds {
    let sides = |operator: &str| {
        let inner = expression.get(operator)?;
        Some((inner.get("left")?, inner.get("right")?))
    };
    if let Some((left, right)) = sides("&&") {
        return of(left).and(of(right));
    }
    if let Some((left, right)) = sides("||") {
        return of(left).or(of(right));
    }
    if let Some((left, right)) = sides("==") {
        let value = |side: &Value| side.get("Value").and_then(Value::as_str).map(str::to_owned);
        let found = value(right)
            .map(|v| narrowed(left, [v].into()))
            .or_else(|| value(left).map(|v| narrowed(right, [v].into())));
        return found.unwrap_or_default();
    }
    if let Some((left, right)) = sides("contains") {
        return codes(left).map(|set| narrowed(right, set)).unwrap_or_default();
    }
    Bounds::default()
}

/// The texts of a literal set; `None` if any element is something else.
fn codes(set: &Value) -> Option<BTreeSet<String>> {
    let items = set.get("Set")?.as_array()?;
    items.iter().map(|item| item.get("Value")?.as_str().map(str::to_owned)).collect()
}

/// The bounds when `attribute` is one of `values`.
fn narrowed(attribute: &Value, values: BTreeSet<String>) -> Bounds {
    let Some(access) = attribute.get(".") else { return Bounds::default() };
    let variable = access.get("left").and_then(|left| left.get("Var")).and_then(Value::as_str);
    match (variable, access.get("attr").and_then(Value::as_str)) {
        (Some("principal"), Some("role")) => Bounds { roles: Some(values), ..Bounds::default() },
        (Some("resource"), Some("category")) => Bounds { categories: Some(values), ..Bounds::default() },
        _ => Bounds::default(),
    }
}
