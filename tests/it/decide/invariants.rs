//! What must hold in every corner of the finite space: roles × categories × purposes × permission × override ×
//! relationship × protection, enumerated, not sampled.
//!
//! Each invariant is a function of all answers and of the shipped rules, so that the same function can be put to a changed
//! matrix or a changed procedure: every one is shown to fail on at least one of those.

use super::{policy, reader};
use solent::sharing::decision::{Flag, Limit, Marker, Reason};
use solent::sharing::facts::Ask;
use solent::sharing::policy::Consulted;
use solent::sharing::space::{Above, Guard, PURPOSES, Scene, Subject, Tie, Word};
use solent::sharing::{Decision, Policy, World, decide};
use solent::vocabulary::{Category, Level, Purpose, Role};
use std::collections::HashMap;

type Decider<'a> = &'a (dyn Fn(&World, &Policy, &Ask) -> Decision + Sync);
type Answers = HashMap<(Role, Category), Decision>;
type Space = HashMap<Scene, Answers>;
type Invariant = fn(&Policy, &Space) -> Option<String>;

/// Threads for the enumeration: the tests of one file share the machine with the others.
const THREADS: usize = 2;

/// Roles a facts file can name.
fn roles() -> Vec<Role> {
    Role::ALL.iter().copied().filter(|role| !matches!(role, Role::Subj | Role::Prh)).collect()
}

/// Roles without a column are asked where the most is granted.
fn with_all_roles(scene: &Scene) -> bool {
    scene.above == Above::Emergency && scene.word == Word::Permit && scene.subject == Subject::Adult
}

/// Every answer of these scenes.
fn enumerate(decider: Decider<'_>, policy: &Policy, scenes: &[Scene]) -> Space {
    let answers = |scene: &Scene| -> (Scene, Answers) {
        let asked: Vec<Role> = roles()
            .into_iter()
            .filter(|role| with_all_roles(scene) || policy.column(scene.purpose, *role).is_some())
            .collect();
        let mut facts = scene.facts(&asked, Category::ALL).unwrap_or_else(|| panic!("{scene:?}"));
        let asks = std::mem::take(&mut facts.asks);
        let world = World::new(facts).unwrap_or_else(|faults| panic!("{scene:?} {faults:?}"));
        let keys = asked.iter().flat_map(|role| Category::ALL.iter().map(|category| (*role, *category)));
        (*scene, keys.zip(asks.iter().map(|ask| decider(&world, policy, ask))).collect())
    };
    std::thread::scope(|scope| {
        let share = scenes.len().div_ceil(THREADS).max(1);
        let parts: Vec<_> = scenes
            .chunks(share)
            .map(|part| scope.spawn(move || part.iter().map(answers).collect::<Vec<_>>()))
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap_or_else(|_| panic!("a thread"))).collect()
    })
}

fn every(space: &Space, breach: impl Fn(&Scene, Role, Category, &Decision) -> bool) -> Option<String> {
    space.iter().find_map(|(scene, answers)| {
        let found = answers.iter().find(|((role, category), decision)| breach(scene, *role, *category, decision));
        found.map(|((role, category), decision)| format!("{scene:?} {role} {category}: {decision:?}"))
    })
}

/// Both of two scenes that differ by one fact: the first with the fact that grants.
fn pairs(space: &Space, weaker: impl Fn(Scene) -> Vec<Scene>) -> Option<String> {
    space.iter().find_map(|(scene, answers)| {
        weaker(*scene).into_iter().find_map(|less| {
            let other = space.get(&less)?;
            let raised = answers.iter().find(|(key, with)| other.get(key).is_some_and(|less| less.level > with.level));
            raised.map(|(key, _)| format!("{key:?} in {less:?} is above {scene:?}"))
        })
    })
}

/// What the matrix allows in this scene: no more without a permission, an override, imminent danger or R27.
fn allowed(rules: &Policy, scene: &Scene, role: Role, category: Category) -> Level {
    let Some(cell) = rules.cell(scene.purpose, role, category) else { return Level::N };
    let asked = match &rules.purpose(scene.purpose).consulted {
        Consulted::None => false,
        Consulted::All => true,
        Consulted::Only(some) => some.contains(&category),
    };
    let under_thirteen = scene.subject == Subject::Child && matches!(category, Category::Exp | Category::Sxh);
    let may = match scene.above {
        Above::Nothing => false,
        Above::Override => rules.role(role).override_purposes.contains(&scene.purpose),
        Above::Emergency => rules.role(role).emg,
    };
    if may && cell.raisable {
        Level::F
    } else if scene.word.permits() || !asked || under_thirteen || (may && scene.above == Above::Emergency) {
        cell.with
    } else {
        cell.without
    }
}

