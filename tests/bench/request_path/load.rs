//! Requests over TLS connections that stay open, in HTTP/1.1 or HTTP/2, one at a time or 32.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kubegate_tests::raw;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::company::HOST;

/// How many requests are on their way at a time, at most.
pub(super) const LANES: usize = 32;

/// How many HTTP/2 connections share them.
pub(super) const HTTP2_CONNECTIONS: usize = 4;

const LIMIT: Duration = Duration::from_secs(20);

/// A request.
pub(super) type Get = Request<Empty<Bytes>>;

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Protocol {
    /// HTTP/1.1, a connection for each lane
    Http1,
    /// HTTP/2, a stream for each lane
    Http2,
}

impl Protocol {
    fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }

    /// A request for `path` with these headers.
    pub(super) fn get(self, path: &str, headers: &[(&str, String)]) -> Result<Get> {
        let request = match self {
            Self::Http1 => Request::get(path).header("host", HOST),
            Self::Http2 => Request::get(format!("https://{HOST}{path}")),
        };
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        Ok(request.body(Empty::new())?)
    }
}

/// Where requests go one after the other.
enum Lane {
    Http1(http1::SendRequest<Empty<Bytes>>),
    Http2(http2::SendRequest<Empty<Bytes>>),
}

impl Lane {
    async fn send(&mut self, request: Get) -> Result<Response<Incoming>> {
        Ok(match self {
            Self::Http1(connection) => {
                connection.ready().await?;
                connection.send_request(request).await?
            }
            Self::Http2(connection) => connection.send_request(request).await?,
        })
    }

    /// Sends `requests` and reads their answers; how long each took, in microseconds.
    async fn run(mut self, requests: Vec<Get>, status: u16) -> Result<(Self, Vec<f64>)> {
        let mut latencies = Vec::with_capacity(requests.len());
        for request in requests {
            let began = Instant::now();
            let answer = self.send(request).await?;
            ensure!(answer.status() == status, "a request was answered {}", answer.status());
            answer.into_body().collect().await?;
            latencies.push(began.elapsed().as_secs_f64() * 1e6);
        }
        Ok((self, latencies))
    }
}

/// The lanes to one Envoy.
pub(super) struct Load {
    lanes: Vec<Lane>,
}

/// What a number of requests took.
pub(super) struct Run {
    /// From the first request to the last answer.
    pub(super) took: Duration,
    /// Microseconds of each request.
    pub(super) latencies: Vec<f64>,
}

impl Load {
    /// Connects to `port` of this machine, which shows a certificate that `ca` has signed.
    pub(super) async fn connect(ca: &Path, port: u16, protocol: Protocol) -> Result<Self> {
        let connector = TlsConnector::from(Arc::new(raw::config(ca, &[protocol.alpn()])?));
        let mut lanes = Vec::with_capacity(LANES);
        match protocol {
            Protocol::Http1 => {
                for _ in 0..LANES {
                    let (sender, connection) = http1::handshake(TokioIo::new(connect(&connector, port).await?)).await?;
                    tokio::spawn(connection);
                    lanes.push(Lane::Http1(sender));
                }
            }
            Protocol::Http2 => {
                for _ in 0..HTTP2_CONNECTIONS {
                    let stream = TokioIo::new(connect(&connector, port).await?);
                    let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
                    tokio::spawn(connection);
                    lanes.extend((0..LANES / HTTP2_CONNECTIONS).map(|_| Lane::Http2(sender.clone())));
                }
            }
        }
        Ok(Self { lanes })
    }

    /// The body of the answer to one request, and its status.
    pub(super) async fn ask(&mut self, request: Get) -> Result<(u16, String)> {
        let lane = self.lanes.first_mut().context("no lane")?;
        let answer = tokio::time::timeout(LIMIT, lane.send(request)).await??;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await?.to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    /// Sends `requests` in as many lanes as there are lists of them, at once; every answer has to be a `status`.
    pub(super) async fn run(&mut self, requests: Vec<Vec<Get>>, status: u16) -> Result<Run> {
        let count = requests.len();
        let mut running = JoinSet::new();
        let began = Instant::now();
        for (lane, requests) in self.lanes.drain(..count).zip(requests) {
            running.spawn(tokio::time::timeout(LIMIT, lane.run(requests, status)));
        }
        let mut latencies = Vec::new();
        while let Some(ended) = running.join_next().await {
            let (lane, more) = ended???;
            self.lanes.push(lane);
            latencies.extend(more);
        }
        Ok(Run { took: began.elapsed(), latencies })
    }
}

/// One thread for all connections.
pub(super) fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

async fn connect(connector: &TlsConnector, port: u16) -> Result<TlsStream<TcpStream>> {
    let socket = TcpStream::connect(("127.0.0.1", port)).await?;
    socket.set_nodelay(true)?;
    Ok(connector.connect(ServerName::try_from(HOST)?, socket).await?)
}
