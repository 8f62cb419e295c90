//! V1: the volunteer's one page, and the co-ordinator's side of it.
//!
//! The volunteer sees what the co-ordinator wrote, what the rules release of the person to a volunteer, and two forms. There is
//! nothing else here: no search, no family, no other page.

use super::answer::{Stop, go, page, with_status};
use super::concern::moment_words;
use super::disclosure::{Row, Shown, day_words};
use super::fields::Fields;
use super::frame::Frame;
use super::sheet::{By, Part, Question, Sheet, Table, form, row};
use super::text::Text;
use super::visit::SignedIn;
use crate::exchange::{Brief, Failure, Match, VolunteerNote};
use crate::vocabulary::{Category, Purpose, Role};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use std::collections::BTreeMap;

/// What a volunteer may be shown of a person beside the brief (R51).
const OF_PERSON: [Category; 2] = [Category::Idn, Category::Rsk];
/// The fields of a brief.
const BRIEF: [&str; 4] = ["brief_contact", "brief_place", "brief_goals", "brief_emergency"];
/// Purposes under which a volunteer looks: while a case is open, else with the family's agreement (R52).
const PURPOSES: [Purpose; 2] = [Purpose::Cin, Purpose::Eh];

/// The volunteer's page.
pub async fn brief(visit: SignedIn) -> Result<HttpResponse, Stop> {
    of_role(&visit, Role::Vol)?;
    page(&brief_sheet(&visit, None).await?)
}

async fn brief_sheet(visit: &SignedIn, wrong: Option<(&str, &str)>) -> Result<Sheet, Stop> {
    let text = Text::english();
    let matches = visit.gateway().matches(&visit.visitor).await?;
    let mut parts = Vec::new();
    if matches.is_empty() {
        parts.push(Part::Words(text.say("brief.none").to_owned()));
    }
    for (nth, of) in matches.iter().enumerate() {
        let bad = |name: &str| wrong == Some((of.id.as_str(), name));
        parts.push(Part::Rows(brief_rows(visit, of).await?));
        parts.push(Part::Heading(text.say("brief.worried").to_owned()));
        let mut worry = form(
            format!("/brief/{}/worry", of.id),
            vec![Question::new("worry", By::Long).nth(nth).wrong_if(bad("worry"))],
            "brief.worried.send",
        );
        worry.danger = true;
        parts.push(Part::Form(worry));
        parts.push(Part::Heading(text.say("brief.visit").to_owned()));
        let note = vec![Question::new("visit_note", By::Long).nth(nth).wrong_if(bad("visit_note"))];
        parts.push(Part::Form(form(format!("/brief/{}/note", of.id), note, "brief.visit.send")));
    }
    let notes = visit.gateway().volunteer_notes(&visit.visitor).await?;
    if !notes.is_empty() {
        parts.push(Part::Heading(text.say("brief.notes").to_owned()));
        parts.extend(notes.iter().map(|n| Part::Callout(format!("{}\n{}", own_words(n), n.text), false)));
    }
    let title = text.say("brief.title").to_owned();
    let title = if wrong.is_none() { title } else { text.fill("errors.before", &[("title", &title)]) };
    Ok(Sheet { frame: Frame::of(visit, title, None), parts })
}

/// What the co-ordinator wrote, and what is released of the person.
async fn brief_rows(visit: &SignedIn, of: &Match) -> Result<Vec<Row>, Stop> {
    let mut rows = Vec::new();
    let named = visit.gateway().named_in_pages(&of.person);
    for purpose in PURPOSES {
        let released = visit.gateway().look_at(&visit.visitor, &of.person, purpose, &OF_PERSON).await;
        let shown = match released {
            Ok(released) => Shown::read(&released.into_bytes(), &named, Text::english()),
            Err(Failure::Refused { .. }) => continue,
            Err(failure) => return Err(failure.into()),
        };
        let (mut lists, mut name) = (shown.lists, Vec::new());
        for person in shown.people.into_iter().filter(|p| p.subject) {
            name.extend(person.name.map(|name| row("brief.name", name)));
            let today = visit.gateway().clock().now();
            let age = person.born.as_deref().and_then(|born| age_words(born, today.millis()));
            // A volunteer is told an age, not when somebody was born (R51).
            let born = person.born.filter(|_| age.is_some());
            name.extend(age.map(|age| row("brief.age", age)));
            name.extend(person.rows.into_iter().filter(|row| born.as_ref() != Some(&row.value)));
        }
        let safety = lists.iter_mut().flat_map(|l| l.items.drain(..)).flat_map(|item| item.rows);
        rows.extend(name.into_iter().chain(safety));
        if !rows.is_empty() {
            break;
        }
    }
    if let Some(brief) = &of.brief {
        let written = [&brief.contact, &brief.place, &brief.goals, &brief.emergency];
        rows.extend(BRIEF.iter().zip(written).map(|(name, said)| row(&format!("ask.{name}"), said.clone())));
    }
    rows.extend(of.until.as_deref().map(|until| row("brief.until", day_words(until).unwrap_or_default())));
    rows.retain(|row| !row.value.is_empty());
    Ok(rows)
}

