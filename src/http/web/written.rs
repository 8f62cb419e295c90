//! Add an entry to a family's chronology (P3): whom it is about, when, what kind, what happened, what others may have of it.

use super::answer::{Stop, go, page, with_status};
use super::family::{everybody, member, of_visitor};
use super::fields::Fields;
use super::frame::Frame;
use super::sheet::{By, Part, Question, Sheet, form};
use super::text::Text;
use super::visit::SignedIn;
use crate::exchange::{Failure, Family, FamilyMember, Statement, Writing, may_write};
use crate::vocabulary::{Category, Purpose};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use std::collections::BTreeMap;

/// What the form asks, in order.
const ASKED: [&str; 7] =
    ["entry_person", "entry_when", "entry_kind", "entry_statement", "entry_others", "entry_account", "entry_summary"];

/// Whether the visitor's role writes entries at all.
pub fn offered(visit: &SignedIn) -> bool {
    !kinds(visit).is_empty()
}

fn kinds(visit: &SignedIn) -> &'static [Category] {
    visit.visitor.hat.as_ref().map_or(&[], |hat| may_write(hat.role))
}

/// The form.
pub async fn ask(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    let (family, purpose, people) = scene(&visit, &path).await?;
    page(&sheet(&visit, (&family, purpose), &people, &BTreeMap::new(), &[]))
}

/// Takes it. The last part of the address is the form's own word, so that sent twice it is one entry.
pub async fn write(visit: SignedIn, path: web::Path<(String, String)>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let (family, word) = path.into_inner();
    let (family, purpose, people) = scene(&visit, &family).await?;
    let typed: BTreeMap<String, String> = ASKED.map(|n| (n.to_owned(), fields.get(n).to_owned())).into();
    let kind = kinds(&visit).iter().copied().find(|k| k.code() == fields.get("entry_kind"));
    let statement = Statement::parse(fields.get("entry_statement"));
    let about = people.iter().find(|(id, _)| id == fields.get("entry_person"));
    let others = match fields.get("entry_others") {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    let mut wrong = Vec::new();
    for (name, missing) in [
        ("entry_person", about.is_none()),
        ("entry_kind", kind.is_none()),
        ("entry_statement", statement.is_none()),
        ("entry_others", others.is_none()),
    ] {
        if missing {
            wrong.push(name);
        }
    }
    let writing = Writing {
        category: kind.unwrap_or(Category::Csn),
        when: fields.get("entry_when").to_owned(),
        statement: statement.unwrap_or(Statement::Opinion),
        names_others: others.unwrap_or(true),
        account: fields.get("entry_account").to_owned(),
        summary: fields.get("entry_summary").to_owned(),
    };
    wrong.extend(writing.faults(visit.gateway().clock().now()));
    let person = about.and_then(|(id, _)| family.members.iter().find(|m| m.person.as_str() == id));
    let (true, Some(FamilyMember { person })) = (wrong.is_empty(), person) else {
        let again = sheet(&visit, (&family, purpose), &people, &typed, &wrong);
        return with_status(&again, StatusCode::UNPROCESSABLE_ENTITY);
    };
    match visit.gateway().write_entry(&visit.visitor, (&family.id, person), &writing, &word).await {
        Ok(()) => Ok(go(&format!("/families/{}/chronology", family.id))),
        // This form was sent before, with other words: what stands in it now is kept, to be looked at and sent again.
        Err(Failure::Conflict) => {
            let mut again = sheet(&visit, (&family, purpose), &people, &typed, &[]);
            again.parts.insert(0, Part::Callout(Text::english().say("entry.sent").to_owned(), false));
            with_status(&again, StatusCode::CONFLICT)
        }
        Err(failure) => Err(failure.into()),
    }
}

/// The family, why it is open, and the members who are shown: nobody else can be written about, or be seen in the form.
async fn scene(visit: &SignedIn, family: &str) -> Result<(Family, Purpose, Vec<(String, String)>), Stop> {
    let family = of_visitor(visit, family).await?;
    if !offered(visit) {
        return Err(Stop::Missing);
    }
    let purpose = visit.visitor.purpose(&family.id).ok_or(Stop::Missing)?;
    let mut people = Vec::new();
    for (person, shown) in everybody(visit, &family, purpose).await? {
        people.extend(member(visit, shown).map(|m| (person.as_str().to_owned(), m.name)));
    }
    if people.is_empty() {
        return Err(Failure::NotFound.into());
    }
    Ok((family, purpose, people))
}

fn sheet(
    visit: &SignedIn,
    (family, purpose): (&Family, Purpose),
    people: &[(String, String)],
    typed: &BTreeMap<String, String>,
    wrong: &[&str],
) -> Sheet {
    let text = Text::english();
    let kinds = kinds(visit).iter().map(|k| (k.code().to_owned(), text.word("category", k.code())));
    let questions = vec![
        Question::new("entry_person", By::One).with(people.to_vec()),
        Question::new("entry_when", By::Short),
        Question::new("entry_kind", By::One).with(kinds.collect()),
        Question::of("entry_statement", By::One, &["fact", "reported", "opinion"]),
        Question::of("entry_others", By::One, &["yes", "no"]),
        Question::new("entry_account", By::Long),
        Question::new("entry_summary", By::Long),
    ];
    let questions = questions.into_iter().map(|q| {
        let bad = wrong.contains(&q.name);
        q.filled(typed).wrong_if(bad)
    });
    let action = format!("/families/{}/entry/{}", family.id, visit.visitor.request);
    let parts = vec![
        Part::Words(text.say("entry.words").to_owned()),
        Part::Form(form(action, questions.collect(), "entry.save")),
        Part::Links(vec![(format!("/families/{}/chronology", family.id), text.say("entry.back").to_owned())]),
    ];
    let title = text.say("entry.title").to_owned();
    let title = if wrong.is_empty() { title } else { text.fill("errors.before", &[("title", &title)]) };
    Sheet { frame: Frame::of(visit, title, Some(purpose)), parts }
}
