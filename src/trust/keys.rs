//! Ed25519 signing keys in PKCS#8 files, as `openssl genpkey -algorithm ed25519` writes them.
//!
//! The same kind of file holds the key of the log's checkpoints and the key of a system's user assertions.

use super::{Error, files};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SecureRandom as _;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use std::path::Path;
use zeroize::Zeroizing;

/// Everything of a PKCS#8 version 1 Ed25519 key before its 32 secret bytes.
///
/// # Source
/// RFC 8410 §7 and §10.3.
const PKCS8_V1_HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// The part of it that also stands in version 2 (RFC 5958), where the public key follows the secret.
const ALGORITHM_AND_SECRET: [u8; 11] = [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// An Ed25519 key that signs. Debug shows only the public key.
pub struct SigningKey {
    seed: Zeroizing<[u8; 32]>,
    pair: Ed25519KeyPair,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public_base64()).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Makes a new key from the system's randomness.
    ///
    /// # Errors
    /// [`Error::Unusable`] when the system has no randomness to give.
    pub fn generate() -> Result<Self, Error> {
        let mut seed = Zeroizing::new([0_u8; 32]);
        ring::rand::SystemRandom::new()
            .fill(seed.as_mut_slice())
            .map_err(|_| Error::Unusable { what: "the system's randomness", why: "none was given".to_owned() })?;
        Self::from_seed(&seed)
    }

    /// The key with these 32 secret bytes (RFC 8032 §5.1.5).
    ///
    /// # Errors
    /// [`Error::Unusable`] if the library refuses it.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, Error> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed)
            .map_err(|e| Error::Unusable { what: "the signing key", why: e.to_string() })?;
        Ok(Self { seed: Zeroizing::new(*seed), pair })
    }

    /// Makes a new key and keeps it in a new file with mode 600.
    ///
    /// # Errors
    /// [`Error::File`] when the file exists or cannot be written.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let key = Self::generate()?;
        let mut der = Zeroizing::new(PKCS8_V1_HEAD.to_vec());
        der.extend_from_slice(key.seed.as_slice());
        let text = Zeroizing::new(STANDARD.encode(der.as_slice()));
        let pem =
            Zeroizing::new(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", text.as_str()));
        files::write_secret(path, pem.as_bytes())?;
        Ok(key)
    }

    /// Reads a key file: PKCS#8, PEM or DER.
    ///
    /// # Errors
    /// [`Error::Open`] when others may read it, [`Error::Content`] when it holds something else.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let bytes = files::read_secret(path)?;
        let from_pem = PrivatePkcs8KeyDer::from_pem_slice(&bytes).ok();
        let der = Zeroizing::new(match &from_pem {
            Some(key) => key.secret_pkcs8_der().to_vec(),
            None => bytes.to_vec(),
        });
        let seed = secret_of(&der).ok_or_else(|| Error::Content {
            file: path.display().to_string(),
            expected: "an Ed25519 private key in PKCS#8",
        })?;
        Self::from_seed(&seed)
    }

    /// Signs; 64 bytes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }

    /// The public key, 32 bytes.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.pair.public_key().as_ref().try_into().unwrap_or([0; 32])
    }

    /// The public key in base64, as `assertion_key` of the configuration takes it.
    #[must_use]
    pub fn public_base64(&self) -> String {
        STANDARD.encode(self.public())
    }

    /// The 32 secret bytes, for `audit::Signer`. Wiped when dropped.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        self.seed.clone()
    }
}

fn secret_of(der: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    // SEQUENCE, one length byte, INTEGER version 0 or 1: the same five bytes in both versions but for two values.
    let (head, rest) = der.split_at_checked(5)?;
    let [0x30, length, 0x02, 0x01, 0 | 1] = *head else { return None };
    if usize::from(length) != der.len().checked_sub(2)? {
        return None;
    }
    let secret = rest.strip_prefix(&ALGORITHM_AND_SECRET)?.get(..32)?;
    Some(Zeroizing::new(secret.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8410 §10.3, the first example private key, and the public key of §10.1.
    const RFC8410_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    const RFC8410_PUBLIC: &str = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";

    #[test]
    fn the_example_key_of_rfc_8410_gives_its_public_key() {
        let dir = crate::trust::ca::tests::scratch("keys");
        let path = dir.join("a.key");
        files::write_secret(&path, RFC8410_PRIVATE.as_bytes()).unwrap();
        let hex: String = SigningKey::load(&path).unwrap().public().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, RFC8410_PUBLIC);
    }

    #[test]
    fn a_created_key_is_owner_only_and_loads_again() {
        let dir = crate::trust::ca::tests::scratch("created");
        let path = dir.join("a.key");
        let made = SigningKey::create(&path).unwrap();
        assert_eq!(SigningKey::load(&path).unwrap().public(), made.public());
        assert!(matches!(SigningKey::create(&path), Err(Error::File { .. })), "an existing key is never replaced");
        let shown = format!("{made:?}");
        assert!(shown.contains("public") && !shown.contains("seed"));
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = crate::trust::ca::tests::scratch("open");
        let path = dir.join("a.key");
        SigningKey::create(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(SigningKey::load(&path), Err(Error::Open { mode: 0o640, .. })));
    }

    #[test]
    fn the_pkcs8_of_ring_version_2_is_read_and_garbage_is_not() {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let key = SigningKey::from_seed(&secret_of(pkcs8.as_ref()).unwrap()).unwrap();
        assert_eq!(key.public(), pair.public_key().as_ref());
        assert!(secret_of(&pkcs8.as_ref()[..40]).is_none());
        assert!(secret_of(b"").is_none());
    }
}
