//! Deciding ten segments in memory: the whole procedure beside ten table look-ups written by hand.
//!
//! The limit does nothing but index an array by purpose, role and category. Ours answers with level, reason, limit,
//! marker, basis and rules, over relationships, permissions, caps and time. Measured again among ten thousand people who
//! have nothing to do with it: the cost may not grow. And with forty local rules, of which few can apply.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench may stop"
)]
#![allow(missing_docs, clippy::print_stdout, reason = "a bench prints its result")]

mod measure;

use measure::{Budget, least, line, measuring};
use solent::cli::content;
use solent::sharing::facts::{Ask, Facts, Reader};
use solent::sharing::{Policy, World, decide};
use solent::vocabulary::{Category, Level, Purpose, Role};
use std::hint::black_box;
use std::path::Path;

/// Segments of one request.
const SEGMENTS: usize = 10;
/// People who have nothing to do with the request.
const STRANGERS: usize = 10_000;
/// Local rules of a large partnership.
const LOCAL_RULES: usize = 40;

fn facts() -> Facts {
    let files = content::built_in();
    let reader = Reader::new(files.get("schemas/config/facts.schema.json").unwrap()).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/sharing/family.yaml");
    reader.read(&std::fs::read(path).unwrap()).unwrap()
}

/// The first asks of the scenario that come as far as the matrix.
fn asks(facts: &Facts, world: &World, policy: &Policy) -> Vec<Ask> {
    let reaches = |ask: &&Ask| decide(world, policy, ask).level > Level::N;
    let found: Vec<Ask> = facts.asks.iter().filter(reaches).cloned().collect();
    found.iter().cycle().take(SEGMENTS).cloned().collect()
}

fn main() {
    let policy = Policy::load(&content::built_in()).unwrap();
    let facts = facts();
    let world = World::new(facts.clone()).unwrap();
    let asks = asks(&facts, &world, &policy);
    let by_hand = by_hand(&policy);
    let limit = "ten look-ups by hand";

    let ours = least(|| asks.iter().map(|ask| decide(&world, &policy, ask).level).max());
    // Budget: 10 µs where the look-ups took 0.05; the aim is 2.
    line("decide ten segments", "µs", ours, limit, by_hand, Budget::AtMost(200.0));

    let crowd = World::new(crowded(facts)).unwrap();
    let among = least(|| asks.iter().map(|ask| decide(&crowd, &policy, ask).level).max());
    line("decide ten segments among strangers", "µs", among, "without them", ours, Budget::AtMost(1.2));

    let strict = Policy::load(&with_local_rules()).unwrap();
    let cedar = least(|| asks.iter().map(|ask| decide(&world, &strict, ask).level).max());
    // Budget: 150 µs where the look-ups took 0.05.
    line("decide ten segments, forty local rules", "µs", cedar, limit, by_hand, Budget::AtMost(3_000.0));
}

/// Ten look-ups in an array, which is all that a table without reasons would do.
fn by_hand(policy: &Policy) -> f64 {
    let index = |p: usize, r: usize, c: usize| (p * Role::ALL.len() + r) * Category::ALL.len() + c;
    let mut table = vec![Level::N; Purpose::ALL.len() * Role::ALL.len() * Category::ALL.len()];
    for (p, purpose) in Purpose::ALL.iter().enumerate() {
        for (r, role) in Role::ALL.iter().enumerate() {
            for (c, category) in Category::ALL.iter().enumerate() {
                table[index(p, r, c)] = policy.cell(*purpose, *role, *category).map_or(Level::N, |cell| cell.without);
            }
        }
    }
    let places: Vec<usize> = (0..SEGMENTS).map(|i| index(i % 3, i % 5, i * 2)).collect();
    least(|| black_box(&places).iter().map(|at| table[*at]).max())
}

/// The same facts and many people whom they do not concern.
fn crowded(mut facts: Facts) -> Facts {
    let stranger = facts.people[0].clone();
    for n in 0..if measuring() { STRANGERS } else { 10 } {
        let mut person = stranger.clone();
        person.id = format!("stranger-{n}").as_str().into();
        facts.people.push(person);
    }
    facts
}

/// The shipped set with forty local rules about roles and categories that the asks hardly touch.
fn with_local_rules() -> solent::config::Files {
    let mut files = content::built_in();
    let rules: String = (0..LOCAL_RULES)
        .map(|n| {
            let (role, category) =
                (Role::ALL[n % Role::ALL.len()].code(), Category::ALL[n % Category::ALL.len()].code());
            format!(
                "@id(\"rule-{n}\")\n@cap(\"I\")\n@reason(\"The partnership agreed this.\")\n\
                 forbid (principal, action == Action::\"read\", resource)\n\
                 when {{ principal.role == \"{role}\" && resource.category == \"{category}\" }};\n\n"
            )
        })
        .collect();
    files.insert("sharing/local.cedar", rules.into_bytes());
    files
}
