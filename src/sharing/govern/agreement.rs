//! The sharing agreement as a page that people read and sign: generated from the rule files, so that it cannot say
//! something else than the program does.
//!
//! Plain HTML without script: one heading tree, captions and header cells on every table, text that can be enlarged and
//! printed. Every word from a file is escaped. Read [`html`].

use super::level_in_words;
use crate::sharing::policy::{Consulted, Withheld};
use crate::sharing::{Policy, space};
use crate::vocabulary::{Category, Level, Purpose, Role};
use std::fmt::Write as _;

/// The look: system font, dark on white, narrow lines.
const STYLE: &str = "body{font:1rem/1.5 sans-serif;color:#111;background:#fff;margin:1rem auto;max-width:60rem;padding:0 1rem}\
h1,h2,h3{line-height:1.2}table{border-collapse:collapse;width:100%;margin:1rem 0}\
caption{text-align:left;font-weight:bold;padding:.25rem 0}th,td{border:1px solid #555;padding:.25rem .5rem;\
text-align:left;vertical-align:top;overflow-wrap:anywhere}th{background:#eee}code{font-size:1em}@media print{table{font-size:.8em}}";

/// The rules that no file changes, each with the numbers it stands for.
const ALWAYS: [(&str, &str); 16] = [
    ("R1", "What is not labelled, or not allowed by a rule, is disclosed to nobody but those who wrote it."),
    ("R3, R4", "A worker acts in one role at a time and says for which purpose; rights of two roles are never added."),
    (
        "R5, R7",
        "A worker sees the record of a person only with a dated working relationship to that person. Sharing an office is none.",
    ),
    (
        "R9, R62",
        "Nobody sees the record of themself, their family, household, friends or neighbours, or of somebody they may have harmed.",
    ),
    ("R10", "A worker sees their own work in full, unless it is sealed or would put a protected person at risk."),
    (
        "R24 to R28",
        "An adult decides about their own information; so does a young person from 16, and one under 16 who is assessed as competent for that decision. A parent's word does not replace theirs.",
    ),
    (
        "R29, R30",
        "For a younger child a person with proven parental responsibility decides. If two of them disagree, nothing is shared on either's word until a manager has decided.",
    ),
    ("R32", "The word of the person who may cause harm has no effect on what is shared about those they may harm."),
    (
        "R34",
        "A refusal counts as much as a permission, and is never held against anybody. It does not stop child protection, the response to a missing child, or imminent danger.",
    ),
    (
        "R35, R36",
        "A permission ends when it is withdrawn, when its time is over, when the plan closes, and after twelve months at the latest.",
    ),
    (
        "R37 to R40, R45",
        "An override answers five questions in writing, is approved by a second person unless somebody is in imminent danger, names person and categories, and lasts a day; three days with renewals.",
    ),
    (
        "R47 to R50",
        "A personal assistant sees at most what their social worker sees, for as long as the delegation lasts, and approves nothing.",
    ),
    ("R51, R52", "A volunteer sees a minimum, until the match ends."),
    ("R54, R55", "Information about several people is shared only as far as the rules for each of them allow."),
    (
        "R57 to R59",
        "Where a person is protected from somebody, nothing that tells where they are or what they said reaches that somebody, their household, or workers on their side; and nothing hints that something is held back.",
    ),
    ("R79", "Nothing is released that cannot be written into the log first."),
];

/// The page.
#[must_use]
pub fn html(policy: &Policy) -> String {
    let mut page = String::new();
    let _ = write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Sharing agreement</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>Sharing agreement</h1>\n\
         <p>This page says who may see what about a child and their family, for which purpose and on what legal ground. It is \
         made from the rule files of the partnership and says what the gateway does. It is not legal advice.</p>\n"
    );
    levels(&mut page);
    always(&mut page);
    grounds(policy, &mut page);
    for purpose in space::PURPOSES {
        purpose_section(policy, purpose, &mut page);
    }
    caps(policy, &mut page);
    roles(policy, &mut page);
    categories(policy, &mut page);
    local(policy, &mut page);
    let _ = write!(
        page,
        "</main>\n<footer>\n<p>Version of the rules: <code>{}</code></p>\n</footer>\n</body>\n</html>\n",
        escaped(policy.version())
    );
    page
}

