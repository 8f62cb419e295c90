//! `solent audit`: verify, prove and export a log, from a live database, a directory of tiles or a bundle.
//!
//! Owns the arguments, the files and the wording of the result; every check is in `crate::audit`. The commands work on
//! any [`LogSource`], so that all of them can be used on all three. Read [`run`].

pub(super) mod ask;
mod bundle;
mod database;
mod export;
pub(super) mod own_entry;
mod prove;
mod rotate;
mod sealing;
mod tiles;
mod witness;
mod witnessed;

use super::{Exit, Outcome, print, read_input};
use crate::audit::note::NOTE_BYTES_MAX;
use crate::audit::proof::PROOF_BYTES_MAX;
use crate::audit::verify::{Expected, FINDINGS_MAX, Progress, Report, verify, witnessed as seen_by};

use crate::audit::{LogSource, SourceError, TlogProof, Vkey};
use crate::diagnostic::{Diagnostic, code};
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

/// Largest verifier key file, in bytes: one line.
const VKEY_BYTES_MAX: usize = 4096;
/// Largest entry or payload file, in bytes.
const ENTRY_FILE_BYTES_MAX: usize = crate::audit::entry::PAYLOAD_BYTES_MAX;
/// Largest extract, in bytes: 5,000 full entries with what is said of them.
const EXTRACT_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Most findings printed as text; `--json` gives up to [`FINDINGS_MAX`].
const PRINTED_MAX: usize = 50;

/// Arguments of `solent audit`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Check that a log, or one entry with its proof, is what was signed
    Verify(VerifyArgs),
    /// Write the proof that one entry is in the log
    Prove(prove::Args),
    /// Write the log as C2SP tiles or as one bundle
    Export(export::Args),
    /// Erase the sealed parts of the entries about a person; the entries stay
    Erase(sealing::Args),
    /// Put a legal hold on the sealed parts of the entries about a person, or end it
    Hold(sealing::HoldArgs),
    /// Replace the key that signs the log; the old one signs its last checkpoint together with the new one
    RotateKey(rotate::Args),
    /// The verifier keys the log has had, with the first and last size each signs
    Keys(rotate::Args),
    /// Ask the log one of the twenty questions, or export entries
    Ask(Box<ask::Args>),
    /// Cosign the checkpoints of logs, as a witness with its own key and folder
    Witness(Box<witness::Args>),
}

