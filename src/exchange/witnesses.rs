//! Having the log witnessed: asking others to cosign its checkpoints, keeping what they sign, and being loud when they do not.
//!
//! Owns the rounds: who is due, what they are sent, what their answers mean. A witness that refuses because it holds
//! another or a larger tree is the one thing that shows a log set back to an old copy with everything around it; it makes the
//! gateway not ready and leaves a `witness-fail` entry. Believes no cosignature it has not verified.
//!
//! # Source
//! C2SP tlog-witness v1.0.0; Solent audit paper §6.

use super::{Failure, Gateway};
use crate::audit::merkle::consistency_proof;
use crate::audit::note::{Signed, Vkey};
use crate::audit::payload::{Change, Payload};
use crate::audit::source::StoredTiles;
use crate::audit::tile::TileNodes;
use crate::audit::witness::{AddCheckpoint, answer_lines};
use crate::audit::{Checkpoint, Draft, Event, Note, Origin, Outcome};
use crate::config::{Witness, WitnessWay};
use crate::ident::AccountId;
use crate::peer::{WitnessAnswer, ask_witness};
use crate::store::{Cosignature, Effect, Job, LogReader, StoredLog};
use crate::trust::read_bounded;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// A witness is asked again about the same checkpoint after this long: cosigned at least hourly.
const AGAIN_SECONDS: i64 = 3_600;
/// A witness that has signed nothing for this long is silent.
const SILENT_SECONDS: i64 = 24 * 3_600;
/// Who is named as actor.
const ACTOR: &str = "system:gateway";

/// How a witness stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WitnessStanding {
    /// Its name.
    pub name: String,
    /// Size of the tree it cosigned last; 0 when it never did.
    pub size: u64,
    /// Seconds since its last cosignature; `None` when it never gave one.
    pub age_seconds: Option<i64>,
    /// What is wrong, as a stable word; see [`Trouble::word`].
    pub trouble: Option<&'static str>,
}

/// What is wrong with a witness, or what it says is wrong with the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Trouble {
    /// It holds a larger tree of this log than the database does.
    Ahead,
    /// The tree it cosigned is not the beginning of this one.
    Forked,
    /// It refuses for another reason.
    Refused,
    /// It cannot be reached, or its answer cannot be read.
    Unreachable,
    /// It has signed nothing for a day.
    Silent,
    /// Its key in the configuration is not a witness's key.
    Key,
}

impl Trouble {
    const fn word(self) -> &'static str {
        match self {
            Self::Ahead => "W-AHEAD",
            Self::Forked => "W-FORKED",
            Self::Refused => "W-REFUSED",
            Self::Unreachable => "W-UNREACHABLE",
            Self::Silent => "W-SILENT",
            Self::Key => "W-KEY",
        }
    }
    /// Whether it speaks against the log itself.
    const fn disputes(self) -> bool {
        matches!(self, Self::Ahead | Self::Forked)
    }
    /// Whether one occurrence is worth an entry. A witness that is away for an hour is not.
    const fn is_loud(self) -> bool {
        !matches!(self, Self::Unreachable)
    }
}

/// What is remembered of the witnesses between rounds.
#[derive(Default, Debug)]
pub(super) struct Witnesses(Mutex<BTreeMap<String, Remembered>>);

/// How a witness stands, its last trouble, and when that was named in the log (milliseconds UTC).
type Remembered = (WitnessStanding, Option<Trouble>, i64);

impl Witnesses {
    fn knows(&self, name: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(name)
    }
}

/// The signed head that is to be cosigned.
struct Head {
    origin: Origin,
    note: Note,
    size: u64,
}

impl Gateway {
    /// One round: asks every witness that is due. A witness in trouble is named in the log once, and again each day.
    ///
    /// # Errors
    /// [`Failure::Store`], [`Failure::LogUnavailable`].
    pub async fn ask_witnesses(&self) -> Result<(), Failure> {
        if self.config().audit.witnesses.is_empty() {
            return Ok(());
        }
        let Some(head) = self.head().await? else { return Ok(()) };
        for witness in &self.config().audit.witnesses {
            let now = self.clock().now().millis().div_euclid(1000);
            let before = self.db.cosignature_of(&head.origin, &witness.name).await?;
            // Always once after a start: a database that was set back believes that nothing is due.
            let due = !self.witnesses.knows(&witness.name)
                || before
                    .as_ref()
                    .is_none_or(|c| c.size != head.size || now.saturating_sub(c.seconds) >= AGAIN_SECONDS);
            let mut trouble = None;
            if due && head.size > 0 {
                match self.ask_one(witness, &head, before.as_ref().map_or(0, |c| c.size)).await {
                    Ok(Some(kept)) => self.keep_cosignature(&head.origin, kept).await?,
                    Ok(None) => {}
                    Err(found) => trouble = Some(found),
                }
            }
            let after = self.db.cosignature_of(&head.origin, &witness.name).await?;
            self.stand(witness, after.as_ref(), trouble, now).await?;
        }
        Ok(())
    }

