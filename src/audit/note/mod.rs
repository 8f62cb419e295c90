//! Signed notes, verifier keys and checkpoints: the text a log signs and others keep.
//!
//! Owns reading, writing, signing and verifying of the C2SP forms, for Ed25519 note signatures (type 0x01) and Ed25519
//! witness cosignatures (type 0x04). Keys of other types are carried and ignored. Holds no key itself: [`Signer`] is
//! made from a seed that floor 3 reads. Refuses carriage returns, control characters, leading zeros and any other
//! second spelling. Read [`Note`], [`Vkey`], [`Checkpoint`], [`Keyring`].
//!
//! # Source
//! C2SP signed-note v1.0.0, tlog-checkpoint v1.0.0, tlog-cosignature v1; RFC 8032 (Ed25519); Solent audit paper §4, §6.

mod checkpoint;
mod keyring;
mod keys;
mod signature;
#[cfg(test)]
mod tests;
mod text;

pub use checkpoint::Checkpoint;
pub use keyring::{Keyring, RetiredKey};
pub(crate) use keys::decimal;
pub use keys::{KeyId, Origin, Signer, Vkey};
pub use signature::{Signature, Signed, Verified};
pub use text::Note;

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
