//! P7: delegations to assistants, one item opened to one of them, who leads, and what volunteers told this worker.

use super::answer::{Stop, go, page, with_status};
use super::disclosure::day_words;
use super::family::member_at;
use super::fields::Fields;
use super::frame::Frame;
use super::sheet::{By, Part, Question, Sheet, Table, form, row};
use super::text::Text;
use super::visit::SignedIn;
use super::volunteer::note_parts;
use crate::exchange::{Failure, Lead, Worn};
use crate::ident::{AccountId, HatId};
use crate::vocabulary::Role;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use std::collections::BTreeMap;

/// Longest an item may be open, in hours (R50).
const HOURS: [&str; 4] = ["1", "2", "4", "8"];

type Typed = BTreeMap<String, String>;

/// The page.
pub async fn list(visit: SignedIn) -> Result<HttpResponse, Stop> {
    page(&sheet(&visit, &Typed::new(), &[]).await?)
}

async fn sheet(visit: &SignedIn, typed: &Typed, wrong: &[&str]) -> Result<Sheet, Stop> {
    let text = Text::english();
    let say = |key: &str| text.find(key).unwrap_or_default().to_owned();
    let (assistants, own) = visit.gateway().delegations(&visit.visitor).await?;
    let mut parts = note_parts(visit).await?;
    parts.extend(super::drafts::waiting_parts(visit).await?);
    parts.push(Part::Heading(say("work.delegations")));
    if own.is_empty() {
        parts.push(Part::Words(say("work.delegations.none")));
    }
    for delegation in &own {
        let until = delegation.until.as_deref().and_then(day_words).unwrap_or_default();
        let assistant = visit.pages.called(&delegation.account).await?;
        parts.push(Part::Rows(vec![row("work.assistant", assistant), row("work.until", until)]));
        parts.push(Part::Words(say("work.end.words")));
        parts.push(Part::Form(form(format!("/delegating/delegations/{}/end", delegation.id), Vec::new(), "work.end")));
    }
    let options = assistant_options(visit, &assistants).await?;
    if options.is_empty() {
        parts.push(Part::Words(say("work.assistants.none")));
    } else {
        let fill = |q: Question| {
            let bad = wrong.contains(&q.name);
            q.filled(typed).wrong_if(bad)
        };
        let questions = vec![
            fill(Question::new("assistant", By::One).with(options)),
            fill(Question::new("delegated_until", By::Day)),
            fill(Question::new("delegated_why", By::Short)),
        ];
        parts.push(Part::Form(form("/delegating/delegations", questions, "work.delegate")));
    }
    parts.push(Part::Heading(say("work.leads")));
    parts.extend(lead_parts(visit).await?);
    let title = say("work.title");
    let title = if wrong.is_empty() { title } else { text.fill("errors.before", &[("title", &title)]) };
    Ok(Sheet { frame: Frame::of(visit, title, None), parts })
}

/// Assistants as options: name, role, team and agency.
async fn assistant_options(visit: &SignedIn, all: &[(AccountId, Worn)]) -> Result<Vec<(String, String)>, Stop> {
    let mut options = Vec::new();
    for (account, hat) in all {
        let words = format!("{}, {}", visit.pages.called(account).await?, visit.pages.hat_words(hat));
        options.push((hat.id.as_str().to_owned(), words));
    }
    Ok(options)
}

async fn lead_parts(visit: &SignedIn) -> Result<Vec<Part>, Stop> {
    let text = Text::english();
    let leads = visit.gateway().leads(&visit.visitor).await?;
    let mut rows = Vec::new();
    for lead in &leads {
        let cells = vec![lead.case.clone(), leader_words(visit, lead).await?];
        rows.push((Some(format!("/delegating/leads/{}", lead.case)), cells));
    }
    let head = ["families.family", "work.lead"].map(|key| text.find(key).unwrap_or_default().to_owned());
    let table = Table { caption: text.say("work.leads.caption").to_owned(), head: head.into(), rows };
    Ok(vec![if leads.is_empty() { Part::Words(text.say("work.leads.none").to_owned()) } else { Part::Table(table) }])
}

