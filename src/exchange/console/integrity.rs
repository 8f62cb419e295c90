//! Whether the log is what was signed, shown in front of whoever asks: the state of the whole, one entry, a checkpoint that
//! was kept elsewhere.
//!
//! Owns when the whole log is verified (at once while it is small, else in the background and not more often than it helps)
//! and what is remembered of the last time. Every check is `audit::verify`; what it finds is named by place, never by content.

use crate::audit::merkle::{consistency_proof, empty_root, verify_consistency};
use crate::audit::note::{Checkpoint, NOTE_BYTES_MAX, Note};
use crate::audit::source::StoredTiles;
use crate::audit::tile::TileNodes;
use crate::audit::verify::{Expected, Report, verify};
use crate::audit::{Event, Origin, TlogProof, Vkey};
use crate::clock::Moment;
use crate::exchange::{Failure, Gateway, Visitor};
use crate::store::{JudgedLog, LogReader, StoredLog};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Up to this size the whole log is verified while the page waits: some tens of milliseconds.
const AT_ONCE_MAX: u64 = 4_096;
/// A larger log is verified again when somebody looks and the last time is this long ago, in milliseconds.
const AGAIN_MILLIS: i64 = 15 * 60_000;
/// How long a page waits for a verification it has started.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// Findings shown; the command line shows more.
const SHOWN_MAX: usize = 20;

/// What is remembered of the last verification.
#[derive(Default, Debug)]
pub struct Watch(Arc<Mutex<Seen>>);

#[derive(Default, Debug)]
struct Seen {
    running: bool,
    last: Option<Verified>,
}

/// One verification of the whole log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    /// When.
    pub at: Moment,
    /// Entries there were.
    pub size: u64,
    /// What is wrong: place, entry, words; at most twenty.
    pub findings: Vec<(Option<u64>, Option<String>, String)>,
    /// All that is wrong.
    pub findings_count: u64,
}

/// The state of the log.
#[derive(Clone, Debug)]
pub struct LogHealth {
    /// The log.
    pub origin: String,
    /// Its entries now.
    pub size: u64,
    /// The key that verifies it.
    pub vkey: String,
    /// Its newest checkpoint, as signed.
    pub checkpoint: String,
    /// The newest checkpoint that enough witnesses signed: size and when.
    pub witnessed: Option<(u64, Moment)>,
    /// The last verification; none while the first is under way.
    pub verified: Option<Verified>,
    /// Whether one is under way.
    pub running: bool,
    /// Witnesses that speak against this log, or are silent.
    pub witness_troubles: usize,
}

/// What came of checking one entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EntryCheck {
    /// It is in the log as signed: its place, and the size of the signed log.
    Sound(u64, u64),
    /// It is not what was signed.
    Altered,
}

/// How a checkpoint from elsewhere compares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compared {
    /// The log contains it: its size, and the log's.
    Contained(u64, u64),
    /// It is of a larger log than there is: entries are gone.
    Ahead(u64, u64),
    /// It is signed by this log, and is not its beginning: two logs were shown.
    Forked(u64),
    /// It is not signed with this log's key.
    NotSigned,
    /// It is no checkpoint of this log.
    NotOurs,
}

impl Gateway {
    /// The state of the log; looking is an entry. `now` asks for a verification even when the last is fresh.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for other hats; [`Failure::LogUnavailable`], [`Failure::Store`].
    pub async fn log_health(&self, visitor: &Visitor, now: bool) -> Result<LogHealth, Failure> {
        self.console_view(visitor).await?;
        self.logged(visitor, Event::AuditQuery, "integrity".to_owned()).await?;
        let origin = self.log_origin()?;
        let reader = LogReader::new(self.db.clone(), origin.clone());
        let shard = reader.shard().await?.ok_or(Failure::NotFound)?;
        self.verify_log(&reader, shard.size, now).await?;
        let (verified, running) = {
            let seen = self.integrity.0.lock().unwrap_or_else(PoisonError::into_inner);
            (seen.last.clone(), seen.running)
        };
        let troubles = self.witness_standings().iter().filter(|w| w.trouble.is_some()).count();
        Ok(LogHealth {
            origin: origin.as_str().to_owned(),
            size: shard.size,
            vkey: self.committer.vkey().to_string(),
            checkpoint: shard.note,
            witnessed: self.witnessed(&origin).await?,
            verified,
            running,
            witness_troubles: troubles,
        })
    }

    pub(super) fn log_origin(&self) -> Result<Origin, Failure> {
        Origin::parse(&self.config().origin).map_err(|_| Failure::Inconsistent("the log's origin"))
    }

    /// The newest checkpoint with enough cosignatures: its size and when the last witness signed it.
    async fn witnessed(&self, origin: &Origin) -> Result<Option<(u64, Moment)>, Failure> {
        let Some(size) = self.witnessed_size(origin.as_str()).await? else { return Ok(None) };
        let mut seconds = None;
        for witness in &self.config().audit.witnesses {
            let found = self.db.cosignature_of(origin, &witness.name).await?;
            seconds = seconds.max(found.filter(|c| c.size >= size).map(|c| c.seconds));
        }
        Ok(seconds.map(|s| (size, Moment::from_millis(s.saturating_mul(1_000)))))
    }

