//! The picture of a family (P2): who is what to whom, drawn as one labelled image, and the same facts for the table that
//! stands directly below it.
//!
//! Owns the drawing. A tie is drawn when both of its people have a released name; anybody else leaves no line, no blank and
//! no number. No address comes near it.

use super::disclosure::{PersonShown, Shown, TieShown, day_words};
use super::text::Text;
use std::collections::{BTreeMap, BTreeSet};

/// Most people in the picture; a larger family is read from the table.
const PEOPLE_MAX: usize = 40;
/// Size of a person's place, in units of the image.
const WIDE: i32 = 170;
const HIGH: i32 = 130;
/// Longest line of a name, in characters.
const LINE_CHARS: usize = 18;

/// A family as far as it may be seen.
pub struct Picture {
    /// Of the image.
    pub width: i32,
    /// Of the image.
    pub height: i32,
    /// The people.
    pub people: Vec<Node>,
    /// The lines between them.
    pub lines: Vec<Line>,
    /// The table: one row for each tie.
    pub facts: Vec<Fact>,
    /// Who lives together.
    pub homes: Vec<String>,
    /// Everybody's names, for the image's label.
    pub names: String,
}

/// Somebody in the image.
pub struct Node {
    /// Left edge of the place.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// `square`, `circle` or `diamond`.
    pub shape: &'static str,
    /// The name, in lines.
    pub name: Vec<String>,
    /// When born, in words.
    pub born: String,
}

impl Node {
    /// The middle of the shape.
    pub const fn middle(&self) -> (i32, i32) {
        (self.x + WIDE / 2, self.y + 30)
    }
    /// The lines of its text, with their heights.
    pub fn text(&self) -> Vec<(i32, &str)> {
        let lines = self.name.iter().map(String::as_str).chain([self.born.as_str()]);
        (0_i32..).map(|i| self.y + 72 + i * 18).zip(lines.filter(|l| !l.is_empty())).collect()
    }
}

/// A line in the image.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// Its class: `parent`, `partner` or `other`.
    pub class: &'static str,
    /// From.
    pub from: (i32, i32),
    /// To.
    pub to: (i32, i32),
}

/// A row of the table.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    /// Who.
    pub one: String,
    /// Is what.
    pub relation: String,
    /// To whom.
    pub other: String,
    /// Whether they live together, in words.
    pub together: String,
    /// Parental responsibility, in words.
    pub responsibility: String,
}

/// Reads the picture out of what was released of each member.
pub fn picture(all: &[&Shown]) -> Picture {
    let people = named(all);
    let ties: BTreeSet<&TieShown> = all.iter().flat_map(|s| &s.ties).collect();
    let ties: Vec<&TieShown> =
        ties.into_iter().filter(|t| people.contains_key(&t.from) && people.contains_key(&t.to)).collect();
    let mut facts: Vec<Fact> = ties.iter().filter_map(|tie| fact(tie, &people)).collect();
    // By what is shown, never by ids: those are another thing in another gateway.
    facts.sort();
    facts.dedup();
    let mut homes: Vec<String> = all.iter().flat_map(|s| &s.homes).filter_map(|h| home(h, &people)).collect();
    homes.sort();
    homes.dedup();
    let places = places(&people, &ties);
    let order = order(&people);
    let nodes = order.iter().filter_map(|id| Some(node(people.get(*id)?, *places.get(*id)?)));
    let nodes: Vec<Node> = nodes.collect();
    let mut lines: Vec<Line> = ties.iter().filter_map(|tie| line(tie, &places)).collect();
    lines.sort();
    lines.dedup();
    let most = |of: fn(&(i32, i32)) -> i32| places.values().map(of).max().map_or(0, |n| n + 1);
    let names: Vec<&str> = order.iter().filter_map(|id| people.get(*id)?.name.as_deref()).collect();
    Picture {
        width: most(|at| at.0) * WIDE,
        height: most(|at| at.1) * HIGH,
        people: nodes,
        lines,
        facts,
        homes,
        names: names.join(", "),
    }
}

/// Everybody with a released name, by id.
fn named<'a>(all: &[&'a Shown]) -> BTreeMap<String, &'a PersonShown> {
    let people = all.iter().flat_map(|s| &s.people).filter(|p| p.same_as.is_none() && p.name.is_some());
    let mut found: BTreeMap<String, &PersonShown> = BTreeMap::new();
    for person in people.take(PEOPLE_MAX) {
        let known = found.entry(person.id.clone()).or_insert(person);
        // What was released about the person, before what was released beside another.
        if person.subject {
            *known = person;
        }
    }
    found
}

