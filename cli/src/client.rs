//! HTTP towards the control plane: bounded, without redirects, with errors that name the remedy.

use std::io;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::request::Builder;
use ureq::http::{HeaderMap, Method, Request, Response};
use ureq::{Agent, Body};

use crate::secret::Secret;
use crate::server::ServerUrl;
use crate::tls::{TlsError, Trust};

/// No answer of the control plane is longer.
const MAX_BODY: u64 = 1 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(20);

/// No bundle is longer.
const LARGE_BODY: u64 = 128 << 20;
/// How long a bundle may take.
const LARGE_TIMEOUT: Duration = Duration::from_secs(300);

/// What every request says about who asks.
pub(crate) fn user_agent() -> String {
    format!("kubegate/{} ({})", env!("CARGO_PKG_VERSION"), std::env::consts::OS)
}

/// A connection to one control plane.
#[derive(Debug)]
pub(crate) struct Client {
    agent: Agent,
    server: ServerUrl,
}

/// Why the control plane gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// No connection, or it broke off.
    #[error("cannot reach the control plane {server}. Check the network, proxy and VPN, then try again")]
    Unreachable {
        /// The control plane.
        server: ServerUrl,
        /// Why.
        #[source]
        source: Box<ureq::Error>,
    },
    /// The certificate of the other side is not trusted.
    #[error(
        "the certificate of the control plane {server} is not trusted. If it is a private certificate authority's, \
         give that one with --certificate-authority FILE"
    )]
    Untrusted {
        /// The control plane.
        server: ServerUrl,
        /// Why.
        #[source]
        source: Box<ureq::Error>,
    },
    /// It answers, but is not able to serve now.
    #[error("the control plane {server} cannot serve right now (HTTP {status}{detail}). Try again in a moment")]
    Unavailable {
        /// The control plane.
        server: ServerUrl,
        /// The HTTP status.
        status: u16,
        /// Its own words, with a leading separator; empty without any.
        detail: String,
    },
    /// An answer that no control plane gives.
    #[error(
        "{server} answered {what} with HTTP {status}{detail}. Check that --server is the control plane's public URL"
    )]
    Unexpected {
        /// The control plane.
        server: ServerUrl,
        /// What was asked for.
        what: &'static str,
        /// The HTTP status.
        status: u16,
        /// Its own words, with a leading separator; empty without any.
        detail: String,
    },
    /// It understood, and says no.
    #[error("the control plane {server} refuses{detail}")]
    Refused {
        /// The control plane.
        server: ServerUrl,
        /// Its own words, with a leading separator.
        detail: String,
    },
    /// A body that cannot be read as what it should be.
    #[error("{server} answered {what} with something else. Check that --server is the control plane's public URL")]
    Unreadable {
        /// The control plane.
        server: ServerUrl,
        /// What was asked for.
        what: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Nobody to trust.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// An answer whose body has been read.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body, at most [`MAX_BODY`] bytes, or [`LARGE_BODY`].
    pub(crate) body: Vec<u8>,
}

impl ClientError {
    /// Whether a connection was there and broke off, so that asking once more may help.
    pub(crate) fn broke_off(&self) -> bool {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        let Self::Unreachable { source, .. } = self else { return false };
        match source.as_ref() {
            ureq::Error::Io(error) => {
                matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
            }
            ureq::Error::Protocol(_) => true,
            _ => false,
        }
    }
}

