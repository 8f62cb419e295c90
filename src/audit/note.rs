//! Signed notes, verifier keys and checkpoints: the text a log signs and others keep.
//!
//! Owns reading, writing, signing and verifying of the C2SP forms, for Ed25519 note signatures (type 0x01) and Ed25519
//! witness cosignatures (type 0x04). Keys of other types are carried and ignored. Holds no key itself: [`Signer`] is
//! made from a seed that floor 3 reads. Refuses carriage returns, control characters, leading zeros and any other
//! second spelling. Read [`Note`], [`Vkey`], [`Checkpoint`].
//!
//! # Source
//! C2SP signed-note v1.0.0, tlog-checkpoint v1.0.0, tlog-cosignature v1; RFC 8032 (Ed25519); Solent audit paper §4, §6.

use super::merkle::Hash;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::digest;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use std::fmt;

/// Type byte of an Ed25519 note signature.
pub const TYPE_ED25519: u8 = 0x01;
/// Type byte of an Ed25519 witness cosignature.
pub const TYPE_COSIGNATURE: u8 = 0x04;
/// Type byte of an ML-DSA-44 cosignature; carried, not verified here.
pub const TYPE_ML_DSA_44: u8 = 0x06;
/// Most signature lines read: the format demands at least 16 be accepted; more than this is an attack on our time.
pub const SIGNATURES_MAX: usize = 64;
/// Largest note, in bytes: a checkpoint with [`SIGNATURES_MAX`] post-quantum signatures fits.
pub const NOTE_BYTES_MAX: usize = 512 * 1024;
/// Longest key name, in bytes: a host name and a path.
const ORIGIN_BYTES_MAX: usize = 255;
/// What a signature line begins with: an em dash and a space.
const SIGNATURE_PREFIX: &str = "\u{2014} ";

