//! Texts, numbers, truth values, units and lists.

use super::{Converted, INVALID, ReadResult, Value, WriteResult};
use crate::document::Kind;
use crate::mapping::loss::LossKind;
use base64::Engine as _;
use std::borrow::Cow;

/// How a truth value may be spelt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// `true` and `false`.
    Strict,
    /// Also `0`, `1` and any case.
    Loose,
}

pub(super) fn read_int(text: &str, kind: Kind) -> ReadResult<'_> {
    let number: i64 = text.trim().parse().map_err(|_| INVALID)?;
    let plain = number.to_string();
    // JSON numbers have one spelling; a text may have leading zeros or blanks.
    Ok(if plain == text || kind == Kind::Number {
        Converted::exact(Value::One(Kind::Number, plain.into()))
    } else {
        Converted::noted(
            Value::One(Kind::Number, plain.into()),
            LossKind::Normalised,
            "leading zeros or blanks left out",
        )
    })
}

pub(super) fn read_decimal(text: &str) -> ReadResult<'_> {
    is_json_number(text).then(|| Converted::exact(Value::One(Kind::Number, text.into()))).ok_or(INVALID)
}

/// Whether the text is a number by the JSON grammar (RFC 8259 §6), so that it can be kept as written.
fn is_json_number(text: &str) -> bool {
    serde_json::from_str::<serde_json::Number>(text).is_ok_and(|n| n.to_string() == text) || {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        let all = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        all(whole) && all(part) && (whole == "0" || !whole.starts_with('0'))
    }
}

pub(super) fn read_bool(text: &str, spelling: Spelling) -> ReadResult<'static> {
    let value = |b: bool| Value::One(Kind::Bool, if b { "true" } else { "false" }.into());
    match (text, spelling) {
        ("true", Spelling::Strict) | ("1", Spelling::Loose) => Ok(Converted::exact(value(true))),
        ("false", Spelling::Strict) | ("0", Spelling::Loose) => Ok(Converted::exact(value(false))),
        (other, Spelling::Loose) if other.eq_ignore_ascii_case("true") || other.eq_ignore_ascii_case("false") => {
            let truth = other.eq_ignore_ascii_case("true");
            Ok(Converted::noted(value(truth), LossKind::Normalised, "written as 0 or 1"))
        }
        _ => Err(INVALID),
    }
}

/// `true` for `false` and back.
pub(super) fn opposite(text: &str) -> Result<&'static str, (LossKind, &'static str)> {
    match text {
        "true" => Ok("false"),
        "false" => Ok("true"),
        _ => Err(INVALID),
    }
}

pub(super) fn write_bool(text: &str) -> WriteResult<'static> {
    match text {
        "true" => Ok(Converted::exact("1".into())),
        "false" => Ok(Converted::exact("0".into())),
        _ => Err(INVALID),
    }
}

/// Upper case with one blank before the last three characters. Source: NHS Data Dictionary, POSTCODE; BS 7666.
pub(super) fn read_postcode(text: &str) -> ReadResult<'static> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_uppercase();
    let shape: String = compact
        .chars()
        .map(|c| {
            if c.is_ascii_digit() {
                '9'
            } else if c.is_ascii_uppercase() {
                'A'
            } else {
                '?'
            }
        })
        .collect();
    let known = ["A99AA", "A999AA", "AA99AA", "AA999AA", "A9A9AA", "AA9A9AA", "AAA9AA"].contains(&shape.as_str());
    let (Some(out), Some(inward)) = (
        compact.get(..compact.len().saturating_sub(3)).filter(|_| known),
        compact.get(compact.len().saturating_sub(3)..),
    ) else {
        return Err(INVALID);
    };
    let spaced = format!("{out} {inward}");
    Ok(if spaced == text {
        Converted::exact(Value::One(Kind::String, spaced.into()))
    } else {
        Converted::noted(
            Value::One(Kind::String, spaced.into()),
            LossKind::Normalised,
            "spacing or case of the postcode",
        )
    })
}

pub(super) fn read_quantity<'t>(text: &'t str, unit: &'t str) -> ReadResult<'t> {
    match read_decimal(text)?.value {
        Value::One(_, number) => Ok(Converted::exact(Value::Quantity(number, unit.into()))),
        _ => Err(INVALID),
    }
}

/// Only the same unit: exact factors between units come with the formats that need them.
pub(super) fn write_quantity<'t>(number: &'t str, own: &str, unit: &str) -> WriteResult<'t> {
    if own == unit {
        return Ok(Converted::exact(number.into()));
    }
    Err((LossKind::UnitNotConvertible, "the record's unit is not the format's and there is no exact factor"))
}

pub(super) fn read_words(text: &str) -> ReadResult<'static> {
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    if words.is_empty() {
        return Err(INVALID);
    }
    let joined = words.join(" ");
    let value = Value::Many(words);
    Ok(if joined == text {
        Converted::exact(value)
    } else {
        Converted::noted(value, LossKind::Normalised, "blanks between words")
    })
}

