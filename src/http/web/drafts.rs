//! Drafts that an assistant prepares, and the social worker confirms or sends back (P7, R49).

use super::answer::{Stop, go, page, with_status};
use super::concern::moment_words;
use super::disclosure::{Row, day_words};
use super::family::member_at;
use super::fields::Fields;
use super::frame::Frame;
use super::sheet::{By, Part, Question, Sheet, Table, form, row};
use super::text::Text;
use super::visit::SignedIn;
use super::written::{Read, Typed, questions};
use crate::exchange::{Failure, Prepared};
use crate::vocabulary::Role;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use std::collections::BTreeMap;

/// The drafts of an assistant.
pub async fn list(visit: SignedIn) -> Result<HttpResponse, Stop> {
    if visit.visitor.hat.is_none() {
        return Err(Stop::NoHat);
    }
    let text = Text::english();
    let drafts = visit.gateway().own_drafts(&visit.visitor).await?;
    let mut parts = vec![Part::Words(text.say("drafts.words").to_owned())];
    parts.push(match drafts.is_empty() {
        true => Part::Words(text.say("drafts.none").to_owned()),
        false => table(&drafts, "drafts.caption", "waiting.state", |draft| {
            let state = if draft.returned.is_some() { "drafts.returned" } else { "drafts.waits" };
            text.find(state).unwrap_or_default().to_owned()
        }),
    });
    page(&Sheet { frame: Frame::of(&visit, text.say("drafts.title").to_owned(), None), parts })
}

/// What waits for this social worker, as parts of the page about delegations.
pub async fn waiting_parts(visit: &SignedIn) -> Result<Vec<Part>, Stop> {
    let text = Text::english();
    let say = |key: &str| text.find(key).unwrap_or_default().to_owned();
    let found = visit.gateway().drafts_to_confirm(&visit.visitor).await?;
    let mut names = BTreeMap::new();
    for draft in found.own.iter().chain(&found.late) {
        names.insert(draft.author.clone(), visit.pages.called(&draft.author).await?);
    }
    let by = |draft: &Prepared| names.get(&draft.author).cloned().unwrap_or_default();
    let mut parts = vec![Part::Heading(say("drafts.to-confirm"))];
    parts.push(match found.own.is_empty() {
        true => Part::Words(say("drafts.to-confirm.none")),
        false => table(&found.own, "drafts.caption", "drafts.by", by),
    });
    if !found.late.is_empty() {
        parts.push(Part::Heading(say("drafts.late")));
        parts.push(Part::Words(say("drafts.late.words")));
        let Part::Table(mut late) = table(&found.late, "drafts.late.caption", "drafts.by", by) else {
            return Ok(parts);
        };
        // A manager learns that it waits, not what it says.
        late.rows.iter_mut().for_each(|(link, _)| *link = None);
        parts.push(Part::Table(late));
    }
    Ok(parts)
}

fn table(drafts: &[Prepared], caption: &str, last: &str, cell: impl Fn(&Prepared) -> String) -> Part {
    let text = Text::english();
    let say = |key: &str| text.find(key).unwrap_or_default().to_owned();
    let rows = drafts.iter().map(|draft| {
        let kind = text.word("category", draft.writing.category.code());
        let cells = vec![draft.family.clone(), kind, moment_words(draft.at), cell(draft)];
        (Some(format!("/drafts/{}", draft.id)), cells)
    });
    let head = ["families.family", "chronology.category", "drafts.at", last].map(say).into();
    Part::Table(Table { caption: say(caption), head, rows: rows.collect() })
}

/// One draft.
pub async fn one(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    shown(&visit, &path, &Typed::new(), &[]).await
}