fn levels(page: &mut String) {
    page.push_str(
        "<h2>How much is shown</h2>\n<dl>\n<dt>In full</dt><dd>The information as it was recorded.</dd>\n\
         <dt>As a summary</dt><dd>A summary its authors wrote, or a fixed list of fields. It is never cut by machine.</dd>\n\
         <dt>As an indicator</dt><dd>That a service is involved, and whom to ask. Nothing of the content.</dd>\n\
         <dt>Not at all</dt><dd>Nothing. Whether the reader learns that something is withheld is said below.</dd>\n</dl>\n",
    );
}

fn always(page: &mut String) {
    page.push_str("<h2>What always holds</h2>\n<ul>\n");
    for (numbers, text) in ALWAYS {
        let _ = writeln!(page, "<li>{} ({numbers})</li>", escaped(text));
    }
    page.push_str("</ul>\n");
}

fn grounds(policy: &Policy, page: &mut String) {
    page.push_str("<h2>Purposes and legal grounds</h2>\n");
    let head = [
        "Purpose",
        "UK GDPR Article 6",
        "Article 9 or 10 condition",
        "Gateway",
        "How confidence is lifted",
        "Permission is asked",
    ];
    let rows = Purpose::ALL.iter().map(|purpose| {
        let row = policy.purpose(*purpose);
        let basis = &row.basis;
        let asked = match &row.consulted {
            Consulted::None => "no".to_owned(),
            Consulted::All => "where the tables below say so".to_owned(),
            Consulted::Only(some) => {
                some.iter().map(|category| named(policy, *category)).collect::<Vec<_>>().join(", ")
            }
        };
        vec![
            format!("{} ({purpose})", row.name),
            basis.art6.clone(),
            basis.art9_10.clone(),
            basis.gateway.clone(),
            basis.confidence.clone(),
            asked,
        ]
    });
    table(page, "The legal ground of each purpose", &head, rows);
}

fn purpose_section(policy: &Policy, purpose: Purpose, page: &mut String) {
    let name = &policy.purpose(purpose).name;
    let _ = writeln!(page, "<h2>{}: who sees what</h2>", escaped(&capital(name)));
    let head = ["Role", "In full", "As a summary", "As an indicator", "With permission", "In full by an override"];
    let rows = Role::ALL.iter().filter_map(|role| {
        let column = policy.column(purpose, *role)?;
        let cells = || Category::ALL.iter().zip(column);
        let plain = |level: Level| {
            let here = cells().filter(|(_, cell)| cell.without == level);
            listed(policy, here.map(|(category, _)| *category))
        };
        let gated = Category::ALL.iter().zip(column).filter(|(_, cell)| cell.gated());
        let gated = gated.map(|(category, cell)| format!("{} {}", named(policy, *category), level_in_words(cell.with)));
        let raised = listed(policy, cells().filter(|(_, cell)| cell.raisable).map(|(category, _)| *category));
        let raised = if purpose == Purpose::Le && raised != "–" {
            format!("an officer of the agency that holds it decides: {raised}")
        } else {
            raised
        };
        Some(vec![
            format!("{} ({role})", policy.role(*role).name),
            plain(Level::F),
            plain(Level::S),
            plain(Level::I),
            or_dash(gated.collect::<Vec<_>>().join(", ")),
            raised,
        ])
    });
    let caption = format!("What each role sees for {name} ({purpose}); what is not named is not shown");
    table(page, &caption, &head, rows);
}

