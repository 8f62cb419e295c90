//! Patterns of texts: a regular expression, and beside it a plain walk where the expression says no more than one row
//! of signs, `^[A-Z]{2}[0-9]*$`.
//!
//! Every id of a record is held against such a row, so a general engine would cost more than all other checks of it. The
//! walk is exact: a row is taken only where no sign can belong to two neighbours, so that nothing has to be tried twice.
//! Everything else is the engine's. The test beside it holds one against the other.

use regex::Regex;

/// A pattern, built once.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    row: Option<Vec<Run>>,
}

/// So many signs of one set, one after the other.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// The ASCII signs, one bit each.
    signs: u128,
    least: usize,
    most: usize,
}

impl Pattern {
    /// Builds a pattern.
    ///
    /// # Errors
    /// It is no regular expression.
    pub fn new(text: &str) -> Result<Self, regex::Error> {
        Ok(Self { regex: Regex::new(text)?, row: row(text) })
    }
    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.regex.as_str()
    }
    /// Whether a text has the form.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        let Some(row) = &self.row else { return self.regex.is_match(text) };
        let mut rest = text.as_bytes();
        for run in row {
            let found = rest.iter().take(run.most).take_while(|b| run.has(**b)).count();
            if found < run.least {
                return false;
            }
            rest = rest.get(found..).unwrap_or(&[]);
        }
        rest.is_empty()
    }
}

impl Run {
    const fn has(self, byte: u8) -> bool {
        byte < 128 && self.signs >> byte & 1 == 1
    }
}

/// The row an expression stands for; `None` for anything that is not plainly one.
fn row(text: &str) -> Option<Vec<Run>> {
    let mut rest = text.strip_prefix('^')?.strip_suffix('$')?.as_bytes();
    let mut row = Vec::new();
    while !rest.is_empty() {
        let (signs, after) = signs(rest)?;
        let (least, most, after) = times(after)?;
        row.push(Run { signs, least, most });
        rest = after;
    }
    // Where a run may be longer or shorter, no sign of it may begin what can follow.
    let told = row.iter().enumerate().all(|(at, run)| {
        let next = row.iter().skip(at + 1);
        let must = next.clone().position(|n| n.least > 0).map_or(usize::MAX, |p| p + 1);
        run.least == run.most || next.take(must).all(|n| n.signs & run.signs == 0)
    });
    told.then_some(row)
}

/// One sign, or a set of signs in brackets, and what follows.
fn signs(text: &[u8]) -> Option<(u128, &[u8])> {
    let (first, rest) = text.split_first()?;
    if *first != b'[' {
        return plain(*first).then_some((bit(*first), rest));
    }
    let end = rest.iter().position(|b| *b == b']')?;
    let (mut inner, after) = (rest.get(..end)?, rest.get(end + 1..)?);
    let mut signs = 0;
    while let Some((from, more)) = inner.split_first() {
        let hyphen = *from == b'-' && (signs == 0 || more.is_empty());
        if !hyphen && !plain(*from) && *from != b'.' {
            return None;
        }
        inner = more;
        if let [b'-', to, more @ ..] = more
            && !hyphen
        {
            if !plain(*to) || to < from {
                return None;
            }
            signs |= (*from..=*to).fold(0, |all, sign| all | bit(sign));
            inner = more;
        } else {
            signs |= bit(*from);
        }
    }
    (signs != 0).then_some((signs, after))
}

/// Signs that mean themselves wherever they stand.
const fn plain(sign: u8) -> bool {
    sign.is_ascii_alphanumeric() || matches!(sign, b' ' | b'_' | b':' | b'/')
}

const fn bit(sign: u8) -> u128 {
    if sign < 128 { 1 << sign } else { 0 }
}

/// How often, and what follows.
fn times(text: &[u8]) -> Option<(usize, usize, &[u8])> {
    let (least, most, rest) = match text {
        [b'?', rest @ ..] => (0, 1, rest),
        [b'*', rest @ ..] => (0, usize::MAX, rest),
        [b'+', rest @ ..] => (1, usize::MAX, rest),
        [b'{', rest @ ..] => {
            let end = rest.iter().position(|b| *b == b'}')?;
            let (inner, after) = (std::str::from_utf8(rest.get(..end)?).ok()?, rest.get(end + 1..)?);
            let (least, most) = match inner.split_once(',') {
                None => (inner.parse().ok()?, inner.parse().ok()?),
                Some((least, "")) => (least.parse().ok()?, usize::MAX),
                Some((least, most)) => (least.parse().ok()?, most.parse().ok()?),
            };
            (least, most, after)
        }
        _ => (1, 1, text),
    };
    // A second sign of this kind would say how to search, not what fits.
    (!matches!(rest.first(), Some(b'?' | b'*' | b'+' | b'{'))).then_some((least, most, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROWS: [&str; 13] = [
        "^[A-Za-z0-9-]{1,64}$",
        "^[A-Za-z0-9.-]{1,64}$",
        "^[0-9]{3}$",
        "^[0-9]{3,}$",
        "^[0-9A-Za-z]{1,20}$",
        "^[A-Za-z][0-9]{11}[0-9A-Za-z]$",
        "^[A-Z]{2}[0-9]*$",
        "^[A-Z]+[0-9]?[a-z]*$",
        "^a?b?c+$",
        "^[a-c]{2}[b-d]{2}$",
        "^urn:x/[_ 0-9]+$",
        "^[-a]+$",
        "^$",
    ];
    const OTHERS: [&str; 12] = [
        "[0-9]",
        "^[0-9]+",
        "^([0-9])$",
        "^[0-9]*[0-9]$",
        "^[0-9]?[a-z]?[0-9]$",
        "^[^a]$",
        "^a.c$",
        "^a|b$",
        r"^\d$",
        "^[0-9]+?$",
        "^[é]$",
        "^[a&&b]$",
    ];

    #[test]
    fn only_a_row_of_signs_is_walked() {
        assert!(ROWS.iter().all(|text| row(text).is_some()));
        assert!(OTHERS.iter().all(|text| row(text).is_none()));
    }

    proptest! {
        #[test]
        fn the_walk_says_what_the_engine_says(text in "[A-Ca-d0-2 ._:/é-]{0,8}|[A-Za-z0-9-]{60,66}|[A-Z]?[0-9]{10,12}[a-z]?|urn:x/[_ 0-9]{0,3}") {
            for written in ROWS.iter().chain(&OTHERS) {
                let pattern = Pattern::new(written).unwrap();
                prop_assert_eq!(pattern.is_match(&text), pattern.regex.is_match(&text), "{} on {:?}", written, text);
            }
        }
    }
}
