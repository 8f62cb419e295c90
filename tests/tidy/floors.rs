//! Floors: a module imports only from lower floors, floor-mates never import each other, floors 0 to 2 are pure.
//!
//! Owns no list of floors: the map at the top of `src/lib.rs` is the list, its `exceptions` line included, so the map
//! a newcomer reads cannot be out of date. Why: Cargo stops cycles between crates, not inside one.

use crate::source::{RustFile, line_of};
use std::collections::{BTreeMap, BTreeSet};

/// The floors as `src/lib.rs` draws them.
pub struct Map {
    floor_of: BTreeMap<String, u8>,
    exceptions: BTreeSet<(String, String)>,
    declared: BTreeSet<String>,
}

impl Map {
    /// Reads the `text` block of the crate's documentation and the `pub mod` lines.
    pub fn parse(lib: &str) -> Self {
        let declared: BTreeSet<String> = lib
            .lines()
            .filter_map(|l| l.strip_prefix("pub mod ").or_else(|| l.strip_prefix("mod ")))
            .map(|l| l.trim_end_matches(';').to_owned())
            .collect();
        let mut map = Self { floor_of: BTreeMap::new(), exceptions: BTreeSet::new(), declared };
        let block = lib.split("```text").nth(1).and_then(|b| b.split("```").next()).unwrap_or("");
        let mut floor = None;
        for line in block.lines().map(|l| l.trim_start_matches("//!").trim()) {
            if let Some(rest) = line.strip_prefix("exceptions") {
                map.exceptions.extend(rest.split(',').filter_map(|pair| {
                    let (from, to) = pair.split_once("->")?;
                    Some((from.trim().to_owned(), to.trim().to_owned()))
                }));
                continue;
            }
            let mut words = line.split_whitespace().peekable();
            if let Some(number) = words.peek().and_then(|w| w.parse::<u8>().ok()) {
                floor = Some(number);
                words.next();
                words.next(); // the floor's name
            }
            let Some(floor) = floor else { continue };
            for word in words.take_while(|w| map.declared.contains(*w)) {
                map.floor_of.insert(word.to_owned(), floor);
            }
        }
        map
    }
    fn may_import(&self, from: &str, to: &str) -> bool {
        match (self.floor_of.get(from), self.floor_of.get(to)) {
            (Some(a), Some(b)) => from == to || b < a || self.exceptions.contains(&(from.to_owned(), to.to_owned())),
            _ => false,
        }
    }
}

/// Every breach of the floors in `files`, with file and line.
pub fn check(map: &Map, files: &[RustFile]) -> Vec<String> {
    let mut found: Vec<String> = map
        .declared
        .iter()
        .filter(|m| !map.floor_of.contains_key(*m))
        .map(|m| format!("src/lib.rs: module `{m}` stands on no floor of the map"))
        .collect();
    for file in files {
        let Some(from) = file.module() else { continue };
        for (line, to) in imports(file) {
            // `crate::Thing` for an item of the root itself is not a module.
            if map.declared.contains(&to) && !map.may_import(from, &to) {
                found.push(format!("{}:{line}: `{from}` may not import `{to}`", file.path));
            }
        }
    }
    found
}

/// What a door may not name although it stands above: who decides, translates or reads the database at a door could
/// send content that no story released.
const NOT_AT_A_DOOR: &[&str] = &["store", "mapping", "sharing", "record", "matching"];

/// Doors and the sender to other gateways that go past the stories.
pub fn check_doors(files: &[RustFile]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|f| matches!(f.module(), Some("http" | "peer"))) {
        let past = imports(file).into_iter().filter(|(_, to)| NOT_AT_A_DOOR.contains(&to.as_str()));
        found.extend(past.map(|(line, to)| format!("{}:{line}: a door may not import `{to}`", file.path)));
    }
    found
}

/// Top-level modules a file names, by `crate::` or by as many `super::` as lead to the root.
fn imports(file: &RustFile) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let supers = "super::".repeat(file.depth());
    for mark in ["crate::", supers.as_str()] {
        for (at, _) in file.product.match_indices(mark) {
            let before = file.product[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
                continue;
            }
            let line = line_of(&file.product, at);
            found.extend(heads(&file.product[at + mark.len()..]).into_iter().map(|h| (line, h)));
        }
    }
    found
}

