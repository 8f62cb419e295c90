//! `solent mapping`: tools for the people who write and sign mappings.

use super::{Exit, Outcome, content, print, read_input};
use crate::config::Files;
use crate::diagnostic::{Diagnostic, code, render};
use crate::document::Limits;
use crate::ident::AgencyId;
use crate::mapping::{Mappings, ReadContext, WriteContext, explain, lang};
use crate::schema::Schemas;
use std::path::PathBuf;

/// Arguments of `solent mapping`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Print a mapping file in its one layout, or rewrite it in place
    Fmt {
        /// The `.bimap` file; `-` is standard input
        file: String,
        /// Rewrite the file instead of printing
        #[arg(long)]
        write: bool,
        /// Only say whether the layout is right (exit 1 if not)
        #[arg(long)]
        check: bool,
    },
    /// Print the two-column page a governance lead signs
    Explain {
        /// Format name, for example `cin-census`
        format: String,
        /// As a web page
        #[arg(long)]
        html: bool,
        /// Folder with schemas/, mappings/ and sharing/ instead of the built-in set
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Read a message, write it back, and show what was lost
    Try {
        /// Format name, for example `cin-census`
        format: String,
        /// The message
        #[arg(long = "in")]
        input: String,
        /// Folder with schemas/, mappings/ and sharing/ instead of the built-in set
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Print the abstract tree of a mapping file as JSON
    Ast {
        /// The `.bimap` file; `-` is standard input
        file: String,
        /// Accepted for the sake of scripts: JSON is the only form
        #[arg(long)]
        json: bool,
    },
}

/// Largest mapping file, 1 MiB: the longest of ours has 15 KB.
const MAPPING_BYTES_MAX: usize = 1024 * 1024;

/// Runs the command.
///
/// # Errors
/// The file does not follow the language, or cannot be read or written.
pub fn run(args: Args) -> Outcome {
    match args.command {
        Command::Fmt { file, write, check } => fmt(&file, write, check),
        Command::Explain { format, html, dir } => {
            let files = content::load(dir.as_deref())?;
            let mappings = load(&files)?;
            let tree = mappings.sources().find(|s| s.format == format || s.tree.name.text == format).map(|s| s.tree);
            let tree = tree.ok_or_else(|| no_format(&format))?;
            print(&if html { explain::html(tree, &files) } else { explain::text(tree) })
        }
        Command::Try { format, input, dir } => try_out(&load(&content::load(dir.as_deref())?)?, &format, &input),
        Command::Ast { file, .. } => {
            let tree = parse(&file, &read_input(&file, MAPPING_BYTES_MAX)?)?;
            print(&(serde_json::to_string_pretty(&lang::ast_json::to_json(&tree)).unwrap_or_default() + "\n"))
        }
    }
}

/// The mappings of a content set, or every finding drawn with its line.
pub(super) fn load(files: &Files) -> Result<Mappings, Exit> {
    let schemas = Schemas::load(files).map_err(Exit::Failed)?;
    Mappings::load(files, &schemas).map_err(Exit::Failed)
}

fn no_format(format: &str) -> Exit {
    let text = format!("there is no format `{format}` with a mapping");
    Exit::from(Diagnostic::error(code::MAP_FORMAT, text).with_help("`solent formats` lists them"))
}

fn parse(file: &str, bytes: &[u8]) -> Result<lang::tree::Mapping, Exit> {
    lang::parse(bytes).map_err(|fault| {
        let fault = fault.with_file(file);
        // A mapping file holds no personal data, so its line may be shown.
        let drawn = render(&fault, std::str::from_utf8(bytes).ok());
        let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), drawn.as_bytes());
        Exit::Failed(Vec::new())
    })
}

fn fmt(file: &str, write: bool, check: bool) -> Outcome {
    let bytes = read_input(file, MAPPING_BYTES_MAX)?;
    let text = lang::format::format(&parse(file, &bytes)?);
    if check {
        if text.as_bytes() == bytes {
            return Ok(());
        }
        let fault = Diagnostic::error(code::MAP_SYNTAX, "the file is not in its one layout");
        return Err(Exit::from(fault.with_file(file).with_help("`solent mapping fmt --write FILE` rewrites it")));
    }
    if !write || file == "-" {
        return print(&text);
    }
    std::fs::write(file, text)
        .map_err(|e| Exit::from(Diagnostic::error(code::CLI_FILE, format!("cannot be written: {e}")).with_file(file)))
}

fn try_out(mappings: &Mappings, format: &str, input: &str) -> Outcome {
    let limits = Limits::file();
    let bytes = read_input(input, limits.bytes_max)?;
    let context = ReadContext { custodian: AgencyId::from("local"), seed: 0, limits };
    let records = mappings.read(format, &bytes, &context).map_err(Exit::Failed)?;
    let (records, loss) = super::read::part(records);
    let now = super::read::moment(None)?;
    let written = mappings.write(format, &records, &WriteContext::at(now)).map_err(Exit::Failed)?;
    let again = mappings.read(format, &written.bytes, &context).map_err(Exit::Failed)?;
    let (again, _) = super::read::part(again);
    let twice = mappings.write(format, &again, &WriteContext::at(now)).map_err(Exit::Failed)?;
    let settled = if twice.bytes == written.bytes { "yes" } else { "NO" };
    print(&format!(
        "{} records\n{}{}settled (written, read and written again is the same): {settled}\n",
        records.len(),
        loss.to_text(),
        written.loss.to_text()
    ))
}
