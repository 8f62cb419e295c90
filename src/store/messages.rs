//! Messages, records and segments: writing them with the committer, reading them for decisions and deliveries.
//!
//! Owns the sealing of record content (a data key per record, bound to record id and version) and the queries the
//! gateway needs. Refuses to return a segment of a record whose content was erased, or which another replaced, as if it were
//! there: its record is simply not in the answer.

use super::Error;
use super::bulk::Bulk;
use super::db::{Arg, Db, Row, Tx, statements};
use super::effect::{NewMessage, NewRecord, NewSegment};
use super::keys::{Keys, Sealed};
use crate::clock::Moment;
use crate::ident::{AgencyId, MessageId, PersonId, SegmentId, SystemId};
use crate::vocabulary::Category;
use std::collections::BTreeMap;

/// Most segments one query returns; more is refused, not cut.
const SEGMENTS_MAX: usize = 50_000;

/// A stored record.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RecordId(String);

impl RecordId {
    /// Wraps the text as it is.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for RecordId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A stored message, without content.
#[derive(Clone, Debug)]
pub struct MessageRow {
    /// Its id.
    pub id: MessageId,
    /// The sending system.
    pub system: SystemId,
    /// That system's agency.
    pub agency: AgencyId,
    /// The format's name.
    pub format: String,
    /// When it came in.
    pub received_at: Moment,
    /// Length of its bytes.
    pub byte_length: i64,
    /// The loss report as JSON.
    pub loss: String,
    /// Its state word.
    pub state: String,
}

/// A stored record, opened. Debug shows sizes only.
pub struct RecordRow {
    /// Its id.
    pub id: RecordId,
    /// The message it came with.
    pub message: MessageId,
    /// Its place in the message, from 0.
    pub seq: i64,
    /// The canonical JSON.
    pub content: Vec<u8>,
    /// What it was opened from.
    pub sealed: SealedRow,
    /// Which local person id is which person.
    pub persons: BTreeMap<String, PersonId>,
}

/// The sealed content of a record as it lies in the database: equal rows open to equal content about the same people, or to
/// none.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedRow {
    version: i64,
    wrapped_key: Vec<u8>,
    content: Vec<u8>,
    /// How often somebody of the record became one with somebody else.
    joins: i64,
}

impl SealedRow {
    /// How many bytes it has.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.wrapped_key.len().saturating_add(self.content.len())
    }

    fn read(row: &Row, first: usize) -> Result<Self, Error> {
        let [second, third, fourth] = [1, 2, 3].map(|n| first.saturating_add(n));
        Ok(Self {
            version: row.int(first, "version")?,
            wrapped_key: row.bytes(second, "wrapped_key")?,
            content: row.bytes(third, "content")?,
            joins: row.int(fourth, "joins")?,
        })
    }
}

impl std::fmt::Debug for SealedRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedRow({} bytes)", self.len())
    }
}

impl std::fmt::Debug for RecordRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RecordRow({}, {} bytes)", self.id, self.content.len())
    }
}

/// A stored segment, without content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SegmentRow {
    /// Unique in the store.
    pub id: SegmentId,
    /// Its record.
    pub record: RecordId,
    /// Its id within the record.
    pub local: SegmentId,
    /// Whose it is.
    pub custodian: AgencyId,
    /// Its category; `None` is `none`.
    pub category: Option<Category>,
    /// `full` or `summary`.
    pub form: String,
    /// Its state word.
    pub state: String,
    /// When it was recorded.
    pub recorded_at: Moment,
    /// Whom it is about, sorted.
    pub about: Vec<PersonId>,
}

