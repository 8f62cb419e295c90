//! `solent sharing diff OLD NEW`: what changed, and which decisions that changes.

use super::{Outcome, facts, policy_in, world};
use crate::audit::Event;
use crate::cli::audit::ask::{failed, moment};
use crate::cli::audit::own_entry;
use crate::cli::{Exit, configuration, print, store};
use crate::clock::Clock;
use crate::diagnostic::code;
use crate::exchange::{Ask, Asker, LogDifference, Viewer};
use crate::sharing::Policy;
use crate::sharing::govern::difference::{decisions, rules};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Arguments of `solent sharing diff`.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The old rules: a content set, or a folder of sharing files
    old: PathBuf,
    /// The new rules
    new: PathBuf,
    /// Facts files whose decisions are compared
    #[arg(long, value_name = "FILE", num_args = 1..)]
    facts: Vec<String>,
    /// A gateway's configuration: the decisions in its log are made again by the old and by the new rules
    #[arg(long, value_name = "CONFIG")]
    log: Option<PathBuf>,
    /// With --log: from this day or moment on (UTC); without it the last 90 days
    #[arg(long, value_name = "TIME", requires = "log")]
    from: Option<String>,
    /// With --log: before this day or moment (UTC); without it now
    #[arg(long, value_name = "TIME", requires = "log")]
    to: Option<String>,
}

/// Days of a log that are looked at when no others are asked for.
const DAYS: i64 = 90;
const DAY_MILLIS: i64 = 24 * 3_600_000;

pub(super) fn run(args: &Args) -> Outcome {
    let (old, new) = (policy_in(&args.old)?, policy_in(&args.new)?);
    let mut text = String::new();
    let said = rules(&old, &new);
    for sentence in &said {
        let _ = writeln!(text, "{sentence}");
    }
    text.push_str(&match said.len() {
        0 => "No rule changed.\n".to_owned(),
        1 => "One thing changed.\n".to_owned(),
        several => format!("{several} things changed.\n"),
    });
    if !args.facts.is_empty() {
        let (mut asked, mut changed) = (0_usize, 0_usize);
        for file in &args.facts {
            let facts = facts(file)?;
            let asks = facts.asks.clone();
            let world = world(facts, file)?;
            let named = asks.iter().map(|ask| (format!("{file} {}", ask.id.as_str()), &world, ask));
            let found = decisions(&old, &new, named);
            asked = asked.saturating_add(asks.len());
            changed = changed.saturating_add(found.len());
            for each in found {
                let _ = writeln!(text, "{}", each.in_words());
            }
        }
        let _ = writeln!(text, "{changed} of {asked} decisions change.");
    }
    if let Some(config) = &args.log {
        let span = span(args)?;
        own_entry::write_as(config, Event::AuditQuery, "sharing diff")?;
        let runtime = tokio::runtime::Runtime::new().map_err(|e| Exit::Internal(e.to_string()))?;
        text.push_str(&in_words(&runtime.block_on(of_log(config, &old, &new, span))?));
    }
    print(&text)
}

fn span(args: &Args) -> Result<(i64, i64), Exit> {
    let now = Clock::system().now().millis();
    let time = |text: &Option<String>, otherwise: i64| text.as_deref().map_or(Ok(otherwise), moment);
    let to = time(&args.to, now)?;
    Ok((time(&args.from, to.saturating_sub(DAYS.saturating_mul(DAY_MILLIS)))?, to))
}

async fn of_log(config: &Path, old: &Policy, new: &Policy, (from, to): (i64, i64)) -> Result<LogDifference, Exit> {
    let config = configuration::load(config)?;
    let db = store::open_existing(&config).await?;
    let keys = store::keys(&config, code::STORE_KEY)?;
    let viewer = Viewer { police: true, adoption: true, ..Viewer::operator() };
    let asker = Asker::new((&db, &keys), &config, viewer, Clock::system().now());
    let ask = asker.prepare(Ask { from, to, ..Ask::default() }).await.map_err(failed)?;
    let found = asker.difference(old, new, &ask).await.map_err(failed)?;
    db.close().await;
    Ok(found)
}

/// Each changed decision in a sentence, then the counts.
fn in_words(found: &LogDifference) -> String {
    let mut text = String::new();
    for each in &found.changed {
        let _ = writeln!(text, "{}", each.in_words());
    }
    for entry in &found.otherwise {
        let _ = writeln!(text, "entry {entry}: its own rules do not say again what the log says they said.");
    }
    for (why, count) in &found.gone {
        let _ = writeln!(text, "{count} entries were not decided again: {}.", why.in_words());
    }
    let (changed, decisions, entries) = (found.changed.len(), found.decisions, found.entries);
    let _ = writeln!(text, "{changed} of {decisions} decisions in {entries} entries of the log change.");
    text
}
