//! Which items of a block can have an effect on a node, by the names of its members.
//!
//! A mapping has hundreds of rules and a node a handful of members: a run asks the gate once which rules have anything
//! to look at, in place of asking every rule for its value. Owns nothing but the question: what a rule does is the
//! engine's business, and a rule that could do something without a value (a default, a constant) is always let through.

use super::lang::tree::{Arrow, Which};
use super::loss::Direction;
use super::plan::{Field, Item, Path};

/// Items of one block that a gate tells apart; a longer block is walked whole.
const ITEMS_MAX: usize = 256;

/// A set of items of one block.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Bits([u64; ITEMS_MAX / 64]);

impl Bits {
    fn set(&mut self, at: usize) {
        if let Some(word) = self.0.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }
    /// All that are in either.
    pub fn join(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a |= b);
    }
    /// Those in both.
    #[must_use]
    pub fn both(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a &= b);
        self
    }
    /// The places in it, in order.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(at, word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let low = rest.trailing_zeros() as usize;
                rest &= rest.checked_sub(1)?;
                Some(at * 64 + low)
            })
        })
    }
}

/// What lets the items of one block through, in one direction.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    /// Whatever the node has.
    pub always: Bits,
    /// Where the segment keeps values that a rule may put back.
    pub kept: Bits,
    /// Where the node has a member of this name, by the name's number in the plan.
    members: Vec<(u32, Bits)>,
    /// Where the root has it.
    pub roots: Vec<(u32, Bits)>,
    /// Those that are constants: they come last.
    pub fixed: Bits,
    /// Whether the block is short enough to be told apart.
    pub tells: bool,
}

/// The gates of one block.
#[derive(Clone, Debug, Default)]
pub struct Gates {
    read: Gate,
    write: Gate,
}

impl Gates {
    /// For these items.
    #[must_use]
    pub fn of(items: &[Item]) -> Self {
        Self { read: Gate::of(items, Direction::Read), write: Gate::of(items, Direction::Write) }
    }
    /// For this direction.
    #[must_use]
    pub const fn way(&self, direction: Direction) -> &Gate {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }
}

impl Gate {
    fn of(items: &[Item], direction: Direction) -> Self {
        let mut gate = Self { tells: items.len() <= ITEMS_MAX, ..Self::default() };
        for (at, item) in items.iter().enumerate().take(ITEMS_MAX) {
            gate.item(at, item, direction);
        }
        gate.members.sort_unstable_by_key(|(word, _)| *word);
        gate
    }

    /// What the member of this name lets through.
    #[must_use]
    pub fn member(&self, word: u32) -> Option<&Bits> {
        let at = self.members.binary_search_by_key(&word, |(w, _)| *w).ok()?;
        self.members.get(at).map(|(_, bits)| bits)
    }

    fn item(&mut self, at: usize, item: &Item, direction: Direction) {
        let native = |which: Which| (which == Which::Native) == (direction == Direction::Read);
        match item {
            Item::Field(field) => self.field(at, field, direction),
            Item::Choice(fields) => fields.iter().for_each(|field| self.field(at, field, direction)),
            Item::Scope(scope) => {
                // A list that its sender cleared is written although the record has no items for it.
                if direction == Direction::Write {
                    self.kept.set(at);
                }
                self.path(at, inward(&scope.native, &scope.canonical, direction));
            }
            Item::Drop(rule) if native(rule.which) => match &rule.path {
                Some(path) => self.path(at, path),
                None => self.always.set(at),
            },
            Item::Drop(_) => {}
            Item::Fixed(fixed) => {
                self.fixed.set(at);
                if native(fixed.which) {
                    self.path(at, &fixed.path);
                } else {
                    self.always.set(at);
                }
            }
        }
    }

    fn field(&mut self, at: usize, field: &Field, direction: Direction) {
        let works = match field.arrow {
            Arrow::Both => true,
            Arrow::Read => direction == Direction::Read,
            Arrow::Write => direction == Direction::Write,
        };
        if !works {
            return;
        }
        if field.default.is_some() {
            return self.always.set(at);
        }
        if direction == Direction::Read {
            return self.path(at, &field.native);
        }
        if field.restorable {
            self.kept.set(at);
        }
        match field.canonical.first() {
            // Every part must be there, so the first speaks for all.
            Some((path, _)) => self.path(at, path),
            None => self.always.set(at),
        }
    }

    fn path(&mut self, at: usize, path: &Path) {
        let Some(first) = path.steps.first() else { return self.always.set(at) };
        let list = if path.root { &mut self.roots } else { &mut self.members };
        match list.iter_mut().find(|(word, _)| *word == first.word) {
            Some((_, bits)) => bits.set(at),
            None => {
                let mut bits = Bits::default();
                bits.set(at);
                list.push((first.word, bits));
            }
        }
    }
}

const fn inward<'p>(native: &'p Path, canonical: &'p Path, direction: Direction) -> &'p Path {
    match direction {
        Direction::Read => native,
        Direction::Write => canonical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_gives_its_places_in_order() {
        let mut bits = Bits::default();
        for at in [255, 3, 64, 0] {
            bits.set(at);
        }
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 3, 64, 255]);
        assert_eq!(bits.both(&Bits::default()), Bits::default());
    }
}