/// The first names of a path or of a braced group: `a::b` gives a; `{a::{b, c}, d}` gives a and d.
fn heads(rest: &str) -> Vec<String> {
    let name =
        |text: &str| text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                found.push(name(&group[start..at]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(name(&group[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    found.retain(|n| !n.is_empty());
    found
}

/// What floors 0 to 2 may not name: input, output, clocks, chance, other threads of control. Addresses and durations are
/// mere values and may be named.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "ToSocketAddrs",
    "std::env",
    "std::process",
    "std::thread",
    "tokio::",
    "actix_web",
    "sqlx::",
    "ureq::",
    "SystemTime",
    "Instant::now",
    "time::Instant",
    "Timestamp::now",
    "Zoned::now",
    "now_v7",
    "new_v4",
    "SystemRandom",
    "ring::rand",
    "rand::",
    "tracing::",
    "println!",
    "print!",
    "eprintln!",
    "eprint!",
];

/// The one place on these floors that may read the machine's clock: the clock itself, held by floors 3 and up.
const CLOCK: &str = "src/clock.rs";

/// Every use of the outside world on floors 0 to 2.
pub fn check_pure(map: &Map, files: &[RustFile]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        let floor = file.module().and_then(|m| map.floor_of.get(m));
        if floor.is_none_or(|f| *f > 2) || file.path == CLOCK {
            continue;
        }
        for word in IMPURE {
            for (at, _) in file.product.match_indices(word) {
                let before = file.product[..at].chars().next_back();
                if !before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                    found.push(format!("{}:{}: `{word}` on a pure floor", file.path, line_of(&file.product, at)));
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod samples {
    use super::*;

    const LIB: &str = "//! ```text\n//! 2 judgement  mapping   words\n//!              sharing   facts\n//! 1 data       document  bytes\n//!              schema    Valid\n//! exceptions   schema -> document\n//! 0 words      clock ident\n//! ```\npub mod mapping;\npub mod sharing;\npub mod document;\npub mod schema;\npub mod clock;\npub mod ident;\n";

    fn breaches(path: &str, text: &str) -> Vec<String> {
        check(&Map::parse(LIB), &[RustFile::new(path, text.to_owned())])
    }

    #[test]
    fn the_map_is_read() {
        let map = Map::parse(LIB);
        assert_eq!(map.floor_of.get("ident"), Some(&0));
        assert_eq!(map.floor_of.get("sharing"), Some(&2));
        assert!(map.exceptions.contains(&("schema".to_owned(), "document".to_owned())));
    }

    #[test]
    fn an_import_from_above_or_beside_is_a_breach() {
        assert_eq!(breaches("src/document/mod.rs", "use crate::mapping::Plan;").len(), 1);
        assert_eq!(breaches("src/mapping/run.rs", "fn a() { crate::sharing::decide() }").len(), 1);
        assert_eq!(breaches("src/mapping/run.rs", "use crate::{clock::{A, B}, sharing::C};").len(), 1);
        assert_eq!(breaches("src/mapping/run.rs", "use super::super::sharing::C;").len(), 1);
        assert_eq!(breaches("src/mapping/mod.rs", "use super::sharing::C;").len(), 1);
    }

    #[test]
    fn an_import_from_below_itself_or_an_exception_is_none() {
        assert!(
            breaches("src/schema/mod.rs", "use crate::document::Tree; use crate::ident::A; use crate::schema::b;")
                .is_empty()
        );
        assert!(
            breaches(
                "src/mapping/run.rs",
                "use super::sharing_plan; // crate::sharing\n#[cfg(test)] mod t { use crate::sharing; }"
            )
            .is_empty()
        );
    }

    #[test]
    fn a_module_on_no_floor_is_a_breach() {
        assert_eq!(check(&Map::parse(&format!("{LIB}pub mod cellar;\n")), &[]).len(), 1);
    }

    #[test]
    fn a_door_may_not_go_past_the_stories() {
        let door = |text: &str| check_doors(&[RustFile::new("src/http/api/mailbox.rs", text.to_owned())]).len();
        assert_eq!(door("use crate::store::Db;"), 1);
        assert_eq!(door("use crate::exchange::Released;"), 0);
    }

    #[test]
    fn a_pure_floor_may_not_read_the_clock() {
        let map = Map::parse(LIB);
        let at = |path: &str| RustFile::new(path, "fn a() { std::time::SystemTime::now() }".to_owned());
        assert!(!check_pure(&map, &[at("src/mapping/run.rs")]).is_empty());
        assert!(check_pure(&map, &[at("src/clock.rs"), at("src/cli/run.rs")]).is_empty());
    }
}
