//! What happened to a family (P3): newest first, filtered by agency, category, person and date.
//!
//! A day stands at the precision it was recorded at. Indicators stand by month; markers not at all. The filters offer only
//! what the page holds anyway, and carry codes and ids, never a word somebody typed.

use super::answer::{Stop, go, page};
use super::disclosure::{ItemShown, day_words};
use super::family::{everybody, member, of_visitor};
use super::frame::Frame;
use super::text::Text;
use super::visit::SignedIn;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What is asked for in the address.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Filter {
    agency: String,
    category: String,
    person: String,
    from: String,
    to: String,
}

impl Filter {
    const fn is_empty(&self) -> bool {
        self.agency.is_empty()
            && self.category.is_empty()
            && self.person.is_empty()
            && self.from.is_empty()
            && self.to.is_empty()
    }
    fn lets(&self, entry: &Entry) -> bool {
        let fits = |wanted: &str, has: &str| wanted.is_empty() || wanted == has;
        fits(&self.agency, &entry.agency_id)
            && fits(&self.category, &entry.category)
            && fits(&self.person, &entry.person)
            && self.in_time(&entry.when)
    }
    /// As precise as both sides are: an entry of May 2014 is not before 20 May 2014.
    fn in_time(&self, when: &str) -> bool {
        let shorter = |a: &str, b: &str| {
            let n = a.len().min(b.len());
            (a.get(..n).unwrap_or_default().to_owned(), b.get(..n).unwrap_or_default().to_owned())
        };
        let day = when.get(..10).unwrap_or(when);
        let after = self.from.is_empty() || {
            let (when, from) = shorter(day, &self.from);
            when >= from
        };
        let before = self.to.is_empty() || {
            let (when, to) = shorter(day, &self.to);
            when <= to
        };
        // Without a date an entry is in no span.
        after && before && (!when.is_empty() || (self.from.is_empty() && self.to.is_empty()))
    }
}

/// Something that happened.
struct Entry {
    when: String,
    day: String,
    name: String,
    person: String,
    agency: String,
    agency_id: String,
    category: String,
    category_words: String,
    heading: String,
    contact: Option<String>,
    item: Option<ItemShown>,
}

struct Choice {
    value: String,
    words: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "chronology.html")]
struct ChronologyPage {
    frame: Frame,
    family: String,
    filter: Filter,
    filtered: bool,
    agencies: Vec<Choice>,
    categories: Vec<Choice>,
    people: Vec<Choice>,
    entries: Vec<Entry>,
    undated: Vec<Entry>,
    reader: String,
    may_write: bool,
    /// Whether nobody of the family is shown at all.
    nobody: bool,
}

/// The page.
pub async fn chronology(
    visit: SignedIn,
    path: web::Path<String>,
    filter: Option<web::Query<Filter>>,
) -> Result<HttpResponse, Stop> {
    let mut filter = filter.map(web::Query::into_inner).unwrap_or_default();
    // What is no day filters nothing, and does not come back.
    for day in [&mut filter.from, &mut filter.to] {
        if day.len() != 10 || day.parse::<jiff::civil::Date>().is_err() {
            day.clear();
        }
    }
    let family = of_visitor(&visit, &path).await?;
    let Some(purpose) = visit.visitor.purpose(&family.id) else {
        return Ok(go(&format!("/families/{}/purpose", family.id)));
    };
    let (mut all, mut nobody) = (Vec::new(), true);
    for (person, shown) in everybody(&visit, &family, purpose).await? {
        if let Some(member) = member(&visit, shown) {
            nobody = false;
            all.extend(entries(&visit, person.as_str(), member));
        }
    }
    let choices = |of: fn(&Entry) -> (String, String), chosen: &str| choices(all.iter().map(of), chosen);
    let agencies = choices(|e| (e.agency_id.clone(), e.agency.clone()), &filter.agency);
    let categories = choices(|e| (e.category.clone(), e.category_words.clone()), &filter.category);
    let people = choices(|e| (e.person.clone(), e.name.clone()), &filter.person);
    all.retain(|entry| filter.lets(entry));
    all.sort_by(|a, b| b.when.cmp(&a.when));
    let (dated, undated) = all.into_iter().partition(|e| !e.when.is_empty());
    let title = Text::english().say("chronology.title").to_owned();
    page(&ChronologyPage {
        frame: Frame::of(&visit, title, Some(purpose)),
        family: family.id,
        filtered: !filter.is_empty(),
        filter,
        agencies,
        categories,
        people,
        entries: dated,
        undated,
        reader: visit.visitor.shown.clone(),
        may_write: super::written::offered(&visit),
        nobody,
    })
}

fn entries(visit: &SignedIn, person: &str, member: super::family::MemberShown) -> Vec<Entry> {
    let text = Text::english();
    let mut all = Vec::new();
    for notice in member.indicators.into_iter().filter(|n| n.month.is_some()) {
        let when = notice.month.clone().unwrap_or_default();
        all.push(Entry {
            day: day_words(&when).unwrap_or_else(|| when.clone()),
            when,
            name: member.name.clone(),
            person: person.to_owned(),
            agency: notice.custodian.clone().unwrap_or_default(),
            agency_id: notice.custodian_id.clone().unwrap_or_default(),
            category: notice.code.clone(),
            category_words: notice.words.clone(),
            heading: text.say("chronology.involved").to_owned(),
            contact: notice.contact.clone(),
            item: None,
        });
    }
    for item in member.lists.into_iter().flat_map(|l| l.items) {
        let when = item.when.clone().unwrap_or_default();
        all.push(Entry {
            day: day_words(&when).unwrap_or_else(|| when.clone()),
            when,
            name: member.name.clone(),
            person: person.to_owned(),
            agency: visit.pages.agency_words(&item.custodian),
            agency_id: item.custodian.clone(),
            category: item.category.clone(),
            category_words: item.category_words.clone(),
            heading: item.heading.clone(),
            contact: None,
            item: Some(item),
        });
    }
    all
}

fn choices(found: impl Iterator<Item = (String, String)>, chosen: &str) -> Vec<Choice> {
    let found: BTreeMap<String, String> = found.filter(|(value, _)| !value.is_empty()).collect();
    found.into_iter().map(|(value, words)| Choice { chosen: value == chosen, value, words }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: &str, to: &str) -> Filter {
        Filter { from: from.to_owned(), to: to.to_owned(), ..Filter::default() }
    }

    #[test]
    fn a_month_is_compared_as_a_month() {
        assert!(span("2014-05-20", "").in_time("2014-05"));
        assert!(!span("2014-06-01", "").in_time("2014-05"));
        assert!(span("", "2014-05-01").in_time("2014-05"));
        assert!(span("2014-05-20", "2014-05-20").in_time("2014-05-20T10:00:00Z"));
        assert!(!span("2014-05-20", "").in_time(""));
    }
}
