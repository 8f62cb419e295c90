//! Every write fails, before and after taking effect: nothing is lost, doubled, or promised too early.

mod commits;
mod disk;
mod gateway_kill;
mod gone;
mod marked_start;
mod proxy;
mod server;

use sqlx::Row as _;
use sqlx::sqlite::SqlitePoolOptions;
use std::path::Path;

/// The ids of every entry of a SQLite log, read without the product's own code.
fn log_ids(database: &Path) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let pool = SqlitePoolOptions::new().connect(&format!("sqlite:{}", database.display())).await.unwrap();
        let rows = sqlx::query("SELECT id FROM log_entry ORDER BY idx").fetch_all(&pool).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>(0)).collect()
    })
}
