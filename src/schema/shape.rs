//! Shapes: what a resolved schema says, as a graph that can be walked before any message arrives.
//!
//! `$ref` and `allOf` are resolved: an object has all its members, in writing order. Graphs may be cyclic (a FHIR
//! extension holds extensions), so shapes are numbered and every walk here is bounded.

use super::glance::Glance;
use crate::diagnostic::nearest;
use crate::document::{Document, Keyed, Kind, Names};
use std::collections::HashSet;
use std::sync::Arc;

/// A shape of one [`Shapes`]; meaningless in another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ShapeId(pub(super) u32);

impl ShapeId {
    /// Position in the graph, for side tables.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What may stand at a place.
#[derive(Clone, Debug)]
pub enum Shape {
    /// Members with names.
    Object(ObjectShape),
    /// Items of one shape.
    Array(ArrayShape),
    /// Text, a number or a truth value.
    Scalar(ScalarShape),
    /// Anything: the schema says nothing.
    Any,
}

/// Whether an object may have members its schema does not name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Openness {
    /// Unknown members are refused.
    Closed,
    /// Unknown members are kept, with a warning: the reader's format is known to grow.
    Tolerant,
    /// Members with free names, each of this shape (`additionalProperties` with a schema).
    Map(ShapeId),
    /// Unknown members are kept without a word.
    Open,
}

/// An object.
#[derive(Clone, Debug)]
pub struct ObjectShape {
    /// The members in writing order: `x-sequence` first, then as declared.
    pub members: Vec<Member>,
    /// What of other members.
    pub openness: Openness,
    /// Groups of members of which at most one may be present (`x-at-most-one`).
    pub at_most_one: Vec<Vec<String>>,
    /// Whether a value that is no object is refused; `false` only inside `if` and `not`.
    pub(super) typed: bool,
    /// The members by the words of their names: a table of a power of two places, half of them free.
    pub(super) by_word: Vec<Slot>,
    /// The groups of `at_most_one` as places in `members`.
    pub(super) exclusive: Vec<Vec<u32>>,
    /// The places in `members` of those required.
    pub(super) needed: Vec<u32>,
}

/// A member as it is looked up: all that most checks ask of it, without the member itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    /// The word of its name.
    word: u32,
    /// Its place in `members`.
    pub(super) place: u32,
    /// What stands there.
    pub(super) shape: ShapeId,
}

impl ObjectShape {
    /// The member whose name has this word.
    pub(super) fn member_by_word(&self, word: u32) -> Option<Slot> {
        let mask = self.by_word.len().checked_sub(1)?;
        let mut at = spread(word) & mask;
        loop {
            match self.by_word.get(at) {
                Some(Slot { word: STRANGE, .. }) | None => return None,
                Some(slot) if slot.word == word => return Some(*slot),
                Some(_) => at = (at + 1) & mask,
            }
        }
    }
    /// Enters the words of the members.
    pub(super) fn index(&mut self, words: impl Iterator<Item = u32>) {
        let size = (self.members.len().saturating_mul(2)).next_power_of_two().max(2);
        let free = Slot { word: STRANGE, place: 0, shape: ShapeId(0) };
        self.by_word = vec![free; size];
        for ((word, place), member) in words.zip(0..).zip(&self.members) {
            let mut at = spread(word) & (size - 1);
            while self.by_word.get(at).is_some_and(|slot| slot.word != STRANGE) {
                at = (at + 1) & (size - 1);
            }
            if let Some(free) = self.by_word.get_mut(at) {
                *free = Slot { word, place, shape: member.shape };
            }
        }
    }
    /// The member with this name: a walk, for the checks at loading.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|m| m.name == name)
    }
}

/// A member of an object.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// What stands there.
    pub shape: ShapeId,
    /// Whether it must be present.
    pub required: bool,
    /// Whether a message without it is still read, with a warning (`x-tolerate-missing`).
    pub missing_tolerated: bool,
}

