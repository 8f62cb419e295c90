//! Add an entry to a family's chronology (P3): whom it is about, when, what kind, what happened, what others may have of it.

use super::answer::{Stop, go, page, with_status};
use super::family::{everybody, member, of_visitor};
use super::fields::Fields;
use super::frame::Frame;
use super::sheet::{By, Part, Question, Sheet, form};
use super::text::Text;
use super::visit::SignedIn;
use crate::exchange::{Failure, Family, FamilyMember, Statement, Writing, may_prepare, may_write};
use crate::vocabulary::{Category, Purpose};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use std::collections::BTreeMap;

/// What was typed, by field.
pub type Typed = BTreeMap<String, String>;

/// What the form asks, in order.
const ASKED: [&str; 7] =
    ["entry_person", "entry_when", "entry_kind", "entry_statement", "entry_others", "entry_account", "entry_summary"];

/// Whether the visitor's role writes entries, or prepares them, at all.
pub fn offered(visit: &SignedIn) -> bool {
    !kinds(visit).is_empty()
}

/// Whether what the visitor writes is a draft until a social worker confirms it.
fn prepares(visit: &SignedIn) -> bool {
    visit.visitor.hat.as_ref().is_some_and(|hat| !may_prepare(hat.role).is_empty())
}

fn kinds(visit: &SignedIn) -> &'static [Category] {
    match visit.visitor.hat.as_ref().map(|hat| hat.role) {
        Some(role) if !may_prepare(role).is_empty() => may_prepare(role),
        Some(role) => may_write(role),
        None => &[],
    }
}

/// The form.
pub async fn ask(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    let (family, purpose, people) = scene(&visit, &path).await?;
    page(&sheet(&visit, (&family, purpose), &people, &Typed::new(), &[]))
}

/// What was typed into the form, and what is wrong with it.
pub struct Read {
    /// The fields, to be shown again.
    pub typed: Typed,
    /// The entry, as far as it can be read.
    pub writing: Writing,
    /// The names of the fields with faults.
    pub wrong: Vec<&'static str>,
}

impl Read {
    /// Reads the form but for whom it is about.
    pub fn of(visit: &SignedIn, fields: &Fields) -> Self {
        let kind = kinds(visit).iter().copied().find(|k| k.code() == fields.get("entry_kind"));
        let statement = Statement::parse(fields.get("entry_statement"));
        let others = match fields.get("entry_others") {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        };
        let missing = [
            ("entry_kind", kind.is_none()),
            ("entry_statement", statement.is_none()),
            ("entry_others", others.is_none()),
        ];
        let mut wrong: Vec<&str> = missing.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| name).collect();
        let writing = Writing {
            category: kind.unwrap_or(Category::Csn),
            when: fields.get("entry_when").to_owned(),
            statement: statement.unwrap_or(Statement::Opinion),
            names_others: others.unwrap_or(true),
            account: fields.get("entry_account").to_owned(),
            summary: fields.get("entry_summary").to_owned(),
        };
        wrong.extend(writing.faults(visit.gateway().clock().now()));
        Self { typed: ASKED.map(|n| (n.to_owned(), fields.get(n).to_owned())).into(), writing, wrong }
    }
}

/// Takes it. The last part of the address is the form's own word, so that sent twice it is one entry.
pub async fn write(visit: SignedIn, path: web::Path<(String, String)>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let (family, word) = path.into_inner();
    let (family, purpose, people) = scene(&visit, &family).await?;
    let Read { typed, writing, mut wrong } = Read::of(&visit, &fields);
    let about = people.iter().find(|(id, _)| id == fields.get("entry_person"));
    if about.is_none() {
        wrong.insert(0, "entry_person");
    }
    let person = about.and_then(|(id, _)| family.members.iter().find(|m| m.person.as_str() == id));
    let (true, Some(FamilyMember { person })) = (wrong.is_empty(), person) else {
        let again = sheet(&visit, (&family, purpose), &people, &typed, &wrong);
        return with_status(&again, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let (gateway, about) = (visit.gateway(), (family.id.as_str(), person));
    let (done, next) = if prepares(&visit) {
        (gateway.prepare_entry(&visit.visitor, about, &writing, &word).await, "/drafts".to_owned())
    } else {
        let done = gateway.write_entry(&visit.visitor, about, &writing, &word).await;
        (done, format!("/families/{}/chronology", family.id))
    };
    match done {
        Ok(()) => Ok(go(&next)),
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

/// What is asked of an entry but for whom it is about, with what was typed.
pub fn questions(visit: &SignedIn, typed: &Typed, wrong: &[&str]) -> Vec<Question> {
    let text = Text::english();
    let kinds = kinds(visit).iter().map(|k| (k.code().to_owned(), text.word("category", k.code())));
    let questions = [
        Question::new("entry_when", By::Short),
        Question::new("entry_kind", By::One).with(kinds.collect()),
        Question::of("entry_statement", By::One, &["fact", "reported", "opinion"]),
        Question::of("entry_others", By::One, &["yes", "no"]),
        Question::new("entry_account", By::Long),
        Question::new("entry_summary", By::Long),
    ];
    let filled = questions.into_iter().map(|q| {
        let bad = wrong.contains(&q.name);
        q.filled(typed).wrong_if(bad)
    });
    filled.collect()
}

fn sheet(
    visit: &SignedIn,
    (family, purpose): (&Family, Purpose),
    people: &[(String, String)],
    typed: &Typed,
    wrong: &[&str],
) -> Sheet {
    let text = Text::english();
    let whom = Question::new("entry_person", By::One).with(people.to_vec()).filled(typed);
    let mut all = vec![whom.wrong_if(wrong.contains(&"entry_person"))];
    all.extend(questions(visit, typed, wrong));
    let action = format!("/families/{}/entry/{}", family.id, visit.visitor.request);
    let (words, save) = match prepares(visit) {
        true => ("entry.drafted", "entry.send"),
        false => ("entry.words", "entry.save"),
    };
    let parts = vec![
        Part::Words(text.find(words).unwrap_or_default().to_owned()),
        Part::Form(form(action, all, save)),
        Part::Links(vec![(format!("/families/{}/chronology", family.id), text.say("entry.back").to_owned())]),
    ];
    let title = text.say("entry.title").to_owned();
    let title = if wrong.is_empty() { title } else { text.fill("errors.before", &[("title", &title)]) };
    Sheet { frame: Frame::of(visit, title, Some(purpose)), parts }
}