/// The age in words, of the year of birth that is released: which of two it is hangs on a birthday that is not.
fn age_words(year: &str, now_millis: i64) -> Option<String> {
    let born = year.parse::<i16>().ok().filter(|_| year.len() == 4)?;
    let zone = jiff::tz::TimeZone::get("Europe/London").ok()?;
    let this = jiff::Timestamp::from_millisecond(now_millis).ok()?.to_zoned(zone).year();
    let years = this.checked_sub(born).filter(|years| *years >= 0)?;
    let (low, high) = (years.saturating_sub(1).max(0).to_string(), years.to_string());
    let text = Text::english();
    let both = || text.fill("brief.age.either", &[("low", low.as_str()), ("high", high.as_str())]);
    Some(if low == high { text.fill("brief.age.years", &[("years", high.as_str())]) } else { both() })
}

/// "I am worried".
pub async fn worry(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    said(visit, &path, fields, "worry").await
}

/// A visit note.
pub async fn note(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    said(visit, &path, fields, "visit_note").await
}

async fn said(visit: SignedIn, of: &str, fields: Fields, name: &str) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    of_role(&visit, Role::Vol)?;
    let text = fields.get(name).to_owned();
    if text.is_empty() {
        return with_status(&brief_sheet(&visit, Some((of, name))).await?, StatusCode::UNPROCESSABLE_ENTITY);
    }
    visit.gateway().volunteer_says(&visit.visitor, of, name == "worry", text).await?;
    Ok(go("/brief"))
}

/// The co-ordinator's matches, and what volunteers wrote.
pub async fn list(visit: SignedIn) -> Result<HttpResponse, Stop> {
    of_role(&visit, Role::Vco)?;
    let text = Text::english();
    let matches = visit.gateway().matches(&visit.visitor).await?;
    let mut rows = Vec::new();
    for m in &matches {
        let until = m.until.as_deref().and_then(day_words).unwrap_or_default();
        let written = text.say(if m.brief.is_some() { "value.yes" } else { "value.no" }).to_owned();
        let cells = vec![visit.pages.called(&m.account).await?, m.id.clone(), until, written];
        rows.push((Some(format!("/volunteers/{}", m.id)), cells));
    }
    let head = ["volunteers.volunteer", "volunteers.match", "brief.until", "volunteers.written"];
    let mut parts = vec![Part::Table(Table {
        caption: text.say("volunteers.caption").to_owned(),
        head: head.map(|key| text.find(key).unwrap_or_default().to_owned()).into(),
        rows,
    })];
    if matches.is_empty() {
        parts = vec![Part::Words(text.say("volunteers.none").to_owned())];
    }
    parts.extend(note_parts(&visit).await?);
    page(&Sheet { frame: Frame::of(&visit, text.say("volunteers.title").to_owned(), None), parts })
}

/// What volunteers wrote, as a list; nothing when there is nothing.
pub async fn note_parts(visit: &SignedIn) -> Result<Vec<Part>, Stop> {
    let text = Text::english();
    let notes = visit.gateway().volunteer_notes(&visit.visitor).await?;
    if notes.is_empty() {
        return Ok(Vec::new());
    }
    let links = notes.iter().map(|n| (format!("/notes/{}", n.id), note_words(n)));
    Ok(vec![Part::Heading(text.say("volunteers.notes").to_owned()), Part::Links(links.collect())])
}

/// A note in a line, without what it says.
pub fn note_words(note: &VolunteerNote) -> String {
    let text = Text::english();
    let key = if note.worry { "volunteers.worry" } else { "volunteers.visit" };
    format!("{}, {}", text.find(key).unwrap_or_default(), moment_words(note.at))
}

