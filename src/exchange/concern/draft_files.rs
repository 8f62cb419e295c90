//! Files of a concern that is not sent yet: sealed beside its draft, for as long as the draft, gone with it.
//!
//! Owns the list of a draft's files and its two ends: thrown away, or handed on to the concern when it is sent, both in one
//! transaction with the draft. Nobody but the draft's author, under the same hat, can see that there is one. A concern without
//! names takes no file: a file may say who the child is (R83).

use super::attach::{Attached, taken};
use super::{Concern, kept::ends};
use crate::clock::Moment;
use crate::exchange::visit::account::kept;
use crate::exchange::visit::{DRAFT_KEPT_MILLIS, draft_id};
use crate::exchange::{Failure, Gateway, Visitor};
use crate::store::{CommitError, Effect, KeptKind, Refusal};
use crate::vocabulary::Role;
use std::collections::BTreeMap;

/// The form whose draft it is.
const FORM: &str = "concern";
/// How often a change is tried when another one came between.
const TRIES: usize = 4;

/// The files of a draft and the version of their list; 0 when there is none.
struct Listed {
    files: Vec<Attached>,
    version: i64,
}

impl Gateway {
    /// The answers of the visitor's concern that is not sent yet; empty when there is none.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for a hat that sends no concerns.
    pub async fn concern_draft(&self, visitor: &Visitor) -> Result<BTreeMap<String, String>, Failure> {
        school(visitor)?;
        self.draft(visitor, FORM).await
    }

    /// Keeps them; its files are kept as long.
    ///
    /// # Errors
    /// As [`Gateway::keep_draft`].
    pub async fn keep_concern_draft(
        &self,
        visitor: &Visitor,
        answers: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        school(visitor)?;
        self.keep_draft(visitor, FORM, answers).await?;
        let owner = draft_id(visitor, FORM);
        let ends = self.draft_ends();
        Ok(self.committer.tidy(vec![same_owner(owner, ends)]).await?)
    }

    /// Throws the draft away, with its files.
    ///
    /// # Errors
    /// [`Failure::LogUnavailable`].
    pub async fn drop_concern_draft(&self, visitor: &Visitor) -> Result<(), Failure> {
        school(visitor)?;
        let files = Effect::EndKeptOf { kind: KeptKind::Attachment, owner: draft_id(visitor, FORM) };
        self.committer.tidy(vec![files]).await?;
        self.drop_draft(visitor, FORM).await
    }

    /// The files of the draft.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for a hat that sends no concerns.
    pub async fn draft_files(&self, visitor: &Visitor) -> Result<Vec<Attached>, Failure> {
        school(visitor)?;
        Ok(self.listed(visitor).await?.files)
    }

    /// Adds a file to the draft.
    ///
    /// # Errors
    /// [`Failure::Unclear`] with what is wrong: `size`, `kind` or `number`.
    pub async fn attach_to_draft(&self, visitor: &Visitor, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        school(visitor)?;
        // Sent twice by one button it is one file.
        if self.is_attached(&self.draft_files(visitor).await?, name, bytes).await? {
            return Ok(());
        }
        let owner = draft_id(visitor, FORM);
        let ends = self.draft_ends();
        self.change_list(visitor, |files| {
            let file = taken(name, bytes, files.len(), self.clock().now())?;
            let kept = kept(KeptKind::Attachment, file.id.clone(), &owner, bytes.to_vec(), ends);
            files.push(file);
            Ok(Effect::Keep { kept, was: Some(0) })
        })
        .await?;
        // The answers are kept as long as what was added to them.
        let answers = self.draft(visitor, FORM).await?;
        if answers.is_empty() { Ok(()) } else { self.keep_draft(visitor, FORM, &answers).await }
    }

    /// Takes a file of the draft away.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when it is not one of this draft's.
    pub async fn take_from_draft(&self, visitor: &Visitor, file: &str) -> Result<(), Failure> {
        school(visitor)?;
        self.change_list(visitor, |files| {
            let at = files.iter().position(|f| f.id == file).ok_or(Failure::NotFound)?;
            let gone = files.remove(at);
            Ok(Effect::EndKept { kind: KeptKind::Attachment, id: gone.id })
        })
        .await
    }