/// Who leads a case, by name and role.
async fn leader_words(visit: &SignedIn, lead: &Lead) -> Result<String, Stop> {
    match &lead.lead {
        Some((_, hat)) => Ok(visit.pages.wearer_words(hat).await?),
        None => Ok(Text::english().say("work.leads.nobody").to_owned()),
    }
}

/// Delegates.
pub async fn delegate(visit: SignedIn, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let names = ["assistant", "delegated_until", "delegated_why"];
    let typed: Typed = names.map(|n| (n.to_owned(), fields.get(n).to_owned())).into();
    let mut wrong: Vec<&str> = names.into_iter().filter(|n| fields.get(n).is_empty()).collect();
    if wrong.is_empty() {
        let to = HatId::new(fields.get("assistant"));
        let (until, why) = (fields.get("delegated_until"), fields.get("delegated_why"));
        match visit.gateway().delegate(&visit.visitor, &to, until, why).await {
            // An end in the past or more than a year away (R48).
            Err(Failure::Invalid(_) | Failure::Inconsistent(_)) => wrong.push("delegated_until"),
            other => return other.map(|()| go("/delegating")).map_err(Stop::from),
        }
    }
    with_status(&sheet(&visit, &typed, &wrong).await?, StatusCode::UNPROCESSABLE_ENTITY)
}

/// Ends a delegation.
pub async fn end(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    visit.gateway().end_delegation(&visit.visitor, &path).await?;
    Ok(go("/delegating"))
}

/// Who leads a case, and handing it over.
pub async fn lead(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    page(&lead_sheet(&visit, &path, &Typed::new(), &[]).await?)
}

async fn lead_sheet(visit: &SignedIn, case: &str, typed: &Typed, wrong: &[&str]) -> Result<Sheet, Stop> {
    let text = Text::english();
    // The page that leads here is a social worker's; for others neither is there.
    own_page(visit)?;
    let leads = visit.gateway().leads(&visit.visitor).await?;
    let lead = leads.into_iter().find(|l| l.case == case).ok_or(Stop::Missing)?;
    let now = leader_words(visit, &lead).await?;
    let has = lead.lead.map(|(_, hat)| hat);
    let mut parts = vec![Part::Rows(vec![row("families.family", lead.case.clone()), row("work.lead", now)])];
    // Nobody gives the lead to themselves, or to who has it.
    let own = visit.visitor.hat.as_ref().map(|hat| &hat.id);
    let mut options = Vec::new();
    for worker in lead.workers.iter().filter(|w| Some(*w) != own && Some(*w) != has.as_ref()) {
        options.push((worker.as_str().to_owned(), visit.pages.wearer_words(worker).await?));
    }
    let fill = |q: Question| {
        let bad = wrong.contains(&q.name);
        q.filled(typed).wrong_if(bad)
    };
    if options.is_empty() {
        parts.push(Part::Words(text.say("work.hand.nobody").to_owned()));
    } else {
        let questions =
            vec![fill(Question::new("new_lead", By::One).with(options)), fill(Question::new("lead_why", By::Short))];
        parts.push(Part::Words(text.say("work.hand.words").to_owned()));
        parts.push(Part::Form(form(format!("/delegating/leads/{}", lead.case), questions, "work.hand")));
    }
    let title = text.say("work.hand-over").to_owned();
    let title = if wrong.is_empty() { title } else { text.fill("errors.before", &[("title", &title)]) };
    Ok(Sheet { frame: Frame::of(visit, title, None), parts })
}

