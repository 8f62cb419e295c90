//! The CSV reader and writer: rows of one key as one document, what spreadsheets do to files, and hostile bytes.

use proptest::prelude::*;
use solent::diagnostic::Diagnostic;
use solent::document::csv::{Column, Keys, Layout, Rows, decode, header, read, write};
use solent::document::{Document, Limits};

const KEYS: Keys<'static> = Keys { key: "CHILD", shared: &["DOB"] };

fn layout() -> Layout {
    Layout { columns: ["CHILD", "DOB", "KIND", "START"].map(Column::named).into(), ..Layout::default() }
}

fn rows(text: &str) -> Rows {
    read(text, &layout(), &KEYS, &Limits::default()).unwrap()
}

fn refusal(text: &str) -> Diagnostic {
    read(text, &layout(), &KEYS, &Limits::default()).unwrap_err()
}

fn values(rows: &Rows) -> serde_json::Value {
    rows.documents.iter().map(|d| d.to_value(d.root())).collect()
}

fn written(rows: &Rows, layout: &Layout) -> String {
    let documents: Vec<&Document> = rows.documents.iter().collect();
    String::from_utf8(write(&documents, layout, &KEYS)).unwrap()
}

#[test]
fn rows_of_one_key_are_one_document_wherever_they_stand() {
    let read = rows("CHILD,DOB,KIND,START\n1,2010,M,a\n2,2011,A,b\n1,2010,A,c\n");
    assert_eq!(
        values(&read),
        serde_json::json!([
            {"CHILD": "1", "DOB": "2010", "rows": [{"KIND": "M", "START": "a"}, {"KIND": "A", "START": "c"}]},
            {"CHILD": "2", "DOB": "2011", "rows": [{"KIND": "A", "START": "b"}]}
        ])
    );
    assert!(read.warnings.is_empty());
    assert_eq!(written(&read, &layout()), "CHILD,DOB,KIND,START\n1,2010,M,a\n1,2010,A,c\n2,2011,A,b\n");
}

#[test]
fn an_empty_cell_is_missing_and_a_row_of_nothing_is_no_row() {
    let read = rows("CHILD,DOB,KIND,START\r\n1,,M,\r\n, ,,\r\n\r\n2,2011,,\r\n");
    assert_eq!(
        values(&read),
        serde_json::json!([{"CHILD": "1", "rows": [{"KIND": "M"}]}, {"CHILD": "2", "DOB": "2011"}])
    );
}

#[test]
fn of_shared_columns_that_disagree_the_first_stays() {
    let read = rows("CHILD,DOB,KIND,START\n1,,M,a\n1,2010,M,b\n1,2011,M,c\n");
    assert_eq!(values(&read).pointer("/0/DOB"), Some(&serde_json::json!("2010")));
    assert_eq!(values(&read).pointer("/0/rows/2/DOB"), Some(&serde_json::json!("2011")));
    assert_eq!(read.warnings[0].position.map(|p| (p.line, p.column)), Some((4, 3)));
}

#[test]
fn two_rows_without_a_key_stay_two_people() {
    let read = rows("CHILD,DOB,KIND,START\n,2010,M,a\n,2010,M,b\n");
    assert_eq!(read.documents.len(), 2);
}

#[test]
fn columns_come_in_any_order_and_strangers_stay() {
    let read = rows("EXTRA,start,DOB, CHILD ,KIND\nx,a,2010,1,M\n");
    assert_eq!(
        values(&read),
        serde_json::json!([{"CHILD": "1", "DOB": "2010", "rows": [{"EXTRA": "x", "START": "a", "KIND": "M"}]}])
    );
    assert!(read.warnings[0].message.contains("1 columns are not known"), "{:?}", read.warnings);
    let read = rows("CHILD,DOB\n1,2010\n");
    assert!(read.warnings[0].message.contains("lacks 2 columns of the format: `KIND`, `START`"));
}

#[test]
fn quotes_delimiters_and_line_ends_of_spreadsheets_are_read() {
    let read = rows("\"CHILD\"\t\"DOB\"\t\"KIND\"\t\"START\"\r\"1\"\t2010\t\"a \"\"b\"\"\n,c\"\td\r");
    assert_eq!(values(&read).pointer("/0/rows/0/KIND"), Some(&serde_json::json!("a \"b\"\n,c")));
    assert_eq!(written(&read, &layout()), "CHILD,DOB,KIND,START\n1,2010,\"a \"\"b\"\"\n,c\",d\n");
    let layout = Layout { quote_all: true, crlf: true, mark: true, ..layout() };
    let plain = rows("CHILD,DOB,KIND,START\n1,2010,M,\n");
    assert_eq!(
        written(&plain, &layout),
        "\u{feff}\"CHILD\",\"DOB\",\"KIND\",\"START\"\r\n\"1\",\"2010\",\"M\",\"\"\r\n"
    );
}

