//! Matching: is the person in this message one we know? Exact linking only.
//!
//! Owns the comparison: a verified identifier **and** agreeing birth date **and** name make the same person; where the
//! message carries no name at all, the sender's own number, a checked number and the birth date together do; nothing else. Whatever is in doubt is [`Verdict::Doubt`]: it waits in a review list and is never merged (R15: an NHS number is
//! never accepted as the only key). A sealed identity (adoption) is never matched and never doubted: the answer is that of
//! a number never issued (R66). Pure: people are compared by tokens, which `store` makes with a key.
//! Read [`Presented`], [`Candidate`], [`judge`].

mod keys;

pub use keys::{Identifier, Scheme, birth_key, home_key, name_key, whole_postcode};

/// A token: equal for equal values, says nothing else.
pub type Token = [u8; 32];

/// How far an identifier can be trusted to name one person.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trust {
    /// Its check digit or letter passed, and its scheme is the same everywhere (NHS number, UPN).
    Checked,
    /// The sender's own number for its own client: trusted between messages of the same agency only.
    SendersOwn,
    /// Fails its check, or of a scheme without one from somebody else: never links.
    Unverified,
}

/// An identifier as a token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdentifierToken {
    /// Token of scheme and value.
    pub token: Token,
    /// The scheme.
    pub scheme: Scheme,
    /// How far it can be trusted.
    pub trust: Trust,
}

/// A person as a message presents them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Presented {
    /// Identifiers given.
    pub identifiers: Vec<IdentifierToken>,
    /// Birth date, when given.
    pub birth: Option<Token>,
    /// Names (family and first given name), when given.
    pub names: Vec<Token>,
}

/// A known person who shares an identifier, or birth date and name, with the one presented.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate<P> {
    /// Who.
    pub person: P,
    /// Sealed: never matched, never shown, never doubted.
    pub sealed: bool,
    /// Verified identifiers known: token and scheme.
    pub identifiers: Vec<(Token, Scheme)>,
    /// Birth dates known.
    pub births: Vec<Token>,
    /// Names known.
    pub names: Vec<Token>,
}

/// Why a link is in doubt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// A shared identifier, but birth date or name differ.
    IdentifierOnly,
    /// A shared identifier, but birth date or name were not given, or are not known.
    NotEnough,
    /// Birth date and name agree, but no verified identifier is shared.
    NameAndBirthOnly,
    /// Birth date and name agree, but identifiers of one scheme differ, or identifiers point to several people.
    IdentifiersDisagree,
}

impl Reason {
    /// The word stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::IdentifierOnly => "identifier-only",
            Self::NotEnough => "not-enough",
            Self::NameAndBirthOnly => "name-and-birth-only",
            Self::IdentifiersDisagree => "identifiers-disagree",
        }
    }
}

/// The answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict<P> {
    /// The same person.
    Same(P),
    /// Nobody we know.
    New,
    /// Perhaps this one: a person of their own for now, and a line on the review list.
    Doubt {
        /// Whom it may be.
        candidate: P,
        /// Why it is in doubt.
        reason: Reason,
    },
}

