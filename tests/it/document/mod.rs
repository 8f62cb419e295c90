//! Readers, schemas and records against independent programs, hostile bytes, and the samples.

mod csv;
mod fhir_xml;
mod fuzz_seeds;
mod hl7v2;
mod hostile;
mod json_oracle;
mod native;
mod samples;
mod schema_files;
mod schema_oracle;
mod validate;
mod xml_oracle;

use solent::cli::content;
use solent::schema::Schemas;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The built-in schemas, loaded once.
pub fn schemas() -> &'static Schemas {
    static SCHEMAS: OnceLock<Schemas> = OnceLock::new();
    SCHEMAS.get_or_init(|| Schemas::load(&content::built_in()).unwrap())
}

/// Says on standard output that a test could not run (see `tests/README.md`).
pub fn skipped(why: &str) {
    let _ = writeln!(std::io::stdout(), "skipped: {why}");
}

/// The shared sample folder, if this machine has it.
pub fn shared(below: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SOLENT_SAMPLES")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")), PathBuf::from);
    let found = Some(root.join(below)).filter(|p| p.exists());
    if found.is_none() {
        skipped("the shared samples are not on this machine");
    }
    found
}

/// A small census by us: two children, one with everything a child can have.
pub const CENSUS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Message>
  <Header>
    <CollectionDetails><Collection>CIN</Collection><Year>2026</Year><ReferenceDate>2026-03-31</ReferenceDate></CollectionDetails>
    <Source><SourceLevel>L</SourceLevel><LEA>850</LEA><SoftwareCode>Invented</SoftwareCode><Release>1</Release><SerialNo>001</SerialNo><DateTime>2026-05-12T09:30:00</DateTime></Source>
  </Header>
  <Children>
    <Child>
      <ChildIdentifiers><LAchildID>INV001</LAchildID><UPNunknown>UN1</UPNunknown><PersonBirthDate>2020-02-29</PersonBirthDate><Sex>F</Sex></ChildIdentifiers>
      <ChildCharacteristics><Ethnicity>WBRI</Ethnicity></ChildCharacteristics>
      <CINdetails><CINreferralDate>2025-08-15</CINreferralDate><ReferralSource>3A</ReferralSource><ReferralNFA>1</ReferralNFA></CINdetails>
    </Child>
    <Child>
      <ChildIdentifiers><LAchildID>INV002</LAchildID><UPN>E850240425000</UPN><FormerUPN>N850204916500</FormerUPN><PersonBirthDate>2014-06-18</PersonBirthDate><Sex>M</Sex><PersonDeathDate>2026-01-02</PersonDeathDate></ChildIdentifiers>
      <ChildCharacteristics><Ethnicity>MWBC</Ethnicity><Disabilities><Disability>MOB</Disability><Disability>HEAR</Disability></Disabilities></ChildCharacteristics>
      <CINdetails>
        <CINreferralDate>2025-05-09</CINreferralDate><ReferralSource>2A</ReferralSource><PrimaryNeedCode>N1</PrimaryNeedCode>
        <CINclosureDate>2026-01-10</CINclosureDate><ReasonForClosure>RC2</ReasonForClosure><DateOfInitialCPC>2025-06-20</DateOfInitialCPC>
        <Assessments><AssessmentActualStartDate>2025-05-09</AssessmentActualStartDate><AssessmentInternalReviewDate>2025-05-19</AssessmentInternalReviewDate><AssessmentAuthorisationDate>2025-06-16</AssessmentAuthorisationDate><FactorsIdentifiedAtAssessment><AssessmentFactors>1B</AssessmentFactors><AssessmentFactors>3A</AssessmentFactors></FactorsIdentifiedAtAssessment></Assessments>
        <CINPlanDates><CINPlanStartDate>2025-06-17</CINPlanStartDate><CINPlanEndDate>2025-06-19</CINPlanEndDate></CINPlanDates>
        <Section47><S47ActualStartDate>2025-06-01</S47ActualStartDate><InitialCPCtarget>2025-06-22</InitialCPCtarget><ICPCnotRequired>0</ICPCnotRequired></Section47>
        <ReferralNFA>0</ReferralNFA>
        <ChildProtectionPlans><CPPstartDate>2025-06-20</CPPstartDate><CPPendDate>2026-01-02</CPPendDate><InitialCategoryOfAbuse>NEG</InitialCategoryOfAbuse><LatestCategoryOfAbuse>EMO</LatestCategoryOfAbuse><NumberOfPreviousCPP>0</NumberOfPreviousCPP><Reviews><CPPreviewDate>2025-09-01</CPPreviewDate><CPPreviewDate>2025-12-01</CPPreviewDate></Reviews></ChildProtectionPlans>
      </CINdetails>
    </Child>
  </Children>
