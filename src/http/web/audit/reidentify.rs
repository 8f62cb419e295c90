//! Learning who a reference stands for: asked by the auditor, decided by the privacy officer, looked at once.

use super::super::answer::{Stop, go, go_undone, page, with_status};
use super::super::fields::Fields;
use super::super::frame::Frame;
use super::super::text::Text;
use super::super::visit::SignedIn;
use super::{Names, auditor, when};
use crate::exchange::{Failure, Identity, Reidentify, ReidentifyStanding};
use crate::vocabulary::Role;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use std::collections::BTreeSet;

struct RequestShown {
    id: String,
    reference: String,
    who: String,
    case: String,
    reason: String,
    asked: String,
    standing: String,
    /// Whether this visitor may decide it, or look now.
    decide: bool,
    look: bool,
}

#[derive(Template)]
#[template(path = "audit_reidentify.html")]
struct ReidentifyPage {
    frame: Frame,
    requests: Vec<RequestShown>,
    /// Whether this visitor asks.
    asks: bool,
    wrong: bool,
    /// Who it is, right after the look.
    identity: Option<String>,
    subject: String,
    case: String,
    reason: String,
}

/// The requests, and the form.
pub async fn list(visit: SignedIn) -> Result<HttpResponse, Stop> {
    auditor(&visit)?;
    page(&shown(&visit, None, None).await?)
}

async fn shown(visit: &SignedIn, typed: Option<&Fields>, identity: Option<Identity>) -> Result<ReidentifyPage, Stop> {
    let text = Text::english();
    let found = visit.gateway().reidentifications(&visit.visitor).await?;
    let accounts: BTreeSet<String> = found.iter().map(|r| r.by.as_str().to_owned()).collect();
    let names = Names::of(visit, accounts).await?;
    let role = visit.visitor.hat.as_ref().map(|h| h.role);
    let own = |r: &Reidentify| r.by == visit.visitor.account;
    let row = |r: Reidentify| RequestShown {
        decide: role == Some(Role::Prv) && r.standing == ReidentifyStanding::Asked && !own(&r),
        look: r.standing == ReidentifyStanding::Approved && own(&r),
        who: names.say(r.by.as_str()),
        asked: when(&r.asked_at),
        standing: text.word("standing", r.standing.word()),
        id: r.id,
        reference: r.reference,
        case: r.case,
        reason: r.reason,
    };
    let said = |i: Identity| {
        let name = i.name.unwrap_or_else(|| text.say("reidentify.no-name").to_owned());
        let born = i.born.map(|b| when(&b)).unwrap_or_else(|| text.say("reidentify.no-birth").to_owned());
        text.fill("reidentify.identity", &[("name", &name), ("born", &born), ("person", &i.person)])
    };
    let field = |name: &str| typed.map(|f| f.get(name).to_owned()).unwrap_or_default();
    let title = if typed.is_some() { "reidentify.title-wrong" } else { "reidentify.title" };
    Ok(ReidentifyPage {
        frame: super::search::framed(visit, title),
        requests: found.into_iter().map(row).collect(),
        asks: role == Some(Role::Aud),
        wrong: typed.is_some(),
        identity: identity.map(said),
        subject: field("subject"),
        case: field("case"),
        reason: field("reason"),
    })
}

/// Asks.
pub async fn ask(visit: SignedIn, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    auditor(&visit)?;
    let (subject, case, reason) = (fields.get("subject"), fields.get("case"), fields.get("reason"));
    let asks = visit.visitor.hat.as_ref().is_some_and(|h| h.role == Role::Aud);
    match visit.gateway().ask_reidentify(&visit.visitor, subject, case, reason).await {
        Ok(()) => Ok(go("/audit/reidentify")),
        Err(Failure::Unclear(_) | Failure::NotFound) if asks => {
            with_status(&shown(&visit, Some(&fields), None).await?, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Decides.
pub async fn decide(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    auditor(&visit)?;
    let approve = match fields.get("verdict") {
        "approve" => true,
        "refuse" => false,
        _ => return Err(Stop::Malformed),
    };
    match visit.gateway().decide_reidentify(&visit.visitor, &path, approve).await {
        Ok(()) | Err(Failure::Conflict) => Ok(go("/audit/reidentify")),
        Err(failure) => Err(failure.into()),
    }
}

/// Looks, once: the answer to this form is the only place where it stands.
pub async fn look(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    auditor(&visit)?;
    match visit.gateway().reidentify(&visit.visitor, &path).await {
        Ok(identity) => page(&shown(&visit, None, Some(identity)).await?),
        Err(Failure::Conflict | Failure::Changed) => Ok(go_undone("/audit/reidentify")),
        Err(failure) => Err(failure.into()),
    }
}