statements! {
    MESSAGE = "SELECT id, system, agency, format, received_at, byte_length, loss, state FROM message WHERE id = $1";
    MESSAGE_STATE = "UPDATE message SET state = $2 WHERE id = $1";
    RECORDS = "SELECT r.id, r.message, r.seq, r.version, r.wrapped_key, r.content, r.joins, (SELECT json_group_object(rp.local, rp.person) FROM record_person rp WHERE rp.record = r.id) FROM record r WHERE r.wrapped_key IS NOT NULL AND r.replaced_by IS NULL AND r.id IN (SELECT value FROM json_each($1)) ORDER BY r.message, r.seq",
        "SELECT r.id, r.message, r.seq, r.version, r.wrapped_key, r.content, r.joins, (SELECT COALESCE(json_object_agg(rp.local, rp.person), '{}')::TEXT FROM record_person rp WHERE rp.record = r.id) FROM record r WHERE r.wrapped_key IS NOT NULL AND r.replaced_by IS NULL AND r.id = ANY($1) ORDER BY r.message, r.seq";
    SEALED = "SELECT id, version, wrapped_key, content, joins FROM record WHERE wrapped_key IS NOT NULL AND replaced_by IS NULL AND id IN (SELECT value FROM json_each($1))",
        "SELECT id, version, wrapped_key, content, joins FROM record WHERE wrapped_key IS NOT NULL AND replaced_by IS NULL AND id = ANY($1)";
    SEALED_ABOUT = "SELECT id, version, wrapped_key, content, joins FROM record WHERE wrapped_key IS NOT NULL AND replaced_by IS NULL AND id IN (SELECT s.record FROM segment_person sp JOIN segment s ON s.id = sp.segment WHERE sp.person = $1 AND s.category IN (SELECT value FROM json_each($2))) LIMIT 50001",
        "SELECT id, version, wrapped_key, content, joins FROM record WHERE wrapped_key IS NOT NULL AND replaced_by IS NULL AND id IN (SELECT s.record FROM segment_person sp JOIN segment s ON s.id = sp.segment WHERE sp.person = $1 AND s.category = ANY($2)) LIMIT 50001";
    RECORD_IDS = "SELECT id FROM record WHERE message = $1 ORDER BY seq";
    SEGMENTS_OF = "SELECT s.id, s.record, s.local, s.custodian, s.category, s.form, s.state, s.recorded_at, sp.person FROM segment s JOIN segment_person sp ON sp.segment = s.id WHERE s.id IN (SELECT segment FROM segment_person WHERE person IN (SELECT value FROM json_each($1))) AND EXISTS (SELECT 1 FROM record r WHERE r.id = s.record AND r.wrapped_key IS NOT NULL AND r.replaced_by IS NULL) ORDER BY s.recorded_at, s.id, sp.person LIMIT 50001",
        "SELECT s.id, s.record, s.local, s.custodian, s.category, s.form, s.state, s.recorded_at, sp.person FROM segment s JOIN segment_person sp ON sp.segment = s.id WHERE s.id IN (SELECT segment FROM segment_person WHERE person = ANY($1)) AND EXISTS (SELECT 1 FROM record r WHERE r.id = s.record AND r.wrapped_key IS NOT NULL AND r.replaced_by IS NULL) ORDER BY s.recorded_at, s.id, sp.person LIMIT 50001";
    SEGMENTS_BESIDE = "SELECT s.id, s.record, s.local, s.custodian, s.category, s.form, s.state, s.recorded_at, sp.person FROM segment s LEFT JOIN segment_person sp ON sp.segment = s.id WHERE s.record IN (SELECT o.record FROM segment_person op JOIN segment o ON o.id = op.segment WHERE op.person = $1) ORDER BY s.recorded_at, s.id, sp.person LIMIT 50001";
    SEGMENTS_IN = "SELECT s.id, s.record, s.local, s.custodian, s.category, s.form, s.state, s.recorded_at, sp.person FROM segment s LEFT JOIN segment_person sp ON sp.segment = s.id WHERE s.record IN (SELECT value FROM json_each($1)) ORDER BY s.recorded_at, s.id, sp.person LIMIT 50001",
        "SELECT s.id, s.record, s.local, s.custodian, s.category, s.form, s.state, s.recorded_at, sp.person FROM segment s LEFT JOIN segment_person sp ON sp.segment = s.id WHERE s.record = ANY($1) ORDER BY s.recorded_at, s.id, sp.person LIMIT 50001";
}

