//! C2: recording a decision, one question a page. The answers are kept as a sealed draft until they are sent.

use super::steps::{self, Answers, Field, Kind, List, Step};
use super::{Place, words};
use crate::diagnostic::Diagnostic;
use crate::exchange::{Age, Deed, Failure, PermissionDeed};
use crate::http::web::answer::{Stop, go, go_undone, page, with_status};
use crate::http::web::fields::Fields;
use crate::http::web::frame::Frame;
use crate::http::web::text::Text;
use crate::http::web::visit::SignedIn;
use crate::ident::PersonId;
use crate::vocabulary::{Category, Purpose, Role};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use std::collections::BTreeMap;

/// Categories that no permission can list (consent paper §2); the guard refuses them whoever asks.
const NEVER: [Category; 5] = [Category::Mhn, Category::Int, Category::Adp, Category::Tpi, Category::Loc];
/// Purposes under which permission is asked.
const PURPOSES: [Purpose; 4] = [Purpose::Cin, Purpose::Eh, Purpose::Dc, Purpose::Met];
/// Hexadecimal digits of the wording's digest that name its version.
const WORDING_CHARS: usize = 16;
/// The answer under which the id of a recorded assessment is kept with the draft.
const ASSESSED: &str = "assessed";

/// One draft with all it is about.
struct Drafting {
    place: Place,
    form: String,
    answers: Answers,
    age: Age,
    lists: Lists,
}

impl Drafting {
    /// `page` is the page it is opened for: the family's names are looked up only where somebody else may decide.
    async fn open(visit: &SignedIn, family: &str, person: &str, page: &str) -> Result<Self, Stop> {
        let place = Place::find(visit, family, person).await?;
        let decided = visit.gateway().permissions_of(&visit.visitor, &place.person, place.purpose).await?;
        let form = format!("permission/{}/{}", place.family.id, place.person);
        let answers = visit.gateway().draft(&visit.visitor, &form).await?;
        let chosen = |name: &str| !steps::answer(&answers, name).is_empty();
        let others = if ["parent", "attorney"].contains(&page) || chosen("p_parent") || chosen("p_attorney") {
            place.others(visit).await?
        } else {
            Vec::new()
        };
        let lists = lists(visit, others, &answers);
        Ok(Self { place, form, answers, age: decided.age, lists })
    }
    fn list(&self, list: List) -> Vec<(String, String)> {
        self.lists.get(key(list)).cloned().unwrap_or_default()
    }
    fn faults(&self, step: &Step) -> Vec<&'static str> {
        steps::faults(step, &self.answers, |list| self.list(list).into_iter().map(|(v, _)| v).collect())
    }
    fn open_steps(&self) -> Vec<&'static Step> {
        steps::open(&self.answers, self.age, |list| self.list(list).into_iter().map(|(v, _)| v).collect())
    }
    async fn keep(&self, visit: &SignedIn) -> Result<(), Stop> {
        Ok(visit.gateway().keep_draft(&visit.visitor, &self.form, &self.answers).await?)
    }
    fn at(&self, step: &str) -> String {
        format!("{}/new/{step}", self.place.base())
    }
    fn frame(&self, visit: &SignedIn, title: String) -> Frame {
        Frame::of(visit, title, Some(self.place.purpose))
    }
    fn text(&self, key: &str) -> String {
        Text::english().fill(key, &[("name", &self.place.name)])
    }
}

const fn key(list: List) -> &'static str {
    match list {
        List::Members => "members",
        List::Deciders => "deciders",
        List::Categories => "categories",
        List::Givers => "givers",
        List::Receivers => "receivers",
        List::Roles => "roles",
        List::Purposes => "purposes",
        List::Chosen => "chosen",
        List::Among => "among",
    }
}

/// Every list of the form, by its key.
type Lists = BTreeMap<&'static str, Vec<(String, String)>>;

