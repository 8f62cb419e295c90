//! HTTP/2 by hand: a preface, a settings frame and one request with literal headers are all it takes to see that the
//! same door answers.
//!
//! # Source
//! RFC 9113 §3.4 (preface), §4.1 (frames); RFC 7541 §6.2.2 (literal header field without indexing).

use super::harness::{House, NOW, Raw};
use std::io::{Read as _, Write as _};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const END_STREAM_AND_HEADERS: u8 = 0x5;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

fn literal(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0x00, u8::try_from(name.len()).unwrap()];
    bytes.extend(name.as_bytes());
    bytes.push(u8::try_from(value.len()).unwrap());
    bytes.extend(value.as_bytes());
    bytes
}

fn start(house: &House, system: &str) -> Raw {
    let mut stream = house.raw(Some(system), "h2");
    let mut hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    hello.extend(frame(4, 0, 0, &[]));
    stream.write_all(&hello).unwrap();
    stream
}

fn get(stream: &mut Raw, id: u32, path: &str) {
    let headers: Vec<u8> = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", path)]
        .iter()
        .flat_map(|(name, value)| literal(name, value))
        .collect();
    stream.write_all(&frame(HEADERS, END_STREAM_AND_HEADERS, id, &headers)).unwrap();
    stream.flush().unwrap();
}

/// The first byte of the answer's header block (an indexed `:status` of the static table) and its data.
fn answer(stream: &mut Raw, id: u32) -> (u8, Vec<u8>) {
    let (mut status, mut body) = (0, Vec::new());
    loop {
        let ((kind, of, payload), flags) = next(stream);
        if of == id && kind == HEADERS {
            status = payload[0];
        }
        if of == id && kind == DATA {
            body.extend(payload);
        }
        if of == id && flags & END_STREAM == 1 {
            return (status, body);
        }
    }
}

/// `:status: 200` is entry 8 of the static table (RFC 7541 appendix A).
const STATUS_200: u8 = 0x80 | 8;

#[test]
fn http_2_gives_the_same_answer_as_http_1() {
    let house = House::open();
    let mut stream = start(&house, "census");
    get(&mut stream, 1, "/api/v1/mailbox");
    assert_eq!(answer(&mut stream, 1), (STATUS_200, br#"{"items":[]}"#.to_vec()));
}

#[test]
fn revocation_reaches_an_open_http_2_connection() {
    let house = House::open();
    let mut stream = start(&house, "epr");
    get(&mut stream, 1, "/api/v1/mailbox");
    assert_eq!(answer(&mut stream, 1).0, STATUS_200);
    house.authority.revoke("epr", NOW).unwrap();
    house.tls.reload().unwrap();
    get(&mut stream, 3, "/api/v1/mailbox");
    let (status, body) = answer(&mut stream, 3);
    assert_ne!(status, STATUS_200);
    assert!(String::from_utf8_lossy(&body).contains("SOL-TRUST-REFUSED"));
}

/// A POST whose body comes later.
fn post(stream: &mut Raw, id: u32, path: &str, length: usize) {
    let length = length.to_string();
    let headers: Vec<u8> = [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "localhost"),
        (":path", path),
        ("content-type", "application/xml"),
        ("content-length", &length),
    ]
    .iter()
    .flat_map(|(name, value)| literal(name, value))
    .collect();
    stream.write_all(&frame(HEADERS, END_HEADERS, id, &headers)).unwrap();
}

const END_HEADERS: u8 = 0x4;
const END_STREAM: u8 = 0x1;
const RST_STREAM: u8 = 3;

const PING: u8 = 6;
const ACK: u8 = 0x1;

/// A frame as it came: kind, stream and payload.
type Frame = (u8, u32, Vec<u8>);

/// The next frame, with its flags.
fn next(stream: &mut Raw) -> (Frame, u8) {
    let mut head = [0_u8; 9];
    stream.read_exact(&mut head).unwrap();
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).unwrap();
    let of = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    ((head[3], of, payload), head[4])
}

/// Frames up to the end of a stream's answer.
fn frames(stream: &mut Raw, until: u32) -> Vec<Frame> {
    let mut found = Vec::new();
    loop {
        let (frame, flags) = next(stream);
        let ends = frame.1 == until && matches!(frame.0, DATA | HEADERS) && flags & END_STREAM == 1;
        found.push(frame);
        if ends {
            return found;
        }
    }
}

/// Asks whether the gateway is still there, and gives what it sent until it said so: everything before has been read by then.
fn pinged(stream: &mut Raw, mark: u8) -> Vec<Frame> {
    stream.write_all(&frame(PING, 0, 0, &[mark; 8])).unwrap();
    stream.flush().unwrap();
    let mut found = Vec::new();
    loop {
        let (frame, flags) = next(stream);
        if frame.0 == PING && flags & ACK == 1 && frame.2 == [mark; 8] {
            return found;
        }
        found.push(frame);
    }
}

#[test]
fn an_early_refusal_over_http_2_waits_for_the_body_and_is_not_followed_by_a_reset() {
    let house = House::with_limits("body_bytes_max = 16384");
    for (path, code) in [
        ("/api/v1/messages", "SOL-HTTP-BODY-LIMIT"),
        ("/api/v1/messages?format=hl7v2", "SOL-HTTP-MEDIA-TYPE"),
        ("/api/v1/nowhere", "SOL-HTTP-ROUTE"),
    ] {
        let mut stream = start(&house, "census");
        // No more than the window of a client that has not yet heard of a larger one (RFC 9113 §6.9.2).
        post(&mut stream, 1, path, 3 * 16_000);
        let mut all = Vec::new();
        for part in 0..3 {
            // A gateway that does not wait answers and resets the stream between these.
            all.extend((0..20).flat_map(|mark| pinged(&mut stream, mark)));
            stream.write_all(&frame(DATA, u8::from(part == 2), 1, &[b' '; 16_000])).unwrap();
            stream.flush().unwrap();
        }
        all.extend(frames(&mut stream, 1));
        get(&mut stream, 3, "/api/v1/mailbox");
        all.extend(frames(&mut stream, 3));
        let said: Vec<u8> = all.iter().filter(|f| (f.0, f.1) == (DATA, 1)).flat_map(|f| f.2.clone()).collect();
        assert!(String::from_utf8_lossy(&said).contains(code), "{path}");
        assert!(!all.iter().any(|f| f.0 == RST_STREAM), "{path}: a client in use would lose the answer");
    }
}
