//! A bar chart drawn on the server: one labelled picture; the table below it holds the same facts.
//!
//! Owns the sizes. The picture is as narrow as a telephone, so that its letters can be read there: long labels take two lines.

use super::super::text::Text;
use crate::exchange::Figure;

/// Width of the picture, in its own units; a telephone shows some 290 pixels of it, no screen more than 480.
const WIDTH: i64 = 400;
/// Height of a line of letters.
const LINE: i64 = 24;
/// Height of a bar, with the space below it.
const BAR: i64 = 42;
/// Most letters of a line, at the size of the template's letters.
const LETTERS_MAX: usize = 34;
/// Most bars drawn; the table holds all.
const BARS_MAX: usize = 20;

/// One bar.
pub struct Bar {
    /// Left out of the picture when too many.
    pub label: String,
    /// What it says.
    pub value: String,
    /// Its lines, each with its baseline.
    pub lines: Vec<(String, i64)>,
    /// Baseline of what it says, on a line of its own: labels are long.
    pub value_y: i64,
    /// Top of the bar.
    pub bar_y: i64,
    /// Its length; 0 for a number that is not shown.
    pub width: i64,
}

/// A chart and its table.
pub struct Chart {
    /// For ids in the page.
    pub id: &'static str,
    /// What it is about.
    pub title: &'static str,
    /// What a reader who cannot see it hears.
    pub description: String,
    /// The bars.
    pub bars: Vec<Bar>,
    /// Height of the picture.
    pub height: i64,
    /// Heads of the table.
    pub heads: Vec<&'static str>,
    /// Rows of the table.
    pub rows: Vec<Vec<String>>,
    /// The last row.
    pub total: Option<String>,
}

/// A figure in words.
pub fn figure_words(figure: Figure) -> String {
    match figure {
        Figure::Number(number) => number.to_string(),
        Figure::Few => Text::english().say("charts.few").to_owned(),
        Figure::Hidden => Text::english().say("charts.hidden").to_owned(),
    }
}

/// Bars for labels, with the number each is long and the words it stands with.
pub fn bars(rows: &[(String, Option<i64>, String)]) -> (Vec<Bar>, i64) {
    let longest = rows.iter().filter_map(|(_, n, _)| *n).max().unwrap_or(0).max(1);
    let mut y = 0_i64;
    let mut bars = Vec::new();
    for (label, number, value) in rows.iter().take(BARS_MAX) {
        let mut lines = Vec::new();
        for line in broken(label) {
            y = y.saturating_add(LINE);
            lines.push((line, y));
        }
        let value_y = y.saturating_add(LINE);
        let bar_y = value_y.saturating_add(8);
        y = bar_y.saturating_add(BAR);
        let width = number.unwrap_or(0).saturating_mul(WIDTH).div_euclid(longest);
        bars.push(Bar { label: label.clone(), value: value.clone(), lines, value_y, bar_y, width });
    }
    (bars, y)
}

/// A label in lines that fit, broken between words.
fn broken(label: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in label.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count().saturating_add(word.chars().count()) < LETTERS_MAX => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// What the picture says, in one sentence each.
pub fn description(bars: &[Bar]) -> String {
    let parts: Vec<String> = bars.iter().map(|b| format!("{}: {}", b.label, b.value)).collect();
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_label_takes_several_lines_and_the_next_bar_stands_below_it() {
        let long = "Harbourshire children's social care → Southdown mental health trust";
        let rows = [(long.to_owned(), Some(8), "8".to_owned()), ("Haven".to_owned(), None, "fewer than 5".to_owned())];
        let (bars, height) = bars(&rows);
        let lines: Vec<&str> = bars[0].lines.iter().map(|(line, _)| line.as_str()).collect();
        assert_eq!(lines.join(" "), long);
        assert!(lines.len() > 1 && lines.iter().all(|line| line.chars().count() <= LETTERS_MAX), "{lines:?}");
        assert!(bars[0].lines[1].1 < bars[0].value_y && bars[0].value_y < bars[0].bar_y);
        assert!(bars[0].bar_y < bars[1].lines[0].1 && bars[1].bar_y < height);
        assert_eq!((bars[0].width, bars[1].width), (WIDTH, 0));
    }
}