/// The same, for whoever wrote it.
fn own_words(note: &VolunteerNote) -> String {
    let text = Text::english();
    let said = if note.worry { text.say("brief.your-worry") } else { text.say("volunteers.visit") };
    format!("{said}, {}", moment_words(note.at))
}

/// One note, for a co-ordinator or a worker who is told.
pub async fn read(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    let note = visit.gateway().volunteer_note(&visit.visitor, &path).await?;
    let text = Text::english();
    let rows = vec![
        row("volunteers.volunteer", visit.pages.called(&note.account).await?),
        row("volunteers.match", note.of.clone()),
        row("volunteers.said", note.text.clone()),
    ];
    page(&Sheet {
        frame: Frame::of(&visit, note_words(&note), None),
        parts: vec![Part::Rows(rows), Part::Words(text.say("volunteers.ring").to_owned())],
    })
}

/// The brief of a match, to be written.
pub async fn edit(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    of_role(&visit, Role::Vco)?;
    let of = visit.gateway().matched(&visit.visitor, &path).await?;
    let brief = of.brief.clone().unwrap_or_default();
    let kept = [brief.contact, brief.place, brief.goals, brief.emergency];
    let kept: BTreeMap<String, String> = BRIEF.iter().map(|n| (*n).to_owned()).zip(kept).collect();
    page(&edit_sheet(&visit, &of, &kept, &[]).await?)
}

/// Takes it.
pub async fn write(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    of_role(&visit, Role::Vco)?;
    let of = visit.gateway().matched(&visit.visitor, &path).await?;
    let typed: BTreeMap<String, String> = BRIEF.map(|n| (n.to_owned(), fields.get(n).to_owned())).into();
    let wrong: Vec<&str> = BRIEF.into_iter().filter(|n| fields.get(n).is_empty()).collect();
    if !wrong.is_empty() {
        return with_status(&edit_sheet(&visit, &of, &typed, &wrong).await?, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let [contact, place, goals, emergency] = BRIEF.map(|n| fields.get(n).to_owned());
    visit.gateway().write_brief(&visit.visitor, &of.id, Brief { contact, place, goals, emergency }).await?;
    Ok(go("/volunteers"))
}

async fn edit_sheet(
    visit: &SignedIn,
    of: &Match,
    typed: &BTreeMap<String, String>,
    wrong: &[&str],
) -> Result<Sheet, Stop> {
    let text = Text::english();
    let questions = BRIEF.map(|name| {
        let bad = wrong.contains(&name);
        Question::new(name, By::Long).filled(typed).wrong_if(bad)
    });
    let volunteer = visit.pages.called(&of.account).await?;
    let rows = vec![row("volunteers.volunteer", volunteer), row("volunteers.match", of.id.clone())];
    let parts = vec![
        Part::Rows(rows),
        Part::Words(text.say("volunteers.words").to_owned()),
        Part::Form(form(format!("/volunteers/{}", of.id), questions.into(), "volunteers.save")),
    ];
    let title = text.say("volunteers.brief").to_owned();
    let title = if wrong.is_empty() { title } else { text.fill("errors.before", &[("title", &title)]) };
    Ok(Sheet { frame: Frame::of(visit, title, None), parts })
}

fn of_role(visit: &SignedIn, role: Role) -> Result<(), Stop> {
    match visit.visitor.hat.as_ref().map(|h| h.role) {
        Some(own) if own == role => Ok(()),
        Some(_) => Err(Stop::Missing),
        None => Err(Stop::NoHat),
    }
}

#[cfg(test)]
mod tests {
    use super::age_words;

    #[test]
    fn a_year_of_birth_is_said_as_an_age() {
        // 6 October 2026, 10:00 UTC; and half past midnight in London on 1 January 2027.
        let (autumn, new_year) = (1_791_280_800_000, 1_798_763_400_000);
        assert_eq!(age_words("2017", autumn).as_deref(), Some("8 or 9 years old"));
        assert_eq!(age_words("2017", new_year).as_deref(), Some("9 or 10 years old"));
        assert_eq!(age_words("2026", autumn).as_deref(), Some("0 years old"));
        for odd in ["2017-05-05", "2030", "", "20x7"] {
            assert_eq!(age_words(odd, autumn), None, "{odd}");
        }
    }
}
