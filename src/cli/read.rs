//! `solent read`: a message of some format to canonical JSON; JSON lines when it holds several records.

use super::{Exit, Outcome, complain, content, mapping, print, read_input};
use crate::clock::Moment;
use crate::diagnostic::{Diagnostic, code};
use crate::document::{Limits, Style};
use crate::ident::AgencyId;
use crate::mapping::{CANONICAL, LossReport, Mappings, ReadContext, ReadRecord, WriteContext};
use crate::record::Record;
use std::path::{Path, PathBuf};

/// Most warnings printed for one message; a census of ten thousand children may have one for each.
const WARNINGS_MAX: usize = 50;

/// What `read` and `translate` share.
#[derive(clap::Args, Debug)]
pub struct Source {
    /// Format of the input (see `solent formats`)
    #[arg(long)]
    pub from: String,
    /// The message; `-` is standard input
    pub file: String,
    /// Agency that a real connection would name by its certificate
    #[arg(long, default_value = "local")]
    pub custodian: String,
    /// Mixed into ids that are made from positions
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// The moment that counts as now (RFC 3339 with offset)
    #[arg(long)]
    pub now: Option<String>,
    /// Where to write the loss report as JSON
    #[arg(long)]
    pub loss: Option<PathBuf>,
    /// Folder with schemas/, mappings/ and sharing/ instead of the built-in set
    #[arg(long)]
    pub dir: Option<PathBuf>,
}

/// Arguments of `solent read`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    source: Source,
}

/// Runs the command.
///
/// # Errors
/// The message is not of the format, or a file cannot be read or written. Nothing is printed then.
pub fn run(args: Args) -> Outcome {
    let mappings = mapping::load(&content::load(args.source.dir.as_deref())?)?;
    known(&mappings, &args.source.from)?;
    let now = moment(args.source.now.as_deref())?;
    let mut lines = Lines { mappings: &mappings, now, first: None, bytes: Vec::new() };
    let (mut loss, wanted) = (LossReport::default(), args.source.loss.is_some());
    read_each(&mappings, &args.source, &mut |one| {
        if wanted {
            loss.append(one.loss);
        }
        lines.take(one.record)
    })?;
    let text = lines.text()?;
    save_loss(args.source.loss.as_deref(), &loss)?;
    print(&String::from_utf8_lossy(&text))
}

/// The records of a message as text, made one by one: the text of a census is half of what its records take. It is
/// printed when the whole message is known to be one that is read, or not at all.
struct Lines<'m> {
    mappings: &'m Mappings,
    now: Moment,
    /// A record that may stay the only one, and is then laid out over several lines.
    first: Option<Record>,
    bytes: Vec<u8>,
}

impl Lines<'_> {
    fn take(&mut self, record: Record) -> Result<(), Vec<Diagnostic>> {
        if self.bytes.is_empty() && self.first.is_none() {
            self.first = Some(record);
            return Ok(());
        }
        if let Some(first) = self.first.take() {
            self.line(&first, Style::Compact)?;
        }
        self.line(&record, Style::Compact)
    }
    fn line(&mut self, record: &Record, style: Style) -> Result<(), Vec<Diagnostic>> {
        let context = WriteContext { style, ..WriteContext::at(self.now) };
        let mut written = self.mappings.write(CANONICAL, std::slice::from_ref(record), &context)?;
        self.bytes.append(&mut written.bytes);
        Ok(())
    }
    fn text(mut self) -> Result<Vec<u8>, Exit> {
        if let Some(only) = self.first.take() {
            self.line(&only, Style::Pretty).map_err(Exit::Failed)?;
        }
        Ok(self.bytes)
    }
}

/// The records of the input file.
pub(super) fn read(mappings: &Mappings, source: &Source) -> Result<Vec<ReadRecord>, Exit> {
    let mut records = Vec::new();
    read_each(mappings, source, &mut |one| {
        records.push(one);
        Ok(())
    })?;
    Ok(records)
}

