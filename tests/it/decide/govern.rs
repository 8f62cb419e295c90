//! `solent sharing`: who can see what, can anybody ever, the agreement, and what a change changes.

use super::{policy, reader, root};
use serde_json::Value;
use solent::sharing::govern::counterexample::{Answer, Question, search};
use solent::sharing::govern::{agreement, difference};
use solent::sharing::{Policy, World, decide};
use solent::vocabulary::{Category, Level, Role};
use std::path::PathBuf;
use std::process::{Command, Output};

fn sharing(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_solent"));
    command.arg("sharing").args(args).output().unwrap_or_else(|error| panic!("{error}"))
}

fn said(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn family() -> String {
    root().join("tests/cases/sharing/family.yaml").display().to_string()
}

/// An empty folder of this test.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("solent-govern-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{error}"));
    folder
}

/// The shipped rules with one text of one file replaced.
fn changed(file: &str, from: &str, to: &str) -> Policy {
    let mut files = solent::cli::content::built_in();
    let text = String::from_utf8(files.get(file).unwrap_or_default().to_vec()).unwrap_or_default();
    assert!(text.contains(from), "{file} has no `{from}`");
    files.insert(file, text.replace(from, to).into_bytes());
    Policy::load(&files).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn question(role: Role, category: Category, above: Level) -> Question {
    Question { role, category, above, with_permission: false, with_override: false }
}

#[test]
fn every_hat_of_a_facts_file_is_told_apart_with_its_reason() {
    let text = said(&sharing(&["explain", "--facts", &family(), "--segment", "mhl", "--purpose", "CIN"]));
    let sees = "wren-sw (SW) sees it for CIN. Shown as a summary: the person who decides has given permission.";
    assert!(text.lines().next() == Some(sees), "{text}");
    assert!(text.contains("bea-dsl (DSL) does not see it for CIN. Not shown: it needs permission"), "{text}");
    assert!(text.contains("iris-cln (CLN) does not see it for CIN. Not shown: there is no live working relationship"));
}

#[test]
fn a_category_is_explained_from_the_rules_alone() {
    let text = said(&sharing(&["explain", "--category", "MHL", "--role", "DSL", "--purpose", "CIN"]));
    let expected = "child in need (CIN), designated safeguarding lead (DSL): as an indicator with permission, not at all \
                    without; of an adult at most as an indicator.\n";
    assert_eq!(text, expected);
}

#[test]
fn a_segment_nobody_knows_is_wrong_usage() {
    assert_eq!(sharing(&["explain", "--facts", &family(), "--segment", "none"]).status.code(), Some(2));
    assert_eq!(sharing(&["explain"]).status.code(), Some(2));
    assert_eq!(sharing(&["search", "--role", "NOBODY", "--category", "MHL"]).status.code(), Some(2));
}

#[test]
fn a_school_never_sees_mental_health_above_an_indicator() {
    assert!(
        matches!(search(policy(), question(Role::Dsl, Category::Mhl, Level::I)), Answer::Never(walked) if walked > 100)
    );
    // A changed cell is found, with the purpose in which it is so.
    let open = changed("sharing/matrix.csv", "CIN,DSL,MHL,I,N,", "CIN,DSL,MHL,S,S,");
    let Answer::Can(witness) = search(&open, question(Role::Dsl, Category::Mhl, Level::I)) else { panic!("not found") };
    assert_eq!((witness.scene.purpose.code(), witness.decision.level), ("CIN", Level::S));
}

#[test]
fn permission_and_override_are_looked_at_only_when_asked_for() {
    let plain = question(Role::Sw, Category::Mhl, Level::S);
    assert!(matches!(search(policy(), plain), Answer::Never(_)));
    assert!(matches!(search(policy(), Question { with_permission: true, ..plain }), Answer::Never(_)));
    assert!(matches!(search(policy(), Question { with_override: true, ..plain }), Answer::Can(_)));
    let agreed = question(Role::Fmh, Category::Mhl, Level::F);
    assert!(matches!(search(policy(), agreed), Answer::Never(_)), "nothing is above F");
}

#[test]
fn every_witness_is_decided_the_same_way_from_its_facts_file() {
    let mut seen = 0;
    for role in [Role::Sw, Role::Pa, Role::Vol, Role::Obs] {
        for category in [Category::Idn, Category::Mis] {
            let all = Question { with_permission: true, with_override: true, ..question(role, category, Level::N) };
            let Answer::Can(witness) = search(policy(), all) else { continue };
            let text = witness.facts.to_string();
            let facts = reader().read(text.as_bytes()).unwrap_or_else(|faults| panic!("{faults:?}\n{text}"));
            let ask = facts.asks[0].clone();
            let world = World::new(facts).unwrap_or_else(|faults| panic!("{faults:?}"));
            assert_eq!(decide(&world, policy(), &ask), witness.decision, "{role} {category}");
            seen += 1;
        }
    }
    assert_eq!(seen, 8);
}

#[test]
fn the_command_writes_the_witness_and_decide_reproduces_it() {
    let folder = folder("witness");
    let file = folder.join("witness.json").display().to_string();
    let text = said(&sharing(&["search", "--role", "POL", "--category", "INT", "--above", "S", "--facts", &file]));
    assert!(text.starts_with("Yes. police (POL) can see intelligence (INT) more than as a summary, for "), "{text}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_solent"));
    let output =
        command.args(["decide", "--json", "--facts", &file]).output().unwrap_or_else(|error| panic!("{error}"));
    let value: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    assert_eq!(value["decisions"][0]["level"], "F");
    let none = said(&sharing(&["search", "--role", "AUD", "--category", "IDN"]));
    assert!(none.starts_with("No. In none of "), "{none}");
}