async fn shown(visit: &SignedIn, id: &str, typed: &Typed, wrong: &[&str]) -> Result<HttpResponse, Stop> {
    if visit.visitor.hat.is_none() {
        return Err(Stop::NoHat);
    }
    let text = Text::english();
    let (gateway, visitor) = (visit.gateway(), &visit.visitor);
    let family = gateway.family_of_draft(visitor, id).await?;
    if visitor.purpose(&family).is_none() {
        return Ok(go(&format!("/families/{family}/purpose")));
    }
    let draft = gateway.prepared(visitor, id).await?;
    let (_, _, purpose, name) = member_at(visit, &family, draft.person.as_str()).await?;
    let mut parts = Vec::new();
    if let Some(why) = &draft.returned {
        parts.push(Part::Callout(format!("{}\n{why}", text.say("drafts.mend")), false));
    }
    let author = visit.pages.called(&draft.author).await?;
    parts.push(Part::Rows(rows(&draft, name, author)));
    if is_author(visit) {
        match &draft.returned {
            None => parts.push(Part::Words(text.say("drafts.wait").to_owned())),
            Some(_) => {
                let kept = if typed.is_empty() { fields_of(&draft) } else { typed.clone() };
                let asked = questions(visit, &kept, wrong);
                let mut form = form(format!("/drafts/{id}/again"), asked, "entry.send");
                form.second = Some(("delete", text.say("drafts.take-back").to_owned()));
                parts.push(Part::Form(form));
            }
        }
        parts.push(Part::Links(vec![("/drafts".to_owned(), text.say("drafts.back").to_owned())]));
    } else {
        parts.push(Part::Words(text.say("drafts.confirm.words").to_owned()));
        let why = Question::new("draft_why", By::Long).filled(typed).wrong_if(wrong.contains(&"draft_why"));
        let mut form = form(format!("/drafts/{id}/{}", draft.version), vec![why], "drafts.confirm");
        form.second = Some(("back", text.say("drafts.send-back").to_owned()));
        parts.push(Part::Form(form));
        parts.push(Part::Links(vec![("/delegating".to_owned(), text.say("drafts.back").to_owned())]));
    }
    let title = text.say("drafts.one").to_owned();
    let title = if wrong.is_empty() { title } else { text.fill("errors.before", &[("title", &title)]) };
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let mut frame = Frame::of(visit, title, Some(purpose));
    if let (Some(who), Some(principal)) = (&mut frame.who, visit.pages.acts_for(visitor, &family).await?) {
        who.name = text.fill("who.for", &[("name", &visitor.shown), ("principal", &principal)]);
    }
    with_status(&Sheet { frame, parts }, status)
}

fn is_author(visit: &SignedIn) -> bool {
    visit.visitor.hat.as_ref().is_some_and(|hat| hat.role == Role::Pa)
}

fn rows(draft: &Prepared, name: String, author: String) -> Vec<Row> {
    let text = Text::english();
    let writing = &draft.writing;
    let others = if writing.names_others { "yes" } else { "no" };
    let mut rows = vec![
        row("ask.entry_person", name),
        row("ask.entry_when", day_words(&writing.when).unwrap_or_else(|| writing.when.clone())),
        row("ask.entry_kind", text.word("category", writing.category.code())),
        row("ask.entry_statement", text.word("option", writing.statement.word())),
        row("ask.entry_others", text.word("option", others)),
        row("ask.entry_account", writing.account.clone()),
        row("drafts.summary", writing.summary.clone()),
        row("drafts.by", author),
        row("drafts.at", moment_words(draft.at)),
    ];
    rows.retain(|row| !row.value.is_empty());
    rows
}

fn fields_of(draft: &Prepared) -> Typed {
    let writing = &draft.writing;
    let others = if writing.names_others { "yes" } else { "no" };
    let fields = [
        ("entry_when", writing.when.as_str()),
        ("entry_kind", writing.category.code()),
        ("entry_statement", writing.statement.word()),
        ("entry_others", others),
        ("entry_account", &writing.account),
        ("entry_summary", &writing.summary),
    ];
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// Confirms it, or sends it back. The last part of the address is the version that was shown.
pub async fn decide(visit: SignedIn, path: web::Path<(String, String)>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let (id, version) = path.into_inner();
    let version = version.parse::<i64>().map_err(|_| Stop::Missing)?;
    let (gateway, visitor) = (visit.gateway(), &visit.visitor);
    if fields.get("also") != "back" {
        gateway.confirm_draft(visitor, &id, version).await?;
        return Ok(go("/delegating"));
    }
    let why = fields.get("draft_why");
    match gateway.send_back(visitor, (&id, version), why).await {
        Ok(()) => Ok(go("/delegating")),
        Err(Failure::Inconsistent(_)) => {
            let typed = Typed::from([("draft_why".to_owned(), why.to_owned())]);
            shown(&visit, &id, &typed, &["draft_why"]).await
        }
        Err(failure) => Err(failure.into()),
    }
}

/// The author's mended draft, or their taking it back.
pub async fn again(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let (gateway, visitor) = (visit.gateway(), &visit.visitor);
    if fields.get("also") == "delete" {
        gateway.take_back(visitor, &path).await?;
        return Ok(go("/drafts"));
    }
    let Read { typed, writing, wrong } = Read::of(&visit, &fields);
    if wrong.is_empty() {
        gateway.prepare_again(visitor, &path, &writing).await?;
        return Ok(go("/drafts"));
    }
    // Nobody else learns that there is such a draft from what is wrong with the form.
    gateway.family_of_draft(visitor, &path).await?;
    shown(&visit, &path, &typed, &wrong).await
}