pub(super) fn write_words(words: &[String]) -> WriteResult<'static> {
    let joined = words.join(" ");
    Ok(if words.iter().any(|w| w.is_empty() || w.contains(char::is_whitespace)) {
        Converted::noted(joined.into(), LossKind::SplitGuessed, "an item has a blank in it and will be split when read")
    } else {
        Converted::exact(joined.into())
    })
}

pub(super) fn read_lines(text: &str) -> Converted<Value<'_>> {
    if !text.contains('\r') {
        return Converted::exact(Value::One(Kind::String, text.into()));
    }
    let plain = text.replace("\r\n", "\n").replace('\r', "\n");
    let same = plain == text;
    let value = Value::One(Kind::String, plain.into());
    if same { Converted::exact(value) } else { Converted::noted(value, LossKind::Normalised, "line ends") }
}

/// Base64 as in RFC 4648 §4, with the white space FHIR permits left out; the bytes must be UTF-8 text.
pub(super) fn read_base64(text: &str) -> ReadResult<'static> {
    let compact: Cow<'_, str> = if text.bytes().any(|b| b.is_ascii_whitespace()) {
        text.chars().filter(|c| !c.is_ascii_whitespace()).collect()
    } else {
        text.into()
    };
    let bytes = base64::engine::general_purpose::STANDARD.decode(compact.as_bytes()).map_err(|_| INVALID)?;
    let plain = String::from_utf8(bytes).map_err(|_| (LossKind::InvalidValue, "the attachment is not text"))?;
    let value = Value::One(Kind::String, plain.into());
    Ok(if compact == text {
        Converted::exact(value)
    } else {
        Converted::noted(value, LossKind::Normalised, "white space in base64")
    })
}

pub(super) fn write_base64(text: &str) -> Converted<Cow<'static, str>> {
    Converted::exact(base64::engine::general_purpose::STANDARD.encode(text).into())
}

#[cfg(test)]
mod tests {
    use super::super::Convert;
    use super::*;
    use proptest::prelude::*;

    fn named(name: &str) -> Convert {
        Convert::named(name, None).unwrap()
    }

    #[test]
    fn numbers_keep_their_text_and_loose_truth_values_their_meaning() {
        assert_eq!(named("decimal").read("1.00", Kind::Number).unwrap().value, Value::One(Kind::Number, "1.00".into()));
        assert!(named("decimal").read("1e", Kind::String).is_err());
        assert_eq!(named("int").read("007", Kind::String).unwrap().remark.map(|r| r.0), Some(LossKind::Normalised));
        assert_eq!(
            named("bool-loose").read("FALSE", Kind::String).unwrap().value,
            Value::One(Kind::Bool, "false".into())
        );
        assert!(named("bool").read("0", Kind::String).is_err());
    }

    #[test]
    fn a_postcode_is_spaced_and_a_wrong_one_is_refused() {
        let postcode = named("postcode");
        assert_eq!(postcode.read("po130aa", Kind::String).unwrap().value, Value::One(Kind::String, "PO13 0AA".into()));
        assert!(named("postcode").read("nowhere", Kind::String).is_err());
    }

    #[test]
    fn a_quantity_in_another_unit_is_not_converted_by_guess() {
        let quantity = Convert::named("quantity", Some("d")).unwrap();
        let weeks = Value::Quantity("3".into(), "wk".into());
        assert!(quantity.write(&weeks).is_err());
    }

    proptest! {
        #[test]
        fn what_a_plain_converter_reads_without_a_remark_it_writes_back(text in "\\PC{0,40}") {
            for name in ["text", "int", "decimal", "bool", "bool-loose", "not", "postcode", "words", "lines", "base64-text",
                "nhs-number", "upn", "uln", "partial-date", "instant", "date-or-instant", "date"] {
                let convert = named(name);
                if let Ok(read) = convert.read(&text, Kind::String) && read.remark.is_none() {
                    let value = match read.value {
                        Value::Checked(text, _) => Value::One(Kind::String, text),
                        other => other,
                    };
                    prop_assert_eq!(convert.write(&value).map(|w| w.value.into_owned()), Ok(text.clone()), "{}", name);
                }
            }
        }
        #[test]
        fn any_text_survives_base64_and_back(text in "\\PC{0,200}") {
            let convert = named("base64-text");
            let value = Value::One(Kind::String, text.as_str().into());
            let native = convert.write(&value).unwrap().value;
            prop_assert_eq!(convert.read(&native, Kind::String).unwrap().value, Value::One(Kind::String, text.as_str().into()));
        }
        #[test]
        fn words_without_blanks_survive(words in prop::collection::vec("[a-zA-Z'-]{1,12}", 1..6)) {
            let convert = named("words");
            let value = Value::Many(words.clone());
            let native = convert.write(&value).unwrap();
            prop_assert!(native.remark.is_none());
            prop_assert_eq!(convert.read(&native.value, Kind::String).unwrap().value, Value::Many(words));
        }
    }
}
