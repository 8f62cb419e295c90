//! What one field can report in one direction: by its converter, its table, and how narrow the other side is (S13).

use crate::mapping::convert::Convert;
use crate::mapping::lang::tree::Arrow;
use crate::mapping::loss::{Direction, LossKind};
use crate::mapping::plan::{Field, Fit, Path, Target};
use crate::mapping::table::{CodeTable, Quality};
use crate::schema::Shapes;

/// A kind and when it happens.
pub(super) type Kinds = Vec<(LossKind, String)>;

/// The in paths and the out paths of a field in a direction; none when it does not work that way.
pub(in crate::mapping) fn sides(field: &Field, direction: Direction) -> (Vec<&Path>, Vec<&Path>) {
    let canonical = || field.canonical.iter().map(|(path, _)| path).collect();
    match (direction, field.arrow) {
        (Direction::Read, Arrow::Write) | (Direction::Write, Arrow::Read) => (Vec::new(), Vec::new()),
        (Direction::Read, _) => (vec![&field.native], canonical()),
        (Direction::Write, _) => (canonical(), vec![&field.native]),
    }
}

pub(super) fn of_field(field: &Field, direction: Direction, shapes: &Shapes) -> Kinds {
    let mut kinds = match direction {
        Direction::Read => reading(field, shapes),
        Direction::Write => writing(field),
    };
    if field.guard.is_some() {
        kinds.push((LossKind::GuardedOut, "its condition does not hold".to_owned()));
    }
    if field.default.is_some() {
        kinds.push((LossKind::Defaulted, "the source says nothing: the default is set".to_owned()));
    }
    kinds
}

fn said(list: &[(LossKind, &str)]) -> Kinds {
    list.iter().map(|(kind, when)| (*kind, (*when).to_owned())).collect()
}

fn reading(field: &Field, shapes: &Shapes) -> Kinds {
    use LossKind::{CodeUnmapped, DanglingReference, InvalidValue, Normalised, PrecisionReduced};
    const INVALID: (LossKind, &str) = (InvalidValue, "the value is not of its type: kept unparsed");
    if matches!(field.canonical.as_slice(), [(_, Target::Confidentiality)]) {
        return said(&[(CodeUnmapped, "the code is not known: taken as V"), INVALID]);
    }
    let mut kinds = match &field.convert {
        Convert::Text => Vec::new(),
        Convert::Int | Convert::Decimal => said(&[INVALID, (Normalised, "the number is written another way")]),
        Convert::Bool | Convert::Quantity(_) => said(&[INVALID]),
        Convert::Date(_) => said(&[INVALID, (Normalised, "the day is written another way")]),
        Convert::BoolLoose => said(&[INVALID, (Normalised, "the truth value is written another way")]),
        Convert::PartialDate => said(&[INVALID, (PrecisionReduced, "the time of day is left out")]),
        Convert::Instant(_) | Convert::DateOrInstant => said(&[
            INVALID,
            (Normalised, "the zone is written another way"),
            (PrecisionReduced, "part of it is left out"),
        ]),
        Convert::Code(table) => code_read(table),
        Convert::NhsNumber | Convert::Upn | Convert::Uln => said(&[
            (InvalidValue, "the check digit fails (kept, marked) or it is no such number (kept unparsed)"),
            (Normalised, "blanks are taken out"),
        ]),
        Convert::Postcode => said(&[INVALID, (Normalised, "spacing or case")]),
        Convert::Words => said(&[INVALID, (Normalised, "blanks between words")]),
        Convert::Lines => said(&[(Normalised, "line ends")]),
        Convert::Base64Text => said(&[INVALID, (Normalised, "white space")]),
        Convert::Ref(_) => said(&[(DanglingReference, "it refers to nothing in the record")]),
        #[allow(unreachable_patterns, reason = "a converter added later is foretold widely until it is named here")]
        _ => said(&[INVALID, (Normalised, "written another way"), (PrecisionReduced, "part of it is left out")]),
    };
    let tolerated = field.native.end.and_then(|e| shapes.scalar(e)).is_some_and(|s| s.tolerated);
    let any = Fit::any();
    let from = if tolerated { &any } else { &field.native_fit };
    for (_, target) in &field.canonical {
        if let Target::Scalar { fit, .. } = target {
            kinds.extend(narrower(from, fit));
        }
    }
    kinds
}

