//! RFC 6962 hashing: of entries, of pairs, and how a hash is written.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::digest;
use std::fmt;

/// A SHA-256 tree hash. Prints as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Bytes of one hash.
    pub const BYTES: usize = 32;
    /// From exactly 32 bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
    /// From 64 lower-case hex digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        unhex(text).map(Self)
    }
    /// From standard padded Base64 of 32 bytes; other spellings are refused.
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        BASE64_STANDARD.decode(text).ok().and_then(|bytes| Self::from_slice(&bytes))
    }
    /// Standard padded Base64, as in checkpoints and proofs.
    #[must_use]
    pub fn to_base64(self) -> String {
        BASE64_STANDARD.encode(self.0)
    }
}

impl AsRef<[u8]> for Hash {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| char::from(DIGITS.get(usize::from(n)).copied().unwrap_or(b'0'));
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 0x0F)]).collect()
}

/// Exactly 64 lower-case hex digits.
pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut out = [0; 32];
    let mut worst = 0;
    let (pairs, _) = digits.as_chunks::<2>();
    for (to, [high, low]) in out.iter_mut().zip(pairs) {
        let (high, low) = (digit(*high), digit(*low));
        worst |= high | low;
        *to = (high << 4) | (low & 0x0F);
    }
    (worst < 16).then_some(out)
}

/// The worth of a lower-case hex digit; 16 when it is none. Without a branch that depends on it: ids and hashes look random.
pub(crate) const fn digit(byte: u8) -> u8 {
    let (number, letter) = (byte.wrapping_sub(b'0'), byte.wrapping_sub(b'a'));
    if number < 10 {
        number
    } else if letter < 6 {
        letter.wrapping_add(10)
    } else {
        16
    }
}

fn finish(context: digest::Context) -> Hash {
    Hash::from_slice(context.finish().as_ref()).unwrap_or_default()
}

/// Root of the empty tree: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    finish(digest::Context::new(&digest::SHA256))
}

/// Hash of an entry: SHA-256(0x00 || entry).
///
/// # Source
/// RFC 6962 §2.1
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&[0x00]);
    context.update(entry);
    finish(context)
}

/// Hash of two subtrees: SHA-256(0x01 || left || right).
///
/// # Source
/// RFC 6962 §2.1
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [0x01; 65];
    let (_, body) = bytes.split_at_mut(1);
    for (to, from) in body.iter_mut().zip(left.0.iter().chain(&right.0)) {
        *to = *from;
    }
    Hash::from_slice(digest::digest(&digest::SHA256, &bytes).as_ref()).unwrap_or_default()
}
