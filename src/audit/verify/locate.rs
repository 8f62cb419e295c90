//! Which entries differ, and how: a comparison of the hashes found with the hashes that were logged.
//!
//! Owns [`differences`] (altered, replaced, swapped, moved, inserted, missing) and the search for two swapped entries when
//! nothing but the signed root is left to compare with. Knows nothing of entries' content.

use crate::audit::merkle::{Hash, MerkleError, NodeSource, Tree, node_hash, root};
use std::collections::{BTreeSet, HashMap};

/// How one place differs. Positions are places in the sequence found; indexes are places in the sequence logged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Difference {
    /// Another entry stands at this index.
    Altered { index: u64, position: u64 },
    /// A copy of another logged entry stands at this index.
    Replaced { index: u64, position: u64, copy_of: u64 },
    /// Two entries stand in each other's place.
    Swapped { first: u64, second: u64 },
    /// Logged entries are nowhere.
    Missing { index: u64, count: u64 },
    /// An entry stands here that was not logged.
    Inserted { position: u64 },
    /// A logged entry stands elsewhere.
    Moved { position: u64, from: u64 },
    /// The sequence found ends before the one logged.
    Tail { have: u64 },
}

/// Compares what was found with what was logged. Linear in the two lengths when the entries differ from each other,
/// as entries with ids do.
pub(super) fn differences(found: &[Hash], logged: &[Hash]) -> Vec<Difference> {
    let first_same = found.iter().zip(logged).take_while(|(a, b)| a == b).count();
    if first_same == found.len() && first_same == logged.len() {
        return Vec::new();
    }
    let mut walk = Walk {
        found,
        logged,
        in_logged: places(logged),
        in_found: places(found),
        p: first_same,
        q: first_same,
        swapped: HashMap::new(),
        out: Vec::new(),
    };
    while walk.p < found.len() && walk.q < logged.len() {
        walk.step();
    }
    for position in walk.p..found.len() {
        walk.out.push(Difference::Inserted { position: position as u64 });
    }
    if walk.q < logged.len() {
        walk.out.push(Difference::Tail { have: walk.q as u64 });
    }
    let (out, in_logged) = (walk.out, walk.in_logged);
    join_moves(out, found, &in_logged)
}

fn places(hashes: &[Hash]) -> HashMap<Hash, usize> {
    // The last one put in wins; going backwards keeps the first of equal ones.
    hashes.iter().enumerate().rev().map(|(i, h)| (*h, i)).collect()
}

struct Walk<'a> {
    found: &'a [Hash],
    logged: &'a [Hash],
    in_logged: HashMap<Hash, usize>,
    in_found: HashMap<Hash, usize>,
    p: usize,
    q: usize,
    /// Positions whose entry was recognised as half of a swap, with the index they stand at.
    swapped: HashMap<usize, usize>,
    out: Vec<Difference>,
}

impl Walk<'_> {
    fn both(&mut self) {
        self.p += 1;
        self.q += 1;
    }

    fn step(&mut self) {
        let (Some(here), Some(want)) = (self.found.get(self.p), self.logged.get(self.q)) else { return };
        if here == want || self.swapped.get(&self.p) == Some(&self.q) {
            return self.both();
        }
        let (position, index) = (self.p as u64, self.q as u64);
        let from = self.in_logged.get(here).copied();
        let later = self.in_found.get(want).copied().filter(|s| *s > self.p);
        match (from, later) {
            (Some(j), Some(s)) if j > self.q && j - self.q == s - self.p => {
                self.out.push(Difference::Swapped { first: index, second: j as u64 });
                self.swapped.insert(s, j);
                self.both();
            }
            // Both appear later, at different distances: skip whichever is nearer.
            (Some(j), Some(s)) if j > self.q && j - self.q <= s - self.p => self.missing_until(j),
            (Some(j), None) if j > self.q => {
                // If the original of `here` still stands in its place, `here` is a copy and nothing was dropped.
                let original = self.p + (j - self.q);
                if self.found.get(original) == self.logged.get(j) {
                    self.out.push(Difference::Replaced { index, position, copy_of: j as u64 });
                    self.both();
                } else {
                    self.missing_until(j);
                }
            }
            (_, Some(_)) => {
                self.out.push(Difference::Inserted { position });
                self.p += 1;
            }
            (Some(j), None) => {
                self.out.push(Difference::Replaced { index, position, copy_of: j as u64 });
                self.both();
            }
            (None, None) => {
                self.out.push(Difference::Altered { index, position });
                self.both();
            }
        }
    }

    fn missing_until(&mut self, j: usize) {
        self.out.push(Difference::Missing { index: self.q as u64, count: (j - self.q) as u64 });
        self.q = j;
    }
}

/// An entry that is missing in one place and too much in another was moved.
fn join_moves(differences: Vec<Difference>, found: &[Hash], in_logged: &HashMap<Hash, usize>) -> Vec<Difference> {
    let missing: BTreeSet<u64> = differences
        .iter()
        .filter_map(|d| if let Difference::Missing { index, count: 1 } = d { Some(*index) } else { None })
        .collect();
    let mut moved = BTreeSet::new();
    let mut out = Vec::new();
    for difference in differences {
        let origin = |position: u64| {
            let hash = usize::try_from(position).ok().and_then(|p| found.get(p))?;
            in_logged.get(hash).map(|j| *j as u64).filter(|j| missing.contains(j))
        };
        match difference {
            Difference::Inserted { position } => match origin(position) {
                Some(from) => {
                    moved.insert(from);
                    out.push(Difference::Moved { position, from });
                }
                None => out.push(difference),
            },
            other => out.push(other),
        }
    }
    out.retain(|d| !matches!(d, Difference::Missing { index, count: 1 } if moved.contains(index)));
    out
}