/// Compares the person presented with every candidate. Candidates are all people who share an identifier token, or both
/// birth date and a name; their order has no influence on [`Verdict::Same`] and [`Verdict::New`].
#[must_use]
pub fn judge<P: Clone + Ord>(presented: &Presented, candidates: &[Candidate<P>]) -> Verdict<P> {
    let mut views: Vec<(Ties, &Candidate<P>)> =
        candidates.iter().filter(|c| !c.sealed).map(|c| (Ties::of(presented, c), c)).filter(|(t, _)| t.any()).collect();
    views.sort_by(|(_, a), (_, b)| a.person.cmp(&b.person));
    let same: Vec<&(Ties, &Candidate<P>)> = views.iter().filter(|(ties, _)| ties.same()).collect();
    if let [(ties, only)] = same.as_slice() {
        let rivals = views.iter().any(|(other, c)| c.person != only.person && other.shares());
        // The sender's own number settles it: what the rival's number means is already on the review list.
        if !rivals || ties.own {
            return Verdict::Same(only.person.clone());
        }
    }
    let doubt = |candidate: &Candidate<P>, reason| Verdict::Doubt { candidate: candidate.person.clone(), reason };
    if let Some((_, first)) = same.first() {
        return doubt(first, Reason::IdentifiersDisagree);
    }
    // The strongest doubt first: a shared identifier before an agreeing name.
    if let Some((ties, candidate)) = views.iter().find(|(ties, _)| ties.shares()) {
        return doubt(candidate, ties.reason());
    }
    views.first().map_or(Verdict::New, |(ties, candidate)| doubt(candidate, ties.reason()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Agreement {
    Agrees,
    Differs,
    Unknown,
}

/// What ties the person presented to one candidate.
struct Ties {
    /// A checked identifier is shared.
    checked: bool,
    /// The sender's own number is shared.
    own: bool,
    /// Both have a checked identifier of one scheme, and not the same.
    conflict: bool,
    birth: Agreement,
    name: Agreement,
    /// The message gives no name at all, as its format has none.
    nothing_named: bool,
}

impl Ties {
    fn of<P>(presented: &Presented, candidate: &Candidate<P>) -> Self {
        let shared = |trust: Trust| {
            presented
                .identifiers
                .iter()
                .any(|i| i.trust == trust && candidate.identifiers.iter().any(|(t, _)| *t == i.token))
        };
        let conflict = presented.identifiers.iter().any(|i| {
            let mut same_scheme = candidate.identifiers.iter().filter(|(_, s)| *s == i.scheme).peekable();
            i.trust == Trust::Checked && same_scheme.peek().is_some() && same_scheme.all(|(t, _)| *t != i.token)
        });
        let birth = agreement(presented.birth.as_slice(), &candidate.births);
        let name = agreement(&presented.names, &candidate.names);
        let nothing_named = presented.names.is_empty();
        Self { checked: shared(Trust::Checked), own: shared(Trust::SendersOwn), conflict, birth, name, nothing_named }
    }
    fn shares(&self) -> bool {
        self.checked || self.own
    }
    fn agrees(&self) -> bool {
        self.birth == Agreement::Agrees && self.name == Agreement::Agrees
    }
    fn same(&self) -> bool {
        let named = self.shares() && self.agrees();
        // A statutory return carries no names. The sender's own number for its own client, a checked number and the birth
        // date together are one key and two other attributes (R15).
        let nameless = self.own && self.checked && self.birth == Agreement::Agrees && self.nothing_named;
        (named || nameless) && !self.conflict
    }
    fn any(&self) -> bool {
        self.shares() || self.agrees()
    }
    fn reason(&self) -> Reason {
        if self.agrees() && self.conflict {
            Reason::IdentifiersDisagree
        } else if self.agrees() {
            Reason::NameAndBirthOnly
        } else if self.birth == Agreement::Differs || self.name == Agreement::Differs {
            Reason::IdentifierOnly
        } else {
            Reason::NotEnough
        }
    }
}

fn agreement(given: &[Token], known: &[Token]) -> Agreement {
    if given.is_empty() || known.is_empty() {
        Agreement::Unknown
    } else if given.iter().any(|g| known.contains(g)) {
        Agreement::Agrees
    } else {
        Agreement::Differs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NHS_A: Token = [1; 32];
    const NHS_B: Token = [2; 32];
    const UPN_A: Token = [3; 32];
    const OWN: Token = [4; 32];
    const BORN: Token = [10; 32];
    const OTHER_BORN: Token = [11; 32];
    const NAME: Token = [20; 32];
    const OTHER_NAME: Token = [21; 32];

    fn presented(identifiers: &[(Token, Scheme, Trust)], birth: Option<Token>, names: &[Token]) -> Presented {
        let identifiers = identifiers.iter().map(|(token, scheme, trust)| IdentifierToken {
            token: *token,
            scheme: *scheme,
            trust: *trust,
        });
        Presented { identifiers: identifiers.collect(), birth, names: names.to_vec() }
    }

    fn known(person: u8, identifiers: &[(Token, Scheme)]) -> Candidate<u8> {
        Candidate { person, sealed: false, identifiers: identifiers.to_vec(), births: vec![BORN], names: vec![NAME] }
    }

    const NHS: (Token, Scheme, Trust) = (NHS_A, Scheme::NhsNumber, Trust::Checked);

    #[test]
    fn identifier_birth_and_name_together_make_the_same_person() {
        let who = presented(&[NHS], Some(BORN), &[NAME]);
        assert_eq!(judge(&who, &[known(1, &[(NHS_A, Scheme::NhsNumber)])]), Verdict::Same(1));
    }

    #[test]
    fn an_identifier_alone_never_links() {
        let a = [known(1, &[(NHS_A, Scheme::NhsNumber)])];
        for (who, reason) in [
            (presented(&[NHS], Some(OTHER_BORN), &[NAME]), Reason::IdentifierOnly),
            (presented(&[NHS], Some(BORN), &[OTHER_NAME]), Reason::IdentifierOnly),
            (presented(&[NHS], None, &[NAME]), Reason::NotEnough),
            (presented(&[NHS], Some(BORN), &[]), Reason::NotEnough),
        ] {
            assert_eq!(judge(&who, &a), Verdict::Doubt { candidate: 1, reason });
        }
    }

    #[test]
    fn without_any_name_the_senders_own_number_a_checked_number_and_the_birth_date_link() {
        let own = (OWN, Scheme::LaChildId, Trust::SendersOwn);
        let upn = (UPN_A, Scheme::Upn, Trust::Checked);
        let child = [known(1, &[(OWN, Scheme::LaChildId), (UPN_A, Scheme::Upn)])];
        assert_eq!(judge(&presented(&[own, upn], Some(BORN), &[]), &child), Verdict::Same(1));
        for who in
            [presented(&[own], Some(BORN), &[]), presented(&[upn], Some(BORN), &[]), presented(&[own, upn], None, &[])]
        {
            assert_eq!(judge(&who, &child), Verdict::Doubt { candidate: 1, reason: Reason::NotEnough });
        }
        let misnamed = presented(&[own, upn], Some(BORN), &[OTHER_NAME]);
        assert_eq!(judge(&misnamed, &child), Verdict::Doubt { candidate: 1, reason: Reason::IdentifierOnly });
    }

    #[test]
    fn name_and_birth_alone_never_link() {
        let who = presented(&[], Some(BORN), &[NAME]);
        let verdict = judge(&who, &[known(1, &[(NHS_A, Scheme::NhsNumber)])]);
        assert_eq!(verdict, Verdict::Doubt { candidate: 1, reason: Reason::NameAndBirthOnly });
    }

    #[test]
    fn an_identifier_that_fails_its_check_does_not_link() {
        let who = presented(&[(NHS_A, Scheme::NhsNumber, Trust::Unverified)], Some(BORN), &[NAME]);
        let verdict = judge(&who, &[known(1, &[(NHS_A, Scheme::NhsNumber)])]);
        assert_eq!(verdict, Verdict::Doubt { candidate: 1, reason: Reason::NameAndBirthOnly });
    }

    #[test]
    fn another_nhs_number_keeps_twins_with_the_same_upn_apart() {
        let who = presented(
            &[(NHS_B, Scheme::NhsNumber, Trust::Checked), (UPN_A, Scheme::Upn, Trust::Checked)],
            Some(BORN),
            &[NAME],
        );
        let verdict = judge(&who, &[known(1, &[(NHS_A, Scheme::NhsNumber), (UPN_A, Scheme::Upn)])]);
        assert_eq!(verdict, Verdict::Doubt { candidate: 1, reason: Reason::IdentifiersDisagree });
    }

    #[test]
    fn identifiers_of_two_people_are_in_doubt_even_when_one_agrees() {
        let who = presented(&[NHS, (UPN_A, Scheme::Upn, Trust::Checked)], Some(BORN), &[NAME]);
        let mut other = known(2, &[(UPN_A, Scheme::Upn)]);
        other.names = vec![OTHER_NAME];
        let verdict = judge(&who, &[known(1, &[(NHS_A, Scheme::NhsNumber)]), other]);
        assert_eq!(verdict, Verdict::Doubt { candidate: 1, reason: Reason::IdentifiersDisagree });
    }

    #[test]
    fn a_doubtful_person_is_found_again_by_the_senders_own_number() {
        let who = presented(&[NHS, (OWN, Scheme::Local, Trust::SendersOwn)], Some(BORN), &[NAME]);
        let mut holder = known(1, &[(NHS_A, Scheme::NhsNumber)]);
        holder.names = vec![OTHER_NAME];
        assert_eq!(judge(&who, &[holder, known(2, &[(OWN, Scheme::Local)])]), Verdict::Same(2));
    }

    #[test]
    fn a_sealed_identity_answers_like_a_number_never_issued() {
        let who = presented(&[NHS], Some(BORN), &[NAME]);
        let mut sealed = known(1, &[(NHS_A, Scheme::NhsNumber)]);
        sealed.sealed = true;
        assert_eq!(judge(&who, &[sealed]), judge(&who, &[]));
        assert_eq!(judge::<u8>(&who, &[]), Verdict::New);
    }

    #[test]
    fn two_people_with_the_same_verified_identifier_are_never_chosen_between() {
        let a = [known(1, &[(NHS_A, Scheme::NhsNumber)]), known(2, &[(NHS_A, Scheme::NhsNumber)])];
        let who = presented(&[NHS], Some(BORN), &[NAME]);
        assert_eq!(judge(&who, &a), Verdict::Doubt { candidate: 1, reason: Reason::IdentifiersDisagree });
    }
}