/// Everybody's id, the oldest first, then by name.
fn order<'a>(people: &'a BTreeMap<String, &PersonShown>) -> Vec<&'a str> {
    let mut all: Vec<(&String, &&PersonShown)> = people.iter().collect();
    all.sort_by_key(|(id, p)| (p.born.as_deref(), p.name.as_deref(), id.as_str()));
    all.into_iter().map(|(id, _)| id.as_str()).collect()
}

fn fact(tie: &TieShown, people: &BTreeMap<String, &PersonShown>) -> Option<Fact> {
    let text = Text::english();
    let name = |id: &str| people.get(id).and_then(|p| p.name.clone());
    let yes_no = |yes: bool| text.say(if yes { "value.yes" } else { "value.no" }).to_owned();
    let responsibility = tie.responsibility.as_deref();
    Some(Fact {
        one: name(&tie.from)?,
        relation: text.word("relation", &tie.relation).to_lowercase(),
        other: name(&tie.to)?,
        together: tie.together.map_or_else(String::new, yes_no),
        responsibility: responsibility.map_or_else(String::new, |word| text.word("value", word)),
    })
}

fn home(ids: &[String], people: &BTreeMap<String, &PersonShown>) -> Option<String> {
    let names: Vec<&str> = ids.iter().filter_map(|id| people.get(id)?.name.as_deref()).collect();
    (names.len() > 1).then(|| names.join(", "))
}

/// How many generations a relation steps down from the one to the other.
fn step(relation: &str) -> i32 {
    match relation {
        "grandparent" | "grandmother" | "grandfather" => 2,
        "grandchild" => -2,
        "child" | "son" | "daughter" | "birth-child" | "step-child" | "foster-child" | "adopted-child" => -1,
        "niece-or-nephew" => -1,
        "aunt" | "uncle" | "guardian" => 1,
        other if is_parent(other) => 1,
        _ => 0,
    }
}

fn is_parent(relation: &str) -> bool {
    ["mother", "father", "parent"].iter().any(|end| relation.ends_with(end)) && !relation.starts_with("grand")
}

fn is_partner(relation: &str) -> bool {
    ["partner", "spouse", "husband", "wife", "significant-other"].contains(&relation)
}

/// Column and row of everybody: generations from the top, people of one generation side by side.
fn places(people: &BTreeMap<String, &PersonShown>, ties: &[&TieShown]) -> BTreeMap<String, (i32, i32)> {
    let mut rows: BTreeMap<&str, i32> = BTreeMap::new();
    for start in order(people) {
        if rows.contains_key(start) {
            continue;
        }
        rows.insert(start, 0);
        // Each round places the neighbours of those placed; a family has far fewer generations than people.
        for _ in 0..people.len() {
            for tie in ties {
                let down = step(&tie.relation);
                match (rows.get(tie.from.as_str()).copied(), rows.get(tie.to.as_str()).copied()) {
                    (Some(row), None) => _ = rows.insert(&tie.to, row + down),
                    (None, Some(row)) => _ = rows.insert(&tie.from, row - down),
                    _ => {}
                }
            }
        }
    }
    let first = rows.values().min().copied().unwrap_or(0);
    let mut next: BTreeMap<i32, i32> = BTreeMap::new();
    let mut at = BTreeMap::new();
    let mut placed: Vec<(&str, i32)> = order(people).into_iter().filter_map(|id| Some((id, *rows.get(id)?))).collect();
    placed.sort_by_key(|(_, row)| *row);
    for (id, row) in placed {
        let column = next.entry(row).or_insert(0);
        at.insert(id.to_owned(), (*column, row - first));
        *column += 1;
    }
    at
}

fn node(person: &PersonShown, (column, row): (i32, i32)) -> Node {
    let shape = match person.sex.as_deref() {
        Some("male") => "square",
        Some("female") => "circle",
        _ => "diamond",
    };
    let born = person.born.as_deref().and_then(day_words);
    let born = born.map(|day| Text::english().fill("family.born", &[("day", &day)]));
    let name = person.name.as_deref().unwrap_or_default();
    Node { x: column * WIDE, y: row * HIGH, shape, name: in_lines(name), born: born.unwrap_or_default() }
}

