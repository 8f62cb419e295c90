//! Identifiers with a check character: kept when it fails, marked, never used for matching.

use super::{Check, Converted, INVALID, ReadResult, Value};
use crate::mapping::loss::LossKind;
use std::borrow::Cow;

/// Longest identifier taken, in characters: longer text is not an identifier at all.
const CHARACTERS_MAX: usize = 64;

/// What spacing is taken out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Blanks and hyphens go.
    Digits,
    /// Blanks go.
    Compact,
}

pub(super) fn read(text: &str, check: fn(&str) -> Check, form: Form) -> ReadResult<'_> {
    let spacing = |c: char| c.is_whitespace() || (form == Form::Digits && c == '-');
    let compact: Cow<'_, str> =
        if text.contains(spacing) { text.chars().filter(|c| !spacing(*c)).collect() } else { text.into() };
    if compact.is_empty() || compact.chars().count() > CHARACTERS_MAX {
        return Err(INVALID);
    }
    let found = check(&compact);
    let same = compact == text;
    let value = Value::Checked(compact, found);
    Ok(match (found, same) {
        (Check::Failed, _) => Converted::noted(
            value,
            LossKind::InvalidValue,
            "the check digit fails; kept, marked, never used for matching",
        ),
        (Check::Passed, false) => Converted::noted(value, LossKind::Normalised, "spacing of the number"),
        (Check::Passed, true) => Converted::exact(value),
    })
}

fn digits(text: &str) -> Option<Vec<u32>> {
    text.chars().map(|c| c.to_digit(10)).collect()
}

/// Sum of digits times falling weights, from `first` down.
fn weighted(digits: &[u32], first: u32) -> u32 {
    digits.iter().zip((0..=first).rev()).map(|(d, w)| d.saturating_mul(w)).sum()
}

/// Ten digits, modulus 11; ten equal digits are a placeholder and fail.
///
/// # Source
/// NHS Data Dictionary, NHS NUMBER: check digit by modulus 11.
#[must_use]
pub fn nhs_number_check(text: &str) -> Check {
    let Some(all) = digits(text).filter(|d| d.len() == 10) else { return Check::Failed };
    let (Some(first), Some(last)) = (all.first(), all.last()) else { return Check::Failed };
    if all.iter().all(|d| d == first) {
        return Check::Failed;
    }
    let remainder = weighted(all.get(..9).unwrap_or(&[]), 10) % 11;
    let expected = (11 - remainder) % 11;
    if expected == *last { Check::Passed } else { Check::Failed }
}

/// Ten digits: weights 10 to 2, remainder of 11 taken from 10.
///
/// # Source
/// Learning Records Service, Unique Learner Number validation.
#[must_use]
pub fn uln_check(text: &str) -> Check {
    let Some(all) = digits(text).filter(|d| d.len() == 10) else { return Check::Failed };
    let remainder = weighted(all.get(..9).unwrap_or(&[]), 10) % 11;
    let Some(expected) = 10_u32.checked_sub(remainder).filter(|_| remainder != 0) else { return Check::Failed };
    if all.last() == Some(&expected) { Check::Passed } else { Check::Failed }
}

/// A letter, eleven digits, and a digit or (temporary numbers) a letter; the first letter is the check.
///
/// # Source
/// DfE, Unique pupil numbers: the check letter is the weighted sum (2 to 13) modulo 23 in an alphabet without I, O, S.
#[must_use]
pub fn upn_check(text: &str) -> Check {
    const LETTERS: &str = "ABCDEFGHJKLMNPQRTUVWXYZ";
    let mut characters = text.chars();
    let (Some(check), 13) = (characters.next(), text.chars().count()) else { return Check::Failed };
    let mut sum = 0_u32;
    for (place, (c, weight)) in characters.zip(2_u32..).enumerate() {
        let value = match c.to_digit(10) {
            Some(digit) => Some(digit),
            // Only the last place may be a letter.
            None if place == 11 => LETTERS.chars().position(|l| l == c).and_then(|p| u32::try_from(p).ok()),
            None => None,
        };
        let Some(value) = value else { return Check::Failed };
        sum = sum.saturating_add(value.saturating_mul(weight));
    }
    let expected = LETTERS.chars().nth(usize::try_from(sum % 23).unwrap_or(0));
    if expected == Some(check) { Check::Passed } else { Check::Failed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_vectors_of_the_standard_pass_and_fail() {
        for good in ["9000000009", "9449305552", "9990500002", "9990000018", "9990000026", "9990000034"] {
            assert_eq!(nhs_number_check(good), Check::Passed, "{good}");
        }
        for bad in ["9000000008", "9100000009", "9912003890", "9999999991", "3478526985", "900000000", "90000000O9"] {
            assert_eq!(nhs_number_check(bad), Check::Failed, "{bad}");
        }
        assert_eq!(nhs_number_check("9999999999"), Check::Failed, "a placeholder passes the sum but is no identity");
    }

    #[test]
    fn pupil_numbers_check_their_letter() {
        assert_eq!(upn_check("E850240425000"), Check::Passed);
        assert_eq!(upn_check("T850207118001"), Check::Passed);
        assert_eq!(upn_check("A850240425000"), Check::Failed);
        assert_eq!(upn_check("E85024042500"), Check::Failed);
    }

    #[test]
    fn a_failed_check_keeps_the_value() {
        let read = read("991 200 3890", nhs_number_check, Form::Digits).unwrap();
        assert_eq!(read.value, Value::Checked("9912003890".into(), Check::Failed));
        assert_eq!(read.remark.map(|r| r.0), Some(LossKind::InvalidValue));
    }

    proptest! {
        #[test]
        fn exactly_one_last_digit_or_none_passes(first in "[0-9]{9}") {
            let passing = (0..10).filter(|d| nhs_number_check(&format!("{first}{d}")) == Check::Passed).count();
            prop_assert!(passing <= 1);
        }
        #[test]
        fn no_text_stops_a_check(text in "\\PC{0,80}") {
            let _ = (nhs_number_check(&text), upn_check(&text), uln_check(&text));
        }
    }
}
