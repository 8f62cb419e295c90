//! Local accounts from the first command to the first page: means given while the gateway is down, then name, password and code.

use crate::demo::Served;
use crate::visitor::Visitor;
use solent::clock::Clock;
use solent::trust::means;

/// Wrong tries in a row after which an account waits (sign-in of `docs/guides/pages.md`).
const TRIES: usize = 5;

#[test]
fn an_account_signs_in_with_the_means_it_was_given_and_waits_after_five_wrong_tries() {
    let mut served = Served::prepare();
    let given = served.solent(&[
        "accounts",
        "give",
        "--account",
        "acc-01",
        "--name",
        "Priya.Nair@example.org",
        "--shown",
        "Priya",
        "--by",
        "acc-01",
    ]);
    let password = word_after(&given, "password");
    let secret = base32(&word_after(&given, "codes"));
    let other =
        served.solent(&["accounts", "give", "--account", "acc-02", "--name", "leah", "--shown", "L", "--by", "acc-01"]);
    served.start();
    let mut visitor = Visitor::to(&served.base, &served.authority());
    let sign_in = |visitor: &mut Visitor, name: &str, password: &str, code: &str| {
        visitor.post("/sign-in", &[("name", name), ("password", password), ("code", code)])
    };
    let code = means::code_at(&secret, Clock::system().now()).unwrap();
    assert_eq!(sign_in(&mut visitor, "priya.nair@example.org", &password, "000000").status, 422);
    assert_eq!(sign_in(&mut visitor, "priya.nair@example.org", "wrong wrong wrong", &code).status, 422);
    assert_eq!(sign_in(&mut visitor, " priya.nair@EXAMPLE.org", &password, &code).status, 303);
    assert!(visitor.get("/families").body.contains("Priya"));
    // The code was used.
    let mut second = Visitor::to(&served.base, &served.authority());
    assert_eq!(sign_in(&mut second, "priya.nair@example.org", &password, &code).status, 422);
    // Five wrong tries: then even the right means do not help, and the words are the same.
    let (password, secret) = (word_after(&other, "password"), base32(&word_after(&other, "codes")));
    let mut wrong = String::new();
    for _ in 0..TRIES {
        wrong = sign_in(&mut second, "leah", "wrong wrong wrong", "000000").body;
    }
    let code = means::code_at(&secret, Clock::system().now()).unwrap();
    let locked = sign_in(&mut second, "leah", &password, &code);
    assert_eq!((locked.status, locked.body), (422, wrong));
    // The command does not work beside the running gateway: its log has one writer.
    let refused = served.try_solent(&[
        "accounts",
        "give",
        "--account",
        "acc-03",
        "--name",
        "m",
        "--shown",
        "M",
        "--by",
        "acc-01",
    ]);
    assert!(!refused.status.success());
    // Outside a demo nobody walks as somebody else.
    assert_eq!(second.get("/demo").status, 404);
    assert_eq!(second.post("/demo", &[("account", "acc-01")]).status, 404);
}

fn word_after(text: &str, name: &str) -> String {
    let line = text.lines().find(|l| l.starts_with(name)).unwrap_or_else(|| panic!("no {name}"));
    line[name.len()..].split_whitespace().next().unwrap().to_owned()
}

/// RFC 4648 base 32, without padding.
fn base32(text: &str) -> Vec<u8> {
    let (mut bits, mut held, mut bytes) = (0_u32, 0_u32, Vec::new());
    for c in text.bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'2'..=b'7' => c - b'2' + 26,
            _ => continue,
        };
        held = (held << 5) | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).unwrap());
        }
    }
    bytes
}
