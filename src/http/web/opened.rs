//! P5: opening something above the normal level for the safety of a person, in four pages; the banner that follows; what the
//! person was told.
//!
//! Reached from a person of the family page or from why something is withheld, never from everywhere. Offered only to roles
//! that may ask, and only for categories their role can open under the stated purpose. The answers are kept as a draft.

use super::answer::{Stop, go, go_undone, page, with_status};
use super::concern::moment_words;
use super::family::member_at;
use super::fields::Fields;
use super::frame::{Banner, Frame};
use super::sheet::{By, Part, Question, Sheet, form, row};
use super::text::Text;
use super::visit::SignedIn;
use crate::exchange::{Family, OverrideForm, OverrideSeen, OverrideState};
use crate::ident::PersonId;
use crate::vocabulary::{Category, Purpose};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use std::collections::BTreeMap;

/// The pages, in order.
const STEPS: [&str; 4] = ["danger", "questions", "scope", "check"];
/// The five questions of R37.
pub const FIVE: [&str; 5] = ["harm", "needed", "why_not_less", "proportionate", "telling_risk"];

type Draft = BTreeMap<String, String>;
type Place = web::Path<(String, String, String)>;

struct Asked {
    family: Family,
    person: PersonId,
    purpose: Purpose,
    name: String,
    alias: String,
    draft: Draft,
}

impl Asked {
    async fn here(visit: &SignedIn, family: &str, alias: &str) -> Result<Self, Stop> {
        let (family, person, purpose, name) = member_at(visit, family, alias).await?;
        if !offered(visit, purpose) {
            return Err(Stop::Missing);
        }
        let draft = visit.gateway().draft(&visit.visitor, &form_name(&family.id, alias)).await?;
        Ok(Self { family, person, purpose, name, alias: alias.to_owned(), draft })
    }
    fn at(&self, step: &str) -> String {
        format!("/families/{}/people/{}/open/{step}", self.family.id, self.alias)
    }
    fn emergency(&self) -> bool {
        self.draft.get("imminent").is_some_and(|v| v == "yes")
    }
    fn categories(&self, visit: &SignedIn) -> Vec<Category> {
        let may = visit.gateway().may_open(&visit.visitor, self.purpose, self.emergency());
        let kept = self.draft.get("categories").map(String::as_str).unwrap_or_default();
        let named = |c: &Category| kept.split(' ').any(|code| code == c.code());
        may.into_iter().filter(named).collect()
    }
    /// The first page that is not answered.
    fn open(&self, visit: &SignedIn) -> Option<&'static str> {
        STEPS.into_iter().find(|step| !self.faults(visit, step).is_empty())
    }
    fn faults(&self, visit: &SignedIn, step: &str) -> Vec<&'static str> {
        let empty = |name: &&str| self.draft.get(*name).is_none_or(|v| v.trim().is_empty());
        match step {
            "danger" => vec!["imminent"].into_iter().filter(empty).collect(),
            "questions" => FIVE.into_iter().filter(empty).collect(),
            "scope" if self.categories(visit).is_empty() => vec!["categories"],
            _ => Vec::new(),
        }
    }
}

fn form_name(family: &str, alias: &str) -> String {
    format!("open/{family}/{alias}")
}

/// Whether anything is offered to this visitor under a purpose.
pub fn offered(visit: &SignedIn, purpose: Purpose) -> bool {
    !visit.gateway().may_open(&visit.visitor, purpose, false).is_empty() || emergency(visit, purpose)
}

/// Whether imminent danger is.
pub fn emergency(visit: &SignedIn, purpose: Purpose) -> bool {
    !visit.gateway().may_open(&visit.visitor, purpose, true).is_empty()
}

/// One of the four pages.
pub async fn ask(visit: SignedIn, path: Place) -> Result<HttpResponse, Stop> {
    let (family, alias, step) = &*path;
    let asked = Asked::here(&visit, family, alias).await?;
    if !STEPS.contains(&step.as_str()) {
        return Err(Stop::Missing);
    }
    if step == "check"
        && let Some(open) = asked.open(&visit)
    {
        return Ok(go(&asked.at(open)));
    }
    page(&step_sheet(&visit, &asked, step, &[]))
}

