//! The vectors of the audit paper §7, the signed-note document, and the negative tests.

use super::*;
use crate::audit::merkle::Hash;

const VKEY: &str = "audit.example.org/log1+17846be1+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
const WITNESS: &str = "witness.example.net/w1+669be294+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";
const TEXT: &str = "audit.example.org/log1\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n";
const LOG_LINE: &str = "\u{2014} audit.example.org/log1 F4Rr4XZtMSn4D9GVe8xsw0IwIK2fYlck2FoOn5VfHAdgOXy8lQc9Cju+FyCm18QHg0vI8tZXujC7PxtoxlfAXzw1gg8=";
const WITNESS_LINE: &str = "\u{2014} witness.example.net/w1 ZpvilAAAAABqsTuA+on+OqU6ENxmwJDeJvx8hqM6GNk5chD8yHUJLVgKZMvtEPNcrcILHZXvdLP/RP3Ioaus1hv1ptA9d8KmzCe+Aw==";

fn seed(from: u8) -> [u8; 32] {
    std::array::from_fn(|i| from + u8::try_from(i).unwrap())
}
fn origin() -> Origin {
    Origin::parse("audit.example.org/log1").unwrap()
}
fn log() -> Signer {
    Signer::log(origin(), &seed(0)).unwrap()
}
fn witness() -> Signer {
    Signer::witness(Origin::parse("witness.example.net/w1").unwrap(), &seed(32)).unwrap()
}
fn note() -> String {
    format!("{TEXT}\n{LOG_LINE}\n")
}

/// Audit paper §7, "Signed note".
#[test]
fn the_checkpoint_of_the_paper_is_reproduced_and_verifies() {
    assert_eq!(log().vkey().to_string(), VKEY);
    let root = Hash::from_hex("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328").unwrap();
    let made = log().checkpoint(8, root);
    assert_eq!(made.to_text(), note());
    let (checkpoint, verified) = Checkpoint::open(note().as_bytes(), &[Vkey::parse(VKEY).unwrap()]).unwrap();
    assert_eq!((checkpoint.size, checkpoint.root, checkpoint.origin), (8, root, origin()));
    assert_eq!(verified.len(), 1);
}

/// Audit paper §7, witness line.
#[test]
fn the_cosignature_of_the_paper_is_reproduced_and_verifies() {
    assert_eq!(witness().vkey().to_string(), WITNESS);
    let signature = witness().sign(TEXT, 1_790_000_000);
    assert_eq!(signature.to_string(), WITNESS_LINE);
    let both = format!("{TEXT}\n{LOG_LINE}\n{WITNESS_LINE}\n");
    let keys = [Vkey::parse(VKEY).unwrap(), Vkey::parse(WITNESS).unwrap()];
    let (_, verified) = Checkpoint::open(both.as_bytes(), &keys).unwrap();
    assert_eq!(verified.last().unwrap().signed, Signed::Witness { seconds: 1_790_000_000 });
}

/// The signed-note document's own example (audit paper §7, "External check vector").
#[test]
fn the_example_of_the_signed_note_document_verifies() {
    let vkey = Vkey::parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k").unwrap();
    let text = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    let note = Note::parse(text.as_bytes()).unwrap();
    assert_eq!(note.text(), "This is an example message.\n");
    assert!(note.verify([&vkey]).is_ok());
}

#[test]
fn any_changed_bit_of_a_signed_checkpoint_is_refused() {
    let keys = [Vkey::parse(VKEY).unwrap()];
    let good = note().into_bytes();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            assert!(Checkpoint::open(&bytes, &keys).is_err(), "byte {at} bit {bit}");
        }
    }
}

#[test]
fn a_known_key_with_a_wrong_signature_rejects_even_beside_a_good_one() {
    let keys = [Vkey::parse(VKEY).unwrap(), Vkey::parse(WITNESS).unwrap()];
    let bad = witness().sign("another text\n", 1).to_string();
    let text = format!("{TEXT}\n{LOG_LINE}\n{bad}\n");
    assert!(matches!(Checkpoint::open(text.as_bytes(), &keys), Err(NoteError::BadSignature { .. })));
    // The same line by a key nobody knows is ignored.
    assert!(Checkpoint::open(text.as_bytes(), &keys[..1]).is_ok());
}

