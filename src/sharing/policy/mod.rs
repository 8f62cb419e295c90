//! The rules a partnership's governance staff own, as files in `sharing/`, checked whole before any of it counts.
//!
//! Owns reading and checking `matrix.csv caps.csv categories.csv purposes.csv roles.csv`; the partnership's
//! `local.cedar` is [`local`]. Refuses a half-valid set: [`Policy::load`] gives a policy or every fault found. A matrix
//! lookup is an array index. Read [`Policy`] first.

mod local;
mod tables;
#[cfg(test)]
mod tests;

pub(super) use local::Question;
pub use local::{Local, LocalRule};

use super::decision::Marker;
use crate::config::Files;
use crate::diagnostic::Diagnostic;
use crate::vocabulary::{Category, Level, Purpose, Role};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

pub(super) const ROLES: usize = Role::ALL.len();
pub(super) const CATEGORIES: usize = Category::ALL.len();
pub(super) const PURPOSES: usize = Purpose::ALL.len();

/// One cell of the matrix: the level with permission, without, and whether an override can raise it to F.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cell {
    /// With permission.
    pub with: Level,
    /// Without.
    pub without: Level,
    /// `+`: an override can raise it to F.
    pub raisable: bool,
}

impl Cell {
    /// Whether permission makes a difference.
    #[must_use]
    pub fn gated(self) -> bool {
        self.with != self.without
    }
}

/// One purpose × role column of the matrix.
pub type Column = [Cell; CATEGORIES];

/// The legal ground of a purpose, as named in every disclosure entry (R11).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LegalBasis {
    /// UK GDPR Article 6 point, or the law-enforcement regime.
    pub art6: String,
    /// Article 9 or 10 condition.
    pub art9_10: String,
    /// The statutory gateway.
    pub gateway: String,
    /// How confidence is lifted.
    pub confidence: String,
}

/// For which categories permission is asked under a purpose (consent paper §7, row P1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Consulted {
    /// Never.
    None,
    /// For every gated cell.
    All,
    /// Only for these.
    Only(Vec<Category>),
}

/// What a purpose means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PurposeRow {
    /// For people.
    pub name: String,
    /// HL7 v3-ActReason, or the project's own code.
    pub hl7_code: String,
    /// The legal ground.
    pub basis: Arc<LegalBasis>,
    /// Where permission counts.
    pub consulted: Consulted,
}

/// What a role may do besides reading.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoleRow {
    /// For people.
    pub name: String,
    /// May claim a relationship for 24 hours (R6).
    pub self_claim: bool,
    /// Purposes in which it may override (R38).
    pub override_purposes: Vec<Purpose>,
    /// May invoke imminent danger (R45).
    pub emg: bool,
    /// May approve, assign, sign off, delegate (R39, R49).
    pub may_approve: bool,
    /// May record a permission (consent paper §3).
    pub records_permission: bool,
    /// May search for a person (R8, R51).
    pub searches: bool,
}

/// When the requester learns that something of a category is withheld (sharing rules §10).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Withheld {
    /// Never.
    Silent,
    /// When permission withholds it.
    Shown,
    /// Also at matrix N, for every person, without saying whether anything exists.
    ShownForAll,
}

impl Withheld {
    /// The marker of a category at matrix N.
    pub(super) const fn at_matrix_n(self) -> Marker {
        match self {
            Self::ShownForAll => Marker::Shown,
            Self::Silent | Self::Shown => Marker::Silent,
        }
    }
}

/// What a category means for a decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CategoryRow {
    /// Readable name, for example `mental-health`.
    pub name: String,
    /// HL7 v3 sensitivity codes and the project's own.
    pub hl7_codes: Vec<String>,
    /// Shown or silent when withheld.
    pub withheld: Withheld,
    /// Whether a permission may list it (consent paper §2).
    pub may_be_permitted: bool,
    /// The coded fields level S shows; empty = an authored summary is needed.
    pub summary_fields: Vec<String>,
    /// Retention class carried with the record (sharing rules §11).
    pub retention_class: String,
    /// The fixed words of level I (sharing rules §9).
    pub indicator: String,
}

/// The complete, checked rule set. Cheap to share behind an `Arc`; made only by [`Policy::load`].
#[derive(Debug)]
pub struct Policy {
    pub(super) columns: Box<[[Option<Box<Column>>; ROLES]; PURPOSES]>,
    pub(super) caps: [[Option<Level>; CATEGORIES]; ROLES],
    pub(super) categories: Vec<CategoryRow>,
    pub(super) purposes: Vec<PurposeRow>,
    pub(super) roles: Vec<RoleRow>,
    pub(super) local: Local,
    version: String,
    files: String,
}