static MESSAGE_INSERT: Bulk = Bulk::new(
    "message insert",
    "INSERT INTO message (id, system, agency, format, received_at, body_digest, byte_length, loss, state)",
    9,
    "ON CONFLICT (id) DO NOTHING",
);
static RECORD_INSERT: Bulk = Bulk::new(
    "record insert",
    "INSERT INTO record (id, message, seq, version, wrapped_key, content, recorded_at, sent_as)",
    8,
    "",
);
static SEGMENT_INSERT: Bulk = Bulk::new(
    "segment insert",
    "INSERT INTO segment (id, record, local, custodian, category, form, state, recorded_at)",
    8,
    "",
);
static SEGMENT_PERSON_INSERT: Bulk =
    Bulk::new("segment person insert", "INSERT INTO segment_person (person, segment)", 2, "ON CONFLICT DO NOTHING");
static RECORD_PERSON_INSERT: Bulk =
    Bulk::new("record person insert", "INSERT INTO record_person (record, local, person)", 3, "");

impl Db {
    /// A message's state and loss report. Ask only for the caller's own messages: compare `system`.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn message(&self, id: &MessageId) -> Result<Option<MessageRow>, Error> {
        let row = self.fetch_one(&MESSAGE, &[Arg::Text(id.as_str())]).await?;
        row.map(|row| {
            Ok(MessageRow {
                id: MessageId::new(row.text(0, "id")?),
                system: SystemId::new(row.text(1, "system")?),
                agency: AgencyId::new(row.text(2, "agency")?),
                format: row.text(3, "format")?,
                received_at: Moment::from_millis(row.int(4, "received_at")?),
                byte_length: row.int(5, "byte_length")?,
                loss: row.text(6, "loss")?,
                state: row.text(7, "state")?,
            })
        })
        .transpose()
    }

    /// The ids of a message's records, in order.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn records_of(&self, message: &MessageId) -> Result<Vec<RecordId>, Error> {
        let rows = self.fetch(&RECORD_IDS, &[Arg::Text(message.as_str())]).await?;
        rows.iter().map(|row| Ok(RecordId(row.text(0, "id")?))).collect()
    }

    /// Records with their content opened, ordered by message and place. Erased ones are left out.
    ///
    /// # Errors
    /// [`Error::Sealed`], [`Error::Database`].
    pub async fn records(&self, keys: &Keys, ids: &[RecordId]) -> Result<Vec<RecordRow>, Error> {
        let ids: Vec<String> = ids.iter().map(|id| id.0.clone()).collect();
        let rows = self.fetch(&RECORDS, &[Arg::Texts(&ids)]).await?;
        rows.iter().map(|row| open_record(keys, row)).collect()
    }

    /// Records as they lie in the database, in no order. Erased ones are left out.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn sealed_records(&self, ids: &[RecordId]) -> Result<Vec<(RecordId, SealedRow)>, Error> {
        let ids: Vec<String> = ids.iter().map(|id| id.0.clone()).collect();
        self.fetch(&SEALED, &[Arg::Texts(&ids)]).await?.iter().map(sealed_record).collect()
    }

    /// The records with a segment about this person in one of these categories, as they lie in the database, in no order.
    /// Erased ones are left out.
    ///
    /// # Errors
    /// [`Error::TooMany`] beyond the bound, [`Error::Database`].
    pub async fn sealed_about(
        &self,
        person: &PersonId,
        categories: &[Category],
    ) -> Result<Vec<(RecordId, SealedRow)>, Error> {
        let codes: Vec<String> = categories.iter().map(|c| c.code().to_owned()).collect();
        let rows = self.fetch(&SEALED_ABOUT, &[Arg::Text(person.as_str()), Arg::Texts(&codes)]).await?;
        if rows.len() > SEGMENTS_MAX {
            return Err(Error::TooMany { at: "sealed_about", rows_max: SEGMENTS_MAX });
        }
        rows.iter().map(sealed_record).collect()
    }

    /// Every segment about any of these people, of these categories (`None`: of all), oldest first; each once, with all
    /// the people it is about. Includes segments without a category only when no categories are named.
    ///
    /// # Errors
    /// [`Error::TooMany`] beyond the bound, [`Error::Database`].
    pub async fn segments_about(
        &self,
        persons: &[PersonId],
        categories: Option<&[Category]>,
    ) -> Result<Vec<SegmentRow>, Error> {
        let ids: Vec<String> = persons.iter().map(|p| p.as_str().to_owned()).collect();
        let mut all = gather(&self.fetch(&SEGMENTS_OF, &[Arg::Texts(&ids)]).await?, "segments_about")?;
        if let Some(wanted) = categories {
            all.retain(|s| s.category.is_some_and(|c| wanted.contains(&c)));
        }
        Ok(all)
    }

    /// Every segment of every record that holds something about this person, oldest first: what the person's own segments
    /// are, and what stands beside them. Records whose content was erased are among them.
    ///
    /// # Errors
    /// [`Error::TooMany`] beyond the bound, [`Error::Database`].
    pub async fn segments_beside(&self, person: &PersonId) -> Result<Vec<SegmentRow>, Error> {
        gather(&self.fetch(&SEGMENTS_BESIDE, &[Arg::Text(person.as_str())]).await?, "segments_beside")
    }

    /// The segments of these records, oldest first.
    ///
    /// # Errors
    /// [`Error::TooMany`] beyond the bound, [`Error::Database`].
    pub async fn segments_in(&self, records: &[RecordId]) -> Result<Vec<SegmentRow>, Error> {
        let ids: Vec<String> = records.iter().map(|id| id.0.clone()).collect();
        gather(&self.fetch(&SEGMENTS_IN, &[Arg::Texts(&ids)]).await?, "segments_in")
    }
}

