//! `solent register`: people, accounts and ties of a partnership, from a facts file into the store.
//!
//! Owns the reading of the file; what is stored and logged is `exchange::Gateway::register`. Works on a gateway that is not
//! running: a log has one writer. Ids and counts are printed, never a name.

use super::serve::Offline;
use super::{Exit, Outcome, print, read_input};
use crate::diagnostic::{Diagnostic, code};
use crate::exchange::Failure;
use crate::ident::AccountId;
use crate::sharing::facts::FACTS_BYTES_MAX;
use std::path::PathBuf;

/// Arguments of `solent register`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The gateway's configuration; the gateway itself must not be running
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The account that answers for it in the log
    #[arg(long, value_name = "ACCOUNT")]
    by: String,
    /// A facts file, YAML or JSON, without asks and segments; `-` is standard input
    file: String,
}

/// Runs the command.
pub fn run(args: Args) -> Outcome {
    let bytes = read_input(&args.file, FACTS_BYTES_MAX)?;
    let unreadable = || Diagnostic::error(code::FACTS_SYNTAX, "the file is not YAML or JSON").with_file(&args.file);
    let text = std::str::from_utf8(&bytes).map_err(|_| unreadable())?;
    let facts: crate::sharing::facts::Facts = match serde_json::from_str(text) {
        Ok(facts) => facts,
        Err(_) => serde_saphyr::from_str(text).map_err(|_| {
            Diagnostic::error(code::FACTS_SCHEMA, "the file is not a set of facts")
                .with_file(&args.file)
                .with_help("`solent decide --facts` names the place")
        })?,
    };
    let document = serde_json::to_value(facts).map_err(|_| Exit::Internal("facts cannot be written".to_owned()))?;
    Offline::run(&args.config, async |gateway| {
        let count = gateway.register(&document, &AccountId::new(args.by.as_str())).await.map_err(refused)?;
        print(&format!("{count} facts stored and logged\n"))
    })
}

/// A story's failure as a command says it.
pub fn refused(failure: Failure) -> Exit {
    match failure {
        Failure::Invalid(faults) => Exit::Failed(faults),
        other => Diagnostic::error(code::CLI_REFUSED, other.to_string()).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_story_refuses_is_said_with_sol_cli_refused() {
        let Exit::Failed(found) = refused(Failure::NotFound) else { panic!("a diagnostic") };
        assert_eq!(found[0].code.as_str(), "SOL-CLI-REFUSED");
    }
}