/// A tree in which some leaves are thought to be others.
struct Patched<'a> {
    tree: &'a Tree,
    patches: [(u64, Hash); 2],
}

impl NodeSource for Patched<'_> {
    fn node(&self, level: u32, position: u64) -> Result<Hash, MerkleError> {
        let touches = |at: u64| at.checked_shr(level).unwrap_or(0) == position;
        if !self.patches.iter().any(|(at, _)| touches(*at)) {
            return self.tree.node(level, position);
        }
        if level == 0 {
            let patch = self.patches.iter().find(|(at, _)| *at == position);
            return patch.map(|(_, hash)| *hash).ok_or(MerkleError::Missing { level, position });
        }
        let left = self.node(level - 1, position.saturating_mul(2))?;
        let right = self.node(level - 1, position.saturating_mul(2).saturating_add(1))?;
        Ok(node_hash(&left, &right))
    }
}

/// Looks among `pairs` for two entries whose exchange gives the signed root. The caller bounds the pairs.
pub(super) fn swapped_pair(
    tree: &Tree,
    size: u64,
    signed: &Hash,
    mut pairs: impl Iterator<Item = (u64, u64)>,
) -> Option<(u64, u64)> {
    pairs.find(|(first, second)| {
        let (Ok(one), Ok(other)) = (tree.node(0, *first), tree.node(0, *second)) else { return false };
        let patches = [(*first, other), (*second, one)];
        root(&Patched { tree, patches }, size) == Ok(*signed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::merkle::leaf_hash;

    fn hashes(text: &str) -> Vec<Hash> {
        text.bytes().map(|b| leaf_hash(&[b])).collect()
    }
    fn diff(found: &str, logged: &str) -> Vec<Difference> {
        differences(&hashes(found), &hashes(logged))
    }

    #[test]
    fn single_changes_are_named_exactly() {
        assert_eq!(diff("abcdef", "abcdef"), []);
        assert_eq!(diff("abXdef", "abcdef"), [Difference::Altered { index: 2, position: 2 }]);
        assert_eq!(diff("abdef", "abcdef"), [Difference::Missing { index: 2, count: 1 }]);
        assert_eq!(diff("abf", "abcdef"), [Difference::Missing { index: 2, count: 3 }]);
        assert_eq!(diff("aebcdf", "abcdef"), [Difference::Moved { position: 1, from: 4 }]);
        assert_eq!(diff("acdebf", "abcdef"), [Difference::Moved { position: 4, from: 1 }]);
        assert_eq!(diff("aecdbf", "abcdef"), [Difference::Swapped { first: 1, second: 4 }]);
        assert_eq!(diff("bacdef", "abcdef"), [Difference::Swapped { first: 0, second: 1 }]);
        assert_eq!(diff("abcdfe", "abcdef"), [Difference::Swapped { first: 4, second: 5 }]);
        assert_eq!(diff("abXcdef", "abcdef"), [Difference::Inserted { position: 2 }]);
        assert_eq!(diff("abbcdef", "abcdef"), [Difference::Inserted { position: 2 }]);
        assert_eq!(diff("abadef", "abcdef"), [Difference::Replaced { index: 2, position: 2, copy_of: 0 }]);
        assert_eq!(diff("abedef", "abcdef"), [Difference::Replaced { index: 2, position: 2, copy_of: 4 }]);
        assert_eq!(diff("abcd", "abcdef"), [Difference::Tail { have: 4 }]);
        assert_eq!(diff("", "ab"), [Difference::Tail { have: 0 }]);
        assert_eq!(
            diff("abcdefgh", "abcdef"),
            [Difference::Inserted { position: 6 }, Difference::Inserted { position: 7 }]
        );
    }

    #[test]
    fn several_changes_are_told_apart() {
        assert_eq!(
            diff("Xbdefgih", "abcdefghi"),
            [
                Difference::Altered { index: 0, position: 0 },
                Difference::Missing { index: 2, count: 1 },
                Difference::Swapped { first: 7, second: 8 },
            ]
        );
    }

    #[test]
    fn every_single_change_of_a_short_log_is_noticed() {
        let logged = hashes("abcdefghijklm");
        let n = logged.len();
        for i in 0..n {
            let mut altered = logged.clone();
            altered[i] = leaf_hash(b"?");
            assert_eq!(differences(&altered, &logged).len(), 1);
            let mut dropped = logged.clone();
            dropped.remove(i);
            assert_eq!(differences(&dropped, &logged).len(), 1);
            for j in 0..n {
                let mut swapped = logged.clone();
                swapped.swap(i, j);
                let (first, second) = (i.min(j) as u64, i.max(j) as u64);
                let expected = if i == j { vec![] } else { vec![Difference::Swapped { first, second }] };
                assert_eq!(differences(&swapped, &logged), expected);
            }
        }
    }

    #[test]
    fn two_swapped_entries_are_found_from_the_root_alone() {
        for size in [2_u64, 3, 8, 13, 64, 100] {
            let logged: Vec<Hash> = (0..size).map(|i| leaf_hash(&i.to_be_bytes())).collect();
            let signed = Tree::new(logged.clone()).root();
            let mut found = logged;
            found.swap(0, usize::try_from(size - 1).unwrap());
            let pairs = (0..size).flat_map(|a| (a + 1..size).map(move |b| (a, b)));
            assert_eq!(swapped_pair(&Tree::new(found), size, &signed, pairs), Some((0, size - 1)));
        }
    }
}