fn nothing_above_the_matrix(rules: &Policy, space: &Space) -> Option<String> {
    every(space, |scene, role, category, found| found.level > allowed(rules, scene, role, category))
}

fn removing_what_grants_never_raises(_: &Policy, space: &Space) -> Option<String> {
    let words = |scene: Scene| {
        let ended = [Word::Nothing, Word::Refuse, Word::Withdrawn, Word::Expired, Word::Disputed];
        let permits = if scene.word.permits() { ended.to_vec() } else { Vec::new() };
        let refuses = if scene.word == Word::Nothing { vec![Word::Refuse] } else { Vec::new() };
        permits.into_iter().chain(refuses).map(move |word| Scene { word, ..scene }).collect::<Vec<_>>()
    };
    pairs(space, words)
        .or_else(|| pairs(space, |scene| vec![Scene { above: Above::Nothing, ..scene }]))
        .or_else(|| pairs(space, |scene| vec![Scene { tie: Tie::Ended, ..scene }]))
        .or_else(|| pairs(space, guarded))
}

/// The same scene with somebody or something protected, if nothing was.
fn guarded(scene: Scene) -> Vec<Scene> {
    if scene.guard == Guard::Nothing {
        Guard::ALL.iter().map(|guard| Scene { guard: *guard, ..scene }).collect()
    } else {
        Vec::new()
    }
}

fn an_assistant_has_at_most_the_social_workers_view(_: &Policy, space: &Space) -> Option<String> {
    space.iter().find_map(|(scene, answers)| {
        let above = |category: &&Category| {
            let of = |role| answers.get(&(role, **category)).map(|found| found.level);
            of(Role::Pa) > of(Role::Sw)
        };
        Category::ALL.iter().find(above).map(|category| format!("{scene:?} {category}"))
    })
}

fn a_volunteer_has_the_minimum_view(_: &Policy, space: &Space) -> Option<String> {
    every(space, |_, role, category, found| {
        let most = match category {
            Category::Rsk => Level::F,
            Category::Idn | Category::Mis => Level::S,
            Category::Sts => Level::I,
            _ => Level::N,
        };
        role == Role::Vol && found.level > most
    })
}

fn what_is_sealed_is_closed(_: &Policy, space: &Space) -> Option<String> {
    every(space, |scene, _, category, found| {
        let sealed = matches!(scene.guard, Guard::SealedSegment | Guard::SealedIdentity);
        (sealed || category == Category::Adp)
            && (found.level > Level::N || found.marker != Marker::Silent)
            && found.reason != Reason::DPurpose
            && found.reason != Reason::DRel
    })
}

fn the_other_sides_worker_never_locates_the_protected(_: &Policy, space: &Space) -> Option<String> {
    let telling = ["ADR", "LOC", "EDU", "HLT", "MHL", "MHN", "SUB", "SXH", "DAB", "EXP", "PIN", "MIS", "CSN", "TPI"];
    every(space, |scene, role, category, found| {
        let closed = scene.guard == Guard::Protected && role == Role::Fdp && telling.contains(&category.code());
        closed && (found.level > Level::N || found.marker != Marker::Silent)
    })
}

fn those_who_only_administer_get_no_content(_: &Policy, space: &Space) -> Option<String> {
    let never = [Role::Aud, Role::Prv, Role::Sys, Role::Anl, Role::Sch, Role::Ado];
    every(space, |_, role, _, found| never.contains(&role) && found.level > Level::N)
}

fn level_reason_marker_and_ground_agree(_: &Policy, space: &Space) -> Option<String> {
    every(space, |_, _, _, found| {
        let withheld = found.level == Level::N;
        let refused = found.reason.code().starts_with("D-");
        withheld != refused || withheld != found.basis.legal.is_none() || withheld == (found.marker == Marker::None)
    })
}

fn silent_categories_and_volunteers_are_silent(_: &Policy, space: &Space) -> Option<String> {
    let silent = [Category::Int, Category::Tpi, Category::Adp, Category::Sxh, Category::Mhn, Category::Loc];
    every(space, |_, role, category, found| {
        found.level == Level::N && (role == Role::Vol || silent.contains(&category)) && found.marker != Marker::Silent
    })
}

fn without_a_relationship_only_imminent_danger_opens(rules: &Policy, space: &Space) -> Option<String> {
    every(space, |scene, role, _, found| {
        let danger = scene.above == Above::Emergency && rules.role(role).emg;
        scene.tie == Tie::Ended && !danger && found.level > Level::N
    })
}