    /// A file of the draft.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when it is not one of this draft's.
    pub async fn draft_file(&self, visitor: &Visitor, file: &str) -> Result<(Attached, Vec<u8>), Failure> {
        let listed = self.draft_files(visitor).await?.into_iter().find(|f| f.id == file).ok_or(Failure::NotFound)?;
        let row = self.db.kept(&self.keys, KeptKind::Attachment, file, self.clock().now()).await?;
        let row = row.filter(|row| row.owner == draft_id(visitor, FORM)).ok_or(Failure::NotFound)?;
        Ok((listed, row.body))
    }

    /// What becomes of the draft when this concern is sent: its files are the concern's, the draft is gone. Sent a second time
    /// there is no draft any more, and the whole is refused.
    pub(super) async fn draft_sent(&self, visitor: &Visitor, concern: &mut Concern) -> Result<Vec<Effect>, Failure> {
        let owner = draft_id(visitor, FORM);
        let mut effects = vec![Effect::EndKept { kind: KeptKind::Draft, id: owner.clone() }];
        let listed = self.listed(visitor).await?;
        if !matches!(concern.about, super::About::Named(_)) || listed.files.is_empty() {
            effects.push(Effect::EndKeptOf { kind: KeptKind::Attachment, owner });
            return Ok(effects);
        }
        // The list must be the one that was read: a file added meanwhile is not left behind.
        let list = kept(KeptKind::Attachment, owner.clone(), &owner, Vec::new(), ends(concern));
        effects.push(Effect::Keep { kept: list, was: Some(listed.version) });
        effects.push(Effect::EndKept { kind: KeptKind::Attachment, id: owner.clone() });
        let (to, expires_at) = (concern.id.clone(), ends(concern));
        effects.push(Effect::HandOn { kind: KeptKind::Attachment, from: owner, to, expires_at });
        concern.files = listed.files;
        Ok(effects)
    }

    async fn listed(&self, visitor: &Visitor) -> Result<Listed, Failure> {
        let row = self.db.kept(&self.keys, KeptKind::Attachment, &draft_id(visitor, FORM), self.clock().now()).await?;
        let Some(row) = row else { return Ok(Listed { files: Vec::new(), version: 0 }) };
        let files = serde_json::from_slice(&row.body).map_err(|_| Failure::Inconsistent("the files of a draft"))?;
        Ok(Listed { files, version: row.version })
    }

    /// Changes the list and what it lists in one step; what changed meanwhile is read again.
    async fn change_list(
        &self,
        visitor: &Visitor,
        change: impl Fn(&mut Vec<Attached>) -> Result<Effect, Failure>,
    ) -> Result<(), Failure> {
        let owner = draft_id(visitor, FORM);
        for _ in 0..TRIES {
            let Listed { mut files, version } = self.listed(visitor).await?;
            let effect = change(&mut files)?;
            let body = serde_json::to_vec(&files).map_err(|_| Failure::Inconsistent("the files of a draft"))?;
            let list = kept(KeptKind::Attachment, owner.clone(), &owner, body, self.draft_ends());
            let list = Effect::Keep { kept: list, was: Some(version) };
            let all = vec![list, effect, same_owner(owner.clone(), self.draft_ends())];
            match self.committer.tidy(all).await {
                Ok(()) => return Ok(()),
                // Another change came first; or an earlier draft's time is over and it is still to be forgotten.
                Err(CommitError::Refused(Refusal::KeptChanged { .. })) => {
                    self.committer.tidy(vec![Effect::ForgetKept]).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::Changed)
    }

    fn draft_ends(&self) -> Moment {
        self.clock().now().plus_millis(DRAFT_KEPT_MILLIS)
    }
}

/// What an owner keeps of files, until a new end.
fn same_owner(owner: String, expires_at: Moment) -> Effect {
    Effect::HandOn { kind: KeptKind::Attachment, from: owner.clone(), to: owner, expires_at }
}

/// Hats that send concerns; for others there is no draft of one.
fn school(visitor: &Visitor) -> Result<(), Failure> {
    match visitor.worn()?.role {
        Role::Dsl | Role::Sch => Ok(()),
        _ => Err(Failure::NotFound),
    }
}
