//! HL7 v2 over MLLP, over real sockets: who may speak, what is answered, and what broken peers get.

use super::harness::{House, Raw, raw};
use std::io::{Read as _, Write as _};
use std::sync::PoisonError;

const MESSAGE: &str = "MSH|^~\\&|PAS|RX9|SOLENT|E1|20261006||ADT^A31^ADT_A05|M1|P|2.5.1\rEVN||20261006\r\
                       PID|1||9990000018^^^NHS^NH||Testperson^Maya\rPV1||N\r";

fn connect(house: &House, system: Option<&str>) -> Raw {
    raw(&house.folder, &house.folder, system, house.mllp, "http/1.1")
}

/// The next framed answer; `None` when the connection ends.
fn answer(stream: &mut Raw) -> Option<String> {
    let mut bytes = Vec::new();
    let mut one = [0_u8; 1];
    while !bytes.ends_with(b"\x1c\r") {
        match stream.read(&mut one) {
            Ok(1) => bytes.push(one[0]),
            _ => return None,
        }
    }
    assert_eq!(bytes.first(), Some(&0x0b));
    Some(String::from_utf8_lossy(&bytes[1..bytes.len() - 2]).into_owned())
}

fn send(stream: &mut Raw, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
    let _ = stream.flush();
}

fn framed(message: &str) -> Vec<u8> {
    [b"\x0b", message.as_bytes(), b"\x1c\r"].concat()
}

fn received(house: &House) -> usize {
    house.stories.received.lock().unwrap_or_else(PoisonError::into_inner).len()
}

#[test]
fn a_message_is_acknowledged_after_the_story_took_it() {
    let house = House::open();
    let mut peer = connect(&house, Some("pas"));
    send(&mut peer, &framed(MESSAGE));
    let said = answer(&mut peer).unwrap();
    assert!(said.starts_with("MSH|^~\\&|SOLENT|E1|PAS|RX9|20261006"), "{said}");
    assert!(said.contains("||ACK^A31^ACK|") && said.contains("\rMSA|AA|M1\r"), "{said}");
    assert_eq!(received(&house), 1);
}

#[test]
fn messages_of_one_connection_are_answered_in_order_however_they_are_cut() {
    let house = House::open();
    let mut peer = connect(&house, Some("pas"));
    let stream = [framed(MESSAGE), framed(&MESSAGE.replace("|M1|", "|M2|"))].concat();
    for piece in stream.chunks(7) {
        send(&mut peer, piece);
    }
    assert!(answer(&mut peer).unwrap().contains("MSA|AA|M1"));
    assert!(answer(&mut peer).unwrap().contains("MSA|AA|M2"));
}

#[test]
fn what_is_no_message_is_rejected_and_the_connection_goes_on() {
    let house = House::open();
    let mut peer = connect(&house, Some("pas"));
    send(&mut peer, b"noise\x0bnonsense\x1c\r");
    let said = answer(&mut peer).unwrap();
    assert!(said.contains("MSA|AR|\rERR||MSH^1|100^"), "{said}");
    send(&mut peer, &framed(MESSAGE));
    assert!(answer(&mut peer).unwrap().contains("MSA|AA|M1"));
    assert_eq!(received(&house), 1);
}

#[test]
fn half_frames_nested_frames_and_noise_get_no_answer_and_harm_nobody() {
    let house = House::with_limits("body_bytes_max = 65536\n");
    let half = [b"\x0b", MESSAGE.as_bytes()].concat();
    let nested = [half.as_slice(), &framed(MESSAGE)].concat();
    let large = [b"\x0b".as_slice(), &vec![b'x'; 70_000]].concat();
    for bytes in [nested, large, vec![b'x'; 10_000]] {
        let mut peer = connect(&house, Some("pas"));
        send(&mut peer, &bytes);
        assert_eq!(answer(&mut peer), None);
    }
    let mut peer = connect(&house, Some("pas"));
    send(&mut peer, &half);
    drop(peer);
    assert_eq!(received(&house), 0);
    house.still_serves();
}

#[test]
fn a_system_of_another_format_is_told_so_and_one_without_a_certificate_gets_nothing() {
    let house = House::open();
    let mut peer = connect(&house, Some("epr"));
    send(&mut peer, &framed(MESSAGE));
    assert!(answer(&mut peer).unwrap().contains("MSA|AR|M1\rERR||MSH^1^9|200^"));
    for system in [None, Some("ghost"), Some("late")] {
        let mut peer = connect(&house, system);
        send(&mut peer, &framed(MESSAGE));
        assert_eq!(answer(&mut peer), None, "{system:?}");
    }
    assert_eq!(received(&house), 0);
}

#[test]
fn more_messages_than_allowed_are_to_be_sent_again_later() {
    let house = House::with_limits("requests_per_minute = 3\n");
    let mut peer = connect(&house, Some("pas"));
    let said: Vec<String> = (0..5)
        .map(|_| {
            send(&mut peer, &framed(MESSAGE));
            answer(&mut peer).unwrap()
        })
        .collect();
    let accepted = said.iter().filter(|s| s.contains("MSA|AA|")).count();
    assert_eq!((accepted, said.iter().filter(|s| s.contains("MSA|AE|")).count()), (3, 2));
}
