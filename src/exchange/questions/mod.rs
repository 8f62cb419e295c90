//! The questions auditors ask of the log: one query each, over the index and the payloads it points to.
//!
//! Owns what may be asked ([`QuestionId`]), the bounds (dates are required, pages are short), and the shape of an answer.
//! Names nobody: accounts appear by id, people and cases by a pseudonym of the view. Who asks, `view` decides; the groups
//! of questions stand in `access`, `decisions`, `partnership` and `log`. Every question leaves an `audit-query` entry before
//! it is answered. Read [`Ask`], [`Answer`], [`Asker::answer`].
//!
//! # Source
//! Solent audit paper §10 (the twenty questions) and §11 (who sees what).

mod access;
mod decisions;
mod fhir;
mod log;
mod partnership;
mod proof;
mod row;
mod statistics;
mod table;
mod view;

pub use fhir::{audit_events, bundle as fhir_bundle};
pub use partnership::reconcile;
pub use row::Row;
pub use table::{csv, json_lines};
pub use view::Viewer;

use super::Failure;
use crate::audit::payload::{Change, Payload};
use crate::audit::{Draft, Event, OpenEntry, Outcome, Salt};
use crate::clock::Moment;
use crate::config;
use crate::store::{Cursor, Db, EntryRow, IndexKeys, Keys, Section, Wanted};
use crate::vocabulary::{Category, Purpose, Role};
use serde_json::{Map, Value, json};

/// Longest span one question may cover, in days: a board's two years and a quarter.
const SPAN_DAYS_MAX: i64 = 830;
/// Rows of a page unless asked otherwise.
const PAGE: usize = 100;
/// Most rows of a page.
pub(super) const PAGE_MAX: usize = 500;
/// Entries looked at for one page; a view that may see few of them gets its cursor back earlier.
const LOOKED_AT_MAX: usize = 5_000;
/// The same for a page of the console, which opens each of them: some fifty milliseconds.
const PAGE_OPENED_MAX: usize = 1_000;
/// Rows of the index looked at for a page of the console, a fraction of a microsecond each: a search that finds little in a long span
/// comes back within the time a page may take, saying how far it got.
const PAGE_LOOK: i64 = 100_000;
/// Longest id of an entry, in bytes: a UUID, and some to spare.
const ENTRY_ID_BYTES_MAX: usize = 64;
/// Cases read at a time when a pseudonym is looked up.
const CASES_PAGE: i64 = 500;
/// Milliseconds of a day.
const DAY: i64 = 24 * 3_600_000;

macro_rules! questions {
    ($($name:ident = $text:literal, $title:literal;)+) => {
        /// One of the twenty questions.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum QuestionId { $(#[doc = $title] $name),+ }
        impl QuestionId {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
            /// `Q1` to `Q20`.
            #[must_use]
            pub const fn code(self) -> &'static str { match self { $(Self::$name => $text),+ } }
            /// The question in words.
            #[must_use]
            pub const fn title(self) -> &'static str { match self { $(Self::$name => $title),+ } }
            /// Reads `Q1` to `Q20`.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> { match text { $($text => Some(Self::$name),)+ _ => None } }
        }
    };
}

questions! {
    Q1 = "Q1", "Who has seen anything about this person?";
    Q2 = "Q2", "What exactly could this hat see of this person then, and why?";
    Q3 = "Q3", "Everything this worker did";
    Q4 = "Q4", "Accesses without an allocation at that time, or in the 24 hours before one began";
    Q5 = "Q5", "All overrides: approved by, told, reviewed in time, verdict";
    Q6 = "Q6", "Refusals by reason; which category blocks most";
    Q7 = "Q7", "Decisions not to share, and their reasons";
    Q8 = "Q8", "Was this disclosure covered by permission or duty at the moment of release?";
    Q9 = "Q9", "After withdrawal, was anything still released?";
    Q10 = "Q10", "Who received this statement, and did each get the correction?";
    Q11 = "Q11", "Did anyone linked to somebody see anything about this protected person?";
    Q12 = "Q12", "Sensitive categories opened by role; unusual hours; bulk";
    Q13 = "Q13", "Staff looking at their own family, colleagues, people in the news";
    Q14 = "Q14", "Volunteer and assistant activity: was the minimum view kept?";
    Q15 = "Q15", "School concerns and surgeries: how long until an answer";
    Q16 = "Q16", "Which agencies do not respond, or respond late?";
    Q17 = "Q17", "Who changed policy, mappings, roles, protection, links; two-person rule kept?";
    Q18 = "Q18", "Does this log agree with a partner's receipts?";
    Q19 = "Q19", "Prove that this entry existed and has not changed";
    Q20 = "Q20", "Is the log itself sound?";
}

