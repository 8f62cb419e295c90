//! Keys for content at rest: one secret file outside the database, from which everything else is derived.
//!
//! Owns the secret file (32 bytes as hex, readable by its owner only), the wrapping of data keys, the sealing of content
//! (AES-256-GCM, a fresh random data key for each thing sealed, bound to what it belongs to), and keyed hashes
//! (HMAC-SHA-256), so that identifiers and bodies can be found again without being stored. Losing the file loses the
//! content; whoever has the database but not the file has pseudonyms and sizes.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::{hkdf, hmac};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Bytes of the secret and of every data key.
pub const KEY_BYTES: usize = 32;
/// Bytes of a wrapped data key: nonce, key, tag.
const WRAPPED_BYTES: usize = NONCE_LEN + KEY_BYTES + 16;

/// A keyed hash: 32 bytes that say whether two things are equal, and nothing else without the key.
pub type Digest = [u8; 32];

/// Why keys cannot be used. Never holds a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeysError {
    /// The secret file cannot be read or written.
    #[error("the secret file cannot be read or written ({0})")]
    File(std::io::ErrorKind),
    /// The secret file can be read by others than its owner.
    #[error("the secret file can be read by others than its owner; set its rights to 0600")]
    Rights,
    /// The secret file does not hold 64 hexadecimal digits.
    #[error("the secret file does not hold 64 hexadecimal digits")]
    Form,
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    Random,
    /// Sealed bytes were altered, belong to something else, or were sealed with another key.
    #[error("altered, moved, erased, or sealed with another key")]
    Opening,
}

/// The keys of one gateway (or of all gateways on one database). Cheap to clone; wiped when the last clone goes.
#[derive(Clone)]
pub struct Keys(Arc<Derived>);

struct Derived {
    wrapping: LessSafeKey,
    hashing: hmac::Key,
    random: SystemRandom,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

/// A data key, wiped when dropped.
pub(super) struct DataKey(Zeroizing<[u8; KEY_BYTES]>);

struct Length32;
impl hkdf::KeyType for Length32 {
    fn len(&self) -> usize {
        KEY_BYTES
    }
}

impl Keys {
    /// Derives the keys from a secret of 32 bytes.
    ///
    /// # Source
    /// RFC 5869 (HKDF-SHA-256), one expansion per use.
    ///
    /// # Errors
    /// [`KeysError::Form`] never in practice: the lengths are fixed.
    pub fn from_secret(secret: &[u8; KEY_BYTES]) -> Result<Self, KeysError> {
        let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, b"solent at rest v1").extract(secret);
        let expand = |info: &[u8]| -> Result<Zeroizing<[u8; KEY_BYTES]>, KeysError> {
            let mut key = Zeroizing::new([0u8; KEY_BYTES]);
            let info = [info];
            let okm = extracted.expand(&info, Length32).map_err(|_| KeysError::Form)?;
            okm.fill(&mut key[..]).map_err(|_| KeysError::Form)?;
            Ok(key)
        };
        let wrapping = aead(&*expand(b"wrap data keys")?)?;
        let hashing = hmac::Key::new(hmac::HMAC_SHA256, &expand(b"keyed hashes")?[..]);
        Ok(Self(Arc::new(Derived { wrapping, hashing, random: SystemRandom::new() })))
    }

    /// Reads the secret file: 64 hexadecimal digits and an optional line end.
    ///
    /// # Errors
    /// [`KeysError::Rights`] when others may read it, [`KeysError::File`], [`KeysError::Form`].
    pub fn load(path: &Path) -> Result<Self, KeysError> {
        let mut file = std::fs::File::open(path).map_err(|e| KeysError::File(e.kind()))?;
        owner_only(&file)?;
        let mut text = Zeroizing::new(String::new());
        std::io::Read::by_ref(&mut file).take(1024).read_to_string(&mut text).map_err(|e| KeysError::File(e.kind()))?;
        Self::from_secret(&*parse_hex(text.trim_end())?)
    }

    /// Makes a new random secret file with owner-only rights; refuses to replace one.
    ///
    /// # Errors
    /// [`KeysError::File`] when the file exists or cannot be made, [`KeysError::Random`].
    pub fn create(path: &Path) -> Result<Self, KeysError> {
        let mut secret = Zeroizing::new([0u8; KEY_BYTES]);
        SystemRandom::new().fill(&mut secret[..]).map_err(|_| KeysError::Random)?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(|e| KeysError::File(e.kind()))?;
        let text = Zeroizing::new(secret.iter().map(|b| format!("{b:02x}")).collect::<String>());
        file.write_all(text.as_bytes())
            .and_then(|()| file.write_all(b"\n"))
            .and_then(|()| file.sync_all())
            .map_err(|e| KeysError::File(e.kind()))?;
        Self::from_secret(&secret)
    }