fn lists(visit: &SignedIn, others: Vec<(PersonId, String)>, answers: &Answers) -> Lists {
    let text = Text::english();
    let refuses = steps::answer(answers, "p_decision") == "refuse";
    let members: Vec<(String, String)> = others.into_iter().map(|(id, name)| (id.as_str().to_owned(), name)).collect();
    let mut deciders = members.clone();
    deciders.push((steps::COUNCIL.to_owned(), text.say("permission.council").to_owned()));
    let listable = Category::ALL.iter().filter(|c| !NEVER.contains(c));
    let categories = listable.map(|c| (c.code().to_owned(), text.word("category", c.code())));
    let categories: Vec<(String, String)> = categories.collect();
    let agencies = visit.gateway().config().agencies.iter();
    let mut givers: Vec<_> = agencies.map(|a| (a.id.as_str().to_owned(), a.name.clone())).collect();
    let mut receivers = givers.clone();
    let team = visit.visitor.hat.as_ref().and_then(|h| h.team.as_ref());
    receivers.extend(team.map(|t| {
        let name = text.fill("permission.team", &[("team", t.as_str())]);
        (format!("team:{}", t.as_str()), name)
    }));
    if refuses {
        let anyone = (steps::ANYONE.to_owned(), text.say("permission.anyone").to_owned());
        givers.push(anyone.clone());
        receivers.push(anyone);
    }
    let content = visit.gateway().content();
    let works = |role: &&Role| PURPOSES.iter().any(|p| content.policy.column(*p, **role).is_some());
    let roles = Role::ALL.iter().filter(works).map(|r| (r.code().to_owned(), visit.pages.role_words(*r)));
    let roles: Vec<(String, String)> = roles.collect();
    let picked = |list: &[(String, String)], name: &str| {
        let chosen = steps::many(answers, name);
        list.iter().filter(|(value, _)| chosen.contains(&value.as_str())).cloned().collect::<Vec<_>>()
    };
    let (chosen, mut among) = (picked(&categories, "p_categories"), picked(&roles, "p_roles"));
    if among.is_empty() {
        among.clone_from(&roles);
    }
    let sxh = steps::many(answers, "p_categories") == ["SXH"];
    let purposes = PURPOSES.iter().filter(|p| **p != Purpose::Met || sxh);
    let purposes = purposes.map(|p| (p.code().to_owned(), visit.pages.purpose_words(*p))).collect();
    let all = [
        (List::Members, members),
        (List::Deciders, deciders),
        (List::Categories, categories),
        (List::Givers, givers),
        (List::Receivers, receivers),
        (List::Roles, roles),
        (List::Purposes, purposes),
        (List::Chosen, chosen),
        (List::Among, among),
    ];
    all.into_iter().map(|(list, options)| (key(list), options)).collect()
}

struct Question {
    name: &'static str,
    words: String,
    hint: Option<String>,
    value: String,
    wrong: Option<String>,
    options: Vec<(String, String, bool)>,
    several: bool,
    long: bool,
    day: bool,
}

#[derive(Template)]
#[template(path = "question.html")]
struct QuestionPage {
    frame: Frame,
    action: String,
    back: String,
    questions: Vec<Question>,
    /// Longest account, in characters.
    long: usize,
    wrong: bool,
    /// Whether the page's heading is the question itself.
    alone: bool,
}

/// The first question that is open.
pub async fn begin(visit: SignedIn, path: web::Path<(String, String)>) -> Result<HttpResponse, Stop> {
    let drafting = Drafting::open(&visit, &path.0, &path.1, "").await?;
    let next = drafting.open_steps().first().map_or("check", |s| s.name);
    Ok(go(&drafting.at(next)))
}

/// One question.
pub async fn ask(visit: SignedIn, path: web::Path<(String, String, String)>) -> Result<HttpResponse, Stop> {
    let drafting = Drafting::open(&visit, &path.0, &path.1, &path.2).await?;
    match path.2.as_str() {
        "check" => check(&visit, &drafting, &[], StatusCode::OK),
        "not-needed" => not_needed(&visit, &drafting).await,
        // What is left out is left out of something.
        name if steps::plain(name) == "but" && drafting.list(List::Chosen).is_empty() => {
            Ok(go(&drafting.at("categories")))
        }
        name => {
            let step = steps::step(name).ok_or(Stop::Missing)?;
            page(&question_page(&visit, &drafting, step, &[]))
        }
    }
}

/// Takes the answers of one page; keeps them, also when one is wrong.
pub async fn answer(
    visit: SignedIn,
    path: web::Path<(String, String, String)>,
    fields: Fields,
) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let step = steps::step(&path.2).ok_or(Stop::Missing)?;
    let mut drafting = Drafting::open(&visit, &path.0, &path.1, &path.2).await?;
    for field in step.fields {
        let given: Vec<&str> = fields.all(field.name).filter(|v| !v.is_empty()).collect();
        let given =
            if matches!(field.kind, Kind::Many(_)) { given.join("\n") } else { fields.get(field.name).to_owned() };
        drafting.answers.insert(field.name.to_owned(), given);
    }
    // An assessment is of one decision: another answer, another assessment.
    drafting.answers.remove(ASSESSED);
    let wrong = drafting.faults(step);
    drafting.keep(&visit).await?;
    if !wrong.is_empty() {
        return with_status(&question_page(&visit, &drafting, step, &wrong), StatusCode::UNPROCESSABLE_ENTITY);
    }
    if step.name == "why" && !steps::needed(&drafting.answers) {
        return Ok(go(&drafting.at("not-needed")));
    }
    let next = steps::after(step.name, &drafting.answers, drafting.age);
    Ok(go(&drafting.at(match next {
        Some(next) if !drafting.open_steps().is_empty() => next.name,
        _ => "check",
    })))
}

