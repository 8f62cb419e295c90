//! Permissions as FHIR R4 Consent: taking a foreign one in, writing one of ours out (consent paper §6).
//!
//! Owns the two stories; `read` and `write` hold the shapes. What is taken in passes every guard of a permission recorded here.
//! A Consent inside a FHIR message is not one of these: it stays a copy in the record and decides nothing.

mod read;
mod write;

use super::deed::{Cast, Done, User};
use super::permit::{NewPermission, PermissionDeed};
use super::whom::{Party as WhoDecides, Whom};
use super::{Caller, Failure, Gateway, Subject};
use crate::diagnostic::{Diagnostic, code};
use crate::ident::{HatId, PersonId};
use crate::sharing::facts::{Capacity, Permission};
use crate::sharing::lifecycle::own_capacity;
use crate::vocabulary::Purpose;
use serde_json::Value;

/// The project's own members, written as extensions with these names.
pub(super) const EXTENSION: &str = "urn:solent:consent:";
/// The project's code systems.
pub(super) const CATEGORY_SYSTEM: &str = "urn:solent:category";
pub(super) const PURPOSE_SYSTEM: &str = "urn:solent:purpose";
pub(super) const KIND_SYSTEM: &str = "urn:solent:consent-kind";
pub(super) const ROLE_SYSTEM: &str = "urn:solent:role";
/// HL7's code systems.
pub(super) const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
pub(super) const ACT_REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
pub(super) const SCOPE_SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/consentscope";
pub(super) const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";

impl Gateway {
    /// Takes a foreign Consent in as a permission or refusal.
    pub(super) async fn import_consent(
        &self,
        caller: &Caller,
        user: &User,
        resource: &Value,
        purpose: Purpose,
    ) -> Result<Done, Failure> {
        let read = read::consent(resource).map_err(Failure::Invalid)?;
        let subject = PersonId::new(read.patient.clone());
        let hats: Vec<HatId> = read.hats().into_iter().map(HatId::new).collect();
        let cast = Cast { persons: vec![subject.clone()], hats, ..Cast::default() };
        let scene = self.scene(caller, user, cast).await?;
        let capacity = match (read.capacity, &read.performer) {
            (Some(capacity), _) => capacity,
            (None, read::Performer::Patient(id)) if *id == read.patient => {
                own_capacity(&scene.world, subject.as_str(), scene.now).unwrap_or(Capacity::SelfAdult)
            }
            (None, read::Performer::Agency(_)) => Capacity::LaCareOrder,
            (None, _) => Capacity::ParentPr,
        };
        let decider = match &read.performer {
            read::Performer::Patient(id) | read::Performer::Related(id) => {
                WhoDecides::Person(Subject::Person(PersonId::new(id.clone())))
            }
            read::Performer::Agency(id) => WhoDecides::Agency(crate::ident::AgencyId::new(id.clone())),
        };
        let hats: Vec<_> = scene.facts.accounts.iter().flat_map(|a| a.hats.iter().map(move |h| (h, &a.id))).collect();
        let party = |p: &read::Party| {
            p.resolve(&|id| {
                let (hat, account) = hats.iter().find(|(h, _)| h.id.as_str() == id)?;
                Some((hat.agency.clone(), hat.role, (*account).clone()))
            })
        };
        let new: NewPermission = read
            .permission(Whom(Subject::Person(subject)), decider, capacity, purpose, &party)
            .map_err(Failure::Invalid)?;
        let deed = PermissionDeed::Record(Box::new(new));
        let broad = matches!(&deed, PermissionDeed::Record(new) if new.form.broad);
        let mut done = self.permission_deed(caller, user, &deed).await?;
        if let Value::Object(body) = &mut done.body {
            body.insert("broad".to_owned(), Value::Bool(broad));
            body.insert("not_taken".to_owned(), serde_json::json!(read.not_taken));
        }
        Ok(done)
    }

    /// Writes a permission out as a Consent, for who may read it.
    pub(super) async fn export_consent(&self, caller: &Caller, user: &User, id: &str) -> Result<Done, Failure> {
        let mut done = self.permission_deed(caller, user, &PermissionDeed::Read(id.to_owned())).await?;
        let record = done.body.get("record").cloned().unwrap_or_default();
        let record: Permission =
            serde_json::from_value(record).map_err(|_| Failure::Inconsistent("a permission cannot be read"))?;
        let status = done.body.get("status").and_then(Value::as_str).unwrap_or_default();
        let ends = done.body.get("ends_at").and_then(Value::as_str);
        done.body = write::consent(&record, status, ends, caller.agency.as_str());
        Ok(done)
    }
}

/// A fault of the resource at a member.
pub(super) fn fault(pointer: impl Into<String>, text: &str) -> Diagnostic {
    Diagnostic::error(code::SHARING_GUARD, format!("{text} (consent §6)")).with_pointer(pointer.into())
}
