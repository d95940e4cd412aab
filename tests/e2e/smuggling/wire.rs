//! Connections that carry whatever bytes they are given.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kubegate_tests::raw;
use kubegate_tests::world::CLUSTER_HOST;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::frames::{self, DATA, END_STREAM, GOAWAY, HEADERS, RST_STREAM};

/// Which HTTP is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Where people come in.
pub(super) struct Door {
    ca: PathBuf,
    port: u16,
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
}

/// One connection.
pub(super) struct Wire {
    stream: StreamOwned<ClientConnection, TcpStream>,
    /// What was read and not yet looked at.
    pub(super) read: Vec<u8>,
}

impl Door {
    pub(super) fn new(ca: &Path, port: u16) -> Self {
        let config = |protocol: &[u8]| Arc::new(raw::config(ca, &[protocol]).unwrap());
        Self { ca: ca.to_owned(), port, http1: config(b"http/1.1"), http2: config(b"h2") }
    }

    pub(super) fn ca(&self) -> &Path {
        &self.ca
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// A new connection on which both sides have agreed upon the protocol.
    pub(super) fn open(&self, protocol: Protocol) -> Wire {
        let config = match protocol {
            Protocol::Http1 => &self.http1,
            Protocol::Http2 => &self.http2,
        };
        Wire { stream: raw::open(config, CLUSTER_HOST, self.port).unwrap(), read: Vec::new() }
    }

    /// Sends a request on a connection of its own; its answer, and what came with it.
    pub(super) fn send(&self, protocol: Protocol, bytes: &[u8]) -> Vec<u8> {
        let mut wire = self.open(protocol);
        wire.write(bytes);
        wire.read_until(PATIENCE, |bytes| is_answered(protocol, bytes, 1));
        wire.read
    }

    /// Sends all of these, many at a time and each on a connection of its own, for what may never be answered.
    pub(super) fn send_all(&self, protocol: Protocol, requests: &[Vec<u8>]) {
        std::thread::scope(|scope| {
            for some in requests.chunks(requests.len().div_ceil(AT_ONCE).max(1)) {
                scope.spawn(move || some.iter().for_each(|bytes| drop(self.open(protocol).exchange_briefly(bytes))));
            }
        });
    }
}

const AT_ONCE: usize = 16;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long nothing comes before nothing more is expected.
const QUIET: Duration = Duration::from_millis(100);

impl Wire {
    /// Whether all of it went out.
    pub(super) fn write(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).and_then(|()| self.stream.flush()).is_ok()
    }

    /// Reads what comes within a time; false at the end of the connection, or when the time is over.
    pub(super) fn read_some(&mut self, limit: Duration) -> bool {
        let _ = self.stream.sock.set_read_timeout(Some(limit.max(Duration::from_millis(1))));
        let mut chunk = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return false,
                Ok(count) => {
                    self.read.extend_from_slice(&chunk[..count]);
                    return true;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    /// Reads until `is_enough`, or for a time.
    pub(super) fn read_until(&mut self, limit: Duration, is_enough: impl Fn(&[u8]) -> bool) -> bool {
        let end = Instant::now() + limit;
        while !is_enough(&self.read) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.read_some(left) {
                return false;
            }
        }
        true
    }

    /// Sends bytes and reads what comes while the other side says anything: for what may never be answered.
    pub(super) fn exchange_briefly(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.write(bytes);
        while self.read_some(QUIET) {}
        std::mem::take(&mut self.read)
    }
}

/// The status codes of the answers in what came over HTTP/1.1.
pub(super) fn statuses(bytes: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(bytes);
    let starts = text.match_indices("HTTP/1.1 ").filter_map(|(at, start)| text.get(at + start.len()..)?.get(..3));
    starts.filter_map(|code| code.parse().ok()).collect()
}

/// Whether the answer on a stream of HTTP/2, or the first of HTTP/1.1, is there to its end; or none will come.
pub(super) fn is_answered(protocol: Protocol, bytes: &[u8], stream: u32) -> bool {
    match protocol {
        Protocol::Http1 => answer_length(bytes).is_some(),
        Protocol::Http2 => frames::all(bytes).any(|frame| {
            let is_last = matches!(frame.kind, DATA | HEADERS) && frame.flags & END_STREAM != 0;
            frame.kind == GOAWAY || frame.stream == stream && (is_last || frame.kind == RST_STREAM)
        }),
    }
}

/// How long the first answer is, when all of it is there.
pub(super) fn answer_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let status = statuses(&bytes[..head]).first().copied()?;
    let body = &bytes[head..];
    if status < 200 {
        return answer_length(body).map(|more| head + more);
    }
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    match length {
        Some(length) => (body.len() >= length).then_some(head + length),
        None if text.contains("transfer-encoding: chunked") => {
            body.windows(5).position(|end| end == b"0\r\n\r\n").map(|at| head + at + 5)
        }
        None => Some(head),
    }
}
