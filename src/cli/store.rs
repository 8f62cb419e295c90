//! Opening what a configuration names: database, password, the store's keys, the log's signer.
//!
//! Owns the one way there, for `serve`, `db` and `audit`. Refuses secrets that others can read. Makes no database unless
//! asked to by [`open`]: commands that only look use [`open_existing`].

use crate::audit::{Origin, Signer};
use crate::config::Gateway;
use crate::diagnostic::{Code, Diagnostic, code};
use crate::store::{Db, Error, Keys};
use crate::trust::{SigningKey, read_secret};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The database's password, when the configuration names a file with one.
///
/// # Errors
/// `SOL-TRUST-FILE` when the file cannot be read, others can read it, or it is not text.
pub fn password(gateway: &Gateway) -> Result<Option<Zeroizing<String>>, Diagnostic> {
    let Some(file) = &gateway.store.password_file else { return Ok(None) };
    let fault = |e: String| Diagnostic::error(code::TRUST_FILE, e).with_file(file.display().to_string());
    let bytes = read_secret(file).map_err(|e| fault(e.to_string()))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| fault("the password is not UTF-8".to_owned()))?;
    Ok(Some(Zeroizing::new(text.trim_end().to_owned())))
}

/// Opens the database; a SQLite file that is not there is made.
///
/// # Errors
/// `SOL-STORE-DATABASE`, and as [`password`].
pub async fn open(gateway: &Gateway) -> Result<Db, Diagnostic> {
    let password = password(gateway)?;
    Db::open(&gateway.store.database_url, password.as_ref().map(|p| p.as_str())).await.map_err(|e| failed(&e))
}

/// As [`open`], for a database that must be there.
///
/// # Errors
/// As [`open`].
pub async fn open_existing(gateway: &Gateway) -> Result<Db, Diagnostic> {
    if sqlite_file(gateway).is_some_and(|file| !file.is_file()) {
        return Err(Diagnostic::error(code::STORE_DATABASE, "store.database_url: there is no such database file"));
    }
    open(gateway).await
}

/// The file of a SQLite database.
pub fn sqlite_file(gateway: &Gateway) -> Option<PathBuf> {
    let path = gateway.store.database_url.strip_prefix("sqlite:")?;
    Some(Path::new(path.strip_prefix("//").unwrap_or(path)).to_owned())
}

/// A failure of the store, for people.
pub fn failed(error: &Error) -> Diagnostic {
    let code = match error {
        Error::Sealed(_) => code::STORE_KEY,
        _ => code::STORE_DATABASE,
    };
    Diagnostic::error(code, error.to_string())
}

/// The keys for content at rest; `code` is the calling command's for a file that cannot be used.
///
/// # Errors
/// `code` when the file cannot be read, is not one, or others can read it.
pub fn keys(gateway: &Gateway, code: Code) -> Result<Keys, Diagnostic> {
    let file = &gateway.store.key_file;
    Keys::load(file).map_err(|e| Diagnostic::error(code, e.to_string()).with_file(file.display().to_string()))
}

/// Who signs the gateway's log.
///
/// # Errors
/// `SOL-TRUST-FILE` when the key cannot be read, `SOL-CONFIG-FILE` when the origin cannot name a log.
pub fn signer(gateway: &Gateway) -> Result<Signer, Diagnostic> {
    let unusable = |text: String| Diagnostic::error(code::CONFIG_FILE, text);
    let origin = Origin::parse(&gateway.origin).map_err(|e| unusable(e.to_string()))?;
    let seed = SigningKey::load(&gateway.audit.signing_key)
        .map_err(|e| Diagnostic::error(code::TRUST_FILE, e.to_string()))?
        .seed();
    Signer::log(origin, &seed).map_err(|e| unusable(e.to_string()))
}
