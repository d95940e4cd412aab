//! A browser without a window: keeps cookies, follows redirects, fills in forms.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use ureq::Agent;
use ureq::http::{Method, Request, header};
use url::Url;

use crate::html::{self, Form};
use crate::http;

const MAX_HOPS: usize = 20;
const MAX_PAGE_BYTES: u64 = 1 << 20;

/// What a person types on a sign-in page.
#[derive(Debug, Clone)]
pub struct Login {
    /// The account's name.
    pub user: String,
    /// Its password.
    pub password: String,
    /// The provider's id to choose, or the built-in accounts.
    pub provider: Option<String>,
}

/// A page as it was shown.
#[derive(Debug, Clone)]
pub struct Page {
    /// Where the browser ended up.
    pub url: Url,
    /// The last answer's status.
    pub status: u16,
    /// Its body.
    pub body: String,
}

impl Page {
    /// What a person reads on it.
    #[must_use]
    pub fn text(&self) -> String {
        html::text(&self.body)
    }

    /// Its form that goes to a URL beginning so (path, or absolute).
    #[must_use]
    pub fn form(&self, action: &str) -> Option<Form> {
        html::forms(&self.body).into_iter().find(|form| form.action.starts_with(action))
    }
}

/// One person's browser.
#[derive(Debug)]
pub struct Browser {
    agent: Agent,
}

impl Browser {
    /// A fresh one that trusts the authority in `ca`.
    pub fn new(ca: &Path) -> Result<Self> {
        Ok(Self { agent: http::client(ca)? })
    }

    /// Opens a URL and follows where it leads.
    pub fn open(&self, url: &str) -> Result<Page> {
        self.request(Method::GET, Url::parse(url).with_context(|| url.to_owned())?, None)
    }

    /// Sends a form of `page` with the given fields filled in.
    pub fn submit(&self, page: &Page, form: &Form, filled: &[(&str, &str)]) -> Result<Page> {
        let mut fields: BTreeMap<&str, &str> = form.fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        fields.extend(filled.iter().copied());
        let target = if form.action.is_empty() { page.url.clone() } else { page.url.join(&form.action)? };
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.request(Method::POST, target, Some((body, page.url.origin().ascii_serialization())))
    }

    /// Opens `url` and signs in like a person until a page comes that asks nothing more.
    pub fn sign_in(&self, url: &str, login: &Login) -> Result<Page> {
        let mut page = self.open(url)?;
        for _ in 0..MAX_HOPS {
            let next = match next_step(&page, login) {
                Step::Follow(link) => self.open(page.url.join(&link)?.as_str())?,
                Step::Submit(form, filled) => {
                    let filled: Vec<(&str, &str)> = filled.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
                    self.submit(&page, &form, &filled)?
                }
                Step::Done => return Ok(page),
            };
            if next.status >= 400 {
                bail!("sign-in as {} failed with {} at {}: {}", login.user, next.status, next.url, next.text());
            }
            page = next;
        }
        bail!("sign-in as {} never ended; the last page is {}: {}", login.user, page.url, page.text())
    }

    fn request(&self, method: Method, url: Url, form: Option<(String, String)>) -> Result<Page> {
        let (mut method, mut url, mut form) = (method, url, form);
        for _ in 0..MAX_HOPS {
            let mut request = Request::builder().method(&method).uri(url.as_str()).header(header::ACCEPT, "text/html");
            let body = form.take();
            if let Some((_, origin)) = &body {
                request = request
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .header(header::ORIGIN, origin);
            }
            let request = request.body(body.map(|(body, _)| body).unwrap_or_default())?;
            let mut response = self.agent.run(request).with_context(|| format!("{method} {url}"))?;
            let status = response.status();
            let location =
                response.headers().get(header::LOCATION).map(|to| to.to_str().map(str::to_owned)).transpose()?;
            match location {
                Some(location) if status.is_redirection() => {
                    url = url.join(&location).with_context(|| location.clone())?;
                    method = Method::GET;
                }
                _ => {
                    let body = response.body_mut().with_config().limit(MAX_PAGE_BYTES).read_to_string()?;
                    return Ok(Page { url, status: status.as_u16(), body });
                }
            }
        }
        bail!("too many redirects, the last to {url}")
    }
}

/// What a person who wants to sign in does with a page.
enum Step {
    Follow(String),
    Submit(Form, Vec<(String, String)>),
    Done,
}

fn next_step(page: &Page, login: &Login) -> Step {
    let forms = html::forms(&page.body);
    let press = |form: &Form| form.buttons.iter().find(|(_, value)| value == "allow").cloned();
    if let Some((form, button)) = forms.iter().find_map(|form| press(form).map(|button| (form, button))) {
        return Step::Submit(form.clone(), vec![button]);
    }
    if let Some(provider) = &login.provider {
        let (with_query, plain) = (format!("/login/{provider}?"), format!("/login/{provider}"));
        let chosen = |link: &String| link.starts_with(&with_query) || *link == plain;
        if let Some(link) = html::links(&page.body).into_iter().find(chosen) {
            return Step::Follow(link);
        }
    }
    match forms.into_iter().find(|form| form.fields.contains_key("password")) {
        Some(form) => {
            let typed = [("username", &login.user), ("password", &login.password)];
            Step::Submit(form, typed.map(|(name, value)| (name.to_owned(), value.clone())).to_vec())
        }
        None => Step::Done,
    }
}