const INVARIANTS: [(&str, Invariant); 10] = [
    ("matrix", nothing_above_the_matrix),
    ("grants", removing_what_grants_never_raises),
    ("assistant", an_assistant_has_at_most_the_social_workers_view),
    ("volunteer", a_volunteer_has_the_minimum_view),
    ("sealed", what_is_sealed_is_closed),
    ("protected", the_other_sides_worker_never_locates_the_protected),
    ("administer", those_who_only_administer_get_no_content),
    ("agree", level_reason_marker_and_ground_agree),
    ("silent", silent_categories_and_volunteers_are_silent),
    ("relationship", without_a_relationship_only_imminent_danger_opens),
];

fn hold(decider: Decider<'_>, purpose: Purpose) {
    let space = enumerate(decider, policy(), &Scene::all(purpose));
    for (name, invariant) in INVARIANTS {
        assert_eq!(invariant(policy(), &space), None, "{name}");
    }
}

#[test]
fn every_invariant_holds_in_child_protection() {
    hold(&decide, Purpose::Cp);
}
#[test]
fn every_invariant_holds_for_children_in_need() {
    hold(&decide, Purpose::Cin);
}
#[test]
fn every_invariant_holds_in_early_help() {
    hold(&decide, Purpose::Eh);
}
#[test]
fn every_invariant_holds_in_direct_care() {
    hold(&decide, Purpose::Dc);
}
#[test]
fn every_invariant_holds_for_the_missing_and_exploited() {
    hold(&decide, Purpose::Met);
}
#[test]
fn every_invariant_holds_in_law_enforcement_and_observation() {
    hold(&decide, Purpose::Le);
    hold(&decide, Purpose::Qa);
}

/// The scenes a changed rule is tried on: about an adult, in need, and with the most granted in protection.
fn trial() -> Vec<Scene> {
    let told = |scene: &Scene| matches!(scene.word, Word::Nothing | Word::Permit | Word::Withdrawn);
    let scenes = [Purpose::Cin, Purpose::Cp].into_iter().flat_map(Scene::all).filter(told);
    scenes
        .filter(|scene| {
            scene.subject == Subject::Adult && (scene.purpose == Purpose::Cin || scene.word == Word::Permit)
        })
        .collect()
}

