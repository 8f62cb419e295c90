//! The header of a children in need census, where the records bring none: a census has one, whoever sent the records.
//!
//! # Source
//! CIN census dossier: `ReferenceDate` is 31 March of `Year` (rule 100), the period runs from 1 April to 31 March.

use super::loss::{Direction, LossEntry, LossKind, LossReport};
use super::plan::Plan;
use super::said::Said;
use crate::clock::Moment;
use crate::document::{Document, Kind, NodeId};

/// Fills in collection, year and reference date of a census message that has none; each is reported as supplied.
pub fn complete_header(message: &mut Document, plan: &Plan, now: Moment, loss: &mut LossReport) {
    if !plan.schema.starts_with("cin-census/") {
        return;
    }
    let root = message.root();
    let header = object(message, root, "Header");
    let details = object(message, header, "CollectionDetails");
    if message.member(details, "Year").is_some() {
        return;
    }
    let today = now.timestamp().to_zoned(jiff::tz::TimeZone::UTC).date();
    let year = if today.month() >= 4 { today.year().saturating_add(1) } else { today.year() };
    for (name, text) in
        [("Collection", "CIN".to_owned()), ("Year", year.to_string()), ("ReferenceDate", format!("{year}-03-31"))]
    {
        if message.member(details, name).is_none() {
            message.add_text(details, name, &text);
            loss.push(LossEntry {
                kind: LossKind::Supplied,
                severity: LossKind::Supplied.grade(),
                direction: Direction::Write,
                path_in: String::new(),
                path_out: format!("Header.CollectionDetails.{name}"),
                rule: Said::default(),
                count: 1,
                note: "the census of the period that the moment of writing lies in".into(),
            });
        }
    }
}

/// Last census with `GenderCurrent`; later ones have `Sex`.
const LAST_WITH_GENDER: u16 = 2024;

/// A return for a year up to 2023-24 has `GenderCurrent` in place of `Sex`.
pub fn older_shape(message: &mut Document, plan: &Plan, loss: &mut LossReport) {
    if !plan.schema.starts_with("cin-census/") {
        return;
    }
    let root = message.root();
    let year = message.text_at(root, &["Header", "CollectionDetails", "Year"]).and_then(|y| y.parse::<u16>().ok());
    if year.is_none_or(|y| y > LAST_WITH_GENDER) {
        return;
    }
    let children = message.find(root, &["Children", "Child"]);
    let children: Vec<NodeId> = children.map(|list| message.children(list).collect()).unwrap_or_default();
    let mut count = 0;
    for child in children {
        let Some(ids) = message.member(child, "ChildIdentifiers") else { continue };
        let Some(sex) = message.member(ids, "Sex") else { continue };
        let older = match message.text(sex) {
            Some("M") => "1",
            Some("F") => "2",
            _ => "0",
        };
        message.detach(sex);
        message.add_text(ids, "GenderCurrent", older);
        count += 1;
    }
    if count > 0 {
        loss.push(LossEntry {
            kind: LossKind::Normalised,
            severity: LossKind::Normalised.grade(),
            direction: Direction::Write,
            path_in: String::new(),
            path_out: "Children.Child[*].ChildIdentifiers.GenderCurrent".to_owned(),
            rule: Said::default(),
            count,
            note: "a return of this year has GenderCurrent, not Sex".into(),
        });
    }
}

fn object(message: &mut Document, parent: NodeId, name: &str) -> NodeId {
    match message.member(parent, name) {
        Some(found) => found,
        None => message.add(parent, Some(name), Kind::Object, "", 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_year_of_a_census_ends_on_31_march() {
        for (now, year) in [("2026-03-31T12:00:00Z", 2026), ("2026-04-01T12:00:00Z", 2027)] {
            let today = Moment::parse(now).unwrap().timestamp().to_zoned(jiff::tz::TimeZone::UTC).date();
            let found = if today.month() >= 4 { today.year() + 1 } else { today.year() };
            assert_eq!(found, year);
        }
    }
}
