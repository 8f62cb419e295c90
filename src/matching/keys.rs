//! The comparable form of what a message says about a person: identifiers with their checks, folded names, birth dates.
//!
//! Owns folding (case, diacritics, spaces and punctuation do not matter) and the check digits and letters of the
//! schemes that have one. Values come in and go out as text for the caller to hash; none is kept, and Debug shows none.

use super::Trust;
use crate::ident::AgencyId;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Longest name or identifier compared, in characters; more is cut, so that a hostile one costs nothing.
const CHARS_MAX: usize = 200;

/// Kinds of identifier that can link people.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Scheme {
    /// NHS number: 10 digits, the last a modulus 11 check.
    NhsNumber,
    /// Unique pupil number: a check letter and 12 characters.
    Upn,
    /// A council's own number for a child.
    LaChildId,
    /// Police national computer identifier: no check that we make.
    Pnc,
    /// A sender's own number for its client.
    Local,
}

impl Scheme {
    /// The word stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NhsNumber => "nhs",
            Self::Upn => "upn",
            Self::LaChildId => "la-child-id",
            Self::Pnc => "pnc",
            Self::Local => "local",
        }
    }
    /// The scheme with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::NhsNumber, Self::Upn, Self::LaChildId, Self::Pnc, Self::Local].into_iter().find(|s| s.name() == word)
    }
    /// Whether a number means the same whoever sends it.
    const fn is_everybodys(self) -> bool {
        matches!(self, Self::NhsNumber | Self::Upn | Self::Pnc)
    }
}

/// An identifier as presented by an agency. Its Debug output shows the scheme only.
#[derive(Clone, PartialEq, Eq)]
pub struct Identifier {
    scheme: Scheme,
    issuer: Option<AgencyId>,
    value: String,
}

impl std::fmt::Debug for Identifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identifier({})", self.scheme.name())
    }
}

impl Identifier {
    /// An identifier given by `sender`; `None` when nothing is left after folding.
    #[must_use]
    pub fn new(scheme: Scheme, value: &str, sender: &AgencyId) -> Option<Self> {
        let value: String =
            value.chars().take(CHARS_MAX).filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect();
        let issuer = (!scheme.is_everybodys()).then(|| sender.clone());
        (!value.is_empty()).then_some(Self { scheme, issuer, value })
    }
    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }
    /// The text to hash: scheme, issuer where numbers are the issuer's own, value.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}:{}:{}", self.scheme.name(), self.issuer.as_ref().map_or("", |a| a.as_str()), self.value)
    }
    /// How far it can be trusted.
    #[must_use]
    pub fn trust(&self) -> Trust {
        match self.scheme {
            Scheme::NhsNumber if nhs_number_holds(&self.value) => Trust::Checked,
            Scheme::Upn if upn_holds(&self.value) => Trust::Checked,
            Scheme::LaChildId | Scheme::Local => Trust::SendersOwn,
            Scheme::NhsNumber | Scheme::Upn | Scheme::Pnc => Trust::Unverified,
        }
    }
}

/// The text to hash for a name: folded family name and first given name. `None` when either is missing.
#[must_use]
pub fn name_key(family: &str, given: &str) -> Option<String> {
    let first = given.split_whitespace().next()?;
    let (family, first) = (fold(family), fold(first));
    (!family.is_empty() && !first.is_empty()).then(|| format!("{family}\n{first}"))
}

/// The text to hash for a birth date: `YYYY-MM-DD` exactly; anything less precise is `None`.
#[must_use]
pub fn birth_key(date: &str) -> Option<String> {
    let date: jiff::civil::Date = date.get(..10).filter(|_| date.len() == 10)?.parse().ok()?;
    Some(date.to_string())
}

/// The text to hash for a home: folded family name and whole postcode. `None` when either is missing or it is no postcode.
#[must_use]
pub fn home_key(family: &str, postcode: &str) -> Option<String> {
    let (family, postcode) = (fold(family), whole_postcode(postcode)?);
    (!family.is_empty()).then(|| format!("{family}\n{postcode}"))
}

