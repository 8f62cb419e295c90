//! People who may be one, in the privacy officer's queue: two officers say that they are, or one that they are not (A3).

use super::answer::{Stop, go, with_status};
use super::fields::Fields;
use super::frame::Frame;
use super::review::{age_words, back};
use super::sheet::{Part, Sheet, form, row};
use super::text::Text;
use super::visit::SignedIn;
use crate::exchange::{Desk, MatchCard, Settled};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

/// The doubtful matches; `refused` when one could not be joined just now.
pub async fn match_parts(visit: &SignedIn, desk: Desk, refused: bool) -> Result<Vec<Part>, Stop> {
    let text = Text::english();
    let matches = visit.gateway().doubtful_matches(&visit.visitor).await?;
    let mut parts = vec![Part::Heading(text.say("review.matches").to_owned())];
    if refused {
        parts.push(Part::Callout(text.say("review.two").to_owned(), false));
    }
    if matches.is_empty() {
        parts.push(Part::Words(text.say("review.matches.none").to_owned()));
    } else if desk == Desk::Officer {
        parts.push(Part::Words(text.say("review.matches.words").to_owned()));
        if !visit.gateway().two_officers(&visit.visitor).await? {
            parts.push(Part::Callout(text.say("review.matches.alone").to_owned(), false));
        }
    }
    for card in &matches {
        parts.push(rows(visit, card));
        if desk == Desk::Officer {
            let mut form = form(format!("/review/matches/{}", card.row.id), Vec::new(), "review.different");
            form.second = match card.said {
                None => Some(("same", text.say("review.same").to_owned())),
                Some(false) => Some(("same", text.say("review.join").to_owned())),
                Some(true) => None,
            };
            parts.push(Part::Form(form));
        }
    }
    Ok(parts)
}

fn rows(visit: &SignedIn, card: &MatchCard) -> Part {
    let text = Text::english();
    let alike = |agrees: bool| {
        let of = card.likeness.iter().filter(|l| l.agrees == agrees);
        let said = of.map(|l| text.word("likeness", &l.what)).collect::<Vec<_>>().join(", ");
        if said.is_empty() { text.say("review.nothing").to_owned() } else { said }
    };
    let said = match card.said {
        None => "review.said.nobody",
        Some(false) => "review.said.other",
        Some(true) => "review.said.own",
    };
    Part::Rows(vec![
        row("review.reference", card.row.local.clone()),
        row("review.age", age_words(visit, card.row.created_at.millis())),
        row("review.doubt", text.word("doubt", &card.row.reason)),
        row("review.agrees", alike(true)),
        row("review.differs", alike(false)),
        row("waiting.state", text.find(said).unwrap_or_default()),
    ])
}

/// Decides a doubtful match.
pub async fn settle(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    let (gateway, visitor) = (visit.gateway(), &visit.visitor);
    if gateway.decide_match(visitor, &path, fields.get("also") == "same").await? != Settled::Two {
        return Ok(go("/review"));
    }
    let mut parts = match_parts(&visit, Desk::Officer, true).await?;
    parts.push(back());
    let title = Text::english().say("review.title").to_owned();
    with_status(&Sheet { frame: Frame::of(&visit, title, None), parts }, StatusCode::CONFLICT)
}
