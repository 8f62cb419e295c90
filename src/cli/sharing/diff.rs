//! `solent sharing diff OLD NEW`: what changed, and which decisions that changes.

use super::{Outcome, facts, policy_in, world};
use crate::cli::print;
use crate::sharing::govern::difference::{decisions, rules};
use std::fmt::Write as _;
use std::path::PathBuf;

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
}

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
    print(&text)
}
