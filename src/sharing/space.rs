//! The finite space of situations a decision can meet, small enough to be enumerated instead of sampled.
//!
//! Owns the [`Scene`]: everything about a request but its role and category, as one value of a few closed sets, and the
//! facts file that shows it. A search for a counter-example and the invariants both walk [`Scene::all`]. Invents its own
//! people; refuses nothing. Read [`Scene`] first.

use super::facts::Facts;
use crate::vocabulary::{Category, Purpose, Role};
use serde_json::{Value, json};

/// The moment of every scene.
const NOW: &str = "2026-10-06T10:00:00+01:00";

/// The purposes that have a matrix.
pub const PURPOSES: [Purpose; 7] =
    [Purpose::Cp, Purpose::Cin, Purpose::Eh, Purpose::Dc, Purpose::Met, Purpose::Le, Purpose::Qa];

/// Categories no permission can list (consent paper §2).
const UNLISTABLE: [Category; 5] = [Category::Mhn, Category::Int, Category::Adp, Category::Tpi, Category::Loc];

macro_rules! closed {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $words:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }
        impl $name {
            /// Every member.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// As part of a sentence.
            #[must_use]
            pub const fn in_words(self) -> &'static str { match self { $(Self::$variant => $words),+ } }
        }
    };
}

closed! {
    /// Whom the segment is about.
    Subject {
        /// Nine years old; the mother decides.
        Child = "a child of 9",
        /// Fifteen, assessed competent for everything.
        Competent = "a competent child of 15",
        /// Seventeen.
        Young = "a young person of 17",
        /// An adult.
        Adult = "an adult",
    }
}

closed! {
    /// What is recorded of permission, by whoever decides for the subject.
    Word {
        /// Nothing.
        Nothing = "no permission is recorded",
        /// A permit by categories, in force.
        Permit = "a permission is in force",
        /// A permit by the confidentiality label R, in force.
        PermitByLabel = "a permission for restricted information is in force",
        /// A refusal, in force.
        Refuse = "a refusal is in force",
        /// A permit, withdrawn.
        Withdrawn = "a permission was withdrawn",
        /// A permit, ended.
        Expired = "a permission has run out",
        /// A permit another holder of parental responsibility objects to.
        Disputed = "a permission is disputed",
    }
}

impl Word {
    /// Whether it is a permission in force.
    #[must_use]
    pub const fn permits(self) -> bool {
        matches!(self, Self::Permit | Self::PermitByLabel)
    }
}

closed! {
    /// What goes above the normal level.
    Above {
        /// Nothing.
        Nothing = "no override is live",
        /// An approved override of the asking hat for every category.
        Override = "an approved override is live",
        /// Imminent danger.
        Emergency = "imminent danger is declared",
    }
}

closed! {
    /// The relationship to the subject.
    Tie {
        /// Live.
        Live = "the relationship is live",
        /// Ended a few days ago.
        Ended = "the relationship has ended",
    }
}

closed! {
    /// What protects the subject beyond the matrix.
    Guard {
        /// Nothing.
        Nothing = "nobody is flagged as protected",
        /// Protected from somebody.
        Protected = "the person is protected from somebody",
        /// The custodian sealed the segments.
        SealedSegment = "the agency that holds it has sealed it",
        /// The person record is a sealed former identity.
        SealedIdentity = "the identity is sealed",
    }
}

/// One situation for every role and category at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Scene {
    /// The declared purpose.
    pub purpose: Purpose,
    /// Whom it is about.
    pub subject: Subject,
    /// What is recorded of permission.
    pub word: Word,
    /// What goes above the normal level.
    pub above: Above,
    /// The relationship.
    pub tie: Tie,
    /// What protects.
    pub guard: Guard,
}

impl Scene {
    /// Every scene of a purpose: all subjects, words and overrides; and what protects or ends with those that matter to it.
    #[must_use]
    pub fn all(purpose: Purpose) -> Vec<Self> {
        let mut scenes = Vec::new();
        for subject in Subject::ALL.iter().copied() {
            for word in Word::ALL.iter().copied() {
                for above in Above::ALL.iter().copied() {
                    let plain = Self { purpose, subject, word, above, tie: Tie::Live, guard: Guard::Nothing };
                    if plain.possible() {
                        scenes.push(plain);
                    }
                    if word == Word::Permit && above != Above::Override {
                        scenes.push(Self { tie: Tie::Ended, ..plain });
                        let guards = Guard::ALL.iter().copied().filter(|guard| *guard != Guard::Nothing);
                        scenes.extend(guards.map(|guard| Self { guard, ..plain }));
                    }
                }
            }
        }
        scenes
    }

