//! Migrations and statements, the same on both engines.

use super::support::{TestDb, noon, on_each_engine, runtime};
use solent::store::{Db, Engine, Error};

#[test]
fn every_statement_is_understood_by_the_engine() {
    on_each_engine(|t| async move {
        let count = t.db.check_statements().await.unwrap();
        assert!(count > 60, "{count}");
        t.finish().await;
    });
}

#[test]
fn both_engines_have_the_same_tables_and_columns() {
    runtime().block_on(async {
        let sqlite = TestDb::new(Engine::Sqlite).await.unwrap();
        let Some(postgres) = TestDb::new(Engine::Postgres).await else { return };
        let (a, b) = (sqlite.db.columns().await.unwrap(), postgres.db.columns().await.unwrap());
        assert!(a.len() > 100, "{}", a.len());
        assert_eq!(a, b);
        sqlite.finish().await;
        postgres.finish().await;
    });
}

#[test]
fn migrations_run_once_and_a_changed_or_unknown_one_is_refused() {
    on_each_engine(|t| async move {
        assert_eq!(t.db.migrate(noon()).await.unwrap(), 0);
        t.tamper("INSERT INTO schema_migration (number, name, checksum, applied_at) SELECT 9999, name, checksum, 0 FROM schema_migration WHERE number = 1").await;
        assert!(matches!(t.db.migrate(noon()).await, Err(Error::Migration { number: 9999 })));
        t.tamper("DELETE FROM schema_migration WHERE number = 9999").await;
        t.tamper("UPDATE schema_migration SET checksum = (SELECT leaf FROM log_entry UNION SELECT body_digest FROM message UNION SELECT checksum FROM schema_migration LIMIT 1) , number = 77 WHERE number = 1").await;
        assert!(matches!(t.db.migrate(noon()).await, Err(Error::Migration { .. })));
        t.finish().await;
    });
}

/// What made a database of an earlier version: its migrations, and the table that names them.
fn earlier(engine: Engine, version: usize) -> String {
    let (name, bytes, quoted) = match engine {
        Engine::Sqlite => ("sqlite", "BLOB", "x'"),
        Engine::Postgres => ("postgres", "BYTEA", "'\\x"),
    };
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/migrations").join(name);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut script = format!(
        "CREATE TABLE schema_migration (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum {bytes} NOT NULL, applied_at BIGINT NOT NULL);"
    );
    for (number, file) in (1..=version).zip(files) {
        let text = std::fs::read_to_string(&file).unwrap();
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        let hex: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        script.push_str(&text);
        script.push_str(&format!("INSERT INTO schema_migration VALUES ({number}, 'x', {quoted}{hex}', 0);"));
    }
    script
}

#[test]
fn a_database_of_every_earlier_version_is_brought_to_this_one() {
    runtime().block_on(async {
        for engine in [Engine::Sqlite, Engine::Postgres] {
            let Some(new) = TestDb::new(engine).await else { continue };
            let mut columns = new.db.columns().await.unwrap();
            columns.retain(|column| !column.starts_with("schema_migration."));
            new.finish().await;
            for version in 1..Db::migration_count() {
                let t = TestDb::new(engine).await.unwrap();
                if let Some(path) = t.db.sqlite_path() {
                    t.db.close().await;
                    std::fs::write(path, "").unwrap();
                } else {
                    t.tamper("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
                }
                t.tamper(earlier(engine, version).leak()).await;
                let db = Db::open(&t.address, None).await.unwrap();
                assert_eq!(db.migrate(noon()).await.unwrap(), Db::migration_count() - version, "{version}");
                let mut found = db.columns().await.unwrap();
                found.retain(|column| !column.starts_with("schema_migration."));
                assert_eq!(found, columns, "{version}");
                db.check_statements().await.unwrap();
                db.close().await;
                t.finish().await;
            }
        }
    });
}

#[test]
fn gateways_that_start_together_migrate_once() {
    runtime().block_on(async {
        for engine in [Engine::Sqlite, Engine::Postgres] {
            let Some(t) = TestDb::new(engine).await else { continue };
            // A fresh database: the one the fixture migrated is emptied of its tables by making another.
            let fresh = match engine {
                Engine::Sqlite => format!("sqlite:{}", t.folder.join("second.db").display()),
                Engine::Postgres => t.address.clone(),
            };
            if engine == Engine::Postgres {
                t.tamper("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
            }
            let both = [Db::open(&fresh, None).await.unwrap(), Db::open(&fresh, None).await.unwrap()];
            let (a, b) = tokio::join!(both[0].migrate(noon()), both[1].migrate(noon()));
            assert_eq!(a.unwrap() + b.unwrap(), Db::migration_count());
            t.finish().await;
        }
    });
}

#[test]
fn an_address_of_another_kind_is_refused_without_repeating_it() {
    runtime().block_on(async {
        let error = Db::open("mysql://user:secret@host/db", None).await.unwrap_err();
        assert!(matches!(error, Error::Address));
        assert!(!error.to_string().contains("secret"));
    });
}
