//! HTTP/1.1 written by hand over TLS, for requests that no client library would send.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

const LIMIT: Duration = Duration::from_secs(20);

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header lines, as they came.
    pub headers: Vec<String>,
    /// The body, as it came (chunks and all).
    pub body: String,
}

impl Answer {
    /// A header's value, by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }
}

/// Sends `GET path` with the given header lines (bytes as they are) to `host:port` and reads the answer to its end.
pub fn get(ca: &Path, host: &str, port: u16, path: &str, headers: &[&[u8]]) -> Result<Answer> {
    let mut request = format!("GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n").into_bytes();
    for header in headers {
        request.extend_from_slice(header);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    send(ca, host, port, &request)
}

/// Sends bytes and reads one answer; Envoy lingers for a second before it closes, which is not waited for.
pub fn send(ca: &Path, host: &str, port: u16, request: &[u8]) -> Result<Answer> {
    exchange(ca, host, port, request, is_complete)
}

/// Sends bytes and reads an answer's head, with what came of its body by then; then hangs up.
pub fn head(ca: &Path, host: &str, port: u16, request: &[u8]) -> Result<Answer> {
    exchange(ca, host, port, request, |text| text.contains("\r\n\r\n"))
}

fn exchange(ca: &Path, host: &str, port: u16, request: &[u8], is_enough: fn(&str) -> bool) -> Result<Answer> {
    let mut connection = connect(ca, host, port)?;
    connection.write_all(request)?;
    read(&mut connection, is_enough)
}

/// Sends bytes over a connection that stays open, and reads one answer.
pub fn ask(connection: &mut Connection, request: &[u8]) -> Result<Answer> {
    connection.write_all(request)?;
    read(connection, is_complete)
}

/// Reads an answer's head, with what came of its body by then.
pub fn read_head(connection: &mut Connection) -> Result<Answer> {
    read(connection, |text| text.contains("\r\n\r\n"))
}

fn read(connection: &mut Connection, is_enough: fn(&str) -> bool) -> Result<Answer> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 16 * 1024];
    while !is_enough(&String::from_utf8_lossy(&bytes)) {
        // An end without a TLS goodbye is how a reset looks: what came before it counts.
        match connection.read(&mut chunk) {
            Ok(count @ 1..) => bytes.extend_from_slice(&chunk[..count]),
            _ => break,
        }
    }
    parse(&String::from_utf8_lossy(&bytes))
}

fn is_complete(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    match length {
        Some(length) => body.len() >= length,
        None => head.contains("transfer-encoding: chunked") && body.ends_with("0\r\n\r\n"),
    }
}

/// A TLS connection that speaks HTTP/1.1.
pub type Connection = StreamOwned<ClientConnection, TcpStream>;

/// A TLS connection that speaks HTTP/1.1.
pub fn connect(ca: &Path, host: &str, port: u16) -> Result<Connection> {
    Client::new(ca, host, port)?.connect()
}

/// Who opens many of them to one place.
#[derive(Debug, Clone)]
pub struct Client {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    port: u16,
}

impl Client {
    /// A client of `host:port` that trusts the authority in the PEM file `ca` alone.
    pub fn new(ca: &Path, host: &str, port: u16) -> Result<Self> {
        Self::with(&Arc::new(config(ca, &[])?), host, port)
    }

    /// One that speaks TLS in a way of its own.
    fn with(config: &Arc<ClientConfig>, host: &str, port: u16) -> Result<Self> {
        Ok(Self { config: Arc::clone(config), name: ServerName::try_from(host.to_owned())?, port })
    }

    /// The bare connection, on which nothing has been said yet.
    pub fn dial(&self) -> Result<TcpStream> {
        let socket = TcpStream::connect(("127.0.0.1", self.port))?;
        socket.set_read_timeout(Some(LIMIT))?;
        socket.set_nodelay(true)?;
        Ok(socket)
    }

    /// A connection whose handshake goes on when something is first said on it.
    pub fn connect(&self) -> Result<Connection> {
        Ok(StreamOwned::new(ClientConnection::new(Arc::clone(&self.config), self.name.clone())?, self.dial()?))
    }
}

/// How a client of Envoy speaks TLS; `protocols` are what it offers by ALPN.
pub fn config(ca: &Path, protocols: &[&[u8]]) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca)? {
        roots.add(certificate?)?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
}

/// A TLS connection to `port` of this machine.
pub fn open(config: &Arc<ClientConfig>, host: &str, port: u16) -> Result<Connection> {
    Client::with(config, host, port)?.connect()
}

fn parse(text: &str) -> Result<Answer> {
    let (head, body) = text.split_once("\r\n\r\n").with_context(|| format!("no HTTP answer, but {text:?}"))?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    Ok(Answer {
        status: status.with_context(|| format!("no status line in {head:?}"))?,
        headers: lines.map(str::to_owned).collect(),
        body: body.to_owned(),
    })
}
