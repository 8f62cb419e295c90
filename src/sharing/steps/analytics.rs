//! Tables for analysts: de-identified, declared, no small numbers (R20, R21).

use super::{Draft, Request, Step, auth, end, purpose};
use crate::sharing::decision::Reason;
use crate::sharing::facts::{Analytics, ColumnForm};
use crate::vocabulary::Level;
use std::ops::ControlFlow;

/// Decides a table.
pub(in crate::sharing) fn table(request: &Request<'_>, table: &Analytics) -> Step<Draft> {
    auth::log(request)?;
    auth::step(request)?; // 1
    purpose::step(request)?; // 3
    let declared = table.columns.iter().all(|column| table.declared.contains(column) && !identifies(column.form));
    if !declared {
        return end(Reason::DMinimise, &[20]);
    }
    let small = |count: Option<u64>| count.is_some_and(|count| count < request.world.config.small_number);
    if small(table.rows) || small(table.smallest_cell) || small(table.difference_from_previous) {
        return end(Reason::DSmall, &[20]);
    }
    ControlFlow::Continue(Draft::new(Level::I, Reason::AllowDeident, &[20, 21]))
}

/// Forms that point at a person; a declaration does not make them allowed (R20).
const fn identifies(form: ColumnForm) -> bool {
    match form {
        ColumnForm::Name
        | ColumnForm::DateOfBirth
        | ColumnForm::FullPostcode
        | ColumnForm::Address
        | ColumnForm::FreeText
        | ColumnForm::PersonKey
        | ColumnForm::ExactDate => true,
        ColumnForm::YesNo
        | ColumnForm::Count
        | ColumnForm::Band
        | ColumnForm::Quartile
        | ColumnForm::AgeYears
        | ColumnForm::OutwardCode
        | ColumnForm::SmallArea
        | ColumnForm::ProjectPseudonym => false,
    }
}