#[test]
fn the_agreement_is_a_page_with_one_heading_tree_and_labelled_tables() {
    let page = said(&sharing(&["agreement", "--html"]));
    assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"en-GB\">"));
    assert_eq!(page.matches("<h1>").count(), 1);
    assert!(page.contains("<main>") && page.contains("<title>") && !page.contains("<script") && !page.contains("http"));
    let tables = page.matches("<table>").count();
    assert!(tables >= 10, "{tables}");
    assert_eq!(page.matches("<table>\n<caption>").count(), tables);
    assert_eq!(page.matches("<th>").count(), 0, "a header cell without scope");
    assert_eq!(page.matches("<th ").count(), page.matches("<th scope=").count());
    for role in Role::ALL.iter().filter(|role| policy().column(solent::vocabulary::Purpose::Cp, **role).is_some()) {
        assert!(page.contains(&format!("({role})")), "{role}");
    }
    for category in Category::ALL {
        assert!(page.contains(&format!("({category})")), "{category}");
    }
    // Tags are closed in the order they are opened.
    let mut open: Vec<String> = Vec::new();
    for tag in page.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default()) {
        let name = tag.trim_start_matches('/').split(' ').next().unwrap_or_default().to_owned();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
        } else if !["!DOCTYPE", "meta"].contains(&name.as_str()) {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<String>::new());
}

#[test]
fn the_agreement_escapes_what_a_local_rule_says() {
    let mut files = solent::cli::content::built_in();
    let rule = "@id(\"a\") @cap(\"I\") @reason(\"agreed <b>here</b> & now\") forbid (principal, action, resource) when { resource.people > 3 };";
    files.insert("sharing/local.cedar", rule.as_bytes().to_vec());
    let strict = Policy::load(&files).unwrap_or_else(|faults| panic!("{faults:?}"));
    let page = agreement::html(&strict);
    assert!(page.contains("agreed &lt;b&gt;here&lt;/b&gt; &amp; now") && !page.contains("<b>"));
    assert!(page.contains("resource.people &gt; 3"));
    assert!(agreement::html(policy()).contains("<p>There are none.</p>"));
    assert_ne!(agreement::html(&strict), agreement::html(policy()));
}

#[test]
fn a_difference_names_every_changed_cell_in_a_sentence() {
    assert_eq!(difference::rules(policy(), policy()), Vec::<String>::new());
    let open = changed("sharing/matrix.csv", "CIN,SW,MHL,S,I,yes", "CIN,SW,MHL,S,N,no");
    assert_eq!(
        difference::rules(policy(), &open),
        [
            "social worker (SW) for child in need (CIN), mental health: was as a summary with permission, as an indicator \
             without, in full by an override, is as a summary with permission, not at all without."
        ]
    );
    let caps = changed("sharing/caps.csv", "DSL,MHL,I", "DSL,MHL,N");
    let found = difference::rules(policy(), &caps);
    assert_eq!(
        found,
        ["designated safeguarding lead (DSL), mental health of an adult: was as an indicator, is not at all."]
    );
    for (file, from, to) in [
        ("sharing/roles.csv", "DSL,designated safeguarding lead,no", "DSL,designated safeguarding lead,yes"),
        ("sharing/purposes.csv", "CIN,child in need,COC,6(1)(e)", "CIN,child in need,COC,6(1)(c)"),
        ("sharing/categories.csv", "CRIM,shown,yes", "CRIM,silent,yes"),
    ] {
        assert_eq!(difference::rules(policy(), &changed(file, from, to)).len(), 1, "{file}");
    }
}

#[test]
fn a_difference_names_the_decisions_of_facts_files_that_change() {
    let folder = folder("difference");
    for name in
        ["matrix.csv", "caps.csv", "categories.csv", "purposes.csv", "roles.csv", "local.cedar", "sharing.cedarschema"]
    {
        let text = std::fs::read_to_string(root().join("sharing").join(name)).unwrap_or_default();
        let text = text.replace("CIN,SW,MHL,S,I,yes", "CIN,SW,MHL,N,N,no");
        std::fs::write(folder.join(name), text).unwrap_or_else(|error| panic!("{error}"));
    }
    let old: PathBuf = root();
    let (old, new) = (old.display().to_string(), folder.display().to_string());
    let text = said(&sharing(&["diff", &old, &new, "--facts", &family()]));
    assert!(text.contains("\nOne thing changed.\n"), "{text}");
    assert!(text.contains(
        "permitted: Less is shown. Before: Shown as a summary: the person who decides has given permission."
    ));
    assert!(text.contains("Now: Not shown: the sharing rules do not allow it"), "{text}");
    assert!(text.ends_with("3 of 10 decisions change.\n"), "{text}");
    assert!(said(&sharing(&["diff", &old, &old])).contains("No rule changed."));
}
