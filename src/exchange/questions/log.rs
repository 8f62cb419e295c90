//! Questions about the log and the system: Q17, Q20.

use super::{Answer, Ask, Asker, Failure, Row};
use crate::audit::merkle::consistency_proof;
use crate::audit::note::Note;
use crate::audit::source::StoredTiles;
use crate::audit::tile::TileNodes;
use crate::audit::{Checkpoint, Event, Origin};
use crate::clock::Moment;
use crate::store::{LogReader, StoredLog, Wanted};
use serde_json::json;

/// A stretch without entries is called a gap from this length on: every gateway writes at least its upkeep within a day.
const GAP_MILLIS: i64 = super::DAY;

impl Asker<'_> {
    /// Q17: changes to the system and to who people are, with digests before and after.
    pub(super) async fn changes(&self, ask: &Ask) -> Result<Answer, Failure> {
        let events = vec![
            Event::PolicyPublish,
            Event::MappingPublish,
            Event::RoleGrant,
            Event::RoleRevoke,
            Event::KeyRotate,
            Event::RetentionRun,
            Event::LegalHold,
            Event::ClockSkew,
            Event::PersonLink,
            Event::PersonUnlink,
            Event::AccountPersonLink,
            Event::ProtectFlag,
            Event::LeadChange,
            Event::PurposeChange,
        ];
        let wanted = Wanted { events, ..self.wanted(ask) };
        let columns = [
            "time",
            "entry",
            "event",
            "outcome",
            "actor",
            "role",
            "agency",
            "subject",
            "what",
            "before",
            "after",
            "counts",
            "refers_to",
        ];
        let (found, next) = self.rows(ask, wanted, |_| true).await?;
        let mut answer = Answer { columns: columns.to_vec(), next, ..Answer::default() };
        answer.columns.push("second_person");
        for row in &found {
            let mut cells = row.cells(&columns, &self.viewer, self.keys);
            cells.insert("second_person".to_owned(), json!(self.second_person(row).await?));
            answer.rows.push(cells);
        }
        Ok(answer)
    }

    /// Whether an entry this one refers to was made by somebody else.
    async fn second_person(&self, row: &Row) -> Result<bool, Failure> {
        for id in &row.payload.refers_to {
            let Some(entry) = self.db.entry(id).await? else { continue };
            let Some(other) = self.read(entry).await? else { continue };
            if other.payload.actor.is_some() && other.payload.actor != row.payload.actor {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Q20: size, growth, consistency since the beginning of the span, witnesses, gaps, and who asked the log.
    pub(super) async fn soundness(&self, ask: &Ask) -> Result<Answer, Failure> {
        let origin = Origin::parse(&self.config.origin).map_err(|_| Failure::Inconsistent("the log's origin"))?;
        let reader = LogReader::new(self.db.clone(), origin.clone());
        let shard = reader.shard().await?.ok_or(Failure::NotFound)?;
        let wanted = Wanted { events: vec![Event::AuditQuery], ..self.wanted(ask) };
        let mut answer =
            self.list(ask, wanted, &["time", "entry", "actor", "role", "agency", "what", "counts"], |_| true).await?;
        let span = (Moment::from_millis(ask.from), Moment::from_millis(ask.to));
        for (name, event) in [
            ("audit_query", Event::AuditQuery),
            ("audit_export", Event::AuditExport),
            ("audit_reidentify", Event::AuditReidentify),
            ("witness_fail", Event::WitnessFail),
            ("clock_skew", Event::ClockSkew),
        ] {
            let count = self.db.count_event(&self.names, event, span.0, span.1).await?;
            answer.summary.insert(name.to_owned(), json!(count));
        }
        answer.summary.insert("origin".to_owned(), json!(origin.as_str()));
        answer.summary.insert("size".to_owned(), json!(shard.size));
        answer.summary.insert("newest_entry".to_owned(), json!(shard.time_last.to_string()));
        // What officers are given to look at: everything unusual, and so many of the ordinary views in a hundred.
        let plan = json!({"unusual_percent": 100, "ordinary_views_percent": self.config.audit.sample_views_percent});
        answer.summary.insert("sampling_plan".to_owned(), plan);
        let cosigned = self.db.cosigned(&origin).await?;
        let needed = self.config.audit.witnesses_needed.max(1);
        let covered = cosigned.iter().find(|(_, number, _)| *number >= needed).map(|(size, ..)| *size);
        answer.summary.insert("witnessed_size".to_owned(), json!(covered));
        answer.summary.insert("witnesses_needed".to_owned(), json!(needed));
        let gaps = self.db.gaps(&origin, span.0, span.1, GAP_MILLIS, 50).await?;
        let gaps: Vec<_> = gaps
            .into_iter()
            .map(|(at, length)| json!({"from": at.to_string(), "hours": length.div_euclid(3_600_000)}))
            .collect();
        answer.summary.insert("gaps_over_a_day".to_owned(), json!(gaps));
        self.consistency(&reader, &shard.note, &mut answer).await?;
        Ok(answer)
    }

    /// The proof that the oldest checkpoint kept is the beginning of the newest.
    async fn consistency(&self, reader: &LogReader, newest: &str, answer: &mut Answer) -> Result<(), Failure> {
        let parse = |note: &str| Note::parse(note.as_bytes()).ok().and_then(|n| Checkpoint::parse(n.text()).ok());
        let old = reader.oldest_checkpoints().await?.iter().find_map(|note| parse(note));
        let (Some(old), Some(new)) = (old, parse(newest)) else {
            answer
                .notes
                .push("No earlier checkpoint is kept yet: there is nothing to prove consistency from.".to_owned());
            return Ok(());
        };
        let stored = StoredLog::new(reader.clone(), None, tokio::runtime::Handle::current());
        let (from, to) = (old.size, new.size);
        let made = tokio::task::spawn_blocking(move || {
            let tiles = StoredTiles::new(&stored);
            consistency_proof(&TileNodes::new(&tiles, to), from, to)
        });
        let proof = made.await.ok().and_then(Result::ok).ok_or(Failure::Inconsistent("tiles are missing"))?;
        let holds = crate::audit::merkle::verify_consistency(from, &old.root, to, &new.root, &proof).is_ok();
        let hashes: Vec<String> = proof.iter().map(|hash| hash.to_base64()).collect();
        let value = json!({
            "from_size": from, "from_root": old.root.to_base64(), "to_size": to, "to_root": new.root.to_base64(),
            "proof": hashes, "holds": holds,
        });
        answer.summary.insert("consistency".to_owned(), value);
        Ok(())
    }
}
