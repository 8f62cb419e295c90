//! The checked form of a mapping that the engine walks: names are slots, paths know their arrays, constants are filled
//! in, fragments are in place, guarded fields stand last in their block.
//!
//! Owns data only. Made by `check` alone, so a plan that exists has passed the static checks.

use super::convert::Convert;
use super::gates::Gates;
use super::lang::tree::{Arrow, ScopeKind, Syntax, Which};
use super::said::Said;
use super::table::{Given, LabelTable};
use crate::document::{Keyed, Kind, Names};
use crate::schema::{Format, Pattern, ShapeId};
use crate::vocabulary::{Category, Confidentiality, Level};
use std::collections::HashMap;
use std::sync::Arc;

/// A named segment of the mapping (`as NAME`).
pub type Slot = usize;
/// A rule, for the loss report.
pub type RuleId = usize;

/// A checked mapping.
#[derive(Clone, Debug)]
pub struct Plan {
    /// `mapping NAME`.
    pub name: String,
    /// Version.
    pub version: String,
    /// Title for people.
    pub title: String,
    /// SHA-256 over the file and its tables, hex.
    pub digest: String,
    /// File name.
    pub file: String,
    /// Name space of native keys.
    pub system: String,
    /// Syntax of messages.
    pub syntax: Syntax,
    /// Native schema, relative to `schemas/`.
    pub schema: String,
    /// The array whose items each make a record; empty when a message makes one.
    pub records: Vec<String>,
    /// Highest confidentiality written.
    pub ceiling: Confidentiality,
    /// The correspondences.
    pub items: Vec<Item>,
    /// Names by slot.
    pub names: Vec<String>,
    /// The names of the schemas: the numbers in the steps are theirs.
    pub known: Names,
    /// Member names no schema knows (members of free maps); their numbers follow.
    pub strange: Vec<String>,
    /// Where they stand in that list.
    pub strange_places: HashMap<String, usize, Keyed>,
    /// Names that every record has, whatever the mapping says.
    pub own: Own,
    /// What lets the items through.
    pub gates: Gates,
    /// `file:line` of each rule.
    pub rules: Vec<Said>,
    /// Native root.
    pub native: ShapeId,
    /// Canonical root.
    pub canonical: ShapeId,
}

