//! `solent decide`: answers the asks of a facts file; no database, server, clock or network.
//!
//! Output is one JSON object, or one line per decision; ids, codes and fixed words only. Source: facts file paper §7.

use super::{Exit, Outcome, content, print, read_input};
use crate::diagnostic::{Diagnostic, code};
use crate::sharing::facts::{FACTS_BYTES_MAX, Reader};
use crate::sharing::{Decision, FactsError, Fault, Policy, World, decide};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Arguments of `solent decide`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The facts file, YAML or JSON; `-` is standard input
    #[arg(long, value_name = "FILE")]
    facts: String,
    /// Print one JSON object instead of one line per decision
    #[arg(long)]
    json: bool,
    /// A content set to use instead of the built-in one
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Serialize)]
struct Answers<'a> {
    decisions: Vec<Answer<'a>>,
}

#[derive(Serialize)]
struct Answer<'a> {
    ask: &'a str,
    #[serde(flatten)]
    decision: Decision,
}

/// Runs the command.
pub fn run(args: Args) -> Outcome {
    let files = content::load(args.dir.as_deref())?;
    let policy = Policy::load(&files).map_err(Exit::Failed)?;
    let missing = || Diagnostic::error(code::SCHEMA_FILE, "the schema of facts files is missing").with_file(SCHEMA);
    let reader = Reader::new(files.get(SCHEMA).ok_or_else(missing)?)?;
    let bytes = read_input(&args.facts, FACTS_BYTES_MAX)?;
    let named = |faults: Vec<Diagnostic>| {
        Exit::Failed(faults.into_iter().map(|fault| fault.with_file(args.facts.as_str())).collect())
    };
    let facts = reader.read(&bytes).map_err(named)?;
    let asks = facts.asks.clone();
    let world = World::new(facts).map_err(|faults| named(faults.iter().map(fault).collect()))?;
    let decisions: Vec<Answer<'_>> =
        asks.iter().map(|ask| Answer { ask: ask.id.as_str(), decision: decide(&world, &policy, ask) }).collect();
    if args.json {
        let text = serde_json::to_string(&Answers { decisions });
        return print(&format!("{}\n", text.map_err(|error| Exit::Internal(error.to_string()))?));
    }
    let mut text = String::new();
    for Answer { ask, decision } in &decisions {
        let limit = decision.limit.map_or("-", |limit| limit.code());
        let (level, reason, marker) = (decision.level, decision.reason, decision.marker.code());
        let _ = writeln!(text, "{ask} {level} {reason} {limit} {marker}: {}", decision.explain());
    }
    print(&text)
}

/// Where the schema of facts files lies in the content set.
pub(super) const SCHEMA: &str = "schemas/config/facts.schema.json";

pub(super) fn fault(error: &FactsError) -> Diagnostic {
    let (code, text) = match error.fault {
        Fault::Reference => (code::FACTS_REFERENCE, "there is no such id here"),
        Fault::Duplicate => (code::FACTS_DUPLICATE, "this id stands twice in its section"),
    };
    Diagnostic::error(code, text).with_pointer(error.pointer.as_str())
}
