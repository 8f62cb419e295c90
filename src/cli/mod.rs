//! The command line: one file per command of the outside contract (`docs/reference/command-line.md`).
//!
//! Owns argument parsing, reading and writing of files named there, and exit codes: 0 done, 1 the input or check
//! failed, 2 wrong usage, 3 internal. Holds no rule of its own. Read [`Exit`] first.

mod accounts;
mod audit;
mod certs;
mod check;
mod configuration;
pub mod content;
mod db;
mod decide;
mod demo;
mod formats;
mod mapping;
mod mapping_trial;
mod read;
mod register;
mod reload;
pub mod samples;
pub mod serve;
mod sharing;
mod store;
mod translate;
mod validate;
mod write;

use crate::diagnostic::{Diagnostic, code, render};
use clap::{Parser, Subcommand};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

/// How a command ended when it did not succeed.
#[derive(Debug)]
pub enum Exit {
    /// The input or a check failed (exit 1): what to tell the user.
    Failed(Vec<Diagnostic>),
    /// The command line was wrong (exit 2).
    Usage(Diagnostic),
    /// Something inside went wrong (exit 3).
    Internal(String),
}

impl From<Diagnostic> for Exit {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Failed(vec![diagnostic])
    }
}

/// What a command returns.
pub type Outcome = Result<(), Exit>;

#[derive(Parser)]
#[command(
    name = "solent",
    version,
    about = "The gateway between the case systems of agencies that safeguard children."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a throw-away partnership, start the gateway and play the family intervention story
    Demo(demo::Args),
    /// Run the gateway
    Serve(serve::Args),
    /// Check every schema, mapping, code table, sharing file and configuration
    Check(check::Args),
    /// List what can be read and written
    Formats(formats::Args),
    /// Validate files against a format's own schema
    Validate(validate::Args),
    /// Read a message into canonical records
    Read(read::Args),
    /// Write canonical records as a message
    Write(write::Args),
    /// Translate a message from one format to another
    Translate(translate::Args),
    /// Work on mapping files
    Mapping(mapping::Args),
    /// Decide the asks of a facts file
    Decide(decide::Args),
    /// Ask the sharing rules who sees what, and why not
    Sharing(sharing::Args),
    /// Verify, prove and export the audit log
    Audit(audit::Args),
    /// Put people, accounts and ties of a partnership into the store
    Register(register::Args),
    /// Give people the means to sign in at the pages
    Accounts(accounts::Args),
    /// Certificates of a small partnership
    Certs(certs::Args),
    /// The database: migrate, backup, restore, check
    Db(db::Args),
}

/// Parses the process's arguments, runs the command, prints what went wrong.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let outcome = match cli.command {
        Command::Demo(args) => demo::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Check(args) => check::run(args),
        Command::Formats(args) => formats::run(args),
        Command::Validate(args) => validate::run(args),
        Command::Read(args) => read::run(args),
        Command::Write(args) => write::run(args),
        Command::Translate(args) => translate::run(args),
        Command::Mapping(args) => mapping::run(args),
        Command::Decide(args) => decide::run(args),
        Command::Sharing(args) => sharing::run(args),
        Command::Audit(args) => audit::run(args),
        Command::Register(args) => register::run(args),
        Command::Accounts(args) => accounts::run(args),
        Command::Certs(args) => certs::run(args),
        Command::Db(args) => db::run(args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Exit::Failed(diagnostics)) => {
            complain(&diagnostics);
            ExitCode::from(1)
        }
        Err(Exit::Usage(diagnostic)) => {
            complain(&[diagnostic]);
            ExitCode::from(2)
        }
        Err(Exit::Internal(text)) => {
            let _ = writeln!(std::io::stderr(), "solent: internal error: {text}");
            ExitCode::from(3)
        }
    }
}

fn complain(diagnostics: &[Diagnostic]) {
    let mut err = std::io::stderr().lock();
    for diagnostic in diagnostics {
        let _ = err.write_all(render(diagnostic, None).as_bytes());
    }
}

/// Reads a file named on the command line, at most `bytes_max` bytes; `-` is standard input.
///
/// # Errors
/// `SOL-CLI-FILE` when it cannot be read, `SOL-DOC-LIMIT` when it is larger.
pub(crate) fn read_input(name: &str, bytes_max: usize) -> Result<Vec<u8>, Diagnostic> {
    let fail = |e: std::io::Error| Diagnostic::error(code::CLI_FILE, format!("cannot be read: {e}")).with_file(name);
    let mut reader: Box<dyn std::io::Read> = if name == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(Path::new(name)).map_err(fail)?)
    };
    let mut bytes = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    reader.by_ref().take(limit).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() > bytes_max {
        let text = format!("the input is larger than {bytes_max} bytes");
        return Err(Diagnostic::error(code::DOC_LIMIT, text).with_file(name));
    }
    Ok(bytes)
}

/// Writes a command's result to standard output.
///
/// # Errors
/// `SOL-CLI-FILE` when standard output is closed.
pub(crate) fn print(text: &str) -> Outcome {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|e| Exit::from(Diagnostic::error(code::CLI_FILE, format!("standard output cannot be written: {e}"))))
}
