//! `solent validate`: files against their format's own schema, and nothing more.

use super::{Exit, Outcome, complain, content, read_input};
use crate::diagnostic::{Diagnostic, Severity, code};
use crate::document::{Limits, json};
use crate::record::Record;
use crate::schema::{Schemas, Strictness, Syntax};
use std::path::PathBuf;

/// Arguments of `solent validate`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The format: fhir-r4-json, cin-census or canonical
    #[arg(long, value_name = "FORMAT")]
    format: String,
    /// A folder with schemas/ to use instead of the built-in set
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
}

/// What a format's files are held against.
#[derive(Clone, Copy)]
enum Against {
    /// A native schema.
    Native { schema: &'static str, syntax: Syntax },
    /// The canonical schema and the rules of a record; one record, or one a line.
    Canonical,
}

const FORMATS: &[(&str, Against)] = &[
    ("fhir-r4-json", Against::Native { schema: "fhir-r4-json/referral.schema.json", syntax: Syntax::FhirJson }),
    (
        "cin-census",
        Against::Native { schema: "cin-census/message.schema.json", syntax: Syntax::Xml { root: "Message" } },
    ),
    ("canonical", Against::Canonical),
];

/// Runs the command: findings go to standard error, one a line; any error among them ends with exit 1.
pub fn run(args: Args) -> Outcome {
    let Some((_, against)) = FORMATS.iter().find(|(name, _)| *name == args.format) else {
        let names: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).collect();
        let fault = Diagnostic::error(code::CLI_USAGE, "this format cannot be validated");
        return Err(Exit::Usage(fault.with_expected(names.join(", "))));
    };
    let schemas = Schemas::load(&content::load(args.dir.as_deref())?).map_err(Exit::Failed)?;
    let named = |file: &String| findings(*against, &schemas, file).into_iter().map(|f| f.with_file(file)).collect();
    let found: Vec<Diagnostic> = args.files.iter().flat_map(|file| -> Vec<Diagnostic> { named(file) }).collect();
    if found.iter().any(|f| f.severity == Severity::Error) {
        return Err(Exit::Failed(found));
    }
    complain(&found);
    Ok(())
}

fn findings(against: Against, schemas: &Schemas, file: &str) -> Vec<Diagnostic> {
    let limits = Limits::file();
    let bytes = match read_input(file, limits.bytes_max) {
        Ok(bytes) => bytes,
        Err(fault) => return vec![fault],
    };
    match against {
        Against::Native { schema, syntax } => {
            let Some(schema) = schemas.get(schema) else {
                return vec![Diagnostic::error(code::SCHEMA_FILE, format!("there is no `schemas/{schema}`"))];
            };
            match schema.read(syntax, &bytes, &limits, Strictness::Strict) {
                Ok(valid) => valid.warnings().to_vec(),
                Err(found) => found,
            }
        }
        Against::Canonical => canonical(schemas, &bytes, &limits),
    }
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
