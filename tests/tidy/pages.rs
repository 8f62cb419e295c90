//! Reference pages that can be held against the program: the configuration example, the list of commands.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// What is wrong with the example of the configuration page.
pub fn configuration(root: &Path) -> Vec<String> {
    let page = std::fs::read_to_string(root.join("docs/reference/configuration.md")).unwrap_or_default();
    let example = page.split("```toml").nth(1).and_then(|t| t.split("```").next()).unwrap_or("");
    match solent::config::Gateway::parse("the example in docs/reference/configuration.md", example, Path::new("/etc")) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

/// Commands that the page and the program do not share.
pub fn commands(root: &Path) -> Vec<String> {
    let page = std::fs::read_to_string(root.join("docs/reference/command-line.md")).unwrap_or_default();
    let told: BTreeSet<&str> = page.lines().filter_map(|l| l.strip_prefix("| `")?.split('`').next()).collect();
    let out = Command::new(env!("CARGO_BIN_EXE_solent")).arg("--help").output().unwrap();
    let help = String::from_utf8_lossy(&out.stdout).into_owned();
    let listed = help.lines().skip_while(|l| *l != "Commands:").skip(1).take_while(|l| l.starts_with("  "));
    let real: BTreeSet<&str> = listed.filter_map(|l| l.split_whitespace().next()).filter(|c| *c != "help").collect();
    assert!(real.len() > 5, "the help lists no commands");
    let differ = told.symmetric_difference(&real);
    differ.map(|c| format!("docs/reference/command-line.md and `solent --help` differ on `{c}`")).collect()
}