impl Client {
    /// Prepares for talking to `server`; nothing is sent yet.
    pub(crate) fn new(server: &ServerUrl, trust: &Trust) -> Result<Self, ClientError> {
        let mut config = Agent::config_builder()
            .user_agent(user_agent())
            .accept("application/json")
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(TOTAL_TIMEOUT));
        if server.as_str().starts_with("https:") {
            config = config.tls_config(trust.config()?);
        }
        if server.is_loopback() {
            config = config.proxy(None);
        }
        Ok(Self { agent: config.build().into(), server: server.clone() })
    }

    /// The control plane at the other end.
    pub(crate) fn server(&self) -> &ServerUrl {
        &self.server
    }

    /// Gets `url`, which holds JSON, with a token if there is one. `what` names it in errors.
    pub(crate) fn get_json<T: DeserializeOwned>(
        &self,
        url: &str,
        token: Option<&Secret>,
        what: &'static str,
    ) -> Result<T, ClientError> {
        let mut request = self.agent.get(url);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {}", token.expose()));
        }
        let answer = self.read(request.call(), MAX_BODY)?;
        if answer.status != 200 {
            return Err(self.refusal(&answer, what));
        }
        self.parse(&answer, what)
    }

    /// Posts a form and hands the answer back whatever its status.
    pub(crate) fn post_form(&self, url: &str, form: &[(&str, &str)]) -> Result<Answer, ClientError> {
        self.read(self.agent.post(url).send_form(form.iter().copied()), MAX_BODY)
    }

    /// Calls the control plane's API at `path`, and reads the JSON that it answers. `what` names it in errors.
    pub(crate) fn call<T: DeserializeOwned>(
        &self,
        (method, path): (Method, &str),
        token: &Secret,
        body: Option<&Value>,
        what: &'static str,
    ) -> Result<T, ClientError> {
        let request = self.request(method, path, token);
        let sent = match body.map(Value::to_string) {
            Some(body) => {
                let request = request.header("content-type", "application/json").body(body);
                request.map(|request| self.agent.run(request))
            }
            None => request.body(()).map(|request| self.agent.run(request)),
        };
        let answer = self.read(sent.map_err(ureq::Error::from).flatten(), MAX_BODY)?;
        self.accept(&answer, what)?;
        self.parse(&answer, what)
    }

    /// Gets what is at `path` of the control plane's API, however large it may be.
    pub(crate) fn download(&self, path: &str, token: &Secret, what: &'static str) -> Result<Answer, ClientError> {
        let request = self.request(Method::GET, path, token).body(());
        let sent = request.map_err(ureq::Error::from).and_then(|request| {
            self.agent.run(self.agent.configure_request(request).timeout_global(Some(LARGE_TIMEOUT)).build())
        });
        let answer = self.read(sent, LARGE_BODY)?;
        self.accept(&answer, what)?;
        Ok(answer)
    }

    fn request(&self, method: Method, path: &str, token: &Secret) -> Builder {
        let bearer = format!("Bearer {}", token.expose());
        Request::builder().method(method).uri(self.server.join(path)).header("authorization", bearer)
    }

    /// What the API says when it does not do what it was asked for.
    fn accept(&self, answer: &Answer, what: &'static str) -> Result<(), ClientError> {
        match (answer.status, detail(&answer.body)) {
            (200 | 201, _) => Ok(()),
            (400 | 403 | 404 | 409, detail) if !detail.is_empty() => {
                Err(ClientError::Refused { server: self.server.clone(), detail })
            }
            _ => Err(self.refusal(answer, what)),
        }
    }

    /// Reads the body of `answer` as JSON.
    pub(crate) fn parse<T: DeserializeOwned>(&self, answer: &Answer, what: &'static str) -> Result<T, ClientError> {
        serde_json::from_slice(&answer.body).map_err(|source| ClientError::Unreadable {
            server: self.server.clone(),
            what,
            source,
        })
    }

    /// The error that an answer with an unwanted status is.
    pub(crate) fn refusal(&self, answer: &Answer, what: &'static str) -> ClientError {
        let (server, status) = (self.server.clone(), answer.status);
        let detail = detail(&answer.body);
        match status {
            429 | 500..=599 => ClientError::Unavailable { server, status, detail },
            _ => ClientError::Unexpected { server, what, status, detail },
        }
    }

    fn read(&self, sent: Result<Response<Body>, ureq::Error>, limit: u64) -> Result<Answer, ClientError> {
        let (head, mut body) = sent.map_err(|source| self.broken(source))?.into_parts();
        let body = body.with_config().limit(limit).read_to_vec().map_err(|source| self.broken(source))?;
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }

    fn broken(&self, source: ureq::Error) -> ClientError {
        let (server, untrusted) = (self.server.clone(), is_certificate_error(&source));
        let source = Box::new(source);
        if untrusted { ClientError::Untrusted { server, source } } else { ClientError::Unreachable { server, source } }
    }
}

fn is_certificate_error(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Rustls(rustls::Error::InvalidCertificate(_)) => true,
        ureq::Error::Io(error) => wraps_certificate_error(error),
        _ => false,
    }
}

fn wraps_certificate_error(error: &io::Error) -> bool {
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        .is_some_and(|inner| matches!(inner, rustls::Error::InvalidCertificate(_)))
}

/// The other side's own words, from the forms that errors come in: OAuth, problem details, `Status`.
fn detail(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Words {
        error_description: Option<String>,
        detail: Option<String>,
        message: Option<String>,
        error: Option<String>,
    }
    serde_json::from_slice::<Words>(body)
        .ok()
        .and_then(|words| words.error_description.or(words.detail).or(words.message).or(words.error))
        .map(|words| format!(": {}", crate::output::printable(words.trim_end_matches('.'))))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_words_from_every_form() {
        for (body, expected) in [
            (r#"{"error":"invalid_request","error_description":"no code."}"#, ": no code"),
            (r#"{"kind":"Status","message":"session ended"}"#, ": session ended"),
            (r#"{"title":"Bad","detail":"why"}"#, ": why"),
            ("<html>", ""),
        ] {
            assert_eq!(detail(body.as_bytes()), expected);
        }
    }
}