</Message>
"#;

/// A referral Bundle by us: the resources of the referral mapping and those around them.
pub const REFERRAL: &str = r#"{
  "resourceType": "Bundle", "type": "message",
  "identifier": { "system": "https://example.org/messages", "value": "ref-1" },
  "timestamp": "2026-10-05T09:30:00+01:00",
  "entry": [
    { "fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000001",
      "resource": { "resourceType": "MessageHeader",
        "eventCoding": { "system": "https://fhir.nhs.uk/CodeSystem/message-events-bars", "code": "servicerequest-request" },
        "source": { "endpoint": "https://example.org/a" },
        "focus": [ { "reference": "urn:uuid:00000000-0000-4000-8000-000000000004" } ] } },
    { "fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000002",
      "resource": { "resourceType": "Patient",
        "identifier": [ { "system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018",
          "extension": [ { "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus",
            "valueCodeableConcept": { "coding": [ { "code": "number-present-and-verified" } ] } } ] } ],
        "name": [ { "use": "official", "family": "Lane", "given": [ "Maya", "Rose" ] } ],
        "birthDate": "2017-05-11", "_birthDate": { "extension": [ { "url": "https://example.org/time", "valueDateTime": "2017-05-11T01:02:03Z" } ] },
        "gender": "female", "deceasedBoolean": false,
        "address": [ { "use": "home", "line": [ "1 Invented Way" ], "city": "Harbour", "postalCode": "ZZ1 1ZZ" } ] } },
    { "fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000003",
      "resource": { "resourceType": "RelatedPerson",
        "patient": { "reference": "urn:uuid:00000000-0000-4000-8000-000000000002" },
        "relationship": [ { "coding": [ { "system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "MTH" } ] } ] } },
    { "fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000004",
      "resource": { "resourceType": "ServiceRequest", "status": "active", "intent": "order",
        "subject": { "reference": "urn:uuid:00000000-0000-4000-8000-000000000002" },
        "note": [ { "text": "Invented words.", "time": "2026-10-05" } ] } },
    { "resource": { "resourceType": "Condition", "id": "c1", "subject": { "reference": "urn:uuid:00000000-0000-4000-8000-000000000002" }, "onsetString": "last year" } },
    { "resource": { "resourceType": "Flag", "status": "active", "code": { "text": "dog" }, "subject": { "reference": "urn:uuid:00000000-0000-4000-8000-000000000002" } } },
    { "resource": { "resourceType": "Consent", "status": "active", "scope": { "text": "s" }, "category": [ { "text": "c" } ],
        "policyRule": { "text": "p" }, "provision": { "type": "permit", "provision": [ { "type": "deny" } ] } } },
    { "resource": { "resourceType": "Provenance", "target": [ { "reference": "Condition/c1" } ], "recorded": "2026-10-05T09:30:00Z", "agent": [ { "who": { "display": "x" } } ] } },
    { "resource": { "resourceType": "Basic", "code": { "text": "kept" } } }
  ]
}"#;