/// Takes the answers of one page; the last sends the request.
pub async fn answer(visit: SignedIn, path: Place, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let (family, alias, step) = &*path;
    let mut asked = Asked::here(&visit, family, alias).await?;
    let names: &[&str] = match step.as_str() {
        "danger" => &["imminent"],
        "questions" => &FIVE,
        "scope" => &["categories"],
        "check" => return send(&visit, &asked).await,
        _ => return Err(Stop::Missing),
    };
    for name in names {
        let value = fields.all(name).collect::<Vec<_>>().join(" ");
        asked.draft.insert((*name).to_owned(), value);
    }
    let kept = form_name(&asked.family.id, &asked.alias);
    visit.gateway().keep_draft(&visit.visitor, &kept, &asked.draft).await?;
    let wrong = asked.faults(&visit, step);
    if !wrong.is_empty() {
        return with_status(&step_sheet(&visit, &asked, step, &wrong), StatusCode::UNPROCESSABLE_ENTITY);
    }
    Ok(go(&asked.at(asked.open(&visit).unwrap_or("check"))))
}

async fn send(visit: &SignedIn, asked: &Asked) -> Result<HttpResponse, Stop> {
    if let Some(open) = asked.open(visit) {
        return Ok(go_undone(&asked.at(open)));
    }
    let answers = FIVE.map(|name| asked.draft.get(name).cloned().unwrap_or_default());
    let form = OverrideForm { emergency: asked.emergency(), categories: asked.categories(visit), answers };
    let (gateway, visitor, draft) = (visit.gateway(), &visit.visitor, form_name(&asked.family.id, &asked.alias));
    // Sent twice by one button it is asked once.
    if gateway.take_draft(visitor, &draft).await?
        && let Err(failure) = gateway.ask_to_open(visitor, &asked.person, asked.purpose, form).await
    {
        gateway.keep_draft(visitor, &draft, &asked.draft).await?;
        return Err(failure.into());
    }
    Ok(go(&format!("/families/{}", asked.family.id)))
}

fn step_sheet(visit: &SignedIn, asked: &Asked, step: &str, wrong: &[&str]) -> Sheet {
    let text = Text::english();
    let mut parts = vec![Part::Rows(vec![row("withheld.about", asked.name.clone())])];
    let fill = |q: Question| {
        let bad = wrong.contains(&q.name);
        q.filled(&asked.draft).wrong_if(bad)
    };
    match step {
        "danger" => {
            parts.push(Part::Callout(text.say("open.999").to_owned(), true));
            let options: &[&str] = if emergency(visit, asked.purpose) { &["yes", "no"] } else { &["no"] };
            let question = fill(Question::of("imminent", By::One, options));
            parts.push(Part::Form(form(asked.at(step), vec![question], "save-on")));
        }
        "questions" => {
            parts.push(Part::Words(text.say("open.five").to_owned()));
            let questions = FIVE.map(|name| fill(Question::new(name, By::Long)));
            parts.push(Part::Form(form(asked.at(step), questions.into(), "save-on")));
        }
        "scope" => {
            let may = visit.gateway().may_open(&visit.visitor, asked.purpose, asked.emergency());
            let options = may.iter().map(|c| (c.code().to_owned(), text.word("category", c.code()))).collect();
            let question = fill(Question::new("categories", By::Many).with(options));
            parts.push(Part::Form(form(asked.at(step), vec![question], "save-on")));
        }
        _ => parts.extend(check_parts(visit, asked)),
    }
    let back = (format!("/families/{}", asked.family.id), text.say("open.later").to_owned());
    parts.push(Part::Links(vec![back]));
    let title = text.find(&format!("step.open-{step}")).unwrap_or_default().to_owned();
    let title = if wrong.is_empty() { title } else { text.fill("errors.before", &[("title", &title)]) };
    Sheet { frame: Frame::of(visit, title, Some(asked.purpose)), parts }
}

fn check_parts(visit: &SignedIn, asked: &Asked) -> Vec<Part> {
    let text = Text::english();
    let categories = categories_words(&asked.categories(visit));
    let said = |name: &str| asked.draft.get(name).cloned().unwrap_or_default();
    let mut rows = vec![row("open.what", categories)];
    rows.extend(FIVE.iter().map(|name| row(&format!("ask.{name}"), said(name))));
    let changes =
        [("danger", "open.change.danger"), ("questions", "open.change.questions"), ("scope", "open.change.scope")];
    let changes = changes.map(|(step, key)| (asked.at(step), text.find(key).unwrap_or_default().to_owned()));
    let (told, submit) =
        if asked.emergency() { ("open.told.emergency", "open.send.emergency") } else { ("open.told", "open.send") };
    let mut send = form(asked.at("check"), Vec::new(), submit);
    send.danger = asked.emergency();
    vec![
        Part::Rows(rows),
        Part::Links(changes.into()),
        Part::Callout(text.find(told).unwrap_or_default().to_owned(), asked.emergency()),
        Part::Form(send),
    ]
}

