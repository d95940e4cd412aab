//! A request's headers, a line each (`name: value`; `{token}` stands for a good session token), through the whole
//! filter; and bytes as a header block of proxy-wasm's.
#![no_main]

use kubegate_filter::host::headers;
use kubegate_filter::request::{Next, Request};
use kubegate_filter::streams::Streams;
use kubegate_fuzz::{Envoy, TOKEN, block, shared_gateway};
use libfuzzer_sys::fuzz_target;

/// What no API server may get from a client, with dashes and in lower case.
const IDENTITY: [&str; 10] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "audit-id",
    "forwarded",
    "x-forwarded-for",
    "x-real-ip",
    "te",
    "keep-alive",
    "proxy-connection",
];

fuzz_target!(|data: &[u8]| {
    let length: usize = headers(data).map(|(name, value)| name.len() + value.len()).sum();
    assert!(length <= data.len(), "nothing is read twice");

    let sent: Vec<_> = data.split(|byte| *byte == b'\n').filter_map(|line| header(line, TOKEN.as_bytes())).collect();
    let read = block(&sent);
    let read = headers(&read).map(|(name, value)| (name.to_vec(), value.to_vec()));
    assert_eq!(read.collect::<Vec<_>>(), sent);

    let envoy = Envoy::with(sent);
    let next = Request::new(&envoy, 1, Some(shared_gateway()), Streams::default()).on_request_headers();
    let decided = envoy.state.borrow().get("kubegate.cluster").cloned();
    match next {
        Next::Stop => assert!(decided.is_none() && envoy.answered.get().is_some(), "a refusal opens no route"),
        Next::Continue => {
            assert!(decided.as_deref() == Some("prod") && envoy.answered.get().is_none());
            check(&envoy.headers.borrow());
        }
    }
});

fn header(line: &[u8], token: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    // A pseudo-header's name begins with a colon itself.
    let colon = line.iter().skip(1).position(|byte| *byte == b':')? + 1;
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    let mut full = Vec::new();
    let mut rest = value;
    while let Some(at) = rest.windows(7).position(|window| window == b"{token}") {
        full.extend_from_slice(&rest[..at]);
        full.extend_from_slice(token);
        rest = &rest[at + 7..];
    }
    full.extend_from_slice(rest);
    Some((name.to_vec(), full))
}

/// What arrives at the API server.
fn check(headers: &[(Vec<u8>, Vec<u8>)]) {
    let mut users = 0;
    for (name, value) in headers {
        let name = String::from_utf8(name.clone()).unwrap();
        let folded = name.to_ascii_lowercase().replace('_', "-");
        let text = String::from_utf8_lossy(value).to_ascii_lowercase();
        let is_token = |protocol: &str| protocol.trim().starts_with("base64url.bearer.authorization.k8s.io.");
        assert!(folded != "sec-websocket-protocol" || !text.split(',').any(is_token), "{text}");
        assert!(!folded.starts_with("x-remote-") && !folded.starts_with("x-envoy-"), "{name}");
        assert!(!IDENTITY.contains(&folded.as_str()) || name == "audit-id", "{name}");
        if folded == "connection" {
            assert_eq!(value, b"Upgrade");
        }
        if folded.starts_with("impersonate-") {
            assert!(name == folded && value.iter().all(|byte| (b' '..=b'~').contains(byte)), "{name}: {value:?}");
            users += usize::from(name == "impersonate-user");
            let may_be = |user: &[u8]| user == b"bob" || user.starts_with(b"guest-");
            assert!(name != "impersonate-user" || may_be(value), "{value:?}");
            assert!(
                name != "impersonate-group"
                    || [&b"readers"[..], b"guests", b"system:authenticated"].contains(&&value[..])
            );
        }
    }
    assert_eq!(users, 1);
}