    /// A dispute needs two who may decide; law enforcement and observation know no override of the requester.
    fn possible(self) -> bool {
        let disputable = self.word != Word::Disputed || self.subject == Subject::Child;
        let own = self.above == Above::Nothing || self.can_override();
        disputable && own
    }

    fn can_override(self) -> bool {
        !matches!(self.purpose, Purpose::Le | Purpose::Qa)
    }

    /// The scene in words.
    #[must_use]
    pub fn in_words(self) -> String {
        [
            format!("about {}", self.subject.in_words()),
            self.word.in_words().to_owned(),
            self.above.in_words().to_owned(),
            self.tie.in_words().to_owned(),
            self.guard.in_words().to_owned(),
        ]
        .join(", ")
    }

    /// The facts of the scene with one ask for each of these roles and categories, in that order.
    #[must_use]
    pub fn facts(self, roles: &[Role], categories: &[Category]) -> Option<Facts> {
        serde_json::from_value(self.facts_file(roles, categories)).ok()
    }

    /// As [`Self::facts`], as a facts file that `solent decide` reads.
    #[must_use]
    pub fn facts_file(self, roles: &[Role], categories: &[Category]) -> Value {
        let asks = roles.iter().flat_map(|role| categories.iter().map(|category| self.ask(*role, *category)));
        let segments = categories.iter().flat_map(|category| self.segments(*category));
        let mut file = json!({
            "facts": 1,
            "title": "a situation of the enumerated space",
            "now": NOW,
            "agencies": [{"id": "one", "kind": "council"}, {"id": "two", "kind": "nhs"}],
            "accounts": accounts(roles),
            "people": [
                {"id": "subject", "born": self.born()}, {"id": "mother", "born": "1985-03-03"},
                {"id": "father", "born": "1984-04-04"}, {"id": "other", "born": "1980-01-01"},
            ],
            "relationships": self.relationships(roles),
            "segments": segments.collect::<Value>(),
            "asks": asks.collect::<Value>(),
        });
        if let Value::Object(file) = &mut file {
            let mut put = |key: &str, value: Value| file.insert(key.to_owned(), value);
            match self.subject {
                Subject::Child => {
                    put(
                        "parental_responsibility",
                        json!([{"holder": "mother", "child": "subject", "basis": "mother"},
                               {"holder": "father", "child": "subject", "basis": "marriage", "evidence": "seen"}]),
                    );
                }
                Subject::Competent => {
                    put(
                        "assessments",
                        json!([{"id": "c", "person": "subject", "kind": "competence", "categories": listable(),
                                "outcome": "yes", "at": "2026-01-10"}]),
                    );
                }
                Subject::Young | Subject::Adult => {}
            }
            if self.word != Word::Nothing {
                put("permissions", json!([self.permission()]));
            }
            if self.above != Above::Nothing && self.can_override() {
                put("overrides", roles.iter().map(|role| self.r#override(*role)).collect());
            }
            match self.guard {
                Guard::Protected => {
                    put(
                        "protections",
                        json!([{"id": "p", "person": "subject", "against": "other", "from": "2026-01-01"}]),
                    );
                }
                Guard::SealedIdentity => {
                    put(
                        "seals",
                        json!([{"id": "s", "kind": "adoption", "former": "subject", "current": "other", "from": "2026-01-01"}]),
                    );
                }
                Guard::Nothing | Guard::SealedSegment => {}
            }
        }
        file
    }

    const fn born(self) -> &'static str {
        match self.subject {
            Subject::Child => "2017-02-03",
            Subject::Competent => "2011-02-03",
            Subject::Young => "2009-02-03",
            Subject::Adult => "1990-02-03",
        }
    }

    fn relationships(self, roles: &[Role]) -> Value {
        let live = |id: String, kind: &str, hat: String| {
            let mut item = json!({"id": id, "kind": kind, "hat": hat, "subject": "subject", "from": "2026-01-01"});
            if let (Tie::Ended, Value::Object(item)) = (self.tie, &mut item) {
                item.insert("to".to_owned(), json!("2026-10-01"));
            }
            item
        };
        let mut items = vec![live("r-grantor".to_owned(), "allocated", "grantor-hat".to_owned())];
        for role in roles {
            let id = format!("r-{role}");
            items.push(match role {
                Role::Pa => json!({"id": id, "kind": "delegation", "hat": hat(*role), "grantor": "grantor-hat",
                                   "from": "2026-01-01", "to": "2026-12-31"}),
                Role::Obs => live(id, "observation", hat(*role)),
                Role::Vol => {
                    let mut item = live(id, "match", hat(*role));
                    if let Value::Object(item) = &mut item {
                        item.insert("role".to_owned(), json!("return-interview"));
                    }
                    item
                }
                _ => live(id, "plan-named", hat(*role)),
            });
        }
        Value::Array(items)
    }

    fn segments(self, category: Category) -> [Value; 2] {
        ["full", "summary"].map(|form| {
            let id = if form == "full" { segment(category) } else { summary(category) };
            let mut item = json!({"id": id, "category": category.code(), "about": ["subject"], "custodian": "two",
                                  "form": form});
            if let Value::Object(item) = &mut item {
                if form == "full" {
                    item.insert("summary".to_owned(), json!(summary(category)));
                }
                if category == Category::Int {
                    item.insert("handling".to_owned(), json!("P"));
                }
                if category == Category::Mis {
                    item.insert("kind".to_owned(), json!("missing-episode"));
                }
                if self.guard == Guard::SealedSegment {
                    item.insert("sealed".to_owned(), json!({"from": "2026-01-01"}));
                }
            }
            item
        })
    }

    fn permission(self) -> Value {
        let (decider, capacity) = match self.subject {
            Subject::Child => ("mother", "parent-pr"),
            Subject::Competent => ("subject", "self-competent-child"),
            Subject::Young => ("subject", "self-16-17"),
            Subject::Adult => ("subject", "self-adult"),
        };
        let decision = if self.word == Word::Refuse { "refuse" } else { "permit" };
        let mut item = json!({"id": "word", "subject": "subject", "decider": decider, "capacity": capacity,
            "decision": decision, "from": [{"agency": "two"}], "to": [{"agency": "one"}],
            "purposes": ["CIN", "EH", "DC", "MET"], "recorded_at": "2026-02-02", "told_limits": true});
        if let Value::Object(item) = &mut item {
            let mut put = |key: &str, value: Value| item.insert(key.to_owned(), value);
            match self.word {
                Word::PermitByLabel => put("labels", json!(["R"])),
                _ => put("categories", json!(listable())),
            };
            match self.word {
                Word::Withdrawn => put("events", json!([{"event": "withdraw", "at": "2026-09-01", "by": decider}])),
                Word::Disputed => put("events", json!([{"event": "object", "at": "2026-09-01", "by": "father"}])),
                Word::Expired => put("valid_to", json!("2026-09-01")),
                _ => None,
            };
        }
        item
    }

    fn r#override(self, role: Role) -> Value {
        let all: Vec<&str> = Category::ALL.iter().map(|category| category.code()).collect();
        let answers = json!({"harm": "a fall", "needed": "the plan", "why_not_less": "no time",
                             "proportionate": "one record", "telling_risk": "none"});
        let mut item = json!({"id": format!("o-{role}"), "kind": "EMG", "hat": hat(role), "subject": "subject",
            "categories": all, "purpose": self.purpose.code(), "requested_at": "2026-10-06T08:00:00+01:00",
            "answers": answers});
        if let (Above::Override, Value::Object(item)) = (self.above, &mut item) {
            item.insert("kind".to_owned(), json!("ordinary"));
            item.insert("approved_by".to_owned(), json!("manager-hat"));
            item.insert("approved_at".to_owned(), json!("2026-10-06T09:00:00+01:00"));
        }
        item
    }

