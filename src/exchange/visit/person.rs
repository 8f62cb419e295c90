//! What a visitor sees of one person: an enquiry under the visitor's hat and stated purpose, decided and logged like any
//! other, released as a canonical disclosure.

use super::{PAGES, Visitor};
use crate::exchange::{Enquiry, Failure, Gateway, Released, Subject};
use crate::ident::{PersonId, SystemId};
use crate::vocabulary::{Category, Purpose};

impl Gateway {
    /// The id under which a disclosure to the pages names this person.
    #[must_use]
    pub fn named_in_pages(&self, person: &PersonId) -> String {
        self.alias_for(&SystemId::new(PAGES), &format!("person/{person}"))
    }

    /// Asks for a person's segments in these categories.
    ///
    /// # Errors
    /// As [`Gateway::enquire`].
    pub async fn look_at(
        &self,
        visitor: &Visitor,
        person: &PersonId,
        purpose: Purpose,
        categories: &[Category],
    ) -> Result<Released, Failure> {
        let hat = visitor.worn()?;
        let delegation = self.delegation_of(visitor, person).await?;
        let enquiry = Enquiry {
            account: visitor.account.clone(),
            hat: hat.id.clone(),
            purpose,
            subject: Subject::Person(person.clone()),
            categories: categories.to_vec(),
            override_id: None,
            delegation,
            opening: None,
        };
        self.enquire(visitor.caller(), enquiry).await
    }
}
