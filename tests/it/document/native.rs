//! The native schemas on messages by us: what they accept, what they refuse and where they say it is.

use super::{CENSUS, REFERRAL, schemas};
use solent::diagnostic::{Diagnostic, Severity};
use solent::document::{Document, Limits, Style};
use solent::schema::{Shape, Strictness, Syntax};

const XML: Syntax = Syntax::Xml { root: "Message" };

fn census(text: &str, strictness: Strictness) -> Result<(Document, Vec<Diagnostic>), Vec<Diagnostic>> {
    let schema = schemas().get("cin-census/message.schema.json").unwrap();
    let valid = schema.read(XML, text.as_bytes(), &Limits::default(), strictness)?;
    let warnings = valid.warnings().to_vec();
    Ok((valid.into_inner(), warnings))
}

fn referral(text: &str, strictness: Strictness) -> Result<(Document, Vec<Diagnostic>), Vec<Diagnostic>> {
    let schema = schemas().get("fhir-r4-json/referral.schema.json").unwrap();
    let valid = schema.read(Syntax::FhirJson, text.as_bytes(), &Limits::default(), strictness)?;
    let warnings = valid.warnings().to_vec();
    Ok((valid.into_inner(), warnings))
}

fn swap(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

#[test]
fn our_census_is_valid_and_writes_back_to_the_same() {
    let (tree, warnings) = census(CENSUS, Strictness::Strict).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(
        tree.text(tree.at_pointer("/Children/Child/1/CINdetails/0/Section47/0/ICPCnotRequired").unwrap()),
        Some("0")
    );
    let schema = schemas().get("cin-census/message.schema.json").unwrap();
    for style in [Style::Compact, Style::Pretty] {
        let bytes = schema.write(XML, &tree, style);
        let (back, _) = census(std::str::from_utf8(&bytes).unwrap(), Strictness::Strict).unwrap();
        assert!(tree.same(tree.root(), &back, back.root()));
    }
}

#[test]
fn a_census_of_fifty_thousand_children_is_read_and_one_more_is_refused() {
    let schema = schemas().get("cin-census/message.schema.json").unwrap();
    let read = |children: usize| {
        let text = format!("<Message><Children>{}</Children></Message>", "<Child/>".repeat(children));
        schema.parse(XML, text.as_bytes(), &Limits::file()).map(|parsed| parsed.documents.len())
    };
    assert_eq!(read(50_000).unwrap(), 1);
    let refused = read(50_001).unwrap_err();
    assert_eq!(refused.first().map(|d| d.code.as_str()), Some("SOL-DOC-LIMIT"));
}

#[test]
fn a_census_is_written_in_the_order_of_the_schema() {
    let shuffled = swap(
        CENSUS,
        "<LAchildID>INV001</LAchildID><UPNunknown>UN1</UPNunknown>",
        "<UPNunknown>UN1</UPNunknown><LAchildID>INV001</LAchildID>",
    );
    let (tree, _) = census(&shuffled, Strictness::Strict).unwrap();
    let schema = schemas().get("cin-census/message.schema.json").unwrap();
    let text = String::from_utf8(schema.write(XML, &tree, Style::Pretty)).unwrap();
    let place = |what: &str| text.find(what).unwrap();
    assert!(place("INV001") < place("UN1") && place("<Header>") < place("<Children>"));
    let (nfa, plans) = (text.rfind("<ReferralNFA>").unwrap(), text.rfind("<ChildProtectionPlans>").unwrap());
    assert!(text.rfind("<Section47>").unwrap() < nfa && nfa < plans);
}

#[test]
fn what_the_dossier_says_readers_must_take_is_read_with_a_warning() {
    for (from, to, said) in [
        ("<ReferralNFA>1</ReferralNFA>", "<ReferralNFA>False</ReferralNFA>", "code list"),
        ("<ReferralSource>3A</ReferralSource>", "<ReferralSource>3Z</ReferralSource>", "code list"),
        ("<ReferralSource>3A</ReferralSource>", "", "`ReferralSource` is missing"),
        ("<Sex>F</Sex>", "", "`Sex` is missing"),
        ("2020-02-29", "29/02/2020", "wrong form"),
        ("2020-02-29", "2021-02-29", "wrong form"),
        ("<Children>", "<Children>stray words", "does not name"),
        ("<Ethnicity>WBRI</Ethnicity>", "<Ethnicity>WBRI</Ethnicity><Novel>x</Novel>", "does not name"),
        (
            "<CINPlanDates><CINPlanStartDate>2025-06-17</CINPlanStartDate><CINPlanEndDate>2025-06-19</CINPlanEndDate></CINPlanDates>",
            "<CINplanDates><CINPlanStartDate>2025-06-17</CINPlanStartDate></CINplanDates>",
            "did you mean `CINPlanDates`",
        ),
    ] {
        let text = swap(CENSUS, from, to);
        let (_, warnings) = census(&text, Strictness::Tolerant).unwrap_or_else(|e| panic!("{to}: {e:?}"));
        // The published rules may have something to say beside the odd value itself.
        let warnings: Vec<_> = warnings.into_iter().filter(|w| w.to_string().contains(said)).collect();
        assert_eq!(warnings.len(), 1, "{to}: {warnings:?}");
        let shown = warnings[0].to_string();
        assert!(shown.contains(said) && warnings[0].severity == Severity::Warning, "{to}: {shown}");
        assert!(warnings[0].position.is_some_and(|p| p.line > 1) && warnings[0].pointer.is_some(), "{shown}");
        assert!(!shown.contains("stray words") && !shown.contains("29/02"), "{shown}");
        let strict = census(&text, Strictness::Strict);
        assert_eq!(strict.is_err(), !said.contains("does not name") && !said.contains("did you mean"), "{to}");
    }
    for (from, to) in [
        ("<Sex>F</Sex>", "<GenderCurrent>2</GenderCurrent>"),
        ("<Disabilities><Disability>MOB</Disability><Disability>HEAR</Disability></Disabilities>", ""),
        ("<FormerUPN>N850204916500</FormerUPN>", "<FormerUPN/>"),
        (
            "<Message>",
            "<Message xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:noNamespaceSchemaLocation=\"x.xsd\">",
        ),
    ] {
        let (_, warnings) =
            census(&swap(CENSUS, from, to), Strictness::Strict).unwrap_or_else(|e| panic!("{to}: {e:?}"));
        assert!(warnings.is_empty(), "{to}: {warnings:?}");
    }
    let factors = "<FactorsIdentifiedAtAssessment><AssessmentFactors>1B</AssessmentFactors><AssessmentFactors>3A</AssessmentFactors></FactorsIdentifiedAtAssessment>";
    assert!(census(&swap(CENSUS, factors, "<FactorsIdentifiedAtAssessment/>"), Strictness::Tolerant).is_ok());
}

#[test]
fn a_wrong_census_is_refused_with_its_place() {
    for (from, to, pointer) in [
        (
            "<ChildIdentifiers><LAchildID>INV001</LAchildID><UPNunknown>UN1</UPNunknown><PersonBirthDate>2020-02-29</PersonBirthDate><Sex>F</Sex></ChildIdentifiers>",
            "",
            "/Children/Child/0",
        ),
        ("<Sex>F</Sex>", "<Sex>F</Sex><GenderCurrent>2</GenderCurrent>", "/Children/Child/0/ChildIdentifiers"),
        ("<Sex>F</Sex>", "<Sex>F</Sex><Sex>F</Sex>", "/Message/Children/Child/ChildIdentifiers/Sex"),
        (
            "<ReferralNFA>1</ReferralNFA>",
            "<ReferralNFA><x/></ReferralNFA>",
            "/Children/Child/0/CINdetails/0/ReferralNFA",
        ),
        ("<Collection>CIN</Collection>", "<Collection>SSDA</Collection>", "/Header/CollectionDetails/Collection"),
    ] {
        let refused = census(&swap(CENSUS, from, to), Strictness::Tolerant).expect_err(to);
        let error = refused.iter().find(|d| d.severity == Severity::Error).unwrap();
        assert_eq!(error.pointer.as_deref(), Some(pointer), "{error}");
        assert!(error.position.is_some_and(|p| p.line > 3), "{error}");
    }
}

#[test]
fn pre_proceedings_of_2026_27_are_known() {
    let block = "<PreProceedingsandFGDM><PPStartDate>2025-10-01</PPStartDate><FGDMMeetingOffer>0</FGDMMeetingOffer><ReviewMeetingsCount>2</ReviewMeetingsCount><PPOutcome>B</PPOutcome></PreProceedingsandFGDM>";
    let text = swap(CENSUS, "</ChildProtectionPlans>", &format!("</ChildProtectionPlans>{block}"));
    let (tree, warnings) = census(&text, Strictness::Strict).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert!(tree.at_pointer("/Children/Child/1/CINdetails/0/PreProceedingsandFGDM/PPOutcome").is_some());
}

#[test]
fn our_referral_is_valid_and_goes_back_to_a_bundle() {
    let (tree, warnings) = referral(REFERRAL, Strictness::Strict).unwrap();
    // The one resource type without a definition here is kept, and said so.
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(tree.at_pointer("/Basic/0/code/text").is_some());
    let schema = schemas().get("fhir-r4-json/referral.schema.json").unwrap();
    let bytes = schema.write(Syntax::FhirJson, &tree, Style::Pretty);
    let (back, _) = referral(std::str::from_utf8(&bytes).unwrap(), Strictness::Strict).unwrap();
    assert!(tree.same(tree.root(), &back, back.root()));
}

/// What is replaced, by what, where it is found, what is said.
const WRONG_REFERRALS: &[(&str, &str, &str, &str)] = &[
    (r#""status": "active", "intent": "order","#, r#""intent": "order","#, "/entry/3/resource", "`status` is missing"),
    (
        r#""resourceType": "Flag", "status": "active""#,
        r#""resourceType": "Flag""#,
        "/entry/5/resource",
        "`status` is missing",
    ),
    (
        r#""resourceType": "Flag", "status": "active""#,
        r#""resourceType": "Flag", "status": "on""#,
        "/entry/5/resource/status",
        "code list",
    ),
    (
        r#""resourceType": "Consent", "status": "active""#,
        r#""resourceType": "Consent", "status": 1"#,
        "/entry/6/resource/status",
        "a number is not accepted",
    ),
    (
        r#""birthDate": "2017-05-11","#,
        r#""birthDate": 2017,"#,
        "/entry/1/resource/birthDate",
        "a number is not accepted",
    ),
    (
        r#""deceasedBoolean": false"#,
        r#""deceasedBoolean": "false""#,
        "/entry/1/resource/deceasedBoolean",
        "text is not accepted",
    ),
    (
        r#""deceasedBoolean": false"#,
        r#""deceasedBoolean": false, "deceasedDateTime": "2026""#,
        "/entry/1/resource",
        "only one of",
    ),
    (
        r#""name": [ { "use": "official", "family": "Lane", "given": [ "Maya", "Rose" ] } ]"#,
        r#""name": { "family": "Lane" }"#,
        "/entry/1/resource/name",
        "an object is not accepted",
    ),
    (
        r#""patient": { "reference": "urn:uuid:00000000-0000-4000-8000-000000000002" },"#,
        "",
        "/entry/2/resource",
        "`patient` is missing",
    ),
    (r#""type": "message","#, "", "", "`type` is missing"),
    (r#""category": [ { "text": "c" } ],"#, r#""category": [],"#, "/entry/6/resource/category", "at least 1"),
    (
        r#""eventCoding": { "system": "https://fhir.nhs.uk/CodeSystem/message-events-bars", "code": "servicerequest-request" },"#,
        "",
        "/entry/0/resource",
        "none of the alternatives",
    ),
];

#[test]
fn a_wrong_referral_is_refused_with_the_place_in_the_message_as_sent() {
    for (from, to, pointer, said) in WRONG_REFERRALS {
        let refused = referral(&swap(REFERRAL, from, to), Strictness::Tolerant).expect_err(said);
        let error = refused.iter().find(|d| d.severity == Severity::Error).unwrap();
        assert_eq!(error.pointer.as_deref(), Some(*pointer), "{error}");
        assert!(error.message.contains(said) && error.position.is_some(), "{error}");
    }
}

#[test]
fn odd_values_of_a_referral_are_kept_with_a_warning() {
    for (from, to, said) in [
        (r#""birthDate": "2017-05-11","#, r#""birthDate": "11 May","#, "wrong form"),
        (r#""gender": "female""#, r#""gender": "f""#, "code list"),
        (r#""gender": "female""#, r#""gender": "female", "genders": "f""#, "did you mean `gender`"),
        (
            r#""gender": "female""#,
            r#""gender": "female", "modifierExtension": [ { "url": "u" } ]"#,
            "changes the meaning",
        ),
    ] {
        let (_, warnings) = referral(&swap(REFERRAL, from, to), Strictness::Tolerant).unwrap();
        assert!(warnings.iter().any(|w| w.to_string().contains(said)), "{said}: {warnings:?}");
    }
}

#[test]
fn a_resource_alone_is_taken_as_a_bundle_of_one() {
    let (tree, _) = referral(r#"{"resourceType":"Patient","id":"p","gender":"male"}"#, Strictness::Strict).unwrap();
    assert_eq!(tree.text(tree.at_pointer("/Patient/0/gender").unwrap()), Some("male"));
    let refused = referral(r#"{"resourceType":"Patient","gender":1}"#, Strictness::Strict).unwrap_err();
    assert_eq!(refused[0].pointer.as_deref(), Some("/gender"));
}

/// The paths that the worked mappings of the mapping paper use (§11 a and c).
#[test]
fn the_paths_of_the_worked_mappings_exist() {
    for (schema, paths) in [
        (
            "cin-census/child.schema.json",
            "ChildIdentifiers.LAchildID ChildIdentifiers.UPNunknown ChildCharacteristics.Disabilities.Disability CINdetails.DateOfInitialCPC CINdetails.Assessments.FactorsIdentifiedAtAssessment.AssessmentFactors CINdetails.ChildProtectionPlans.Reviews.CPPreviewDate CINdetails.PreProceedingsandFGDM",
        ),
        (
            "fhir-r4-json/referral.schema.json",
            "identifier.value timestamp Patient.@url Patient.meta.security.code Patient.identifier.value Patient.extension.valueCodeableConcept.coding.code Patient.address.period.start Patient.generalPractitioner.identifier.value RelatedPerson.patient.reference ServiceRequest.requester.identifier.value ServiceRequest.reasonCode.text ServiceRequest.note.time Condition.onsetString Flag.period.end Consent.policyRule.text Consent.provision.period.end Consent.sourceReference.display",
        ),
        (
            "record/record.schema.json",
            "envelope.message_id people.identifiers.scheme people.names.given people.addresses.label.confidentiality characteristics.disabilities.code relationships.relation.code concerns.conference.held consents.decision.as_recorded.system assessments.factors.whose plans.abuse.initial.code health.onset.text involvements.referral.no_further_action notes.third.x",
        ),
    ] {
        let schema = schemas().get(schema).unwrap();
        for path in paths.split(' ') {
            let steps: Vec<&str> = path.split('.').collect();
            let found = schema.shapes().resolve(schema.root(), &steps);
            assert_eq!(found.is_ok_and(|s| s.is_some()), path != "notes.third.x", "{path}");
        }
    }
}

#[test]
fn a_misspelt_path_is_answered_with_the_nearest() {
    let schema = schemas().get("record/record.schema.json").unwrap();
    let error = schema.shapes().resolve(schema.root(), &["people", "birth", "dat"]).unwrap_err();
    assert_eq!((error.found, error.near), (2, vec!["date".to_owned()]));
}

#[test]
fn code_lists_can_be_asked_for() {
    let schema = schemas().get("record/record.schema.json").unwrap();
    let shapes = schema.shapes();
    let at = shapes.resolve(schema.root(), &["people", "sex", "code"]).unwrap().unwrap();
    assert_eq!(
        shapes.scalar(at).unwrap().enumeration,
        ["male", "female", "indeterminate", "other", "unknown", "unmapped"]
    );
    assert!(matches!(shapes.get(at), Shape::Scalar(_)));
}

#[test]
fn leaves_are_bounded_and_complete() {
    for (name, least, most) in [
        ("cin-census/message.schema.json", 50, 60),
        ("record/record.schema.json", 300, 1_500),
        ("fhir-r4-json/referral.schema.json", 2_000, 50_000),
    ] {
        let schema = schemas().get(name).unwrap();
        let leaves = schema.shapes().leaves(schema.root());
        assert!((least..most).contains(&leaves.len()), "{name}: {}", leaves.len());
    }
}
