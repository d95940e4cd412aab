//! Requests as bytes.

use super::attacker::Attacker;
use super::frames::{self, END_HEADERS, END_STREAM, Frame, HEADERS};
use super::wire::Protocol;

/// Where the reader may read.
pub(super) const PODS: &str = "/api/v1/namespaces/team-a/pods";

/// Where the reader may not.
pub(super) const SECRETS: &str = "/api/v1/namespaces/kube-system/secrets";

/// A header by name and value.
pub(super) type Header<'a> = (&'a str, &'a [u8]);

/// A GET with the attacker's token and these headers, on a connection of its own.
pub(super) fn get(protocol: Protocol, attacker: &Attacker, path: &str, headers: &[Header<'_>]) -> Vec<u8> {
    match protocol {
        Protocol::Http1 => {
            let lines: Vec<Vec<u8>> =
                headers.iter().map(|(name, value)| [name.as_bytes(), b": ", value].concat()).collect();
            http1(attacker, &format!("GET {path} HTTP/1.1"), &lines.iter().map(Vec::as_slice).collect::<Vec<_>>())
        }
        Protocol::Http2 => http2(attacker, path, headers),
    }
}

/// A request over HTTP/1.1 with the attacker's token and these header lines.
pub(super) fn http1(attacker: &Attacker, line: &str, lines: &[&[u8]]) -> Vec<u8> {
    let own = format!("{line}\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\n", attacker.token);
    let mut out = own.into_bytes();
    for line in lines {
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// A GET over HTTP/2 with the attacker's token and these header fields.
pub(super) fn http2(attacker: &Attacker, path: &str, headers: &[Header<'_>]) -> Vec<u8> {
    frames::connection(&[Frame::new(HEADERS, END_HEADERS | END_STREAM, 1, fields(attacker, path, headers))])
}

/// Its header block.
pub(super) fn fields(attacker: &Attacker, path: &str, headers: &[Header<'_>]) -> Vec<u8> {
    let authorization = format!("Bearer {}", attacker.token);
    let own: [Header<'_>; 5] = [
        (":method", b"GET"),
        (":scheme", b"https"),
        (":authority", b"127.0.0.1"),
        (":path", path.as_bytes()),
        ("authorization", authorization.as_bytes()),
    ];
    let lower: Vec<(String, &[u8])> = headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), *value)).collect();
    let own = own.iter().map(|(name, value)| (name.as_bytes(), *value));
    frames::block(own.chain(lower.iter().map(|(name, value)| (name.as_bytes(), *value))))
}

/// What a smuggled request looks like: it asks for what nobody here may have.
pub(super) fn smuggled(mark: &str) -> Vec<u8> {
    format!(
        "GET {SECRETS}/{mark} HTTP/1.1\r\nHost: 127.0.0.1\r\nImpersonate-User: admin\r\n\
         Impersonate-Group: system:masters\r\n\r\n"
    )
    .into_bytes()
}