    async fn head(&self) -> Result<Option<Head>, Failure> {
        let origin = Origin::parse(&self.config().origin).map_err(|_| Failure::Inconsistent("the log's origin"))?;
        let shard = LogReader::new(self.db.clone(), origin.clone()).shard().await?;
        let Some(shard) = shard.filter(|s| !s.note.is_empty()) else { return Ok(None) };
        let note = Note::parse(shard.note.as_bytes()).map_err(|_| Failure::Inconsistent("the checkpoint"))?;
        Ok(Some(Head { origin, note, size: shard.size }))
    }

    /// Asks one witness; a verified cosignature, or none yet (by file).
    async fn ask_one(&self, witness: &Witness, head: &Head, old: u64) -> Result<Option<Cosignature>, Trouble> {
        let key = Vkey::parse(&witness.vkey).map_err(|_| Trouble::Key)?;
        match &witness.way {
            WitnessWay::Http { url, ca } => {
                let authority =
                    ca.as_ref().map(|file| read_bounded(file)).transpose().map_err(|_| Trouble::Unreachable)?;
                let mut answer = self.post(url, authority.as_deref(), head, old).await?;
                if let WitnessAnswer::Latest(latest) = answer {
                    if latest > head.size {
                        return Err(Trouble::Ahead);
                    }
                    answer = self.post(url, authority.as_deref(), head, latest).await?;
                }
                match answer {
                    WitnessAnswer::Lines(bytes) => verified(&head.note, &bytes, &key).map(Some),
                    WitnessAnswer::Refused(422) => Err(Trouble::Forked),
                    WitnessAnswer::Latest(_) | WitnessAnswer::Refused(_) => Err(Trouble::Refused),
                }
            }
            WitnessWay::Drop(folder) => self.by_file(folder, &key, head, old).await,
        }
    }

    async fn post(&self, url: &str, authority: Option<&[u8]>, head: &Head, old: u64) -> Result<WitnessAnswer, Trouble> {
        let text = self.request(head, old).await?;
        let (url, authority) = (url.to_owned(), authority.map(<[u8]>::to_vec));
        let asked = tokio::task::spawn_blocking(move || ask_witness(&url, authority.as_deref(), &text)).await;
        match asked {
            Ok(Ok(answer)) => Ok(answer),
            _ => Err(Trouble::Unreachable),
        }
    }

    /// The request's text, with the proof from the size the witness knows.
    async fn request(&self, head: &Head, old: u64) -> Result<String, Trouble> {
        if old > head.size {
            return Err(Trouble::Ahead);
        }
        let reader = LogReader::new(self.db.clone(), head.origin.clone());
        let stored = StoredLog::new(reader, None, tokio::runtime::Handle::current());
        let size = head.size;
        let proof = tokio::task::spawn_blocking(move || {
            let tiles = StoredTiles::new(&stored);
            consistency_proof(&TileNodes::new(&tiles, size), old, size)
        });
        let proof = proof.await.ok().and_then(Result::ok).ok_or(Trouble::Unreachable)?;
        Ok(AddCheckpoint { old, proof, note: head.note.clone() }.to_text())
    }