macro_rules! own {
    ($($name:ident)+) => {
        /// The numbers of names the engine itself asks for.
        #[derive(Clone, Copy, Debug)]
        pub struct Own { $(#[doc = stringify!($name)] pub $name: u32),+ }
        impl Own {
            /// From what numbers a name.
            pub fn of(number: &mut dyn FnMut(&str) -> u32) -> Self {
                Self { $($name: number(stringify!($name))),+ }
            }
        }
    };
}

own! {
    id label category confidentiality sealed custodian about third_party basis_marker author_role form source_ref system
    key unparsed absent code as_recorded value unit check path text
}

impl Plan {
    /// Whether a name stands for a person; other segments are about the people they belong to.
    #[must_use]
    pub fn is_person(&self, slot: Slot) -> bool {
        self.items.iter().any(|item| match item {
            Item::Scope(s) if s.slot == Some(slot) => s.canonical.steps.first().is_some_and(|s| &*s.name == "people"),
            _ => false,
        })
    }
    /// Line of a rule in the mapping's file.
    #[must_use]
    pub fn line(&self, rule: RuleId) -> Option<usize> {
        self.rules.get(rule)?.rsplit(':').next()?.parse().ok()
    }
}

/// One checked item.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a plan is built once and walked often: a box would cost every walk")]
pub enum Item {
    /// A field.
    Field(Field),
    /// A block.
    Scope(Scope),
    /// Alternatives.
    Choice(Vec<Field>),
    /// A constant.
    Fixed(Fixed),
    /// Something left out.
    Drop(Drop),
}

/// A checked path.
#[derive(Clone, Debug)]
pub struct Path {
    /// From the document root.
    pub root: bool,
    /// The steps; none means the scope itself.
    pub steps: Vec<Step>,
    /// As written.
    pub text: String,
    /// What stands at its end (an array's own shape, not its item's).
    pub end: Option<ShapeId>,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Member name.
    pub name: Box<str>,
    /// Its number in [`Plan::known`], or after them in [`Plan::strange`].
    pub word: u32,
    /// Whether the member is an array.
    pub array: bool,
    /// Which items.
    pub select: Select,
}

/// Which items of an array.
#[derive(Clone, Debug)]
pub enum Select {
    /// All of them, in order.
    All,
    /// Those with these members.
    Where(Vec<Cond>),
    /// The one at this place.
    At(usize),
    /// Those from this place on.
    From(usize),
}

/// A member that must equal a constant.
#[derive(Clone, Debug)]
pub struct Cond {
    /// Member, or member of a member.
    pub names: Vec<Box<str>>,
    /// Their numbers, as in [`Step::word`].
    pub words: Vec<u32>,
    /// Constant.
    pub value: Box<str>,
    /// Kind of the constant where it is written.
    pub kind: Kind,
}

/// What a scalar's place permits when something is written there.
#[derive(Clone, Debug)]
pub struct Fit {
    /// Kind to write.
    pub kind: Kind,
    /// Permitted texts; empty when there is no list.
    pub list: Vec<String>,
    /// Fewest characters.
    pub min_length: usize,
    /// Most characters.
    pub max_length: Option<usize>,
    /// The pattern.
    pub pattern: Option<Arc<Pattern>>,
    /// The format.
    pub format: Option<Format>,
    /// Least number.
    pub minimum: Option<f64>,
    /// Greatest number.
    pub maximum: Option<f64>,
}

impl Fit {
    /// Any text: where the schema says nothing.
    #[must_use]
    pub const fn any() -> Self {
        Self {
            kind: Kind::String,
            list: Vec::new(),
            min_length: 0,
            max_length: None,
            pattern: None,
            format: None,
            minimum: None,
            maximum: None,
        }
    }
}

/// What stands at the canonical end of a field.
#[derive(Clone, Debug)]
pub enum Target {
    /// A scalar; `checked` when a member `check` stands beside it.
    Scalar {
        /// What fits.
        fit: Fit,
        /// Whether the outcome of a check digit goes beside it.
        checked: bool,
    },
    /// `{code, as_recorded}`.
    Coded,
    /// A list of texts.
    List,
    /// `{value, unit}`.
    Quantity,
    /// `label.confidentiality` of the segment.
    Confidentiality,
}

/// A checked field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Native path.
    pub native: Path,
    /// What fits natively.
    pub native_fit: Fit,
    /// Canonical paths with their ends: one, or one per column.
    pub canonical: Vec<(Path, Target)>,
    /// Which way.
    pub arrow: Arrow,
    /// The converter.
    pub convert: Convert,
    /// Slots a reference may name.
    pub refs: Vec<Slot>,
    /// Canonical value where the in side has none.
    pub default: Option<String>,
    /// The condition, always canonical.
    pub guard: Option<Guard>,
    /// Path under which an unreadable value is kept and found again.
    pub unparsed: String,
    /// Whether that path names one place of the segment.
    pub restorable: bool,
    /// Line.
    pub rule: RuleId,
}

/// A condition on the canonical side.
#[derive(Clone, Debug)]
pub struct Guard {
    /// The path.
    pub path: Path,
    /// `None` means present.
    pub equals: Option<String>,
}

/// A checked block.
#[derive(Clone, Debug)]
pub struct Scope {
    /// `group` or `each`.
    pub kind: ScopeKind,
    /// Native path.
    pub native: Path,
    /// Canonical path.
    pub canonical: Path,
    /// `as`.
    pub slot: Option<Slot>,
    /// `id`.
    pub id: Option<Path>,
    /// `link`: member, what it leads to, the number of the member's name as in [`Step::word`].
    pub links: Vec<(String, Slot, u32)>,
    /// The label, exactly when the block makes a segment.
    pub label: Option<Label>,
    /// Fields, blocks and choices.
    pub items: Vec<Item>,
    /// What lets them through.
    pub gates: Gates,
    /// Members the canonical object must have.
    pub required: Vec<String>,
    /// Whether the canonical segment has a form (top-level segments do).
    pub rule: RuleId,
}

/// Who a segment is about.
#[derive(Clone, Debug)]
pub enum About {
    /// A named segment.
    Name(Slot),
    /// A native reference.
    Ref(Path, Vec<Slot>),
}

/// A checked label.
#[derive(Clone, Debug)]
pub struct Label {
    /// Where category and confidentiality come from.
    pub source: LabelSource,
    /// Never written.
    pub sealed: bool,
    /// Who it is about.
    pub about: About,
    /// `none`, `possible`, `named`.
    pub third_party: String,
    /// Basis marker.
    pub basis: String,
    /// Author role.
    pub author: String,
    /// Where the observed date is copied from.
    pub observed: Option<Path>,
    /// Handling codes.
    pub handling: Vec<String>,
    /// Whether the block makes summaries.
    pub summary: bool,
    /// The full segment it is a summary of.
    pub summary_of: Option<Slot>,
    /// The sender's caps.
    pub caps: Vec<(Level, Vec<String>)>,
}

/// Where category and confidentiality come from.
#[derive(Clone, Debug)]
pub enum LabelSource {
    /// Stated.
    Stated(Category, Confidentiality),
    /// From a table by codes in the segment; where it says no code at all, from what follows.
    Table(Arc<LabelTable>, Path, Option<Box<LabelSource>>),
}

impl LabelSource {
    /// Category and confidentiality for a segment whose codes at a path are given by `codes`; `None` where a code stands
    /// that no row knows, or none where one must.
    pub fn given<'t>(&self, codes: &dyn Fn(&Path) -> Vec<&'t str>) -> Option<Given> {
        match self {
            Self::Stated(category, conf) => Some(Given { category: *category, conf: *conf }),
            Self::Table(table, path, otherwise) => {
                let found = codes(path);
                match otherwise {
                    Some(other) if found.is_empty() => other.given(codes),
                    _ => table.of(found.into_iter()),
                }
            }
        }
    }
    /// The table by which the category may come from the sensitivity codes of the label.
    #[must_use]
    pub fn by_sensitivity(&self) -> Option<&LabelTable> {
        match self {
            Self::Table(table, path, _) if path.text == "label.sensitivity_codes" => Some(table),
            _ => None,
        }
    }
}

/// A checked constant.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// Which side.
    pub which: Which,
    /// The leaf.
    pub path: Path,
    /// `None` means the item number.
    pub value: Option<String>,
    /// Kind of the constant.
    pub kind: Kind,
    /// Path under which another value than the constant is kept and found again.
    pub unparsed: String,
    /// Line.
    pub rule: RuleId,
}

/// A checked omission.
#[derive(Clone, Debug)]
pub struct Drop {
    /// Which side.
    pub which: Which,
    /// `None` means the rest.
    pub path: Option<Path>,
    /// Why.
    pub because: Said,
    /// Line.
    pub rule: RuleId,
}

/// The rank of third-party marks: labels only go up.
#[must_use]
pub fn third_party_rank(mark: &str) -> u8 {
    match mark {
        "named" => 2,
        "possible" => 1,
        _ => 0,
    }
}
