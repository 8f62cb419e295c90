//! Text of a tree in one buffer, and each member name once.
//!
//! A message of 400,000 nodes must fit in a few tens of megabytes, so nodes hold four-byte numbers and the text lies
//! here. The hash is keyed with numbers no sender can know, so that names chosen by one cannot all fall into one slot.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, OnceLock};

/// Free slot of [`Keys::slots`].
const FREE: u32 = u32::MAX;

/// Slots to begin with: most messages have fewer than half as many names.
const SLOTS_MIN: usize = 256;

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

/// The hash of a name: eight bytes at a time, each mixed by a multiplication with a secret of this process.
///
/// SipHash costs several times as much for names of ten letters, and names are looked up more often than anything else.
/// A folded multiplication with secret factors resists a sender who cannot see the table, which is all one can do here.
#[inline]
fn hash(name: &[u8]) -> u64 {
    let [a, b] = secret();
    let (chunks, rest) = name.as_chunks::<8>();
    let mut state = a ^ name.len() as u64;
    for chunk in chunks {
        state = fold(state ^ u64::from_le_bytes(*chunk), b);
    }
    fold(fold(state ^ tail(name, rest), b) ^ b, a)
}

/// What is left of a name after its words of eight bytes, in one word; together with the length it tells names apart.
#[inline]
fn tail(name: &[u8], rest: &[u8]) -> u64 {
    let four = |bytes: Option<&[u8; 4]>| u64::from(bytes.map_or(0, |b| u32::from_le_bytes(*b)));
    match (rest, name.last_chunk::<8>()) {
        ([], _) => 0,
        // The last word again, with some bytes that were seen before.
        (_, Some(word)) => u64::from_le_bytes(*word),
        ([one], _) => u64::from(*one),
        ([one, .., last], _) if rest.len() < 4 => {
            u64::from(*one) | u64::from(rest.get(1).copied().unwrap_or(0)) << 8 | u64::from(*last) << 16
        }
        _ => four(rest.first_chunk()) | four(rest.last_chunk()) << 32,
    }
}

fn secret() -> [u64; 2] {
    static SECRET: OnceLock<[u64; 2]> = OnceLock::new();
    *SECRET.get_or_init(|| {
        let state = RandomState::new();
        [state.hash_one(0_u8) | 1, state.hash_one(1_u8) | 1]
    })
}

fn fold(x: u64, y: u64) -> u64 {
    let wide = u128::from(x) * u128::from(y);
    #[allow(clippy::cast_possible_truncation, reason = "both halves are taken")]
    let folded = (wide as u64) ^ ((wide >> 64) as u64);
    folded
}

/// The same hash for maps whose keys come out of messages: short texts, looked up often.
#[derive(Clone, Copy, Default)]
pub struct Keyed;

impl BuildHasher for Keyed {
    type Hasher = KeyedHasher;
    fn build_hasher(&self) -> KeyedHasher {
        KeyedHasher(secret()[0])
    }
}

/// See [`Keyed`].
pub struct KeyedHasher(u64);

