//! Tests of the configuration file.

use super::*;
use crate::diagnostic::Diagnostic;
use std::path::Path;

const GOOD: &str = r#"
origin = "solent.harbourshire.example/log1"
[server]
listen = "127.0.0.1:8443"
health_listen = "127.0.0.1:8081"
[tls]
certificate = "certs/server.pem"
key = "certs/server.key"
client_ca = "certs/ca.pem"
crl = "certs/ca.crl"
[store]
database_url = "sqlite:solent.db"
key_file = "keys/store.key"
[audit]
signing_key = "keys/audit.key"
checkpoint_file = "checkpoint"
[[agency]]
id = "harbourshire-csc"
kind = "council"
name = "Harbourshire Children's Services"
contact = "front door 01632 960000"
[[agency]]
id = "southdown-mh"
kind = "nhs"
name = "Southdown Mental Health"
contact = "01632 960001"
ods = "RX9"
[[system]]
id = "harbourshire-census"
agency = "harbourshire-csc"
format = "cin-census"
teams = ["fit-2"]
[[system]]
id = "southdown-epr"
agency = "southdown-mh"
format = "fhir-r4-json"
fingerprints = ["AB:ab:abababababababababababababababababababababababababababababab"]
assertion_key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
[[route]]
from = "southdown-epr"
to = "harbourshire-census"
hat = "priya-sw"
purpose = "CIN"
[duty]
duty_16LA_from = "2026-10-01"
listed_bodies = ["harbourshire-csc"]
"#;

fn parse(text: &str) -> Result<Gateway, Vec<Diagnostic>> {
    Gateway::parse("solent.toml", text, Path::new("/etc/solent"))
}

/// The only fault of the good file with `old` replaced by `new`, as `line:column message`.
fn fault(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "the good file holds no {old}");
    let faults = parse(&GOOD.replacen(old, new, 1)).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    let fault = &faults[0];
    assert_eq!(fault.code.as_str(), "SOL-CONFIG-FILE");
    assert_eq!(fault.file.as_deref(), Some("solent.toml"));
    format!("{} {}", fault.position.unwrap(), fault.message)
}

#[test]
fn relative_files_are_joined_to_the_folder_of_the_configuration() {
    let gateway = parse(GOOD).unwrap();
    assert_eq!(gateway.tls.key, Path::new("/etc/solent/certs/server.key"));
    assert_eq!(gateway.store.database_url, "sqlite:/etc/solent/solent.db");
}

#[test]
fn what_is_not_said_has_the_documented_default() {
    let gateway = parse(GOOD).unwrap();
    assert_eq!(gateway.limits.body_bytes_max, 16 * 1024 * 1024);
    assert_eq!(gateway.limits.assertion_seconds_max, 300);
    assert_eq!(gateway.duty.consistent_identifier, "nhs-number");
    assert_eq!(gateway.duty.from, jiff::civil::date(2026, 10, 1));
}

#[test]
fn fingerprints_are_taken_with_colons_and_capitals() {
    let gateway = parse(GOOD).unwrap();
    let system = gateway.system(&"southdown-epr".into()).unwrap();
    assert_eq!(system.fingerprints, ["ab".repeat(32)]);
    assert_eq!(system.uri(), "urn:solent:system:southdown-epr");
}

#[test]
fn a_fault_names_its_line_and_column() {
    assert_eq!(fault("format = \"cin-census\"", "format = \"cin-consus\""), "31:10 this is not a format");
    assert_eq!(fault("agency = \"southdown-mh\"", "agency = \"northdown\""), "35:10 there is no such agency");
    assert_eq!(fault("purpose = \"CIN\"", "purpose = \"ANY\""), "43:11 this is not a purpose");
    assert_eq!(fault("to = \"harbourshire-census\"", "to = \"nobody\""), "41:6 there is no such system");
    assert_eq!(fault("kind = \"nhs\"", "kind = \"hospital\""), "24:8 this is not a kind of agency");
    let again = fault(
        "[[route]]",
        "[[agency]]\nid = \"southdown-mh\"\nkind = \"nhs\"\nname = \"S\"\ncontact = \"1\"\n[[route]]",
    );
    assert_eq!(again, "40:6 this agency stands twice");
}

#[test]
fn health_is_served_on_a_loopback_address_only() {
    let text = fault("health_listen = \"127.0.0.1:8081\"", "health_listen = \"0.0.0.0:8081\"");
    assert!(text.starts_with("5:17 health and metrics"), "{text}");
}

#[test]
fn a_password_in_the_database_address_is_refused() {
    for url in ["postgres://solent:geheim@db/solent", "postgres://solent@db/solent?password=geheim"] {
        let text = fault("sqlite:solent.db", url);
        assert!(text.ends_with("the address holds a password"), "{text}");
        assert!(!text.contains("geheim"));
    }
    let gateway = parse(&GOOD.replacen("sqlite:solent.db", "postgres://solent@db/solent", 1)).unwrap();
    assert_eq!(gateway.store.database_url, "postgres://solent@db/solent");
}

#[test]
fn an_origin_has_no_scheme_space_or_plus() {
    for wrong in ["https://a.example", "a b", "a+b", ""] {
        assert!(fault("solent.harbourshire.example/log1", wrong).starts_with("2:10 "));
    }
}

#[test]
fn an_unknown_key_is_refused_at_its_place() {
    let text = fault("[store]", "[store]\npasword_file = \"x\"");
    assert!(text.starts_with("12:1 unknown field"), "{text}");
}

#[test]
fn a_limit_out_of_range_is_refused_not_clamped() {
    assert_eq!(fault("[store]", "[limits]\ndepth_max = 100000\n[store]"), "12:13 the number is out of range");
}

/// OpenID Connect Discovery 1.0 §4: the issuer is an `https` address; RFC 9700 §2.1: the return address is exact.
#[test]
fn a_provider_needs_an_https_issuer_and_a_plain_address_of_the_pages() {
    let with = |issuer: &str, address: &str| {
        let section = format!(
            "[pages]\n[pages.provider]\nname = \"Directory\"\nissuer = \"{issuer}\"\nclient_id = \"solent\"\n\
             client_secret_file = \"p.secret\"\nauthority = \"p.pem\"\naddress = \"{address}\"\n[[agency]]"
        );
        parse(&GOOD.replacen("[[agency]]", &section, 1))
    };
    let good = with("https://login.example/realm", "https://solent.example:8443").unwrap().provider.unwrap();
    assert_eq!((good.issuer.as_str(), good.acr.len()), ("https://login.example/realm", 0));
    for (issuer, address) in [
        ("http://login.example", "https://solent.example"),
        ("", "https://solent.example"),
        ("https://login.example", "http://solent.example"),
        ("https://login.example", "https://solent.example/"),
        ("https://login.example", "https://someone@solent.example"),
        ("https://login.example", "https://"),
    ] {
        assert!(with(issuer, address).is_err(), "{issuer} {address}");
    }
}

#[test]
fn a_value_of_another_type_is_not_repeated() {
    for (line, expected) in [
        (
            "origin = \"o\"\n[[system]]\nid = \"s\"\nteams = \"Quillon, expected 9990176507\"\n",
            "a text, expected a sequence",
        ),
        ("origin = \"o\"\n[server]\nlisten = 9990176507\n", "expected"),
    ] {
        let faults = Gateway::parse("solent.toml", line, Path::new("/etc/solent")).unwrap_err();
        let said = faults.iter().map(ToString::to_string).collect::<String>();
        assert!(said.contains(expected) && !said.contains("Quillon") && !said.contains("9990176507"), "{said}");
    }
}
