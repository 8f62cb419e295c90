//! "Did you mean": the names nearest to a misspelt one.

/// Most names suggested.
const SUGGESTIONS_MAX: usize = 3;

/// Names longer than this (in characters) are not compared: nobody misspells so long a name, and the cost is square.
const NAME_MAX: usize = 64;

/// The candidates nearest to `name`, best first, at most three; only those within a third of the name's length in
/// edits (at least two), or equal but for case and underscores.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<String> {
    if name.chars().count() > NAME_MAX {
        return Vec::new();
    }
    let reach = (name.chars().count() / 3).max(2);
    let mut found: Vec<(usize, &str)> = candidates
        .filter(|c| c.chars().count() <= NAME_MAX)
        .map(|c| (if fold(c) == fold(name) { 0 } else { distance(name, c) }, c))
        .filter(|(d, _)| *d <= reach)
        .collect();
    found.sort();
    found.into_iter().take(SUGGESTIONS_MAX).map(|(_, c)| c.to_owned()).collect()
}

fn fold(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Edits between two names: insert, delete, replace, or swap two neighbours (restricted Damerau-Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous = None;
    for (i, x) in a.chars().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&last, j) + usize::from(x != *y)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            if j > 0 && previous == Some(*y) && b.get(j - 1) == Some(&x) {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
        previous = Some(x);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_comes_first_and_strangers_do_not_come() {
        let names = ["birthDate", "deceasedDateTime", "gender", "name"];
        assert_eq!(nearest("brithDate", names.into_iter()), ["birthDate"]);
        assert_eq!(nearest("birth_date", names.into_iter()), ["birthDate"]);
        assert!(nearest("postcode", names.into_iter()).is_empty());
    }

    #[test]
    fn a_swap_of_neighbours_is_one_edit() {
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