/// Which log to read: exactly one.
#[derive(clap::Args, Debug, Clone)]
#[group(required = false, multiple = false)]
struct Where {
    /// A gateway's configuration: its live database
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A directory of tiles
    #[arg(long, value_name = "DIR")]
    tiles: Option<PathBuf>,
    /// A bundle
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

#[derive(clap::Args, Debug)]
struct VerifyArgs {
    #[command(flatten)]
    from: Where,
    /// Verifier key, or a file with one; again for each witness. Without it, the key that lies beside the log is used
    #[arg(long, value_name = "KEY|FILE")]
    vkey: Vec<String>,
    /// A signed checkpoint somebody kept: the log must contain its tree
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<String>,
    /// Demand cosignatures of this many witnesses on the latest checkpoint
    #[arg(long, value_name = "K", default_value_t = 0)]
    witnesses: usize,
    /// Verifier key of a witness, or a file with one; again for each
    #[arg(long, value_name = "KEY|FILE")]
    witness: Vec<String>,
    /// A checkpoint the log keeps must carry valid cosignatures of this many of the witnesses; says how far it reaches
    #[arg(long, value_name = "K", default_value_t = 0)]
    threshold: usize,
    /// Check one entry instead of a whole log: its proof
    #[arg(long, value_name = "FILE", requires = "entry", conflicts_with_all = ["config", "tiles", "bundle"])]
    proof: Option<String>,
    /// With --proof: the entry
    #[arg(long, value_name = "FILE", requires = "proof")]
    entry: Option<String>,
    /// With --proof: its payload
    #[arg(long, value_name = "FILE", requires = "proof")]
    payload: Option<String>,
    /// Check an extract, as the pages export it: every entry in it against its signed checkpoint
    #[arg(long, value_name = "FILE", conflicts_with_all = ["config", "tiles", "bundle", "proof"])]
    extract: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// A log that was found, with the key that lies beside it.
struct Opened {
    source: Box<dyn LogSource>,
    /// What the user called it.
    name: String,
    /// The key found beside the log: convenient, but no evidence of whose log it is.
    vkey: Option<Vkey>,
}

/// Runs the command.
pub fn run(args: Args) -> Outcome {
    match args.command {
        Command::Verify(args) => run_verify(&args),
        Command::Prove(args) => prove::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Erase(args) => sealing::erase(&args),
        Command::Hold(args) => sealing::hold(&args),
        Command::RotateKey(args) => rotate::rotate(&args),
        Command::Keys(args) => rotate::list(&args),
        Command::Ask(args) => ask::run(&args),
        Command::Witness(args) => witness::run(&args),
    }
}

/// Opens the log named on the command line.
fn open(from: &Where) -> Result<Opened, Exit> {
    match (&from.config, &from.tiles, &from.bundle) {
        (Some(config), None, None) => database::open(config),
        (None, Some(dir), None) => tiles::open(dir),
        (None, None, Some(file)) => bundle::open(file),
        _ => Err(Exit::Usage(
            Diagnostic::error(code::CLI_USAGE, "which log is not said, or said twice")
                .with_expected("one of --config FILE, --tiles DIR, --bundle FILE"),
        )),
    }
}

/// A log that could not be read, for people.
fn unreadable(error: &SourceError) -> Exit {
    Exit::from(Diagnostic::error(code::AUDIT_SOURCE, error.problem.clone()).with_file(error.place.clone()))
}

/// Reads a verifier key: the key itself, or the name of a file that holds it.
fn read_vkey(text: &str) -> Result<Vkey, Exit> {
    // A key has two plus signs; a file name with two, in this form, would be unusual enough.
    if let Ok(vkey) = Vkey::parse(text) {
        return Ok(vkey);
    }
    let refuse = |problem: String| Exit::from(Diagnostic::error(code::AUDIT_SIGNATURE, problem).with_file(text));
    if text.matches('+').count() >= 2 && !std::path::Path::new(text).exists() {
        let error = Vkey::parse(text).err().map_or_else(String::new, |e| e.to_string());
        return Err(Exit::from(Diagnostic::error(
            code::AUDIT_SIGNATURE,
            format!("the verifier key is refused: {error}"),
        )));
    }
    let bytes = read_input(text, VKEY_BYTES_MAX)?;
    let line = String::from_utf8(bytes).map_err(|_| refuse("the verifier key file is not UTF-8".to_owned()))?;
    Vkey::parse(line.trim_end()).map_err(|e| refuse(format!("the verifier key is refused: {e}")))
}

/// The keys to trust: those given, or the one beside the log.
fn keys_of(given: &[String], opened: &Opened) -> Result<Vec<Vkey>, Exit> {
    if given.is_empty() {
        let missing = || {
            Exit::Usage(
                Diagnostic::error(code::CLI_USAGE, "no verifier key was given and none lies beside the log")
                    .with_expected("--vkey KEY or --vkey FILE"),
            )
        };
        return Ok(vec![opened.vkey.clone().ok_or_else(missing)?]);
    }
    given.iter().map(|text| read_vkey(text)).collect()
}

fn run_verify(args: &VerifyArgs) -> Outcome {
    if let (Some(proof), Some(entry)) = (&args.proof, &args.entry) {
        return verify_one(args, proof, entry);
    }
    if let Some(file) = &args.extract {
        return verify_extract(args, file);
    }
    let opened = open(&args.from)?;
    let mut keys = keys_of(&args.vkey, &opened)?;
    keys.extend(args.witness.iter().map(|text| read_vkey(text)).collect::<Result<Vec<_>, _>>()?);
    let reach = witnessed::reach(opened.source.as_ref(), &keys, args.threshold)?;
    let held = args.checkpoint.iter().map(|file| read_input(file, NOTE_BYTES_MAX)).collect::<Result<_, _>>()?;
    let report = verify_source(opened.source.as_ref(), &Expected { keys, held })?;
    let too_few = !seen_by(&report.verified, args.witnesses) || (args.threshold > 0 && reach.is_none());
    if args.json {
        print(&as_json(&report, too_few, reach))?;
    } else if report.is_sound() {
        print(&in_words(&report, args.vkey.is_empty()))?;
        if let Some(size) = reach {
            print(&witnessed::in_words(size, report.size, args.threshold))?;
        }
    }
    if report.is_sound() && !too_few {
        return Ok(());
    }
    let mut complaints: Vec<Diagnostic> =
        report.findings.iter().take(PRINTED_MAX).map(|f| f.diagnostic().with_file(&opened.name)).collect();
    if report.findings_count > PRINTED_MAX as u64 {
        let more = report.findings_count - PRINTED_MAX as u64;
        let text = format!("{more} more findings; --json lists the first {FINDINGS_MAX}");
        complaints.push(Diagnostic::error(code::AUDIT_ENTRY, text).with_file(&opened.name));
    }
    if too_few {
        let wanted = args.witnesses.max(args.threshold);
        let text = format!("fewer than {wanted} of the witnesses given have signed the checkpoint");
        complaints.push(Diagnostic::error(code::AUDIT_SIGNATURE, text).with_file(&opened.name));
    }
    Err(Exit::Failed(complaints))
}

/// Verifies any log, with a progress line on standard error when somebody is looking.
///
/// # Errors
/// [`Exit::Failed`] when the log cannot be read. Faults of the log stand in the report.
pub(crate) fn verify_source(source: &dyn LogSource, expected: &Expected) -> Result<Report, Exit> {
    let watched = std::io::stderr().is_terminal();
    let mut progress = |at: Progress| {
        if watched && at.total > 100_000 {
            let _ = write!(std::io::stderr(), "\r{} of {} entries", at.done, at.total);
        }
    };
    let report = verify(source, expected, &mut progress).map_err(|e| unreadable(&e))?;
    if watched && report.size > 100_000 {
        let _ = writeln!(std::io::stderr());
    }
    Ok(report)
}

/// A sound log, in words.
fn in_words(report: &Report, own_key: bool) -> String {
    let origin = report.origin.as_ref().map_or("(no origin)", |o| o.as_str());
    let mut out = format!("{origin}: all {} entries are as signed\n", report.entries);
    if let Some(root) = report.root {
        out.push_str(&format!("  checkpoint  size {}, root {root}\n", report.size));
    }
    for verified in &report.verified {
        out.push_str(&format!("  signed by   {} ({})\n", verified.name, verified.id));
    }
    if let Some((first, last)) = report.times {
        out.push_str(&format!("  from        {first} to {last}\n"));
    }
    let left = report.entries.saturating_sub(report.payloads).saturating_sub(report.erased);
    out.push_str(&format!("  payloads    {} checked, {} erased, {left} not carried\n", report.payloads, report.erased));
    if own_key {
        out.push_str("  The key came with the log: this shows that the log is whole, not whose it is. Give --vkey.\n");
    }
    out
}

/// The report for programs.
fn as_json(report: &Report, too_few_witnesses: bool, witnessed: Option<u64>) -> String {
    let findings: Vec<serde_json::Value> = report
        .findings
        .iter()
        .map(|f| {
            serde_json::json!({ "code": f.kind.code().as_str(), "index": f.index, "id": f.id, "message": f.kind.to_string() })
        })
        .collect();
    let signed: Vec<String> = report.verified.iter().map(|v| format!("{} {}", v.name, v.id)).collect();
    let value = serde_json::json!({
        "sound": report.is_sound() && !too_few_witnesses,
        "origin": report.origin.as_ref().map(|o| o.as_str()),
        "size": report.size,
        "root": report.root.map(|r| r.to_string()),
        "signed_by": signed,
        "witnessed": witnessed,
        "entries": report.entries,
        "payloads": report.payloads,
        "erased": report.erased,
        "findings": findings,
        "findings_count": report.findings_count,
    });
    format!("{value:#}\n")
}

/// `audit verify --extract FILE --vkey K`.
fn verify_extract(args: &VerifyArgs, file: &str) -> Outcome {
    if args.vkey.is_empty() {
        let missing = Diagnostic::error(code::CLI_USAGE, "an extract is checked with a key that did not come with it");
        return Err(Exit::Usage(missing.with_expected("--vkey KEY or --vkey FILE")));
    }
    let keys = args.vkey.iter().map(|text| read_vkey(text)).collect::<Result<Vec<_>, _>>()?;
    let refuse = |problem: String| Exit::from(Diagnostic::error(code::AUDIT_PROOF, problem).with_file(file));
    let text = String::from_utf8(read_input(file, EXTRACT_BYTES_MAX)?).map_err(|_| refuse("not UTF-8".to_owned()))?;
    let checked = crate::audit::extract::check(&text, &keys).map_err(|e| refuse(e.to_string()))?;
    let (origin, size) = (&checked.checkpoint.origin, checked.checkpoint.size);
    print(&format!(
        "{origin}: all {} entries of the extract are in the log as signed at size {size}\n",
        checked.entries
    ))
}

/// `audit verify --proof P --entry E [--payload L] --vkey K`.
fn verify_one(args: &VerifyArgs, proof: &str, entry_file: &str) -> Outcome {
    if args.vkey.is_empty() {
        let missing = Diagnostic::error(code::CLI_USAGE, "a proof is checked with a key that did not come with it");
        return Err(Exit::Usage(missing.with_expected("--vkey KEY or --vkey FILE")));
    }
    let keys = args.vkey.iter().chain(&args.witness).map(|text| read_vkey(text)).collect::<Result<Vec<_>, _>>()?;
    let refuse = |error: crate::audit::proof::TlogProofError| {
        Exit::from(Diagnostic::error(code::AUDIT_PROOF, error.to_string()).with_file(proof))
    };
    let parsed = TlogProof::parse(&read_input(proof, PROOF_BYTES_MAX)?).map_err(refuse)?;
    let entry = read_input(entry_file, ENTRY_FILE_BYTES_MAX)?;
    let payload = args.payload.as_ref().map(|file| read_input(file, ENTRY_FILE_BYTES_MAX)).transpose()?;
    let proven = parsed.verify(&entry, payload.as_deref(), &keys).map_err(refuse)?;
    if !seen_by(&proven.verified, args.witnesses.max(args.threshold)) {
        let wanted = args.witnesses.max(args.threshold);
        let text = format!("fewer than {wanted} of the witnesses given have signed the checkpoint");
        return Err(Exit::from(Diagnostic::error(code::AUDIT_SIGNATURE, text).with_file(proof)));
    }
    let checkpoint = &proven.checkpoint;
    let payload = if payload.is_some() { ", with the payload given" } else { "" };
    print(&format!(
        "entry {} is in {} as signed at size {}{payload}\n",
        parsed.index, checkpoint.origin, checkpoint.size
    ))
}