fn code_read(table: &CodeTable) -> Kinds {
    let mut kinds = said(&[
        (LossKind::CodeUnmapped, "the code is in no row of the table: kept as recorded"),
        (LossKind::Normalised, "capital and small letters of the code"),
    ]);
    let near: Vec<&str> =
        table.rows.iter().filter(|r| r.reads && r.quality != Quality::Exact).map(|r| r.native.as_str()).collect();
    if !near.is_empty() {
        kinds.push((LossKind::CodeApproximated, format!("codes {} have no exact row", near.join(", "))));
    }
    kinds
}

fn writing(field: &Field) -> Kinds {
    use LossKind::{DanglingReference, InvalidValue, Normalised, PrecisionReduced, SplitGuessed, UnitNotConvertible};
    let mut kinds = match &field.convert {
        Convert::Text
        | Convert::Lines
        | Convert::NhsNumber
        | Convert::Upn
        | Convert::Uln
        | Convert::Postcode
        | Convert::Int
        | Convert::Decimal
        | Convert::Bool
        | Convert::Base64Text
        | Convert::PartialDate
        | Convert::DateOrInstant => Vec::new(),
        Convert::BoolLoose => said(&[(InvalidValue, "it is no truth value")]),
        Convert::Date(_) => said(&[(InvalidValue, "the record has less than a full date")]),
        Convert::Instant(_) => {
            said(&[(InvalidValue, "it is no moment"), (Normalised, "the zone"), (PrecisionReduced, "part is left out")])
        }
        Convert::Code(table) => code_written(table),
        Convert::Quantity(_) => said(&[(UnitNotConvertible, "the record has another unit")]),
        Convert::Words => said(&[(SplitGuessed, "an item has a blank in it")]),
        Convert::Ref(_) => said(&[(DanglingReference, "what it refers to is not in the message")]),
        #[allow(unreachable_patterns, reason = "a converter added later is foretold widely until it is named here")]
        _ => said(&[
            (InvalidValue, "it has no form here"),
            (Normalised, "written another way"),
            (PrecisionReduced, "part"),
        ]),
    };
    let any = Fit::any();
    let from = match field.canonical.first().map(|(_, target)| target) {
        Some(Target::Scalar { fit, .. }) if !matches!(field.convert, Convert::Code(_) | Convert::Base64Text) => fit,
        _ => &any,
    };
    let strict = narrower(from, &field.native_fit);
    let own_code =
        matches!(field.canonical.as_slice(), [(_, Target::Coded)]) && matches!(field.convert, Convert::Code(_));
    if own_code && !strict.is_empty() {
        kinds.push((Normalised, "the sender's own code is no longer permitted: the current one is written".to_owned()));
    }
    kinds.extend(strict);
    if field.restorable {
        kinds.push((InvalidValue, "a value kept as it came is not one the format permits".to_owned()));
    }
    kinds
}

fn code_written(table: &CodeTable) -> Kinds {
    let mut kinds = Vec::new();
    let none: Vec<String> =
        table.rows.iter().filter(|r| r.writes && r.native.is_empty()).map(|r| r.canonical.join("|")).collect();
    let when = if none.is_empty() {
        "the code was never understood".to_owned()
    } else {
        format!("the format has no word for {}", none.join(", "))
    };
    kinds.push((LossKind::CodeUnmapped, when));
    let near: Vec<String> = table
        .rows
        .iter()
        .filter(|r| r.writes && r.quality != Quality::Exact && !r.native.is_empty())
        .map(|r| r.canonical.join("|"))
        .collect();
    if !near.is_empty() {
        kinds.push((LossKind::CodeApproximated, format!("{} have no exact row", near.join(", "))));
    }
    kinds
}

/// S13: what a place that permits less does to values of a place that permits more.
fn narrower(from: &Fit, to: &Fit) -> Kinds {
    let mut kinds = Vec::new();
    let longer = to.max_length.filter(|max| from.max_length.is_none_or(|own| own > *max));
    let cuts = longer.is_some_and(|max| to.pattern.is_none() && max >= crate::mapping::engine::TEXT_LENGTH_MIN);
    if let Some(max) = longer.filter(|_| cuts) {
        kinds.push((LossKind::Truncated, format!("it is longer than {max} characters")));
    }
    let listed = !to.list.is_empty() && (from.list.is_empty() || from.list.iter().any(|c| !to.list.contains(c)));
    let shaped = to.pattern.as_ref().is_some_and(|p| from.pattern.as_ref().map(|f| f.as_str()) != Some(p.as_str()));
    let formed = to.format.is_some() && to.format != from.format;
    let short = to.min_length > from.min_length;
    let long = longer.is_some() && !cuts;
    if listed || shaped || formed || short || long {
        kinds.push((LossKind::InvalidValue, "the other side does not permit the value there".to_owned()));
    }
    kinds
}