    /// The keyed hash of `text` in a `domain`: the same text in two domains gives unrelated hashes.
    #[must_use]
    pub fn hash(&self, domain: &str, text: &[u8]) -> Digest {
        let mut context = hmac::Context::with_key(&self.0.hashing);
        context.update(domain.as_bytes());
        context.update(&[0]);
        context.update(text);
        let mut out = [0u8; 32];
        out.copy_from_slice(context.sign().as_ref());
        out
    }

    /// Fresh random bytes for a secret that leaves the store: a session's token, a code's secret.
    ///
    /// # Errors
    /// [`KeysError::Random`] when the system has none.
    pub fn secret<const N: usize>(&self) -> Result<[u8; N], KeysError> {
        self.random()
    }

    /// Random bytes.
    ///
    /// # Errors
    /// [`KeysError::Random`].
    pub(super) fn random<const N: usize>(&self) -> Result<[u8; N], KeysError> {
        let mut bytes = [0u8; N];
        self.0.random.fill(&mut bytes).map_err(|_| KeysError::Random)?;
        Ok(bytes)
    }

    /// Seals `content` under a fresh data key; both results are bound to `context` (what it is the content of).
    ///
    /// # Errors
    /// [`KeysError::Random`].
    pub(super) fn seal(&self, context: &str, content: &[u8]) -> Result<Sealed, KeysError> {
        let key = self.new_key()?;
        Ok(Sealed { wrapped_key: self.wrap(context, &key)?, content: seal_with(self, &key, context, content)? })
    }

    /// Opens what [`Keys::seal`] made.
    ///
    /// # Errors
    /// [`KeysError::Opening`].
    pub(super) fn open(&self, context: &str, wrapped_key: &[u8], content: &[u8]) -> Result<Vec<u8>, KeysError> {
        open_with(&self.unwrap(context, wrapped_key)?, context, content)
    }

    /// As [`Keys::seal`], in one piece.
    ///
    /// # Errors
    /// [`KeysError::Random`].
    pub fn seal_whole(&self, context: &str, content: &[u8]) -> Result<Vec<u8>, KeysError> {
        let mut sealed = self.seal(context, content)?;
        sealed.wrapped_key.append(&mut sealed.content);
        Ok(sealed.wrapped_key)
    }

    /// Opens what [`Keys::seal_whole`] made.
    ///
    /// # Errors
    /// [`KeysError::Opening`].
    pub fn open_whole(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, KeysError> {
        let (key, content) = sealed.split_at_checked(WRAPPED_BYTES).ok_or(KeysError::Opening)?;
        self.open(context, key, content)
    }

    pub(super) fn new_key(&self) -> Result<DataKey, KeysError> {
        Ok(DataKey(Zeroizing::new(self.random()?)))
    }

    pub(super) fn wrap(&self, context: &str, key: &DataKey) -> Result<Vec<u8>, KeysError> {
        seal_bytes(self, &self.0.wrapping, context, &key.0[..])
    }

    pub(super) fn unwrap(&self, context: &str, wrapped: &[u8]) -> Result<DataKey, KeysError> {
        let opened = Zeroizing::new(open_bytes(&self.0.wrapping, context, wrapped)?);
        let bytes: [u8; KEY_BYTES] = opened.as_slice().try_into().map_err(|_| KeysError::Opening)?;
        Ok(DataKey(Zeroizing::new(bytes)))
    }
}

/// Sealed content and its wrapped data key, kept apart so that erasing the key erases the content.
pub(super) struct Sealed {
    pub(super) wrapped_key: Vec<u8>,
    pub(super) content: Vec<u8>,
}

/// Seals with a key that serves many things (one subject's audit payloads): each gets its own key, derived from its context.
pub(super) fn seal_with(keys: &Keys, key: &DataKey, context: &str, content: &[u8]) -> Result<Vec<u8>, KeysError> {
    seal_bytes(keys, &context_key(key, context)?, context, content)
}

/// Opens what [`seal_with`] made.
pub(super) fn open_with(key: &DataKey, context: &str, sealed: &[u8]) -> Result<Vec<u8>, KeysError> {
    open_bytes(&context_key(key, context)?, context, sealed)
}

fn context_key(key: &DataKey, context: &str) -> Result<LessSafeKey, KeysError> {
    let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key.0[..]), context.as_bytes());
    let bytes: Zeroizing<[u8; KEY_BYTES]> = Zeroizing::new(derived.as_ref().try_into().map_err(|_| KeysError::Form)?);
    aead(&bytes)
}

