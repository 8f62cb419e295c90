//! "Did you mean": the nearest of some names.

/// Longest names compared, in characters; longer ones have no near match.
const CHARACTERS_MAX: usize = 64;

/// The name closest to `word`, if it is close enough to be a slip of the hand.
pub fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (word.chars().count() / 3).max(1);
    names
        .filter(|name| *name != word)
        .map(|name| (distance(&word.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Edit distance where swapping two neighbours counts once (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(CHARACTERS_MAX).collect();
    let a: Vec<char> = a.chars().take(CHARACTERS_MAX).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let get = |r: &[usize], k: usize| r.get(k).copied().unwrap_or(usize::MAX / 2);
            let mut best = (get(&row, j) + usize::from(ca != cb)).min(get(&row, j + 1) + 1).min(get(&next, j) + 1);
            if i > 0 && j > 0 && a.get(i - 1) == Some(cb) && b.get(j - 1) == Some(ca) {
                best = best.min(get(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_recognised_and_a_different_word_is_not() {
        let names = ["birthDate", "gender", "deceasedDateTime"];
        assert_eq!(nearest("brithDate", names.into_iter()), Some("birthDate"));
        assert_eq!(nearest("Gender", names.into_iter()), Some("gender"));
        assert_eq!(nearest("telephone", names.into_iter()), None);
    }
}
