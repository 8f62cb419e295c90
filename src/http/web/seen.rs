//! What is new since a visitor last looked at a family: told by comparing what is released now with what was released then.
//!
//! Owns digests of what was shown, kept sealed with the visitor's drafts; never a word of it. What is not released is in
//! neither, so nothing of it can be told by this.

use super::answer::Stop;
use super::disclosure::day_words;
use super::family::MemberShown;
use super::visit::SignedIn;
use std::collections::BTreeMap;

/// How long something counts as new after it was first shown, in milliseconds: a working day.
const NEW_MILLIS: i64 = 12 * 3_600_000;
/// Most things remembered of one family.
const SEEN_MAX: usize = 4_000;
/// The entry that says when the family was looked at first.
const BEGAN: &str = "began";
/// Hexadecimal digits of a digest that are kept.
const DIGEST_CHARS: usize = 16;

/// Something new.
pub struct Fresh {
    /// Its day, in words; empty without one.
    pub day: String,
    /// What it is.
    pub heading: String,
    /// About whom.
    pub name: String,
}

/// Compares, remembers, and lists what is new. At the first look nothing is.
pub async fn since_last(visit: &SignedIn, family: &str, members: &[MemberShown]) -> Result<Vec<Fresh>, Stop> {
    let form = format!("seen/{family}");
    let now = visit.gateway().clock().now().millis();
    let mut seen = visit.gateway().draft(&visit.visitor, &form).await?;
    let began = seen.get(BEGAN).and_then(|at| at.parse::<i64>().ok());
    let before = seen.len();
    let mut fresh = Vec::new();
    for member in members {
        for item in member.lists.iter().flat_map(|l| &l.items) {
            let first = first_seen(&mut seen, &digest(member, item), now);
            let new = began.is_some_and(|began| first > began) && now.saturating_sub(first) < NEW_MILLIS;
            if new {
                let day = item.when.as_deref().and_then(day_words).unwrap_or_default();
                fresh.push(Fresh { day, heading: item.heading.clone(), name: member.name.clone() });
            }
        }
    }
    seen.entry(BEGAN.to_owned()).or_insert_with(|| now.to_string());
    if seen.len() != before && seen.len() <= SEEN_MAX {
        visit.gateway().keep_draft(&visit.visitor, &form, &seen).await?;
    }
    Ok(fresh)
}

/// When something was first shown; now, when it was not yet.
fn first_seen(seen: &mut BTreeMap<String, String>, key: &str, now: i64) -> i64 {
    if let Some(at) = seen.get(key).and_then(|at| at.parse::<i64>().ok()) {
        return at;
    }
    seen.insert(key.to_owned(), now.to_string());
    now
}

fn digest(member: &MemberShown, item: &super::disclosure::ItemShown) -> String {
    let mut text = format!("{}\n{}\n{}\n", member.alias, item.heading, item.when.as_deref().unwrap_or_default());
    for row in &item.rows {
        text.push_str(&row.name);
        text.push('\n');
        text.push_str(&row.value);
        text.push('\n');
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let hex: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    hex.get(..DIGEST_CHARS).unwrap_or_default().to_owned()
}
