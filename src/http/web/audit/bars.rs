//! A bar chart drawn on the server: one labelled picture; the table below it holds the same facts.
//!
//! Owns the sizes. On a narrow screen the letters would be too small to read: the table stands alone there.

use super::super::text::Text;
use crate::exchange::Figure;

/// Width of the picture, in its own units.
const WIDTH: i64 = 720;
/// Height of one bar with its label.
const ROW: i64 = 96;
/// Most bars drawn; the table holds all.
const BARS_MAX: usize = 20;

/// One bar.
pub struct Bar {
    /// Left out of the picture when too many.
    pub label: String,
    /// What it says.
    pub value: String,
    /// Baseline of the label.
    pub text_y: i64,
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
    let drawn = rows.iter().take(BARS_MAX).zip(0_i64..);
    let bars: Vec<Bar> = drawn
        .map(|((label, number, value), place)| {
            let top = place.saturating_mul(ROW);
            Bar {
                label: label.clone(),
                value: value.clone(),
                text_y: top.saturating_add(24),
                value_y: top.saturating_add(50),
                bar_y: top.saturating_add(60),
                width: number.unwrap_or(0).saturating_mul(WIDTH).div_euclid(longest),
            }
        })
        .collect();
    let height = i64::try_from(bars.len()).unwrap_or(0).saturating_mul(ROW);
    (bars, height)
}

/// What the picture says, in one sentence each.
pub fn description(bars: &[Bar]) -> String {
    let parts: Vec<String> = bars.iter().map(|b| format!("{}: {}", b.label, b.value)).collect();
    parts.join("; ")
}
