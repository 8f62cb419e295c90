//! Converters: the closed set of pairs of total functions between a native and a canonical value.
//!
//! Each is total: for every text there is a value or `invalid-value`, never a panic. Adding one means a variant here, a
//! property test for both directions and a row in `docs/reference/mapping-language.md`. Source: mapping language §4.3.

mod checked;
mod dates;
mod hl7;
mod plain;

pub use checked::{nhs_number_check, uln_check, upn_check};

use super::loss::LossKind;
use super::table::{CodeTable, Quality, UNMAPPED};
use crate::document::Kind;
use std::borrow::Cow;
use std::sync::Arc;

/// A converter as the engine uses it.
#[derive(Clone, Debug)]
pub enum Convert {
    /// Text as it is.
    Text,
    /// Whole number.
    Int,
    /// Number, kept as written.
    Decimal,
    /// Truth value.
    Bool,
    /// `0`, `1`, `true`, `false` in any case.
    BoolLoose,
    /// Truth value whose opposite the record has.
    Not,
    /// Full date in a layout.
    Date(dates::Layout),
    /// Year, month or day.
    PartialDate,
    /// Moment with zone; the zone applies where the text has none.
    Instant(Option<jiff::tz::TimeZone>),
    /// Moment as `dd/mm/yyyy hh:mm` in a zone.
    LocalTime(jiff::tz::TimeZone),
    /// Date or moment, kept as written.
    DateOrInstant,
    /// Year, month or day as HL7 v2 writes it.
    Hl7PartialDate,
    /// Moment as HL7 v2 writes it; the zone applies where the text has none.
    Hl7Instant(Option<jiff::tz::TimeZone>),
    /// `Y` or `N`.
    Hl7Bool,
    /// Lines of one HL7 v2 text, without formatting commands.
    Hl7Lines,
    /// Code table.
    Code(Arc<CodeTable>),
    /// NHS number.
    NhsNumber,
    /// Unique pupil number.
    Upn,
    /// Unique learner number.
    Uln,
    /// Postcode.
    Postcode,
    /// Number with a unit the format takes for granted.
    Quantity(String),
    /// Words of one text as a list.
    Words,
    /// Lines of one text.
    Lines,
    /// Base64 of UTF-8 text.
    Base64Text,
    /// Reference to another segment.
    Ref(Vec<String>),
}

/// A canonical value. Where a converter changes nothing, the text is still that of the message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value<'t> {
    /// One scalar.
    One(Kind, Cow<'t, str>),
    /// A scalar whose check digit was looked at: `passed` or `failed` goes beside it.
    Checked(Cow<'t, str>, Check),
    /// A code per canonical column; the sender's own code when the row is not exact.
    Codes(Codes<'t>, Option<Recorded<'t>>),
    /// A list of texts.
    Many(Vec<String>),
    /// A number and its unit.
    Quantity(Cow<'t, str>, Cow<'t, str>),
}

/// Codes, one per canonical column: nearly always one, or a row of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Codes<'t> {
    /// One.
    One(Cow<'t, str>),
    /// Those of a row.
    Row(&'t [String]),
    /// Gathered one by one.
    Several(Vec<String>),
}

impl Codes<'_> {
    /// The code of a column.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<&str> {
        match self {
            Self::One(code) => (at == 0).then_some(&**code),
            Self::Row(codes) => codes.get(at).map(String::as_str),
            Self::Several(codes) => codes.get(at).map(String::as_str),
        }
    }
    /// Every code.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..).map_while(|at| self.get(at))
    }
}

/// Whether a check digit is right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Check {
    /// It is.
    Passed,
    /// It is not; the value is kept and never used for matching.
    Failed,
}

impl Check {
    /// The word in the record.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
        }
    }
}

/// The sender's own code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded<'t> {
    /// The code table.
    pub system: Cow<'t, str>,
    /// The code as sent.
    pub code: Cow<'t, str>,
}

/// A converted value and what is to be said about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Converted<T> {
    /// The value.
    pub value: T,
    /// A remark that goes into the report although the value is carried.
    pub remark: Option<(LossKind, &'static str)>,
}

impl<T> Converted<T> {
    fn exact(value: T) -> Self {
        Self { value, remark: None }
    }
    fn noted(value: T, kind: LossKind, note: &'static str) -> Self {
        Self { value, remark: Some((kind, note)) }
    }
}

