//! GitHub: OAuth without OpenID Connect. Who somebody is, and in which organisations and teams, its API says.

use kubegate_core::secret::Secret;
use kubegate_core::time::Timestamp;
use openidconnect::PkceCodeChallenge;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use url::Url;

use super::error::{Cause, Failure, IdentityError, OidcError};
use super::granted::Granted;
use super::http::Http;
use crate::config::{Github as Settings, Provider};

/// How many pages are read, of 100 entries each.
const MOST_PAGES: usize = 50;

/// The most that GitHub puts on a page.
const PAGE: usize = 100;

const HEADERS: [(&str, &str); 2] = [("Accept", "application/vnd.github+json"), ("X-GitHub-Api-Version", "2022-11-28")];

/// GitHub, or a GitHub Enterprise.
pub(super) struct Github {
    settings: Settings,
    http: Http,
}

/// What GitHub says of somebody: claims in the names of `OpenID` Connect, and the groups.
pub(super) struct Person {
    pub(super) claims: Map<String, Value>,
    pub(super) groups: Vec<Value>,
}

#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Email {
    email: String,
    primary: bool,
    verified: bool,
}

#[derive(Deserialize)]
struct Organization {
    login: String,
}

#[derive(Deserialize)]
struct Team {
    slug: String,
    organization: Organization,
}

#[derive(Deserialize)]
struct Token {
    access_token: Option<Secret>,
    error: Option<String>,
    error_description: Option<String>,
}

impl Github {
    pub(super) fn new(settings: Settings, provider: &Provider) -> Result<Self, OidcError> {
        let http = Http::new(provider).map_err(|error| OidcError::Unavailable(error.into()))?;
        Ok(Self { settings, http })
    }

    /// Whether an answer of this issuer (RFC 9207) may come from GitHub, which usually names none.
    pub(super) fn is_issuer(&self, issuer: &str) -> bool {
        issuer.strip_prefix(&self.settings.url).is_some_and(|rest| rest.is_empty() || rest == "/login/oauth")
    }

    /// Where people sign in.
    pub(super) fn authorization_url(
        &self,
        provider: &Provider,
        redirect: &str,
        state: &str,
        challenge: &PkceCodeChallenge,
    ) -> Result<Url, OidcError> {
        let parameters = [
            ("client_id", provider.client_id.as_str()),
            ("redirect_uri", redirect),
            ("scope", &provider.scopes.join(" ")),
            ("state", state),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let url = format!("{}/login/oauth/authorize", self.settings.url);
        Url::parse_with_params(&url, parameters).map_err(|error| OidcError::Unavailable(error.into()))
    }

    /// Trades a code for an access token.
    pub(super) async fn trade(&self, form: &[(&str, &str)]) -> Result<Granted, OidcError> {
        let url = format!("{}/login/oauth/access_token", self.settings.url);
        let answer: Token = self.http.post_form(&url, form).await.map_err(OidcError::Exchange)?;
        match answer {
            Token { access_token: Some(access_token), error: None, .. } => {
                Ok(Granted { access_token, id_token: None, auth_time: None::<Timestamp> })
            }
            // GitHub reports errors with the status of success.
            Token { error, error_description, .. } => Err(OidcError::Exchange(Failure::cause(format!(
                "{}: {}",
                error.unwrap_or_default(),
                error_description.unwrap_or_default()
            )))),
        }
    }

    /// Who somebody is: only a member of one of the organisations of the configuration.
    pub(super) async fn person(
        &self,
        provider: &Provider,
        access_token: &Secret,
        with_groups: bool,
    ) -> Result<Person, OidcError> {
        let user: User = self.get("/user", access_token).await.map_err(OidcError::UserInfo)?;
        let subject = user.id.to_string();
        let mut claims = Map::from_iter([
            ("sub".to_owned(), json!(subject)),
            ("login".to_owned(), json!(user.login)),
            ("preferred_username".to_owned(), json!(user.login)),
        ]);
        claims.extend(user.name.map(|name| ("name".to_owned(), json!(name))));
        if provider.scopes.iter().any(|scope| scope == "user:email" || scope == "user") {
            let emails: Vec<Email> = self.pages("/user/emails", access_token).await.map_err(OidcError::UserInfo)?;
            if let Some(email) = emails.into_iter().find(|email| email.primary && email.verified) {
                claims.insert("email".to_owned(), json!(email.email));
                claims.insert("email_verified".to_owned(), json!(true));
            }
        }
        let organizations = self.organizations(access_token).await.map_err(OidcError::Groups)?;
        if organizations.is_empty() {
            return Err(IdentityError::Organization(user.login).into());
        }
        let mut groups: Vec<Value> = organizations.into_iter().map(Value::from).collect();
        if with_groups {
            groups.extend(self.teams(access_token).await.map_err(OidcError::Groups)?);
        }
        Ok(Person { claims, groups })
    }

    async fn organizations(&self, access_token: &Secret) -> Result<Vec<String>, Cause> {
        let all: Vec<Organization> = self.pages("/user/orgs", access_token).await?;
        Ok(all.into_iter().filter_map(|organization| self.ours(organization)).collect())
    }

    async fn teams(&self, access_token: &Secret) -> Result<Vec<Value>, Cause> {
        let all: Vec<Team> = self.pages("/user/teams", access_token).await?;
        let named = |team: Team| Some(Value::from(format!("{}/{}", self.ours(team.organization)?, team.slug)));
        Ok(all.into_iter().filter_map(named).collect())
    }

    /// The name of an organisation that the configuration lists.
    fn ours(&self, organization: Organization) -> Option<String> {
        let listed = self.settings.organizations.contains(&organization.login.to_ascii_lowercase());
        listed.then_some(organization.login)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, access_token: &Secret) -> Result<T, Cause> {
        let url = format!("{}{path}", self.settings.api_url);
        self.http.get_json(&url, access_token, &HEADERS).await
    }

    /// All pages of a list.
    async fn pages<T: DeserializeOwned>(&self, path: &str, access_token: &Secret) -> Result<Vec<T>, Cause> {
        let mut all = Vec::new();
        for page in 1..=MOST_PAGES {
            let path = format!("{path}?per_page={PAGE}&page={page}");
            let items: Vec<T> = self.get(&path, access_token).await?;
            let last = items.len() < PAGE;
            all.extend(items);
            if last {
                return Ok(all);
            }
        }
        Err(Failure::cause(format!("{path} has more than {MOST_PAGES} pages")))
    }
}
