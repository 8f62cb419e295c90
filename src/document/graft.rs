//! The numbers that names of one tree have in another, for [`Document::graft_with`].
//!
//! Looked up once for a name however many nodes have it. Copies nothing itself.

use super::Document;

/// A name that was not looked up yet.
const UNKNOWN: u32 = u32::MAX;

/// See the module.
pub(crate) struct GraftKeys {
    /// Names below this number have the same one in both.
    same: u32,
    others: Vec<u32>,
}

impl GraftKeys {
    pub(crate) fn new(from: &Document, to: &Document) -> Self {
        let shared = from.names().filter(|names| to.knows(names));
        let same = shared.map_or(0, |names| u32::try_from(names.len()).unwrap_or(0));
        let others = from.known_names().saturating_sub(same as usize).saturating_add(from.key_count());
        Self { same, others: vec![UNKNOWN; others] }
    }
    /// The number in `to` of the name with this number in `from`.
    pub(crate) fn number(&mut self, to: &mut Document, from: &Document, key: u32) -> u32 {
        let Some(own) = key.checked_sub(self.same) else { return key };
        match self.others.get(own as usize) {
            Some(known) if *known != UNKNOWN => *known,
            _ => {
                let number = to.number_key(from.key_named(key).unwrap_or(""));
                if let Some(place) = self.others.get_mut(own as usize) {
                    *place = number;
                }
                number
            }
        }
    }
}
