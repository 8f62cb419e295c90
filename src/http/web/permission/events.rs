//! One record (C1), its withdrawal (C3), an objection, a dispute's end, a correction.
//!
//! A withdrawal asks no reason and takes one page: it is not harder than giving.

use super::list::{AgreedShown, shown};
use super::{Deciders, Place, words};
use crate::exchange::{Agreed, Consequences, Deed, Failure, Happening, PermissionDeed};
use crate::http::web::answer::{Stop, go, page, with_status};
use crate::http::web::disclosure::{Row, bound_words};
use crate::http::web::fields::Fields;
use crate::http::web::frame::Frame;
use crate::http::web::text::Text;
use crate::http::web::visit::SignedIn;
use crate::vocabulary::{Purpose, Role};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde_json::json;

/// Channels by which people say something; a withdrawal may come by any.
const HOW: [&str; 5] = ["spoken-witnessed", "signed-paper", "signed-screen", "video", "email"];

/// The record in an address: under a family for who works with it, alone for a privacy officer.
struct Found {
    place: Option<Place>,
    base: String,
    purpose: Option<Purpose>,
    agreed: Agreed,
    consequences: Consequences,
    decider: String,
}

impl Found {
    async fn find(visit: &SignedIn, request: &HttpRequest) -> Result<Self, Stop> {
        let part = |name: &str| request.match_info().get(name).unwrap_or_default().to_owned();
        let (family, person, id) = (part("family"), part("person"), part("permission"));
        let (place, base) = if family.is_empty() {
            match visit.visitor.hat.as_ref().map(|h| h.role) {
                Some(Role::Prv) => (None, "/permissions".to_owned()),
                Some(_) => return Err(Stop::Missing),
                None => return Err(Stop::NoHat),
            }
        } else {
            let place = Place::find(visit, &family, &person).await?;
            let base = place.base();
            (Some(place), base)
        };
        let purpose = place.as_ref().map(|p| p.purpose);
        let (agreed, consequences) = visit.gateway().permission_of(&visit.visitor, &id, purpose).await?;
        if place.as_ref().is_some_and(|p| p.person != agreed.record.subject) {
            return Err(Stop::Missing);
        }
        let decider = Deciders::of(visit, place.as_ref(), &[&agreed]).await?.words(visit, &agreed);
        Ok(Self { place, base, purpose, agreed, consequences, decider })
    }
    fn href(&self) -> String {
        format!("{}/{}", self.base, self.agreed.record.id.as_str())
    }
    fn name(&self) -> String {
        let nobody = || Text::english().say("permission.person").to_owned();
        self.place.as_ref().map_or_else(nobody, |p| p.name.clone())
    }
    fn may(&self, act: &str) -> bool {
        let may = self.agreed.may;
        match act {
            "withdraw" => may.withdraw,
            "dispute" => may.object,
            "resolve" => may.resolve,
            "error" => may.correct,
            _ => false,
        }
    }
    /// The purpose the deed stands under in the log.
    fn under(&self) -> &'static str {
        let first = self.agreed.record.scope.purposes.iter().flatten().next().copied();
        self.purpose.or(first).unwrap_or(Purpose::Cin).code()
    }
}

struct SharedShown {
    at: String,
    to: String,
    what: String,
}

struct ChangeShown {
    to: String,
    purpose: String,
    category: String,
    now: String,
    after: String,
}

#[derive(Template)]
#[template(path = "permission.html")]
struct OnePage {
    frame: Frame,
    base: String,
    listed: bool,
    agreed: AgreedShown,
    history: Vec<Row>,
    acts: Vec<(&'static str, &'static str)>,
    over: bool,
    shared: Vec<SharedShown>,
    shared_more: Option<String>,
}

/// One record with its history; once withdrawn, what was shared before.
pub async fn one(visit: SignedIn, request: HttpRequest) -> Result<HttpResponse, Stop> {
    let found = Found::find(&visit, &request).await?;
    let text = Text::english();
    let acts = [
        ("withdraw", "permission.withdraw"),
        ("dispute", "permission.dispute"),
        ("resolve", "permission.resolve"),
        ("error", "permission.error"),
    ];
    let acts = acts.into_iter().filter(|(act, _)| found.may(act));
    let acts = acts.map(|(act, key)| (act, text.find(key).unwrap_or_default())).collect();
    let title = text.fill("permission.title", &[("name", &found.name())]);
    page(&OnePage {
        frame: Frame::of(&visit, title, found.purpose),
        listed: found.place.is_some(),
        agreed: shown(&visit, &found.agreed, &found.base, &found.decider),
        history: words::history(&found.agreed.record),
        acts,
        over: found.agreed.status == "withdrawn",
        shared: shared(&visit, &found.consequences),
        shared_more: more(&found.consequences),
        base: found.base,
    })
}

