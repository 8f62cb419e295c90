//! `solent sharing search`: a counter-example, or the number of situations in which there is none.

use super::{Chosen, Outcome, category, level, role};
use crate::cli::{Exit, print};
use crate::diagnostic::{Diagnostic, code};
use crate::sharing::govern::counterexample::{Answer, Question, search};
use crate::sharing::govern::level_in_words;
use crate::vocabulary::{Category, Level, Role};
use std::path::PathBuf;

/// Arguments of `solent sharing search`.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The role
    #[arg(long, value_name = "CODE", value_parser = role)]
    role: Role,
    /// The category
    #[arg(long, value_name = "CODE", value_parser = category)]
    category: Category,
    /// More than this level
    #[arg(long, value_name = "LEVEL", value_parser = level, default_value = "N")]
    above: Level,
    /// Also look where a permission is in force
    #[arg(long)]
    with_permission: bool,
    /// Also look where an override or imminent danger is live
    #[arg(long)]
    with_override: bool,
    /// Write the situation found as a facts file that `solent decide` answers the same way
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
    #[command(flatten)]
    chosen: Chosen,
}

pub(super) fn run(args: &Args) -> Outcome {
    let policy = args.chosen.policy()?;
    let question = Question {
        role: args.role,
        category: args.category,
        above: args.above,
        with_permission: args.with_permission,
        with_override: args.with_override,
    };
    let (role, category) = (&policy.role(args.role).name, policy.category(args.category).name.replace('-', " "));
    let more = match args.above {
        Level::N => "at all".to_owned(),
        above => format!("more than {}", level_in_words(above)),
    };
    match search(&policy, question) {
        Answer::Never(walked) => print(&format!(
            "No. In none of {walked} situations does {role} ({}) see {category} ({}) {more}. Own work and single items \
             opened for a task are not part of the question.\n",
            args.role, args.category
        )),
        Answer::Can(witness) => {
            let facts =
                serde_json::to_string_pretty(&witness.facts).map_err(|error| Exit::Internal(error.to_string()))?;
            if let Some(file) = &args.facts {
                let fail = |error: std::io::Error| {
                    let fault = Diagnostic::error(code::CLI_FILE, format!("cannot be written: {error}"));
                    Exit::from(fault.with_file(file.display().to_string()))
                };
                std::fs::write(file, format!("{facts}\n")).map_err(fail)?;
            }
            let tail = if args.facts.is_some() { String::new() } else { format!("{facts}\n") };
            print(&format!(
                "Yes. {role} ({}) can see {category} ({}) {more}, for {} ({}): {}. {}\n{tail}",
                args.role,
                args.category,
                policy.purpose(witness.scene.purpose).name,
                witness.scene.purpose,
                witness.scene.in_words(),
                witness.decision.explain(),
            ))
        }
    }
}