/// Why there is no value.
pub type Refusal = (LossKind, &'static str);
/// What reading gives.
pub type ReadResult<'t> = Result<Converted<Value<'t>>, Refusal>;
/// What writing gives: the native text.
pub type WriteResult<'t> = Result<Converted<Cow<'t, str>>, Refusal>;

const INVALID: Refusal = (LossKind::InvalidValue, "the value is not of this type");

/// Names of the converters that take no table, for "did you mean".
pub const NAMES: [&str; 24] = [
    "text",
    "int",
    "decimal",
    "bool",
    "bool-loose",
    "date",
    "partial-date",
    "instant",
    "local-time",
    "date-or-instant",
    "hl7-partial-date",
    "hl7-instant",
    "hl7-bool",
    "hl7-lines",
    "nhs-number",
    "upn",
    "uln",
    "postcode",
    "quantity",
    "words",
    "lines",
    "base64-text",
    "code",
    "ref",
];

impl Convert {
    /// The converter with this name and argument.
    ///
    /// # Errors
    /// A sentence for the author of the mapping.
    pub fn named(name: &str, argument: Option<&str>) -> Result<Self, String> {
        let takes = matches!(name, "date" | "instant" | "local-time" | "hl7-instant" | "quantity");
        if argument.is_some() && !takes {
            return Err(format!("`{name}` takes no argument"));
        }
        Ok(match name {
            "text" => Self::Text,
            "int" => Self::Int,
            "decimal" => Self::Decimal,
            "bool" => Self::Bool,
            "bool-loose" => Self::BoolLoose,
            "not" => Self::Not,
            "date" => Self::Date(dates::Layout::parse(argument.unwrap_or("yyyy-mm-dd"))?),
            "partial-date" => Self::PartialDate,
            "instant" => Self::Instant(zone(argument)?),
            "local-time" => {
                let zone = argument.ok_or("`local-time` needs a time zone in quotes")?;
                Self::LocalTime(jiff::tz::TimeZone::get(zone).map_err(|_| "this is not a time zone".to_owned())?)
            }
            "date-or-instant" => Self::DateOrInstant,
            "hl7-partial-date" => Self::Hl7PartialDate,
            "hl7-instant" => Self::Hl7Instant(zone(argument)?),
            "hl7-bool" => Self::Hl7Bool,
            "hl7-lines" => Self::Hl7Lines,
            "nhs-number" => Self::NhsNumber,
            "upn" => Self::Upn,
            "uln" => Self::Uln,
            "postcode" => Self::Postcode,
            "quantity" => Self::Quantity(argument.ok_or("`quantity` needs a unit in quotes")?.to_owned()),
            "words" => Self::Words,
            "lines" => Self::Lines,
            "base64-text" => Self::Base64Text,
            _ => return Err(format!("there is no converter `{name}`")),
        })
    }

    /// Native text to canonical value. `kind` is the native kind.
    ///
    /// # Errors
    /// Why not, as a kind of the report. References are not handled here but by the engine.
    pub fn read<'t>(&'t self, text: &'t str, kind: Kind) -> ReadResult<'t> {
        match self {
            Self::Text | Self::Ref(_) => Ok(Converted::exact(Value::One(Kind::String, text.into()))),
            Self::Int => plain::read_int(text, kind),
            Self::Decimal => plain::read_decimal(text),
            Self::Bool => plain::read_bool(text, plain::Spelling::Strict),
            Self::BoolLoose => plain::read_bool(text, plain::Spelling::Loose),
            Self::Not => plain::opposite(text).map(|t| Converted::exact(Value::One(Kind::Bool, t.into()))),
            Self::Date(layout) => dates::read_date(text, layout),
            Self::PartialDate => dates::read_partial(text),
            Self::Instant(zone) => dates::read_instant(text, zone.as_ref()),
            Self::LocalTime(zone) => dates::read_local(text, zone),
            Self::DateOrInstant => dates::read_either(text),
            Self::Hl7PartialDate => hl7::read_partial(text),
            Self::Hl7Instant(zone) => hl7::read_instant(text, zone.as_ref()),
            Self::Hl7Bool => hl7::read_bool(text),
            Self::Hl7Lines => Ok(hl7::read_lines(text)),
            Self::Code(table) => read_code(table, text),
            Self::NhsNumber => checked::read(text, nhs_number_check, checked::Form::Digits),
            Self::Upn => checked::read(text, upn_check, checked::Form::Compact),
            Self::Uln => checked::read(text, uln_check, checked::Form::Digits),
            Self::Postcode => plain::read_postcode(text),
            Self::Quantity(unit) => plain::read_quantity(text, unit),
            Self::Words => plain::read_words(text),
            Self::Lines => Ok(plain::read_lines(text)),
            Self::Base64Text => plain::read_base64(text),
        }
    }

    /// Canonical value to native text.
    ///
    /// # Errors
    /// Why not, as a kind of the report.
    pub fn write<'t>(&'t self, value: &'t Value<'t>) -> WriteResult<'t> {
        match (self, value) {
            (Self::Code(table), Value::Codes(codes, recorded)) => write_code(table, codes, recorded.as_ref()),
            (Self::Quantity(unit), Value::Quantity(number, own)) => plain::write_quantity(number, own, unit),
            (Self::Words, Value::Many(words)) => plain::write_words(words),
            (_, Value::One(_, text)) => self.write_text(text),
            _ => Err(INVALID),
        }
    }

    fn write_text<'t>(&'t self, text: &'t str) -> WriteResult<'t> {
        match self {
            Self::Text | Self::Ref(_) | Self::Lines | Self::Hl7Lines => Ok(Converted::exact(text.into())),
            Self::NhsNumber | Self::Upn | Self::Uln | Self::Postcode => Ok(Converted::exact(text.into())),
            Self::Int | Self::Decimal => Ok(Converted::exact(text.into())),
            Self::Bool => Ok(Converted::exact(text.into())),
            Self::BoolLoose => plain::write_bool(text),
            Self::Not => plain::opposite(text).map(|t| Converted::exact(t.into())),
            Self::Hl7Bool => hl7::write_bool(text),
            Self::Date(layout) => dates::write_date(text, layout),
            Self::PartialDate | Self::DateOrInstant => Ok(Converted::exact(text.into())),
            Self::Instant(zone) => dates::write_instant(text, zone.as_ref()),
            Self::LocalTime(zone) => dates::write_local(text, zone),
            Self::Hl7PartialDate => hl7::write_partial(text),
            Self::Hl7Instant(_) => hl7::write_instant(text),
            Self::Base64Text => Ok(plain::write_base64(text)),
            Self::Code(_) | Self::Quantity(_) | Self::Words => Err(INVALID),
        }
    }
}