impl Hasher for KeyedHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = fold(self.0 ^ hash(bytes), secret()[1]);
    }
    fn write_u8(&mut self, _: u8) {
        // The end mark of a text: its length is in the hash already.
    }
    fn write_u32(&mut self, number: u32) {
        self.0 = fold(self.0 ^ u64::from(number), secret()[1]);
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

/// The texts and names of one tree.
#[derive(Clone)]
pub(super) struct Arena {
    /// Names every tree of a content set knows; their numbers come first.
    base: Option<Names>,
    /// How many those are.
    known: u32,
    text: String,
    keys: Vec<Piece>,
    slots: Vec<u32>,
}

impl Arena {
    /// Empty, with room for `bytes` of text.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { base: None, known: 0, text: String::with_capacity(bytes), keys: Vec::new(), slots: Vec::new() }
    }
    /// As [`Arena::with_capacity`], with these names known from the start, under the numbers they have there.
    pub(super) fn knowing(base: Option<&Names>, bytes: usize) -> Self {
        let known = base.map_or(0, |names| u32::try_from(names.len()).unwrap_or(0));
        Self { base: base.cloned(), known, ..Self::with_capacity(bytes) }
    }
    /// The same texts, with these names known and no others yet.
    pub(super) fn based(&self, names: &Names) -> Self {
        Self { text: self.text.clone(), ..Self::knowing(Some(names), 0) }
    }
    /// The names known from the start.
    pub(super) const fn base(&self) -> Option<&Names> {
        self.base.as_ref()
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
    /// Keeps a text that is put together in place.
    pub(super) fn push_parts(&mut self, parts: std::fmt::Arguments<'_>) -> Piece {
        use std::fmt::Write as _;
        let start = self.text.len();
        let written = self.text.write_fmt(parts);
        let len = self.text.len().saturating_sub(start);
        match (written, u32::try_from(start), u32::try_from(len)) {
            (Ok(()), Ok(start), Ok(len)) if start.checked_add(len).is_some() => Piece { start, len },
            _ => Piece { start: 0, len: 0 },
        }
    }
    /// The text of a piece.
    pub(super) fn get(&self, piece: Piece) -> &str {
        let start = piece.start as usize;
        self.text.get(start..start + piece.len as usize).unwrap_or("")
    }
    /// Whether a piece is this text.
    fn says(&self, piece: Piece, text: &str) -> bool {
        let start = piece.start as usize;
        piece.len as usize == text.len() && self.text.as_bytes().get(start..start + text.len()) == Some(text.as_bytes())
    }
    /// The name with this number.
    pub(super) fn key(&self, id: u32) -> Option<&str> {
        match id.checked_sub(self.known) {
            Some(own) => self.keys.get(own as usize).map(|p| self.get(*p)),
            None => self.base.as_ref().and_then(|names| names.0.key(id)),
        }
    }
    /// Every name of its own, in order of the numbers, which begin after those of the base.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|piece| self.get(*piece))
    }
    /// How many names of its own there are.
    pub(super) fn key_count(&self) -> usize {
        self.keys.len()
    }
    /// The number of a name, if any node has it.
    pub(super) fn find_key(&self, name: &str) -> Option<u32> {
        self.find_hashed(name, hash(name.as_bytes()))
    }
    fn find_hashed(&self, name: &str, hashed: u64) -> Option<u32> {
        if let Some(known) = self.base.as_ref().and_then(|names| names.0.find_hashed(name, hashed)) {
            return Some(known);
        }
        let own = self.slot(name, hashed).and_then(|at| self.slots.get(at).copied()).filter(|id| *id != FREE);
        own.map(|id| id.saturating_add(self.known))
    }
    /// The number of a name, made on first use.
    pub(super) fn intern(&mut self, name: &str) -> u32 {
        let hashed = hash(name.as_bytes());
        if let Some(id) = self.find_hashed(name, hashed) {
            return id;
        }
        if self.keys.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let id = u32::try_from(self.keys.len()).unwrap_or(FREE);
        let piece = self.push(name);
        self.keys.push(piece);
        if let Some(slot) = self.slot(name, hashed).and_then(|at| self.slots.get_mut(at)) {
            *slot = id;
        }
        id.saturating_add(self.known)
    }
    /// Where `name` stands or would stand among its own; `None` while there are no slots.
    fn slot(&self, name: &str, hashed: u64) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = (hashed as usize) & mask;
        loop {
            let id = *self.slots.get(at)?;
            if id == FREE || self.keys.get(id as usize).is_some_and(|p| self.says(*p, name)) {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
    }
    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(SLOTS_MIN);
        self.slots = vec![FREE; size];
        for id in 0..u32::try_from(self.keys.len()).unwrap_or(0) {
            // The name is copied because `slot` borrows the whole arena; growing is rare.
            let name = self.keys.get(id as usize).map_or("", |p| self.get(*p)).to_owned();
            let at = self.slot(&name, hash(name.as_bytes()));
            if let Some(slot) = at.and_then(|at| self.slots.get_mut(at)) {
                *slot = id;
            }
        }
    }
}

/// Names with numbers, from 0 in order of first use: what a content set knows before any message arrives.
///
/// A copy is cheap and stands for the same list. Trees made with [`super::Document::knowing`] give these names the same
/// numbers, so that nothing has to be looked up between schemas, mappings and messages.
#[derive(Clone)]
pub struct Names(Arc<Arena>);

impl Default for Names {
    fn default() -> Self {
        Self(Arc::new(Arena::with_capacity(0)))
    }
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Names({})", self.0.key_count())
    }
}

impl Names {
    /// The number of a name, given to it now when it has none.
    pub fn number(&mut self, name: &str) -> u32 {
        Arc::make_mut(&mut self.0).intern(name)
    }
    /// Whether this is the same list, not merely an equal one.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
    /// The number of a name, if it has one.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<u32> {
        self.0.find_key(name)
    }
    /// Every name, in order of the numbers.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.names()
    }
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.key_count()
    }
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