/// The records of the input file, one by one; then what the sender should hear although the message was read.
fn read_each(
    mappings: &Mappings,
    source: &Source,
    take: &mut dyn FnMut(ReadRecord) -> Result<(), Vec<Diagnostic>>,
) -> Result<(), Exit> {
    let limits = Limits::file();
    let bytes = read_input(&source.file, limits.bytes_max)?;
    let context = ReadContext { custodian: AgencyId::new(source.custodian.as_str()), seed: source.seed, limits };
    let named = |f: Diagnostic| if f.file.is_none() { f.with_file(&source.file) } else { f };
    let (mut said, mut taken) = (Said::default(), Ok(()));
    let read = mappings.read_each(&source.from, &bytes, &context, &mut |mut one| {
        said.note(&mut one);
        if taken.is_ok() {
            taken = take(one);
        }
    });
    read.and(taken).map_err(|faults| Exit::Failed(faults.into_iter().map(named).collect()))?;
    complain(&said.diagnostics().into_iter().map(named).collect::<Vec<_>>());
    Ok(())
}

/// What the sender should hear although the message was read: what its schema tolerated, and what no record holds.
#[derive(Default)]
struct Said {
    warnings: Vec<Diagnostic>,
    more: usize,
    held: usize,
}

impl Said {
    fn note(&mut self, one: &mut ReadRecord) {
        let room = WARNINGS_MAX.saturating_sub(self.warnings.len()).min(one.warnings.len());
        self.more = self.more.saturating_add(one.warnings.len().saturating_sub(room));
        self.warnings.extend(one.warnings.drain(..room));
        self.held = self.held.saturating_add(one.quarantined.len());
    }
    fn diagnostics(self) -> Vec<Diagnostic> {
        let Self { mut warnings, more, held } = self;
        if more > 0 {
            warnings.push(Diagnostic::warning(code::SCHEMA_INVALID, format!("{more} more of this kind")));
        }
        if held > 0 {
            let text = format!(
                "{held} items are in no record: whom they are about cannot be told, or a required part is missing"
            );
            let said = Diagnostic::warning(code::MAP_INCOMPLETE, text);
            warnings.push(said.with_help("the loss report (--loss) names them"));
        }
        warnings
    }
}

/// The records and one report over all of them.
pub(super) fn part(read: Vec<ReadRecord>) -> (Vec<crate::record::Record>, LossReport) {
    let mut loss = LossReport::default();
    let mut records = Vec::new();
    for one in read {
        loss.append(one.loss);
        records.push(one.record);
    }
    (records, loss)
}

/// `--now`, or the machine's clock.
pub(super) fn moment(text: Option<&str>) -> Result<Moment, Exit> {
    match text {
        None => Ok(crate::clock::Clock::system().now()),
        Some(text) => Moment::parse(text).ok_or_else(|| {
            Exit::Usage(Diagnostic::error(
                code::CLI_USAGE,
                "`--now` takes a moment with an offset, such as 2026-10-05T10:30:00+01:00",
            ))
        }),
    }
}

/// A format that is not known is a wrong command line, not a wrong message.
pub(super) fn known(mappings: &Mappings, format: &str) -> Result<(), Exit> {
    let names: Vec<String> = mappings.formats().into_iter().map(|f| f.name).collect();
    if names.iter().any(|name| name == format) {
        return Ok(());
    }
    let fault = Diagnostic::error(code::CLI_USAGE, "there is no such format").with_expected(names.join(", "));
    Err(Exit::Usage(fault.with_nearest(format, names.iter().map(String::as_str))))
}

/// Writes the loss report where `--loss` says.
pub(super) fn save_loss(file: Option<&Path>, loss: &LossReport) -> Result<(), Exit> {
    let Some(file) = file else { return Ok(()) };
    if file == Path::new("-") {
        let text = "`--loss` takes the name of a file: standard output is for the document";
        return Err(Exit::Usage(Diagnostic::error(code::CLI_USAGE, text)));
    }
    std::fs::write(file, loss.to_json() + "\n").map_err(|e| {
        let text = format!("the loss report cannot be written: {e}");
        Exit::from(Diagnostic::error(code::CLI_FILE, text).with_file(file.display().to_string()))
    })
}
