//! Conservation over mutated messages: whatever arrives, every value is carried or reported, and no run is refused as
//! unbalanced. `SOLENT_MUTANTS` says how many documents for each format (a small number without it):
//!
//! ```text
//! SOLENT_MUTANTS=100000 cargo test --release --test it mapping::conserve -- --nocapture
//! ```

use super::{context, mappings, own_messages, writing};
use solent::diagnostic::Diagnostic;
use solent::mapping::LossReport;
use solent::record::Record;
use std::collections::BTreeSet;

/// Documents for each format when nobody says how many.
const MUTANTS: u64 = 300;

/// A generator whose numbers depend on its seed alone, so that a failure can be repeated by its number.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }
    /// A number below `sides`.
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides.max(1) as u64) as usize
    }
    /// Two ends of a piece of a text, at most `length` apart.
    fn piece(&mut self, total: usize, length: usize) -> (usize, usize) {
        let from = self.below(total);
        (from, (from + self.below(length)).min(total))
    }
}

/// Pieces between these are whole values, elements, members or fields in the syntaxes we read.
const JOINTS: &[u8] = b"<>{}[],|^~\r\n\"";

fn mutate(message: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut out = message.to_vec();
    for _ in 0..1 + dice.below(4) {
        let joints: Vec<usize> = (0..out.len()).filter(|at| JOINTS.contains(&out[*at])).collect();
        match dice.below(7) {
            // One letter or digit is another.
            0 | 1 => {
                let letters: Vec<usize> = (0..out.len()).filter(|at| out[*at].is_ascii_alphanumeric()).collect();
                if !letters.is_empty() {
                    out[letters[dice.below(letters.len())]] = b"0123456789AaBbXxYyZz -/."[dice.below(24)];
                }
            }
            // A run is missing.
            2 => {
                let (from, to) = dice.piece(out.len(), 24);
                out.drain(from..to);
            }
            // A piece between two joints is missing, stands twice, or stands elsewhere.
            choice @ 3..=5 if joints.len() > 8 => {
                let first = dice.below(joints.len() - 1);
                let last = (first + 1 + dice.below(24)).min(joints.len() - 1);
                let piece = out[joints[first]..joints[last]].to_vec();
                let at = if choice == 5 { joints[dice.below(joints.len())] } else { joints[last] };
                if choice == 3 {
                    out.drain(joints[first]..joints[last]);
                } else {
                    out.splice(at..at, piece);
                }
            }
            // A value is taken from another place.
            _ => {
                let (from, to) = dice.piece(out.len(), 40);
                let piece = out[from..to].to_vec();
                let (start, end) = dice.piece(out.len(), 40);
                out.splice(start..end, piece);
            }
        }
        if out.is_empty() {
            break;
        }
    }
    out
}

fn balanced(loss: &LossReport) {
    for run in &loss.runs {
        assert_eq!(run.leaves_in, run.carried + run.reported);
    }
}

fn never_unbalanced(faults: &[Diagnostic]) {
    assert!(faults.iter().all(|f| f.code.as_str() != "SOL-MAP-BALANCE"), "a run did not balance");
}

/// Reads a mutant, and what could be read writes it to `to`. Whether a record came of it.
fn conserved(format: &str, bytes: &[u8], to: &str) -> bool {
    let read = match mappings().read(format, bytes, &context()) {
        Ok(read) => read,
        Err(faults) => {
            never_unbalanced(&faults);
            return false;
        }
    };
    read.iter().for_each(|one| balanced(&one.loss));
    let records: Vec<Record> = read.into_iter().map(|one| one.record).collect();
    match mappings().write(to, &records, &writing()) {
        Ok(written) => balanced(&written.loss),
        Err(faults) => never_unbalanced(&faults),
    }
    true
}

/// A Bundle in its other notation, so that XML has as many messages to start from.
fn in_xml(bundle: &[u8]) -> Option<Vec<u8>> {
    let read = mappings().read("fhir-r4-json", bundle, &context()).ok()?;
    let records: Vec<Record> = read.into_iter().map(|one| one.record).collect();
    Some(mappings().write("fhir-r4-xml", &records, &writing()).ok()?.bytes)
}

#[test]
fn conservation_holds_for_every_mutated_message() {
    let count = std::env::var("SOLENT_MUTANTS").ok().and_then(|n| n.parse().ok()).unwrap_or(MUTANTS);
    let mut messages: Vec<(&str, Vec<u8>)> =
        own_messages().into_iter().map(|(format, file)| (format, std::fs::read(file).unwrap())).collect();
    let bundles: Vec<Vec<u8>> = messages.iter().filter(|(f, _)| *f == "fhir-r4-json").map(|(_, b)| b.clone()).collect();
    messages.extend(bundles.iter().filter_map(|bundle| Some(("fhir-r4-xml", in_xml(bundle)?))));
    let others: Vec<&str> = messages.iter().map(|(format, _)| *format).collect::<BTreeSet<_>>().into_iter().collect();
    for format in others.iter().copied() {
        let own: Vec<&[u8]> =
            messages.iter().filter(|(f, _)| *f == format).map(|(_, bytes)| bytes.as_slice()).collect();
        let mut read = 0_u64;
        for number in 0..count {
            let mut dice = Dice::new(number);
            let message = own[dice.below(own.len())];
            let mutant = mutate(message, &mut dice);
            let to = if dice.below(2) == 0 { format } else { others[dice.below(others.len())] };
            let outcome = std::panic::catch_unwind(|| conserved(format, &mutant, to));
            assert!(outcome.is_ok(), "mutant {number} of {format} to {to}");
            read += u64::from(outcome.unwrap_or(false));
        }
        println!("{format}: {count} mutants, {read} read into records, every run balanced");
        assert!(read > count / 50, "{format}: hardly any mutant is read, so that nothing is shown");
    }
}
