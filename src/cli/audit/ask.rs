//! `solent audit ask`: the twenty questions, and exports of entries, on the gateway's own machine.
//!
//! Owns the arguments and the forms of output. Whoever runs this holds the store's key and the configuration; the asking is an
//! entry in that same log first (see `own_entry`). The questions are `exchange::Asker`.

use super::own_entry;
use crate::audit::Event;
use crate::cli::{Exit, Outcome, configuration, print, read_input, store};
use crate::clock::{Clock, Moment};
use crate::config::Gateway;
use crate::diagnostic::{Diagnostic, code};
use crate::exchange::{
    Ask, Asker, Failure, LogAnswer, QuestionId, Viewer, audit_events, csv, json_lines, parse_cursor, reconcile,
};
use crate::vocabulary::{Category, Role};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Largest file of a partner's receipts, in bytes: a million ids.
const RECEIPTS_BYTES_MAX: usize = 40 * 1024 * 1024;

/// Arguments of `solent audit ask`.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Q1 to Q20, or `entries`; without it the questions are listed
    #[arg(value_name = "QUESTION")]
    question: Option<String>,
    /// The gateway's configuration
    #[arg(long, value_name = "FILE", requires = "question")]
    config: Option<PathBuf>,
    /// From this day or moment on (UTC)
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Before this day or moment (UTC)
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// About this person: the gateway's id, or the pseudonym of this view
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// By this account
    #[arg(long, value_name = "ID")]
    actor: Option<String>,
    /// Q11: accounts linked to somebody; again for each
    #[arg(long, value_name = "ID")]
    linked: Vec<String>,
    /// By hats of this agency; Q18: the partner
    #[arg(long, value_name = "ID")]
    agency: Option<String>,
    /// This entry
    #[arg(long, value_name = "ID")]
    entry: Option<String>,
    /// This message
    #[arg(long, value_name = "ID")]
    message: Option<String>,
    /// This segment
    #[arg(long, value_name = "ID")]
    segment: Option<String>,
    /// Only this event
    #[arg(long, value_name = "EVENT")]
    event: Option<String>,
    /// Only this role
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Only with something shown of this category; again for each
    #[arg(long, value_name = "CODE")]
    category: Vec<String>,
    /// Only with this reason or limit, of the whole request or of a segment
    #[arg(long, value_name = "CODE")]
    reason: Option<String>,
    /// The page after this: `next` of the answer before
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// Rows of a page, 1 to 500
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=500))]
    limit: Option<u16>,
    /// All pages
    #[arg(long)]
    all: bool,
    /// The view of this agency instead of the partnership's
    #[arg(long, value_name = "AGENCY")]
    view: Option<String>,
    /// Show intelligence items: a police view
    #[arg(long)]
    police: bool,
    /// Show adoption items and events: an adoption view
    #[arg(long)]
    adoption: bool,
    /// Form of the output; fhir: one AuditEvent a line
    #[arg(long, value_enum, default_value_t = Form::Json)]
    form: Form,
    /// Q18: the partner's receipts, one entry id a line
    #[arg(long, value_name = "FILE")]
    receipts: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Form {
    Json,
    Csv,
    Jsonl,
    Fhir,
}

pub(super) fn run(args: &Args) -> Outcome {
    let Some(name) = &args.question else {
        let lines: String = QuestionId::ALL.iter().map(|q| format!("{:<4} {}\n", q.code(), q.title())).collect();
        return print(&lines);
    };
    let Some(file) = &args.config else { return Err(usage("whose log is not said", "--config FILE").into()) };
    let question = match name.as_str() {
        "entries" => None,
        other => {
            Some(QuestionId::parse(other).ok_or_else(|| usage("there is no such question", "Q1 to Q20, or entries"))?)
        }
    };
    let ask = read(args)?;
    let config = configuration::load(file)?;
    let event = if args.form == Form::Json { Event::AuditQuery } else { Event::AuditExport };
    own_entry::write_as(file, event, name)?;
    let runtime = tokio::runtime::Runtime::new().map_err(|e| Exit::Internal(e.to_string()))?;
    runtime.block_on(answer(args, &config, question, ask))
}