/// A whole postcode in capitals without spaces; `None` for a part of one and for anything else.
///
/// # Source
/// Royal Mail: two to four characters that begin with a letter, then a digit and two letters.
#[must_use]
pub fn whole_postcode(text: &str) -> Option<String> {
    let code: Vec<char> =
        text.chars().take(CHARS_MAX).filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    let (outward, inward) = code.split_at_checked(code.len().checked_sub(3)?)?;
    let outward_holds = (2..=4).contains(&outward.len())
        && outward.first().is_some_and(char::is_ascii_uppercase)
        && outward.iter().all(char::is_ascii_alphanumeric);
    let inward_holds =
        matches!(inward, [d, a, b] if d.is_ascii_digit() && a.is_ascii_uppercase() && b.is_ascii_uppercase());
    (outward_holds && inward_holds).then(|| code.into_iter().collect())
}

/// Lower case, without marks, spaces and punctuation; letters that do not decompose are spelt out.
fn fold(text: &str) -> String {
    let plain = text.chars().take(CHARS_MAX).nfkd().filter(|c| !is_combining_mark(*c));
    let mut out = String::new();
    for c in plain.flat_map(char::to_lowercase) {
        match c {
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'þ' => out.push_str("th"),
            'ø' => out.push('o'),
            'ð' | 'đ' => out.push('d'),
            'ł' => out.push('l'),
            'ı' => out.push('i'),
            'ħ' => out.push('h'),
            // Lower-casing İ leaves a combining dot.
            c if is_combining_mark(c) => {}
            c if c.is_alphanumeric() => out.push(c),
            _ => {}
        }
    }
    out
}

/// # Source
/// NHS Data Dictionary, NHS NUMBER: weights 10 to 2, 11 minus the remainder modulo 11; 11 counts as 0, 10 is never issued.
fn nhs_number_holds(value: &str) -> bool {
    let digits: Vec<u32> = value.chars().filter_map(|c| c.to_digit(10)).collect();
    let (Some((check, body)), 10) = (digits.split_last(), value.chars().count()) else { return false };
    if body.len() != 9 || body.iter().all(|d| *d == 0) {
        return false;
    }
    let sum: u32 = body.iter().zip((2..=10u32).rev()).map(|(digit, weight)| digit.saturating_mul(weight)).sum();
    match 11u32.saturating_sub(sum % 11) {
        11 => *check == 0,
        10 => false,
        expected => *check == expected,
    }
}

/// # Source
/// DfE, Unique Pupil Numbers guide: letter = (sum of characters 2 to 13 times their position) modulo 23, in this alphabet;
/// the last character may be a letter (temporary UPN), which counts by its place in the same alphabet.
fn upn_holds(value: &str) -> bool {
    const LETTERS: &str = "ABCDEFGHJKLMNPQRTUVWXYZ";
    let place = |c: char| LETTERS.chars().position(|l| l == c).and_then(|p| u32::try_from(p).ok());
    let mut characters = value.chars();
    let Some(letter) = characters.next().and_then(place) else { return false };
    let rest: Vec<char> = characters.collect();
    if rest.len() != 12 {
        return false;
    }
    let mut sum: u32 = 0;
    for (weight, c) in (2u32..).zip(&rest) {
        let last = weight == 13;
        let Some(digit) = c.to_digit(10).or_else(|| place(*c).filter(|_| last)) else { return false };
        sum = sum.saturating_add(digit.saturating_mul(weight));
    }
    sum % 23 == letter
}

#[cfg(test)]
mod tests {
    use super::*;

    fn council() -> AgencyId {
        AgencyId::new("harbourshire-csc")
    }

    #[test]
    fn names_agree_whatever_their_case_marks_and_spacing() {
        let plain = name_key("OBrien", "Zoe");
        assert!(plain.is_some());
        for (family, given) in [("O'Brien", "Zoë"), ("o brien", "ZOE Maria"), ("O\u{2019}BRIEN", "Zoe\u{308}")] {
            assert_eq!(name_key(family, given), plain, "{family} {given}");
        }
        assert_eq!(name_key("Łukaszewicz-Nowak", "Søren"), name_key("LUKASZEWICZ NOWAK", "soren"));
        assert_eq!(name_key("Strauß", "İpek"), name_key("STRAUSS", "ipek"));
        assert_ne!(name_key("Lane", "Maya"), name_key("Lane", "Theo"));
        assert_ne!(name_key("Lanem", "aya"), name_key("Lane", "maya"));
    }