/// A question with its filters. `from` and `to` are required; what a question needs besides, it says itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ask {
    /// From this moment on.
    pub from: i64,
    /// Before this moment.
    pub to: i64,
    /// About whom: the gateway's id of a person, or the pseudonym of the asker's own view.
    pub subject: Option<String>,
    /// Other ids under which that person was known, before two were joined; found by [`Asker::prepare`].
    pub known_as: Vec<String>,
    /// An account.
    pub actor: Option<String>,
    /// Accounts linked to somebody, for Q11.
    pub linked: Vec<String>,
    /// The requester's agency; for Q18 the partner.
    pub agency: Option<String>,
    /// An entry's id.
    pub entry: Option<String>,
    /// A message's id.
    pub message: Option<String>,
    /// A segment's id.
    pub segment: Option<String>,
    /// Only this event.
    pub event: Option<Event>,
    /// Only this role.
    pub role: Option<Role>,
    /// Only with something shown of these.
    pub categories: Vec<Category>,
    /// About this case: its id, or the pseudonym of the asker's own view.
    pub case: Option<String>,
    /// By this hat.
    pub hat: Option<String>,
    /// For this purpose.
    pub purpose: Option<Purpose>,
    /// Ended like this.
    pub outcome: Option<Outcome>,
    /// With this reason or limit, of the whole request or of a segment.
    pub reason: Option<String>,
    /// After this place: the `next` of the page before.
    pub after: Option<Cursor>,
    /// Rows of the page.
    pub limit: Option<usize>,
}

/// An answer: a table, what it adds up to, and where it goes on.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Names of the columns, in order.
    pub columns: Vec<&'static str>,
    /// One object for each row, with these columns.
    pub rows: Vec<Map<String, Value>>,
    /// What they add up to, where the question asks for that.
    pub summary: Map<String, Value>,
    /// What the reader must know: what is gone, what was not looked at.
    pub notes: Vec<String>,
    /// Where the next page starts.
    pub next: Option<String>,
}

impl Answer {
    /// As JSON for a door or a file.
    #[must_use]
    pub fn to_json(&self, question: Option<QuestionId>) -> Value {
        json!({
            "question": question.map(QuestionId::code), "title": question.map(QuestionId::title),
            "columns": self.columns, "rows": self.rows, "summary": self.summary, "notes": self.notes, "next": self.next,
        })
    }
}

/// Answers questions from one database, for one viewer.
pub struct Asker<'a> {
    pub(super) db: &'a Db,
    pub(super) keys: &'a Keys,
    pub(super) names: IndexKeys,
    pub(super) config: &'a config::Gateway,
    pub(super) viewer: Viewer,
    pub(super) now: Moment,
    /// For a page that somebody waits for: looks at so many entries, and says how far it came.
    brief: bool,
}

impl std::fmt::Debug for Asker<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Asker({})", self.config.origin)
    }
}

impl<'a> Asker<'a> {
    /// For questions to the log of `config`.
    #[must_use]
    pub fn new((db, keys): (&'a Db, &'a Keys), config: &'a config::Gateway, viewer: Viewer, now: Moment) -> Self {
        Self { db, keys, names: IndexKeys::new(keys), config, viewer, now, brief: false }
    }

