//! `solent mapping try` and `mapping cover`: a mapping against messages.

use super::mapping::Chosen;
use super::{Exit, Outcome, print, read, read_input};
use crate::diagnostic::{Diagnostic, code};
use crate::document::Limits;
use crate::ident::AgencyId;
use crate::mapping::{Direction, LossReport, ReadContext, WriteContext};
use crate::record::Record;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Lines of the two messages compared; longer ones are not (the table of the comparison grows with the square).
const LINES_MAX: usize = 4_000;

fn context() -> ReadContext {
    ReadContext { limits: Limits::file(), ..ReadContext::of(AgencyId::from("local")) }
}

/// Reads a message, writes it back; prints the output, both reports, whether it is settled, and what differs.
pub(super) fn run(chosen: &Chosen, input: &str) -> Outcome {
    let source = chosen.source()?;
    let (mappings, format) = (&chosen.mappings, source.format);
    let bytes = read_input(input, Limits::file().bytes_max)?;
    let named = |faults: Vec<Diagnostic>| {
        Exit::Failed(faults.into_iter().map(|f| if f.file.is_none() { f.with_file(input) } else { f }).collect())
    };
    let (records, loss) = read::part(mappings.read(format, &bytes, &context()).map_err(named)?);
    let message = Some(source.tree.name.text.clone());
    let writing = WriteContext { message, ..WriteContext::at(read::moment(None)?) };
    let written = mappings.write(format, &records, &writing).map_err(Exit::Failed)?;
    let (again, _) = read::part(mappings.read(format, &written.bytes, &context()).map_err(Exit::Failed)?);
    let twice = mappings.write(format, &again, &writing).map_err(Exit::Failed)?;
    let settled = if twice.bytes == written.bytes { "yes" } else { "NO" };
    let output = String::from_utf8_lossy(&written.bytes);
    print(&format!(
        "{output}\n{} records\n{}{}settled (written, read and written again is the same): {settled}\n\ndifferences from the message (- sent, + written back):\n{}",
        records.len(),
        loss.to_text(),
        written.loss.to_text(),
        differences(&String::from_utf8_lossy(&bytes), &output)
    ))
}

/// Lines of the one that the other does not have, in order; outer blanks do not count.
fn differences(sent: &str, back: &str) -> String {
    let lines =
        |text: &str| -> Vec<String> { text.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect() };
    let (a, b) = (lines(sent), lines(back));
    if a.len() > LINES_MAX || b.len() > LINES_MAX {
        return format!("not compared: more than {LINES_MAX} lines\n");
    }
    // Longest common subsequence, from the end.
    let width = b.len().saturating_add(1);
    let mut table = vec![0_u32; a.len().saturating_add(1).saturating_mul(width)];
    let at = |i: usize, j: usize| i.saturating_mul(width).saturating_add(j);
    let get = |table: &[u32], i: usize, j: usize| table.get(at(i, j)).copied().unwrap_or(0);
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            let best = if a.get(i) == b.get(j) {
                get(&table, i + 1, j + 1).saturating_add(1)
            } else {
                get(&table, i + 1, j).max(get(&table, i, j + 1))
            };
            if let Some(cell) = table.get_mut(at(i, j)) {
                *cell = best;
            }
        }
    }
    let (mut i, mut j, mut out) = (0, 0, String::new());
    while i < a.len() || j < b.len() {
        match (a.get(i), b.get(j)) {
            (Some(x), Some(y)) if x == y => (i, j) = (i + 1, j + 1),
            (Some(x), _) if j >= b.len() || get(&table, i + 1, j) >= get(&table, i, j + 1) => {
                let _ = writeln!(out, "- {x}");
                i += 1;
            }
            (_, Some(y)) => {
                let _ = writeln!(out, "+ {y}");
                j += 1;
            }
            _ => break,
        }
    }
    if out.is_empty() { "none\n".to_owned() } else { out }
}

/// Which rules never had an effect over a folder of samples, by direction.
pub(super) fn cover(chosen: &Chosen, folder: &Path) -> Outcome {
    let source = chosen.source()?;
    let name = source.tree.name.text.as_str();
    let mut hits: BTreeMap<(usize, bool), bool> = BTreeMap::new();
    for (_, line, reads, writes) in source.carriers {
        for (way, works) in [(true, *reads), (false, *writes)] {
            if works {
                hits.entry((*line, way)).or_insert(false);
            }
        }
    }
    let mut note = |loss: &LossReport| {
        for run in loss.runs.iter().filter(|r| r.mapping == name) {
            for (rule, line, ..) in source.carriers.iter().filter(|(rule, ..)| run.has_fired(*rule)) {
                let _ = rule;
                if let Some(hit) = hits.get_mut(&(*line, run.direction == Direction::Read)) {
                    *hit = true;
                }
            }
        }
    };
    let writing = WriteContext { message: Some(name.to_owned()), ..WriteContext::at(read::moment(None)?) };
    let (mut used, mut seen) = (0_usize, 0_usize);
    for file in super::samples::files(folder)? {
        seen = seen.saturating_add(1);
        let Ok(bytes) = read_input(&file.display().to_string(), Limits::file().bytes_max) else { continue };
        let Ok(records) = chosen.mappings.read(source.format, &bytes, &context()) else { continue };
        let records: Vec<Record> = records
            .into_iter()
            .filter(|r| r.loss.runs.iter().any(|run| run.mapping == name))
            .map(|r| {
                note(&r.loss);
                r.record
            })
            .collect();
        used = used.saturating_add(usize::from(!records.is_empty()));
        if let Ok(written) = chosen.mappings.write(source.format, &records, &writing) {
            note(&written.loss);
        }
    }
    if used == 0 {
        let text = format!("none of the {seen} files is a message of {name}");
        return Err(Exit::from(Diagnostic::error(code::CLI_FILE, text).with_file(folder.display().to_string())));
    }
    let lines: Vec<&str> = source.text.lines().collect();
    let fired = hits.values().filter(|h| **h).count();
    let mut out =
        format!("{used} of {seen} files are messages of {name}; {fired} of {} rules had an effect\n", hits.len());
    for ((line, reads), _) in hits.iter().filter(|(_, hit)| !**hit) {
        let way = if *reads { "reading" } else { "writing" };
        let text = lines.get(line.saturating_sub(1)).map_or("", |l| l.trim());
        let _ = writeln!(out, "never when {way}: line {line}: {text}");
    }
    print(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_differ_are_shown_in_order() {
        assert_eq!(differences("a\nb\nc\n", "a\nx\nc\nd\n"), "- b\n+ x\n+ d\n");
        assert_eq!(differences("a\n", "  a\n"), "none\n");
    }
}
