//! A4: four charts, each with its table.

use super::super::answer::{Stop, page, with_status};
use super::super::fields::Fields;
use super::super::frame::Frame;
use super::super::text::Text;
use super::super::visit::SignedIn;
use super::bars::{Chart, bars, description, figure_words};
use super::query::{self, Filter, Query};
use super::{auditor, reason_words, stopped};
use crate::exchange::{AnswerTime, Charts, Counts, Failure, Figure};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

/// The days.
const FILTERS: [&str; 2] = ["from", "to"];

#[derive(Template)]
#[template(path = "audit_charts.html")]
struct ChartsPage {
    frame: Frame,
    filters: Vec<Filter>,
    wrong: bool,
    charts: Vec<Chart>,
}

/// The charts of some days; of the last ones when none are given.
pub async fn charts(visit: SignedIn, request: HttpRequest) -> Result<HttpResponse, Stop> {
    auditor(&visit)?;
    let fields = Fields::of_query(&request)?.only(&FILTERS);
    let asked = fields.has("from") || fields.has("to");
    let read = Query::read(&visit, &fields);
    let wrong = if asked { read.wrong } else { Vec::new() };
    let mut shown = ChartsPage {
        frame: super::search::framed(&visit, if wrong.is_empty() { "charts.title" } else { "charts.title-wrong" }),
        filters: query::filters(&visit, &FILTERS, &fields, &wrong),
        wrong: !wrong.is_empty(),
        charts: Vec::new(),
    };
    if !asked {
        return page(&shown);
    }
    if shown.wrong {
        return with_status(&shown, StatusCode::UNPROCESSABLE_ENTITY);
    }
    match visit.gateway().log_charts(&visit.visitor, read.ask.from, read.ask.to).await {
        Ok(found) => {
            shown.charts = drawn(&visit, &found);
            page(&shown)
        }
        Err(Failure::Unclear(_)) => {
            shown.wrong = true;
            shown.filters = query::filters(&visit, &FILTERS, &fields, &["to"]);
            with_status(&shown, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(failure) => Err(stopped(failure)),
    }
}

fn drawn(visit: &SignedIn, found: &Charts) -> Vec<Chart> {
    let text = Text::english();
    let agency = |id: &str| visit.pages.agency_words(id);
    let pairs: Vec<Vec<String>> = found.pairs.rows.iter().map(|(n, _)| n.iter().map(|a| agency(a)).collect()).collect();
    let reasons: Vec<Vec<String>> =
        found.refusals.rows.iter().map(|(n, _)| n.iter().map(|r| reason_words(r)).collect()).collect();
    vec![
        counted(
            "pairs",
            (text.say("charts.pairs"), &["charts.holder", "charts.receiver", "charts.count"]),
            &found.pairs,
            pairs,
        ),
        counted(
            "refusals",
            (text.say("charts.refusals"), &["charts.reason", "charts.count"]),
            &found.refusals,
            reasons,
        ),
        answers(visit, &found.answers),
        overrides(visit, &found.overrides),
    ]
}

fn heads(keys: &[&'static str]) -> Vec<&'static str> {
    keys.iter().map(|key| Text::english().find(key).unwrap_or_default()).collect()
}

fn counted(
    id: &'static str,
    (title, keys): (&'static str, &[&'static str]),
    counts: &Counts,
    names: Vec<Vec<String>>,
) -> Chart {
    let said: Vec<(Vec<String>, Figure)> = names.into_iter().zip(counts.rows.iter().map(|(_, f)| *f)).collect();
    let label = |names: &[String]| names.join(" → ");
    let long = |figure: Figure| if let Figure::Number(n) = figure { Some(n) } else { None };
    let rows: Vec<(String, Option<i64>, String)> =
        said.iter().map(|(names, f)| (label(names), long(*f), figure_words(*f))).collect();
    let (bars, height) = bars(&rows);
    let with = |(names, figure): (Vec<String>, Figure)| names.into_iter().chain([figure_words(figure)]).collect();
    Chart {
        id,
        title,
        description: description(&bars),
        bars,
        height,
        heads: heads(keys),
        rows: said.into_iter().map(with).collect(),
        total: counts.total.map(figure_words),
    }
}

fn answers(visit: &SignedIn, found: &[AnswerTime]) -> Chart {
    let text = Text::english();
    let hours = |a: &AnswerTime| match a.median_hours {
        Some(hours) => text.fill("charts.hours", &[("hours", &hours.to_string())]),
        None => text.say("charts.too-few").to_owned(),
    };
    let rows: Vec<(String, Option<i64>, String)> =
        found.iter().map(|a| (visit.pages.agency_words(&a.agency), a.median_hours, hours(a))).collect();
    let (bars, height) = bars(&rows);
    let line = |a: &AnswerTime| vec![visit.pages.agency_words(&a.agency), figure_words(a.requests), hours(a)];
    Chart {
        id: "answers",
        title: text.say("charts.answers"),
        description: description(&bars),
        bars,
        height,
        heads: heads(&["charts.agency", "charts.requests", "charts.median"]),
        rows: found.iter().map(line).collect(),
        total: None,
    }
}

fn overrides(visit: &SignedIn, found: &[(String, Option<i64>)]) -> Chart {
    let text = Text::english();
    let rate = |tenths: &Option<i64>| match tenths {
        Some(n) => format!("{}.{}", n.div_euclid(10), n.rem_euclid(10)),
        None => text.say("charts.few-overrides").to_owned(),
    };
    let rows: Vec<(String, Option<i64>, String)> =
        found.iter().map(|(a, n)| (visit.pages.agency_words(a), *n, rate(n))).collect();
    let (bars, height) = bars(&rows);
    Chart {
        id: "overrides",
        title: text.say("charts.overrides"),
        description: description(&bars),
        bars,
        height,
        heads: heads(&["charts.agency", "charts.rate"]),
        rows: rows.into_iter().map(|(agency, _, said)| vec![agency, said]).collect(),
        total: None,
    }
}