    /// The same for one page: a long search stops on its way and says where it goes on.
    #[must_use]
    pub const fn brief(mut self) -> Self {
        self.brief = true;
        self
    }

    /// The entry that asking leaves: who asked what of which span, never the answer.
    #[must_use]
    pub fn own_entry(&self, event: Event, what: &str, ask: &Ask) -> Draft {
        let mut payload = Payload::new(event);
        payload.actor = Some(self.viewer.account.clone());
        payload.hat = self.viewer.hat.clone();
        payload.change = Some(Change { what: what.to_owned(), before: None, after: None });
        payload
            .counts
            .insert("days".to_owned(), u32::try_from(ask.to.saturating_sub(ask.from).div_euclid(DAY)).unwrap_or(0));
        Draft::new(Outcome::Allow, payload)
    }

    /// Checks the bounds every question has, and turns a view's pseudonym into whom it stands for.
    ///
    /// # Errors
    /// [`Failure::Unclear`] naming what is missing.
    pub async fn prepare(&self, mut ask: Ask) -> Result<Ask, Failure> {
        if ask.from >= ask.to || ask.to.saturating_sub(ask.from) > SPAN_DAYS_MAX * DAY {
            return Err(Failure::Unclear("from and to: a span of at most 830 days is required"));
        }
        if ask.categories.iter().any(|c| !self.viewer.shows_category(Some(*c))) {
            return Err(Failure::Unclear("categories: not shown in this view"));
        }
        if ask.linked.len() > PAGE {
            return Err(Failure::Unclear("linked: at most 100 accounts"));
        }
        if let Some(name) = ask.subject.as_deref().filter(|s| s.starts_with(view::SUBJECT_PREFIX)) {
            let all = self.db.log_subjects().await?;
            let found = all.into_iter().find(|s| self.viewer.subject(self.keys, s) == name);
            ask.subject = Some(found.ok_or(Failure::NotFound)?);
        }
        if let Some(subject) = &ask.subject {
            ask.known_as = self.db.known_as(subject).await?;
        }
        if let Some(name) = ask.case.as_deref().filter(|c| c.starts_with(view::CASE_PREFIX)) {
            ask.case = Some(self.case_of(name).await?.ok_or(Failure::NotFound)?);
        }
        Ok(ask)
    }

    /// Answers one of the twenty. The caller has made [`Asker::own_entry`] durable.
    ///
    /// # Errors
    /// [`Failure::Unclear`] when the question needs a filter it was not given, [`Failure::NotFound`], [`Failure::Store`].
    pub async fn answer(&self, question: QuestionId, ask: &Ask) -> Result<Answer, Failure> {
        let mut answer = match question {
            QuestionId::Q1 => self.who_has_seen(ask).await,
            QuestionId::Q2 => self.what_could_be_seen(ask).await,
            QuestionId::Q3 => self.what_a_worker_did(ask).await,
            QuestionId::Q4 => self.without_allocation(ask).await,
            QuestionId::Q5 => self.overrides(ask).await,
            QuestionId::Q6 => self.refusals(ask).await,
            QuestionId::Q7 => self.not_shared(ask).await,
            QuestionId::Q8 => self.was_it_covered(ask).await,
            QuestionId::Q9 => self.after_withdrawal(ask).await,
            QuestionId::Q10 => self.who_received(ask).await,
            QuestionId::Q11 => self.linked_accounts(ask).await,
            QuestionId::Q12 => self.unusual(ask).await,
            QuestionId::Q13 => self.own_family(ask).await,
            QuestionId::Q14 => self.minimum_view(ask).await,
            QuestionId::Q15 => self.concerns(ask).await,
            QuestionId::Q16 => self.response_times(ask).await,
            QuestionId::Q17 => self.changes(ask).await,
            QuestionId::Q18 => self.receipts_with(ask).await,
            QuestionId::Q19 => self.proof_of(ask).await,
            QuestionId::Q20 => self.soundness(ask).await,
        }?;
        if !ask.known_as.is_empty() {
            let ids = ask.known_as.len().saturating_add(1);
            answer
                .notes
                .push(format!("This person was known under {ids} ids before they were joined: all are asked about."));
        }
        let erased = self.db.count_erased(Moment::from_millis(ask.from), Moment::from_millis(ask.to)).await?;
        if erased > 0 {
            answer
                .notes
                .push(format!("{erased} entries of this span have lost their sealed part and cannot be searched."));
        }
        Ok(answer)
    }

