//! `solent check`: every schema, mapping, code table, sharing file and, if named, the configuration with its files.
//!
//! Holds no rule of its own: each module checks what it owns. Prints every finding with its source line on standard
//! error; these are files of integration and governance staff, never messages.

use super::{Exit, Outcome, configuration, content, print, reload, serve};
use crate::clock::Clock;
use crate::config::{Files, Gateway};
use crate::diagnostic::{Diagnostic, Severity, code, render};
use crate::store::Keys;
use crate::trust::{SigningKey, Tls};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Arguments of `solent check`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Folder with schemas/, mappings/ and sharing/ (default: the configuration's, else the set built into the program)
    #[arg(long)]
    dir: Option<PathBuf>,
    /// A gateway's configuration, with the certificates and keys it names
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Stay, and check again whenever a file of `--dir` changes
    #[arg(long, requires = "dir")]
    watch: bool,
}

/// How often `--watch` looks at the folder: an author does not notice a third of a second.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Runs the command.
pub fn run(args: Args) -> Outcome {
    match args.dir.as_deref().filter(|_| args.watch) {
        Some(dir) => watch(dir, &args),
        None => once(&args),
    }
}

/// Checks at every change until stopped. What cannot be read right now is tried again at the next change.
fn watch(dir: &Path, args: &Args) -> Outcome {
    let mut seen = None;
    loop {
        let now = reload::fingerprint(dir);
        if seen != Some(now) {
            seen = Some(now);
            let started = std::time::Instant::now();
            if let Err(Exit::Failed(faults)) = once(args) {
                super::complain(&faults);
            }
            print(&format!("checked in {} ms; waiting for changes\n", started.elapsed().as_millis()))?;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn once(args: &Args) -> Outcome {
    let mut findings = Vec::new();
    let mut sources = Files::default();
    let mut gateway = None;
    if let Some(file) = &args.config {
        let text = configuration::text(file)?;
        sources.insert(file.display().to_string(), text.clone().into_bytes());
        match configuration::parse(file, &text) {
            Ok(read) => gateway = Some(read),
            Err(faults) => findings.extend(faults),
        }
    }
    let configured = gateway.as_ref().and_then(|g| g.content.dir.clone());
    let files = content::load(args.dir.clone().or(configured).as_deref())?;
    match content::compile(&files) {
        Ok(content) => findings.extend(gateway.iter().flat_map(|g| serve::formats_not_loaded(g, &content))),
        Err(faults) => findings.extend(faults),
    }
    if let Some(gateway) = &gateway {
        findings.extend(trust_files(gateway));
    }
    for (name, bytes) in files.matching("", "") {
        sources.insert(name, bytes.to_vec());
    }
    report(&findings, &sources)
}

/// Certificates and keys the configuration names: there, readable, owner-only, and fit for each other.
fn trust_files(gateway: &Gateway) -> Vec<Diagnostic> {
    let fault = |text: String| Diagnostic::error(code::TRUST_FILE, text);
    let mut findings = Vec::new();
    match Tls::load(&gateway.tls, Clock::system()) {
        Err(error) => findings.push(fault(error.to_string())),
        Ok(tls) if tls.crl_due().is_some_and(|due| due < tls.now()) => {
            findings.push(Diagnostic::warning(code::TRUST_FILE, "a revocation list is overdue for renewal"));
        }
        Ok(_) => {}
    }
    findings.extend(SigningKey::load(&gateway.audit.signing_key).err().map(|e| fault(e.to_string())));
    let store_key = &gateway.store.key_file;
    findings.extend(Keys::load(store_key).err().map(|e| fault(format!("{}: {e}", store_key.display()))));
    findings
}

fn report(findings: &[Diagnostic], sources: &Files) -> Outcome {
    let mut err = std::io::stderr().lock();
    for finding in findings {
        let bytes = finding.file.as_deref().and_then(|file| sources.get(file));
        let source = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
        let _ = err.write_all(render(finding, source).as_bytes());
    }
    let errors = findings.iter().filter(|f| f.severity == Severity::Error).count();
    if errors > 0 {
        return Err(Exit::Failed(Vec::new()));
    }
    print("everything is in order\n")
}
