//! Where a segment belongs in its message: the structure of the schema as a small tree with a moving finger.
//!
//! Segments are taken in the order of the structure. One that comes at an odd place is put where the structure has it,
//! with a warning: one that cannot begin a group belongs to the last group of that kind. One the structure has only once
//! is kept in its group beside the first, one the structure does not have is kept beside the message's own.

use super::{Content, MessageShape, Place, Repeats, is_segment_name};

/// Groups within groups; the deepest structure of the standard has five.
const GROUP_DEPTH_MAX: usize = 8;
/// Groups and segments of one structure; the largest of the standard has about two hundred.
const STRUCTURE_MAX: usize = 1_000;
/// Fields and parts whose numbers are looked up once for a structure; the longest segment of the standard has about 60.
const NUMBERS_MAX: usize = 100;

/// A group or segment of the structure.
#[derive(Debug)]
pub(super) struct Part {
    pub name: String,
    /// The number of the name among those the shape knows.
    pub key: Option<u32>,
    /// The name of a segment as one number; 0 for a group.
    letters: u32,
    pub place: Place,
    pub repeats: Repeats,
    pub segment: bool,
    required: bool,
    parent: usize,
    children: Vec<usize>,
}

/// The structure; the message itself is part 0.
#[derive(Debug)]
pub struct Structure {
    parts: Vec<Part>,
    /// What the names `1`, `2`, … of fields and parts are among the names the shape knows.
    numbers: Vec<Option<u32>>,
}

/// The name of a segment as one number: three letters, so never 0.
fn letters(name: &str) -> u32 {
    name.bytes().take(4).fold(0, |all, letter| (all << 8) | u32::from(letter))
}

/// A group that is open: which part, and the last of its children that was used.
#[derive(Clone, Copy, Debug)]
struct Open {
    part: usize,
    /// Position among the children; `None` before the first.
    at: Option<usize>,
}

/// Where the next segment goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Target {
    /// How many of the groups open before stay open.
    pub keep: usize,
    /// Groups to open below them, outermost first.
    pub open: Vec<usize>,
    /// How many of those, from the outermost, the segment cannot begin: the last of each is meant, where there is one.
    pub join: usize,
    /// The segment's part.
    pub part: usize,
    /// Whether it comes out of order.
    pub odd: bool,
}

impl Structure {
    /// The structure of a shape: dear, so it is made once for a schema.
    #[must_use]
    pub fn of(shape: &dyn MessageShape) -> Self {
        let root = Part {
            name: String::new(),
            key: None,
            letters: 0,
            place: shape.root(),
            repeats: Repeats::Once,
            segment: false,
            required: true,
            parent: 0,
            children: Vec::new(),
        };
        let number = |n: usize| shape.names().and_then(|names| names.find(&n.to_string()));
        let mut all = Self { parts: vec![root], numbers: (0..NUMBERS_MAX).map(number).collect() };
        all.fill(0, shape, 0);
        all
    }

    fn fill(&mut self, group: usize, shape: &dyn MessageShape, depth: usize) {
        let Some(place) = self.part(group).map(|p| p.place) else { return };
        if depth > GROUP_DEPTH_MAX || shape.content(place) != Content::Elements {
            return;
        }
        for name in shape.order(place) {
            let Some((inner, repeats)) = shape.child(place, name).filter(|_| self.parts.len() < STRUCTURE_MAX) else {
                continue;
            };
            let id = self.parts.len();
            let (segment, required) = (is_segment_name(name), shape.requires(place, name));
            self.parts.push(Part {
                name: name.to_owned(),
                key: shape.names().and_then(|names| names.find(name)),
                letters: if segment { letters(name) } else { 0 },
                place: inner,
                repeats,
                segment,
                required,
                parent: group,
                children: Vec::new(),
            });
            if let Some(outer) = self.parts.get_mut(group) {
                outer.children.push(id);
            }
            if !segment {
                self.fill(id, shape, depth + 1);
            }
        }
    }