fn breached(decider: Decider<'_>, rules: &Policy) -> Vec<&'static str> {
    let space = enumerate(decider, rules, &trial());
    INVARIANTS.iter().filter(|(_, invariant)| invariant(policy(), &space).is_some()).map(|(name, _)| *name).collect()
}

/// A change to a decision that a mistake in the procedure could make.
type Slip = fn(&mut Decision, &Ask);

fn raise(decision: &mut Decision) {
    decision.level = Level::F;
}

#[test]
fn a_mistake_in_the_procedure_breaks_the_invariant_that_forbids_it() {
    let slips: [(&str, Slip); 10] = [
        ("matrix", |found, _| {
            if found.limit == Some(Limit::PermissionAbsent) {
                raise(found)
            }
        }),
        ("grants", |found, _| {
            if found.limit == Some(Limit::PermissionWithdrawn) {
                raise(found)
            }
        }),
        ("assistant", |found, ask| {
            if ask.hat.as_str() == "hat-PA" {
                raise(found)
            }
        }),
        ("volunteer", |found, ask| {
            if ask.id.as_str() == "VOL-CSN" {
                raise(found)
            }
        }),
        ("sealed", |found, _| {
            if found.reason == Reason::DSealed {
                raise(found)
            }
        }),
        ("sealed", |found, _| {
            if found.reason == Reason::DAdopt {
                found.marker = Marker::Shown
            }
        }),
        ("protected", |found, _| {
            if found.reason == Reason::DSafe {
                raise(found)
            }
        }),
        ("agree", |found, _| {
            if found.reason == Reason::DPermission {
                found.marker = Marker::None
            }
        }),
        ("silent", |found, ask| {
            if ask.id.as_str() == "DSL-INT" {
                found.marker = Marker::Shown
            }
        }),
        ("relationship", |found, _| {
            if found.reason == Reason::DRel {
                raise(found)
            }
        }),
    ];
    for (name, slip) in slips {
        let decider = |world: &World, rules: &Policy, ask: &Ask| {
            let mut found = decide(world, rules, ask);
            slip(&mut found, ask);
            found
        };
        let breached = breached(&decider, policy());
        assert!(breached.contains(&name), "{name} holds in spite of the mistake; breached: {breached:?}");
    }
}

/// The shipped rules with one text of one file replaced.
fn changed(file: &str, from: &str, to: &str) -> Policy {
    let mut files = solent::cli::content::built_in();
    let text = String::from_utf8(files.get(file).unwrap_or_default().to_vec()).unwrap_or_default();
    assert!(text.contains(from), "{file} has no `{from}`");
    files.insert(file, text.replace(from, to).into_bytes());
    Policy::load(&files).unwrap_or_else(|faults| panic!("{faults:?}"))
}

#[test]
fn a_changed_rule_file_breaks_the_invariant_that_forbids_it() {
    let auditor: String =
        Category::ALL.iter().map(|category| format!("CP,AUD,{category},S,S,no\n")).collect::<String>() + "CP,SW,IDN,";
    let changes = [
        ("matrix", "sharing/matrix.csv", "CIN,DSL,MHL,I,N,", "CIN,DSL,MHL,I,I,"),
        ("matrix", "sharing/purposes.csv", "agreement,all", "agreement,none"),
        ("matrix", "sharing/roles.csv", "victim-survivor,yes,,no", "victim-survivor,yes,,yes"),
        ("administer", "sharing/matrix.csv", "CP,SW,IDN,", auditor.as_str()),
        ("silent", "sharing/categories.csv", "V,SEX STD HIV PREGNANT,silent", "V,SEX STD HIV PREGNANT,shown-for-all"),
    ];
    for (name, file, from, to) in changes {
        let breached = breached(&decide, &changed(file, from, to));
        assert!(breached.contains(&name), "{name} holds in spite of a change of {file}; breached: {breached:?}");
    }
}

#[test]
fn a_volunteers_column_cannot_be_widened_by_the_matrix_alone() {
    let wide = changed("sharing/matrix.csv", "CP,VOL,CSN,N,N,", "CP,VOL,CSN,F,F,");
    let space = enumerate(&decide, &wide, &trial());
    assert_eq!(a_volunteer_has_the_minimum_view(policy(), &space), None);
}

#[test]
fn local_rules_never_raise() {
    let rule = |id: &str, cap: &str, when: &str| {
        format!(
            "@id(\"{id}\") @cap(\"{cap}\") @reason(\"agreed\") forbid (principal, action, resource) when {{ {when} }};\n"
        )
    };
    let local = rule("a", "S", "resource.people > 0")
        + &rule("b", "I", "context.purpose == \"CIN\" && resource.category == \"HLT\"")
        + &rule("c", "N", "principal.role == \"DSL\"");
    let mut files = solent::cli::content::built_in();
    files.insert("sharing/local.cedar", local.into_bytes());
    let strict = Policy::load(&files).unwrap_or_else(|faults| panic!("{faults:?}"));
    let scenes: Vec<Scene> = trial().into_iter().filter(|scene| scene.word == Word::Permit).take(6).collect();
    let (plain, capped) = (enumerate(&decide, policy(), &scenes), enumerate(&decide, &strict, &scenes));
    let mut lowered = 0;
    for (scene, answers) in &plain {
        for (key, before) in answers {
            let after = &capped[scene][key];
            assert!(after.level <= before.level, "{scene:?} {key:?}: {after:?}");
            lowered += usize::from(after.level < before.level);
        }
    }
    assert!(lowered > 0, "no rule did anything");
}

#[test]
fn every_scene_is_a_facts_file_that_the_reader_accepts() {
    for purpose in PURPOSES {
        for scene in Scene::all(purpose).into_iter().step_by(7) {
            let file = scene.facts_file(&[Role::Pa, Role::Vol], &[Category::Int, Category::Mhl]);
            let facts = reader().read(file.to_string().as_bytes()).unwrap_or_else(|faults| panic!("{faults:?}"));
            assert_eq!(Some(facts), scene.facts(&[Role::Pa, Role::Vol], &[Category::Int, Category::Mhl]), "{scene:?}");
        }
    }
}

#[test]
fn every_code_of_reason_limit_and_flag_is_unique_and_reads_back() {
    assert!(Reason::ALL.iter().all(|r| Reason::parse(r.code()) == Some(*r)));
    assert!(Limit::ALL.iter().all(|l| Limit::parse(l.code()) == Some(*l)));
    assert!(Flag::ALL.iter().all(|f| Flag::parse(f.code()) == Some(*f)));
}

#[test]
fn every_code_has_its_own_words() {
    let words: Vec<&str> = Reason::ALL
        .iter()
        .map(|reason| reason.in_words())
        .chain(Limit::ALL.iter().map(|limit| limit.in_words()))
        .chain(Flag::ALL.iter().map(|flag| flag.in_words()))
        .collect();
    let distinct: std::collections::HashSet<&str> = words.iter().copied().collect();
    assert_eq!(distinct.len(), words.len());
    assert!(words.iter().all(|text| text.len() > 10 && !text.contains('-') || text.contains(' ')));
}