/// Categories in words.
pub fn categories_words(categories: &[Category]) -> String {
    let text = Text::english();
    categories.iter().map(|c| text.word("category", c.code())).collect::<Vec<_>>().join(", ")
}

/// How far an override is, in words.
pub fn state_words(seen: &OverrideSeen) -> String {
    let text = Text::english();
    let key = match seen.state {
        OverrideState::Waiting => "opened.waiting",
        OverrideState::Refused => "opened.refused",
        OverrideState::Open => "opened.open",
        OverrideState::Over => "opened.over",
    };
    text.find(key).unwrap_or_default().to_owned()
}

/// The banners of a visitor: what is open and until when; what the person was told is asked for until it is said.
pub fn banners(visit: &SignedIn) -> Vec<Banner> {
    let text = Text::english();
    let now = visit.gateway().clock().now().millis();
    let shown = visit.overrides.iter().filter(|o| match o.state {
        OverrideState::Open => true,
        OverrideState::Over => !o.told,
        OverrideState::Waiting | OverrideState::Refused => false,
    });
    let banner = |seen: &OverrideSeen| {
        let what = categories_words(&seen.categories);
        let ends = seen.ends_at.unwrap_or(now);
        let words = match seen.state {
            OverrideState::Open => {
                let left = left_words(ends.saturating_sub(now));
                text.fill("opened.banner", &[("what", &what), ("ends", &moment_words(ends)), ("left", &left)])
            }
            _ => text.fill("opened.banner.over", &[("what", &what), ("ends", &moment_words(ends))]),
        };
        let link = (!seen.told).then(|| (format!("/opened/{}/told", seen.id), text.say("opened.tell")));
        Banner { words, link }
    };
    shown.map(banner).collect()
}

/// How long, in hours and minutes; less than a minute is one.
fn left_words(millis: i64) -> String {
    let minutes = millis.div_euclid(60_000).max(1);
    let (hours, rest) = (minutes.div_euclid(60), minutes.rem_euclid(60));
    Text::english().fill("opened.left", &[("hours", &hours.to_string()), ("minutes", &rest.to_string())])
}

/// Whether the person was told, or why not.
pub async fn told(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    page(&told_sheet(&visit, &path, &Draft::new(), &[]).await?)
}

/// Takes it.
pub async fn tell(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let typed: Draft = ["told", "told_why", "told_review"].map(|n| (n.to_owned(), fields.get(n).to_owned())).into();
    let told = fields.get("told");
    let mut wrong: Vec<&str> = ["told", "told_why"].into_iter().filter(|n| fields.get(n).is_empty()).collect();
    if told == "no" && fields.get("told_review").parse::<jiff::civil::Date>().is_err() {
        wrong.push("told_review");
    }
    if !wrong.is_empty() {
        return with_status(&told_sheet(&visit, &path, &typed, &wrong).await?, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let (why, review) = (fields.get("told_why"), fields.get("told_review"));
    visit.gateway().told_of_override(&visit.visitor, &path, told == "yes", why, review).await?;
    Ok(go("/families"))
}

async fn told_sheet(visit: &SignedIn, id: &str, typed: &Draft, wrong: &[&str]) -> Result<Sheet, Stop> {
    let seen = visit.gateway().own_override(&visit.visitor, id).await?;
    let text = Text::english();
    let questions = vec![
        Question::of("told", By::One, &["yes", "no"]),
        Question::new("told_why", By::Long),
        Question::new("told_review", By::Day),
    ];
    let questions = questions.into_iter().map(|q| {
        let bad = wrong.contains(&q.name);
        q.filled(typed).wrong_if(bad)
    });
    let title = text.say("told.title").to_owned();
    let title = if wrong.is_empty() { title } else { text.fill("errors.before", &[("title", &title)]) };
    let rows = vec![
        row("withheld.about", super::approvals::about(visit, &seen).await?),
        row("open.what", categories_words(&seen.categories)),
        row("opened.asked", moment_words(seen.asked_at)),
        row("opened.state", state_words(&seen)),
    ];
    let action = format!("/opened/{}/told", seen.id);
    let parts = vec![
        Part::Rows(rows),
        Part::Words(text.say("told.words").to_owned()),
        Part::Form(form(action, questions.collect(), "told.save")),
    ];
    Ok(Sheet { frame: Frame::of(visit, title, Some(seen.purpose)), parts })
}
