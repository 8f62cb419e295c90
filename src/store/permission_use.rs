//! What rested on permissions: which system received something because of one, which notices wait in mailboxes, and what
//! time has already been noted about a permission.
//!
//! Owns ids and moments only; nothing here says whom a permission is about. Rows are written in the transaction of the
//! release or change they belong to.

use super::Error;
use super::bulk::Bulk;
use super::db::{Arg, Db, Row, Tx, statements};
use crate::clock::Moment;
use crate::ident::{AgencyId, EntryId, MessageId, SystemId};

/// Most releases listed for one permission: a year of daily ones to each of a large team.
const USES_MAX: i64 = 5_000;

/// One release that rested on a permission.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PermissionUse {
    /// The audit entry of the release.
    pub entry: EntryId,
    /// Who received it.
    pub system: SystemId,
    /// Their agency.
    pub agency: AgencyId,
    /// When.
    pub at: Moment,
}

/// What time has done to a permission and was noted once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PermissionMark {
    /// It was said that it ends soon.
    Warned,
    /// Its end was logged.
    Ended,
}

impl PermissionMark {
    const fn word(self) -> &'static str {
        match self {
            Self::Warned => "warned",
            Self::Ended => "ended",
        }
    }
}

statements! {
    USES = "SELECT entry, system, agency, used_at FROM permission_use WHERE permission = $1 ORDER BY used_at, entry LIMIT $2";
    NOTICE = "INSERT INTO notice (message, kind, refers_to) VALUES ($1, $2, $3)";
    NOTICE_OF = "SELECT kind, refers_to FROM notice WHERE message = $1";
    MARK = "INSERT INTO permission_mark (permission, mark, marked_at) VALUES ($1, $2, $3) ON CONFLICT (permission, mark) DO NOTHING";
    MARKED = "SELECT permission FROM permission_mark WHERE permission = $1 AND mark = $2";
}

static USE: Bulk = Bulk::new(
    "permission use insert",
    "INSERT INTO permission_use (permission, entry, system, agency, used_at)",
    5,
    "ON CONFLICT (permission, entry) DO NOTHING",
);

/// One release and the permissions it rested on.
pub(super) struct Used<'a> {
    pub(super) permissions: &'a [String],
    pub(super) entry: &'a EntryId,
    pub(super) system: &'a SystemId,
    pub(super) agency: &'a AgencyId,
}

impl Db {
    /// The releases that rested on a permission, oldest first.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn permission_uses(&self, permission: &str) -> Result<Vec<PermissionUse>, Error> {
        self.fetch(&USES, &[Arg::Text(permission), Arg::Int(USES_MAX)]).await?.iter().map(read).collect()
    }

    /// What a notice says and refers to: its kind word and an id.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn notice(&self, message: &MessageId) -> Result<Option<(String, String)>, Error> {
        let row = self.fetch_one(&NOTICE_OF, &[Arg::Text(message.as_str())]).await?;
        row.map(|row| Ok((row.text(0, "kind")?, row.text(1, "refers_to")?))).transpose()
    }

    /// Whether this was noted about a permission before.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn permission_marked(&self, permission: &str, mark: PermissionMark) -> Result<bool, Error> {
        Ok(self.fetch_one(&MARKED, &[Arg::Text(permission), Arg::Text(mark.word())]).await?.is_some())
    }
}

fn read(row: &Row) -> Result<PermissionUse, Error> {
    Ok(PermissionUse {
        entry: EntryId::new(row.text(0, "entry")?),
        system: SystemId::new(row.text(1, "system")?),
        agency: AgencyId::new(row.text(2, "agency")?),
        at: Moment::from_millis(row.int(3, "used_at")?),
    })
}

/// Notes what releases rested on.
pub(super) async fn used(tx: &mut Tx, all: &[Used<'_>], now: Moment) -> Result<(), Error> {
    let mut args = Vec::new();
    for one in all {
        let entry = [one.entry.as_str(), one.system.as_str(), one.agency.as_str()].map(Arg::Text);
        for permission in one.permissions {
            args.extend([Arg::Text(permission), entry[0], entry[1], entry[2], Arg::Int(now.millis())]);
        }
    }
    USE.insert(tx, &args).await.map(drop)
}

/// Keeps what a notice says.
pub(super) async fn notice(tx: &mut Tx, message: &MessageId, kind: &str, refers_to: &str) -> Result<(), Error> {
    tx.execute(&NOTICE, &[Arg::Text(message.as_str()), Arg::Text(kind), Arg::Text(refers_to)]).await.map(drop)
}

/// Notes something about a permission; false when it was noted before.
pub(super) async fn mark(tx: &mut Tx, permission: &str, mark: PermissionMark, now: Moment) -> Result<bool, Error> {
    let args = [Arg::Text(permission), Arg::Text(mark.word()), Arg::Int(now.millis())];
    Ok(tx.execute(&MARK, &args).await? == 1)
}
