//! Records that stand in the place of earlier ones of the same sender (R70).
//!
//! Owns finding what a sender calls by its own name, and which record stands now where one was replaced before. A replaced
//! record stays stored as long as it would have: it is in no answer any more, see `messages`.

use super::Error;
use super::db::{Arg, Db, Tx, statements};
use super::keys::{Digest, Keys};
use super::messages::RecordId;
use crate::clock::Moment;
use crate::ident::{AgencyId, MessageId, PersonId, SegmentId, SystemId};

/// How often one statement may have been corrected: a chain longer than this is followed no further.
const CHAIN_MAX: usize = 100;

/// A record that is about to be replaced.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Earlier {
    /// The record.
    pub record: RecordId,
    /// The message it came with.
    pub message: MessageId,
    /// When it came.
    pub at: Moment,
    /// Its segments.
    pub segments: Vec<SegmentId>,
    /// Its people, the first by name first.
    pub people: Vec<PersonId>,
}

statements! {
    NAMED = "SELECT id FROM record WHERE sent_as = $1 UNION SELECT r.id FROM record r JOIN message m ON m.id = r.message WHERE m.id = $2 AND m.system = $3 AND m.agency = $4";
    PLACE = "SELECT message, recorded_at, replaced_by FROM record WHERE id = $1";
    SEGMENTS = "SELECT id FROM segment WHERE record = $1 ORDER BY id";
    PEOPLE = "SELECT DISTINCT person FROM record_person WHERE record = $1 ORDER BY person";
    REPLACE = "UPDATE record SET replaced_by = $2 WHERE id = $1 AND replaced_by IS NULL";
}

/// What a system of an agency calls a record, as it is stored: says nothing without the store's key.
#[must_use]
pub fn sent_as(keys: &Keys, (agency, system): (&AgencyId, &SystemId), name: &str) -> Digest {
    keys.hash("sent as", format!("{agency}\n{system}\n{name}").as_bytes())
}

impl Db {
    /// The records that stand for what a system calls by this name: its own word, or the id of the message it got from us.
    /// Where one was replaced already, the one that stands in its place.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn standing_for(
        &self,
        keys: &Keys,
        sender: (&AgencyId, &SystemId),
        name: &str,
    ) -> Result<Vec<Earlier>, Error> {
        let hash = sent_as(keys, sender, name);
        let (agency, system) = sender;
        let args = [Arg::Bytes(&hash), Arg::Text(name), Arg::Text(system.as_str()), Arg::Text(agency.as_str())];
        let rows = self.fetch(&NAMED, &args).await?;
        let mut found: Vec<Earlier> = Vec::new();
        for row in &rows {
            let Some(earlier) = self.standing(row.text(0, "id")?).await? else { continue };
            if found.iter().all(|other| other.record != earlier.record) {
                found.push(earlier);
            }
        }
        Ok(found)
    }

    async fn standing(&self, mut id: String) -> Result<Option<Earlier>, Error> {
        for _ in 0..CHAIN_MAX {
            let Some(row) = self.fetch_one(&PLACE, &[Arg::Text(&id)]).await? else { return Ok(None) };
            if let Some(next) = row.text_opt(2, "replaced_by")? {
                id = next;
                continue;
            }
            let segments = self.fetch(&SEGMENTS, &[Arg::Text(&id)]).await?;
            let people = self.fetch(&PEOPLE, &[Arg::Text(&id)]).await?;
            return Ok(Some(Earlier {
                message: MessageId::new(row.text(0, "message")?),
                at: Moment::from_millis(row.int(1, "recorded_at")?),
                segments: segments
                    .iter()
                    .map(|s| Ok(SegmentId::new(s.text(0, "id")?)))
                    .collect::<Result<_, Error>>()?,
                people: people.iter().map(|p| Ok(PersonId::new(p.text(0, "person")?))).collect::<Result<_, Error>>()?,
                record: RecordId::new(id),
            }));
        }
        Ok(None)
    }
}

/// Puts a record in another's place; false when something stands there already.
pub(super) async fn replace(tx: &mut Tx, earlier: &RecordId, by: &RecordId) -> Result<bool, Error> {
    Ok(tx.execute(&REPLACE, &[Arg::Text(earlier.as_str()), Arg::Text(by.as_str())]).await? == 1)
}
