//! What no tracked file may hold: paths of a developer's machine, registry hosts, NHS numbers that could be real.
//!
//! Invented people have NHS numbers of the 999 range, which is never issued, with a valid check digit
//! (NHS Data Dictionary, NHS NUMBER, Modulus 11). Numbers made wrong on purpose stand in [`WRONG_ON_PURPOSE`].

use crate::source::Tree;

/// Texts that name a developer's machine or a package registry. Broken up so that this file does not hold them.
const PLACES: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/fa", "rm/"),
    concat!("/tmp", "/t/"),
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("registry.npmjs", ".org"),
    concat!("files.python", "hosted.org"),
    concat!("deb.debian", ".org"),
];

/// Test numbers whose check digit is wrong on purpose, with the reason.
const WRONG_ON_PURPOSE: &[(&str, &str)] = &[
    ("9990000019", "one past a valid number: identifiers must not be trusted unchecked"),
    ("9999999991", "a placeholder that fails the sum"),
    ("9994100011", "an extract's odd values: kept, reported and not matched"),
    ("9990318660", "a police notification's odd values: kept, reported and not matched"),
];

/// Every breach, with file and line; never the number itself.
pub fn check(tree: &Tree) -> Vec<String> {
    let mut out = Vec::new();
    for name in tree.names().filter(|n| *n != "Cargo.lock") {
        for (index, line) in tree.text(name).lines().enumerate() {
            for place in PLACES.iter().filter(|p| stands_alone(line, p)) {
                out.push(format!("{name}:{}: names `{place}`", index + 1));
            }
            for number in numbers(line) {
                if let Some(breach) = judge(&number) {
                    out.push(format!("{name}:{}: {breach}", index + 1));
                }
            }
        }
    }
    out
}

/// A path counts only when it starts there: `/a/wo…` inside a longer path of an address does not.
fn stands_alone(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        !place.starts_with('/')
            || !line[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || "_.-}$".contains(c))
    })
}

/// Runs of exactly ten digits, plain or grouped 3-3-4 by a space, not part of a longer word.
fn numbers(line: &str) -> Vec<String> {
    let bytes = line.as_bytes();
    let word = |at: Option<&u8>| at.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'));
    let mut out = Vec::new();
    for start in 0..bytes.len() {
        if !bytes[start].is_ascii_digit() || (start > 0 && word(bytes.get(start - 1))) {
            continue;
        }
        for (shape, width) in [(&[3usize, 3, 4][..], 12), (&[10][..], 10)] {
            let Some(run) = line.get(start..start + width) else { continue };
            let groups: Vec<&str> = run.split(' ').collect();
            let fits = groups.len() == shape.len()
                && groups.iter().zip(shape).all(|(g, n)| g.len() == *n && g.bytes().all(|b| b.is_ascii_digit()));
            let end = bytes.get(start + width);
            let ends =
                !word(end) || (end == Some(&b'.') && !bytes.get(start + width + 1).is_some_and(u8::is_ascii_digit));
            if fits && ends {
                out.push(groups.concat());
            }
        }
    }
    out
}

/// What is wrong with a ten-digit number, if it could be taken for an NHS number.
fn judge(number: &str) -> Option<&'static str> {
    // Ranges in use: 4xx, 6xx and 7xx (England, Wales, Isle of Man) and 320-399 (Northern Ireland).
    let issued = matches!(number.as_bytes(), [b'4' | b'6' | b'7', ..]) || ("320".."400").contains(&&number[..3]);
    let test = number.starts_with("999");
    match (issued, test, valid(number)) {
        (true, _, true) => Some("a valid NHS number outside the 999 test range"),
        (_, true, false) if !WRONG_ON_PURPOSE.iter().any(|(n, _)| *n == number) => {
            Some("a test NHS number with a wrong check digit that is not listed as wrong on purpose")
        }
        _ => None,
    }
}

/// Modulus 11: weights 10 to 2, remainder from 11; 11 counts as 0 and 10 is never valid.
fn valid(number: &str) -> bool {
    let digits: Vec<u32> = number.chars().filter_map(|c| c.to_digit(10)).collect();
    let sum: u32 = digits.iter().take(9).zip((2..=10).rev()).map(|(d, w)| d * w).sum();
    let check = (11 - sum % 11) % 11;
    check != 10 && digits.get(9) == Some(&check)
}

#[cfg(test)]
mod samples {
    use super::*;

    fn found(line: &str) -> usize {
        check(&Tree::of(&[("docs/a.md", line)])).len()
    }

    #[test]
    fn the_published_example_is_valid_and_a_changed_digit_is_not() {
        // 943 476 5919 is the worked example of the NHS Data Dictionary, NHS NUMBER.
        assert!(valid(&["943", "476", "5919"].concat()) && !valid(&["943", "476", "5918"].concat()));
    }

    #[test]
    fn issued_numbers_and_wrong_test_numbers_are_found() {
        assert_eq!(found(&["id 401", "023", "2137,"].concat()), 1);
        assert_eq!(found(&["(401", "023", "2137)"].join(" ")), 1);
        assert_eq!(found(&["999", "000", "0027"].concat()), 1);
        assert_eq!(found(WRONG_ON_PURPOSE[0].0), 0);
        assert_eq!(found("999 000 0018 and 9990000026."), 0);
    }

    #[test]
    fn longer_runs_and_words_are_no_numbers() {
        assert_eq!(found(&["x401", "0232137 1401", "0232137 0.401", "0232137"].concat()), 0);
    }

    #[test]
    fn places_of_a_machine_are_found() {
        assert_eq!(found(&["see /wo", "rk/x"].concat()), 1);
        assert_eq!(found(&["https://example.org/wo", "rk/x"].concat()), 0);
    }
}
