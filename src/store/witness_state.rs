//! What a witness remembers: for each log, the checkpoint it cosigned last, in one file of its own folder.
//!
//! Owns the order that makes a witness worth anything: check against what is remembered, remember durably, only then
//! answer; all under one lock, so that two requests at once, or two processes on one folder, cannot both pass. Shares
//! nothing with the gateway's database. Read [`WitnessState::add`].
//!
//! # Source
//! C2SP tlog-witness v1.0.0: "the witness MUST persist … before returning"; Solent audit paper §6.

use super::commit::replace_file;
use crate::audit::witness::{AddCheckpoint, Refusal, Reply, judge};
use crate::audit::{Checkpoint, Hash, Note, Signer, Vkey};
use crate::clock::Moment;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The file whose lock keeps a second process out.
const LOCK_FILE: &str = "lock";

/// Why a witness gives no cosignature.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// It refuses, and says why.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Its folder cannot be used; nothing was cosigned.
    #[error("{file}: {kind}")]
    Folder {
        /// Which file.
        file: String,
        /// What the system said.
        kind: std::io::ErrorKind,
    },
    /// Another process uses the folder.
    #[error("another witness uses this folder")]
    InUse,
    /// What is remembered cannot be read: nothing is cosigned until somebody has looked.
    #[error("{0}: what was cosigned last cannot be read")]
    Unreadable(String),
}

/// A witness: its key, the logs it watches, its folder.
#[derive(Debug)]
pub struct WitnessState {
    folder: PathBuf,
    signer: Signer,
    logs: Vec<Vkey>,
    _lock: File,
    one_at_a_time: Mutex<()>,
}

impl WitnessState {
    /// Takes the folder, which is made when it is not there.
    ///
    /// # Errors
    /// [`WitnessError::Folder`], [`WitnessError::InUse`].
    pub fn open(folder: &Path, signer: Signer, logs: Vec<Vkey>) -> Result<Self, WitnessError> {
        let failed = |e: std::io::Error| folder_error(folder, &e);
        std::fs::create_dir_all(folder).map_err(failed)?;
        let lock = File::create(folder.join(LOCK_FILE)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(WitnessError::InUse),
            Err(std::fs::TryLockError::Error(e)) => return Err(failed(e)),
        }
        Ok(Self { folder: folder.to_owned(), signer, logs, _lock: lock, one_at_a_time: Mutex::new(()) })
    }

    /// The key that verifies what this witness signs.
    #[must_use]
    pub const fn vkey(&self) -> &Vkey {
        self.signer.vkey()
    }

    /// Checks a request and cosigns: the cosignature's line, made only after the checkpoint is durable here.
    ///
    /// # Errors
    /// [`WitnessError`].
    pub fn add(&self, asked: &AddCheckpoint, now: Moment) -> Result<String, WitnessError> {
        let stated = asked.stated()?;
        let path = self.file_of(stated.origin.as_str());
        let _turn = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        // An origin nobody watches reads no file: its name alone decides.
        let watched = self.logs.iter().any(|key| *key.name() == stated.origin);
        let last = if watched { last(&path)? } else { None };
        let checkpoint = judge(asked, &self.logs, last)?;
        let seconds = u64::try_from(now.millis().div_euclid(1000)).unwrap_or(0);
        let signature = self.signer.sign(asked.note.text(), seconds);
        // Not the lines of strangers: with theirs and ours it could be more than a note may have, and never be read again.
        let mut kept = asked.note.only_by(&self.logs);
        kept.add(signature.clone());
        debug_assert_eq!(checkpoint.to_text(), kept.text());
        replace_file(&path, &kept.to_text()).map_err(|e| folder_error(&path, &e))?;
        Ok(format!("{signature}\n"))
    }

    /// The answer to a request's bytes.
    #[must_use]
    pub fn answer(&self, request: &[u8], now: Moment) -> Reply {
        match AddCheckpoint::parse(request).map_err(WitnessError::Refused).and_then(|asked| self.add(&asked, now)) {
            Ok(lines) => Reply::Lines(lines),
            Err(WitnessError::Refused(refusal)) => Reply::Refused(refusal),
            Err(error) => {
                tracing::error!(%error, "nothing is cosigned");
                Reply::Failed
            }
        }
    }

    /// Where the last checkpoint of a log is kept: a signed note with this witness's cosignature, so that the file itself can
    /// be given to `audit verify --checkpoint`.
    #[must_use]
    pub fn file_of(&self, origin: &str) -> PathBuf {
        let digest = ring::digest::digest(&ring::digest::SHA256, origin.as_bytes());
        let name: String = digest.as_ref().iter().take(16).map(|b| format!("{b:02x}")).collect();
        self.folder.join(format!("{name}.checkpoint"))
    }
}

fn last(path: &Path) -> Result<Option<(u64, Hash)>, WitnessError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(folder_error(path, &e)),
    };
    let checkpoint = Note::parse(&bytes).and_then(|note| Checkpoint::parse(note.text()));
    let checkpoint = checkpoint.map_err(|_| WitnessError::Unreadable(path.display().to_string()))?;
    Ok(Some((checkpoint.size, checkpoint.root)))
}

fn folder_error(path: &Path, error: &std::io::Error) -> WitnessError {
    WitnessError::Folder { file: path.display().to_string(), kind: error.kind() }
}
