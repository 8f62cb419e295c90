//! `solent sharing explain`: who can see a segment, and why not; or what the rules say about a category.

use super::{Chosen, Exit, Outcome, category, facts, purpose, role, world};
use crate::cli::print;
use crate::diagnostic::{Diagnostic, code};
use crate::sharing::facts::Time;
use crate::sharing::govern::explain::{asks, category as of_category, everybody};
use crate::vocabulary::{Category, Level, Purpose, Role};
use std::fmt::Write as _;

/// Arguments of `solent sharing explain`.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// A facts file; every hat in it is asked about the segment
    #[arg(long, value_name = "FILE", requires = "segment")]
    facts: Option<String>,
    /// The segment
    #[arg(long, value_name = "ID", requires = "facts")]
    segment: Option<String>,
    /// Without a facts file: the category
    #[arg(long, value_name = "CODE", value_parser = category, required_unless_present = "facts", conflicts_with = "facts")]
    category: Option<Category>,
    /// Only for this purpose
    #[arg(long, value_name = "CODE", value_parser = purpose)]
    purpose: Option<Purpose>,
    /// Only this role
    #[arg(long, value_name = "CODE", value_parser = role)]
    role: Option<Role>,
    /// The moment, instead of the file's `now`
    #[arg(long, value_name = "TIME", requires = "facts")]
    at: Option<String>,
    #[command(flatten)]
    chosen: Chosen,
}

pub(super) fn run(args: &Args) -> Outcome {
    let policy = args.chosen.policy()?;
    let purposes: Vec<Purpose> = args.purpose.map_or_else(|| Purpose::ALL.to_vec(), |one| vec![one]);
    let (Some(file), Some(segment)) = (&args.facts, &args.segment) else {
        let Some(category) = args.category else { return Err(usage("name a category, or a facts file and a segment")) };
        let mut text = of_category(&policy, category, &purposes, args.role).join("\n");
        text.push('\n');
        return print(&text);
    };
    let at = match &args.at {
        None => None,
        Some(text) => Some(Time::parse(text).map_err(|error| usage(&error.to_string()))?),
    };
    let facts = facts(file)?;
    let segment = segment.as_str().into();
    if !facts.segments.iter().any(|each| each.id == segment) {
        return Err(usage("the facts file has no such segment"));
    }
    let mut asks = asks(&facts, &policy, &segment, &purposes, at);
    asks.retain(|(each, _)| args.role.is_none_or(|role| role == *each));
    let views = everybody(&world(facts, file)?, &policy, &asks);
    let mut text = String::new();
    for view in &views {
        let head = if view.decision.level > Level::N { "sees" } else { "does not see" };
        let (hat, role, purpose) = (&view.hat, view.role, view.purpose);
        let _ = writeln!(text, "{hat} ({role}) {head} it for {purpose}. {}", view.decision.explain());
    }
    let _ = writeln!(text, "{} questions: every hat, for each purpose its role has.", views.len());
    print(&text)
}

fn usage(text: &str) -> Exit {
    Exit::Usage(Diagnostic::error(code::CLI_USAGE, text))
}
