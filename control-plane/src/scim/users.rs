//! What is done with users.

use kubegate_core::time::Timestamp;
use sqlx::SqliteConnection;

use super::patch::Change;
use super::user::{User, key};
use super::{Directory, MAX_USERS, Provisioning, ScimError};
use crate::random;
use crate::session::News;
use crate::store::scim::person;
use crate::store::scim::user::{self, By, Record};
use crate::store::{StoreError, Write};

impl Provisioning {
    /// Makes a user.
    ///
    /// # Errors
    /// Why not.
    pub async fn create_user(&self, directory: &Directory, user: User, now: Timestamp) -> Result<Record, ScimError> {
        let provider = directory.provider();
        let mut tx = self.store.write().await?;
        if user::count(&mut tx, provider).await? >= MAX_USERS {
            return Err(ScimError::Full(format!("a provider may push {MAX_USERS} users at most")));
        }
        let record = Record { id: random::id("")?, user, created_at: now, modified_at: now };
        check_unique(&mut tx, directory, &record).await?;
        user::put(&mut tx, provider, &record).await?;
        let news = self.follow(&mut tx, directory, None, Some(&record.user), now).await?;
        self.commit(tx, provider, news, now).await?;
        Ok(record)
    }

    /// A user.
    ///
    /// # Errors
    /// When there is none with this id.
    pub async fn user(&self, directory: &Directory, id: &str) -> Result<Record, ScimError> {
        found(user::find(&mut *self.store.read().await?, directory.provider(), id).await?, id)
    }

    /// Changes a user.
    ///
    /// # Errors
    /// Why not; then nothing of it is done.
    pub async fn change_user(
        &self,
        directory: &Directory,
        id: &str,
        changes: &[Change],
        now: Timestamp,
    ) -> Result<Record, ScimError> {
        let edit = |user: &mut User| changes.iter().try_for_each(|change| Ok(user.change(change)?));
        self.edit_user(directory, id, edit, now).await
    }

    /// Puts another user in the place of one. `read` gets whether the one there is active.
    ///
    /// # Errors
    /// Why not.
    pub async fn replace_user(
        &self,
        directory: &Directory,
        id: &str,
        read: impl Fn(bool) -> Result<User, ScimError> + Send + Sync,
        now: Timestamp,
    ) -> Result<Record, ScimError> {
        let edit = |user: &mut User| {
            *user = read(user.active)?;
            Ok(())
        };
        self.edit_user(directory, id, edit, now).await
    }

    async fn edit_user(
        &self,
        directory: &Directory,
        id: &str,
        edit: impl Fn(&mut User) -> Result<(), ScimError> + Send,
        now: Timestamp,
    ) -> Result<Record, ScimError> {
        let provider = directory.provider();
        let mut tx = self.store.write().await?;
        let before = found(user::find(&mut tx, provider, id).await?, id)?;
        let mut record = before.clone();
        edit(&mut record.user)?;
        let mut news = News(false);
        if record.user != before.user {
            record.modified_at = now;
            check_unique(&mut tx, directory, &record).await?;
            user::put(&mut tx, provider, &record).await?;
            news = self.follow(&mut tx, directory, Some(&before.user), Some(&record.user), now).await?;
        }
        self.commit(tx, provider, news, now).await?;
        Ok(record)
    }

    /// Deletes a user.
    ///
    /// # Errors
    /// When there is none with this id.
    pub async fn delete_user(&self, directory: &Directory, id: &str, now: Timestamp) -> Result<(), ScimError> {
        let provider = directory.provider();
        let mut tx = self.store.write().await?;
        let before = found(user::find(&mut tx, provider, id).await?, id)?;
        user::delete(&mut tx, provider, id).await?;
        let news = self.follow(&mut tx, directory, Some(&before.user), None, now).await?;
        Ok(self.commit(tx, provider, news, now).await?)
    }

    /// What a change of one user means for the people whom it meant before, and now means.
    async fn follow(
        &self,
        tx: &mut Write,
        directory: &Directory,
        before: Option<&User>,
        after: Option<&User>,
        now: Timestamp,
    ) -> Result<News, StoreError> {
        let standing = |user: Option<&User>| {
            let user = user?;
            Some((directory.link_of_user(user)?, user.active))
        };
        let (before, after) = (standing(before), standing(after));
        if before == after {
            return Ok(News(false));
        }
        let mut news = News(false);
        if let Some((link, true)) = &after {
            let people = person::linked(tx, directory.provider(), std::slice::from_ref(link)).await?;
            news = self.sessions.readmit(tx, &people, now).await?;
        }
        let links: Vec<String> = [before, after].into_iter().flatten().map(|(link, _)| link).collect();
        let people = person::linked(tx, directory.provider(), &links).await?;
        news.0 |= self.sessions.resettle(tx, &people, now).await?.0;
        Ok(news)
    }
}

fn found(record: Option<Record>, id: &str) -> Result<Record, ScimError> {
    record.ok_or_else(|| ScimError::NotFound { what: "user", id: id.chars().take(100).collect() })
}

/// Refuses a user whose name, or whose link to sign-ins, another has.
async fn check_unique(conn: &mut SqliteConnection, directory: &Directory, record: &Record) -> Result<(), ScimError> {
    let provider = directory.provider();
    let others = |found: Vec<Record>| found.iter().any(|found| found.id != record.id);
    if others(user::by(conn, provider, By::UserName, &key(&record.user.user_name), 2).await?) {
        return Err(ScimError::Uniqueness("another user has this userName".to_owned()));
    }
    let attribute = directory.attribute();
    if let Some(link) = directory.link_of_user(&record.user)
        && others(user::by(conn, provider, attribute.into(), &link, 2).await?)
    {
        let attribute = attribute.as_str();
        return Err(ScimError::Uniqueness(format!(
            "another user has the same {attribute}, which links users to their sign-ins here"
        )));
    }
    Ok(())
}