/// A name in lines that fit; the table has all of it.
fn in_lines(name: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in name.split_whitespace() {
        let word: String = word.chars().take(LINE_CHARS).collect();
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < LINE_CHARS => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines.truncate(2);
    lines
}

fn line(tie: &TieShown, places: &BTreeMap<String, (i32, i32)>) -> Option<Line> {
    let middle = |(column, row): &(i32, i32)| (column * WIDE + WIDE / 2, row * HIGH + 30);
    let (from, to) = (middle(places.get(&tie.from)?), middle(places.get(&tie.to)?));
    // One line for both ways of saying it.
    let (from, to) = if (from.1, from.0) <= (to.1, to.0) { (from, to) } else { (to, from) };
    let blood = is_parent(&tie.relation) || step(&tie.relation) == -1;
    let distant = ["step", "foster", "adopt"].iter().any(|w| tie.relation.starts_with(w));
    let class = match () {
        () if is_partner(&tie.relation) => "partner",
        () if blood && !distant => "parent",
        () => "other",
    };
    Some(Line { class, from, to })
}

/// What custodians say differently about one person, in sentences: names and birth dates.
pub fn conflicts(shown: &Shown, agency: impl Fn(&str) -> String) -> Vec<String> {
    let text = Text::english();
    let Some(first) = shown.people.iter().find(|p| p.subject) else { return Vec::new() };
    let others: Vec<&PersonShown> = shown.people.iter().filter(|p| p.same_as.as_ref() == Some(&first.id)).collect();
    let said = |of: &dyn Fn(&PersonShown) -> Option<String>, key: &str| {
        let mut ways: Vec<(String, String)> = Vec::new();
        for person in std::iter::once(&first).chain(&others) {
            if let Some(value) = of(person).filter(|v| !ways.iter().any(|(known, _)| known == v)) {
                ways.push((value, agency(&person.custodian)));
            }
        }
        let all: Vec<String> = ways.iter().map(|(value, who)| format!("{who}: {value}")).collect();
        (ways.len() > 1).then(|| text.fill(key, &[("said", &all.join("; "))]))
    };
    let born = |p: &PersonShown| p.born.as_deref().map(|b| day_words(b).unwrap_or_else(|| b.to_owned()));
    [said(&born, "family.two-births"), said(&|p| p.name.clone(), "family.two-names")].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn person(id: &str, name: &str, born: &str) -> serde_json::Value {
        json!({"id": id, "role": "relative", "names": [{"text": name}], "birth": {"date": born}, "label": {"custodian": "a"}})
    }
    fn shown(record: serde_json::Value) -> Shown {
        Shown::read(json!({"record": record}).to_string().as_bytes(), "k", Text::english())
    }

    #[test]
    fn the_image_and_the_table_say_the_same() {
        let shown =
            shown(json!({"people": [person("k", "Kim Ash", "2015-01-02"), person("m", "May Ash", "1990-01-02")],
            "relationships": [{"from": "m", "to": "k", "relation": {"code": "mother"}, "same_household": true}],
            "households": [{"members": [{"person": "m"}, {"person": "k"}]}]}));
        let picture = picture(&[&shown, &shown]);
        assert_eq!((picture.people.len(), picture.lines.len(), picture.facts.len()), (2, 1, 1));
        assert_eq!((picture.facts[0].one.as_str(), picture.facts[0].relation.as_str()), ("May Ash", "mother"));
        // The mother stands above her child.
        assert!(picture.people.iter().any(|n| n.name == ["May Ash"] && n.y == 0));
        assert!(picture.people.iter().any(|n| n.name == ["Kim Ash"] && n.y == HIGH));
        assert_eq!(picture.homes, ["May Ash, Kim Ash"]);
    }

    #[test]
    fn somebody_hidden_leaves_no_line_no_blank_and_no_number() {
        let hidden = json!({"id": "x", "role": "relative", "label": {"custodian": "a"}});
        let with = shown(json!({"people": [person("k", "Kim Ash", "2015-01-02"), hidden],
            "relationships": [{"from": "x", "to": "k", "relation": {"code": "father"}, "same_household": true}],
            "households": [{"members": [{"person": "x"}, {"person": "k"}]}]}));
        let without = shown(json!({"people": [person("k", "Kim Ash", "2015-01-02")]}));
        let size = |p: &Picture| (p.width, p.height, p.people.len(), p.lines.len(), p.facts.len(), p.homes.len());
        assert_eq!(size(&picture(&[&with])), size(&picture(&[&without])));
    }

    #[test]
    fn two_birth_dates_are_said_with_who_says_which() {
        let mut other = person("k2", "Kim Ash", "2015-02-01");
        other["same_as"] = json!("k");
        other["label"]["custodian"] = json!("school");
        let shown = shown(json!({"people": [person("k", "Kim Ash", "2015-01-02"), other]}));
        let said = conflicts(&shown, str::to_owned);
        assert_eq!(said.len(), 1);
        assert!(said[0].contains("a: 2 January 2015; school: 1 February 2015"), "{said:?}");
    }
}
