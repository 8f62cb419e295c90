//! The laws L1 to L8 of the mapping language one by one, over our own messages. `laws.rs` holds them together over damaged
//! and generated ones, `conserve.rs` over mutated ones, the fuzz targets over any bytes.

use super::laws::{conserved, foretold, labels_rise, read, same, write};
use super::refusals::changed;
use super::{context, here, own_messages, writing};
use solent::mapping::{Grade, LossKind};
use solent::record::Record;

/// Every message of ours with what is read from it.
fn each(mut law: impl FnMut(&str, &[u8], &[Record])) {
    for (format, file) in own_messages() {
        let bytes = std::fs::read(&file).unwrap();
        let (records, _) = read(format, &bytes).unwrap();
        law(format, &bytes, &records);
    }
}

#[test]
fn l1_reading_a_message_that_breaks_off_anywhere_returns() {
    for (format, file) in own_messages() {
        let bytes = std::fs::read(&file).unwrap();
        for part in 0..12 {
            if let Some((records, _)) = read(format, &bytes[..bytes.len() * part / 12]) {
                let _ = write(format, &records);
            }
        }
    }
}

#[test]
fn l2_every_value_is_carried_or_reported() {
    each(|format, bytes, records| {
        conserved(&read(format, bytes).unwrap().1);
        if let Some((_, loss)) = write(format, records) {
            conserved(&loss);
        }
    });
}

#[test]
fn l3_a_message_without_a_loss_comes_back_value_for_value() {
    let mut shown = 0;
    for (format, file) in own_messages().into_iter().filter(|(format, _)| *format == "cin-census") {
        let bytes = std::fs::read(&file).unwrap();
        let (records, loss) = read(format, &bytes).unwrap();
        if loss.entries.iter().all(|e| e.severity == Grade::Info && e.kind != LossKind::Normalised) {
            assert!(write(format, &records).unwrap().0 == bytes, "{}", file.display());
            shown += 1;
        }
    }
    assert!(shown > 0, "no message of ours is without a loss");
}

#[test]
fn l4_what_is_written_without_a_loss_is_read_as_the_same_record() {
    let mut shown = 0;
    each(|format, _, records| {
        let Some((written, loss)) = write(format, records) else { return };
        if loss.entries.iter().any(|e| e.kind != LossKind::Supplied) {
            return;
        }
        let (back, _) = read(format, &written).unwrap();
        for (a, b) in records.iter().zip(&back) {
            assert!(a.segments().len() == b.segments().len(), "{format}");
        }
        shown += 1;
    });
    assert!(shown > 0, "every message of ours loses something when it is written");
}

#[test]
fn l5_what_was_written_once_is_written_the_same_again() {
    each(|format, _, records| {
        let Some((written, _)) = write(format, records) else { return };
        let (settled, _) = read(format, &written).unwrap();
        assert!(same(&written, &write(format, &settled).unwrap().0), "{format}");
    });
}

#[test]
fn l6_every_entry_of_a_report_is_foretold() {
    each(|format, bytes, records| {
        foretold(format, &read(format, bytes).unwrap().1);
        if let Some((_, loss)) = write(format, records) {
            foretold(format, &loss);
        }
    });
}

#[test]
fn l7_no_label_comes_back_lower() {
    each(|format, _, records| {
        let Some((written, loss)) = write(format, records) else { return };
        labels_rise(records, &read(format, &written).unwrap().0, &loss);
    });
}

#[test]
fn l8_the_same_message_gives_the_same_bytes() {
    each(|format, bytes, records| {
        let again = read(format, bytes).unwrap().0;
        let text = |records: &[Record]| write("canonical", records).unwrap().0;
        assert!(text(records) == text(&again), "{format}");
        assert!(write(format, records).map(|w| w.0) == write(format, &again).map(|w| w.0), "{format}");
    });
}

#[test]
fn l8_the_order_of_unrelated_rules_does_not_matter() {
    let (first, second) = (
        "      InitialCategoryOfAbuse <-> abuse.initial  : code abuse-category\n",
        "      LatestCategoryOfAbuse  <-> abuse.latest   : code abuse-category\n",
    );
    let other = changed(&format!("{first}{second}"), &format!("{second}{first}")).unwrap();
    for name in
        ["docs/demo/harbourshire-census.xml", "tests/cases/mappings/cin-census/census/pre-proceedings/input.xml"]
    {
        let bytes = std::fs::read(here(name)).unwrap();
        let ours = read("cin-census", &bytes).unwrap().0;
        let theirs: Vec<Record> =
            other.read("cin-census", &bytes, &context()).unwrap().into_iter().map(|r| r.record).collect();
        assert_eq!(ours.len(), theirs.len());
        for (a, b) in ours.iter().zip(&theirs) {
            // Which mapping read it, with its digest, differs; nothing else does.
            let segments = |r: &Record| r.segments().iter().map(|s| s.id.clone()).collect::<Vec<_>>();
            assert_eq!(segments(a), segments(b));
        }
        let written = other.write("cin-census", &ours, &writing()).unwrap().bytes;
        assert!(written == write("cin-census", &ours).unwrap().0);
    }
}
