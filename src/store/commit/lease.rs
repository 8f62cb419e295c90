//! One writer per log: the lock that a living process holds, and the mark it leaves in the shard's row.
//!
//! Owns both. The lock dies with its process (a file lock beside a SQLite database, a session lock in PostgreSQL), so
//! that a killed gateway can start again at once. The owner mark is the fence: every batch names it, so a writer whose
//! lock was lost and taken by another cannot append, even if it does not know yet. A SQLite file that was removed or
//! replaced under a running gateway still takes writes, which nobody will ever read: that is noticed here too.

use crate::store::Error;
use crate::store::db::{Db, failed};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a start waits for a predecessor's lock to go: a killed process's PostgreSQL session ends within this.
pub(super) const WAIT: Duration = Duration::from_secs(5);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A held lock.
pub(super) enum Lease {
    /// The open file keeps the lock; beside it, which file the database is.
    Sqlite {
        #[allow(dead_code, reason = "held for its lock")]
        lock: File,
        database: PathBuf,
        identity: Option<Identity>,
    },
    /// The session keeps the lock.
    Postgres(Box<PgConnection>),
}

impl Lease {
    /// Takes the lock of this log; `None` when another process holds it.
    pub(super) async fn take(db: &Db, origin: &str, wait: Duration) -> Result<Option<Self>, Error> {
        let tries = wait.as_millis().checked_div(LOOK_EVERY.as_millis()).unwrap_or(1).max(1);
        for _ in 0..tries {
            if let Some(lease) = Self::try_take(db, origin).await? {
                return Ok(Some(lease));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(None)
    }

    async fn try_take(db: &Db, origin: &str) -> Result<Option<Self>, Error> {
        match db {
            Db::Sqlite(_) => {
                let database = db.sqlite_path().unwrap_or_else(|| Path::new("")).to_owned();
                let mut path = database.as_os_str().to_owned();
                path.push(".lock");
                let fail =
                    |e: std::io::Error| Error::Database { at: "lease", kind: format!("lock file: {}", e.kind()) };
                let file =
                    File::options().create(true).truncate(false).write(true).open(PathBuf::from(path)).map_err(fail)?;
                match file.try_lock() {
                    Ok(()) => {
                        let identity = identity(&database);
                        Ok(Some(Self::Sqlite { lock: file, database, identity }))
                    }
                    Err(TryLockError::WouldBlock) => Ok(None),
                    Err(TryLockError::Error(e)) => Err(fail(e)),
                }
            }
            Db::Postgres(pool) => {
                let mut session = pool.connect_options().connect().await.map_err(|e| failed("lease", &e))?;
                let query = sqlx::query_scalar::<_, bool>("SELECT pg_try_advisory_lock($1)").bind(lock_number(origin));
                let held = query.fetch_one(&mut session).await.map_err(|e| failed("lease", &e))?;
                if held {
                    return Ok(Some(Self::Postgres(Box::new(session))));
                }
                let _ = session.close().await;
                Ok(None)
            }
        }
    }

    /// Whether the lock is still held.
    pub(super) async fn alive(&mut self) -> bool {
        match self {
            Self::Sqlite { .. } => true,
            Self::Postgres(session) => session.ping().await.is_ok(),
        }
    }
}

/// Which file a path names: device and number.
type Identity = (u64, u64);

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

#[cfg(not(unix))]
fn identity(_path: &Path) -> Option<Identity> {
    None
}

impl Lease {
    /// Whether the database is still the file it was when the lock was taken. A server's always is.
    pub(super) fn in_place(&self) -> bool {
        match self {
            Self::Sqlite { database, identity: was, .. } => identity(database) == *was,
            Self::Postgres(_) => true,
        }
    }
}

/// The number of a log's session lock: the first 8 bytes of its name's SHA-256.
fn lock_number(origin: &str) -> i64 {
    let digest = ring::digest::digest(&ring::digest::SHA256, origin.as_bytes());
    digest.as_ref().iter().take(8).fold(0i64, |sum, byte| (sum << 8) | i64::from(*byte))
}
