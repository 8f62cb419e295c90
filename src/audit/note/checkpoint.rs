//! Checkpoints: what a log states at one size.

use super::{Note, NoteError, Origin, Signed, Verified, Vkey};
use crate::audit::merkle::Hash;

/// What a log states at one size.
///
/// # Source
/// C2SP tlog-checkpoint v1.0.0
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// Which log.
    pub origin: Origin,
    /// Entries in the tree.
    pub size: u64,
    /// Root of that tree.
    pub root: Hash,
    /// Lines after the third. The format allows them; a Solent log never writes any.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// The text that is signed.
    #[must_use]
    pub fn to_text(&self) -> String {
        let extensions: String = self.extensions.iter().map(|line| format!("{line}\n")).collect();
        format!("{}\n{}\n{}\n{extensions}", self.origin, self.size, self.root.to_base64())
    }
    /// Reads the text of a note.
    ///
    /// # Errors
    /// [`NoteError::Checkpoint`] naming the line.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let wrong = NoteError::Checkpoint;
        let body = text.strip_suffix('\n').ok_or(wrong("no final newline"))?;
        let mut lines = body.split('\n');
        let origin = lines.next().unwrap_or_default();
        let size = lines.next().ok_or(wrong("no size line"))?;
        let root = lines.next().ok_or(wrong("no root line"))?;
        let plain =
            !size.is_empty() && size.bytes().all(|b| b.is_ascii_digit()) && (size == "0" || !size.starts_with('0'));
        let size = plain.then(|| size.parse().ok()).flatten().ok_or(wrong("the size is not a plain decimal number"))?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(wrong("an empty line"));
        }
        Ok(Self {
            origin: Origin::parse(origin).map_err(|_| wrong("the origin is not a valid name"))?,
            size,
            root: Hash::from_base64(root).ok_or(wrong("the root is not 32 bytes in Base64"))?,
            extensions,
        })
    }
    /// Reads a signed checkpoint and checks its signatures: the name of a known log key must be the origin.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn open(note: &[u8], keys: &[Vkey]) -> Result<(Self, Vec<Verified>), NoteError> {
        let note = Note::parse(note)?;
        let checkpoint = Self::parse(note.text())?;
        let verified = note.verify(keys)?;
        let by_log = |v: &Verified| v.signed == Signed::Log && v.name == checkpoint.origin;
        if !verified.iter().any(by_log) {
            let found: Vec<String> = note.signatures().iter().map(|s| format!("{} ({})", s.name, s.id)).collect();
            return Err(NoteError::UnknownKey { found: found.join(", ") });
        }
        Ok((checkpoint, verified))
    }
}