/// The time zone a converter names.
fn zone(name: Option<&str>) -> Result<Option<jiff::tz::TimeZone>, String> {
    name.map(|n| jiff::tz::TimeZone::get(n).map_err(|_| "this is not a time zone".to_owned())).transpose()
}

fn read_code<'t>(table: &'t CodeTable, text: &'t str) -> ReadResult<'t> {
    let own = || Some(Recorded { system: table.name.as_str().into(), code: text.into() });
    let Some(row) = table.read(text) else {
        // Small letters mean the same code, where the list has only one code of these letters.
        let mut alike = table.rows.iter().filter(|r| r.native != text && r.native.eq_ignore_ascii_case(text));
        let other = alike.next().filter(|r| alike.all(|o| o.native == r.native) && table.read(&r.native).is_some());
        if let Some(row) = other {
            let found = read_code(table, &row.native)?;
            return Ok(match found.remark {
                None => Converted::noted(found.value, LossKind::Normalised, "capital and small letters of the code"),
                Some(_) => found,
            });
        }
        let width = table.rows.first().map_or(1, |r| r.canonical.len());
        let codes = Codes::Several(vec![UNMAPPED.to_owned(); width]);
        return Ok(Converted::noted(Value::Codes(codes, own()), LossKind::CodeUnmapped, "the code table has no row"));
    };
    // Two native codes of one canonical code: only one comes back by itself, so the sender's word is kept.
    let codes = Codes::Row(&row.canonical);
    Ok(match (row.quality, row.returns) {
        (Quality::Exact, true) => Converted::exact(Value::Codes(codes, None)),
        (Quality::Exact, false) => Converted::exact(Value::Codes(codes, own())),
        _ => Converted::noted(
            Value::Codes(codes, own()),
            LossKind::CodeApproximated,
            "the code table's row is not exact; the sender's code is kept beside it",
        ),
    })
}

fn write_code<'t>(
    table: &'t CodeTable,
    canonical: &'t Codes<'t>,
    recorded: Option<&'t Recorded<'t>>,
) -> WriteResult<'t> {
    if let Some(own) = recorded.filter(|r| r.system == table.name) {
        // Our own word for it, as long as it still means what the record says.
        let still = match table.read(&own.code) {
            Some(row) => row.canonical.iter().map(String::as_str).eq(canonical.iter()),
            None => canonical.iter().all(|c| c == UNMAPPED),
        };
        if still {
            return Ok(Converted::exact((&*own.code).into()));
        }
    }
    let row = match canonical {
        Codes::One(code) => table.write(std::slice::from_ref(&&**code)),
        Codes::Row(codes) => table.write(codes),
        Codes::Several(codes) => table.write(codes),
    };
    match row {
        Some(row) if row.quality == Quality::Exact => Ok(Converted::exact(row.native.as_str().into())),
        Some(row) if row.native.is_empty() => Err((LossKind::CodeUnmapped, "the format has no code for it")),
        Some(row) => Ok(Converted::noted(
            row.native.as_str().into(),
            LossKind::CodeApproximated,
            "the code table's row is not exact",
        )),
        None => Err((LossKind::CodeUnmapped, "the code table has no row")),
    }
}
