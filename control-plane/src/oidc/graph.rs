//! Microsoft Graph, which is asked for the groups that Entra leaves out of a token.

use kubegate_core::secret::Secret;
use serde::Deserialize;
use serde_json::Value;

use super::error::{Cause, Failure};
use super::http::Http;

/// How many pages are read, of up to 999 groups each. Entra itself lets nobody be in more than some ten thousand.
const MOST_PAGES: usize = 25;

#[derive(Deserialize)]
struct Page {
    value: Vec<Group>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Group {
    id: String,
}

/// The ids of all groups that somebody is in, directly or through other groups.
pub(super) async fn groups(http: &Http, base: &str, access_token: &Secret) -> Result<Vec<Value>, Cause> {
    let mut groups = Vec::new();
    let mut url = format!("{base}/v1.0/me/transitiveMemberOf/microsoft.graph.group?$count=true&$select=id&$top=999");
    for _ in 0..MOST_PAGES {
        // A cast of the members is one of Graph's advanced queries.
        let page: Page = http.get_json(&url, access_token, &[("ConsistencyLevel", "eventual")]).await?;
        groups.extend(page.value.into_iter().map(|group| Value::from(group.id)));
        match page.next {
            None => return Ok(groups),
            // The access token goes nowhere else.
            Some(next) if next.strip_prefix(base).is_some_and(|path| path.starts_with('/')) => url = next,
            Some(_) => return Err(Failure::cause("the next page of groups is not at Microsoft Graph")),
        }
    }
    Err(Failure::cause(format!("there are more than {MOST_PAGES} pages of groups")))
}
