//! A format added with files only: those of `docs/guides/add-a-format.md`, as they stand there.

use super::{context, files, here, writing};
use solent::mapping::Mappings;
use solent::schema::Schemas;

const FOLDER: &str = "docs/guides/holiday-club";

/// The built-in set and the files of the guide on top.
fn with_holiday_club() -> Mappings {
    let mut set = files();
    for name in [
        "schemas/holiday-club/session.schema.json",
        "mappings/codes/club-attended.csv",
        "mappings/holiday-club/session.bimap",
    ] {
        set.insert(name, std::fs::read(here(FOLDER).join(name)).unwrap());
    }
    let schemas = Schemas::load(&set).unwrap();
    Mappings::load(&set, &schemas).unwrap_or_else(|faults| panic!("{faults:?}"))
}

#[test]
fn a_format_of_three_files_is_read_and_written_without_a_line_of_program() {
    let mappings = with_holiday_club();
    let week = std::fs::read(here(FOLDER).join("week.csv")).unwrap();
    let read = mappings.read("holiday-club", &week, &context()).unwrap();
    assert!(read.iter().all(|r| r.loss.entries.is_empty() && r.warnings.is_empty()), "{:?}", read[0].loss.entries);
    let records: Vec<_> = read.into_iter().map(|r| r.record).collect();
    assert_eq!(records.len(), 2, "two children in three rows");
    let ellis = records[0].document();
    let first = ellis.at_pointer("/contacts/0/at").and_then(|n| ellis.text(n));
    assert_eq!(first, Some("2026-10-27T09:30:00+00:00"), "after the clocks went back");
    let written = mappings.write("holiday-club", &records, &writing()).unwrap();
    assert_eq!(String::from_utf8(written.bytes), String::from_utf8(week));
    assert!(written.loss.entries.is_empty(), "{:?}", written.loss.entries);
    let fhir = mappings.write("fhir-r4-json", &records, &writing()).unwrap();
    assert!(String::from_utf8(fhir.bytes).unwrap().contains("2018-04-09"));
}

#[test]
fn the_guide_shows_the_very_files() {
    let page = std::fs::read_to_string(here("docs/guides/add-a-format.md")).unwrap();
    for name in [
        "week.csv",
        "schemas/holiday-club/session.schema.json",
        "mappings/codes/club-attended.csv",
        "mappings/holiday-club/session.bimap",
    ] {
        let text = std::fs::read_to_string(here(FOLDER).join(name)).unwrap();
        assert!(page.contains(text.trim_end()), "docs/guides/add-a-format.md shows another {name}");
    }
}