/// Hands the lead over.
pub async fn hand(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    own_page(&visit)?;
    let names = ["new_lead", "lead_why"];
    let typed: Typed = names.map(|n| (n.to_owned(), fields.get(n).to_owned())).into();
    let wrong: Vec<&str> = names.into_iter().filter(|n| fields.get(n).is_empty()).collect();
    if !wrong.is_empty() {
        let sheet = lead_sheet(&visit, &path, &typed, &wrong).await?;
        return with_status(&sheet, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let to = HatId::new(fields.get("new_lead"));
    visit.gateway().hand_lead(&visit.visitor, &path, &to, fields.get("lead_why")).await?;
    Ok(go("/delegating"))
}

type Item = web::Path<(String, String, String)>;

/// Opening one item to an assistant.
pub async fn item(visit: SignedIn, path: Item) -> Result<HttpResponse, Stop> {
    page(&item_sheet(&visit, &path, &Typed::new(), &[]).await?)
}

async fn item_sheet(visit: &SignedIn, path: &Item, typed: &Typed, wrong: &[&str]) -> Result<Sheet, Stop> {
    own_page(visit)?;
    let text = Text::english();
    let (family, alias, segment) = &**path;
    let (family, _, purpose, name) = member_at(visit, family, alias).await?;
    let (assistants, own) = visit.gateway().delegations(&visit.visitor).await?;
    let delegated = assistants.into_iter().filter(|(_, hat)| own.iter().any(|d| d.hat == hat.id));
    let options = assistant_options(visit, &delegated.collect::<Vec<_>>()).await?;
    let mut parts = vec![Part::Rows(vec![row("withheld.about", name)])];
    if options.is_empty() {
        parts.push(Part::Words(text.say("item.nobody").to_owned()));
        parts.push(Part::Button("/delegating".to_owned(), text.say("work.title").to_owned()));
    } else {
        let fill = |q: Question| {
            let bad = wrong.contains(&q.name);
            q.filled(typed).wrong_if(bad)
        };
        let hours = HOURS.map(|h| (h.to_owned(), text.fill("item.hours", &[("hours", h)])));
        let questions = vec![
            fill(Question::new("assistant", By::One).with(options)),
            fill(Question::new("item_task", By::Short)),
            fill(Question::new("item_hours", By::One).with(hours.into())),
        ];
        let action = format!("/families/{}/people/{alias}/item/{segment}", family.id);
        parts.push(Part::Form(form(action, questions, "item.open")));
    }
    let title = text.say("item.title").to_owned();
    let title = if wrong.is_empty() { title } else { text.fill("errors.before", &[("title", &title)]) };
    Ok(Sheet { frame: Frame::of(visit, title, Some(purpose)), parts })
}

/// Opens it.
pub async fn open_item(visit: SignedIn, path: Item, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    own_page(&visit)?;
    let (family, alias, segment) = &*path;
    let (family, person, purpose, _) = member_at(&visit, family, alias).await?;
    let names = ["assistant", "item_task", "item_hours"];
    let typed: Typed = names.map(|n| (n.to_owned(), fields.get(n).to_owned())).into();
    let mut wrong: Vec<&str> = names.into_iter().filter(|n| fields.get(n).is_empty()).collect();
    let hours = fields.get("item_hours").parse::<i64>().ok().filter(|_| HOURS.contains(&fields.get("item_hours")));
    if let (Some(hours), true) = (hours, wrong.is_empty()) {
        let (to, task) = (HatId::new(fields.get("assistant")), fields.get("item_task"));
        let (gateway, visitor) = (visit.gateway(), &visit.visitor);
        match gateway.open_item_to(visitor, (&person, purpose), segment, &to, (task, hours)).await {
            // Not an address, or not this worker's assistant.
            Err(Failure::Invalid(_)) => return Err(Stop::Missing),
            other => return other.map(|()| go(&format!("/families/{}", family.id))).map_err(Stop::from),
        }
    }
    if wrong.is_empty() {
        wrong.push("item_hours");
    }
    with_status(&item_sheet(&visit, &path, &typed, &wrong).await?, StatusCode::UNPROCESSABLE_ENTITY)
}

/// Lets social workers pass; for others there is nothing here.
fn own_page(visit: &SignedIn) -> Result<(), Stop> {
    if may_open_items(visit) { Ok(()) } else { Err(Stop::Missing) }
}

/// Whether a visitor may open items to an assistant.
pub fn may_open_items(visit: &SignedIn) -> bool {
    visit.visitor.hat.as_ref().is_some_and(|h| h.role == Role::Sw)
}
