//! The figures of the charts: disclosures by pair of agencies, refusals by reason, time to first answer, overrides for each
//! thousand disclosures.
//!
//! Owns the rule of small numbers: a count of 1 to 4 is said to be fewer than 5, and where one such count could be had by
//! taking the others from the total, another is not shown either. Figures are counted anew at most every ten minutes.

use crate::audit::Event;
use crate::clock::Moment;
use crate::exchange::questions::{Ask, Asker, QuestionId, Viewer};
use crate::exchange::{Failure, Gateway, Visitor};
use serde_json::Value;
use std::sync::Arc;

/// A count below this and above zero may point at a person.
const SMALL: i64 = 5;

/// A number as it may be shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Figure {
    /// As it is.
    Number(i64),
    /// 1 to 4.
    Few,
    /// Not shown, because a smaller one could be worked out from it.
    Hidden,
}

/// Named figures and what they add up to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Names (one, or a pair) and figures, largest first.
    pub rows: Vec<(Vec<String>, Figure)>,
    /// The total; none when there are no rows.
    pub total: Option<Figure>,
}

/// How long an agency takes to answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnswerTime {
    /// The agency asked.
    pub agency: String,
    /// Requests.
    pub requests: Figure,
    /// Half of the answers came within so many hours; none for fewer than 5 requests.
    pub median_hours: Option<i64>,
}

/// The figures of a span.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Charts {
    /// Disclosures by holder and receiver.
    pub pairs: Counts,
    /// Refusals by reason.
    pub refusals: Counts,
    /// Times to first answer, by the agency asked.
    pub answers: Vec<AnswerTime>,
    /// Overrides for each thousand disclosures, in tenths, by the agency that received; `None`: fewer than 5 overrides.
    pub overrides: Vec<(String, Option<i64>)>,
}

/// Span and view.
pub type ChartsKey = (i64, i64, String);

impl Gateway {
    /// The figures of a span, in the visitor's view; looking is an entry.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for other hats; [`Failure::Unclear`] without bounded days; [`Failure::LogUnavailable`],
    /// [`Failure::Store`].
    pub async fn log_charts(&self, visitor: &Visitor, from: i64, to: i64) -> Result<Arc<Charts>, Failure> {
        let viewer = self.console_view(visitor).await?;
        self.logged(visitor, Event::AuditQuery, "charts".to_owned()).await?;
        let now = self.clock().now().millis();
        let key = (from, to, viewer.agency.clone().unwrap_or_default());
        if let Some(charts) = self.charts.find(&key, now) {
            return Ok(charts);
        }
        let asker = self.asker(viewer.clone());
        let ask = asker.prepare(Ask { from, to, ..Ask::default() }).await?;
        let charts = Arc::new(self.count(&asker, &viewer, &ask).await?);
        self.charts.keep(key, now, &charts);
        Ok(charts)
    }

    async fn count(&self, asker: &Asker<'_>, viewer: &Viewer, ask: &Ask) -> Result<Charts, Failure> {
        let span = (Moment::from_millis(ask.from), Moment::from_millis(ask.to));
        let agencies: Vec<String> = self.config().agencies.iter().map(|a| a.id.as_str().to_owned()).collect();
        let own = |agency: &str| viewer.agency.as_deref().is_none_or(|a| a == agency);
        let mut pairs = Vec::new();
        for holder in &agencies {
            let received = self.db.disclosures_from(&self.names, span, holder, &agencies).await?;
            let seen = received.into_iter().filter(|(to, _)| to != holder && (own(holder) || own(to)));
            pairs.extend(seen.map(|(to, count)| (vec![holder.clone(), to], count)));
        }
        let refusals = asker.refusals_by_reason(ask).await?;
        let refusals = refusals.into_iter().map(|(reason, count)| (vec![reason.to_owned()], count)).collect();
        let overrides = self.db.disclosures_by_agency(&self.names, span, &agencies).await?;
        let rate = |(all, opened): (i64, i64)| match opened {
            0 => Some(0),
            n if n < SMALL => None,
            n => n.saturating_mul(10_000).checked_div(all),
        };
        let overrides = overrides.into_iter().filter(|(a, _)| own(a)).map(|(a, counts)| (a, rate(counts)));
        Ok(Charts {
            pairs: counts(pairs),
            refusals: counts(refusals),
            answers: answers(&asker.answer(QuestionId::Q16, ask).await?.rows),
            overrides: overrides.collect(),
        })
    }
}