    pub(super) fn part(&self, id: usize) -> Option<&Part> {
        self.parts.get(id)
    }
    /// What the name of a field or part is among the names the shape knows.
    pub(super) fn number(&self, part: usize) -> Option<u32> {
        self.numbers.get(part).copied().flatten()
    }
    pub(super) fn parent(&self, id: usize) -> usize {
        self.part(id).map_or(0, |p| p.parent)
    }
    fn children(&self, id: usize) -> &[usize] {
        self.part(id).map_or(&[], |p| &p.children)
    }
    fn repeats(&self, id: usize) -> bool {
        self.part(id).is_some_and(|p| p.repeats != Repeats::Once)
    }
    fn is(&self, id: usize, name: u32) -> bool {
        self.part(id).is_some_and(|p| p.segment && p.letters == name)
    }

    /// The groups to open and the segment at the end, when `name` can begin the group: nothing required stands before it.
    fn entry(&self, group: usize, name: u32) -> Option<Vec<usize>> {
        for child in self.children(group) {
            if self.is(*child, name) {
                return Some(vec![*child]);
            }
            if let Some(mut way) = self.entry(*child, name) {
                way.insert(0, *child);
                return Some(way);
            }
            if self.part(*child).is_some_and(|p| p.required) {
                return None;
            }
        }
        None
    }

    /// As [`Structure::entry`], wherever in the group the segment stands.
    fn anywhere(&self, group: usize, name: u32) -> Option<Vec<usize>> {
        self.children(group).iter().find_map(|child| {
            if self.is(*child, name) {
                return Some(vec![*child]);
            }
            let mut way = self.anywhere(*child, name)?;
            way.insert(0, *child);
            Some(way)
        })
    }
}

/// The finger: the groups that are open.
#[derive(Debug)]
pub(super) struct Finger {
    open: Vec<Open>,
}

impl Finger {
    pub(super) fn new() -> Self {
        Self { open: vec![Open { part: 0, at: None }] }
    }

    /// Where a segment of this name goes; `None` when the structure has no place for it (any more).
    pub(super) fn find(&self, structure: &Structure, name: &str) -> Option<Target> {
        let name = letters(name);
        self.forward(structure, name)
            .or_else(|| self.beside(structure, name))
            .or_else(|| self.elsewhere(structure, name))
    }

    /// In order: in the innermost open group first.
    fn forward(&self, structure: &Structure, name: u32) -> Option<Target> {
        for (level, open) in self.open.iter().enumerate().rev() {
            for (i, child) in structure.children(open.part).iter().enumerate().skip(open.at.unwrap_or(0)) {
                if open.at == Some(i) && !structure.repeats(*child) {
                    continue;
                }
                let way = if structure.is(*child, name) {
                    Some(vec![*child])
                } else {
                    structure.entry(*child, name).map(|mut way| {
                        way.insert(0, *child);
                        way
                    })
                };
                if let Some(way) = way {
                    return target(level, way, false);
                }
            }
        }
        None
    }

    /// Out of order, in a group that is open.
    fn beside(&self, structure: &Structure, name: u32) -> Option<Target> {
        self.open.iter().enumerate().rev().find_map(|(level, open)| {
            let child = structure.children(open.part).iter().find(|c| structure.is(**c, name))?;
            target(level, vec![*child], true)
        })
    }

    /// Anywhere at all.
    fn elsewhere(&self, structure: &Structure, name: u32) -> Option<Target> {
        self.open.iter().enumerate().rev().find_map(|(level, open)| {
            let begun = structure.children(open.part).iter().find_map(|c| {
                structure.entry(*c, name).map(|mut way| {
                    way.insert(0, *c);
                    way
                })
            });
            let way = begun.or_else(|| structure.anywhere(open.part, name))?;
            let join = way.iter().take_while(|group| structure.entry(**group, name).is_none()).count();
            let found = target(level, way, true)?;
            // The segment itself begins nothing and is not counted.
            Some(Target { join: join.min(found.open.len()), ..found })
        })
    }

    /// Moves to a target that was used.
    pub(super) fn moved(&mut self, structure: &Structure, target: &Target) {
        self.open.truncate(target.keep);
        for part in target.open.iter().chain([&target.part]) {
            let place = structure.children(structure.parent(*part)).iter().position(|c| c == part);
            if let Some(open) = self.open.last_mut() {
                // Something out of order does not move the finger back.
                open.at = if target.odd { open.at.max(place) } else { place };
            }
            if target.open.contains(part) {
                self.open.push(Open { part: *part, at: None });
            }
        }
    }
}

fn target(level: usize, mut way: Vec<usize>, odd: bool) -> Option<Target> {
    let part = way.pop()?;
    Some(Target { keep: level + 1, open: way, join: 0, part, odd })
}
