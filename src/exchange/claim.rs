//! Claiming a relationship at the pages (R6): somebody whose work is with a person now, without a link on record, says why and
//! has the record for 24 hours. What is open for danger beyond that is asked for as always (R45).
//!
//! Owns no rule: the deed, its guard, its entry and the alerts are `relate`'s. A page offers it only for people whom the
//! visitor's own search found a short while ago.

use super::deed::{Deed, User};
use super::delegations::relationship;
use super::relate::{NewRelationship, RelationshipDeed};
use super::whom::Whom;
use super::{Failure, Found, Gateway, Subject, Visitor};
use crate::ident::PersonId;
use crate::sharing::facts::{RelationshipKind, Text};
use crate::vocabulary::Purpose;
use std::collections::BTreeMap;

/// The draft that holds whom the last search found.
const FOUND: &str = "found";
/// How long after the search somebody found may be claimed, in milliseconds: an hour.
const FOUND_MILLIS: i64 = 3_600_000;

impl Gateway {
    /// Whether the visitor's role may claim a relationship (R6).
    #[must_use]
    pub fn may_claim(&self, visitor: &Visitor) -> bool {
        visitor.hat.as_ref().is_some_and(|hat| self.content().policy.role(hat.role).self_claim)
    }

    /// Remembers whom a search found, for as long as they may be claimed.
    ///
    /// # Errors
    /// As [`Gateway::keep_draft`].
    pub async fn remember_found(&self, visitor: &Visitor, found: &[Found]) -> Result<(), Failure> {
        if !self.may_claim(visitor) {
            return Ok(());
        }
        let now = self.clock().now().millis();
        let kept = found.iter().map(|one| (one.person.as_str().to_owned(), format!("{now} {}", one.name)));
        self.keep_draft(visitor, FOUND, &kept.collect()).await
    }

    /// Somebody whom the visitor's last search found, and how they are called there.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for everybody else, and when the search is too long ago.
    pub async fn found_lately(&self, visitor: &Visitor, person: &str) -> Result<(PersonId, String), Failure> {
        let found: BTreeMap<String, String> = self.draft(visitor, FOUND).await?;
        let kept = found.get(person).and_then(|kept| kept.split_once(' ')).ok_or(Failure::NotFound)?;
        let at: i64 = kept.0.parse().map_err(|_| Failure::NotFound)?;
        let lately = self.clock().now().millis().saturating_sub(at) < FOUND_MILLIS;
        if lately && self.may_claim(visitor) {
            Ok((PersonId::new(person), kept.1.to_owned()))
        } else {
            Err(Failure::NotFound)
        }
    }

    /// Claims a relationship to somebody found.
    ///
    /// # Errors
    /// As [`Gateway::found_lately`] and [`Gateway::act`].
    pub async fn claim(&self, visitor: &Visitor, person: &str, purpose: Purpose, why: &str) -> Result<(), Failure> {
        let (person, _) = self.found_lately(visitor, person).await?;
        let new = NewRelationship {
            subject: Some(Whom(Subject::Person(person))),
            reason: Some(Text::new(why.trim())),
            ..relationship(RelationshipKind::SelfClaim, purpose)
        };
        let user = User { account: visitor.account.clone(), hat: visitor.worn()?.id.clone() };
        let deed = Deed::Relationship(RelationshipDeed::Begin(Box::new(new)));
        self.act(&visitor.caller(), &user, &deed).await.map(drop)
    }
}
