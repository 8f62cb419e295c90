//! Steps 8 to 10 for one person of the segment: the cell, the permission, the override.

use super::permission::{self, Answer};
use super::{Reading, Request, overrides};
use crate::sharing::decision::{Flag, Flags, Limit, Reason, Rules};
use crate::sharing::facts::OverrideKind;
use crate::sharing::policy::{Cell, Consulted};
use crate::sharing::world::PersonIx;
use crate::vocabulary::{Category, Level, Purpose, Role};
use std::sync::Arc;

/// What steps 8 to 10 give for one person.
pub(in crate::sharing) struct Outcome {
    pub(in crate::sharing) level: Level,
    pub(in crate::sharing) reason: Reason,
    pub(in crate::sharing) limit: Option<Limit>,
    pub(in crate::sharing) flags: Flags,
    pub(in crate::sharing) permissions: Vec<Arc<str>>,
    pub(in crate::sharing) override_id: Option<Arc<str>>,
    pub(in crate::sharing) rules: Rules,
    /// A refusal in force names the requester: at level N nothing is shown (sharing rules §10).
    pub(in crate::sharing) named_refusal: bool,
    /// A police override that may exceed the adult cap (sharing rules §7).
    pub(in crate::sharing) exceeds_adult_cap: bool,
}

/// Steps 8, 9 and 10.
pub(in crate::sharing) fn outcome(
    request: &Request<'_>,
    reading: Reading<'_>,
    category: Category,
    cell: Cell,
    person: PersonIx,
) -> Outcome {
    let live = overrides::live(request, person, category);
    let emergency = live.filter(|each| each.kind == OverrideKind::Emg);
    let mut outcome = gate(request, reading, category, cell, person, emergency.is_some());
    if let (true, Some(each)) = (outcome.reason == Reason::AllowOverride, emergency) {
        outcome.override_id = Some(each.id.clone());
    }
    let dissent_counts = match request.purpose {
        Purpose::Cp => true,
        Purpose::Met => category != Category::Sxh || emergency.is_some(),
        _ => emergency.is_some(),
    };
    if dissent_counts && permission::dissent(request, reading, category, person) {
        outcome.flags.insert(Flag::DissentNoted);
        outcome.rules.insert(34);
    }
    if cell.raisable && request.purpose == Purpose::Le {
        // The custodian's officer decides; nothing opens by itself (R19).
        outcome.limit = Some(Limit::CustodianTask);
        outcome.rules.insert(19);
    } else if let (true, Some(each)) = (cell.raisable && outcome.level < Level::F, live) {
        outcome.level = Level::F;
        outcome.reason = Reason::AllowOverride;
        outcome.limit = None;
        outcome.override_id = Some(each.id.clone());
        outcome.rules.extend(Rules::of(&[37, 38, 40]));
        outcome.exceeds_adult_cap = request.hat.role == Role::Pol && request.purpose == Purpose::Cp;
    }
    if outcome.reason == Reason::AllowOverride && emergency.is_some() {
        outcome.exceeds_adult_cap |= request.hat.role == Role::Pol;
        outcome.rules.insert(45);
    }
    outcome
}

/// Steps 8 and 9: the cell, and permission where it is consulted.
fn gate(
    request: &Request<'_>,
    reading: Reading<'_>,
    category: Category,
    cell: Cell,
    person: PersonIx,
    emergency: bool,
) -> Outcome {
    if !cell.gated() {
        return plain(cell.with, Reason::AllowMatrix, &[]);
    }
    // Any sign of sexual activity under 13 is never gated; it is routed as child protection (R27).
    if matches!(category, Category::Exp | Category::Sxh) && !request.world.ages(person).thirteen(request.at) {
        let mut outcome = plain(cell.with, Reason::AllowMatrix, &[27]);
        outcome.flags.insert(Flag::CpTask);
        return outcome;
    }
    let consulted = match &request.policy.purpose(request.purpose).consulted {
        Consulted::None => false,
        Consulted::All => true,
        Consulted::Only(categories) => categories.contains(&category),
    };
    if !consulted {
        return plain(cell.with, Reason::AllowMatrix, &[]);
    }
    let found = permission::evaluate(request, reading, category, person);
    let mut outcome = match found.answer {
        Answer::Permitted => plain(cell.with, Reason::AllowPermission, &[33]),
        Answer::Withheld(_) if emergency => plain(cell.with, Reason::AllowOverride, &[45]),
        Answer::Withheld(limit) => {
            let mut outcome = plain(cell.without, Reason::AllowMatrix, &[33]);
            outcome.limit = Some(limit);
            if cell.without == Level::N {
                outcome.reason = Reason::DPermission;
            }
            outcome.flags = found.flags;
            outcome
        }
    };
    outcome.permissions = found.permissions;
    outcome.named_refusal = found.named_refusal;
    outcome.rules.extend(found.rules);
    outcome
}

fn plain(level: Level, reason: Reason, rules: &[u8]) -> Outcome {
    let reason = if level == Level::N { Reason::DMatrix } else { reason };
    Outcome {
        level,
        reason,
        limit: None,
        flags: Flags::default(),
        permissions: Vec::new(),
        override_id: None,
        rules: Rules::of(rules),
        named_refusal: false,
        exceeds_adult_cap: false,
    }
}
