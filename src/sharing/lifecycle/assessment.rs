//! Competence and capacity: what an assessment must say to count (R26, consent paper §3; R25 for capacity).

use super::{breach, person};
use crate::diagnostic::Diagnostic;
use crate::sharing::facts::{Assessment, AssessmentKind, AssessmentOutcome};
use crate::sharing::world::World;
use crate::vocabulary::Role;

/// Roles whose holders do not assess: assistants, volunteers, school staff without the safeguarding role, and those without
/// contact to the person.
const NOT_ASSESSORS: [Role; 9] =
    [Role::Pa, Role::Vol, Role::Sch, Role::Anl, Role::Obs, Role::Aud, Role::Sys, Role::Prv, Role::Vco];

/// Everything wrong with a new assessment. `prompts`: the answers to the five prompts of the consent paper §3.
#[must_use]
pub fn breaches(world: &World, record: &Assessment, role: Role, prompts: &[&str]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if NOT_ASSESSORS.contains(&role) {
        found.push(breach("", "R26", "the assessor has a professional role with the person"));
    }
    if record.categories.is_empty() {
        found.push(breach("/categories", "R26", "an assessment is of one decision and names its categories"));
    }
    if record.decision.as_ref().is_none_or(|text| text.as_str().trim().is_empty()) {
        found.push(breach("/decision", "R26", "the decision assessed must be described"));
    }
    let sixteen = person(world, record.person.as_str()).is_some_and(|p| world.ages(p).sixteen(record.at));
    let (fits, text) = match record.kind {
        AssessmentKind::Competence => {
            use AssessmentOutcome::{No, Unsure, Yes};
            (!sixteen && matches!(record.outcome, Yes | No | Unsure), "competence is yes, no or unsure, under 16")
        }
        AssessmentKind::Capacity => {
            use AssessmentOutcome::{Has, Lacks};
            (sixteen && matches!(record.outcome, Has | Lacks), "capacity is has or lacks, from 16")
        }
    };
    if !fits {
        found.push(breach("/outcome", "R25, R26", text));
    }
    if record.kind == AssessmentKind::Competence && prompts.iter().any(|answer| answer.trim().is_empty()) {
        found.push(breach("/prompts", "consent §3", "each of the five prompts must be answered"));
    }
    found
}