#[test]
fn a_note_by_unknown_keys_only_is_refused_and_says_whose_it_is() {
    let other = Signer::log(origin(), &seed(7)).unwrap();
    let text = other.checkpoint(8, Hash::default()).to_text();
    let Err(NoteError::UnknownKey { found }) = Checkpoint::open(text.as_bytes(), &[Vkey::parse(VKEY).unwrap()]) else {
        panic!("accepted")
    };
    assert_eq!(found, format!("audit.example.org/log1 ({})", other.vkey().id()));
    // A witness's signature alone does not make a checkpoint the log's.
    let witnessed = format!("{TEXT}\n{WITNESS_LINE}\n");
    assert!(Checkpoint::open(witnessed.as_bytes(), &[Vkey::parse(WITNESS).unwrap()]).is_err());
}

#[test]
fn sixteen_signatures_and_more_are_accepted_and_too_many_are_not() {
    let keys = [Vkey::parse(VKEY).unwrap()];
    for (count, fine) in [(15, true), (SIGNATURES_MAX - 1, true), (SIGNATURES_MAX, false)] {
        let others = format!("{WITNESS_LINE}\n").repeat(count);
        let text = format!("{TEXT}\n{others}{LOG_LINE}\n");
        assert_eq!(Checkpoint::open(text.as_bytes(), &keys).is_ok(), fine, "{count}");
    }
}

#[test]
fn other_spellings_of_a_note_are_refused() {
    for bad in [
        note().replace('\n', "\r\n"),
        note().replace("\u{2014} ", "- "),
        note().trim_end().to_owned(),
        format!("{TEXT}{LOG_LINE}\n"),
        format!("{TEXT}\n"),
        format!("{TEXT}\n{LOG_LINE}\n\n"),
        format!("{TEXT}\n\n{LOG_LINE}\n"),
        note().replace("gg8=", "gg8"),
        note().replace("\u{2014} audit", "\u{2014}  audit"),
        note().replace("log1\n8", "log1\n8\u{7}"),
    ] {
        assert!(Checkpoint::open(bad.as_bytes(), &[Vkey::parse(VKEY).unwrap()]).is_err(), "{bad:?}");
    }
}

#[test]
fn a_checkpoint_has_one_spelling() {
    assert!(Checkpoint::parse(TEXT).is_ok());
    for (from, to) in [
        ("\n8\n", "\n08\n"),
        ("\n8\n", "\n+8\n"),
        ("\n8\n", "\n 8\n"),
        ("\n8\n", "\n\n"),
        ("\n8\n", "\n-8\n"),
        ("\n8\n", "\n18446744073709551616\n"),
        ("Qyg=\n", "Qyg=\r\n"),
        ("Qyg=\n", "Qyg=\n\n"),
        ("Qyg=\n", "Qyg\n"),
        ("Qyg=\n", "Qyh=\n"),
        ("Qyg=\n", "Qyg="),
        ("audit.", "audit+"),
        ("audit.", "audit "),
    ] {
        assert!(Checkpoint::parse(&TEXT.replacen(from, to, 1)).is_err(), "{from:?} -> {to:?}");
    }
    let extended = format!("{TEXT}more\n");
    assert_eq!(Checkpoint::parse(&extended).unwrap().extensions, ["more"]);
    assert_eq!(Checkpoint::parse(&extended).unwrap().to_text(), extended);
    let empty = Checkpoint { origin: origin(), size: 0, root: super::super::merkle::empty_root(), extensions: vec![] };
    assert_eq!(Checkpoint::parse(&empty.to_text()).unwrap(), empty);
}

#[test]
fn a_verifier_key_must_carry_its_own_id() {
    assert_eq!(Vkey::parse(&VKEY.replace("17846be1", "17846be2")), Err(NoteError::VkeyId));
    assert_eq!(Vkey::parse(&VKEY.replace("log1", "log2")), Err(NoteError::VkeyId));
    assert_eq!(Vkey::parse(&VKEY.replace("17846be1", "17846BE1")), Err(NoteError::Vkey));
    assert_eq!(Vkey::parse("name+17846be1"), Err(NoteError::Vkey));
    assert_eq!(Vkey::parse("name+17846be1+AQ=="), Err(NoteError::KeyLength));
    assert_eq!(Vkey::parse("+17846be1+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"), Err(NoteError::Origin));
}

#[test]
fn debug_never_shows_a_private_key() {
    let text = format!("{:?}", log());
    assert_eq!(text, format!("Signer({VKEY})"));
}
