//! Where a concern is in words a school can act on (S2): who has it, by role, and what happens next. A status always moves or
//! says why not; of what other services do with it nothing is said but that they have it (R82).

use super::text::Text;
use crate::clock::Moment;
use crate::exchange::{Answer, Concern, Side, Status};

/// Who has it: a role, never a name.
pub fn holder(concern: &Concern) -> &'static str {
    let text = Text::english();
    match concern.status {
        _ if concern.in_school => text.say("holder.lead"),
        Status::Received => text.say("holder.surgery"),
        Status::BeingRead => text.say("holder.adviser"),
        Status::PassedOn => text.say("holder.another"),
        Status::Advised | Status::Closed => text.say("holder.nobody"),
    }
}

/// What happens next.
pub fn next(concern: &Concern, now: Moment) -> &'static str {
    let text = Text::english();
    let waiting = matches!(concern.status, Status::Received | Status::BeingRead);
    let asked = concern.thread.last().is_some_and(|said| said.side == Side::Surgery);
    let referred = concern.decided.as_ref().map(|d| d.answer);
    match concern.status {
        _ if concern.in_school => text.say("next.lead"),
        _ if waiting && asked => text.say("next.asked"),
        _ if waiting && concern.due_at < now.millis() => text.say("next.late"),
        Status::Received => text.say("next.received"),
        Status::BeingRead => text.say("next.being-read"),
        Status::PassedOn if referred == Some(Answer::ContactMash) => text.say("next.passed-on"),
        Status::PassedOn => text.say("next.referred"),
        Status::Advised | Status::Closed => text.say("next.closed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{About, Decided, Said};
    use crate::ident::{AccountId, AgencyId};

    fn concern(status: Status) -> Concern {
        Concern {
            id: "c".to_owned(),
            school: AgencyId::new("s"),
            by: AccountId::new("a"),
            in_school: false,
            about: About::NoNames { band: "5-10".to_owned(), phase: "primary".to_owned() },
            own_words: String::new(),
            seen: String::new(),
            when: String::new(),
            place: String::new(),
            who_knows: String::new(),
            parents_told: true,
            not_told_why: String::new(),
            parents_agree: true,
            danger: false,
            question: String::new(),
            status,
            decided: None,
            outcome: None,
            taken_by: None,
            thread: Vec::new(),
            submitted_at: 0,
            due_at: 1_000,
            message: None,
            files: Vec::new(),
            system: None,
        }
    }

    #[test]
    fn a_status_moves_or_says_why_not() {
        let at = |concern: &Concern, millis: i64| next(concern, Moment::from_millis(millis));
        let mut one = concern(Status::Received);
        assert!(at(&one, 1_000).contains("takes it"));
        assert!(at(&one, 1_001).contains("late"), "past its due time a concern does not lie there without a word");
        one.status = Status::BeingRead;
        assert!(at(&one, 0).contains("answers"));
        let said = |side| Said { at: 0, side, by: AccountId::new("b"), text: "?".to_owned() };
        one.thread.push(said(Side::Surgery));
        assert!(at(&one, 2_000).contains("asked"), "the school is to answer, late or not");
        one.thread.push(said(Side::School));
        assert!(at(&one, 0).contains("answers"));
        one.in_school = true;
        assert_eq!(holder(&one), "Your safeguarding lead");
    }

    #[test]
    fn what_was_passed_on_is_said_to_be_with_another_service_and_no_more() {
        let mut one = concern(Status::PassedOn);
        let answer = |answer| {
            let (reason, actions, by) = (String::new(), String::new(), AccountId::new("b"));
            Some(Decided { answer, reason, actions, at: 0, by })
        };
        one.decided = answer(Answer::ContactMash);
        let words = "Passed to another service; they will contact you if they need more.";
        assert_eq!((holder(&one), next(&one, Moment::from_millis(0))), ("Another service", words));
        // Working Together: a referral gets a decision within one working day.
        one.decided = answer(Answer::MashReferral);
        let referred = next(&one, Moment::from_millis(0));
        assert!(referred.starts_with(words) && referred.contains("one working day"));
    }
}