fn sealed_record(row: &Row) -> Result<(RecordId, SealedRow), Error> {
    Ok((RecordId(row.text(0, "id")?), SealedRow::read(row, 1)?))
}

fn open_record(keys: &Keys, row: &Row) -> Result<RecordRow, Error> {
    let id = row.text(0, "id")?;
    let sealed = SealedRow::read(row, 3)?;
    let content = keys.open(&context(&id, sealed.version), &sealed.wrapped_key, &sealed.content)?;
    let persons: BTreeMap<String, String> =
        serde_json::from_str(&row.text(7, "persons")?).map_err(|_| Error::Corrupt { at: "record", what: "persons" })?;
    let persons = persons.into_iter().map(|(local, person)| (local, PersonId::new(person))).collect();
    Ok(RecordRow {
        id: RecordId(id),
        message: MessageId::new(row.text(1, "message")?),
        seq: row.int(2, "seq")?,
        content,
        sealed,
        persons,
    })
}

fn context(record: &str, version: i64) -> String {
    format!("record {version} {record}")
}

/// Joins rows of one segment and several people into one.
fn gather(rows: &[Row], at: &'static str) -> Result<Vec<SegmentRow>, Error> {
    if rows.len() > SEGMENTS_MAX {
        return Err(Error::TooMany { at, rows_max: SEGMENTS_MAX });
    }
    let mut all: Vec<SegmentRow> = Vec::new();
    for row in rows {
        let id = SegmentId::new(row.text(0, "id")?);
        let person = row.text_opt(8, "person")?.map(PersonId::new);
        match all.last_mut() {
            Some(last) if last.id == id => last.about.extend(person),
            _ => all.push(segment(row, id, person)?),
        }
    }
    Ok(all)
}

