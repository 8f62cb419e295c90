//! Our JSON reader and writer against `serde_json`.

use proptest::prelude::*;
use serde_json::Value;
use solent::diagnostic::code;
use solent::document::{Limits, Style, json};

fn value() -> impl Strategy<Value = Value> {
    let text = "[ -~é漢🦀\\n\\t\"\\\\]{0,8}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        "-?(0|[1-9][0-9]{0,30})([.][0-9]{1,20})?([eE][+-]?[0-9]{1,2})?"
            .prop_map(|t| Value::Number(serde_json::from_str(&t).unwrap())),
        text.prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::btree_map(text, inner, 0..20)
                .prop_map(|m| Value::Object(m.into_iter().collect::<serde_json::Map<_, _>>())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_read_and_write_the_same(value in value(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let tree = json::read(text.as_bytes(), &Limits::default()).unwrap();
        prop_assert_eq!(&tree.to_value(tree.root()), &value);
        for style in [Style::Compact, Style::Pretty] {
            let written = json::write(&tree, tree.root(), style);
            prop_assert_eq!(&serde_json::from_slice::<Value>(&written).unwrap(), &value);
        }
        prop_assert_eq!(json::write(&tree, tree.root(), Style::Compact), serde_json::to_vec(&value).unwrap());
    }

    /// Damaged text: both refuse, or both accept with one meaning, or ours refuses what it says it always refuses.
    #[test]
    fn both_agree_on_damaged_text(value in value(), cuts in prop::collection::vec((any::<usize>(), any::<u8>(), 0..3u8), 1..4)) {
        let mut bytes = serde_json::to_vec(&value).unwrap();
        for (at, byte, how) in cuts {
            let at = at % (bytes.len() + 1);
            let byte = if byte % 2 == 0 { b"{}[]\",:\\0-.eEtfnu \x00\xff"[usize::from(byte / 2) % 20] } else { byte };
            match how {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => bytes[at] = byte,
                _ => bytes.truncate(at),
            }
        }
        let theirs = serde_json::from_slice::<Value>(&bytes);
        match (json::read(&bytes, &Limits::default()), theirs) {
            (Ok(tree), Ok(value)) => prop_assert_eq!(tree.to_value(tree.root()), value),
            (Ok(_), Err(e)) => prop_assert!(false, "only we accept: {e}"),
            (Err(d), Ok(_)) => prop_assert_eq!(d.code, code::DOC_FORBIDDEN, "only we refuse: {}", d),
            (Err(_), Err(_)) => {}
        }
    }

    #[test]
    fn any_bytes_at_all_give_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = json::read(&bytes, &Limits::default());
    }
}

#[test]
fn what_two_readers_could_understand_differently_is_refused() {
    let far = format!("{{{}\"a\":1,\"a\":2}}", (0..100).map(|i| format!("\"k{i}\":0,")).collect::<String>());
    for (text, wanted, position) in [
        (r#"{"a":1,"b":{"a":1},"a":2}"#, code::DOC_FORBIDDEN, Some((1, 24))),
        (r#"{"a":1,"\u0061":2}"#, code::DOC_FORBIDDEN, None),
        (far.as_str(), code::DOC_FORBIDDEN, None),
        (r#"["\u0000"]"#, code::DOC_FORBIDDEN, None),
        ("[\"\u{0}\"]", code::DOC_FORBIDDEN, None),
        (r#"["\ud800"]"#, code::DOC_FORBIDDEN, None),
        (r#"["\udc00\ud800"]"#, code::DOC_FORBIDDEN, None),
        (r#"["\ud800x"]"#, code::DOC_FORBIDDEN, None),
        (r#"["\ud800A"]"#, code::DOC_FORBIDDEN, None),
        ("{} {}", code::DOC_SYNTAX, Some((1, 4))),
        ("[1,]", code::DOC_SYNTAX, None),
        ("[01]", code::DOC_SYNTAX, None),
        ("{\"a\"\n:\n}", code::DOC_SYNTAX, Some((3, 1))),
        ("", code::DOC_SYNTAX, Some((1, 1))),
        ("{\"a\":", code::DOC_SYNTAX, None),
        ("nul", code::DOC_SYNTAX, None),
        ("NaN", code::DOC_SYNTAX, None),
    ] {
        let refused = json::read(text.as_bytes(), &Limits::default()).unwrap_err();
        assert_eq!(refused.code, wanted, "{text}: {refused}");
        let place = refused.position.map(|p| (p.line, p.column));
        assert!(place.is_some() && (position.is_none() || place == position), "{text}: {refused}");
    }
    assert!(json::read(b"\xEF\xBB\xBF{}", &Limits::default()).is_ok());
    assert_eq!(json::read(b"[\"\xff\"]", &Limits::default()).unwrap_err().code, code::DOC_SYNTAX);
    let tree = json::read(br#"["\ud83e\udd80\u00e9\/"]"#, &Limits::default()).unwrap();
    assert_eq!(tree.text(tree.item(tree.root(), 0).unwrap()), Some("🦀é/"));
}

#[test]
fn an_error_names_the_place_and_never_the_text() {
    let text = "{\"patient\":{\"Dana Lane\":[1,{\"9990000018\":x";
    let refused = json::read(text.as_bytes(), &Limits::default()).unwrap_err().to_string();
    assert!(refused.contains("/patient/*/1"), "{refused}");
    assert!(!refused.contains("Dana") && !refused.contains("999"), "{refused}");
}

#[test]
fn numbers_keep_their_text() {
    let text = "[1.0,1.00,-0,1e2,12345678901234567890123,0.10]";
    let tree = json::read(text.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(json::write(&tree, tree.root(), Style::Compact), text.as_bytes());
}
