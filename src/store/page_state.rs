//! What the pages keep of their own, beside facts and records: means of signing in, sessions, drafts, requests, concerns.
//!
//! Owns one sealed body for each kind and id, with an owner to list by, a version to change by, and an end. Knows nothing of
//! what a body says: the story that keeps it does. Refuses to change a version it was not shown. Read [`Kept`] first.

use super::Error;
use super::db::{Arg, Db, Row, Tx, statements};
use super::keys::Keys;
use crate::clock::Moment;

/// Most rows of one list. Beyond it the list is an error, never a cut list: what waits longest would be lost first.
const LISTED_MAX: usize = 20_000;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {
        /// The kinds of things the pages keep.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum KeptKind { $($(#[$doc])* $name),+ }
        impl KeptKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
            /// The word in the database.
            #[must_use]
            pub const fn word(self) -> &'static str { match self { $(Self::$name => $text),+ } }
        }
    };
}

kinds! {
    /// How an account signs in. Id and owner: the account.
    Means = "means",
    /// A session. Id: keyed hash of its token; owner: the account.
    Session = "session",
    /// An unfinished form. Owner: the account.
    Draft = "draft",
    /// A school's concern, its answers and its state. Owner: the school's agency.
    Concern = "concern",
    /// A file that came with a concern. Id: the file's; owner: the concern.
    Attachment = "attachment",
    /// A request for access or information. Owner: the agency asked.
    AccessRequest = "access-request",
    /// What a co-ordinator wrote for a volunteer. Id: the match; owner: the co-ordinator's agency.
    Brief = "brief",
    /// What a volunteer wrote. Owner: the volunteer's hat.
    Note = "note",
    /// A pointer to something that waits for a hat or an agency. Owner: `hat/…` or `agency/…`.
    Pointer = "pointer",
    /// Something a privacy officer has to look at. Owner: the officer's agency.
    Alert = "alert",
    /// Sealed parts that a legal hold keeps. Id: the audit key's subject; owner: the log.
    Hold = "hold",
    /// A search of the log that an auditor keeps. Owner: the account.
    LogSearch = "log-search",
    /// What an auditor or officer said about an entry. Owner: the entry.
    EntryNote = "entry-note",
    /// An assistant's entry that waits for a social worker. Owner: the person it is about.
    Prepared = "prepared",
    /// An officer's word that two people are one. Id: the review; owner: the officer's agency.
    Joining = "joining",
    /// An auditor's request to learn who a pseudonym stands for. Owner: the agency whose officer decides.
    Reidentify = "reidentify",
    /// The version of a content set that took effect last. Owner: the log.
    InForce = "in-force",
}

/// One thing kept, opened. Its Debug output shows no body.
#[derive(Clone, PartialEq, Eq)]
pub struct Kept {
    /// What it is.
    pub kind: KeptKind,
    /// Its id within the kind.
    pub id: String,
    /// Whose list it is in.
    pub owner: String,
    /// 1 for a new one, one more for each change.
    pub version: i64,
    /// What the story keeps.
    pub body: Vec<u8>,
    /// When it was last changed.
    pub changed_at: Moment,
    /// From when it is no longer there.
    pub expires_at: Moment,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kept({}, version {}, {} bytes)", self.kind.word(), self.version, self.body.len())
    }
}

statements! {
    ONE = "SELECT id, owner, version, body, changed_at, expires_at FROM page_state WHERE kind = $1 AND id = $2 AND expires_at > $3";
    OF_OWNER = "SELECT id, owner, version, body, changed_at, expires_at FROM page_state WHERE kind = $1 AND owner = $2 AND expires_at > $3 ORDER BY changed_at DESC, id LIMIT 20001";
    OF_OWNERS = "SELECT id, owner, version, body, changed_at, expires_at FROM page_state WHERE kind = $1 AND owner IN (SELECT value FROM json_each($2)) AND expires_at > $3 ORDER BY changed_at DESC, id LIMIT 20001",
        "SELECT id, owner, version, body, changed_at, expires_at FROM page_state WHERE kind = $1 AND owner = ANY($2) AND expires_at > $3 ORDER BY changed_at DESC, id LIMIT 20001";
    OF_KIND = "SELECT id, owner, version, body, changed_at, expires_at FROM page_state WHERE kind = $1 AND expires_at > $2 ORDER BY changed_at DESC, id LIMIT 20001";
    VERSION = "SELECT version FROM page_state WHERE kind = $1 AND id = $2", "SELECT version FROM page_state WHERE kind = $1 AND id = $2 FOR UPDATE";
    PUT = "INSERT INTO page_state (kind, id, owner, version, body, changed_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (kind, id) DO UPDATE SET owner = excluded.owner, version = excluded.version, body = excluded.body, changed_at = excluded.changed_at, expires_at = excluded.expires_at";
    END = "DELETE FROM page_state WHERE kind = $1 AND id = $2";
    END_OF = "DELETE FROM page_state WHERE kind = $1 AND owner = $2";
    HAND_ON = "UPDATE page_state SET owner = $3, expires_at = $4 WHERE kind = $1 AND owner = $2";
    FORGET = "DELETE FROM page_state WHERE expires_at <= $1";
}

impl Db {
    /// One thing kept; `None` when there is none or its time is over.
    ///
    /// # Errors
    /// [`Error::Sealed`], [`Error::Database`].
    pub async fn kept(&self, keys: &Keys, kind: KeptKind, id: &str, now: Moment) -> Result<Option<Kept>, Error> {
        // No id of ours holds one, and a database takes none: an address with it names nothing.
        if id.contains('\0') {
            return Ok(None);
        }
        let args = [Arg::Text(kind.word()), Arg::Text(id), Arg::Int(now.millis())];
        self.fetch_one(&ONE, &args).await?.map(|row| opened(keys, kind, &row)).transpose()
    }

