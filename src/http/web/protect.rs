//! Changing a family's case from child in need or early help to child protection: its own form, with the reason and the manager
//! (R17). From that moment another column of the table counts for everybody who works with the family.

use super::answer::{Stop, go, page, with_status};
use super::family::of_visitor;
use super::fields::Fields;
use super::frame::Frame;
use super::sheet::{By, Part, Question, Sheet, form, row};
use super::text::Text;
use super::visit::SignedIn;
use crate::exchange::Family;
use crate::ident::HatId;
use crate::vocabulary::Purpose;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use std::collections::BTreeMap;

/// What the form asks.
const ASKED: [&str; 2] = ["protect_manager", "protect_why"];

type Typed = BTreeMap<String, String>;

/// The form.
pub async fn ask(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    let family = of_visitor(&visit, &path).await?;
    page(&sheet(&visit, &family, &managers(&visit, &family).await?, &Typed::new(), &[])?)
}

/// Changes it, and states the new purpose for this session.
pub async fn change(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let family = of_visitor(&visit, &path).await?;
    let managers = managers(&visit, &family).await?;
    let manager = managers.iter().find(|(hat, _)| hat == fields.get("protect_manager"));
    let why = fields.get("protect_why");
    let missing = [("protect_manager", manager.is_none()), ("protect_why", why.is_empty())];
    let wrong: Vec<&str> = missing.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| name).collect();
    let (Some((hat, _)), true) = (manager, wrong.is_empty()) else {
        let typed = ASKED.map(|n| (n.to_owned(), fields.get(n).to_owned())).into();
        let again = sheet(&visit, &family, &managers, &typed, &wrong)?;
        return with_status(&again, StatusCode::UNPROCESSABLE_ENTITY);
    };
    visit.gateway().open_for_protection(&visit.visitor, &family, &HatId::new(hat.as_str()), why).await?;
    visit.gateway().state_purpose(&visit.visitor, &family.id, Purpose::Cp).await?;
    Ok(go(&format!("/families/{}", family.id)))
}

/// Who may be named: the hat, and name and role.
async fn managers(visit: &SignedIn, family: &Family) -> Result<Vec<(String, String)>, Stop> {
    let mut options = Vec::new();
    for (account, hat) in visit.gateway().managers_of(&visit.visitor, &family.id).await? {
        let words = format!("{}, {}", visit.pages.called(&account).await?, visit.pages.hat_words(&hat));
        options.push((hat.id.as_str().to_owned(), words));
    }
    Ok(options)
}

fn sheet(
    visit: &SignedIn,
    family: &Family,
    managers: &[(String, String)],
    typed: &Typed,
    wrong: &[&str],
) -> Result<Sheet, Stop> {
    // Whoever may not change it has no such page.
    let from = visit.gateway().may_protect(&visit.visitor, family).ok_or(Stop::Missing)?;
    let text = Text::english();
    let questions =
        [Question::new("protect_manager", By::One).with(managers.to_vec()), Question::new("protect_why", By::Long)];
    let questions = questions.into_iter().map(|q| {
        let bad = wrong.contains(&q.name);
        q.filled(typed).wrong_if(bad)
    });
    let action = format!("/families/{}/protect", family.id);
    let asked = match managers.is_empty() {
        true => Part::Words(text.say("protect.nobody").to_owned()),
        false => Part::Form(form(action, questions.collect(), "protect.send")),
    };
    let parts = vec![
        Part::Rows(vec![
            row("families.family", family.id.clone()),
            row("protect.from", visit.pages.purpose_words(from)),
            row("protect.to", visit.pages.purpose_words(Purpose::Cp)),
        ]),
        Part::Words(text.say("protect.words").to_owned()),
        asked,
        Part::Links(vec![(format!("/families/{}/purpose", family.id), text.say("protect.back").to_owned())]),
    ];
    let title = text.say("protect.title").to_owned();
    let title = if wrong.is_empty() { title } else { text.fill("errors.before", &[("title", &title)]) };
    let stated = visit.visitor.purpose(&family.id);
    Ok(Sheet { frame: Frame::of(visit, title, stated), parts })
}
