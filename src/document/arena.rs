//! Text of a tree in one buffer, and each member name once.
//!
//! A message of 400,000 nodes must fit in a few tens of megabytes, so nodes hold four-byte numbers and the text lies
//! here. The hash is keyed (SipHash), so that names chosen by a sender cannot all fall into one slot.

use std::hash::{BuildHasher as _, RandomState};

/// Free slot of [`Keys::slots`].
const FREE: u32 = u32::MAX;

/// A range of [`Arena::text`].
#[derive(Clone, Copy)]
pub(super) struct Piece {
    start: u32,
    len: u32,
}

impl Piece {
    /// The two numbers, to be kept in a node.
    pub(super) const fn parts(self) -> (u32, u32) {
        (self.start, self.len)
    }
    /// Back from the two numbers.
    pub(super) const fn of(start: u32, len: u32) -> Self {
        Self { start, len }
    }
}

/// The texts and names of one tree.
#[derive(Clone)]
pub(super) struct Arena {
    text: String,
    keys: Vec<Piece>,
    slots: Vec<u32>,
    hasher: RandomState,
}

impl Arena {
    /// Empty, with room for `bytes` of text.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), keys: Vec::new(), slots: Vec::new(), hasher: RandomState::new() }
    }
    /// Keeps a text.
    pub(super) fn push(&mut self, text: &str) -> Piece {
        let start = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        // INVARIANT: `Limits::bytes_max` keeps a tree read from bytes far below 4 GiB; what does not fit is dropped
        // rather than misread.
        let Ok(len) = u32::try_from(text.len()) else { return Piece { start: 0, len: 0 } };
        if start.checked_add(len).is_none() {
            return Piece { start: 0, len: 0 };
        }
        self.text.push_str(text);
        Piece { start, len }
    }
    /// The text of a piece.
    pub(super) fn get(&self, piece: Piece) -> &str {
        let start = piece.start as usize;
        self.text.get(start..start + piece.len as usize).unwrap_or("")
    }
    /// The name with this number.
    pub(super) fn key(&self, id: u32) -> Option<&str> {
        self.keys.get(id as usize).map(|p| self.get(*p))
    }
    /// The number of a name, if any node has it.
    pub(super) fn find_key(&self, name: &str) -> Option<u32> {
        self.slot(name).and_then(|at| self.slots.get(at).copied()).filter(|id| *id != FREE)
    }
    /// The number of a name, made on first use.
    pub(super) fn intern(&mut self, name: &str) -> u32 {
        if let Some(id) = self.find_key(name) {
            return id;
        }
        if self.keys.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let id = u32::try_from(self.keys.len()).unwrap_or(FREE);
        let piece = self.push(name);
        self.keys.push(piece);
        if let Some(slot) = self.slot(name).and_then(|at| self.slots.get_mut(at)) {
            *slot = id;
        }
        id
    }
    /// Where `name` stands or would stand; `None` while there are no slots.
    fn slot(&self, name: &str) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = (self.hasher.hash_one(name) as usize) & mask;
        loop {
            let id = *self.slots.get(at)?;
            if id == FREE || self.key(id) == Some(name) {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
    }
    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(32);
        self.slots = vec![FREE; size];
        for id in 0..u32::try_from(self.keys.len()).unwrap_or(0) {
            // The name is copied because `slot` borrows the whole arena; growing is rare.
            let name = self.key(id).unwrap_or("").to_owned();
            if let Some(slot) = self.slot(&name).and_then(|at| self.slots.get_mut(at)) {
                *slot = id;
            }
        }
    }
}