#[test]
fn headers_of_people_are_found_by_what_the_schema_says() {
    let mut layout = layout();
    layout.columns[1].headers = vec!["Date of Birth".into(), "D.O.B.".into()];
    for name in ["Date of Birth", "date  of birth", "D.O.B."] {
        let read = read(&format!("CHILD,{name},KIND,START\n1,2010,,\n"), &layout, &KEYS, &Limits::default()).unwrap();
        assert_eq!(values(&read).pointer("/0/DOB"), Some(&serde_json::json!("2010")), "{name}");
        assert!(written(&read, &layout).starts_with("CHILD,Date of Birth,"));
    }
    assert_eq!(header("\n a ,\"b c\"\n").unwrap(), ["a", "b c"]);
}

#[test]
fn a_finding_names_line_and_column_and_no_content() {
    let place = |d: &Diagnostic| d.position.map(|p| (p.line, p.column)).unwrap();
    for (text, code, at) in [
        ("", "SOL-DOC-SYNTAX", None),
        ("DOB,KIND\n1,2\n", "SOL-DOC-SYNTAX", Some((1, 1))),
        ("CHILD,DOB,KIND,DOB\n1,2,3,4\n", "SOL-DOC-FORBIDDEN", Some((1, 16))),
        ("CHILD,DOB,KIND,START\n1,2010,M,a,Zebedee\n", "SOL-DOC-SYNTAX", Some((2, 12))),
        ("CHILD,DOB,\n1,2010,Zebedee\n", "SOL-DOC-SYNTAX", Some((2, 8))),
        ("CHILD,DOB,KIND,START\n1,2010,\"Zebedee,a\n2,2011,M,b\n", "SOL-DOC-SYNTAX", Some((2, 8))),
        ("CHILD,DOB,KIND,START\n1,2010,M\0,a\n", "SOL-DOC-FORBIDDEN", Some((2, 9))),
    ] {
        let found = refusal(text);
        assert_eq!(found.code.as_str(), code, "{text:?}");
        assert_eq!(at.map(|_| place(&found)), at, "{text:?}: {found}");
        assert!(!found.to_string().contains("Zebedee"), "{found}");
    }
    let short = rows("CHILD,DOB,KIND,START\n1,2010,M,a\n2,2011\n");
    assert_eq!(place(&short.warnings[0]), (3, 1));
}

#[test]
fn limits_hold_while_reading() {
    let many = format!("CHILD,DOB,KIND,START\n{}", "1,2010,M,a\n".repeat(1_001));
    assert_eq!(refusal(&many).code.as_str(), "SOL-DOC-LIMIT");
    let small = Limits { nodes_max: 10, ..Limits::default() };
    let text = "CHILD,DOB,KIND,START\n1,2010,M,a\n2,2010,M,a\n3,2010,M,a\n";
    assert_eq!(read(text, &layout(), &KEYS, &small).unwrap_err().code.as_str(), "SOL-DOC-LIMIT");
    assert_eq!(refusal(&format!("CHILD{}\n", ",".repeat(1_001))).code.as_str(), "SOL-DOC-LIMIT");
    let long = Limits { bytes_max: 3, ..Limits::default() };
    assert_eq!(decode(b"CHILD", &long).unwrap_err().code.as_str(), "SOL-DOC-LIMIT");
}

#[test]
fn a_line_end_beside_a_key_is_no_part_of_it() {
    let found = rows("CHILD,DOB,KIND,START\n1,2010,,\n\"1\n\",2010,,\n");
    assert_eq!(values(&found), serde_json::json!([{"CHILD": "1", "DOB": "2010"}]));
    assert!(found.warnings.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn hostile_bytes_are_read_or_refused_and_never_more(bytes in proptest::collection::vec(
        prop_oneof![Just(b','), Just(b'"'), Just(b'\n'), Just(b'\r'), Just(b'C'), any::<u8>()], 0..200)) {
        let mut file = b"CHILD,DOB,KIND,START\n".to_vec();
        file.extend(bytes);
        let limits = Limits::default();
        let Ok((text, _)) = decode(&file, &limits) else { return Ok(()) };
        if let Ok(found) = read(&text, &layout(), &KEYS, &limits) {
            let again = written(&found, &layout());
            let second = read(&again, &layout(), &KEYS, &limits).unwrap();
            prop_assert_eq!(written(&second, &layout()), again);
        }
    }

    #[test]
    fn what_is_written_is_read_again(cells in proptest::collection::vec("[ -~é\n\"]{0,8}", 8)) {
        // Rows of one key that disagree in a shared column are reported, and the first alone is written.
        let mut cells = cells;
        if cells[0].trim() == cells[4].trim() {
            cells[5] = cells[1].clone();
        }
        let quote = |c: &String| format!("\"{}\"", c.replace('"', "\"\""));
        let line = |c: &[String]| c.iter().map(quote).collect::<Vec<_>>().join(",");
        let text = format!("CHILD,DOB,KIND,START\n{}\n{}\n", line(&cells[..4]), line(&cells[4..]));
        let first = rows(&text);
        let second = rows(&written(&first, &layout()));
        prop_assert_eq!(values(&first), values(&second));
    }
}