fn aead(key: &[u8; KEY_BYTES]) -> Result<LessSafeKey, KeysError> {
    Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).map_err(|_| KeysError::Form)?))
}

fn seal_bytes(keys: &Keys, key: &LessSafeKey, context: &str, content: &[u8]) -> Result<Vec<u8>, KeysError> {
    let nonce: [u8; NONCE_LEN] = keys.random()?;
    let mut out = Vec::with_capacity(content.len().saturating_add(NONCE_LEN + 16));
    out.extend_from_slice(&nonce);
    out.extend_from_slice(content);
    let body = out.get_mut(NONCE_LEN..).ok_or(KeysError::Opening)?;
    let tag = key
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context.as_bytes()), body)
        .map_err(|_| KeysError::Opening)?;
    out.extend_from_slice(tag.as_ref());
    Ok(out)
}

fn open_bytes(key: &LessSafeKey, context: &str, sealed: &[u8]) -> Result<Vec<u8>, KeysError> {
    let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(KeysError::Opening)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| KeysError::Opening)?;
    let mut body = body.to_vec();
    let length =
        key.open_in_place(nonce, Aad::from(context.as_bytes()), &mut body).map_err(|_| KeysError::Opening)?.len();
    body.truncate(length);
    Ok(body)
}

#[cfg(unix)]
fn owner_only(file: &std::fs::File) -> Result<(), KeysError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata().map_err(|e| KeysError::File(e.kind()))?.permissions().mode();
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeysError::Rights) }
}

#[cfg(not(unix))]
fn owner_only(_file: &std::fs::File) -> Result<(), KeysError> {
    Ok(())
}

fn parse_hex(text: &str) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeysError> {
    let digits: Zeroizing<Vec<u8>> = Zeroizing::new(
        text.chars()
            .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
            .collect::<Option<_>>()
            .ok_or(KeysError::Form)?,
    );
    if digits.len() != KEY_BYTES * 2 {
        return Err(KeysError::Form);
    }
    let mut secret = Zeroizing::new([0u8; KEY_BYTES]);
    for (byte, pair) in secret.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair.iter().fold(0u8, |sum, digit| (sum << 4) | digit);
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys::from_secret(&[7; 32]).unwrap()
    }

    #[test]
    fn sealed_content_opens_only_in_its_own_context_and_unaltered() {
        let keys = keys();
        let sealed = keys.seal_whole("record r1 1", b"content").unwrap();
        assert_eq!(keys.open_whole("record r1 1", &sealed).unwrap(), b"content");
        assert_eq!(keys.open_whole("record r2 1", &sealed), Err(KeysError::Opening));
        for i in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[i] ^= 1;
            assert_eq!(keys.open_whole("record r1 1", &bent), Err(KeysError::Opening), "byte {i}");
        }
        let other = Keys::from_secret(&[8; 32]).unwrap();
        assert_eq!(other.open_whole("record r1 1", &sealed), Err(KeysError::Opening));
    }

    #[test]
    fn the_same_content_is_sealed_differently_each_time_and_not_in_clear() {
        let keys = keys();
        let (a, b) = (keys.seal_whole("x", b"same words").unwrap(), keys.seal_whole("x", b"same words").unwrap());
        assert_ne!(a, b);
        assert!(!a.windows(10).any(|w| w == b"same words"));
    }

    #[test]
    fn keyed_hashes_depend_on_key_domain_and_text() {
        let keys = keys();
        let a = keys.hash("identifier", b"nhs:9990000018");
        assert_eq!(a, keys.hash("identifier", b"nhs:9990000018"));
        assert_ne!(a, keys.hash("name", b"nhs:9990000018"));
        assert_ne!(a, Keys::from_secret(&[8; 32]).unwrap().hash("identifier", b"nhs:9990000018"));
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_file_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let path = std::env::temp_dir().join(format!("solent-keys-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let made = Keys::create(&path).unwrap();
        assert_eq!(made.hash("d", b"t"), Keys::load(&path).unwrap().hash("d", b"t"));
        assert!(matches!(Keys::create(&path), Err(KeysError::File(std::io::ErrorKind::AlreadyExists))));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(Keys::load(&path).unwrap_err(), KeysError::Rights);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_secret_that_is_not_hexadecimal_or_too_short_is_refused() {
        assert!(parse_hex(&"ab".repeat(32)).is_ok());
        assert!(parse_hex(&"ab".repeat(31)).is_err());
        assert!(parse_hex(&"zz".repeat(32)).is_err());
    }
}