    #[test]
    fn a_name_without_family_or_given_name_is_no_name() {
        assert_eq!(name_key("", "Maya"), None);
        assert_eq!(name_key("Lane", " "), None);
        assert_eq!(name_key("-", "Maya"), None);
    }

    #[test]
    fn nhs_numbers_are_checked_modulus_11() {
        let trust = |v: &str| Identifier::new(Scheme::NhsNumber, v, &council()).map(|i| i.trust());
        assert_eq!(trust("999 000 0018"), Some(Trust::Checked));
        assert_eq!(trust("9990000018"), Some(Trust::Checked));
        assert_eq!(trust("9990000019"), Some(Trust::Unverified));
        assert_eq!(trust("999000001"), Some(Trust::Unverified));
        assert_eq!(trust("0000000000"), Some(Trust::Unverified));
        assert_eq!(trust("99900000181"), Some(Trust::Unverified));
        assert_eq!(trust("٩٩٩٠٠٠٠٠١٨"), Some(Trust::Unverified));
    }

    #[test]
    fn pupil_numbers_are_checked_by_their_letter() {
        // Worked by hand: 8,0,1,2,0,0,0,0,1,0,0,1 times 2 to 13 is 16+0+4+10+0+0+0+0+10+0+0+13 = 53; 53 mod 23 = 7, the letter H.
        let trust = |v: &str| Identifier::new(Scheme::Upn, v, &council()).map(|i| i.trust());
        assert_eq!(trust("H801200001001"), Some(Trust::Checked));
        assert_eq!(trust("A801200001001"), Some(Trust::Unverified));
        assert_eq!(trust("H80120000100"), Some(Trust::Unverified));
        // A temporary one: the last character B counts 1, like the digit.
        assert_eq!(trust("H80120000100B"), Some(Trust::Checked));
    }

    #[test]
    fn a_local_number_is_the_senders_own() {
        let here = Identifier::new(Scheme::Local, "c-17", &council()).unwrap();
        let there = Identifier::new(Scheme::Local, "C17", &AgencyId::new("southdown-mh")).unwrap();
        assert_eq!(here.trust(), Trust::SendersOwn);
        assert_ne!(here.key(), there.key());
        let nhs = |who: &str| Identifier::new(Scheme::NhsNumber, "9990000018", &AgencyId::new(who)).unwrap().key();
        assert_eq!(nhs("a"), nhs("b"));
    }

    #[test]
    fn only_a_whole_postcode_says_where_somebody_lives() {
        let plain = home_key("OBrien", "ZZ99 4AB");
        assert_eq!(plain.as_deref(), Some("obrien\nZZ994AB"));
        assert_eq!(home_key("O'Brien", " zz99  4ab"), plain);
        assert_eq!(whole_postcode("m1 1ae").as_deref(), Some("M11AE"));
        for part in
            ["", "ZZ99", "ZZ99 4", "4AB", "Z4AB", "ZZ999 94AB", "9Z99 4AB", "ZZ99 AAB", "ZZ-9 4AB", "ＺＺ99 4AB"]
        {
            assert_eq!(whole_postcode(part), None, "{part}");
        }
        assert_eq!(home_key("", "ZZ99 4AB"), None);
        assert_ne!(home_key("Lane", "ZZ99 4AC"), home_key("Lane", "ZZ99 4AB"));
    }

    #[test]
    fn only_a_whole_birth_date_counts() {
        assert_eq!(birth_key("2017-02-03").as_deref(), Some("2017-02-03"));
        for partial in ["2017-02", "2017", "2017-02-30", "2017-02-03T00:00:00Z", ""] {
            assert_eq!(birth_key(partial), None, "{partial}");
        }
    }
}