fn answers(rows: &[serde_json::Map<String, Value>]) -> Vec<AnswerTime> {
    let one = |row: &serde_json::Map<String, Value>| {
        Some(AnswerTime {
            agency: row.get("agency")?.as_str()?.to_owned(),
            requests: row.get("requests").and_then(Value::as_i64).map_or(Figure::Few, Figure::Number),
            median_hours: row.get("median_hours").and_then(Value::as_i64),
        })
    };
    rows.iter().filter_map(one).collect()
}

/// Sorts, and hides what must be hidden.
fn counts(mut rows: Vec<(Vec<String>, i64)>) -> Counts {
    rows.retain(|(_, count)| *count > 0);
    rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let numbers: Vec<i64> = rows.iter().map(|(_, count)| *count).collect();
    let (figures, total) = suppressed(&numbers);
    Counts { rows: rows.into_iter().map(|(names, _)| names).zip(figures).collect(), total }
}

/// Figures for counts, and for their total. A count of 1 to 4 is `Few`. When the rest and the total would tell it, the
/// smallest other is hidden too, and with no other the total is.
fn suppressed(counts: &[i64]) -> (Vec<Figure>, Option<Figure>) {
    let small = |n: i64| (1..SMALL).contains(&n);
    let mut figures: Vec<Figure> =
        counts.iter().map(|n| if small(*n) { Figure::Few } else { Figure::Number(*n) }).collect();
    let sum = counts.iter().fold(0_i64, |sum, n| sum.saturating_add(*n));
    let mut total = (!counts.is_empty()).then_some(if small(sum) { Figure::Few } else { Figure::Number(sum) });
    let few: Vec<i64> = counts.iter().copied().filter(|n| small(*n)).collect();
    let (number, together) = (i64::try_from(few.len()).unwrap_or(0), few.iter().sum::<i64>());
    // One alone, or several that must all be 1 or all be 4: the rest and the total would tell them.
    let told = number > 0 && (number == 1 || together == number || together == number.saturating_mul(SMALL - 1));
    if told {
        let others = counts.iter().enumerate().filter(|(_, n)| !small(**n) && **n > 0);
        match others.min_by_key(|(_, n)| **n).map(|(place, _)| place) {
            Some(place) => {
                if let Some(figure) = figures.get_mut(place) {
                    *figure = Figure::Hidden;
                }
            }
            None => total = total.map(|_| Figure::Few),
        }
    }
    (figures, total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Figure::{Few, Hidden, Number};

    #[test]
    fn a_small_count_cannot_be_worked_out_from_the_others_and_the_total() {
        for (given, figures, total) in [
            (vec![], vec![], None),
            (vec![10, 7], vec![Number(10), Number(7)], Some(Number(17))),
            (vec![4], vec![Few], Some(Few)),
            (vec![0, 3], vec![Number(0), Few], Some(Few)),
            (vec![20, 9, 2], vec![Number(20), Hidden, Few], Some(Number(31))),
            (vec![20, 3, 1], vec![Number(20), Few, Few], Some(Number(24))),
            (vec![20, 8, 1, 1], vec![Number(20), Hidden, Few, Few], Some(Number(30))),
            (vec![20, 4, 4], vec![Hidden, Few, Few], Some(Number(28))),
            (vec![3, 3], vec![Few, Few], Some(Number(6))),
            (vec![5, 4], vec![Hidden, Few], Some(Number(9))),
            (vec![2, 2], vec![Few, Few], Some(Few)),
        ] {
            assert_eq!(suppressed(&given), (figures, total), "{given:?}");
        }
    }
}
