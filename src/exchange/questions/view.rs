//! Who asks, and what of an entry that person may see.
//!
//! Owns the views of the audit paper: a partnership's auditor sees all entries but neither intelligence nor adoption; an
//! agency's auditor or privacy officer sees those in which the agency asked, received, holds the segments or leads the case.
//! People and cases appear under a pseudonym of the view, so that two views cannot be joined.
//!
//! # Source
//! Solent audit paper §3 (pseudonyms) and §11; sharing rules R80.

use super::{Asker, Row};
use crate::audit::Event;
use crate::audit::payload::{Hat, Item};
use crate::config::AgencyKind;
use crate::ident::AccountId;
use crate::store::Keys;
use crate::vocabulary::Category;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a person's pseudonym begins with.
pub(super) const SUBJECT_PREFIX: &str = "s-";
/// What a case's pseudonym begins with.
pub(super) const CASE_PREFIX: &str = "c-";
/// Hexadecimal digits of a pseudonym: 96 bits, so that no two meet.
const PSEUDONYM_DIGITS: usize = 24;

/// Who asks, and under which view.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// The account.
    pub account: AccountId,
    /// The hat worn; none on the gateway's own machine.
    pub hat: Option<Hat>,
    /// The agency whose entries are seen; `None`: the partnership's.
    pub agency: Option<String>,
    /// Whether intelligence items are shown: a police view.
    pub police: bool,
    /// Whether adoption items and events are shown: an adoption view.
    pub adoption: bool,
    /// People whose case the agency leads.
    pub leads: Arc<BTreeSet<String>>,
}

impl Viewer {
    /// The operator of the gateway's machine, who holds its keys: the partnership's view.
    #[must_use]
    pub fn operator() -> Self {
        Self {
            account: AccountId::new("system:operator"),
            hat: None,
            agency: None,
            police: false,
            adoption: false,
            leads: Arc::default(),
        }
    }

    /// The pseudonym of a person in this view.
    #[must_use]
    pub fn subject(&self, keys: &Keys, person: &str) -> String {
        self.pseudonym(keys, SUBJECT_PREFIX, person)
    }

    /// The pseudonym of a case in this view.
    #[must_use]
    pub fn case(&self, keys: &Keys, case: &str) -> String {
        self.pseudonym(keys, CASE_PREFIX, case)
    }

    fn pseudonym(&self, keys: &Keys, prefix: &str, text: &str) -> String {
        let view = self.agency.as_deref().unwrap_or("");
        let digest = keys.hash("audit view", format!("{view}\0{prefix}{text}").as_bytes());
        let hex: String = digest.iter().map(|b| format!("{b:02x}")).take(PSEUDONYM_DIGITS.div_euclid(2)).collect();
        format!("{prefix}{hex}")
    }

    /// Whether an item is shown in this view at all.
    #[must_use]
    pub fn shows(&self, item: &Item) -> bool {
        self.shows_category(item.category)
    }

    /// Whether items of a category are shown in this view at all.
    #[must_use]
    pub const fn shows_category(&self, category: Option<Category>) -> bool {
        match category {
            Some(Category::Int) => self.police,
            Some(Category::Adp) => self.adoption,
            _ => true,
        }
    }
}

impl Asker<'_> {
    /// Whether the viewer may know of an entry.
    pub(super) fn may_see(&self, row: &Row) -> bool {
        let payload = &row.payload;
        if matches!(payload.event, Event::AdoptOpen | Event::AdoptSeal) && !self.viewer.adoption {
            return false;
        }
        let hidden = !payload.items.is_empty() && !payload.items.iter().any(|item| self.viewer.shows(item));
        if hidden {
            return false;
        }
        let Some(own) = &self.viewer.agency else { return true };
        let system = payload.client.as_ref().and_then(|c| c.system.as_ref());
        let through = system.and_then(|id| self.config.system(id)).map(|s| s.agency.as_str());
        payload.hat.as_ref().is_some_and(|h| h.agency.as_str() == own)
            || payload.recipient.as_ref().is_some_and(|r| r.agency.as_str() == own)
            || payload.items.iter().any(|i| i.custodian.as_str() == own)
            || through == Some(own)
            || payload.subject.as_ref().is_some_and(|s| self.viewer.leads.contains(s.as_str()))
    }

    /// Whether the viewer's agency is one of the police.
    pub(in crate::exchange) fn is_police(config: &crate::config::Gateway, agency: &str) -> bool {
        config.agencies.iter().any(|a| a.id.as_str() == agency && a.kind == AgencyKind::Police)
    }
}
