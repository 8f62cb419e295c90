//! Proof files: one entry's place in a signed tree, to be checked by somebody who has nothing else but a public key.
//!
//! Owns the `.tlog-proof` form and its check. Making the hashes is `merkle`'s. Read [`TlogProof`].
//!
//! # Source
//! C2SP tlog-proof; Solent audit paper §5.

use super::entry::{EntryError, OpenEntry, Salt};
use super::merkle::{Hash, ProofError, leaf_hash, verify_inclusion};
use super::note::{Checkpoint, NOTE_BYTES_MAX, NoteError, Verified, Vkey, decimal};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// First line of a proof file.
const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// Most hashes in an inclusion proof: one for each level of a tree of 2^64 entries.
const HASHES_MAX: usize = 64;
/// Largest proof file, in bytes: the largest note and 64 hashes, rounded up.
pub const PROOF_BYTES_MAX: usize = NOTE_BYTES_MAX + 8 * 1024;

/// Why a proof file is refused, or does not prove the entry.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TlogProofError {
    /// Not a proof file; names the part.
    #[error("not a proof file: {0}")]
    Malformed(&'static str),
    /// The checkpoint or its signature.
    #[error("the proof's checkpoint: {0}")]
    Checkpoint(#[from] NoteError),
    /// The hashes do not lead from the entry to the checkpoint's root.
    #[error("the entry is not in the signed tree: {0}")]
    Inclusion(#[from] ProofError),
    /// The entry's bytes are not an entry.
    #[error("the entry: {0}")]
    Entry(#[from] EntryError),
    /// The entry says it belongs to another log.
    #[error("the entry belongs to another log than the checkpoint")]
    Origin,
    /// Salt and payload are not what the entry committed to.
    #[error("the payload is not what the entry committed to")]
    Commit,
    /// A payload was given but neither the proof nor the caller has a salt.
    #[error("there is no salt to check the payload with")]
    NoSalt,
}

/// A proof that an entry is in a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlogProof {
    /// The entry's salt, when the holder may read the payload. Not authenticated by itself.
    pub salt: Option<Salt>,
    /// Index of the entry.
    pub index: u64,
    /// Inclusion proof, leaf sibling first.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint, verbatim.
    pub checkpoint: String,
}

/// What a proof establishes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proven {
    /// The signed tree the entry is in.
    pub checkpoint: Checkpoint,
    /// Whose signatures hold: the log's, and known witnesses'.
    pub verified: Vec<Verified>,
}

impl TlogProof {
    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let extra = self.salt.as_ref().map(|salt| format!("extra {}\n", BASE64_STANDARD.encode(salt.as_bytes())));
        let hashes: String = self.hashes.iter().map(|h| format!("{}\n", h.to_base64())).collect();
        format!("{HEADER}\n{}index {}\n{hashes}\n{}", extra.unwrap_or_default(), self.index, self.checkpoint)
    }

    /// Reads a file. An `extra` line that is not a 32-byte salt is accepted and dropped: the format leaves it free.
    ///
    /// # Errors
    /// [`TlogProofError::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, TlogProofError> {
        let wrong = TlogProofError::Malformed;
        if bytes.len() > PROOF_BYTES_MAX {
            return Err(wrong("larger than a proof can be"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| wrong("not UTF-8"))?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(wrong("no empty line before the checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(wrong("the first line is not c2sp.org/tlog-proof@v1"));
        }
        let mut salt = None;
        if let Some(extra) = lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            let decoded = BASE64_STANDARD.decode(extra).map_err(|_| wrong("the extra line is not Base64"))?;
            salt = <[u8; 32]>::try_from(decoded.as_slice()).ok().map(Salt::from_bytes);
            lines.next();
        }
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).ok_or(wrong("no index line"))?;
        let index = decimal(index).ok_or(wrong("the index is not a plain number"))?;
        let mut hashes = Vec::new();
        for line in lines {
            if hashes.len() == HASHES_MAX {
                return Err(wrong("more than 64 hashes"));
            }
            hashes.push(Hash::from_base64(line).ok_or(wrong("a hash line is not 32 bytes in Base64"))?);
        }
        Ok(Self { salt, index, hashes, checkpoint: checkpoint.to_owned() })
    }

    /// The whole check of an auditor: the checkpoint's signature by a key of `keys`, the entry in its tree at the index
    /// stated, the entry's own origin, and (when given) the payload against the entry's commitment.
    ///
    /// # Errors
    /// [`TlogProofError`].
    ///
    /// # Source
    /// Solent audit paper §5, "Auditor check of one entry"
    pub fn verify(&self, entry: &[u8], payload: Option<&[u8]>, keys: &[Vkey]) -> Result<Proven, TlogProofError> {
        let (checkpoint, verified) = Checkpoint::open(self.checkpoint.as_bytes(), keys)?;
        verify_inclusion(&leaf_hash(entry), self.index, checkpoint.size, &self.hashes, &checkpoint.root)?;
        let open = OpenEntry::parse(entry)?;
        if open.log != checkpoint.origin.as_str() {
            return Err(TlogProofError::Origin);
        }
        if let Some(payload) = payload {
            let salt = self.salt.as_ref().ok_or(TlogProofError::NoSalt)?;
            if !open.commits_to(salt, payload) {
                return Err(TlogProofError::Commit);
            }
        }
        Ok(Proven { checkpoint, verified })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::merkle::{Tree, inclusion_proof};
    use crate::audit::{Draft, Event, Origin, Outcome, Payload, Signer};
    use crate::clock::Moment;
    use crate::ident::EntryId;

    fn made() -> (TlogProof, Vec<u8>, Vec<u8>, Vkey) {
        let origin = Origin::parse("audit.example.org/log1").unwrap();
        let signer = Signer::log(origin.clone(), &[7; 32]).unwrap();
        let salt = Salt::from_bytes([9; 32]);
        let id = EntryId::new("018f0000-0000-7000-8000-000000000001");
        let sealed = Draft::new(Outcome::Allow, Payload::new(Event::View)).seal(id, salt.clone()).unwrap();
        let entry = sealed.entry(&origin, Moment::from_millis(1_000)).unwrap();
        let tree = Tree::new(vec![leaf_hash(b"a"), leaf_hash(b"b"), entry.leaf(), leaf_hash(b"c"), leaf_hash(b"d")]);
        let checkpoint = signer.checkpoint(5, tree.root()).to_text();
        let hashes = inclusion_proof(&tree, 2, 5).unwrap();
        let proof = TlogProof { salt: Some(salt), index: 2, hashes, checkpoint };
        (proof, entry.into_bytes(), sealed.payload().to_vec(), signer.vkey().clone())
    }

    #[test]
    fn a_proof_file_reads_back_and_proves_entry_and_payload() {
        let (proof, entry, payload, vkey) = made();
        let text = proof.to_text();
        assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra CQkJ"), "{text}");
        let read = TlogProof::parse(text.as_bytes()).unwrap();
        assert_eq!(read, proof);
        let proven = read.verify(&entry, Some(&payload), std::slice::from_ref(&vkey)).unwrap();
        assert_eq!(proven.checkpoint.size, 5);
        assert_eq!(read.verify(&entry, Some(b"{}"), &[vkey]), Err(TlogProofError::Commit));
    }

    #[test]
    fn no_changed_bit_of_a_proof_file_proves_the_same_payload() {
        let (proof, entry, payload, vkey) = made();
        let good = proof.to_text().into_bytes();
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bytes = good.clone();
                bytes[at] ^= 1 << bit;
                let outcome = TlogProof::parse(&bytes)
                    .and_then(|p| p.verify(&entry, Some(&payload), std::slice::from_ref(&vkey)));
                assert!(outcome.is_err(), "byte {at} bit {bit}");
            }
        }
    }

    #[test]
    fn no_changed_bit_of_an_entry_is_proved() {
        let (proof, entry, _, vkey) = made();
        for at in 0..entry.len() {
            let mut bytes = entry.clone();
            bytes[at] ^= 1;
            assert_eq!(
                proof.verify(&bytes, None, std::slice::from_ref(&vkey)),
                Err(TlogProofError::Inclusion(ProofError::Root))
            );
        }
    }

    #[test]
    fn other_spellings_of_a_proof_file_are_refused() {
        let (proof, ..) = made();
        let good = proof.to_text();
        for (from, to) in [
            ("@v1", "@v2"),
            ("index 2", "index 02"),
            ("index 2", "index"),
            ("index 2\n", ""),
            ("extra ", "extras "),
            ("\n\n", "\n"),
            ("index 2\n", "index 2\nAAAA\n"),
        ] {
            assert!(TlogProof::parse(good.replacen(from, to, 1).as_bytes()).is_err(), "{from:?} -> {to:?}");
        }
        let long = good.replacen(
            "index 2\n",
            &format!("index 2\n{}", format!("{}\n", Hash::default().to_base64()).repeat(64)),
            1,
        );
        assert!(TlogProof::parse(long.as_bytes()).is_err());
    }
}
