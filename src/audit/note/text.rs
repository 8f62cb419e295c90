//! The note itself: text and signatures, read strictly, opened with keys.

use super::{NOTE_BYTES_MAX, NoteError, SIGNATURES_MAX, Signature, TYPE_COSIGNATURE, TYPE_ED25519, Verified, Vkey};

/// A signed note: text and signatures, not yet verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    pub(super) text: String,
    pub(super) signatures: Vec<Signature>,
}

impl Note {
    /// Reads a note.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] naming what is wrong.
    ///
    /// # Source
    /// C2SP signed-note, "Format"
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(NoteError::Malformed("larger than 512 KiB"));
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| NoteError::Malformed("not UTF-8"))?;
        if whole.bytes().any(|b| b < 0x20 && b != b'\n') {
            return Err(NoteError::Malformed("a control character"));
        }
        let at = whole.rfind("\n\n").ok_or(NoteError::Malformed("no empty line before the signatures"))?;
        let (text, rest) = whole.split_at_checked(at + 1).ok_or(NoteError::Malformed("no text"))?;
        let lines = rest.strip_prefix('\n').unwrap_or(rest);
        if lines.is_empty() || !lines.ends_with('\n') {
            return Err(NoteError::Malformed("the signatures do not end in a newline"));
        }
        let mut signatures = Vec::new();
        for line in lines.strip_suffix('\n').unwrap_or(lines).split('\n') {
            if signatures.len() == SIGNATURES_MAX {
                return Err(NoteError::Malformed("more than 64 signatures"));
            }
            signatures.push(Signature::parse(line)?);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }
    /// The text, with its final newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
    /// The signatures, in order.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }
    /// Adds a signature.
    pub fn add(&mut self, signature: Signature) {
        self.signatures.push(signature);
    }
    /// The same note with the first signature of each of `keys`, and no other: a note grows with every line a stranger adds.
    #[must_use]
    pub fn only_by<'k>(&self, keys: impl IntoIterator<Item = &'k Vkey>) -> Self {
        let by = |key: &Vkey| self.signatures.iter().find(|s| s.name == key.name && s.id == key.id).cloned();
        Self { text: self.text.clone(), signatures: keys.into_iter().filter_map(by).collect() }
    }
    /// The note's bytes: text, empty line, signature lines.
    #[must_use]
    pub fn to_text(&self) -> String {
        let lines: String = self.signatures.iter().map(|s| format!("{s}\n")).collect();
        format!("{}\n{lines}", self.text)
    }
    /// Checks every signature by one of `keys`. Signatures by other keys, and keys of types that cannot be verified
    /// here, are ignored.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`] when one of a known key fails, even if others hold; [`NoteError::UnknownKey`] when
    /// none is by a known key.
    ///
    /// # Source
    /// C2SP signed-note, "Signatures"
    pub fn verify<'k>(&self, keys: impl IntoIterator<Item = &'k Vkey>) -> Result<Vec<Verified>, NoteError> {
        let keys: Vec<&Vkey> = keys.into_iter().filter(|k| matches!(k.kind, TYPE_ED25519 | TYPE_COSIGNATURE)).collect();
        let mut verified = Vec::new();
        for signature in &self.signatures {
            // Two keys may share name and id by accident (the id has 32 bits): any of them may verify.
            let mut known = keys.iter().filter(|k| k.name == signature.name && k.id == signature.id).peekable();
            if known.peek().is_none() {
                continue;
            }
            let (name, id) = (signature.name.clone(), signature.id);
            match known.find_map(|key| key.check(&self.text, &signature.blob)) {
                Some(signed) => verified.push(Verified { name, id, signed }),
                None => return Err(NoteError::BadSignature { name, id }),
            }
        }
        if verified.is_empty() {
            let found: Vec<String> = self.signatures.iter().map(|s| format!("{} ({})", s.name, s.id)).collect();
            return Err(NoteError::UnknownKey { found: found.join(", ") });
        }
        Ok(verified)
    }
}
