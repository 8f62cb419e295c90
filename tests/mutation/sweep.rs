//! The scenarios and the second procedure's files, once for each mutant, in one process: reading them takes a hundred
//! times as long as deciding them. Or the tests of who may record what, in one process too. `tests/mutation` puts this file
//! into the mutated copy, with the names of those tests; it is no test of the tree.

use super::{differences, independent, output, policy, reader, root, samples, scenarios};
use serde_json::Value;
use solent::sharing::facts::{Ask, Facts};
use solent::sharing::{Decision, World, decide};
use std::io::Write as _;

/// A file, read, with what one of its asks' decisions must be.
struct Case {
    facts: Facts,
    asks: Vec<(Ask, Option<Value>)>,
}

fn cases() -> Vec<Case> {
    let mut files = scenarios(&root().join("tests/cases/sharing"));
    files.extend(scenarios(&samples().join("facts")));
    let mut cases: Vec<Case> = files
        .iter()
        .map(|path| {
            let facts = reader().read(&std::fs::read(path).unwrap()).unwrap();
            let asks = facts.asks.iter().map(|ask| (ask.clone(), None)).collect();
            Case { facts, asks }
        })
        .collect();
    for line in independent::generated().iter().flat_map(|lines| lines.lines()) {
        let said: Value = serde_json::from_str(line).unwrap();
        let facts = reader().read(said["facts"].to_string().as_bytes()).unwrap();
        let answers = said["decisions"].as_array().unwrap();
        let asks = facts.asks.iter().cloned().zip(answers.iter().cloned().map(Some)).collect();
        cases.push(Case { facts, asks });
    }
    cases
}

fn wrong(facts: &Facts, ask: &Ask, other: Option<&Value>, found: &Decision) -> bool {
    ask.expect.as_ref().is_some_and(|expect| !differences(expect, found).is_empty())
        || other.is_some_and(|other| independent::as_the_other_says_it(ask.id.as_str(), found) != *other)
        || output::unsound(facts, ask, found).is_some()
}

fn noticed(case: &Case) -> bool {
    let Ok(world) = World::new(case.facts.clone()) else { return true };
    case.asks.iter().any(|(ask, other)| wrong(&case.facts, ask, other.as_ref(), &decide(&world, policy(), ask)))
}

/// The tests that run in this process.
const TESTS: &[fn()] = &[/*TESTS*/];

/// `SOLENT_SWEEP` names a file of mutants' numbers; what is found is appended to that name with `.found`.
#[test]
fn sweep() {
    let Ok(name) = std::env::var("SOLENT_SWEEP") else { return };
    let mutants = std::fs::read_to_string(&name).unwrap();
    let mut found = std::fs::OpenOptions::new().create(true).append(true).open(format!("{name}.found")).unwrap();
    let tests = std::env::var_os("SOLENT_SWEEP_TESTS").is_some();
    let cases = if tests { Vec::new() } else { cases() };
    let tests = if tests { TESTS } else { &[] };
    std::panic::set_hook(Box::new(|_| {}));
    for mutant in std::iter::once("0").chain(mutants.lines()) {
        // The first time round without any, and then those that are reached are written down where the tool asks for it.
        if mutant != "0" {
            solent::mutant::set(mutant.parse().unwrap());
        }
        let seen = std::panic::catch_unwind(|| cases.iter().any(noticed)).unwrap_or(true)
            || tests.iter().any(|test| std::panic::catch_unwind(*test).is_err());
        solent::mutant::set(0);
        writeln!(found, "{mutant} {}", if seen { "caught" } else { "missed" }).unwrap();
    }
}
