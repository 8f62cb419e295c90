//! `solent validate`: files against their format's own schema, and nothing more.

use super::read::known;
use super::{Exit, Outcome, complain, content, read_input};
use crate::diagnostic::{Diagnostic, Severity};
use crate::document::{Limits, json};
use crate::mapping::{CANONICAL, Mappings};
use crate::record::Record;
use crate::schema::Schemas;
use std::path::PathBuf;

/// Arguments of `solent validate`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The format (see `solent formats`)
    #[arg(long, value_name = "FORMAT")]
    format: String,
    /// A folder with schemas/ to use instead of the built-in set
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
}

/// Runs the command: findings go to standard error, one a line; any error among them ends with exit 1.
pub fn run(args: Args) -> Outcome {
    let files = content::load(args.dir.as_deref())?;
    let schemas = Schemas::load(&files).map_err(Exit::Failed)?;
    let mappings = Mappings::load(&files, &schemas).map_err(Exit::Failed)?;
    known(&mappings, &args.format)?;
    let check = |file: &String| findings(&args.format, &mappings, &schemas, file);
    let named = |file: &String| check(file).into_iter().map(|f| f.with_file(file)).collect();
    let found: Vec<Diagnostic> = args.files.iter().flat_map(|file| -> Vec<Diagnostic> { named(file) }).collect();
    if found.iter().any(|f| f.severity == Severity::Error) {
        return Err(Exit::Failed(found));
    }
    complain(&found);
    Ok(())
}

fn findings(format: &str, mappings: &Mappings, schemas: &Schemas, file: &str) -> Vec<Diagnostic> {
    let limits = Limits::file();
    let bytes = match read_input(file, limits.bytes_max) {
        Ok(bytes) => bytes,
        Err(fault) => return vec![fault],
    };
    if format == CANONICAL {
        return canonical(schemas, &bytes, &limits);
    }
    mappings.validate(format, &bytes, &limits).unwrap_or_else(|found| found)
}

/// One record, or JSON lines as `solent read` writes them.
fn canonical(schemas: &Schemas, bytes: &[u8], limits: &Limits) -> Vec<Diagnostic> {
    let check = |text: &[u8]| match json::read(text, limits) {
        Ok(document) => Record::validate_from(document, schemas, Some(text)).err().unwrap_or_default(),
        Err(fault) => vec![fault],
    };
    let lines: Vec<&[u8]> = bytes.split(|b| *b == b'\n').filter(|l| !l.trim_ascii().is_empty()).collect();
    let many = lines.len() > 1 && lines.iter().all(|l| l.starts_with(b"{") && l.trim_ascii_end().ends_with(b"}"));
    if !many {
        return check(bytes);
    }
    let mut out = Vec::new();
    for (index, line) in bytes.split(|b| *b == b'\n').enumerate().filter(|(_, l)| !l.trim_ascii().is_empty()) {
        for mut finding in check(line) {
            if let Some(position) = &mut finding.position {
                position.line += index;
            }
            out.push(finding);
        }
    }
    out
}