fn caps(policy: &Policy, page: &mut String) {
    page.push_str(
        "<h2>Information about adults</h2>\n<p>Where information is about an adult, these roles see at most this much, \
        because their work is with the child.</p>\n",
    );
    let head = ["Role", "As a summary at most", "As an indicator at most", "Not at all"];
    let rows = Role::ALL.iter().filter_map(|role| {
        let at = |level: Level| {
            let capped = Category::ALL.iter().filter(|category| policy.adult_cap(*role, **category) == Some(level));
            listed(policy, capped.copied())
        };
        let any = Category::ALL.iter().any(|category| policy.adult_cap(*role, *category).is_some());
        any.then(|| vec![format!("{} ({role})", policy.role(*role).name), at(Level::S), at(Level::I), at(Level::N)])
    });
    table(page, "Limits on information about adults", &head, rows);
}

fn roles(policy: &Policy, page: &mut String) {
    page.push_str("<h2>What roles may do besides reading</h2>\n");
    let head = [
        "Role",
        "Overrides in",
        "Declares imminent danger",
        "Approves and signs",
        "Records permissions",
        "Searches for people",
        "Claims a relationship for a day",
    ];
    let yes_no = |value: bool| if value { "yes" } else { "no" }.to_owned();
    let rows = Role::ALL.iter().map(|role| {
        let row = policy.role(*role);
        let purposes = row.override_purposes.iter().map(|purpose| policy.purpose(*purpose).name.clone());
        vec![
            format!("{} ({role})", row.name),
            or_dash(purposes.collect::<Vec<_>>().join(", ")),
            yes_no(row.emg),
            yes_no(row.may_approve),
            yes_no(row.records_permission),
            yes_no(row.searches),
            yes_no(row.self_claim),
        ]
    });
    table(page, "What each role may do", &head, rows);
}

fn categories(policy: &Policy, page: &mut String) {
    page.push_str("<h2>Categories, and what is said when something is withheld</h2>\n");
    let head = ["Category", "When withheld", "Words of an indicator", "A permission can name it"];
    let rows = Category::ALL.iter().map(|category| {
        let row = policy.category(*category);
        let withheld = match row.withheld {
            Withheld::Silent => "nothing is said",
            Withheld::Shown => "said where a permission is missing",
            Withheld::ShownForAll => "said where a permission is missing; otherwise \u{201c}not available for this purpose\u{201d} for every person",
        };
        let may = if row.may_be_permitted { "yes" } else { "no" };
        vec![format!("{} ({category})", named(policy, *category)), withheld.to_owned(), or_dash(row.indicator.clone()), may.to_owned()]
    });
    table(page, "The categories of information", &head, rows);
}

fn local(policy: &Policy, page: &mut String) {
    page.push_str("<h2>The partnership's own restrictions</h2>\n");
    let rules = policy.local().rules();
    if rules.is_empty() {
        page.push_str("<p>There are none.</p>\n");
        return;
    }
    page.push_str("<p>Each of these only lowers what the tables above allow.</p>\n");
    let head = ["Rule", "At most", "Reason", "When"];
    let rows = rules
        .iter()
        .map(|rule| vec![rule.id.clone(), level_in_words(rule.cap).to_owned(), rule.reason.clone(), rule.text.clone()]);
    table(page, "Local rules", &head, rows);
}

/// A table with a caption and header cells for columns and rows.
fn table(page: &mut String, caption: &str, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let _ = write!(page, "<table>\n<caption>{}</caption>\n<thead>\n<tr>", escaped(caption));
    for cell in head {
        let _ = write!(page, "<th scope=\"col\">{}</th>", escaped(cell));
    }
    page.push_str("</tr>\n</thead>\n<tbody>\n");
    for row in rows {
        page.push_str("<tr>");
        for (at, cell) in row.iter().enumerate() {
            let cell = escaped(cell);
            let _ =
                if at == 0 { write!(page, "<th scope=\"row\">{cell}</th>") } else { write!(page, "<td>{cell}</td>") };
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table>\n");
}

fn listed(policy: &Policy, categories: impl Iterator<Item = Category>) -> String {
    or_dash(categories.map(|category| named(policy, category)).collect::<Vec<_>>().join(", "))
}

fn named(policy: &Policy, category: Category) -> String {
    match category {
        // An abbreviation, not the word.
        Category::Snd => "SEND".to_owned(),
        _ => policy.category(category).name.replace('-', " "),
    }
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "–".to_owned() } else { text }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}
