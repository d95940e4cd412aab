//! A load generator: the same HTTP/1.1 request over and over, in bursts over connections that stay open.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

const LIMIT: Duration = Duration::from_secs(20);

/// Open connections.
pub(crate) struct Load {
    connections: Vec<TcpStream>,
    request: Vec<u8>,
    buffer: Vec<u8>,
}

impl Load {
    /// `connections` connections to `port` of this machine, on which `GET path` of `host` is asked for.
    pub(crate) fn connect(
        port: u16,
        connections: usize,
        host: &str,
        path: &str,
        headers: &[(&str, String)],
    ) -> Result<Self> {
        let connections = (0..connections).map(|_| {
            let connection = TcpStream::connect(("127.0.0.1", port))?;
            connection.set_nodelay(true)?;
            connection.set_read_timeout(Some(LIMIT))?;
            Ok(connection)
        });
        let mut request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n");
        for (name, value) in headers {
            request.extend([name, ": ", value.as_str(), "\r\n"]);
        }
        request.push_str("\r\n");
        Ok(Self {
            connections: connections.collect::<Result<_>>()?,
            request: request.into_bytes(),
            buffer: vec![0; 16 * 1024],
        })
    }

    /// Sends `bursts` times one request over each connection at once, and waits for all answers; fails when one is not 200.
    /// Returns how many requests that were.
    pub(crate) fn run(&mut self, bursts: usize) -> Result<usize> {
        for _ in 0..bursts {
            for connection in &mut self.connections {
                connection.write_all(&self.request)?;
            }
            for connection in &mut self.connections {
                let answer = read_answer(connection, &mut self.buffer)?;
                ensure!(answer.starts_with("HTTP/1.1 200 "), "not the answer that was expected: {answer}");
            }
        }
        Ok(bursts * self.connections.len())
    }
}

/// Reads one answer to its end.
fn read_answer<'a>(connection: &mut TcpStream, buffer: &'a mut [u8]) -> Result<&'a str> {
    let mut filled = 0;
    loop {
        let free = buffer.get_mut(filled..).filter(|free| !free.is_empty()).context("an answer is too long")?;
        let count = connection.read(free)?;
        if count == 0 {
            bail!("the connection ended within an answer");
        }
        filled += count;
        if length(buffer.get(..filled).unwrap_or_default()).is_some_and(|length| filled >= length) {
            break;
        }
    }
    Ok(str::from_utf8(buffer.get(..filled).unwrap_or_default())?)
}

/// How long the answer that begins with `bytes` is, once its head is complete.
fn length(bytes: &[u8]) -> Option<usize> {
    let text = str::from_utf8(bytes).ok()?;
    let (head, _) = text.split_once("\r\n\r\n")?;
    let body = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    Some(head.len() + 4 + body.unwrap_or(0))
}
