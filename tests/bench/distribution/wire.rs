//! An HTTP/1.1 client with one connection of its own, which counts what it receives.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use anyhow::Result;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A client.
pub(super) struct Client {
    server: SocketAddr,
    open: Option<SendRequest<Empty<Bytes>>>,
    received: Rc<Cell<u64>>,
}

/// An answer.
pub(super) struct Answer {
    /// The status.
    pub(super) status: u16,
    /// The entity tag, as it came.
    pub(super) etag: Option<String>,
    /// The body.
    pub(super) body: Bytes,
}

impl Client {
    /// A client of `server` that has no connection yet.
    pub(super) fn new(server: SocketAddr) -> Self {
        Self { server, open: None, received: Rc::default() }
    }

    /// How many bytes it has received, heads of answers included.
    pub(super) fn received(&self) -> u64 {
        self.received.get()
    }

    /// Asks for `path`. The connection stays open for the next request.
    pub(super) async fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        let mut sender = match self.open.take().filter(|open| !open.is_closed()) {
            Some(open) => open,
            None => self.connect().await?,
        };
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        sender.ready().await?;
        let answer = sender.send_request(request.body(Empty::new())?).await?;
        let status = answer.status().as_u16();
        let etag = answer.headers().get("etag").and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        let body = answer.into_body().collect().await?.to_bytes();
        self.open = Some(sender);
        Ok(Answer { status, etag, body })
    }

    async fn connect(&self) -> Result<SendRequest<Empty<Bytes>>> {
        let stream = TcpStream::connect(self.server).await?;
        stream.set_nodelay(true)?;
        let counted = Counted { stream, received: Rc::clone(&self.received) };
        let (sender, connection) = http1::handshake(TokioIo::new(counted)).await?;
        tokio::task::spawn_local(connection);
        Ok(sender)
    }
}

/// A stream that counts what is read from it.
struct Counted {
    stream: TcpStream,
    received: Rc<Cell<u64>>,
}

impl AsyncRead for Counted {
    fn poll_read(self: Pin<&mut Self>, task: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(task, buffer);
        let count = u64::try_from(buffer.filled().len() - before).unwrap_or_default();
        this.received.set(this.received.get() + count);
        read
    }
}

impl AsyncWrite for Counted {
    fn poll_write(self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(task, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(task)
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(task)
    }
}
