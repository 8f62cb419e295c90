//! What those who own the rules ask of them: who can see what, can anybody ever, what does a change change, and the
//! agreement in plain English.
//!
//! Pure: policies and facts in, values and texts out. Read the file of the question.

pub mod agreement;
pub mod counterexample;
pub mod difference;
pub mod explain;

use super::policy::Cell;
use crate::vocabulary::Level;

/// A level as part of a sentence.
#[must_use]
pub const fn level_in_words(level: Level) -> &'static str {
    match level {
        Level::F => "in full",
        Level::S => "as a summary",
        Level::I => "as an indicator",
        Level::N => "not at all",
    }
}

/// A cell of the matrix as part of a sentence.
#[must_use]
pub fn cell_in_words(cell: Cell) -> String {
    let mut text = level_in_words(cell.with).to_owned();
    if cell.gated() {
        text = format!("{text} with permission, {} without", level_in_words(cell.without));
    }
    if cell.raisable {
        text.push_str(", in full by an override");
    }
    text
}
