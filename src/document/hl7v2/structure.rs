//! Which message structure a message has: MSH-9.3, or what follows from type and event.
//!
//! Senders leave MSH-9.3 out or copy it from another message, so the event decides where the table knows it.
//! Source: HL7 v2.5.1 table 0354; format dossier §4.

/// Events by type, with their structure. An empty event stands for every other event of the type.
const EVENTS: &[(&str, &[&str], &str)] = &[
    ("ADT", &["A01", "A04", "A08", "A13"], "ADT_A01"),
    ("ADT", &["A02"], "ADT_A02"),
    ("ADT", &["A03"], "ADT_A03"),
    ("ADT", &["A05", "A14", "A28", "A31"], "ADT_A05"),
    ("ADT", &["A06", "A07"], "ADT_A06"),
    ("ADT", &["A09", "A10", "A11"], "ADT_A09"),
    ("ADT", &["A12"], "ADT_A12"),
    ("ADT", &["A15"], "ADT_A15"),
    ("ADT", &["A16"], "ADT_A16"),
    ("ADT", &["A21", "A22", "A23", "A25", "A26", "A27", "A29", "A32", "A33"], "ADT_A21"),
    ("ADT", &["A30", "A34", "A35", "A36", "A46", "A47", "A48", "A49"], "ADT_A30"),
    ("ADT", &["A39", "A40", "A41", "A42"], "ADT_A39"),
    ("ADT", &["A60"], "ADT_A60"),
    ("REF", &["I12", "I13", "I14", "I15"], "REF_I12"),
    ("RRI", &["I12", "I13", "I14", "I15"], "RRI_I12"),
    ("ORU", &["R01"], "ORU_R01"),
    ("MDM", &["T01", "T03", "T05", "T07", "T09", "T11"], "MDM_T01"),
    ("MDM", &["T02", "T04", "T06", "T08", "T10"], "MDM_T02"),
    (
        "SIU",
        &["S12", "S13", "S14", "S15", "S16", "S17", "S18", "S19", "S20", "S21", "S22", "S23", "S24", "S26"],
        "SIU_S12",
    ),
    ("ACK", &[""], "ACK"),
];

/// Structures that are read like another: the same segments, some left out or with one that is reported.
/// Source: HL7 v2.5.1 chapters 3 and 9.
const READ_AS: &[(&str, &[&str])] = &[
    ("ADT_A01", &["ADT_A02", "ADT_A06", "ADT_A09", "ADT_A12", "ADT_A15", "ADT_A16", "ADT_A21"]),
    ("ADT_A39", &["ADT_A30"]),
    ("MDM_T02", &["MDM_T01"]),
];

/// The structure whose schema reads a message of this structure.
#[must_use]
pub fn read_as(structure: &str) -> &str {
    READ_AS.iter().find(|(_, like)| like.contains(&structure)).map_or(structure, |(as_, _)| as_)
}

/// The structure of a message from the three parts of MSH-9; `None` when neither they nor the table say.
#[must_use]
pub fn structure_of(kind: &str, event: &str, structure: &str) -> Option<String> {
    let known = EVENTS.iter().find(|(k, events, _)| *k == kind && events.iter().any(|e| *e == event || e.is_empty()));
    match known {
        Some((_, _, found)) => Some((*found).to_owned()),
        None => Some(structure).filter(|s| !s.is_empty()).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_decides_and_the_third_part_helps_where_it_is_unknown() {
        assert_eq!(structure_of("ADT", "A08", "").as_deref(), Some("ADT_A01"));
        assert_eq!(structure_of("ADT", "A31", "ADT_A01").as_deref(), Some("ADT_A05"));
        assert_eq!(structure_of("ADT", "A40", "ADT_A39").as_deref(), Some("ADT_A39"));
        assert_eq!(structure_of("SIU", "S26", "").as_deref(), Some("SIU_S12"));
        assert_eq!(structure_of("ACK", "", "").as_deref(), Some("ACK"));
        assert_eq!(structure_of("ORM", "O01", "ORM_O01").as_deref(), Some("ORM_O01"));
        assert_eq!(structure_of("ORM", "O01", ""), None);
        assert_eq!((read_as("ADT_A02"), read_as("REF_I12")), ("ADT_A01", "REF_I12"));
    }
}