    async fn verify_log(&self, reader: &LogReader, size: u64, now: bool) -> Result<(), Failure> {
        let at = self.clock().now();
        let fresh = |seen: &Seen| {
            let last = seen.last.as_ref();
            last.is_some_and(|l| !now && at.millis().saturating_sub(l.at.millis()) < AGAIN_MILLIS)
        };
        {
            let mut seen = self.integrity.0.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.running || (size > AT_ONCE_MAX && fresh(&seen)) {
                return Ok(());
            }
            seen.running = true;
        }
        let mirror = std::fs::read(&self.config().audit.checkpoint_file).ok();
        let runtime = tokio::runtime::Handle::current();
        let judged = JudgedLog::open(reader.clone(), Some(self.keys.clone()), mirror, runtime).await;
        let (watch, key) = (Arc::clone(&self.integrity.0), self.committer.vkey().clone());
        let run = tokio::task::spawn_blocking(move || {
            let verified = judged.ok().flatten().and_then(|log| one_verification(&log, key, at));
            let mut seen = watch.lock().unwrap_or_else(PoisonError::into_inner);
            seen.running = false;
            seen.last = verified.or(seen.last.take());
        });
        // A small log answers within it; a large one goes on behind the page.
        let patience = if size <= AT_ONCE_MAX { PATIENCE * 20 } else { PATIENCE };
        let _ = tokio::time::timeout(patience, run).await;
        Ok(())
    }

    /// The log's key, and those it signed with before, as far as each reached.
    async fn keys_for(&self, origin: &Origin, size: u64) -> Result<Vec<Vkey>, Failure> {
        let retired = self.db.retired_keys(origin).await?.into_iter().filter(|row| size <= row.size);
        Ok(std::iter::once(self.committer.vkey().clone()).chain(retired.map(|row| row.key.vkey)).collect())
    }

    /// Checks one entry of the view against the signed log; the check is an entry.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for other hats and for an entry outside the view; [`Failure::Gone`] for an erased one.
    pub async fn check_entry(&self, visitor: &Visitor, id: &str) -> Result<EntryCheck, Failure> {
        let viewer = self.console_view(visitor).await?;
        self.logged(visitor, Event::AuditQuery, "check of one entry".to_owned()).await?;
        let asker = self.asker(viewer);
        let row = match asker.one(id).await {
            Ok(row) => row,
            // What cannot be opened, or is not what was committed to, is exactly what is looked for.
            Err(failure) if failure.is_alteration() => {
                return Ok(EntryCheck::Altered);
            }
            Err(failure) => return Err(failure),
        };
        let (salt, payload) = row.sealed_part();
        let Ok(proof) = asker.proof(&row, Some(salt)).await else { return Ok(EntryCheck::Altered) };
        let keys = self.keys_for(&self.log_origin()?, row.entry.index).await?;
        let proven = TlogProof::parse(proof.as_bytes()).and_then(|p| p.verify(&row.entry.entry, Some(payload), &keys));
        Ok(proven.map_or(EntryCheck::Altered, |p| EntryCheck::Sound(row.entry.index, p.checkpoint.size)))
    }

    /// Compares a checkpoint kept elsewhere with the log; the comparison is an entry.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for other hats; [`Failure::LogUnavailable`], [`Failure::Store`].
    pub async fn compare_checkpoint(&self, visitor: &Visitor, note: &str) -> Result<Compared, Failure> {
        self.console_view(visitor).await?;
        self.logged(visitor, Event::AuditQuery, "comparison of a checkpoint".to_owned()).await?;
        let note = with_line_ends(note);
        let stated = Note::parse(note.as_bytes()).ok().and_then(|n| Checkpoint::parse(n.text()).ok());
        let origin = self.log_origin()?;
        let stated = stated.filter(|c| note.len() <= NOTE_BYTES_MAX && c.origin == origin);
        let Some(stated_size) = stated.map(|c| c.size) else { return Ok(Compared::NotOurs) };
        let keys = self.keys_for(&origin, stated_size).await?;
        let Ok((held, _)) = Checkpoint::open(note.as_bytes(), &keys) else { return Ok(Compared::NotSigned) };
        let reader = LogReader::new(self.db.clone(), origin);
        let shard = reader.shard().await?.ok_or(Failure::NotFound)?;
        let ours = Note::parse(shard.note.as_bytes()).and_then(|n| Checkpoint::parse(n.text()));
        let ours = ours.map_err(|_| Failure::Inconsistent("the checkpoint"))?;
        if held.size > ours.size {
            return Ok(Compared::Ahead(held.size, ours.size));
        }
        if held.size == 0 {
            // The empty log is the beginning of every log.
            return Ok(if held.root == empty_root() { Compared::Contained(0, ours.size) } else { Compared::Forked(0) });
        }
        let stored = StoredLog::new(reader, None, tokio::runtime::Handle::current());
        let (from, to) = (held.size, ours.size);
        let made = tokio::task::spawn_blocking(move || {
            let tiles = StoredTiles::new(&stored);
            consistency_proof(&TileNodes::new(&tiles, to), from, to)
        });
        let proof = made.await.ok().and_then(Result::ok);
        let holds = proof.is_some_and(|p| verify_consistency(from, &held.root, to, &ours.root, &p).is_ok());
        Ok(if holds { Compared::Contained(from, to) } else { Compared::Forked(from) })
    }
}

/// A browser's text field writes its lines with carriage returns and may lose the last end.
fn with_line_ends(note: &str) -> String {
    let mut text = note.replace("\r\n", "\n");
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn one_verification(log: &JudgedLog, key: Vkey, at: Moment) -> Option<Verified> {
    let expected = Expected { keys: vec![key], held: Vec::new() };
    let report: Report = verify(log, &expected, &mut |_| {}).ok()?;
    let shown = report.findings.iter().take(SHOWN_MAX);
    Some(Verified {
        at,
        size: report.size,
        findings: shown.map(|f| (f.index, f.id.clone(), f.kind.to_string())).collect(),
        findings_count: report.findings_count,
    })
}