/// Why a note, key or checkpoint is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoteError {
    /// The name of a log or key is empty, too long, or holds a space, plus sign, quote, backslash or control character.
    #[error("not a valid name of a log or key")]
    Origin,
    /// A verifier key is not `name+id+base64`.
    #[error("not a verifier key of the form name+id+base64")]
    Vkey,
    /// A verifier key's id is not the digest of its name and key.
    #[error("the verifier key's id does not match its name and key")]
    VkeyId,
    /// The key's length does not fit its type.
    #[error("the key's length does not fit its type")]
    KeyLength,
    /// Text and signatures cannot be told apart, or a line has the wrong form; names what.
    #[error("not a signed note: {0}")]
    Malformed(&'static str),
    /// The text is no checkpoint; names the line.
    #[error("not a checkpoint: {0}")]
    Checkpoint(&'static str),
    /// A signature by a known key does not verify.
    #[error("the signature of {name} ({id}) does not verify")]
    BadSignature {
        /// Key name.
        name: Origin,
        /// Key id.
        id: KeyId,
    },
    /// No signature is by a known key.
    #[error("no signature by a known key; signed by {found}")]
    UnknownKey {
        /// Names and ids of the signatures there are.
        found: String,
    },
}

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
        !text.is_empty() && text.len() <= ORIGIN_BYTES_MAX && text.chars().all(allowed)
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
    name: Origin,
    id: KeyId,
    kind: u8,
    key: Vec<u8>,
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
    fn check(&self, text: &str, blob: &[u8]) -> Option<Signed> {
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

/// A signed note: text and signatures, not yet verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
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

#[cfg(test)]
mod tests {
    use super::*;

    const VKEY: &str = "audit.example.org/log1+17846be1+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
    const WITNESS: &str = "witness.example.net/w1+669be294+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";
    const TEXT: &str = "audit.example.org/log1\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n";
    const LOG_LINE: &str = "\u{2014} audit.example.org/log1 F4Rr4XZtMSn4D9GVe8xsw0IwIK2fYlck2FoOn5VfHAdgOXy8lQc9Cju+FyCm18QHg0vI8tZXujC7PxtoxlfAXzw1gg8=";
    const WITNESS_LINE: &str = "\u{2014} witness.example.net/w1 ZpvilAAAAABqsTuA+on+OqU6ENxmwJDeJvx8hqM6GNk5chD8yHUJLVgKZMvtEPNcrcILHZXvdLP/RP3Ioaus1hv1ptA9d8KmzCe+Aw==";

    fn seed(from: u8) -> [u8; 32] {
        std::array::from_fn(|i| from + u8::try_from(i).unwrap())
    }
    fn origin() -> Origin {
        Origin::parse("audit.example.org/log1").unwrap()
    }
    fn log() -> Signer {
        Signer::log(origin(), &seed(0)).unwrap()
    }
    fn witness() -> Signer {
        Signer::witness(Origin::parse("witness.example.net/w1").unwrap(), &seed(32)).unwrap()
    }
    fn note() -> String {
        format!("{TEXT}\n{LOG_LINE}\n")
    }

    /// Audit paper §7, "Signed note".
    #[test]
    fn the_checkpoint_of_the_paper_is_reproduced_and_verifies() {
        assert_eq!(log().vkey().to_string(), VKEY);
        let root = Hash::from_hex("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328").unwrap();
        let made = log().checkpoint(8, root);
        assert_eq!(made.to_text(), note());
        let (checkpoint, verified) = Checkpoint::open(note().as_bytes(), &[Vkey::parse(VKEY).unwrap()]).unwrap();
        assert_eq!((checkpoint.size, checkpoint.root, checkpoint.origin), (8, root, origin()));
        assert_eq!(verified.len(), 1);
    }

    /// Audit paper §7, witness line.
    #[test]
    fn the_cosignature_of_the_paper_is_reproduced_and_verifies() {
        assert_eq!(witness().vkey().to_string(), WITNESS);
        let signature = witness().sign(TEXT, 1_790_000_000);
        assert_eq!(signature.to_string(), WITNESS_LINE);
        let both = format!("{TEXT}\n{LOG_LINE}\n{WITNESS_LINE}\n");
        let keys = [Vkey::parse(VKEY).unwrap(), Vkey::parse(WITNESS).unwrap()];
        let (_, verified) = Checkpoint::open(both.as_bytes(), &keys).unwrap();
        assert_eq!(verified.last().unwrap().signed, Signed::Witness { seconds: 1_790_000_000 });
    }

    /// The signed-note document's own example (audit paper §7, "External check vector").
    #[test]
    fn the_example_of_the_signed_note_document_verifies() {
        let vkey = Vkey::parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k").unwrap();
        let text = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
        let note = Note::parse(text.as_bytes()).unwrap();
        assert_eq!(note.text(), "This is an example message.\n");
        assert!(note.verify([&vkey]).is_ok());
    }

    #[test]
    fn any_changed_bit_of_a_signed_checkpoint_is_refused() {
        let keys = [Vkey::parse(VKEY).unwrap()];
        let good = note().into_bytes();
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bytes = good.clone();
                bytes[at] ^= 1 << bit;
                assert!(Checkpoint::open(&bytes, &keys).is_err(), "byte {at} bit {bit}");
            }
        }
    }

    #[test]
    fn a_known_key_with_a_wrong_signature_rejects_even_beside_a_good_one() {
        let keys = [Vkey::parse(VKEY).unwrap(), Vkey::parse(WITNESS).unwrap()];
        let bad = witness().sign("another text\n", 1).to_string();
        let text = format!("{TEXT}\n{LOG_LINE}\n{bad}\n");
        assert!(matches!(Checkpoint::open(text.as_bytes(), &keys), Err(NoteError::BadSignature { .. })));
        // The same line by a key nobody knows is ignored.
        assert!(Checkpoint::open(text.as_bytes(), &keys[..1]).is_ok());
    }

    #[test]
    fn a_note_by_unknown_keys_only_is_refused_and_says_whose_it_is() {
        let other = Signer::log(origin(), &seed(7)).unwrap();
        let text = other.checkpoint(8, Hash::default()).to_text();
        let Err(NoteError::UnknownKey { found }) = Checkpoint::open(text.as_bytes(), &[Vkey::parse(VKEY).unwrap()])
        else {
            panic!("accepted")
        };
        assert_eq!(found, format!("audit.example.org/log1 ({})", other.vkey().id()));
        // A witness's signature alone does not make a checkpoint the log's.
        let witnessed = format!("{TEXT}\n{WITNESS_LINE}\n");
        assert!(Checkpoint::open(witnessed.as_bytes(), &[Vkey::parse(WITNESS).unwrap()]).is_err());
    }

    #[test]
    fn sixteen_signatures_and_more_are_accepted_and_too_many_are_not() {
        let keys = [Vkey::parse(VKEY).unwrap()];
        for (count, fine) in [(15, true), (SIGNATURES_MAX - 1, true), (SIGNATURES_MAX, false)] {
            let others = format!("{WITNESS_LINE}\n").repeat(count);
            let text = format!("{TEXT}\n{others}{LOG_LINE}\n");
            assert_eq!(Checkpoint::open(text.as_bytes(), &keys).is_ok(), fine, "{count}");
        }
    }

    #[test]
    fn other_spellings_of_a_note_are_refused() {
        for bad in [
            note().replace('\n', "\r\n"),
            note().replace("\u{2014} ", "- "),
            note().trim_end().to_owned(),
            format!("{TEXT}{LOG_LINE}\n"),
            format!("{TEXT}\n"),
            format!("{TEXT}\n{LOG_LINE}\n\n"),
            format!("{TEXT}\n\n{LOG_LINE}\n"),
            note().replace("gg8=", "gg8"),
            note().replace("\u{2014} audit", "\u{2014}  audit"),
            note().replace("log1\n8", "log1\n8\u{7}"),
        ] {
            assert!(Checkpoint::open(bad.as_bytes(), &[Vkey::parse(VKEY).unwrap()]).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_checkpoint_has_one_spelling() {
        assert!(Checkpoint::parse(TEXT).is_ok());
        for (from, to) in [
            ("\n8\n", "\n08\n"),
            ("\n8\n", "\n+8\n"),
            ("\n8\n", "\n 8\n"),
            ("\n8\n", "\n\n"),
            ("\n8\n", "\n-8\n"),
            ("\n8\n", "\n18446744073709551616\n"),
            ("Qyg=\n", "Qyg=\r\n"),
            ("Qyg=\n", "Qyg=\n\n"),
            ("Qyg=\n", "Qyg\n"),
            ("Qyg=\n", "Qyh=\n"),
            ("Qyg=\n", "Qyg="),
            ("audit.", "audit+"),
            ("audit.", "audit "),
        ] {
            assert!(Checkpoint::parse(&TEXT.replacen(from, to, 1)).is_err(), "{from:?} -> {to:?}");
        }
        let extended = format!("{TEXT}more\n");
        assert_eq!(Checkpoint::parse(&extended).unwrap().extensions, ["more"]);
        assert_eq!(Checkpoint::parse(&extended).unwrap().to_text(), extended);
        let empty =
            Checkpoint { origin: origin(), size: 0, root: super::super::merkle::empty_root(), extensions: vec![] };
        assert_eq!(Checkpoint::parse(&empty.to_text()).unwrap(), empty);
    }

    #[test]
    fn a_verifier_key_must_carry_its_own_id() {
        assert_eq!(Vkey::parse(&VKEY.replace("17846be1", "17846be2")), Err(NoteError::VkeyId));
        assert_eq!(Vkey::parse(&VKEY.replace("log1", "log2")), Err(NoteError::VkeyId));
        assert_eq!(Vkey::parse(&VKEY.replace("17846be1", "17846BE1")), Err(NoteError::Vkey));
        assert_eq!(Vkey::parse("name+17846be1"), Err(NoteError::Vkey));
        assert_eq!(Vkey::parse("name+17846be1+AQ=="), Err(NoteError::KeyLength));
        assert_eq!(Vkey::parse("+17846be1+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"), Err(NoteError::Origin));
    }

    #[test]
    fn debug_never_shows_a_private_key() {
        let text = format!("{:?}", log());
        assert_eq!(text, format!("Signer({VKEY})"));
    }
}
