//! Which media types a format travels under.

/// The media types of a format, the usual one first.
///
/// # Source
/// FHIR R4 §2.21.0.4 (`application/fhir+json`, `+xml`), HL7 v2 over HTTP (`application/hl7-v2+er7` as used by HAPI;
/// `x-application/hl7-v2+er7` in older programs), RFC 7303 (XML), RFC 4180 (CSV).
pub(super) fn types_of(format: &str) -> &'static [&'static str] {
    match format {
        "fhir-r4-json" => &["application/fhir+json", "application/json"],
        "fhir-r4-xml" => &["application/fhir+xml", "application/xml", "text/xml"],
        "hl7v2" => &["application/hl7-v2", "application/hl7-v2+er7", "x-application/hl7-v2+er7"],
        "cin-census" | "ctf" | "police-xml" => &["application/xml", "text/xml"],
        "ssda903" => &["text/csv", "application/xml", "text/xml"],
        "mhsds" | "school-concern" => &["application/json", "text/csv"],
        "ndtms" => &["text/csv"],
        _ => &["application/json"],
    }
}

/// Whether a `Content-Type` is one of the format's; parameters such as `charset` are ignored, letter case too.
pub(super) fn fits(content_type: &str, format: &str) -> bool {
    let bare = content_type.split(';').next().unwrap_or("").trim();
    types_of(format).iter().any(|t| t.eq_ignore_ascii_case(bare))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_case_do_not_matter_but_the_type_does() {
        assert!(fits("Application/FHIR+JSON; charset=utf-8", "fhir-r4-json"));
        assert!(fits("text/xml", "cin-census"));
        assert!(!fits("application/fhir+json", "cin-census"));
        for (format, kinds) in [
            ("mhsds", ["application/json", "text/csv"]),
            ("school-concern", ["application/json", "text/csv"]),
            ("ssda903", ["text/csv", "application/xml"]),
        ] {
            assert!(kinds.iter().all(|kind| fits(kind, format)), "{format} comes in both");
        }
        assert!(!fits("application/fhir+jsonx", "fhir-r4-json"));
        assert!(!fits("", "canonical"));
    }
}
