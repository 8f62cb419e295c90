//! Keys over the life of a log: which may have signed a checkpoint of a given size.
//!
//! Owns the rule of a rotation: the last checkpoint of a retired key is signed by it and by its successor. Whoever trusts
//! the successor thereby trusts the retired key for everything up to that size, and for nothing after it. Trust never goes
//! the other way: somebody who holds the old key only must be given the new one.
//!
//! # Source
//! Solent audit paper §9 ("new key signs, old key cosigns one overlap checkpoint").

use super::{Checkpoint, Note, NoteError, Signed, TYPE_ED25519, Verified, Vkey};

/// A key that no longer signs, with its last checkpoint, which its successor signed too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RetiredKey {
    /// The key.
    pub vkey: Vkey,
    /// The overlap: a signed checkpoint, as bytes of a note.
    pub note: Vec<u8>,
}

/// The keys to believe, each up to the size at which it ended.
#[derive(Clone, Debug)]
pub struct Keyring {
    keys: Vec<(Vkey, Option<u64>)>,
    strangers: Vec<Vkey>,
}

impl RetiredKey {
    /// The size of the overlap, when the key itself and one of `trusted` signed it.
    fn ended(&self, trusted: &[Vkey]) -> Option<u64> {
        let note = Note::parse(&self.note).ok()?;
        let checkpoint = Checkpoint::parse(note.text()).ok()?;
        let may_vouch =
            |key: &&Vkey| key.kind() == TYPE_ED25519 && *key.name() == checkpoint.origin && key.id() != self.vkey.id();
        let by = |verified: Vec<Verified>| verified.iter().any(|v| v.signed == Signed::Log);
        let itself = note.verify([&self.vkey]).ok().is_some_and(by) && *self.vkey.name() == checkpoint.origin;
        let vouched = note.verify(trusted.iter().filter(may_vouch)).ok().is_some_and(by);
        (itself && vouched).then_some(checkpoint.size)
    }
}

impl Keyring {
    /// The keys somebody trusts, and those retired ones that these vouch for, one after the other.
    #[must_use]
    pub fn new(trusted: &[Vkey], retired: &[RetiredKey]) -> Self {
        let mut keys: Vec<(Vkey, Option<u64>)> = trusted.iter().map(|key| (key.clone(), None)).collect();
        let mut waiting: Vec<&RetiredKey> = retired.iter().collect();
        loop {
            let known: Vec<Vkey> = keys.iter().map(|(key, _)| key.clone()).collect();
            let before = waiting.len();
            waiting.retain(|one| {
                let Some(size) = one.ended(&known) else { return true };
                match keys.iter_mut().find(|(key, _)| *key == one.vkey) {
                    Some((_, until)) => *until = Some(size),
                    None => keys.push((one.vkey.clone(), Some(size))),
                }
                false
            });
            if waiting.len() == before {
                break;
            }
        }
        // A key that was given but whose successor was not is trusted as it stands.
        let strangers = waiting.into_iter().filter(|one| !trusted.contains(&one.vkey)).map(|one| one.vkey.clone());
        let strangers = strangers.collect();
        Self { keys, strangers }
    }

    /// The keys that may have signed a checkpoint of this size.
    #[must_use]
    pub fn at(&self, size: u64) -> Vec<Vkey> {
        let valid = self.keys.iter().filter(|(_, until)| until.is_none_or(|until| size <= until));
        valid.map(|(key, _)| key.clone()).collect()
    }

    /// Reads a signed checkpoint and checks it with the keys of its size.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn open(&self, note: &[u8]) -> Result<(Checkpoint, Vec<Verified>), NoteError> {
        let size = Checkpoint::parse(Note::parse(note)?.text())?.size;
        Checkpoint::open(note, &self.at(size))
    }

    /// Retired keys that nobody trusted vouches for.
    #[must_use]
    pub fn strangers(&self) -> &[Vkey] {
        &self.strangers
    }

    /// Whether a key is there and ended.
    #[must_use]
    pub fn has_ended(&self, key: &Vkey) -> bool {
        self.keys.iter().any(|(one, until)| one == key && until.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::merkle::Hash;
    use crate::audit::{Origin, Signer};

    fn signer(seed: u8) -> Signer {
        Signer::log(Origin::parse("audit.example.org/log1").unwrap(), &[seed; 32]).unwrap()
    }

    fn overlap(old: &Signer, new: &Signer, size: u64) -> RetiredKey {
        let mut note = new.checkpoint(size, Hash([3; 32]));
        note.add(old.sign(note.text(), 0));
        RetiredKey { vkey: old.vkey().clone(), note: note.to_text().into_bytes() }
    }

    fn opens(ring: &Keyring, by: &Signer, size: u64) -> bool {
        ring.open(by.checkpoint(size, Hash([3; 32])).to_text().as_bytes()).is_ok()
    }

    #[test]
    fn the_newest_key_vouches_for_those_before_it_up_to_where_each_ended() {
        let (a, b, c) = (signer(1), signer(2), signer(3));
        let retired = [overlap(&a, &b, 10), overlap(&b, &c, 20)];
        let ring = Keyring::new(&[c.vkey().clone()], &retired);
        assert!(ring.strangers().is_empty());
        for (by, size, expected) in [
            (&a, 10, true),
            (&a, 11, false),
            (&b, 10, true),
            (&b, 20, true),
            (&b, 21, false),
            (&c, 5, true),
            (&c, 99, true),
        ] {
            assert_eq!(opens(&ring, by, size), expected, "{} at {size}", by.vkey().id());
        }
    }

    #[test]
    fn an_old_key_does_not_vouch_for_a_new_one_and_a_stranger_is_named() {
        let (a, b, x) = (signer(1), signer(2), signer(9));
        let ring = Keyring::new(&[a.vkey().clone()], &[overlap(&a, &b, 10)]);
        assert!(opens(&ring, &a, 11) && !opens(&ring, &b, 11) && ring.strangers().is_empty());
        // Signed by the retired key alone, or vouched for by nobody known.
        let alone = RetiredKey { note: x.checkpoint(5, Hash([3; 32])).to_text().into_bytes(), ..overlap(&x, &b, 5) };
        for bad in [alone, overlap(&x, &signer(8), 5)] {
            let ring = Keyring::new(&[b.vkey().clone()], &[bad]);
            assert_eq!(ring.strangers(), [x.vkey().clone()]);
            assert!(!opens(&ring, &x, 5));
        }
    }

    #[test]
    fn both_keys_given_the_old_one_still_ends() {
        let (a, b) = (signer(1), signer(2));
        let ring = Keyring::new(&[a.vkey().clone(), b.vkey().clone()], &[overlap(&a, &b, 10)]);
        assert!(ring.has_ended(a.vkey()) && !ring.has_ended(b.vkey()));
        assert!(opens(&ring, &a, 10) && !opens(&ring, &a, 11) && opens(&ring, &b, 11));
    }

    #[test]
    fn every_changed_byte_of_an_overlap_ends_its_trust() {
        let (a, b) = (signer(1), signer(2));
        let whole = overlap(&a, &b, 10);
        for at in 0..whole.note.len() {
            let mut bad = whole.clone();
            bad.note[at] ^= 1;
            let ring = Keyring::new(&[b.vkey().clone()], &[bad]);
            assert_eq!(ring.strangers().len(), 1, "byte {at}");
        }
    }
}