fn segment(row: &Row, id: SegmentId, person: Option<PersonId>) -> Result<SegmentRow, Error> {
    let category = row.text_opt(4, "category")?;
    let known =
        category.as_deref().map(|code| Category::parse(code).ok_or(Error::Corrupt { at: "segment", what: "category" }));
    Ok(SegmentRow {
        id,
        record: RecordId(row.text(1, "record")?),
        local: SegmentId::new(row.text(2, "local")?),
        custodian: AgencyId::new(row.text(3, "custodian")?),
        category: known.transpose()?,
        form: row.text(5, "form")?,
        state: row.text(6, "state")?,
        recorded_at: Moment::from_millis(row.int(7, "recorded_at")?),
        about: person.into_iter().collect(),
    })
}

/// A record with its content sealed, outside the committer.
pub(super) fn seal(keys: &Keys, record: &NewRecord) -> Result<Sealed, Error> {
    Ok(keys.seal(&context(record.id.as_str(), 1), &record.content)?)
}

/// Writes the rows of messages; false when the id of one is taken.
pub(super) async fn insert(tx: &mut Tx, messages: &[&NewMessage]) -> Result<bool, Error> {
    let mut args = Vec::with_capacity(messages.len().saturating_mul(9));
    for m in messages {
        args.extend([
            Arg::Text(m.id.as_str()),
            Arg::Text(m.system.as_str()),
            Arg::Text(m.agency.as_str()),
            Arg::Text(&m.format),
            Arg::Int(m.received_at.millis()),
            Arg::Bytes(&m.body_digest),
            Arg::Int(i64::try_from(m.byte_length).unwrap_or(i64::MAX)),
            Arg::Text(&m.loss),
            Arg::Text(&m.state),
        ]);
    }
    Ok(MESSAGE_INSERT.insert(tx, &args).await? == messages.len() as u64)
}

/// Writes the records of messages with their segments; their people must exist. Beside each message stand the sealed
/// contents of its records, in order.
pub(super) async fn insert_records(tx: &mut Tx, messages: &[(&NewMessage, &[Sealed])]) -> Result<(), Error> {
    let (mut rows, mut segments, mut about, mut persons) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (m, sealed) in messages {
        for ((seq, record), sealed) in (0i64..).zip(&m.records).zip(*sealed) {
            let id = Arg::Text(record.id.as_str());
            rows.extend([
                id,
                Arg::Text(m.id.as_str()),
                Arg::Int(seq),
                Arg::Int(1),
                Arg::Bytes(&sealed.wrapped_key),
                Arg::Bytes(&sealed.content),
                Arg::Int(m.received_at.millis()),
                Arg::BytesOpt(record.sent_as.as_ref().map(|hash| hash.as_slice())),
            ]);
            for s in &record.segments {
                segments.extend(segment_row(id, s));
                about.extend(s.about.iter().flat_map(|p| [Arg::Text(p.as_str()), Arg::Text(s.id.as_str())]));
            }
            persons.extend(record.persons.iter().flat_map(|(local, p)| [id, Arg::Text(local), Arg::Text(p.as_str())]));
        }
    }
    RECORD_INSERT.insert(tx, &rows).await?;
    SEGMENT_INSERT.insert(tx, &segments).await?;
    SEGMENT_PERSON_INSERT.insert(tx, &about).await?;
    RECORD_PERSON_INSERT.insert(tx, &persons).await.map(drop)
}

fn segment_row<'a>(record: Arg<'a>, s: &'a NewSegment) -> [Arg<'a>; 8] {
    [
        Arg::Text(s.id.as_str()),
        record,
        Arg::Text(s.local.as_str()),
        Arg::Text(s.custodian.as_str()),
        Arg::TextOpt(s.category.map(Category::code)),
        Arg::Text(&s.form),
        Arg::Text(&s.state),
        Arg::Int(s.recorded_at.millis()),
    ]
}

/// Sets a message's state; false when there is no such message.
pub(super) async fn set_state(tx: &mut Tx, id: &MessageId, state: &str) -> Result<bool, Error> {
    Ok(tx.execute(&MESSAGE_STATE, &[Arg::Text(id.as_str()), Arg::Text(state)]).await? == 1)
}
