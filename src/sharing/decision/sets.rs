//! Small sets that cost nothing to make and copy: the flags and the rule numbers of a decision.

use super::Flag;
use serde::{Serialize, Serializer};
use std::fmt;

/// A set of flags, in the order of their codes.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(u8);

impl Flags {
    const fn bit(flag: Flag) -> u8 {
        1 << flag as u8
    }
    /// Adds one.
    pub const fn insert(&mut self, flag: Flag) {
        self.0 |= Self::bit(flag);
    }
    /// Adds all of another set.
    pub const fn extend(&mut self, others: Self) {
        self.0 |= others.0;
    }
    /// Whether it is in the set.
    #[must_use]
    pub const fn contains(self, flag: Flag) -> bool {
        self.0 & Self::bit(flag) != 0
    }
    /// The members.
    pub fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.iter().copied().filter(move |flag| self.contains(*flag))
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for Flags {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.iter())
    }
}

/// A set of rule numbers (R1 to R84), printed `R33`.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules(u128);

impl Rules {
    /// The set of these numbers.
    #[must_use]
    pub const fn of(numbers: &[u8]) -> Self {
        let (mut set, mut rest) = (Self(0), numbers);
        while let [first, others @ ..] = rest {
            set.insert(*first);
            rest = others;
        }
        set
    }
    /// Adds one; a number that is no rule is ignored.
    pub const fn insert(&mut self, number: u8) {
        if number < 128 {
            self.0 |= 1 << number;
        }
    }
    /// Adds all of another set.
    pub const fn extend(&mut self, others: Self) {
        self.0 |= others.0;
    }
    /// Whether the number is in the set.
    #[must_use]
    pub const fn contains(self, number: u8) -> bool {
        number < 128 && self.0 & (1 << number) != 0
    }
    /// The numbers, ascending.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..128).filter(move |number| self.contains(*number))
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for Rules {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.iter().map(|number| format!("R{number}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_gives_back_each_member_once_in_order() {
        let mut flags = Flags::default();
        flags.insert(Flag::WriteSummary);
        flags.insert(Flag::AlertPrv);
        flags.insert(Flag::AlertPrv);
        assert_eq!(flags.iter().collect::<Vec<_>>(), [Flag::AlertPrv, Flag::WriteSummary]);
        let mut rules = Rules::of(&[84, 1]);
        rules.extend(Rules::of(&[33, 1, 200]));
        assert_eq!(rules.iter().collect::<Vec<_>>(), [1, 33, 84]);
        assert!(rules.contains(84) && !rules.contains(2) && !flags.contains(Flag::CpTask));
        let mut more = Flags::default();
        more.insert(Flag::CpTask);
        more.extend(flags);
        assert_eq!(more.iter().collect::<Vec<_>>(), [Flag::AlertPrv, Flag::CpTask, Flag::WriteSummary]);
    }

    #[test]
    fn what_is_beyond_the_set_is_never_in_it() {
        let rules = Rules::of(&[0, 127, 128, 129, 255]);
        assert_eq!(rules.iter().collect::<Vec<_>>(), [0, 127]);
        assert!(!rules.contains(128) && !rules.contains(129) && !Rules::default().contains(0));
    }

    #[test]
    fn there_are_no_more_flags_than_bits() {
        assert!(Flag::ALL.len() <= 8);
    }
}
