//! Who gets in: certificates that are missing, foreign, expired, revoked, unknown or pinned to another.

use super::harness::{House, NOW, get_on, raw};
use solent::trust::ca::{Authority, Holder, Validity};

/// The reasons that were logged, in order.
fn reasons(house: &House) -> Vec<&'static str> {
    house.stories.denials.lock().unwrap().iter().map(|d| d.reason).collect()
}

#[test]
fn a_known_certificate_gets_an_answer() {
    let house = House::open();
    assert_eq!(house.get("census", "/api/v1/mailbox").body, br#"{"items":[]}"#);
}

#[test]
fn without_a_certificate_there_is_no_answer_and_it_is_counted() {
    let house = House::open();
    let mut stream = house.raw(None, "http/1.1");
    assert!(get_on(&mut stream, "/api/v1/mailbox").is_err());
    assert!(house.counts("solent_handshakes_failed_total{reason=\"no-certificate\"} 1"));
    house.still_serves();
}

#[test]
fn a_certificate_of_another_authority_is_refused() {
    let house = House::open();
    let folder = house.folder.join("foreign");
    let foreign = Authority::create(&folder, "Test Partnership", Validity::days(NOW, 90), NOW).unwrap();
    foreign.issue(&Holder::System("census".into()), Validity::days(NOW, 90), NOW).unwrap();
    let mut stream = raw(&folder, &house.folder, Some("census"), house.address, "http/1.1");
    assert!(get_on(&mut stream, "/api/v1/mailbox").is_err());
    assert!(house.counts("solent_handshakes_failed_total{reason=\"untrusted\"} 1"));
    house.still_serves();
}

#[test]
fn an_expired_certificate_is_refused() {
    let house = House::open();
    assert!(get_on(&mut house.raw(Some("late"), "http/1.1"), "/api/v1/mailbox").is_err());
    assert!(house.counts("solent_handshakes_failed_total{reason=\"expired\"} 1"));
    house.still_serves();
}

#[test]
fn the_gateways_own_certificate_is_no_client_certificate() {
    let house = House::open();
    assert!(get_on(&mut house.raw(Some("server"), "http/1.1"), "/api/v1/mailbox").is_err());
}

#[test]
fn a_certificate_that_expires_on_an_open_connection_is_refused_from_then_on() {
    let house = House::open();
    let mut stream = house.raw(Some("epr"), "http/1.1");
    assert!(get_on(&mut stream, "/api/v1/mailbox").unwrap().starts_with("HTTP/1.1 200"));
    house.clock.set(NOW.plus_millis(91 * 86_400_000));
    assert!(get_on(&mut stream, "/api/v1/mailbox").unwrap().starts_with("HTTP/1.1 403"));
    assert_eq!(reasons(&house), ["expired"]);
}

#[test]
fn revocation_reaches_open_connections_and_new_ones() {
    let house = House::open();
    let mut open = house.raw(Some("epr"), "http/1.1");
    assert!(get_on(&mut open, "/api/v1/mailbox").unwrap().starts_with("HTTP/1.1 200"));
    house.authority.revoke("epr", NOW).unwrap();
    house.tls.reload().unwrap();
    let answer = get_on(&mut open, "/api/v1/mailbox").unwrap();
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(answer.contains("SOL-TRUST-REFUSED") && !answer.contains("revoked"), "{answer}");
    let denial = house.stories.denials.lock().unwrap()[0].clone();
    assert_eq!((denial.reason, denial.claimed), ("revoked", Some("epr".into())));
    assert!(denial.request.is_some() && denial.certificate.is_some());
    assert!(get_on(&mut house.raw(Some("epr"), "http/1.1"), "/api/v1/mailbox").is_err(), "a new handshake");
    house.still_serves();
}

#[test]
fn a_resumed_session_does_not_walk_past_the_revocation_list() {
    // No tickets and no session store: there is nothing to resume with.
    let house = House::open();
    let mut stream = house.raw(Some("epr"), "http/1.1");
    get_on(&mut stream, "/api/v1/mailbox").unwrap();
    assert_eq!(stream.conn.tls13_tickets_received(), 0);
}

#[test]
fn unknown_and_wrongly_pinned_systems_get_the_same_answer_as_revoked_ones() {
    let house = House::open();
    let mut revoked = house.raw(Some("epr"), "http/1.1");
    get_on(&mut revoked, "/api/v1/mailbox").unwrap();
    house.authority.revoke("epr", NOW).unwrap();
    house.tls.reload().unwrap();
    let body = |text: String| text.split_once("\r\n\r\n").unwrap().1.to_owned();
    let revoked = body(get_on(&mut revoked, "/api/v1/mailbox").unwrap());
    for system in ["ghost", "pinned"] {
        let answer = get_on(&mut house.raw(Some(system), "http/1.1"), "/api/v1/mailbox").unwrap();
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        assert_eq!(body(answer), revoked, "{system}");
    }
    assert_eq!(reasons(&house), ["revoked", "unknown-system", "not-pinned"]);
}

#[test]
fn no_path_answers_a_certificate_that_is_not_accepted() {
    let house = House::open();
    for path in ["/", "/nowhere", "/api/v1/openapi.json", "/log/a/checkpoint", "/health/live", "/metrics"] {
        let answer = get_on(&mut house.raw(Some("ghost"), "http/1.1"), path).unwrap();
        assert!(answer.starts_with("HTTP/1.1 403"), "{path}: {answer}");
    }
}
