//! Q19: everything somebody needs to check one entry without us.

use super::{Answer, Ask, Asker, Failure, Row};
use crate::audit::merkle::inclusion_proof;
use crate::audit::note::Note;
use crate::audit::source::StoredTiles;
use crate::audit::tile::TileNodes;
use crate::audit::{Checkpoint, Origin, Salt, TlogProof};
use crate::store::{LogReader, StoredLog};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

impl Asker<'_> {
    /// Entry, salt, payload and proof in one row. The payload is only handed over when nothing in it is hidden from the view.
    pub(super) async fn proof_of(&self, ask: &Ask) -> Result<Answer, Failure> {
        let id = ask.entry.as_deref().ok_or(Failure::Unclear("this question needs entry"))?;
        let row = self.one(id).await?;
        let whole = row.payload.items.iter().all(|item| self.viewer.shows(item));
        let proof = self.proof(&row, whole.then_some(&row.salt)).await?;
        let mut answer =
            Answer { columns: vec!["id", "index", "entry", "salt", "payload", "proof"], ..Answer::default() };
        let payload = whole.then(|| String::from_utf8_lossy(&row.bytes).into_owned());
        let salt = whole.then(|| BASE64_STANDARD.encode(row.salt.as_bytes()));
        let cells = [
            ("id", json!(id)),
            ("index", json!(row.entry.index)),
            ("entry", json!(String::from_utf8_lossy(&row.entry.entry))),
            ("salt", json!(salt)),
            ("payload", json!(payload)),
            ("proof", json!(proof)),
        ];
        answer.rows.push(cells.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
        if !whole {
            answer
                .notes
                .push("The sealed part holds items this view does not show: only the entry is proved.".to_owned());
        }
        answer.notes.push("Check with: solent audit verify --proof P --entry E --payload L --vkey KEY".to_owned());
        Ok(answer)
    }

    /// The `.tlog-proof` of an entry: against the newest checkpoint that witnesses cosigned if it covers the entry, else
    /// against the newest there is.
    ///
    /// # Errors
    /// [`Failure::NotFound`], [`Failure::Inconsistent`], [`Failure::Store`].
    pub async fn proof(&self, row: &Row, salt: Option<&Salt>) -> Result<String, Failure> {
        let origin = Origin::parse(&row.entry.origin).map_err(|_| Failure::Inconsistent("an entry's log"))?;
        let reader = LogReader::new(self.db.clone(), origin.clone());
        let needed = self.config.audit.witnesses_needed.max(1);
        let covers = |size: u64| size > row.entry.index;
        let cosigned = self.db.cosigned(&origin).await?;
        let cosigned = cosigned.into_iter().find(|(size, number, _)| *number >= needed && covers(*size));
        let note = match cosigned {
            Some((_, _, note)) => note,
            None => reader.shard().await?.ok_or(Failure::NotFound)?.note,
        };
        let checkpoint = Note::parse(note.as_bytes()).and_then(|n| Checkpoint::parse(n.text()));
        let size = checkpoint.map_err(|_| Failure::Inconsistent("the checkpoint"))?.size;
        let stored = StoredLog::new(reader, None, tokio::runtime::Handle::current());
        let index = row.entry.index;
        let made = tokio::task::spawn_blocking(move || {
            let tiles = StoredTiles::new(&stored);
            inclusion_proof(&TileNodes::new(&tiles, size), index, size)
        });
        let hashes = made.await.ok().and_then(Result::ok).ok_or(Failure::Inconsistent("tiles are missing"))?;
        Ok(TlogProof { salt: salt.cloned(), index, hashes, checkpoint: note }.to_text())
    }
}
