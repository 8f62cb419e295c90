//! Migrations: forward only, numbered, checksummed, run at start under a lock.
//!
//! Owns the list of migration texts and the table that says which have run. Refuses a database that holds a migration
//! this program does not know, or one whose text differs: it was made by another version.

use super::Error;
use super::db::{Arg, Db, Engine, Row, Tx, statements};
use crate::clock::Moment;

/// One migration, the same number and name for both engines.
struct Migration {
    number: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migrations {
    ($($number:literal $name:literal),+ $(,)?) => { &[$(Migration {
        number: $number,
        name: $name,
        sqlite: include_str!(concat!("migrations/sqlite/", $name, ".sql")),
        postgres: include_str!(concat!("migrations/postgres/", $name, ".sql")),
    }),+] };
}

const MIGRATIONS: &[Migration] = migrations![1 "0001_spine", 2 "0002_quarantine", 3 "0003_log_request", 4 "0004_page_state", 5 "0005_permission_use", 6 "0006_audit_index", 7 "0007_log_key", 8 "0008_decided", 9 "0009_erased_index", 10 "0010_indexes", 11 "0011_joined", 12 "0012_replaced"];

statements! {
    // Gateways that start together wait for each other here. The number is arbitrary and ours.
    LOCK = "SELECT 1", "SELECT pg_advisory_xact_lock(7265726)";
    TABLE = "CREATE TABLE IF NOT EXISTS schema_migration (number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum BLOB NOT NULL, applied_at INTEGER NOT NULL) STRICT",
        "CREATE TABLE IF NOT EXISTS schema_migration (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum BYTEA NOT NULL, applied_at BIGINT NOT NULL)";
    APPLIED = "SELECT number, checksum FROM schema_migration ORDER BY number";
    RECORD = "INSERT INTO schema_migration (number, name, checksum, applied_at) VALUES ($1, $2, $3, $4)";
    COLUMNS = "SELECT m.name, p.name, p.type, p.\"notnull\" FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY 1, 2",
        "SELECT table_name::TEXT, column_name::TEXT, CASE data_type WHEN 'bytea' THEN 'BLOB' WHEN 'text' THEN 'TEXT' ELSE 'INTEGER' END, CASE is_nullable WHEN 'NO' THEN 1::BIGINT ELSE 0::BIGINT END FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY table_name::TEXT COLLATE \"C\", column_name::TEXT COLLATE \"C\"";
}

impl Db {
    /// Brings the database to this program's version; returns how many migrations were run.
    ///
    /// # Errors
    /// [`Error::Migration`] when the database holds a migration that is not ours, [`Error::Database`] otherwise.
    pub async fn migrate(&self, now: Moment) -> Result<usize, Error> {
        let mut tx = self.begin().await?;
        tx.fetch(&LOCK, &[]).await?;
        tx.execute(&TABLE, &[]).await?;
        let applied = tx.fetch(&APPLIED, &[]).await?;
        let mut done: usize = 0;
        ours(&applied, tx.engine())?;
        let numbers: Vec<i64> = applied.iter().map(|row| row.int(0, "number")).collect::<Result<_, _>>()?;
        // By number, not by count: a number may be given out before the one below it.
        for migration in MIGRATIONS.iter().filter(|m| !numbers.contains(&m.number)) {
            run(&mut tx, migration, now).await?;
            done = done.saturating_add(1);
        }
        tx.commit().await?;
        Ok(done)
    }

    /// How many migrations this program would run.
    ///
    /// # Errors
    /// [`Error::Migration`] when the database holds one that is not ours; [`Error::Database`] also when it is empty.
    pub async fn pending_migrations(&self) -> Result<usize, Error> {
        let applied = self.fetch(&APPLIED, &[]).await?;
        ours(&applied, self.engine())?;
        Ok(MIGRATIONS.len().saturating_sub(applied.len()))
    }

    /// Every table column as `table.column TYPE` (types as SQLite names them), in order: the engines must agree.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn columns(&self) -> Result<Vec<String>, Error> {
        let one = |row: &Row| {
            let must = if row.int(3, "nullable")? == 1 { " NOT NULL" } else { "" };
            Ok(format!("{}.{} {}{must}", row.text(0, "table")?, row.text(1, "column")?, row.text(2, "type")?))
        };
        self.fetch(&COLUMNS, &[]).await?.iter().map(one).collect()
    }

    /// How many migrations this program knows.
    #[must_use]
    pub const fn migration_count() -> usize {
        MIGRATIONS.len()
    }

    /// The number of the newest migration this program knows.
    #[must_use]
    pub fn schema_version() -> i64 {
        MIGRATIONS.iter().map(|m| m.number).max().unwrap_or(0)
    }
}

/// Refuses a migration that is not this program's.
fn ours(applied: &[Row], engine: Engine) -> Result<(), Error> {
    for row in applied {
        let number = row.int(0, "number")?;
        let known = MIGRATIONS.iter().find(|m| m.number == number).ok_or(Error::Migration { number })?;
        if row.bytes(1, "checksum")? != checksum(known, engine) {
            return Err(Error::Migration { number });
        }
    }
    Ok(())
}

async fn run(tx: &mut Tx, migration: &Migration, now: Moment) -> Result<(), Error> {
    let engine = tx.engine();
    tx.script(migration.name, text(migration, engine)).await?;
    let args = [
        Arg::Int(migration.number),
        Arg::Text(migration.name),
        Arg::Bytes(&checksum(migration, engine)),
        Arg::Int(now.millis()),
    ];
    tx.execute(&RECORD, &args).await.map(drop)
}

fn text(migration: &Migration, engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => migration.sqlite,
        Engine::Postgres => migration.postgres,
    }
}

fn checksum(migration: &Migration, engine: Engine) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, text(migration, engine).as_bytes()).as_ref().to_vec()
}
