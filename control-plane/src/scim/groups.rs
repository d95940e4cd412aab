//! What is done with groups.

use std::collections::BTreeSet;

use kubegate_core::time::Timestamp;
use sqlx::SqliteConnection;

use super::group::Group;
use super::patch::Change;
use super::user::key;
use super::{Directory, Invalid, MAX_GROUPS, Provisioning, ScimError};
use crate::random;
use crate::session::News;
use crate::store::scim::group::{self, By, Record};
use crate::store::scim::{person, user};
use crate::store::{StoreError, Write};

impl Provisioning {
    /// Makes a group.
    ///
    /// # Errors
    /// Why not.
    pub async fn create_group(
        &self,
        directory: &Directory,
        wanted: Group,
        now: Timestamp,
    ) -> Result<Record, ScimError> {
        let provider = directory.provider();
        let mut tx = self.store.write().await?;
        if group::count(&mut tx, provider).await? >= MAX_GROUPS {
            return Err(ScimError::Full(format!("a provider may push {MAX_GROUPS} groups at most")));
        }
        let size = wanted.members.len();
        let record = Record { id: random::id("")?, group: wanted, size, created_at: now, modified_at: now };
        check_name(&mut tx, directory, &record).await?;
        let joining: Vec<&String> = record.group.members.iter().collect();
        check_members(&mut tx, provider, &joining).await?;
        group::put(&mut tx, provider, &record).await?;
        group::change_members(&mut tx, provider, &record.id, &joining, &[]).await?;
        let news = self.follow_members(&mut tx, directory, &joining, now).await?;
        self.commit(tx, provider, news, now).await?;
        Ok(record)
    }

    /// A group, with its members if those are asked for.
    ///
    /// # Errors
    /// When there is none with this id.
    pub async fn group(&self, directory: &Directory, id: &str, with_members: bool) -> Result<Record, ScimError> {
        let mut conn = self.store.read().await?;
        let mut record = found(group::find(&mut conn, directory.provider(), id).await?, id)?;
        if with_members {
            record.group.members = group::members(&mut conn, id).await?;
        }
        Ok(record)
    }

    /// Changes a group.
    ///
    /// # Errors
    /// Why not; then nothing of it is done.
    pub async fn change_group(
        &self,
        directory: &Directory,
        id: &str,
        changes: &[Change],
        now: Timestamp,
    ) -> Result<Record, ScimError> {
        self.edit_group(directory, id, |group| Ok(group.change(changes)?), now).await
    }

    /// Puts another group in the place of one.
    ///
    /// # Errors
    /// Why not.
    pub async fn replace_group(
        &self,
        directory: &Directory,
        id: &str,
        wanted: Group,
        now: Timestamp,
    ) -> Result<Record, ScimError> {
        let edit = |group: &mut Group| {
            *group = wanted.clone();
            Ok(())
        };
        self.edit_group(directory, id, edit, now).await
    }

    async fn edit_group(
        &self,
        directory: &Directory,
        id: &str,
        edit: impl Fn(&mut Group) -> Result<(), ScimError> + Send,
        now: Timestamp,
    ) -> Result<Record, ScimError> {
        let provider = directory.provider();
        let mut tx = self.store.write().await?;
        let mut before = found(group::find(&mut tx, provider, id).await?, id)?;
        before.group.members = group::members(&mut tx, id).await?;
        let mut record = before.clone();
        edit(&mut record.group)?;
        record.size = record.group.members.len();
        if record.group == before.group {
            self.commit(tx, provider, News(false), now).await?;
            return Ok(before);
        }
        record.modified_at = now;
        check_name(&mut tx, directory, &record).await?;
        let (old, new) = (&before.group.members, &record.group.members);
        let joining: Vec<&String> = new.difference(old).collect();
        let leaving: Vec<&String> = old.difference(new).collect();
        check_members(&mut tx, provider, &joining).await?;
        group::put(&mut tx, provider, &record).await?;
        group::change_members(&mut tx, provider, id, &joining, &leaving).await?;
        let renamed = record.group.display_name != before.group.display_name;
        let concerned: BTreeSet<&String> =
            if renamed { old.union(new).collect() } else { joining.into_iter().chain(leaving).collect() };
        let concerned: Vec<&String> = concerned.into_iter().collect();
        let news = self.follow_members(&mut tx, directory, &concerned, now).await?;
        self.commit(tx, provider, news, now).await?;
        Ok(record)
    }

    /// Deletes a group.
    ///
    /// # Errors
    /// When there is none with this id.
    pub async fn delete_group(&self, directory: &Directory, id: &str, now: Timestamp) -> Result<(), ScimError> {
        let provider = directory.provider();
        let mut tx = self.store.write().await?;
        found(group::find(&mut tx, provider, id).await?, id)?;
        let members = group::members(&mut tx, id).await?;
        group::delete(&mut tx, provider, id).await?;
        let news = self.follow_members(&mut tx, directory, &members.iter().collect::<Vec<_>>(), now).await?;
        Ok(self.commit(tx, provider, news, now).await?)
    }

    /// What a change of a group means for these of its members.
    async fn follow_members(
        &self,
        tx: &mut Write,
        directory: &Directory,
        members: &[&String],
        now: Timestamp,
    ) -> Result<News, StoreError> {
        if !directory.gives_groups() || members.is_empty() {
            return Ok(News(false));
        }
        let provider = directory.provider();
        let users = group::users_below(tx, provider, members).await?;
        let links = user::links(tx, provider, directory.attribute().into(), &users).await?;
        let people = person::linked(tx, provider, &links).await?;
        self.sessions.resettle(tx, &people, now).await
    }
}

fn found(record: Option<Record>, id: &str) -> Result<Record, ScimError> {
    record.ok_or_else(|| ScimError::NotFound { what: "group", id: id.chars().take(100).collect() })
}

/// Refuses a name that another group has, or that cannot be a group's name in Kubernetes.
async fn check_name(conn: &mut SqliteConnection, directory: &Directory, record: &Record) -> Result<(), ScimError> {
    let name = &record.group.display_name;
    directory.check_group_name(name)?;
    let others = group::by(conn, directory.provider(), By::Name, &key(name), 2).await?;
    if others.iter().any(|other| other.id != record.id) {
        return Err(ScimError::Uniqueness("another group has this displayName".to_owned()));
    }
    Ok(())
}

async fn check_members(conn: &mut SqliteConnection, provider: &str, members: &[&String]) -> Result<(), ScimError> {
    let strangers = group::strangers(conn, provider, members).await?;
    if strangers.is_empty() {
        return Ok(());
    }
    let strangers = strangers.iter().map(|id| id.chars().take(100).collect::<String>()).collect::<Vec<_>>().join(", ");
    Err(Invalid::value(format!("no user and no group here has these ids of members: {strangers}")).into())
}