fn question_page(visit: &SignedIn, drafting: &Drafting, step: &'static Step, wrong: &[&str]) -> QuestionPage {
    let text = Text::english();
    let question = |field: &Field| {
        let value = steps::answer(&drafting.answers, field.name).to_owned();
        let chosen = steps::many(&drafting.answers, field.name);
        let options = match field.kind {
            Kind::One(list) => list.iter().map(|w| ((*w).to_owned(), text.word("option", w), value == **w)).collect(),
            Kind::OneOf(list) | Kind::Many(list) => {
                let all = drafting.list(list).into_iter();
                all.map(|(v, words)| (v.clone(), words, chosen.contains(&v.as_str()))).collect()
            }
            _ => Vec::new(),
        };
        let plain = steps::plain(field.name);
        let key = |group: &str| Some(format!("{group}.{plain}")).filter(|k| text.find(k).is_some());
        Question {
            name: field.name,
            words: drafting.text(&format!("ask.{plain}")),
            hint: key("hint").map(|k| drafting.text(&k)),
            wrong: wrong
                .contains(&field.name)
                .then(|| key("wrong").map_or_else(|| text.say("wrong.other").to_owned(), |k| drafting.text(&k))),
            several: matches!(field.kind, Kind::Many(_)),
            long: field.kind == Kind::Account,
            day: field.kind == Kind::Day,
            value,
            options,
        }
    };
    let questions: Vec<Question> = step.fields.iter().map(question).collect();
    let alone = questions.len() == 1;
    let heading = if alone {
        questions.first().map(|q| q.words.clone()).unwrap_or_default()
    } else {
        drafting.text(&format!("step.p-{}", steps::plain(step.name)))
    };
    let title = if wrong.is_empty() { heading } else { text.fill("errors.before", &[("title", &heading)]) };
    QuestionPage {
        frame: drafting.frame(visit, title),
        action: drafting.at(step.name),
        back: drafting.place.base(),
        questions,
        long: steps::ACCOUNT_MAX,
        wrong: !wrong.is_empty(),
        alone,
    }
}

#[derive(Template)]
#[template(path = "permission_not_needed.html")]
struct NotNeededPage {
    frame: Frame,
    why: &'static str,
    family: String,
    back: String,
}

/// A valid end: nothing is asked for and nothing is recorded.
async fn not_needed(visit: &SignedIn, drafting: &Drafting) -> Result<HttpResponse, Stop> {
    let text = Text::english();
    let why = match steps::answer(&drafting.answers, "p_why") {
        "at-risk" => text.say("permission.not-needed.at-risk"),
        "danger" => text.say("permission.not-needed.danger"),
        "advice" => text.say("permission.not-needed.advice"),
        _ => return Ok(go(&drafting.at("why"))),
    };
    visit.gateway().drop_draft(&visit.visitor, &drafting.form).await?;
    let frame = drafting.frame(visit, text.say("permission.not-needed").to_owned());
    page(&NotNeededPage { frame, why, family: drafting.place.family.id.clone(), back: drafting.place.base() })
}

struct Answered {
    href: String,
    words: String,
    value: String,
}

#[derive(Template)]
#[template(path = "permission_check.html")]
struct CheckPage {
    frame: Frame,
    base: String,
    wording: Vec<String>,
    answered: Vec<Answered>,
    open: Vec<(String, String)>,
    wrong: Vec<(String, String)>,
}

fn check(
    visit: &SignedIn,
    drafting: &Drafting,
    breaches: &[Diagnostic],
    status: StatusCode,
) -> Result<HttpResponse, Stop> {
    let text = Text::english();
    let mut answered = Vec::new();
    for step in steps::STEPS.iter().filter(|s| steps::asked(s, &drafting.answers, drafting.age)) {
        for field in step.fields {
            let words = drafting.text(&format!("ask.{}", steps::plain(field.name)));
            answered.push(Answered { href: drafting.at(step.name), words, value: in_words(drafting, field) });
        }
    }
    let title = |step: &&'static Step| {
        let key = format!("ask.{}", step.fields.first().map_or("", |f| steps::plain(f.name)));
        (drafting.at(step.name), drafting.text(&key))
    };
    let wrong = breaches.iter().map(|breach| {
        let step = steps::step_of(breach.pointer.as_deref().unwrap_or_default(), &drafting.answers, drafting.age);
        let key = format!("wrong.p-{}", step.map_or("other", steps::plain));
        (drafting.at(step.unwrap_or("check")), drafting.text(&key))
    });
    let mut wrong: Vec<(String, String)> = wrong.collect();
    wrong.dedup();
    let heading = text.say("permission.check");
    let heading = if wrong.is_empty() { heading.to_owned() } else { text.fill("errors.before", &[("title", heading)]) };
    let sheet = CheckPage {
        frame: drafting.frame(visit, heading),
        base: drafting.place.base(),
        wording: WORDING.iter().map(|key| drafting.text(key)).collect(),
        answered,
        open: drafting.open_steps().iter().map(title).collect(),
        wrong,
    };
    with_status(&sheet, status)
}

