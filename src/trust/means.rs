//! The means of signing in at the pages with a local account: a password and a one-time code, both needed.
//!
//! Owns how a password is kept (argon2id) and how a code is checked (TOTP). Knows no account and keeps nothing: who may
//! try how often is for `exchange::sign_in`. Refuses a code that was used before.
//!
//! # Source
//! RFC 9106 (argon2id; OWASP minimum 19 MiB, 2 passes), RFC 6238 (TOTP: SHA-1, 6 digits, 30 s).

use crate::clock::Moment;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use std::sync::OnceLock;
use totp_rs::{Algorithm, Secret, TOTP};

/// Shortest password, in characters: NCSC's three random words are longer.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// Longest password, in bytes: more is no safer, and hashing is work that anybody can ask for.
pub const PASSWORD_BYTES_MAX: usize = 256;
/// Digits of a code.
const CODE_DIGITS: usize = 6;
/// How long a code stands, in seconds.
const CODE_SECONDS: u64 = 30;
/// Bytes of a code's secret.
///
/// # Source
/// RFC 4226 §4 R6: 160 bits are recommended.
pub const SECRET_BYTES: usize = 20;

/// Why means cannot be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MeansError {
    /// Too short or too long.
    #[error("a password has {PASSWORD_CHARS_MIN} characters or more, and at most {PASSWORD_BYTES_MAX} bytes")]
    PasswordLength,
    /// The library refused.
    #[error("the password cannot be hashed")]
    Hashing,
    /// A secret is too short.
    #[error("the secret of the codes cannot be used")]
    Secret,
}

/// Hashes a new password; takes some 50 ms on purpose, so never on a thread that serves.
///
/// # Errors
/// [`MeansError`].
pub fn hash_password(password: &str) -> Result<String, MeansError> {
    if password.chars().count() < PASSWORD_CHARS_MIN || password.len() > PASSWORD_BYTES_MAX {
        return Err(MeansError::PasswordLength);
    }
    let hash = Argon2::default().hash_password(password.as_bytes()).map_err(|_| MeansError::Hashing)?;
    Ok(hash.to_string())
}

/// Whether the password is the one that was hashed. `None` stands for an account that has none: it takes as long and fails.
#[must_use]
pub fn password_holds(password: &str, hash: Option<&str>) -> bool {
    static NOBODY: OnceLock<Option<String>> = OnceLock::new();
    let nobody = NOBODY.get_or_init(|| hash_password("nobody has this password").ok());
    let Some(against) = hash.or(nobody.as_deref()) else { return false };
    let fits = password.len() <= PASSWORD_BYTES_MAX;
    let shown = if fits { password } else { "" };
    Argon2::default().verify_password(shown.as_bytes(), against).is_ok() && fits && hash.is_some()
}

/// Finds the time step a code belongs to: this one or a neighbour, and later than `last`, so that no code works twice.
#[must_use]
pub fn code_step(secret: &[u8], code: &str, last: u64, now: Moment) -> Option<u64> {
    let code = code.trim();
    if code.len() != CODE_DIGITS || !code.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let totp = totp(secret).ok()?;
    let step = u64::try_from(now.millis()).ok()?.div_euclid(1000).div_euclid(CODE_SECONDS);
    let near = [step.checked_sub(1)?, step, step.checked_add(1)?];
    near.into_iter().find(|s| *s > last && totp.check(code, s.saturating_mul(CODE_SECONDS)))
}

/// The code of a moment: for the demo, which prints it, and for tests.
///
/// # Errors
/// [`MeansError::Secret`].
pub fn code_at(secret: &[u8], at: Moment) -> Result<String, MeansError> {
    let seconds = u64::try_from(at.millis()).unwrap_or(0).div_euclid(1000);
    Ok(totp(secret)?.generate(seconds))
}

/// The secret as authenticator apps take it.
#[must_use]
pub fn secret_text(secret: &[u8]) -> String {
    Secret::Raw(secret.to_vec()).to_encoded().to_string()
}

fn totp(secret: &[u8]) -> Result<TOTP, MeansError> {
    TOTP::new(Algorithm::SHA1, CODE_DIGITS, 0, CODE_SECONDS, secret.to_vec()).map_err(|_| MeansError::Secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B: the secret of the SHA-1 rows.
    const RFC_SECRET: &[u8] = b"12345678901234567890";

    fn at(seconds: i64) -> Moment {
        Moment::from_millis(seconds * 1000)
    }

    #[test]
    fn codes_are_the_last_six_digits_of_the_vectors_of_rfc_6238() {
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            assert_eq!(code_at(RFC_SECRET, at(seconds)).unwrap(), code);
            assert_eq!(code_step(RFC_SECRET, code, 0, at(seconds)), Some(u64::try_from(seconds).unwrap() / 30));
        }
    }

    #[test]
    fn a_code_works_a_step_early_or_late_and_never_twice() {
        let code = code_at(RFC_SECRET, at(600)).unwrap();
        assert_eq!(code_step(RFC_SECRET, &code, 0, at(629)), Some(20));
        assert_eq!(code_step(RFC_SECRET, &code, 0, at(659)), Some(20));
        assert_eq!(code_step(RFC_SECRET, &code, 0, at(661)), None);
        assert_eq!(code_step(RFC_SECRET, &code, 20, at(610)), None, "used");
        assert_eq!(code_step(RFC_SECRET, "12a456", 0, at(600)), None);
    }

    #[test]
    fn a_password_holds_only_against_its_own_hash() {
        let hash = hash_password("three random words").unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(password_holds("three random words", Some(&hash)));
        assert!(!password_holds("three random word", Some(&hash)));
        assert!(!password_holds("nobody has this password", None));
        assert_eq!(hash_password("short"), Err(MeansError::PasswordLength));
    }
}
