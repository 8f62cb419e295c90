//! Inserts of many rows in one statement, from one text made of constants.
//!
//! Owns the only place where SQL text is built, and only from constants of this program: a head, a number of columns
//! and a number of rows. Row counts are taken from a short list, so that few statements are prepared.

use super::Error;
use super::db::{Arg, Engine, Tx};
use std::sync::OnceLock;

/// Rows per statement, largest first: any number below 128 takes at most seven statements. 64 rows of 14 columns stay far
/// below both engines' limit on arguments.
const ROWS: [usize; 7] = [64, 32, 16, 8, 4, 2, 1];

/// An insert of many rows: what stands before `VALUES`, and after.
pub(super) struct Bulk {
    name: &'static str,
    head: &'static str,
    tail: &'static str,
    columns: usize,
    texts: [[OnceLock<String>; ROWS.len()]; 2],
}

impl Bulk {
    pub(super) const fn new(name: &'static str, head: &'static str, columns: usize, tail: &'static str) -> Self {
        Self { name, head, tail, columns, texts: [const { [const { OnceLock::new() }; ROWS.len()] }; 2] }
    }

    /// Inserts the rows, given as one flat list of arguments; how many were inserted.
    pub(super) async fn insert(&self, tx: &mut Tx, args: &[Arg<'_>]) -> Result<u64, Error> {
        let mut rest = args;
        let mut inserted: u64 = 0;
        let engine = tx.engine();
        let [sqlite, postgres] = &self.texts;
        let texts = match engine {
            Engine::Sqlite => sqlite,
            Engine::Postgres => postgres,
        };
        for (rows, text) in ROWS.iter().zip(texts) {
            let width = rows.saturating_mul(self.columns);
            while rest.len() >= width {
                let (now, later) = rest.split_at(width);
                rest = later;
                let text = text.get_or_init(|| self.text(*rows, engine));
                inserted = inserted.saturating_add(tx.execute_text(self.name, text, now).await?);
            }
        }
        Ok(inserted)
    }

    /// SQLite looks a numbered parameter up in a list, for each one anew; without numbers it counts.
    fn text(&self, rows: usize, engine: Engine) -> String {
        let cell = |r: usize, c: usize| match engine {
            Engine::Sqlite => "?".to_owned(),
            Engine::Postgres => format!("${}", r.saturating_mul(self.columns).saturating_add(c)),
        };
        let row = |r: usize| {
            let cells: Vec<String> = (1..=self.columns).map(|c| cell(r, c)).collect();
            format!("({})", cells.join(","))
        };
        let all: Vec<String> = (0..rows).map(row).collect();
        format!("{} VALUES {} {}", self.head, all.join(","), self.tail)
    }
}

/// The one place that vouches for text which is not a literal: it comes from [`Bulk`] only.
pub(super) fn safe(text: &str) -> sqlx::AssertSqlSafe<&str> {
    sqlx::AssertSqlSafe(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_columns_are_numbered_through() {
        let bulk = Bulk::new("t", "INSERT INTO t (a, b)", 2, "ON CONFLICT DO NOTHING");
        let text = |engine| bulk.text(2, engine);
        assert_eq!(text(Engine::Postgres), "INSERT INTO t (a, b) VALUES ($1,$2),($3,$4) ON CONFLICT DO NOTHING");
        assert_eq!(text(Engine::Sqlite), "INSERT INTO t (a, b) VALUES (?,?),(?,?) ON CONFLICT DO NOTHING");
    }
}
