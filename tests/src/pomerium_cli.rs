//! pomerium-cli as its releases behave, message by message: the real one cannot be built on every machine.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::raw;

/// What stands before a token of its.
pub const PREFIX: &str = "Pomerium-";

/// How a release waits for its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// At any path and by any method: Go's `FormValue`.
    Older,
    /// At a path that nobody can guess, by GET, with one parameter and no more.
    Newer,
}

/// One that speaks to a cluster's host.
#[derive(Clone, Debug)]
pub struct PomeriumCli {
    /// The authority that it trusts.
    pub ca: PathBuf,
    /// The host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Which it is.
    pub release: Release,
}

/// A sign-in under way.
#[derive(Debug)]
pub struct Waiting {
    /// What the browser is to open.
    pub url: String,
    token: JoinHandle<Result<String>>,
}

impl PomeriumCli {
    /// Whether a token that is kept is still good: 2xx. Redirects are followed, so none may come.
    pub fn check(&self, token: &str) -> Result<u16> {
        let path = if self.release == Release::Newer { "/healthz" } else { "/livez" };
        Ok(self.get(path, Some(token))?.status)
    }

    /// What is listed.
    pub fn routes(&self, token: &str) -> Result<Vec<Value>> {
        let answer = self.get("/.pomerium/api/v1/routes", Some(token))?;
        if answer.status / 100 != 2 {
            bail!("unexpected status code: {answer:?}");
        }
        let body: Value = serde_json::from_str(&answer.body)?;
        Ok(body.get("routes").and_then(Value::as_array).cloned().unwrap_or_default())
    }

    /// Listens, and asks where to sign in.
    pub fn login(&self) -> Result<Waiting> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let path = match self.release {
            Release::Older => String::new(),
            Release::Newer => {
                let mut nonce = [0; 32];
                getrandom::fill(&mut nonce)?;
                format!("/callback/{}", URL_SAFE_NO_PAD.encode(nonce))
            }
        };
        let redirect = format!("http://{address}{path}");
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("pomerium_redirect_uri", &redirect)
            .finish();
        let answer = self.get(&format!("/.pomerium/api/v1/login?{query}"), None)?;
        if answer.status / 100 != 2 {
            bail!("failed to get login url: {answer:?}");
        }
        let release = self.release;
        let token = thread::spawn(move || wait(&listener, release, &address, &path));
        Ok(Waiting { url: answer.body, token })
    }

    fn get(&self, path: &str, token: Option<&str>) -> Result<raw::Answer> {
        let authorization = token.map(|token| format!("Authorization: Bearer {PREFIX}{token}"));
        let mut headers: Vec<&[u8]> = vec![b"User-Agent: Go-http-client/1.1"];
        if let Some(authorization) = &authorization {
            headers.extend([authorization.as_bytes(), b"Accept: application/json"]);
        }
        raw::get(&self.ca, &self.host, self.port, path, &headers)
    }
}

impl Waiting {
    /// The token, once the browser has brought it.
    pub fn token(self) -> Result<String> {
        self.token.join().map_err(|_| anyhow::anyhow!("the listener panicked"))?
    }
}

/// What it prints for kubectl.
pub fn exec_credential(token: &str) -> Result<Value> {
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        bail!("not a compact JWS");
    };
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?;
    // An int64: anything else is an error there.
    let exp = claims.get("exp").and_then(Value::as_i64).context("exp is no integer")?;
    Ok(json!({
        "kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1",
        "status": {"expirationTimestamp": exp, "token": format!("{PREFIX}{token}")},
    }))
}

/// Answers browsers until one brings a token.
fn wait(listener: &TcpListener, release: Release, address: &str, path: &str) -> Result<String> {
    loop {
        let (stream, _) = listener.accept()?;
        if let Some(token) = serve(stream, release, address, path)? {
            return Ok(token);
        }
    }
}

fn serve(mut stream: TcpStream, release: Release, address: &str, wanted: &str) -> Result<Option<String>> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let header = |name: &str| headers.get(name).map(String::as_str).unwrap_or_default();
    let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let pairs = |text: &[u8]| url::form_urlencoded::parse(text).into_owned().collect::<Vec<_>>();
    let query = pairs(query.as_bytes());
    let (status, token) = match release {
        Release::Older => {
            let form =
                if header("content-type") == "application/x-www-form-urlencoded" { pairs(&body) } else { vec![] };
            let mut values = form.into_iter().chain(query).filter(|(name, _)| name == "pomerium_jwt");
            values.next().map_or((404, None), |(_, token)| (200, Some(token)))
        }
        Release::Newer if header("host") != address || path != wanted => (404, None),
        Release::Newer if method != "GET" => (405, None),
        Release::Newer => match query.as_slice() {
            [(name, token)] if name == "pomerium_jwt" && !token.is_empty() => (200, Some(token.clone())),
            _ => (404, None),
        },
    };
    let text = if status == 200 { "login complete, you may close this page" } else { "not found" };
    write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    )?;
    Ok(token)
}
