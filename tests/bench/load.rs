//! HTTP/1.1 requests over connections that stay open, one by one or in bursts.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

const LIMIT: Duration = Duration::from_secs(20);

/// The bytes of a `GET`.
pub(crate) fn get(host: &str, path: &str, headers: &[(&str, String)]) -> Vec<u8> {
    let mut request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n");
    for (name, value) in headers {
        request.extend([name, ": ", value.as_str(), "\r\n"]);
    }
    request.push_str("\r\n");
    request.into_bytes()
}

/// One connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// To `port` of this machine.
    pub(crate) fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LIMIT))?;
        Ok(Self { stream, buffer: vec![0; 16 * 1024] })
    }

    /// Sends a request.
    pub(crate) fn send(&mut self, request: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(request)?)
    }

    /// Reads the answer to its end, and returns its status.
    pub(crate) fn status(&mut self) -> Result<u16> {
        let mut filled = 0;
        loop {
            let free =
                self.buffer.get_mut(filled..).filter(|free| !free.is_empty()).context("an answer is too long")?;
            let count = self.stream.read(free)?;
            if count == 0 {
                bail!("the connection ended within an answer");
            }
            filled += count;
            let answer = self.buffer.get(..filled).unwrap_or_default();
            if length(answer).is_some_and(|length| filled >= length) {
                let status = str::from_utf8(answer)?.split(' ').nth(1).and_then(|status| status.parse().ok());
                return status.context("an answer without a status");
            }
        }
    }
}

/// How long the answer that begins with `bytes` is, once its head is complete.
fn length(bytes: &[u8]) -> Option<usize> {
    let text = str::from_utf8(bytes).ok()?;
    let (head, _) = text.split_once("\r\n\r\n")?;
    let body = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    Some(head.len() + 4 + body.unwrap_or(0))
}

/// Connections that all send the same request over and over.
pub(crate) struct Load {
    connections: Vec<Connection>,
    request: Vec<u8>,
}

impl Load {
    /// `connections` connections to `port` of this machine.
    pub(crate) fn connect(port: u16, connections: usize, request: Vec<u8>) -> Result<Self> {
        let connections = (0..connections).map(|_| Connection::open(port)).collect::<Result<_>>()?;
        Ok(Self { connections, request })
    }

    /// Sends `bursts` times one request over each connection at once, and waits for all answers; fails when one is not 200.
    /// Returns how many requests that were.
    pub(crate) fn run(&mut self, bursts: usize) -> Result<usize> {
        for _ in 0..bursts {
            for connection in &mut self.connections {
                connection.send(&self.request)?;
            }
            for connection in &mut self.connections {
                let status = connection.status()?;
                ensure!(status == 200, "a request was answered {status}");
            }
        }
        Ok(bursts * self.connections.len())
    }
}
