//! Step 11, last cap: the partnership's own rules (`sharing/local.cedar`).

use super::steps::{Draft, Reading, Request};
use crate::vocabulary::Category;

/// Applies the local rules that can concern this role and category.
pub(super) fn cap(_request: &Request<'_>, _reading: Reading<'_>, _category: Category, _draft: &mut Draft) {}
