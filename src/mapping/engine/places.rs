//! Where items stand in their lists, found out once for a list however many of its items are asked for.

use super::finish::WAY_MAX;
use crate::document::{Document, NodeId};
use std::fmt::Write as _;

/// Items of arrays by their place, found out once for a list however many of its items are spoken of.
#[derive(Default)]
pub(super) struct Places(Vec<u32>);

impl Places {
    /// The place of an item of an array.
    pub(super) fn of(&mut self, document: &Document, item: NodeId) -> usize {
        const UNKNOWN: u32 = u32::MAX;
        if self.0.is_empty() {
            self.0 = vec![UNKNOWN; document.node_count()];
        }
        if self.0.get(item.index()).is_none_or(|p| *p == UNKNOWN)
            && let Some(parent) = document.parent(item)
        {
            for (child, place) in document.children(parent).zip(0..) {
                if let Some(slot) = self.0.get_mut(child.index()) {
                    *slot = place;
                }
            }
        }
        self.0.get(item.index()).filter(|p| **p != UNKNOWN).map_or(0, |p| *p as usize)
    }

    /// As [`Document::pointer`], put behind `text`; that one walks a list anew for each of its items.
    pub(super) fn pointer(&mut self, document: &Document, node: NodeId, text: &mut String) {
        let mut way = [NodeId::default(); WAY_MAX];
        for step in document.way(node, &mut way) {
            match document.key(*step) {
                Some(key) if key.contains(['~', '/']) => {
                    text.push('/');
                    text.push_str(&key.replace('~', "~0").replace('/', "~1"));
                }
                Some(key) => {
                    text.push('/');
                    text.push_str(key);
                }
                None => {
                    let _ = write!(text, "/{}", self.of(document, *step));
                }
            }
        }
    }
}
