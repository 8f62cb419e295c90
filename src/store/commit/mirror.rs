//! The mirror: the newest checkpoint in a file outside the database.
//!
//! Owns writing it (a temporary file beside it, made durable, then renamed over it) and reading it. Written behind the
//! commits, at most every so often, so that no caller waits for it; the file may therefore lag, never lead.

use super::faults::{FaultPoint, Faults, Timing};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Writes what it is told, newest only.
pub(super) struct Mirror {
    newest: watch::Sender<String>,
    task: Option<JoinHandle<()>>,
}

impl Mirror {
    pub(super) fn start(path: Option<PathBuf>, every: Duration, faults: Arc<dyn Faults>) -> Self {
        let (newest, seen) = watch::channel(String::new());
        let task = path.map(|path| tokio::spawn(keep(path, every, faults, seen)));
        Self { newest, task }
    }

    /// There is a newer checkpoint.
    pub(super) fn note(&self, note: String) {
        self.newest.send_replace(note);
    }

    /// Writes what is left and stops.
    pub(super) async fn stop(self) {
        drop(self.newest);
        if let Some(task) = self.task {
            let _ = task.await;
        }
    }
}

async fn keep(path: PathBuf, every: Duration, faults: Arc<dyn Faults>, mut seen: watch::Receiver<String>) {
    let mut written = String::new();
    loop {
        let open = seen.changed().await.is_ok();
        let note = seen.borrow_and_update().clone();
        if !note.is_empty() && note != written && faults.at(FaultPoint::Mirror, Timing::Before).is_none() {
            let (target, text) = (path.clone(), note.clone());
            let done = tokio::task::spawn_blocking(move || write(&target, &text)).await;
            match done {
                Ok(Ok(())) => written = note,
                // The next start would refuse only if the database lost entries too, so work goes on, audibly.
                _ => tracing::error!("the mirror of the checkpoint cannot be written"),
            }
        }
        if !open {
            return;
        }
        tokio::time::sleep(every).await;
    }
}

/// Replaces the file in one step.
pub(in crate::store) fn write(path: &Path, note: &str) -> std::io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = PathBuf::from(temporary);
    let mut file = std::fs::File::create(&temporary)?;
    file.write_all(note.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The mirrored checkpoint; `None` when there is no file.
pub(super) fn read(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