    /// What is kept of a kind for an owner, newest first.
    ///
    /// # Errors
    /// [`Error::TooMany`] beyond the bound, [`Error::Sealed`], [`Error::Database`].
    pub async fn kept_of(&self, keys: &Keys, kind: KeptKind, owner: &str, now: Moment) -> Result<Vec<Kept>, Error> {
        let args = [Arg::Text(kind.word()), Arg::Text(owner), Arg::Int(now.millis())];
        whole(self.fetch(&OF_OWNER, &args).await?)?.iter().map(|row| opened(keys, kind, row)).collect()
    }

    /// What is kept of a kind for any of these owners, newest first.
    ///
    /// # Errors
    /// [`Error::TooMany`] beyond the bound, [`Error::Sealed`], [`Error::Database`].
    pub async fn kept_of_any(
        &self,
        keys: &Keys,
        kind: KeptKind,
        owners: &[String],
        now: Moment,
    ) -> Result<Vec<Kept>, Error> {
        if owners.is_empty() {
            return Ok(Vec::new());
        }
        let args = [Arg::Text(kind.word()), Arg::Texts(owners), Arg::Int(now.millis())];
        whole(self.fetch(&OF_OWNERS, &args).await?)?.iter().map(|row| opened(keys, kind, row)).collect()
    }

    /// What is kept of a kind, whoever's, newest first.
    ///
    /// # Errors
    /// [`Error::TooMany`] beyond the bound, [`Error::Sealed`], [`Error::Database`].
    pub async fn kept_all(&self, keys: &Keys, kind: KeptKind, now: Moment) -> Result<Vec<Kept>, Error> {
        let args = [Arg::Text(kind.word()), Arg::Int(now.millis())];
        whole(self.fetch(&OF_KIND, &args).await?)?.iter().map(|row| opened(keys, kind, row)).collect()
    }
}

/// A list that is all there.
fn whole(rows: Vec<Row>) -> Result<Vec<Row>, Error> {
    if rows.len() > LISTED_MAX {
        return Err(Error::TooMany { at: "page_state", rows_max: LISTED_MAX });
    }
    Ok(rows)
}

fn opened(keys: &Keys, kind: KeptKind, row: &Row) -> Result<Kept, Error> {
    let id = row.text(0, "id")?;
    let version = row.int(2, "version")?;
    Ok(Kept {
        kind,
        owner: row.text(1, "owner")?,
        version,
        body: keys.open_whole(&context(kind, &id, version), &row.bytes(3, "body")?)?,
        changed_at: Moment::from_millis(row.int(4, "changed_at")?),
        expires_at: Moment::from_millis(row.int(5, "expires_at")?),
        id,
    })
}

/// Binds sealed bytes to their place: a body moved to another row does not open.
fn context(kind: KeptKind, id: &str, version: i64) -> String {
    format!("page state {} {version} {id}", kind.word())
}

/// The version there is now: 0 when there is none.
pub(super) async fn version(tx: &mut Tx, kind: KeptKind, id: &str) -> Result<i64, Error> {
    let row = tx.fetch(&VERSION, &[Arg::Text(kind.word()), Arg::Text(id)]).await?.into_iter().next();
    row.map_or(Ok(0), |row| row.int(0, "version"))
}

/// Writes a body as version `version`.
pub(super) async fn put(tx: &mut Tx, keys: &Keys, kept: &Kept, version: i64, now: Moment) -> Result<(), Error> {
    let sealed = keys.seal_whole(&context(kept.kind, &kept.id, version), &kept.body)?;
    let args = [
        Arg::Text(kept.kind.word()),
        Arg::Text(&kept.id),
        Arg::Text(&kept.owner),
        Arg::Int(version),
        Arg::Bytes(&sealed),
        Arg::Int(now.millis()),
        Arg::Int(kept.expires_at.millis()),
    ];
    tx.execute(&PUT, &args).await.map(drop)
}

/// Removes one; false when there is none.
pub(super) async fn end(tx: &mut Tx, kind: KeptKind, id: &str) -> Result<bool, Error> {
    Ok(tx.execute(&END, &[Arg::Text(kind.word()), Arg::Text(id)]).await? == 1)
}

/// Removes everything of a kind that an owner has.
pub(super) async fn end_of(tx: &mut Tx, kind: KeptKind, owner: &str) -> Result<(), Error> {
    tx.execute(&END_OF, &[Arg::Text(kind.word()), Arg::Text(owner)]).await.map(drop)
}

/// Gives everything of a kind from one owner to another. Bodies stay as they are sealed: neither owner nor end is bound to them.
pub(super) async fn hand_on(
    tx: &mut Tx,
    kind: KeptKind,
    (from, to): (&str, &str),
    expires_at: Moment,
) -> Result<(), Error> {
    let args = [Arg::Text(kind.word()), Arg::Text(from), Arg::Text(to), Arg::Int(expires_at.millis())];
    tx.execute(&HAND_ON, &args).await.map(drop)
}

/// Removes everything whose time is over.
pub(super) async fn forget(tx: &mut Tx, now: Moment) -> Result<(), Error> {
    tx.execute(&FORGET, &[Arg::Int(now.millis())]).await.map(drop)
}
