//! Lists of users and groups: by filter, page by page (RFC 7644 section 3.4.2).

use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::filter::Filter;
use super::user::key;
use super::{Directory, Provisioning, ScimError};
use crate::store::StoreError;
use crate::store::scim::{group, user};

/// How many resources a page has at most.
pub const MOST_LISTED: usize = 200;

/// How many members the groups of a page have together at most; a page with more of them is cut short.
const MOST_MEMBERS: usize = 20_000;

/// How many are taken from the store at a time, when all have to be looked at.
const CHUNK: u32 = 500;

/// How many may have the same value of an attribute that is asked for, and be found by it.
const MOST_ALIKE: u32 = 1000;

/// Which resources are asked for.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// Which.
    pub filter: Option<Filter>,
    /// How many to leave out before the first.
    pub skip: usize,
    /// How many at most.
    pub count: usize,
    /// Whether groups come with their members.
    pub members: bool,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// How many there are on all pages.
    pub total: usize,
    /// Those of this page.
    pub page: Vec<T>,
}

/// Takes those of one page out of all that come by.
struct Pager<T> {
    skip: usize,
    count: usize,
    total: usize,
    page: Vec<T>,
}

impl<T> Pager<T> {
    fn new(question: &Question) -> Self {
        Self { skip: question.skip, count: question.count, total: 0, page: Vec::new() }
    }

    fn see(&mut self, item: T) {
        if self.total >= self.skip && self.page.len() < self.count {
            self.page.push(item);
        }
        self.total = self.total.saturating_add(1);
    }

    fn listed(self) -> Listed<T> {
        Listed { total: self.total, page: self.page }
    }
}

impl Provisioning {
    /// Users.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn users(&self, directory: &Directory, question: &Question) -> Result<Listed<user::Record>, ScimError> {
        let provider = directory.provider();
        let mut conn = self.store.read().await?;
        let Some(filter) = &question.filter else {
            let total = user::count(&mut conn, provider).await?;
            let page = user::page(&mut conn, provider, number(question.skip), number(question.count)).await?;
            return Ok(Listed { total, page });
        };
        let matches = |record: &user::Record| filter.matches(&Value::Object(record.user.shown(&record.id)));
        let mut pager = Pager::new(question);
        let demanded = [("id", user::By::Id), ("externalId", user::By::ExternalId), ("userName", user::By::UserName)];
        let demanded = demanded.into_iter().find_map(|(name, by)| Some((by, filter.demanded(name)?)));
        if let Some((by, value)) = demanded {
            let value = if by == user::By::UserName { key(value) } else { value.to_owned() };
            let found = user::by(&mut conn, provider, by, &value, MOST_ALIKE).await?;
            found.into_iter().filter(matches).for_each(|record| pager.see(record));
            return Ok(pager.listed());
        }
        let mut last = String::new();
        loop {
            let chunk = user::after(&mut conn, provider, &last, CHUNK).await?;
            let Some(record) = chunk.last() else { break };
            last.clone_from(&record.id);
            chunk.into_iter().filter(matches).for_each(|record| pager.see(record));
        }
        Ok(pager.listed())
    }

    /// Groups.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn groups(&self, directory: &Directory, question: &Question) -> Result<Listed<group::Record>, ScimError> {
        let provider = directory.provider();
        let mut conn = self.store.read().await?;
        let mut listed = match &question.filter {
            None => Listed {
                total: group::count(&mut conn, provider).await?,
                page: group::page(&mut conn, provider, number(question.skip), number(question.count)).await?,
            },
            Some(filter) => filtered_groups(&mut conn, provider, filter, question).await?,
        };
        if question.members {
            let mut sum = 0_usize;
            let fits = listed.page.iter().take_while(|record| {
                sum = sum.saturating_add(record.size);
                sum <= MOST_MEMBERS
            });
            let fits = fits.count().max(1);
            listed.page.truncate(fits);
            for record in &mut listed.page {
                record.group.members = group::members(&mut conn, &record.id).await?;
            }
        }
        Ok(listed)
    }
}

async fn filtered_groups(
    conn: &mut SqliteConnection,
    provider: &str,
    filter: &Filter,
    question: &Question,
) -> Result<Listed<group::Record>, StoreError> {
    let mut pager = Pager::new(question);
    let demanded = [
        ("id", group::By::Id),
        ("displayName", group::By::Name),
        ("externalId", group::By::ExternalId),
        ("members", group::By::Member),
    ];
    let demanded = demanded.into_iter().find_map(|(name, by)| Some((by, filter.demanded(name)?)));
    let mut skip = 0;
    loop {
        let chunk = match demanded {
            Some((by, value)) => {
                let value = if by == group::By::Name { key(value) } else { value.to_owned() };
                group::by(conn, provider, by, &value, u32::try_from(super::MAX_GROUPS).unwrap_or(u32::MAX)).await?
            }
            None => group::page(conn, provider, skip, CHUNK).await?,
        };
        if chunk.is_empty() {
            return Ok(pager.listed());
        }
        for record in chunk {
            let mut shown = record.group.shown(&record.id);
            if filter.asks_for("members") {
                let members = group::members(conn, &record.id).await?;
                let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
                shown.insert("members".to_owned(), Value::Array(members));
            }
            if filter.matches(&Value::Object(shown)) {
                pager.see(record);
            }
        }
        if demanded.is_some() {
            return Ok(pager.listed());
        }
        skip = skip.saturating_add(CHUNK);
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