async fn answer(args: &Args, config: &Gateway, question: Option<QuestionId>, ask: Ask) -> Outcome {
    let db = store::open_existing(config).await?;
    let keys = store::keys(config, code::STORE_KEY)?;
    let viewer =
        Viewer { agency: args.view.clone(), police: args.police, adoption: args.adoption, ..Viewer::operator() };
    let asker = Asker::new((&db, &keys), config, viewer, Clock::system().now());
    let mut ask = asker.prepare(ask).await.map_err(failed)?;
    let mut first = true;
    if let (Some(QuestionId::Q18), Some(file)) = (question, &args.receipts) {
        let found = compared(&asker, ask, &receipts(file)?).await?;
        show(args.form, question, &found, first)?;
        db.close().await;
        return Ok(());
    }
    loop {
        let next = if args.form == Form::Fhir {
            let (rows, next) = asker.page(&ask).await.map_err(failed)?;
            let lines: String = rows
                .iter()
                .flat_map(|row| audit_events(row, asker.viewer(), &keys))
                .map(|e| format!("{e}\n"))
                .collect();
            print(&lines)?;
            next
        } else {
            let found = match question {
                Some(question) => asker.answer(question, &ask).await,
                None => asker.entries(&ask).await,
            };
            let found = found.map_err(failed)?;
            show(args.form, question, &found, first)?;
            found.next
        };
        first = false;
        match next.filter(|_| args.all).as_deref().and_then(parse_cursor) {
            Some(after) => ask.after = Some(after),
            None => break,
        }
    }
    db.close().await;
    Ok(())
}

fn show(form: Form, question: Option<QuestionId>, found: &LogAnswer, first: bool) -> Outcome {
    match form {
        Form::Csv => print(&csv(found, first)),
        Form::Jsonl => print(&json_lines(found)),
        _ => print(&format!("{:#}\n", found.to_json(question))),
    }
}

/// Q18 with the partner's side given: every release of the span, and what stands on one side only.
async fn compared(asker: &Asker<'_>, mut ask: Ask, theirs: &BTreeSet<String>) -> Result<LogAnswer, Exit> {
    let mut rows = Vec::new();
    ask.limit = Some(usize::try_from(crate::store::PAGE_MAX).unwrap_or(1));
    loop {
        let found = asker.answer(QuestionId::Q18, &ask).await.map_err(failed)?;
        rows.extend(found.rows);
        match found.next.as_deref().and_then(parse_cursor) {
            Some(after) => ask.after = Some(after),
            None => return Ok(reconcile(&rows, theirs)),
        }
    }
}

/// The ids a partner kept, one a line.
fn receipts(file: &str) -> Result<BTreeSet<String>, Exit> {
    let bytes = read_input(file, RECEIPTS_BYTES_MAX)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect())
}

fn usage(text: &str, expected: &str) -> UsageFault {
    UsageFault(Diagnostic::error(code::CLI_USAGE, text).with_expected(expected))
}

/// A wrong argument.
struct UsageFault(Diagnostic);

impl From<UsageFault> for Exit {
    fn from(fault: UsageFault) -> Self {
        Self::Usage(fault.0)
    }
}

pub(in crate::cli) fn failed(failure: Failure) -> Exit {
    match failure {
        Failure::Unclear(text) => Exit::Usage(Diagnostic::error(code::CLI_USAGE, text)),
        Failure::Store(error) => store::failed(&error).into(),
        other => Diagnostic::error(code::AUDIT_SOURCE, other.to_string()).into(),
    }
}

fn read(args: &Args) -> Result<Ask, Exit> {
    let now = Clock::system().now().millis();
    let categories: Option<Vec<Category>> = args.category.iter().map(|c| Category::parse(c)).collect();
    let event = args
        .event
        .as_deref()
        .map(|e| Event::parse(e).ok_or_else(|| usage("there is no such event", "an event of the audit log")));
    let role =
        args.role.as_deref().map(|r| Role::parse(r).ok_or_else(|| usage("there is no such role", "a role's code")));
    let after = args
        .after
        .as_deref()
        .map(|c| parse_cursor(c).ok_or_else(|| usage("this is not a page", "`next` of an answer")));
    // One entry by its id needs no dates: the span is then whatever may be asked.
    let by_entry = args.entry.is_some();
    let time = |text: &Option<String>, otherwise: i64| match text {
        Some(text) => moment(text),
        None if by_entry => Ok(otherwise),
        None => Err(usage("--from and --to are required", "a day, 2026-10-05, or a moment").into()),
    };
    Ok(Ask {
        reason: args.reason.clone(),
        from: time(&args.from, now.saturating_sub(1))?,
        to: time(&args.to, now)?,
        subject: args.subject.clone(),
        actor: args.actor.clone(),
        linked: args.linked.clone(),
        agency: args.agency.clone(),
        entry: args.entry.clone(),
        message: args.message.clone(),
        segment: args.segment.clone(),
        event: event.transpose()?,
        role: role.transpose()?,
        categories: categories.ok_or_else(|| usage("there is no such category", "a category's code"))?,
        after: after.transpose()?,
        limit: args.limit.map(usize::from),
        ..Ask::default()
    })
}

pub(in crate::cli) fn moment(text: &str) -> Result<i64, Exit> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let parsed =
        Moment::parse(&whole).ok_or_else(|| usage("this is not a time", "2026-10-05 or 2026-10-05T09:00:00Z"))?;
    Ok(parsed.millis())
}
