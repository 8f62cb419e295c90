//! Signature lines, and what a verified one says.

use super::{KeyId, NoteError, Origin, SIGNATURE_PREFIX};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::fmt;

/// One signature line of a note.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signature {
    /// Key name.
    pub name: Origin,
    /// Key id.
    pub id: KeyId,
    /// The signature; for a cosignature, eight bytes of time before it.
    pub blob: Vec<u8>,
}

impl fmt::Display for Signature {
    /// The line without its newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.id.0.to_vec();
        bytes.extend_from_slice(&self.blob);
        write!(f, "{SIGNATURE_PREFIX}{} {}", self.name, BASE64_STANDARD.encode(bytes))
    }
}

impl Signature {
    /// Reads one line, without its newline.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        let wrong = NoteError::Malformed("a signature line is not an em dash, a name and Base64");
        let rest = line.strip_prefix(SIGNATURE_PREFIX).ok_or(wrong.clone())?;
        let (name, encoded) = rest.split_once(' ').ok_or(wrong.clone())?;
        let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| wrong.clone())?;
        let (id, blob) = bytes.split_first_chunk::<4>().ok_or(wrong.clone())?;
        if blob.is_empty() {
            return Err(wrong);
        }
        Ok(Self { name: Origin::parse(name).map_err(|_| wrong)?, id: KeyId(*id), blob: blob.to_vec() })
    }
}

/// What kind of signature verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signed {
    /// A note signature (type 0x01).
    Log,
    /// A cosignature (type 0x04).
    Witness {
        /// When the witness saw it, Unix seconds.
        seconds: u64,
    },
}

/// One verified signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    /// Whose.
    pub name: Origin,
    /// Which key.
    pub id: KeyId,
    /// What it says.
    pub signed: Signed,
}
