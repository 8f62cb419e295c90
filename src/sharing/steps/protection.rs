//! Step 6: protected persons (R57, R58), and parents asking against a young person (R25, R28, R31, R53).

use super::{GO, Reading, Request, Step, end};
use crate::sharing::decision::Reason;
use crate::sharing::facts::Marking;
use crate::sharing::world::PersonIx;
use crate::vocabulary::{Category, Purpose, Role};

/// Step 6.
pub(in crate::sharing) fn step(request: &Request<'_>, reading: Reading<'_>) -> Step {
    if blocked(request, reading) {
        return end(Reason::DSafe, &[57, 58]);
    }
    if request.purpose == Purpose::Sa && against_the_young_person(request, reading) {
        return end(Reason::DSafe, &[25, 28, 31, 53]);
    }
    GO
}

/// Categories that by their nature locate a person or hold what they disclosed (facts file paper §8.8).
const TELLING: [Category; 14] = [
    Category::Adr,
    Category::Loc,
    Category::Edu,
    Category::Hlt,
    Category::Mhl,
    Category::Mhn,
    Category::Sub,
    Category::Sxh,
    Category::Dab,
    Category::Exp,
    Category::Pin,
    Category::Mis,
    Category::Csn,
    Category::Tpi,
];

/// Whether the segment locates `person` or reveals what they disclosed.
fn reveals(reading: Reading<'_>, person: PersonIx) -> bool {
    let segment = reading.segment;
    let about = segment.about.contains(&person);
    let telling = segment.category.is_some_and(|category| TELLING.contains(&category));
    (telling && about)
        || (segment.has_places && (about || segment.record_of == person))
        || segment.voices.contains(&person)
}

fn blocked(request: &Request<'_>, reading: Reading<'_>) -> bool {
    let persons = reading.persons().chain(reading.segment.voices.iter().copied());
    for person in persons.filter(|person| reveals(reading, *person)) {
        for x in request.world.protected_from(person, request.at) {
            if request.hat.role == Role::Fdp || linked_to(request, x) {
                return true;
            }
        }
    }
    false
}

/// Whether this hat, its account holder, or the person the officer asks for belongs to X's side.
fn linked_to(request: &Request<'_>, x: PersonIx) -> bool {
    let (world, at) = (request.world, request.at);
    world.on_strand_of(request.hat_ix, x, at)
        || world.own_persons(request.account, at).any(|own| world.near(own, x, at))
        || world.declared(request.account, at).any(|person| person == x)
        || request.requester.is_some_and(|requester| world.near(requester, x, at))
}

/// Subject access by somebody else about a competent child or a person of 16 and over, or for a passage not for parents.
fn against_the_young_person(request: &Request<'_>, reading: Reading<'_>) -> bool {
    let others = reading.segment.about.iter().copied().filter(|person| Some(*person) != request.requester);
    let mut others = others.peekable();
    let not_for_parents = reading.segment.markings.contains(&Marking::Nopat);
    if others.peek().is_some() && not_for_parents {
        return true;
    }
    others.any(|person| {
        let competent = |category| request.world.competent(person, category, request.at);
        request.world.ages(person).sixteen(request.at) || reading.segment.category.is_some_and(competent)
    })
}