/// An array.
#[derive(Clone, Debug)]
pub struct ArrayShape {
    /// What each item is.
    pub item: ShapeId,
    /// Fewest items.
    pub min: usize,
    /// Most items, `None` when only the reader's limit holds.
    pub max: Option<usize>,
    /// Most items a reader takes before it stops, where it differs from `Limits::repeats_max` (`x-repeats-max`).
    pub repeats_max: Option<usize>,
    pub(super) typed: bool,
}

/// How white space around a text is read in syntaxes that allow it (XML).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhiteSpace {
    /// Cut off at both ends.
    Trim,
    /// Kept (`"x-white-space": "preserve"`).
    Preserve,
}

/// A scalar.
#[derive(Clone, Debug)]
pub struct ScalarShape {
    /// Permitted kinds, never empty; `Number` stands for integers too.
    pub kinds: Vec<Kind>,
    /// Whether a number must be whole.
    pub integer: bool,
    /// The permitted texts (`enum`, `const`), in order; empty when there is no list.
    pub enumeration: Vec<String>,
    /// Fewest characters.
    pub min_length: usize,
    /// Most characters.
    pub max_length: Option<usize>,
    /// Regular expression, as in the schema.
    pub pattern: Option<String>,
    /// The format.
    pub format: Option<super::Format>,
    /// Least number.
    pub minimum: Option<f64>,
    /// Greatest number.
    pub maximum: Option<f64>,
    /// Whether a value outside list, pattern, format or length is only a warning when a message is read
    /// (`x-tolerate`).
    pub tolerated: bool,
    /// White space around the text.
    pub white_space: WhiteSpace,
    /// Shared, so that each pattern has one set of scratch space however many places have it.
    pub(super) regexes: Vec<Arc<super::Pattern>>,
    /// `enumeration` to be looked up in, when it is long.
    pub(super) listed: HashSet<String, Keyed>,
    /// `kinds`, one bit each.
    pub(super) taken: u8,
}

impl ScalarShape {
    /// Whether the list of permitted texts, if there is one, has this text.
    pub(super) fn lists(&self, text: &str) -> bool {
        if self.listed.is_empty() {
            return self.enumeration.is_empty() || self.enumeration.iter().any(|e| e == text);
        }
        self.listed.contains(text)
    }
    /// Whether a value of this kind is permitted.
    pub(super) const fn takes(&self, kind: Kind) -> bool {
        self.taken >> kind as u8 & 1 == 1
    }
    /// The pattern, ready to be used.
    #[must_use]
    pub fn regex(&self) -> Option<&Arc<super::Pattern>> {
        let pattern = self.pattern.as_deref()?;
        self.regexes.iter().find(|r| r.as_str() == pattern)
    }
    /// Whether text is permitted.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.kinds.contains(&Kind::String)
    }
}

/// A condition that no member list can say.
#[derive(Clone, Debug)]
pub(super) enum Check {
    AnyOf(Vec<ShapeId>),
    OneOf(Vec<ShapeId>),
    Not(ShapeId),
    If { when: ShapeId, then: Option<ShapeId>, otherwise: Option<ShapeId> },
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) shape: Shape,
    pub(super) checks: Vec<Check>,
    pub(super) notice: Option<String>,
}

/// The graph of all shapes of a set of schemas.
#[derive(Clone, Debug, Default)]
pub struct Shapes {
    pub(super) entries: Vec<Entry>,
    /// What is asked of most values, by shape.
    glances: Vec<Glance>,
    /// Every member name of every shape.
    pub(super) names: Names,
}

/// The words of the names of one document: what its names are called in a [`Shapes`], so that members are found by
/// number. Names the schemas do not know have none.
#[derive(Debug)]
pub struct Words {
    /// Names below this number have the same one in the shapes.
    same: u32,
    others: Vec<u32>,
}

/// Spreads words, which are small numbers in a row, over a table.
const fn spread(word: u32) -> usize {
    (word.wrapping_mul(0x9E37_79B9) >> 15) as usize
}

