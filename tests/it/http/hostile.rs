//! Too much, too long, too slow, too often: a clear answer, and the gateway still serves.

use super::harness::{House, code, exchange, get_on, read_answer};
use std::io::{Read as _, Write as _};

const GIGABYTE: usize = 1 << 30;
const HEAD: &str = "POST /api/v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/fhir+json\r\n";

#[test]
fn a_gigabyte_is_refused_by_its_declared_length_before_it_is_sent() {
    let house = House::open();
    let mut stream = house.raw(Some("epr"), "http/1.1");
    let answer = exchange(&mut stream, &format!("{HEAD}Content-Length: {GIGABYTE}\r\n\r\n")).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("SOL-HTTP-BODY-LIMIT"), "{answer}");
    house.still_serves();
}

#[test]
fn a_client_that_asks_first_is_told_no_instead_of_go_on() {
    let house = House::open();
    let mut stream = house.raw(Some("epr"), "http/1.1");
    let head = format!("{HEAD}Expect: 100-continue\r\nContent-Length: {GIGABYTE}\r\n\r\n");
    let answer = exchange(&mut stream, &head).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    house.still_serves();
}

#[test]
fn a_gigabyte_in_chunks_is_refused_by_counting() {
    let house = House::open();
    let mut stream = house.raw(Some("epr"), "http/1.1");
    stream.write_all(format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).unwrap();
    let mut chunk = format!("{:x}\r\n", 1 << 20).into_bytes();
    chunk.resize(chunk.len() + (1 << 20), b'a');
    chunk.extend_from_slice(b"\r\n");
    // What comes after the limit is thrown away for a while, so that the answer is not lost to a reset connection.
    let sent = (0..GIGABYTE >> 20).take_while(|_| stream.write_all(&chunk).is_ok()).count();
    match read_answer(&mut stream) {
        Ok(answer) => assert!(answer.starts_with("HTTP/1.1 413"), "{answer}"),
        Err(_) => assert!(sent < 1024, "the gateway took a gigabyte without a word"),
    }
    assert!(house.stories.received.lock().unwrap().is_empty());
    house.still_serves();
}

#[test]
fn a_body_just_over_the_limit_gets_its_answer_and_one_at_the_limit_is_taken() {
    let house = House::with_limits("body_bytes_max = 200000");
    let json = [("content-type", "application/fhir+json")];
    let answer = house.post("epr", "/api/v1/messages", &json, &vec![b' '; 200_001]);
    assert_eq!((answer.status, code(&answer).as_str()), (413, "SOL-HTTP-BODY-LIMIT"));
    assert_eq!(house.post("epr", "/api/v1/messages", &json, &vec![b' '; 200_000]).status, 202);
}

#[test]
fn chunked_bodies_beyond_the_free_size_are_taken_one_after_another() {
    let house = House::with_limits("body_bytes_max = 200000");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut stream = house.raw(Some("epr"), "http/1.1");
                stream.write_all(format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).unwrap();
                for _ in 0..150 {
                    stream.write_all(format!("3e8\r\n{}\r\n", "a".repeat(1000)).as_bytes()).unwrap();
                }
                stream.write_all(b"0\r\n\r\n").unwrap();
                assert!(read_answer(&mut stream).unwrap().starts_with("HTTP/1.1 202"));
            });
        }
    });
    assert_eq!(house.stories.received.lock().unwrap().as_slice(), [150_000; 4]);
    assert!(house.counts("solent_large_bodies_kib 0"), "every permit was given back");
}

#[test]
fn a_body_that_does_not_come_ends_in_408() {
    let house = House::with_limits("request_seconds = 1");
    let mut stream = house.raw(Some("epr"), "http/1.1");
    let answer = exchange(&mut stream, &format!("{HEAD}Content-Length: 10\r\n\r\nabc")).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("SOL-HTTP-TIMEOUT"), "{answer}");
    house.still_serves();
}

#[test]
fn a_head_that_does_not_end_is_cut_off() {
    let house = House::with_limits("request_seconds = 1");
    let mut stream = house.raw(Some("epr"), "http/1.1");
    stream.write_all(b"GET /api/v1/mailbox HTTP/1.1\r\nX: ").unwrap();
    stream.flush().unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    let text = String::from_utf8_lossy(&rest);
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 408"), "{text}");
    house.still_serves();
}

#[test]
fn a_connection_that_never_starts_tls_is_cut_off_and_counted() {
    let house = House::open();
    let mut stream = std::net::TcpStream::connect(house.address).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(!String::from_utf8_lossy(&rest).contains("HTTP/1.1"), "plain HTTP is not answered");
    assert!(house.counts("solent_handshakes_failed_total{reason=\"other\"} 1"));
    house.still_serves();
}

#[test]
fn huge_heads_and_too_many_headers_are_refused() {
    let house = House::open();
    let long = format!("GET /api/v1/mailbox HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(200_000));
    let many = format!("GET /api/v1/mailbox HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: a\r\n".repeat(2000));
    let path = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(200_000));
    for request in [long, many, path] {
        let mut stream = house.raw(Some("census"), "http/1.1");
        if let Ok(answer) = exchange(&mut stream, &request) {
            let status = answer.split(' ').nth(1).unwrap_or("").to_owned();
            assert!(["400", "414", "431"].contains(&status.as_str()), "{answer:.200}");
        }
        house.still_serves();
    }
}

#[test]
fn smuggled_and_contradictory_lengths_are_refused() {
    let house = House::open();
    for extra in [
        "Content-Length: 2\r\nContent-Length: 3\r\n",
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 99999999999999999999999999\r\n",
        "Transfer-Encoding: gzip\r\n",
    ] {
        let mut stream = house.raw(Some("epr"), "http/1.1");
        if let Ok(answer) = exchange(&mut stream, &format!("{HEAD}{extra}\r\n{{}}")) {
            assert!(answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 501"), "{extra}: {answer}");
        }
    }
    house.still_serves();
}

#[test]
fn a_system_that_asks_too_often_is_told_when_to_come_back_and_others_are_not() {
    let house = House::with_limits("requests_per_minute = 5");
    let mut stream = house.raw(Some("epr"), "http/1.1");
    for _ in 0..5 {
        assert!(get_on(&mut stream, "/api/v1/mailbox").unwrap().starts_with("HTTP/1.1 200"));
    }
    let answer = get_on(&mut stream, "/api/v1/mailbox").unwrap();
    assert!(answer.starts_with("HTTP/1.1 429") && answer.contains("SOL-HTTP-RATE"), "{answer}");
    let seconds: u64 =
        answer.lines().find_map(|l| l.strip_prefix("retry-after: ")).expect("Retry-After").trim().parse().unwrap();
    assert!((1..=60).contains(&seconds));
    house.still_serves();
}

#[test]
fn many_connections_that_do_nothing_do_not_stop_the_others() {
    let house = House::open();
    let idle: Vec<_> = (0..200).map(|_| std::net::TcpStream::connect(house.address).unwrap()).collect();
    house.still_serves();
    drop(idle);
}
