//! What a witness is asked and what it answers: it cosigns a checkpoint only when the tree it cosigned last is the
//! beginning of the new one.
//!
//! Owns the request's text, the checks in their order and the refusals with their HTTP status. Keeps nothing: what was
//! cosigned last is a parameter, and whoever stores it does so before the answer goes out (`store::WitnessState`).
//! Read [`AddCheckpoint`], then [`judge`].
//!
//! # Source
//! C2SP tlog-witness v1.0.0, "add-checkpoint"; C2SP tlog-cosignature v1; Solent audit paper §6.

use super::merkle::{Hash, empty_root, verify_consistency};
use super::note::{Checkpoint, NOTE_BYTES_MAX, Note, NoteError, Signature, Vkey, decimal};

/// Most lines of a consistency proof.
///
/// # Source
/// C2SP tlog-witness: "at most 63 lines".
pub const PROOF_LINES_MAX: usize = 63;
/// Largest request, in bytes: the largest note, the proof and the first line, rounded up.
pub const REQUEST_BYTES_MAX: usize = NOTE_BYTES_MAX + 8 * 1024;

/// A request to cosign: the size the log believes the witness knows, the proof from there, the signed checkpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddCheckpoint {
    /// Size of the tree the witness cosigned last, as the log believes; 0 when it never did.
    pub old: u64,
    /// Consistency proof from there to the checkpoint.
    pub proof: Vec<Hash>,
    /// The signed checkpoint.
    pub note: Note,
}

/// Why a witness does not cosign.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// The request is not of the form asked for; names the part.
    #[error("not an add-checkpoint request: {0}")]
    Malformed(&'static str),
    /// A log the witness does not watch.
    #[error("this witness does not watch the log {0}")]
    UnknownOrigin(String),
    /// Not signed by the log's key, or a signature by it fails.
    #[error("the checkpoint is not signed by a key trusted for its log: {0}")]
    Untrusted(NoteError),
    /// The old size is larger than the checkpoint's.
    #[error("the old size is larger than the checkpoint's")]
    OldTooLarge,
    /// The witness cosigned another size last.
    #[error("the witness cosigned size {latest} last")]
    Conflict {
        /// That size.
        latest: u64,
    },
    /// The old tree is not the beginning of the new one.
    #[error("the tree cosigned last is not the beginning of this one")]
    Inconsistent,
}

impl Refusal {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) | Self::OldTooLarge => 400,
            Self::Untrusted(_) => 403,
            Self::UnknownOrigin(_) => 404,
            Self::Conflict { .. } => 409,
            Self::Inconsistent => 422,
        }
    }
}

/// What a witness answers a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// The cosignature's line; the checkpoint is durable at the witness.
    Lines(String),
    /// It refuses.
    Refused(Refusal),
    /// It cannot work: nothing was cosigned.
    Failed,
}