impl Policy {
    /// Reads and checks the files `sharing/*` of a content set.
    ///
    /// # Errors
    /// Every fault found (`SOL-RULES-…`), with file, line and what was expected; nothing of a faulty set is used.
    pub fn load(files: &Files) -> Result<Self, Vec<Diagnostic>> {
        let mut faults = Vec::new();
        let columns = tables::matrix(files, &mut faults);
        let caps = tables::caps(files, &mut faults);
        let categories = tables::categories(files, &mut faults);
        let purposes = tables::purposes(files, &mut faults);
        let roles = tables::roles(files, &mut faults);
        let local = local::load(files, &mut faults);
        match (columns, local) {
            (Some(columns), Some(local)) if faults.is_empty() => {
                let version = files.digest(&["sharing/"]);
                Ok(Self { columns, caps, categories, purposes, roles, local, version, files: as_json(files) })
            }
            _ => Err(faults),
        }
    }

    /// The set's version: `sha256:` and the digest of its files in name order (R78).
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The files it was read from, as a JSON object of names and texts: what keeping this version needs (R78).
    #[must_use]
    pub fn files(&self) -> &str {
        &self.files
    }

    /// The matrix column of a role under a purpose; `None` = the role may not declare it (`D-PURPOSE`).
    #[must_use]
    pub fn column(&self, purpose: Purpose, role: Role) -> Option<&Column> {
        self.columns.get(purpose.index())?.get(role.index())?.as_deref()
    }

    /// One cell.
    #[must_use]
    pub fn cell(&self, purpose: Purpose, role: Role, category: Category) -> Option<Cell> {
        self.column(purpose, role)?.get(category.index()).copied()
    }

    /// The adult-subject cap of a role for a category, if it has one (sharing rules §7).
    #[must_use]
    pub fn adult_cap(&self, role: Role, category: Category) -> Option<Level> {
        self.caps.get(role.index())?.get(category.index()).copied().flatten()
    }

    /// The legal ground of a purpose (R11).
    #[must_use]
    pub fn basis(&self, purpose: Purpose) -> &LegalBasis {
        &self.purpose(purpose).basis
    }

    /// As [`Self::basis`], shared.
    pub(super) fn shared_basis(&self, purpose: Purpose) -> Arc<LegalBasis> {
        Arc::clone(&self.purpose(purpose).basis)
    }

    /// What a purpose means.
    #[must_use]
    pub fn purpose(&self, purpose: Purpose) -> &PurposeRow {
        self.purposes.get(purpose.index()).unwrap_or_else(|| tables::no_purpose())
    }

    /// What a role may do.
    #[must_use]
    pub fn role(&self, role: Role) -> &RoleRow {
        self.roles.get(role.index()).unwrap_or_else(|| tables::no_role())
    }

    /// What a category means.
    #[must_use]
    pub fn category(&self, category: Category) -> &CategoryRow {
        self.categories.get(category.index()).unwrap_or_else(|| tables::no_category())
    }

    /// The coded fields that level S shows of a category that needs no authored summary (sharing rules §9): dotted
    /// members of the canonical segment; `birth.date:year` and `postcode:outward` are cut; `*` is the whole segment.
    /// `None` = S needs an authored summary.
    #[must_use]
    pub fn summary_fields(&self, category: Category) -> Option<&[String]> {
        let fields = self.category(category).summary_fields.as_slice();
        (!fields.is_empty()).then_some(fields)
    }

    /// The fixed words of level I (sharing rules §9); empty where I is not defined.
    #[must_use]
    pub fn indicator_text(&self, category: Category) -> &str {
        &self.category(category).indicator
    }

    /// The categories for which this role sees "not available for this purpose" for *every* person, also where nothing
    /// exists (sharing rules §10): matrix N without gate, in a category shown for all. Volunteers see nothing.
    #[must_use]
    pub fn unavailable(&self, purpose: Purpose, role: Role) -> Vec<Category> {
        if role == Role::Vol || purpose == Purpose::Sa {
            return Vec::new();
        }
        let shut = |category: &Category| {
            let cell = self.cell(purpose, role, *category);
            let shown = self.category(*category).withheld == Withheld::ShownForAll;
            shown && cell.is_some_and(|cell| cell.with == Level::N)
        };
        Category::ALL.iter().copied().filter(shut).collect()
    }

    /// The partnership's own restrictions.
    #[must_use]
    pub fn local(&self) -> &Local {
        &self.local
    }
}

fn as_json(files: &Files) -> String {
    let texts = files.matching("sharing/", "").map(|(name, bytes)| (name, String::from_utf8_lossy(bytes)));
    serde_json::to_string(&texts.collect::<BTreeMap<_, _>>()).unwrap_or_default()
}

/// A once-made value for the rows nobody can reach (a checked policy has every row).
pub(super) type Once<T> = OnceLock<T>;
