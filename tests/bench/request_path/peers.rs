//! What stands beside and behind the Envoys, as processes of their own: this program, started again.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use kubegate_tests::process::Running;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tonic::server::Grpc;
use tonic::transport::Server;
use tonic::{Response, Status};
use tonic_prost::ProstCodec;

const START_LIMIT: Duration = Duration::from_secs(10);

/// A request with this header is answered with its own head.
pub(crate) const ECHO: &str = "x-echo";

const BODY: &str = "{\"kind\":\"PodList\",\"apiVersion\":\"v1\"}\n";

/// Runs this program as `name` on `port`.
pub(crate) fn start(name: &str, dir: &Path, port: u16) -> Result<Running> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([name, "--port", &port.to_string()]);
    let mut peer = Running::start(name, dir, &command)?;
    peer.wait_until("it listens", START_LIMIT, || {
        TcpStream::connect(("127.0.0.1", port)).map(drop).map_err(|error| error.to_string())
    })?;
    Ok(peer)
}

/// An upstream that answers every `GET` with the same few bytes.
pub(crate) fn upstream(port: u16) -> Result<()> {
    in_one_thread(async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(answer(stream));
        }
    })
}

/// Answers until the other side hangs up.
async fn answer(mut stream: tokio::net::TcpStream) -> Result<()> {
    let mut head = Vec::with_capacity(16 * 1024);
    while stream.read_buf(&mut head).await? > 0 {
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        let text = String::from_utf8_lossy(&head);
        let body = if text.contains(ECHO) { &text } else { BODY };
        let length = body.len();
        let answer =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await?;
        head.clear();
    }
    Ok(())
}

/// Envoy's `envoy.service.auth.v3.Authorization` that reads what is asked and allows it: the least that a gateway costs
/// whose decisions are another process's.
pub(crate) fn ext_authz(port: u16) -> Result<()> {
    let check = tower::service_fn(|request| async {
        let allow = tower::service_fn(|_: tonic::Request<CheckRequest>| async {
            Ok::<_, Status>(Response::new(CheckResponse { status: Some(RpcStatus { code: 0 }) }))
        });
        let mut grpc = Grpc::new(ProstCodec::<CheckResponse, CheckRequest>::default());
        Ok::<_, std::convert::Infallible>(grpc.unary(allow, request).await)
    });
    in_one_thread(async { Ok(Server::builder().serve(([127, 0, 0, 1], port).into(), check).await?) })
}

fn in_one_thread(work: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// `envoy.service.auth.v3.CheckRequest`: of its fields, those that a decision needs.
#[derive(Clone, PartialEq, prost::Message)]
struct CheckRequest {
    #[prost(message, optional, tag = "1")]
    attributes: Option<AttributeContext>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct AttributeContext {
    #[prost(message, optional, tag = "4")]
    request: Option<AttributeRequest>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct AttributeRequest {
    #[prost(message, optional, tag = "2")]
    http: Option<HttpRequest>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct HttpRequest {
    #[prost(string, tag = "2")]
    method: String,
    #[prost(map = "string, string", tag = "3")]
    headers: std::collections::HashMap<String, String>,
    #[prost(string, tag = "4")]
    path: String,
    #[prost(string, tag = "5")]
    host: String,
}

/// `envoy.service.auth.v3.CheckResponse`: nothing to add to the request.
#[derive(Clone, PartialEq, prost::Message)]
struct CheckResponse {
    #[prost(message, optional, tag = "1")]
    status: Option<RpcStatus>,
}

/// `google.rpc.Status`
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
}