impl AddCheckpoint {
    /// The request's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let proof: String = self.proof.iter().map(|hash| format!("{}\n", hash.to_base64())).collect();
        format!("old {}\n{proof}\n{}", self.old, self.note.to_text())
    }

    /// Reads a request.
    ///
    /// # Errors
    /// [`Refusal::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let wrong = Refusal::Malformed;
        if bytes.len() > REQUEST_BYTES_MAX {
            return Err(wrong("larger than a request can be"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| wrong("not UTF-8"))?;
        let (head, note) = text.split_once("\n\n").ok_or(wrong("no empty line before the checkpoint"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(decimal);
        let old = old.ok_or(wrong("the first line is not old and a plain number"))?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == PROOF_LINES_MAX {
                return Err(wrong("more than 63 proof lines"));
            }
            proof.push(Hash::from_base64(line).ok_or(wrong("a proof line is not 32 bytes in Base64"))?);
        }
        let note = Note::parse(note.as_bytes()).map_err(|_| wrong("the checkpoint is not a signed note"))?;
        Ok(Self { old, proof, note })
    }

    /// The checkpoint it is about, its signatures not checked.
    ///
    /// # Errors
    /// [`Refusal::Malformed`].
    pub fn stated(&self) -> Result<Checkpoint, Refusal> {
        Checkpoint::parse(self.note.text()).map_err(|_| Refusal::Malformed("the note is not a checkpoint"))
    }
}

/// Whether the checkpoint may be cosigned, given the keys of the logs this witness watches and the tree it cosigned last
/// for this log (size and root; `None` when it never did). The checks stand in the order of their statuses in the text:
/// origin, signature, sizes, what was cosigned last, proof.
///
/// # Errors
/// [`Refusal`].
///
/// # Source
/// C2SP tlog-witness v1.0.0
pub fn judge(asked: &AddCheckpoint, logs: &[Vkey], last: Option<(u64, Hash)>) -> Result<Checkpoint, Refusal> {
    let stated = asked.stated()?;
    let keys: Vec<Vkey> = logs.iter().filter(|key| *key.name() == stated.origin).cloned().collect();
    if keys.is_empty() {
        return Err(Refusal::UnknownOrigin(stated.origin.as_str().to_owned()));
    }
    let (checkpoint, _) = Checkpoint::open(asked.note.to_text().as_bytes(), &keys).map_err(Refusal::Untrusted)?;
    if asked.old > checkpoint.size {
        return Err(Refusal::OldTooLarge);
    }
    let (latest, root) = last.unwrap_or_else(|| (0, empty_root()));
    if asked.old != latest {
        return Err(Refusal::Conflict { latest });
    }
    if checkpoint.size == 0 && checkpoint.root != empty_root() {
        return Err(Refusal::Inconsistent);
    }
    verify_consistency(latest, &root, checkpoint.size, &checkpoint.root, &asked.proof)
        .map_err(|_| Refusal::Inconsistent)?;
    Ok(checkpoint)
}

/// The cosignature lines of an answer, each ended by a newline.
///
/// # Errors
/// [`NoteError::Malformed`] when a line is not a signature line, or there is none.
pub fn answer_lines(bytes: &[u8]) -> Result<Vec<Signature>, NoteError> {
    let text = std::str::from_utf8(bytes).map_err(|_| NoteError::Malformed("not UTF-8"))?;
    let body = text.strip_suffix('\n').filter(|body| !body.is_empty());
    let body = body.ok_or(NoteError::Malformed("no cosignature line"))?;
    if body.len() > NOTE_BYTES_MAX {
        return Err(NoteError::Malformed("larger than 512 KiB"));
    }
    body.split('\n').map(Signature::parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::merkle::{Tree, consistency_proof, leaf_hash};
    use crate::audit::{Origin, Signer};

    /// The eight leaves of audit paper §7, of the reference tests of Certificate Transparency.
    const LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

    fn tree(size: usize) -> Tree {
        let bytes = |hex: &str| -> Vec<u8> {
            (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
        };
        Tree::new(LEAVES[..size].iter().map(|hex| leaf_hash(&bytes(hex))).collect())
    }

    fn log() -> Signer {
        let seed = std::array::from_fn(|i| u8::try_from(i).unwrap());
        Signer::log(Origin::parse("audit.example.org/log1").unwrap(), &seed).unwrap()
    }

    fn witness() -> Signer {
        let seed = std::array::from_fn(|i| u8::try_from(i + 32).unwrap());
        Signer::witness(Origin::parse("witness.example.net/w1").unwrap(), &seed).unwrap()
    }

    fn asked(old: u64, size: usize) -> AddCheckpoint {
        let proof = consistency_proof(&tree(size), old.min(size as u64), size as u64).unwrap();
        AddCheckpoint { old, proof, note: log().checkpoint(size as u64, tree(size).root()) }
    }

    fn last(size: usize) -> Option<(u64, Hash)> {
        Some((size as u64, tree(size).root()))
    }

    #[test]
    fn the_cosignature_of_the_paper_is_reproduced() {
        // Audit paper §7: witness seed bytes 32 to 63, time 1790000000, the checkpoint of the 8-leaf tree.
        let checkpoint = judge(&asked(0, 8), &[log().vkey().clone()], None).unwrap();
        let line = witness().sign(&checkpoint.to_text(), 1_790_000_000).to_string();
        assert_eq!(
            witness().vkey().to_string(),
            "witness.example.net/w1+669be294+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"
        );
        assert_eq!(
            line,
            "\u{2014} witness.example.net/w1 ZpvilAAAAABqsTuA+on+OqU6ENxmwJDeJvx8hqM6GNk5chD8yHUJLVgKZMvtEPNcrcILHZXvdLP/RP3Ioaus1hv1ptA9d8KmzCe+Aw=="
        );
    }

    #[test]
    fn a_request_reads_back_and_other_spellings_are_refused() {
        let good = asked(3, 7);
        let text = good.to_text();
        assert_eq!(AddCheckpoint::parse(text.as_bytes()).unwrap(), good);
        for (from, to) in
            [("old 3", "old 03"), ("old 3", "old"), ("old 3\n", ""), ("\n\n", "\n"), ("old 3\n", "old 3\nAA\n")]
        {
            let bad = text.replacen(from, to, 1);
            assert!(matches!(AddCheckpoint::parse(bad.as_bytes()), Err(Refusal::Malformed(_))), "{from:?} -> {to:?}");
        }
        let long =
            text.replacen("old 3\n", &format!("old 3\n{}", format!("{}\n", Hash::default().to_base64()).repeat(63)), 1);
        assert!(AddCheckpoint::parse(long.as_bytes()).is_err());
    }

    #[test]
    fn every_step_between_two_sizes_is_judged_right() {
        let keys = [log().vkey().clone()];
        for old in 0..=8_usize {
            for new in old..=8 {
                let known = if old == 0 { None } else { last(old) };
                assert!(judge(&asked(old as u64, new), &keys, known).is_ok(), "{old} to {new}");
                // A witness that holds another root of the old size never cosigns.
                if old > 0 {
                    let forked = Some((old as u64, Hash([7; 32])));
                    assert_eq!(judge(&asked(old as u64, new), &keys, forked), Err(Refusal::Inconsistent));
                }
            }
        }
    }

    #[test]
    fn each_refusal_has_the_status_of_the_text() {
        let keys = [log().vkey().clone()];
        let other = Signer::log(Origin::parse("audit.example.org/log1").unwrap(), &[1; 32]).unwrap();
        let statuses = [
            (judge(&asked(0, 8), &[], None), 404),
            (judge(&asked(0, 8), &[other.vkey().clone()], None), 403),
            (judge(&AddCheckpoint { old: 9, ..asked(0, 8) }, &keys, last(8)), 400),
            (judge(&asked(3, 8), &keys, last(5)), 409),
            (judge(&asked(0, 8), &keys, last(8)), 409),
            (judge(&AddCheckpoint { proof: vec![], ..asked(3, 8) }, &keys, last(3)), 422),
            (judge(&AddCheckpoint { proof: vec![Hash::default()], ..asked(0, 8) }, &keys, None), 422),
            (judge(&AddCheckpoint { note: log().checkpoint(0, Hash::default()), ..asked(0, 8) }, &keys, None), 422),
        ];
        for (n, (judged, status)) in statuses.into_iter().enumerate() {
            assert_eq!(judged.unwrap_err().status(), status, "case {n}");
        }
        assert_eq!(judge(&asked(3, 8), &keys, last(5)), Err(Refusal::Conflict { latest: 5 }));
    }

    #[test]
    fn answers_are_signature_lines_only() {
        let line = witness().sign("a\n1\nb\n", 5).to_string();
        assert_eq!(answer_lines(format!("{line}\n{line}\n").as_bytes()).unwrap().len(), 2);
        for bad in ["", "\n", "hello\n", &line] {
            assert!(answer_lines(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
