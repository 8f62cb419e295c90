//! Folding SQLite's write-ahead log back into the database beside the committer, so that no commit waits for it.
//!
//! Owns when it is folded. A commit is durable when its frames in the write-ahead log are synced; folding only moves them, with the
//! engine's own syncs before and after, so a crash at any moment of it loses nothing. The engine starts the write-ahead log again from
//! its beginning only when all of it is folded at the moment a transaction begins: a task folds nearly all of it on another
//! connection, and the committer the few pages written meanwhile, between two batches. Should the task fall behind or fail, the
//! engine folds by itself within a commit, later (`db::WAL_PAGES_MOST`).

use crate::store::db::{Db, Engine, Folded};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Batches between two looks at how long the write-ahead log is.
const LOOK_EVERY: u32 = 16;
/// Pages that wait to be folded before the task folds them: 16 MiB, so that pages touched again and again are written once.
const WAITING_PAGES: u64 = 4_096;
/// Pages of the write-ahead log before it is started again: 32 MiB, read again after a crash in well under a second.
const WHOLE_PAGES: u64 = 8_192;
/// Pages the committer folds between two batches, at most about: 2 MiB.
const REST_PAGES: u64 = 512;
/// Attempts of the task to leave no more than that to a committer that goes on writing.
const ATTEMPTS: u32 = 4;

/// The committer's hand on the task.
pub(super) struct Fold {
    batches: u32,
    look: Arc<Notify>,
    rest: Arc<AtomicBool>,
    task: Option<JoinHandle<()>>,
}

impl Fold {
    /// Starts the task; PostgreSQL does such work by itself.
    pub(super) fn start(db: &Db) -> Self {
        let (look, rest) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let task = (db.engine() == Engine::Sqlite)
            .then(|| tokio::spawn(keep_folding(db.clone(), Arc::clone(&look), Arc::clone(&rest))));
        Self { batches: 0, look, rest, task }
    }

    /// A batch was written.
    pub(super) fn after_batch(&mut self) {
        self.batches = self.batches.wrapping_add(1);
        if self.batches.is_multiple_of(LOOK_EVERY) {
            self.look.notify_one();
        }
    }

    /// Before a batch: folds the rest when the task has folded nearly all. A failure here is no failure of the batch: nothing was lost,
    /// and the write-ahead log only goes on.
    pub(super) async fn before_batch(&self, db: &Db) {
        if self.rest.swap(false, Ordering::AcqRel)
            && let Err(error) = db.fold_here().await
        {
            tracing::warn!(%error, "the write-ahead log could not be folded");
        }
    }

    /// Ends the task; what is not folded is when the database is closed.
    pub(super) async fn stop(self) {
        if let Some(task) = self.task {
            task.abort();
            let _ = task.await;
        }
    }
}

async fn keep_folding(db: Db, look: Arc<Notify>, rest: Arc<AtomicBool>) {
    loop {
        look.notified().await;
        if let Err(error) = fold(&db, &rest).await {
            tracing::warn!(%error, "the write-ahead log could not be folded");
        }
    }
}

async fn fold(db: &Db, rest: &AtomicBool) -> Result<(), crate::store::Error> {
    let mut at = db.unfolded().await?;
    if at.waiting() < WAITING_PAGES {
        return Ok(());
    }
    for _ in 0..ATTEMPTS {
        at = db.fold_aside().await?;
        let now = db.unfolded().await?;
        if now.waiting() < REST_PAGES {
            rest.store(now.pages >= WHOLE_PAGES, Ordering::Release);
            break;
        }
        if now.folded == at.folded && at.folded < at.pages {
            // A reader still looks at the database as it was before the rest.
            break;
        }
    }
    Ok(())
}

impl Folded {
    /// Pages that wait.
    const fn waiting(&self) -> u64 {
        self.pages.saturating_sub(self.folded)
    }
}