    fn ask(self, role: Role, category: Category) -> Value {
        let mut ask = json!({"id": format!("{role}-{category}"), "account": account(role), "hat": hat(role),
                             "purpose": self.purpose.code(), "segment": segment(category)});
        if let (Role::Pa, Value::Object(ask)) = (role, &mut ask) {
            ask.insert("delegation".to_owned(), json!(format!("r-{role}")));
        }
        ask
    }
}

fn account(role: Role) -> String {
    format!("account-{role}")
}
fn hat(role: Role) -> String {
    format!("hat-{role}")
}
fn segment(category: Category) -> String {
    format!("full-{category}")
}
fn summary(category: Category) -> String {
    format!("summary-{category}")
}

fn listable() -> Vec<&'static str> {
    Category::ALL.iter().filter(|category| !UNLISTABLE.contains(category)).map(|category| category.code()).collect()
}

fn accounts(roles: &[Role]) -> Value {
    let worker = |account: String, hat: String, role: Role, supervisor: bool| json!({"id": account, "hats": [{"id": hat, "role": role.code(), "agency": "one", "supervisor": supervisor}]});
    let mut items = vec![
        worker("manager".to_owned(), "manager-hat".to_owned(), Role::Sw, true),
        worker("grantor".to_owned(), "grantor-hat".to_owned(), Role::Sw, false),
    ];
    items.extend(roles.iter().map(|role| worker(account(*role), hat(*role), *role, false)));
    Value::Array(items)
}
