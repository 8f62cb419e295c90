//! Entries of a span as a file: an extract that proves each of them, or a table. Handing it out is an entry, which holds the
//! digest of the file and the reason given.
//!
//! Owns the bound, the order (whole file, then the entry, then the file leaves) and the watermark. What the file says of
//! people and cases are the references of the view.

use crate::audit::extract::{self, Head};
use crate::audit::merkle::inclusion_proof;
use crate::audit::note::{Checkpoint, Note};
use crate::audit::payload::{Change, FreeText};
use crate::audit::source::StoredTiles;
use crate::audit::tile::TileNodes;
use crate::audit::{Draft, Event, Hash, Outcome};
use crate::exchange::questions::{Answer, Ask, Asker, Row, csv, json_lines};
use crate::exchange::{Failure, Gateway, Visitor};
use crate::ident::EntryId;
use crate::store::{Job, LogReader, StoredLog};
use serde_json::{Value, json};

/// Most entries of one export: a file a person can still go through.
const ROWS_MAX: usize = 5_000;
/// Rows read at a time.
const PAGE: usize = 500;
/// Shortest and longest reason, in characters.
const REASON_CHARS: std::ops::RangeInclusive<usize> = 5..=500;

/// The form of an export.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExportForm {
    /// Entries with proofs, checked by `solent audit verify --extract`.
    Extract,
    /// A table for a spreadsheet.
    Csv,
    /// One JSON object a line.
    Lines,
}

impl ExportForm {
    /// Every form.
    pub const ALL: &'static [Self] = &[Self::Extract, Self::Csv, Self::Lines];
    /// The stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Extract => "extract",
            Self::Csv => "csv",
            Self::Lines => "jsonl",
        }
    }
    /// Reads the stable word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|f| f.word() == text)
    }
    const fn content_type(self) -> &'static str {
        match self {
            Self::Extract => "text/plain; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Lines => "application/x-ndjson",
        }
    }
}

/// A file to hand out.
pub struct Exported {
    /// Its name: the id of the entry about it, and the form.
    pub name: String,
    /// Its media type.
    pub content_type: &'static str,
    /// What it holds.
    pub text: String,
}

impl std::fmt::Debug for Exported {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Exported({}, {} bytes)", self.name, self.text.len())
    }
}

impl Gateway {
    /// The entries of a span as a file.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for other hats; [`Failure::Unclear`] without a reason, without bounded days, or for more than
    /// 5,000 entries; [`Failure::LogUnavailable`], [`Failure::Store`].
    pub async fn export_log(
        &self,
        visitor: &Visitor,
        ask: Ask,
        form: ExportForm,
        reason: &str,
    ) -> Result<Exported, Failure> {
        let viewer = self.console_view(visitor).await?;
        if !REASON_CHARS.contains(&reason.chars().count()) {
            return Err(Failure::Unclear("a reason of 5 to 500 characters is required"));
        }
        let asker = self.asker(viewer);
        let span = Ask { from: ask.from, to: ask.to, ..Ask::default() };
        let days = ask.to.saturating_sub(ask.from).div_euclid(86_400_000);
        let rows = all_rows(&asker, asker.prepare(span).await?).await?;
        let id = EntryId::new(Self::fresh_id());
        let mark = json!({
            "export": id, "by": visitor.account, "hat": visitor.hat.as_ref().map(|h| h.id.as_str()),
            "at": self.clock().now().to_string(), "log": self.config().origin,
        });
        let text = match form {
            ExportForm::Extract => self.extract(&asker, &rows, &mark).await?,
            ExportForm::Csv => csv(&marked(&asker, &rows, &mark), true),
            ExportForm::Lines => json_lines(&marked(&asker, &rows, &mark)),
        };
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        let mut payload = visitor.payload(Event::AuditExport);
        payload.change = Some(Change {
            what: form.word().to_owned(),
            before: None,
            after: Some(crate::audit::merkle::hex(digest.as_ref())),
        });
        payload.justification = Some(FreeText::new(reason));
        payload.counts.insert("entries".to_owned(), u32::try_from(rows.len()).unwrap_or(u32::MAX));
        payload.counts.insert("days".to_owned(), u32::try_from(days).unwrap_or(0));
        self.committer.commit(Job::new(Draft::new(Outcome::Allow, payload).with_id(id.clone()))).await?;
        Ok(Exported { name: format!("{id}.{}", form.word()), content_type: form.content_type(), text })
    }

    async fn extract(&self, asker: &Asker<'_>, rows: &[Row], mark: &Value) -> Result<String, Failure> {
        let origin = self.log_origin()?;
        let reader = LogReader::new(self.db.clone(), origin.clone());
        let note = reader.shard().await?.ok_or(Failure::NotFound)?.note;
        let size = Note::parse(note.as_bytes()).and_then(|n| Checkpoint::parse(n.text()));
        let size = size.map_err(|_| Failure::Inconsistent("the checkpoint"))?.size;
        let head = Head { watermark: mark.to_string(), vkey: self.committer.vkey().to_string(), checkpoint: note };
        // Another gateway's entries in the same database are proved by its own log, not by this checkpoint.
        let own: Vec<&Row> =
            rows.iter().filter(|r| r.entry.origin == origin.as_str() && r.entry.index < size).collect();
        let places: Vec<u64> = own.iter().map(|r| r.entry.index).collect();
        let stored = StoredLog::new(reader, None, tokio::runtime::Handle::current());
        let proofs: Result<Vec<Vec<Hash>>, _> = tokio::task::spawn_blocking(move || {
            let tiles = StoredTiles::new(&stored);
            let nodes = TileNodes::new(&tiles, size);
            places.into_iter().map(|index| inclusion_proof(&nodes, index, size)).collect()
        })
        .await
        .map_err(|_| Failure::Inconsistent("proofs could not be made"))?;
        let proofs = proofs.map_err(|_| Failure::Inconsistent("tiles are missing"))?;
        let mut text = head.to_text();
        for (row, hashes) in own.iter().zip(&proofs) {
            let view = asker.entry_json(row).to_string();
            let line = extract::line(row.entry.index, &row.entry.entry, hashes, &view);
            text.push_str(&line.ok_or(Failure::Inconsistent("an entry is not canonical JSON"))?);
        }
        text.push_str(&extract::end_line(own.len()));
        Ok(text)
    }
}

async fn all_rows(asker: &Asker<'_>, mut ask: Ask) -> Result<Vec<Row>, Failure> {
    ask.limit = Some(PAGE);
    let mut rows = Vec::new();
    loop {
        let (page, next) = asker.page(&ask).await?;
        rows.extend(page);
        if rows.len() > ROWS_MAX {
            return Err(Failure::Unclear("more than 5,000 entries: choose fewer days"));
        }
        let Some(next) = next else { return Ok(rows) };
        ask.after = crate::exchange::parse_cursor(&next);
    }
}

/// The rows as a table, each with the watermark: a line copied out of the file still says where it came from.
fn marked(asker: &Asker<'_>, rows: &[Row], mark: &Value) -> Answer {
    let text = |name: &str| mark.get(name).and_then(Value::as_str).unwrap_or_default();
    let words = format!("export {} by {} at {}", text("export"), text("by"), text("at"));
    let mut answer = asker.table_of(rows);
    answer.columns.push("watermark");
    for row in &mut answer.rows {
        row.insert("watermark".to_owned(), json!(words));
    }
    answer
}
