//! Keeping the content set of a running gateway current: a new set is checked whole, and taken whole or not at all.
//!
//! Owns when to look (a poll of modification times, or SIGHUP) and what becomes of a set with faults: the last good one
//! stays in force, and log, metrics and health say what is wrong with file and line. Checks nothing itself.

use super::{content, serve};
use crate::diagnostic::Diagnostic;
use crate::exchange::{ContentSet, Gateway};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How often the folder is looked at. A set is taken when two looks in a row find the same, so that an editor or a copy
/// in progress is not read halfway.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Files looked at in one folder tree; a content folder has a few hundred.
const FILES_MAX: usize = 20_000;

/// Watches `dir` until aborted; `seen` is what it looked like when the set in force was read.
pub async fn keep_current(gateway: Arc<Gateway>, dir: PathBuf, seen: Option<u64>) {
    let mut told = Told::listen();
    let (mut taken, mut before) = (seen, seen);
    loop {
        let asked = told.wait(LOOK_EVERY).await;
        let now = look(&dir).await;
        let settled = now == before;
        before = now;
        if asked || (settled && now != taken) {
            // A set that could not be logged is tried again at the next look.
            taken = if attempt(&gateway, &dir).await { now } else { None };
        }
    }
}

/// What `dir` looks like now; a folder that cannot be read looks like nothing.
async fn look(dir: &Path) -> Option<u64> {
    let dir = dir.to_owned();
    tokio::task::spawn_blocking(move || fingerprint(&dir)).await.ok().flatten()
}

/// Names, sizes and modification times of the content files of a folder, as one number.
pub fn fingerprint(dir: &Path) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    let mut open: Vec<PathBuf> = content::FOLDERS.iter().map(|name| dir.join(name)).collect();
    let mut seen = 0_usize;
    while let Some(at) = open.pop() {
        let mut entries: Vec<_> = std::fs::read_dir(&at).ok()?.filter_map(Result::ok).collect();
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            seen = seen.saturating_add(1);
            let meta = entry.metadata().ok()?;
            if meta.is_dir() {
                open.push(entry.path());
                continue;
            }
            entry.path().hash(&mut hasher);
            meta.len().hash(&mut hasher);
            meta.modified().ok().hash(&mut hasher);
        }
        if seen > FILES_MAX {
            return None;
        }
    }
    Some(hasher.finish())
}

/// Whether it need not be tried again.
async fn attempt(gateway: &Arc<Gateway>, dir: &Path) -> bool {
    let (folder, config) = (dir.to_owned(), gateway.config().clone());
    let checked = tokio::task::spawn_blocking(move || -> Result<ContentSet, Vec<Diagnostic>> {
        let set = content::compile(&content::load(Some(&folder)).map_err(|fault| vec![fault])?)?;
        let missing = serve::formats_not_loaded(&config, &set);
        if missing.is_empty() { Ok(set) } else { Err(missing) }
    });
    match checked.await {
        Ok(Ok(set)) => {
            let formats = set.mappings.formats().len();
            if let Err(error) = gateway.put_in_force(set).await {
                tracing::error!(%error, "a changed content set cannot be logged; the last one stays in force");
                return false;
            }
            tracing::info!(formats, "a changed content set is in force");
        }
        Ok(Err(faults)) => {
            for fault in &faults {
                tracing::error!("{fault}");
            }
            tracing::error!(
                faults = faults.len(),
                "the content set on disk is refused; the last good one stays in force"
            );
            gateway.keep_content(&faults);
        }
        Err(_) => tracing::error!("the content set could not be checked; the last good one stays in force"),
    }
    true
}

/// SIGHUP, where there is such a thing.
struct Told {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Told {
    fn listen() -> Self {
        Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
        }
    }
    /// Waits; `true` when somebody asked for a look now.
    async fn wait(&mut self, at_most: Duration) -> bool {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal {
            return tokio::time::timeout(at_most, signal.recv()).await.is_ok_and(|told| told.is_some());
        }
        tokio::time::sleep(at_most).await;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_changes_what_a_folder_looks_like() {
        let dir = std::env::temp_dir().join(format!("solent-look-{}", uuid::Uuid::now_v7()));
        for name in content::FOLDERS {
            std::fs::create_dir_all(dir.join(name)).unwrap();
        }
        std::fs::write(dir.join("mappings/a"), "1").unwrap();
        let before = fingerprint(&dir);
        assert_eq!(before, fingerprint(&dir));
        std::fs::write(dir.join("mappings/a"), "12").unwrap();
        let after = fingerprint(&dir);
        assert_ne!(before, after);
        std::fs::write(dir.join("sharing/b"), "1").unwrap();
        assert_ne!(after, fingerprint(&dir));
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!(fingerprint(&dir), None);
    }
}
