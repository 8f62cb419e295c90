//! Names, verifier keys and signers.

use super::{Checkpoint, Note, NoteError, ORIGIN_BYTES_MAX, Signature, Signed, TYPE_COSIGNATURE, TYPE_ED25519};
use crate::audit::merkle::Hash;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::digest;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use std::fmt;

/// The name of a log (its origin), and of a key: for example `audit.example.org/log1`.
///
/// # Source
/// C2SP signed-note (key name), tlog-checkpoint (origin); quotes and backslashes are ours to refuse, so that an origin
/// has one spelling in JSON.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Origin(String);

impl Origin {
    /// Reads a name.
    ///
    /// # Errors
    /// [`NoteError::Origin`].
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        if Self::is_valid(text) { Ok(Self(text.to_owned())) } else { Err(NoteError::Origin) }
    }
    /// True when the text may be a name.
    #[must_use]
    pub fn is_valid(text: &str) -> bool {
        let allowed = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '+' | '"' | '\\');
        // Nearly every name is of plain ASCII, and each entry of a log is asked for its own.
        let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'+' | b'"' | b'\\');
        !text.is_empty() && text.len() <= ORIGIN_BYTES_MAX && (text.bytes().all(plain) || text.chars().all(allowed))
    }
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// First four bytes of SHA-256(name || 0x0A || type || key). Prints as eight lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KeyId(pub [u8; 4]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

/// A number in the one spelling the formats of this module allow: ASCII digits, no sign, no leading zero.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

fn key_id(name: &Origin, kind: u8, key: &[u8]) -> KeyId {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in [name.as_str().as_bytes(), b"\n", &[kind], key] {
        context.update(part);
    }
    KeyId(context.finish().as_ref().first_chunk::<4>().copied().unwrap_or_default())
}

/// A verifier key: what somebody must hold to check a signature.
///
/// # Source
/// C2SP signed-note, "Verifier keys"
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vkey {
    pub(super) name: Origin,
    pub(super) id: KeyId,
    pub(super) kind: u8,
    pub(super) key: Vec<u8>,
}

impl Vkey {
    /// A key of type `kind`.
    ///
    /// # Errors
    /// [`NoteError::KeyLength`] when an Ed25519 key has not 32 bytes, or any key is empty.
    pub fn new(name: Origin, kind: u8, key: Vec<u8>) -> Result<Self, NoteError> {
        let fits = match kind {
            TYPE_ED25519 | TYPE_COSIGNATURE => key.len() == 32,
            _ => !key.is_empty(),
        };
        if !fits {
            return Err(NoteError::KeyLength);
        }
        Ok(Self { id: key_id(&name, kind, &key), name, kind, key })
    }
    /// Reads `name+id+base64`. The Base64 may hold plus signs: only the first two separate.
    ///
    /// # Errors
    /// [`NoteError::Vkey`], [`NoteError::VkeyId`], [`NoteError::KeyLength`], [`NoteError::Origin`].
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Vkey);
        };
        if id.len() != 8 || !id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(NoteError::Vkey);
        }
        let bytes = BASE64_STANDARD.decode(key).map_err(|_| NoteError::Vkey)?;
        let (kind, key) = bytes.split_first().ok_or(NoteError::Vkey)?;
        let vkey = Self::new(Origin::parse(name)?, *kind, key.to_vec())?;
        if vkey.id.to_string() == id { Ok(vkey) } else { Err(NoteError::VkeyId) }
    }
    /// Name of the log or witness.
    #[must_use]
    pub const fn name(&self) -> &Origin {
        &self.name
    }
    /// Key id.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }
    /// Type byte.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        self.kind
    }
    /// Checks one signature blob (without the key id) over a note's text. The time a cosignature states, in Unix seconds,
    /// comes back with it.
    pub(super) fn check(&self, text: &str, blob: &[u8]) -> Option<Signed> {
        let verify = |message: &[u8], signature: &[u8]| {
            UnparsedPublicKey::new(&ED25519, &self.key).verify(message, signature).ok()
        };
        match self.kind {
            TYPE_ED25519 => verify(text.as_bytes(), blob).map(|()| Signed::Log),
            TYPE_COSIGNATURE => {
                let (stamp, signature) = blob.split_first_chunk::<8>()?;
                let seconds = u64::from_be_bytes(*stamp);
                verify(cosignature_message(text, seconds).as_bytes(), signature).map(|()| Signed::Witness { seconds })
            }
            _ => None,
        }
    }
}

impl fmt::Display for Vkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![self.kind];
        bytes.extend_from_slice(&self.key);
        write!(f, "{}+{}+{}", self.name, self.id, BASE64_STANDARD.encode(bytes))
    }
}

/// What a witness signs: a fixed line, its time, the checkpoint's text.
///
/// # Source
/// C2SP tlog-cosignature v1
fn cosignature_message(text: &str, seconds: u64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}

/// A private Ed25519 key with its name. `Debug` shows the public half only.
pub struct Signer {
    pair: Ed25519KeyPair,
    vkey: Vkey,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.vkey)
    }
}

impl Signer {
    /// A log's signer (type 0x01) from the 32-byte seed of RFC 8032.
    ///
    /// # Errors
    /// [`NoteError::KeyLength`]; cannot happen for 32 bytes.
    pub fn log(name: Origin, seed: &[u8; 32]) -> Result<Self, NoteError> {
        Self::new(name, TYPE_ED25519, seed)
    }
    /// A witness's signer (type 0x04).
    ///
    /// # Errors
    /// As [`Signer::log`].
    pub fn witness(name: Origin, seed: &[u8; 32]) -> Result<Self, NoteError> {
        Self::new(name, TYPE_COSIGNATURE, seed)
    }
    fn new(name: Origin, kind: u8, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NoteError::KeyLength)?;
        let vkey = Vkey::new(name, kind, pair.public_key().as_ref().to_vec())?;
        Ok(Self { pair, vkey })
    }
    /// The key that verifies what this signs.
    #[must_use]
    pub const fn vkey(&self) -> &Vkey {
        &self.vkey
    }
    /// The signature over `text`, which must end in a newline. A log's signer ignores `seconds`; a witness states it as
    /// the time of its cosignature (Unix seconds).
    #[must_use]
    pub fn sign(&self, text: &str, seconds: u64) -> Signature {
        let blob = if self.vkey.kind == TYPE_COSIGNATURE {
            let mut blob = seconds.to_be_bytes().to_vec();
            blob.extend_from_slice(self.pair.sign(cosignature_message(text, seconds).as_bytes()).as_ref());
            blob
        } else {
            self.pair.sign(text.as_bytes()).as_ref().to_vec()
        };
        Signature { name: self.vkey.name.clone(), id: self.vkey.id, blob }
    }
    /// Signs a checkpoint of this log as a complete note.
    #[must_use]
    pub fn checkpoint(&self, size: u64, root: Hash) -> Note {
        let text = Checkpoint { origin: self.vkey.name.clone(), size, root, extensions: Vec::new() }.to_text();
        let signature = self.sign(&text, 0);
        Note { text, signatures: vec![signature] }
    }
}