/// A name no schema knows.
const STRANGE: u32 = u32::MAX;

impl Words {
    /// The word of the name with this number in the document.
    #[must_use]
    pub fn of(&self, key: u32) -> u32 {
        match key.checked_sub(self.same) {
            None => key,
            Some(own) => self.others.get(own as usize).copied().unwrap_or(STRANGE),
        }
    }
}

static ANY: Shape = Shape::Any;

/// Depth beyond which [`Shapes::leaves`] stops: the depth of the deepest readable message.
const LEAF_DEPTH_MAX: usize = crate::document::DEPTH_MAX;

/// Most leaves [`Shapes::leaves`] lists: a schema beyond it is a mistake.
const LEAVES_MAX: usize = 100_000;

/// A place where a value can stand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leaf {
    /// Member names from the start; arrays are passed through without a step.
    pub path: Vec<String>,
    /// The scalar, free map or open shape there.
    pub shape: ShapeId,
    /// Whether the walk stopped here because the shape contains itself: everything below belongs to this leaf.
    pub recursive: bool,
}

/// A path that does not exist.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoSuchMember {
    /// How many steps of the path exist.
    pub found: usize,
    /// The step that does not.
    pub name: String,
    /// The nearest existing names at that place, best first; empty when nothing there is like it.
    pub near: Vec<String>,
}