    /// Entries of a span, with the filters given.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn entries(&self, ask: &Ask) -> Result<Answer, Failure> {
        let reason = ask.reason.as_deref();
        // A reason to refuse stands in the index; what allowed or limited something does not.
        let refused = reason.filter(|r| r.starts_with("D-")).map(str::to_owned);
        let wanted = Wanted { refused, ..self.wanted(ask) };
        self.list(ask, wanted, row::ENTRY, |row| reason.is_none_or(|r| row.has_reason(&self.viewer, r))).await
    }

    /// The case a pseudonym of this view stands for.
    async fn case_of(&self, name: &str) -> Result<Option<String>, Failure> {
        let mut after = String::new();
        loop {
            let page = self.db.facts_in(self.keys, Section::Cases, &after, CASES_PAGE).await?;
            let Some(last) = page.last() else { return Ok(None) };
            if let Some(found) = page.iter().find(|c| self.viewer.case(self.keys, &c.id) == name) {
                return Ok(Some(found.id.clone()));
            }
            after.clone_from(&last.id);
        }
    }

    /// What an ask wants of the index.
    pub(super) fn wanted(&self, ask: &Ask) -> Wanted {
        let reference = ask.message.as_ref().map(|m| format!("message/{m}"));
        let reference = reference.or_else(|| ask.segment.as_ref().map(|s| format!("segment/{s}")));
        Wanted {
            from: ask.from,
            to: ask.to,
            subject: ask.subject.clone(),
            known_as: ask.known_as.clone(),
            actor: ask.actor.clone(),
            agency: ask.agency.clone(),
            reference,
            events: ask.event.into_iter().collect(),
            flags: 0,
            role: ask.role,
            categories: ask.categories.clone(),
            hat: ask.hat.clone(),
            purpose: ask.purpose,
            case: ask.case.clone(),
            outcome: ask.outcome,
            refused: None,
            reasons: Vec::new(),
            after: ask.after.clone(),
            limit: 0,
        }
    }

    /// A page of what is wanted, as rows, of what the viewer may see and `keep` keeps.
    async fn list(
        &self,
        ask: &Ask,
        wanted: Wanted,
        columns: &[&'static str],
        keep: impl Fn(&Row) -> bool,
    ) -> Result<Answer, Failure> {
        let (found, next) = self.rows(ask, wanted, keep).await?;
        Ok(Answer {
            columns: columns.to_vec(),
            rows: found.iter().map(|row| row.cells(columns, &self.viewer, self.keys)).collect(),
            next,
            ..Answer::default()
        })
    }

    /// As [`Asker::list`], before they are made into cells.
    pub(super) async fn rows(
        &self,
        ask: &Ask,
        mut wanted: Wanted,
        keep: impl Fn(&Row) -> bool,
    ) -> Result<(Vec<Row>, Option<String>), Failure> {
        let limit = ask.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
        wanted.limit = i64::try_from(PAGE_MAX).unwrap_or(1).min(i64::try_from(limit).unwrap_or(1).saturating_mul(2));
        let (mut found, mut seen) = (Vec::new(), 0_usize);
        let until = if self.brief { self.db.look_until(&self.names, &wanted, PAGE_LOOK).await? } else { None };
        wanted.to = until.unwrap_or(wanted.to);
        let opened_max = if self.brief { PAGE_OPENED_MAX } else { LOOKED_AT_MAX };
        loop {
            let page = self.db.asked(&self.names, &wanted).await?;
            let full = i64::try_from(page.len()).unwrap_or(0) >= wanted.limit;
            let mut page_keys = self.db.page_keys(&page).await?;
            for entry in page {
                seen = seen.saturating_add(1);
                let place =
                    Cursor { time: entry.time.millis(), origin: entry.origin.clone(), index: number(entry.index) };
                wanted.after = Some(place);
                let opened = page_keys.payload(self.keys, &entry)?;
                if let Some(row) = read(entry, opened)?.filter(|row| self.may_see(row) && keep(row)) {
                    found.push(row);
                }
                if found.len() >= limit {
                    return Ok((found, wanted.after.as_ref().map(cursor_text)));
                }
            }
            if !full {
                let on = until.map(|time| Cursor { time, origin: String::new(), index: -1 });
                return Ok((found, on.as_ref().map(cursor_text)));
            }
            if seen >= opened_max {
                return Ok((found, wanted.after.as_ref().map(cursor_text)));
            }
        }
    }

    /// An entry with its payload; `None` when the sealed part is gone. The payload is checked against the entry.
    async fn read(&self, entry: EntryRow) -> Result<Option<Row>, Failure> {
        let opened = self.db.payload(self.keys, &entry).await?;
        read(entry, opened)
    }

    /// A page of entries with what was sealed, and where it goes on.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn page(&self, ask: &Ask) -> Result<(Vec<Row>, Option<String>), Failure> {
        self.rows(ask, self.wanted(ask), |_| true).await
    }

    /// Rows as a table of the columns of a plain list.
    pub(in crate::exchange) fn table_of(&self, rows: &[Row]) -> Answer {
        Answer {
            columns: row::ENTRY.to_vec(),
            rows: rows.iter().map(|row| row.cells(row::ENTRY, &self.viewer, self.keys)).collect(),
            ..Answer::default()
        }
    }

    /// Who asks.
    #[must_use]
    pub const fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    /// One entry with everything the view shows of it.
    #[must_use]
    pub fn entry_json(&self, row: &Row) -> Value {
        Value::Object(row.cells(row::WHOLE, &self.viewer, self.keys))
    }

    /// One entry by id, when the viewer may see it.
    ///
    /// # Errors
    /// [`Failure::NotFound`] also for one that the viewer may not see.
    pub async fn one(&self, id: &str) -> Result<Row, Failure> {
        let plain = id.len() <= ENTRY_ID_BYTES_MAX && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !plain {
            return Err(Failure::NotFound);
        }
        let entry = self.db.entry(&crate::ident::EntryId::new(id)).await?.ok_or(Failure::NotFound)?;
        let row = self.read(entry).await?.ok_or(Failure::Gone)?;
        if self.may_see(&row) { Ok(row) } else { Err(Failure::NotFound) }
    }
}