    /// By file: takes the answer to what was left there before, then leaves a new request. Files: `request`, `answer`.
    async fn by_file(&self, folder: &Path, key: &Vkey, head: &Head, old: u64) -> Result<Option<Cosignature>, Trouble> {
        let (request, answer) = (folder.join("request"), folder.join("answer"));
        let asked = read_bounded(&request).ok().and_then(|bytes| AddCheckpoint::parse(&bytes).ok());
        // Each answer ends in a newline: one that does not is still being written.
        let answered = read_bounded(&answer).ok().filter(|bytes| bytes.ends_with(b"\n"));
        if asked.is_some() && answered.is_none() {
            // What was asked still travels: another request would overtake it.
            return Ok(None);
        }
        let mut from = old;
        let mut kept = None;
        if let (Some(asked), Some(bytes)) = (&asked, &answered) {
            let told = std::str::from_utf8(bytes).ok().and_then(|text| text.strip_prefix("old "));
            if let Some(latest) = told.and_then(|text| text.trim_end().parse::<u64>().ok()) {
                from = latest;
            } else {
                let found = verified(&asked.note, bytes, key)?;
                from = found.size;
                kept = Some(found);
            }
        }
        let text = self.request(head, from).await?;
        let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&request, text));
        written.map_err(|_| Trouble::Unreachable)?;
        let _ = std::fs::remove_file(&answer);
        Ok(kept)
    }

    async fn keep_cosignature(&self, origin: &Origin, kept: Cosignature) -> Result<(), Failure> {
        let effect = Effect::KeepCosignature { origin: origin.as_str().to_owned(), kept };
        Ok(self.committer.tidy(vec![effect]).await?)
    }

    /// Remembers how a witness stands, and is loud about trouble that is new or a day old.
    async fn stand(
        &self,
        witness: &Witness,
        last: Option<&Cosignature>,
        trouble: Option<Trouble>,
        now: i64,
    ) -> Result<(), Failure> {
        let started = self.started.millis().div_euclid(1000);
        let quiet = now.saturating_sub(last.map_or(started, |c| c.seconds)) >= SILENT_SECONDS;
        let trouble = match trouble {
            None | Some(Trouble::Unreachable) if quiet => Some(Trouble::Silent),
            other => other,
        };
        let standing = WitnessStanding {
            name: witness.name.clone(),
            size: last.map_or(0, |c| c.size),
            age_seconds: last.map(|c| now.saturating_sub(c.seconds)),
            trouble: trouble.map(Trouble::word),
        };
        let told = {
            let mut kept = self.witnesses.0.lock().unwrap_or_else(PoisonError::into_inner);
            let before = kept.get(&witness.name).map(|(_, trouble, told)| (*trouble, *told));
            let told_at = before.filter(|(t, _)| *t == trouble).map(|(_, told)| told);
            let loud = trouble.is_some_and(Trouble::is_loud)
                && told_at.is_none_or(|told| now.saturating_sub(told) >= SILENT_SECONDS);
            let told = if loud { now } else { told_at.unwrap_or(now) };
            kept.insert(witness.name.clone(), (standing, trouble, told));
            trouble.filter(|_| loud)
        };
        let Some(trouble) = told else { return Ok(()) };
        tracing::error!(witness = witness.name, trouble = trouble.word(), "a witness does not cosign this log");
        let mut payload = Payload::new(Event::WitnessFail);
        payload.actor = Some(AccountId::new(ACTOR));
        payload.reason = Some(trouble.word().to_owned());
        payload.change = Some(Change { what: witness.name.clone(), before: None, after: None });
        self.committer.commit(Job::new(Draft::new(Outcome::Error, payload))).await?;
        Ok(())
    }

    /// How the witnesses stand, by name.
    #[must_use]
    pub fn witness_standings(&self) -> Vec<WitnessStanding> {
        let kept = self.witnesses.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.values().map(|(standing, ..)| standing.clone()).collect()
    }

    /// Whether a witness says that this log is not the one it knows.
    pub(super) fn is_disputed(&self) -> bool {
        let kept = self.witnesses.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.values().any(|(_, trouble, _)| trouble.is_some_and(Trouble::disputes))
    }

    /// The newest checkpoint that enough witnesses have cosigned, with their cosignatures.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is none, or no such shard; [`Failure::Store`].
    pub async fn cosigned(&self, shard: &str) -> Result<Vec<u8>, Failure> {
        let reader = self.shard(shard)?;
        let needed = self.config().audit.witnesses_needed.max(1);
        let found = self.db.cosigned(reader.log()).await?;
        let enough = found.into_iter().find(|(_, number, _)| *number >= needed);
        enough.map(|(_, _, note)| note.into_bytes()).ok_or(Failure::NotFound)
    }
}

/// The cosignature of `key` among the lines, over the note that was sent.
fn verified(note: &Note, lines: &[u8], key: &Vkey) -> Result<Cosignature, Trouble> {
    let lines = answer_lines(lines).map_err(|_| Trouble::Refused)?;
    let line = lines.into_iter().find(|s| s.name == *key.name() && s.id == key.id()).ok_or(Trouble::Refused)?;
    let mut whole = note.clone();
    whole.add(line.clone());
    let signed = whole.verify([key]).map_err(|_| Trouble::Refused)?;
    let seconds = signed.iter().find_map(|v| match v.signed {
        Signed::Witness { seconds } => Some(seconds),
        Signed::Log => None,
    });
    let checkpoint = Checkpoint::parse(note.text()).map_err(|_| Trouble::Refused)?;
    Ok(Cosignature {
        witness: key.name().as_str().to_owned(),
        size: checkpoint.size,
        note: note.to_text(),
        line: format!("{line}\n"),
        seconds: i64::try_from(seconds.ok_or(Trouble::Refused)?).unwrap_or(i64::MAX),
    })
}
