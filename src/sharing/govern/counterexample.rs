//! Can a hat of this role ever see this category above this level? Answered by walking every situation, not by samples.
//!
//! Source: sharing rules §5–§7. A worker's own work, an item opened for one task and the adoption team's opening are
//! grounds of their own and not walked. Read [`search`].

use crate::sharing::space::{Above, PURPOSES, Scene};
use crate::sharing::{Decision, Limit, Policy, World, decide};
use crate::vocabulary::{Category, Level, Role};
use serde_json::{Value, json};

/// The question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Question {
    /// The role.
    pub role: Role,
    /// The category.
    pub category: Category,
    /// More than this level.
    pub above: Level,
    /// Also where a permission is in force.
    pub with_permission: bool,
    /// Also where an override or imminent danger is live.
    pub with_override: bool,
}

/// A situation in which it happens, as a facts file that `solent decide` answers the same way.
#[derive(Clone, PartialEq, Debug)]
pub struct Witness {
    /// The situation.
    pub scene: Scene,
    /// What is decided.
    pub decision: Decision,
    /// The facts file, with what is decided as its `expect`.
    pub facts: Value,
}

/// The answer.
#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    /// In none of this many situations.
    Never(usize),
    /// In this one, the first of those with the highest level.
    Can(Box<Witness>),
}

/// Walks every situation the question allows.
#[must_use]
pub fn search(policy: &Policy, question: Question) -> Answer {
    let scenes = PURPOSES.into_iter().flat_map(Scene::all).filter(|scene| {
        (question.with_permission || !scene.word.permits()) && (question.with_override || scene.above == Above::Nothing)
    });
    let (mut walked, mut best): (usize, Option<(Scene, Decision)>) = (0, None);
    for scene in scenes {
        let Some(decision) = decided(policy, scene, question) else { continue };
        walked = walked.saturating_add(1);
        let higher = best.as_ref().is_none_or(|(_, found)| found.level < decision.level);
        if decision.level > question.above && higher {
            best = Some((scene, decision));
        }
    }
    best.map_or(Answer::Never(walked), |(scene, decision)| {
        let facts = facts_file(scene, question, &decision);
        Answer::Can(Box::new(Witness { scene, decision, facts }))
    })
}

fn decided(policy: &Policy, scene: Scene, question: Question) -> Option<Decision> {
    let mut facts = scene.facts(&[question.role], &[question.category])?;
    let ask = facts.asks.pop()?;
    let world = World::new(facts).ok()?;
    Some(decide(&world, policy, &ask))
}

/// The facts file of the situation; a limit that only a partnership's own rule sets is not part of what a file can expect.
fn facts_file(scene: Scene, question: Question, decision: &Decision) -> Value {
    let mut file = scene.facts_file(&[question.role], &[question.category]);
    let mut expect = json!({"level": decision.level, "reason": decision.reason, "marker": decision.marker});
    if let (true, Value::Object(expect)) = (decision.limit != Some(Limit::CapLocal), &mut expect) {
        expect.insert("limit".to_owned(), json!(decision.limit));
    }
    if let Some(Value::Object(ask)) = file.pointer_mut("/asks/0") {
        ask.insert("expect".to_owned(), expect);
    }
    file
}