/// An entry with what was opened of it, checked against it; `None` when the sealed part is gone.
fn read(entry: EntryRow, opened: Option<(Salt, Vec<u8>)>) -> Result<Option<Row>, Failure> {
    let Some((salt, bytes)) = opened else { return Ok(None) };
    let open = OpenEntry::parse(&entry.entry).map_err(|_| Failure::Inconsistent("an entry cannot be read"))?;
    if !open.commits_to(&salt, &bytes) {
        return Err(Failure::Inconsistent("a payload is not what its entry committed to"));
    }
    let payload = serde_json::from_slice(&bytes).map_err(|_| Failure::Inconsistent("a payload cannot be read"))?;
    let outcome = open.outcome;
    Ok(Some(Row { outcome, payload, salt, bytes, entry }))
}

/// A cursor as text: time, index, origin.
fn cursor_text(cursor: &Cursor) -> String {
    format!("{}.{}.{}", cursor.time, cursor.index, cursor.origin)
}

/// Reads what [`Answer::next`] said.
#[must_use]
pub fn parse_cursor(text: &str) -> Option<Cursor> {
    let mut parts = text.splitn(3, '.');
    let time = parts.next()?.parse().ok()?;
    let index = parts.next()?.parse().ok()?;
    Some(Cursor { time, index, origin: parts.next().filter(|o| o.len() <= 255)?.to_owned() })
}

fn number(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}