impl Shapes {
    /// The shape with this number.
    #[must_use]
    pub fn get(&self, id: ShapeId) -> &Shape {
        self.entries.get(id.index()).map_or(&ANY, |e| &e.shape)
    }
    /// The shape with this number, and all that is asked beside it.
    pub(super) fn entry(&self, id: ShapeId) -> Option<&Entry> {
        self.entries.get(id.index())
    }
    /// Notes what is asked of most values, once every shape is built.
    pub(super) fn note_glances(&mut self) {
        self.glances = self.entries.iter().map(Glance::of).collect();
    }
    /// What most values are asked at this place.
    pub(super) fn glance(&self, id: ShapeId) -> Glance {
        self.glances.get(id.index()).copied().unwrap_or_default()
    }
    /// What a person is told when anything stands at this place (`x-notice`): its meaning is not understood, and it must
    /// not be passed over.
    #[must_use]
    pub fn notice(&self, id: ShapeId) -> Option<&str> {
        self.entries.get(id.index()).and_then(|e| e.notice.as_deref())
    }
    /// The number of shapes, for side tables.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
    /// Passes through arrays: the shape of one item, or the shape itself.
    #[must_use]
    pub fn item_of(&self, id: ShapeId) -> ShapeId {
        let mut at = id;
        // Arrays of arrays exist in no format of ours; the bound only stops a cyclic schema.
        for _ in 0..LEAF_DEPTH_MAX {
            match self.get(at) {
                Shape::Array(array) => at = array.item,
                _ => break,
            }
        }
        at
    }
    /// The object at this place or in the array at this place.
    #[must_use]
    pub fn object(&self, id: ShapeId) -> Option<&ObjectShape> {
        match self.get(self.item_of(id)) {
            Shape::Object(object) => Some(object),
            _ => None,
        }
    }
    /// The scalar at this place or in the array at this place.
    #[must_use]
    pub fn scalar(&self, id: ShapeId) -> Option<&ScalarShape> {
        match self.get(self.item_of(id)) {
            Shape::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }
    /// Every member name of every shape, with its word as number.
    #[must_use]
    pub const fn names(&self) -> &Names {
        &self.names
    }
    /// The words of a document's names.
    #[must_use]
    pub fn words_of(&self, document: &Document) -> Words {
        let known = document.known_names();
        if document.knows(&self.names) {
            // What the tree has besides these, no schema knows.
            return Words { same: u32::try_from(known).unwrap_or(0), others: Vec::new() };
        }
        let word = |name: Option<&str>| name.and_then(|n| self.names.find(n)).unwrap_or(STRANGE);
        let numbers = 0..u32::try_from(known.saturating_add(document.key_count())).unwrap_or(0);
        Words { same: 0, others: numbers.map(|key| word(document.key_named(key))).collect() }
    }
    /// The member of an object by its name.
    pub(super) fn member(&self, object: &ObjectShape, name: &str) -> Option<Slot> {
        object.member_by_word(self.names.find(name)?)
    }
    /// As [`Shapes::step`], by word, and without looking for names that are like it: `None` when there is no such member.
    #[must_use]
    pub fn step_by_word(&self, from: ShapeId, word: u32) -> Option<Option<ShapeId>> {
        match self.get(self.item_of(from)) {
            Shape::Any => Some(None),
            Shape::Object(object) => match (object.member_by_word(word), object.openness) {
                (Some(member), _) => Some(Some(member.shape)),
                (None, Openness::Map(shape)) => Some(Some(shape)),
                (None, Openness::Open) => Some(None),
                (None, _) => None,
            },
            _ => None,
        }
    }
    /// One step: the member `name` of the object (or of the items of the array) at `from`. Free maps have every name;
    /// `Any` and open objects have every name too, of shape `Any`, given as `None` inside `Ok`.
    ///
    /// # Errors
    /// [`NoSuchMember`] with the nearest names.
    pub fn step(&self, from: ShapeId, name: &str) -> Result<Option<ShapeId>, NoSuchMember> {
        let missing = |near: Vec<String>| NoSuchMember { found: 0, name: name.to_owned(), near };
        match self.get(self.item_of(from)) {
            Shape::Any => Ok(None),
            Shape::Object(object) => match (self.member(object, name), object.openness) {
                (Some(member), _) => Ok(Some(member.shape)),
                (None, Openness::Map(shape)) => Ok(Some(shape)),
                (None, Openness::Open) => Ok(None),
                (None, _) => Err(missing(nearest(name, object.members.iter().map(|m| m.name.as_str())))),
            },
            _ => Err(missing(Vec::new())),
        }
    }
    /// Follows member names from a place, passing through arrays. `Ok(None)` when the path leaves what the schema
    /// describes (inside `Any`).
    ///
    /// # Errors
    /// [`NoSuchMember`] at the first step that does not exist.
    pub fn resolve(&self, from: ShapeId, path: &[&str]) -> Result<Option<ShapeId>, NoSuchMember> {
        let mut at = from;
        for (index, name) in path.iter().enumerate() {
            match self.step(at, name) {
                Ok(Some(shape)) => at = shape,
                Ok(None) => return Ok(None),
                Err(error) => return Err(NoSuchMember { found: index, ..error }),
            }
        }
        Ok(Some(at))
    }
    /// Every leaf below a place, in writing order. A shape that contains itself ends in one `recursive` leaf.
    #[must_use]
    pub fn leaves(&self, from: ShapeId) -> Vec<Leaf> {
        let mut out = Vec::new();
        self.collect(from, &mut Vec::new(), &mut Vec::new(), &mut out);
        out
    }
    fn collect(&self, at: ShapeId, path: &mut Vec<String>, open: &mut Vec<ShapeId>, out: &mut Vec<Leaf>) {
        let shape = self.item_of(at);
        let recursive = open.contains(&shape);
        match self.get(shape) {
            Shape::Object(object) if !recursive && path.len() < LEAF_DEPTH_MAX && out.len() < LEAVES_MAX => {
                open.push(shape);
                for member in &object.members {
                    path.push(member.name.clone());
                    self.collect(member.shape, path, open, out);
                    path.pop();
                }
                open.pop();
                // An open object can hold values under names the schema does not know.
                if matches!(object.openness, Openness::Open | Openness::Map(_)) {
                    out.push(Leaf { path: path.clone(), shape, recursive: false });
                }
            }
            _ => out.push(Leaf { path: path.clone(), shape, recursive }),
        }
    }
}