#[derive(Template)]
#[template(path = "permission_act.html")]
struct ActPage {
    frame: Frame,
    href: String,
    act: String,
    intro: String,
    permits: bool,
    changes: Vec<ChangeShown>,
    stays: Vec<(String, String)>,
    shared: Vec<SharedShown>,
    shared_more: Option<String>,
    /// Who says so: id and name, when there is more than one answer.
    by: Vec<(String, String)>,
    how: Vec<(&'static str, String)>,
    why: bool,
    outcomes: Vec<(&'static str, String)>,
    go: &'static str,
    wrong: Option<&'static str>,
}

/// The page of one act.
pub async fn ask(visit: SignedIn, request: HttpRequest) -> Result<HttpResponse, Stop> {
    let found = Found::find(&visit, &request).await?;
    let act = request.match_info().get("act").unwrap_or_default().to_owned();
    page(&act_page(&visit, &found, &act, None).await?)
}

async fn act_page(visit: &SignedIn, found: &Found, act: &str, wrong: Option<&'static str>) -> Result<ActPage, Stop> {
    if !found.may(act) {
        return Err(Stop::Missing);
    }
    let text = Text::english();
    let (title, intro, go) = match act {
        "withdraw" => ("permission.withdraw.title", "permission.withdraw.intro", "permission.withdraw.go"),
        "dispute" => ("permission.dispute.title", "permission.dispute.intro", "permission.dispute.go"),
        "resolve" => ("permission.resolve.title", "permission.resolve.intro", "permission.resolve.go"),
        _ => ("permission.error.title", "permission.error.intro", "permission.error.go"),
    };
    let heading = text.find(title).unwrap_or_default();
    let heading = if wrong.is_some() { text.fill("errors.before", &[("title", heading)]) } else { heading.to_owned() };
    let withdraws = act == "withdraw";
    let consequences = &found.consequences;
    Ok(ActPage {
        frame: Frame::of(visit, heading, found.purpose),
        href: found.href(),
        act: act.to_owned(),
        intro: text.fill(intro, &[("name", &found.name())]),
        permits: words::code(&found.agreed.record.decision) == "permit",
        changes: if withdraws { changes(visit, consequences) } else { Vec::new() },
        stays: if withdraws { stays(found) } else { Vec::new() },
        shared: if withdraws { shared(visit, consequences) } else { Vec::new() },
        shared_more: more(consequences).filter(|_| withdraws),
        by: who(visit, found, act).await?,
        how: if withdraws { HOW.iter().map(|w| (*w, text.word("option", w))).collect() } else { Vec::new() },
        why: matches!(act, "resolve" | "error"),
        outcomes: if act == "resolve" {
            vec![
                ("active", text.say("permission.resolve.stands").to_owned()),
                ("withdrawn", text.say("permission.resolve.ends").to_owned()),
            ]
        } else {
            Vec::new()
        },
        go: text.find(go).unwrap_or_default(),
        wrong,
    })
}

/// Who may say so: for a withdrawal the decider, the person, the council; for an objection everybody else of the family.
async fn who(visit: &SignedIn, found: &Found, act: &str) -> Result<Vec<(String, String)>, Stop> {
    let record = &found.agreed.record;
    let subject = record.subject.as_str();
    let own = record.decider == subject;
    let council = || (super::steps::COUNCIL.to_owned(), Text::english().say("permission.council").to_owned());
    Ok(match act {
        "withdraw" if own => Vec::new(),
        "withdraw" => {
            vec![(record.decider.clone(), found.decider.clone()), (subject.to_owned(), found.name()), council()]
        }
        "dispute" => {
            let Some(place) = &found.place else { return Ok(Vec::new()) };
            let others = place.others(visit).await?.into_iter().filter(|(id, _)| id.as_str() != record.decider);
            let mut all: Vec<(String, String)> = others.map(|(id, name)| (id.as_str().to_owned(), name)).collect();
            all.push(council());
            all
        }
        _ => Vec::new(),
    })
}

fn changes(visit: &SignedIn, consequences: &Consequences) -> Vec<ChangeShown> {
    let text = Text::english();
    let all = consequences.changes.iter().map(|c| ChangeShown {
        to: words::party(visit, &c.to),
        purpose: visit.pages.purpose_words(c.purpose),
        category: text.word("category", c.category.code()),
        now: text.word("value", &format!("level-{}", c.now.code())),
        after: text.word("value", &format!("level-{}", c.after.code())),
    });
    all.collect()
}

fn stays(found: &Found) -> Vec<(String, String)> {
    let name = |id: &String| (format!("{}/{id}", found.base), id.clone());
    found.consequences.stays.iter().map(name).collect()
}

fn shared(visit: &SignedIn, consequences: &Consequences) -> Vec<SharedShown> {
    let all = consequences.shared.iter().map(|s| {
        let agency = visit.pages.agency_words(s.agency.as_str());
        SharedShown {
            at: bound_words(&s.at),
            to: s.role.map_or_else(|| agency.clone(), |role| format!("{}, {agency}", visit.pages.role_words(role))),
            what: words::categories(&s.categories),
        }
    });
    all.collect()
}

fn more(consequences: &Consequences) -> Option<String> {
    let left = consequences.shared_all.saturating_sub(consequences.shared.len());
    (left > 0).then(|| Text::english().fill("permission.shared.more", &[("number", &left.to_string())]))
}

/// Does it.
pub async fn done(visit: SignedIn, request: HttpRequest, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let found = Found::find(&visit, &request).await?;
    let act = request.match_info().get("act").unwrap_or_default().to_owned();
    if !found.may(&act) {
        return Err(Stop::Missing);
    }
    let Some(what) = happening(&visit, &found, &act, &fields) else {
        let wrong = Text::english().say("permission.act.missing");
        let sheet = act_page(&visit, &found, &act, Some(wrong)).await?;
        return with_status(&sheet, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let id = found.agreed.record.id.as_str().to_owned();
    let deed = Deed::Permission(PermissionDeed::Happened(id, what));
    match visit.gateway().visitor_acts(&visit.visitor, &deed).await {
        Ok(_) => Ok(go(&found.href())),
        Err(Failure::Invalid(_)) => {
            let wrong = Text::english().say("permission.act.standing");
            let sheet = act_page(&visit, &found, &act, Some(wrong)).await?;
            with_status(&sheet, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(failure) => Err(failure.into()),
    }
}

/// What the form says; `None` when an answer is missing.
fn happening(visit: &SignedIn, found: &Found, act: &str, fields: &Fields) -> Option<Happening> {
    let record = &found.agreed.record;
    let purpose = found.under();
    let by = match fields.get("by") {
        "" if act == "withdraw" && record.decider == record.subject.as_str() => record.decider.clone(),
        "" if matches!(act, "withdraw" | "dispute") => return None,
        chosen => chosen.to_owned(),
    };
    let agencies = &visit.gateway().config().agencies;
    let by = if by == super::steps::COUNCIL {
        json!({"agency": visit.visitor.hat.as_ref()?.agency.as_str()})
    } else if agencies.iter().any(|a| a.id.as_str() == by) {
        json!({"agency": by})
    } else {
        json!({"person": by})
    };
    let why = fields.get("why");
    Some(match act {
        "withdraw" => {
            let how = Some(fields.get("how")).filter(|how| HOW.contains(how));
            let body = json!({"purpose": purpose, "by": by, "how": how});
            Happening::Withdrawn(serde_json::from_value(body).ok()?)
        }
        "dispute" => Happening::Disputed(serde_json::from_value(json!({"purpose": purpose, "by": by})).ok()?),
        "resolve" if !why.is_empty() => {
            let body = json!({"purpose": purpose, "outcome": fields.get("outcome"), "why": why});
            Happening::Resolved(serde_json::from_value(body).ok()?)
        }
        "error" if !why.is_empty() => {
            Happening::Erred(serde_json::from_value(json!({"purpose": purpose, "why": why})).ok()?)
        }
        _ => return None,
    })
}