/// What is read out or given to the person (consent paper §5): its digest is kept with the record as the wording's version.
const WORDING: [&str; 6] = [
    "permission.wording.ask",
    "permission.wording.why",
    "permission.wording.no",
    "permission.wording.change",
    "permission.wording.limits",
    "permission.wording.complain",
];

fn wording_version() -> String {
    let all: Vec<&str> = WORDING.iter().filter_map(|key| Text::english().find(key)).collect();
    let digest = ring::digest::digest(&ring::digest::SHA256, all.join("\n").as_bytes());
    let hex: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    format!("family-agreement-{}", hex.get(..WORDING_CHARS).unwrap_or_default())
}

fn in_words(drafting: &Drafting, field: &Field) -> String {
    let text = Text::english();
    let value = steps::answer(&drafting.answers, field.name);
    match field.kind {
        _ if value.is_empty() => text.say("permission.nothing").to_owned(),
        Kind::One(_) => text.word("option", value),
        Kind::Day => crate::http::web::disclosure::bound_words(value),
        Kind::Line | Kind::Account => value.to_owned(),
        Kind::OneOf(list) | Kind::Many(list) => {
            let chosen = steps::many(&drafting.answers, field.name);
            let all = drafting.list(list).into_iter().filter(|(v, _)| chosen.contains(&v.as_str()));
            all.map(|(_, words)| words).collect::<Vec<_>>().join("; ")
        }
    }
}

/// Records what was checked: first the assessment the decision rests on, then the decision.
pub async fn submit(visit: SignedIn, path: web::Path<(String, String)>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let mut drafting = Drafting::open(&visit, &path.0, &path.1, "").await?;
    if let Some(open) = drafting.open_steps().first() {
        return Ok(go_undone(&drafting.at(open.name)));
    }
    if !steps::needed(&drafting.answers) {
        return Ok(go_undone(&drafting.at("not-needed")));
    }
    // Sent twice by one button it is recorded once.
    if !visit.gateway().take_draft(&visit.visitor, &drafting.form).await? {
        return Ok(go_undone(&drafting.place.base()));
    }
    let done = match assessed(&visit, &mut drafting).await {
        Ok(id) => recorded(&visit, &drafting, id.as_deref()).await,
        Err(failure) => Err(failure),
    };
    let Err(failure) = done else { return Ok(go(&drafting.place.base())) };
    drafting.keep(&visit).await?;
    match failure {
        Failure::Invalid(breaches) => check(&visit, &drafting, &breaches, StatusCode::UNPROCESSABLE_ENTITY),
        failure => Err(failure.into()),
    }
}

/// The assessment's id; one that was recorded for the same answers before is used again.
async fn assessed(visit: &SignedIn, drafting: &mut Drafting) -> Result<Option<String>, Failure> {
    if let Some(id) = drafting.answers.get(ASSESSED) {
        return Ok(Some(id.clone()));
    }
    let listed = steps::many(&drafting.answers, "p_categories");
    let listed: Vec<Category> = listed.into_iter().filter_map(Category::parse).collect();
    let decision = Text::english().fill("permission.decision", &[("what", &words::categories(&listed))]);
    let about = (drafting.place.purpose.code(), drafting.place.person.as_str(), decision.as_str());
    let Some(body) = steps::assessment(&drafting.answers, drafting.age, about) else { return Ok(None) };
    let new = serde_json::from_value(body).map_err(|_| Failure::Unclear("an assessment"))?;
    let done = visit.gateway().visitor_acts(&visit.visitor, &Deed::Permission(PermissionDeed::Assess(new))).await?;
    let id = done.body.get("id").and_then(|id| id.as_str()).unwrap_or_default().to_owned();
    // Kept with the draft again when the decision itself cannot be recorded.
    drafting.answers.insert(ASSESSED.to_owned(), id.clone());
    Ok(Some(id))
}

async fn recorded(visit: &SignedIn, drafting: &Drafting, assessment: Option<&str>) -> Result<(), Failure> {
    let agency = visit.visitor.worn()?.agency.clone();
    let version = wording_version();
    let about = (drafting.place.purpose.code(), drafting.place.person.as_str(), agency.as_str(), version.as_str());
    let body = steps::body(&drafting.answers, drafting.age, about, assessment);
    let new = serde_json::from_value(body).map_err(|_| Failure::Unclear("a permission"))?;
    let deed = Deed::Permission(PermissionDeed::Record(Box::new(new)));
    visit.gateway().visitor_acts(&visit.visitor, &deed).await.map(drop)
}
