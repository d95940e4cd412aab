//! How providers are asked: no redirects followed, everything with a limit.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use kubegate_core::secret::Secret;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::{RequestBuilder, Response};
use serde::de::DeserializeOwned;

use super::error::{Cause, Failure};
use crate::config::Provider;
use crate::telemetry::chain;

/// How long a provider may take to answer.
const MOST: Duration = Duration::from_secs(10);

/// The longest answer that is read.
const LONGEST: usize = 1 << 20;

/// A provider could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The connection or the request failed.
    #[error("{0}")]
    Request(#[from] reqwest::Error),
    /// The answer is too long.
    #[error("the answer is longer than {LONGEST} bytes")]
    TooLong,
    /// The answer is not a good one.
    #[error("the answer was {0}")]
    Status(reqwest::StatusCode),
    /// The answer cannot be handed on.
    #[error("{0}")]
    Response(#[from] axum::http::Error),
}

/// An answer that is no success.
#[derive(Debug, thiserror::Error)]
#[error("{path} answered {status}")]
pub(super) struct Answered {
    path: String,
    pub(super) status: reqwest::StatusCode,
}

/// A client for one provider.
pub(crate) struct Http(reqwest::Client);

impl Http {
    /// A client that trusts the system's certificate authorities, and the provider's own.
    pub(super) fn new(provider: &Provider) -> Result<Self, HttpError> {
        Self::trusting(provider.certificate_authority.as_deref())
    }

    /// A client that trusts the system's certificate authorities, and these (PEM).
    pub(crate) fn trusting(authorities: Option<&str>) -> Result<Self, HttpError> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(MOST)
            .connect_timeout(MOST / 2)
            .user_agent(concat!("kubegate/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = authorities {
            for certificate in reqwest::Certificate::from_pem_bundle(pem.as_bytes())? {
                builder = builder.add_root_certificate(certificate);
            }
        }
        Ok(Self(builder.build()?))
    }

    /// What is at `url`, when the answer is 200. In whatever form: API servers refuse to give key sets as plain JSON.
    pub(crate) async fn get(&self, url: &str) -> Result<Vec<u8>, HttpError> {
        let mut response = self.0.get(url).send().await?;
        match response.status() {
            reqwest::StatusCode::OK => body(&mut response).await,
            status => Err(HttpError::Status(status)),
        }
    }

    /// What an API answers to a GET with an access token.
    pub(super) async fn get_json<T: DeserializeOwned>(
        &self,
        url: &str,
        access_token: &Secret,
        headers: &[(&str, &str)],
    ) -> Result<T, Cause> {
        let request = self.0.get(url).bearer_auth(access_token.expose());
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        json(request, url).await
    }

    /// What is answered to a form, as JSON.
    pub(super) async fn post_form<T: DeserializeOwned>(&self, url: &str, form: &[(&str, &str)]) -> Result<T, Cause> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self
            .0
            .post(url)
            .header(reqwest::header::ACCEPT, "application/json")
            .header(reqwest::header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        json(request.body(body), url).await
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut response = self.0.execute(request.try_into()?).await?;
        let body = body(&mut response).await?;
        let mut answer = axum::http::Response::builder().status(response.status());
        for (name, value) in response.headers() {
            answer = answer.header(name, value);
        }
        Ok(answer.body(body)?)
    }
}

/// Sends a request whose answer has to be JSON. What is answered otherwise is not told: it may hold a secret.
async fn json<T: DeserializeOwned>(request: RequestBuilder, url: &str) -> Result<T, Cause> {
    let path = url.split('?').next().unwrap_or_default();
    let failed = |error: HttpError| Failure::cause(format!("{path}: {}", chain(&error)));
    let mut response = request.send().await.map_err(|error| failed(error.without_url().into()))?;
    let status = response.status();
    if !status.is_success() {
        return Err(Box::new(Answered { path: path.to_owned(), status }));
    }
    let body = body(&mut response).await.map_err(failed)?;
    serde_json::from_slice(&body)
        .map_err(|error| Failure::cause(format!("{path} answered something else: {:?}", error.classify())))
}

/// The body of an answer, up to the longest that is read.
async fn body(response: &mut Response) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > LONGEST {
            return Err(HttpError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}
