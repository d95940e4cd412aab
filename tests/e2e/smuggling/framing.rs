//! Where one request ends and the next begins.

use std::time::Duration;

use super::Attack;
use super::asking::{PODS, SECRETS, fields, http1, smuggled};
use super::attacked::Attacked;
use super::attacker::text;
use super::frames::{self, CONTINUATION, DATA, END_HEADERS, END_STREAM, Frame, HEADERS, RST_STREAM, SETTINGS};
use super::wire::{Protocol, statuses};

pub(super) const ATTACKS: [(&str, Attack); 6] = [
    ("lengths_and_chunks_that_disagree_smuggle_no_request", lengths),
    ("what_follows_a_request_is_a_request_of_its_own", pipelined),
    ("http2_fields_cannot_split_the_http1_request", splitting),
    ("http2_frames_out_of_order_smuggle_no_header", frames_out_of_order),
    ("trailers_carry_no_identity", trailers),
    ("expect_100_continue_lets_no_body_slip_past", expect),
];

fn lengths(attacked: &mut Attacked) {
    let reader = attacked.reader();
    let heads: [&[&[u8]]; 18] = [
        &[b"Content-Length: 5", b"Transfer-Encoding: chunked"],
        &[b"Transfer-Encoding: chunked", b"Content-Length: 500"],
        &[b"Content-Length: 0", b"Content-Length: 500"],
        &[b"Content-Length: 500", b"Content-Length: 0"],
        &[b"Content-Length: 5, 5"],
        &[b"Content-Length: +5"],
        &[b"Content-Length: -1"],
        &[b"Content-Length: 0x5"],
        &[b"Content-Length: 99999999999999999999"],
        &[b"Content-Length : 5"],
        &[b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"],
        &[b"Transfer-Encoding: identity, chunked"],
        &[b"Transfer-Encoding: chunked, identity"],
        &[b"Transfer-Encoding: xchunked"],
        &[b"Transfer-Encoding:\x0bchunked"],
        &[b"Transfer-Encoding: chunked\r\n "],
        &[b"Transfer_Encoding: chunked"],
        &[b"X: y\nTransfer-Encoding: chunked"],
    ];
    let chunks: [&[u8]; 6] = [
        b"0\r\n\r\n",
        b"5\r\nhello\r\n0\r\n\r\n",
        b"00000000000000000\r\n\r\n",
        b"0;x=\n\r\n\r\n",
        b"0\n\n",
        b"-1\r\n\r\n",
    ];
    let mut requests = Vec::new();
    for (number, head) in heads.iter().enumerate() {
        for (method, body) in ["GET", "POST"].into_iter().flat_map(|method| chunks.map(|body| (method, body))) {
            let mut bytes = http1(&reader, &format!("{method} {PODS}/length-{number} HTTP/1.1"), head);
            bytes.extend_from_slice(body);
            bytes.extend(smuggled("length"));
            requests.push(bytes);
        }
    }
    attacked.door.send_all(Protocol::Http1, &requests);
    let arrived = attacked.hold(&reader);
    assert!(arrived.iter().all(|event| text(event, "/objectRef/name") != "length"), "{arrived:?}");
}

/// The second request on a connection is decided by itself: the first one's token is not its own.
fn pipelined(attacked: &mut Attacked) {
    let reader = attacked.reader();
    let behind = [
        (smuggled("second"), 401),
        (http1(&reader, &format!("GET {SECRETS}/second HTTP/1.1"), &[]), 403),
        (format!("GET {PODS}/second HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").into_bytes(), 401),
        (http1(&reader, &format!("GET {PODS}/third HTTP/1.1"), &[]), 404),
    ];
    for (second, status) in behind {
        let mut wire = attacked.door.open(Protocol::Http1);
        wire.write(&[http1(&reader, &format!("GET {PODS}/first HTTP/1.1"), &[]), second].concat());
        wire.read_until(Duration::from_secs(10), |bytes| statuses(bytes).len() == 2);
        assert_eq!(statuses(&wire.read), [404, status], "{}", String::from_utf8_lossy(&wire.read));
    }
    let arrived = attacked.hold(&reader);
    let names: Vec<_> = arrived.iter().map(|event| text(event, "/objectRef/name")).collect();
    assert_eq!(names, ["first", "first", "first", "first", "third"]);
}

/// HTTP/2 can carry a line end in a name or value; HTTP/1.1 upstream must not see it as one.
fn splitting(attacked: &mut Attacked) {
    let reader = attacked.reader();
    let end = String::from_utf8(smuggled("split")).unwrap();
    let one_path = format!("{PODS}/split HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n{end}");
    let paths =
        [one_path, format!("{PODS} HTTP/1.1\r\nImpersonate-User: admin"), format!("{PODS}\nX: y"), format!("{PODS} x")];
    let value = format!("x\r\n\r\n{end}");
    let header = "x\r\nImpersonate-User: admin";
    let name = "x: y\r\nimpersonate-user: admin\r\nz";
    let mut blocks: Vec<Vec<u8>> = paths.iter().map(|path| fields(&reader, path, &[])).collect();
    for headers in [
        ("x-a", value.as_bytes()),
        ("x-a", header.as_bytes()),
        ("x-a", b"x\nImpersonate-User: admin"),
        ("x-a", b"x\rImpersonate-User: admin"),
        (name, b"x"),
        ("user-agent", value.as_bytes()),
        (":method", b"GET /api/v1/secrets HTTP/1.1\r\nX: y"),
        (":authority", b"127.0.0.1\r\nImpersonate-User: admin"),
        (":path", b"/api/v1/secrets"),
        (":protocol", b"websocket"),
        ("transfer-encoding", b"chunked"),
        ("connection", b"impersonate-user"),
        ("upgrade", b"h2c"),
        ("content-length", b"0"),
        ("content-length", b"500"),
        ("te", b"trailers, impersonate-user"),
    ] {
        blocks.push(fields(&reader, &format!("{PODS}/split"), &[headers]));
    }
    let mut requests = Vec::new();
    for block in blocks {
        let body = Frame::new(DATA, END_STREAM, 1, end.clone().into_bytes());
        let head = Frame::new(HEADERS, END_HEADERS, 1, block.clone());
        requests.push(frames::connection(&[head, body]));
        let alone = Frame::new(HEADERS, END_HEADERS | END_STREAM, 1, block);
        requests.push(frames::connection(&[alone]));
    }
    attacked.door.send_all(Protocol::Http2, &requests);
    let arrived = attacked.hold(&reader);
    assert!(arrived.iter().all(|event| text(event, "/objectRef/namespace") == "team-a"), "{arrived:?}");
}

fn frames_out_of_order(attacked: &mut Attacked) {
    let reader = attacked.reader();
    let own = fields(&reader, &format!("{PODS}/frames"), &[]);
    let forged = frames::block([(b"impersonate-user".as_slice(), b"admin".as_slice())]);
    let secrets = fields(&reader, SECRETS, &[]);
    let half = own.len() / 2;
    let cases: [Vec<Frame>; 9] = [
        vec![
            Frame::new(HEADERS, END_STREAM, 1, own[..half].to_vec()),
            Frame::new(CONTINUATION, END_HEADERS, 1, own[half..].to_vec()),
        ],
        vec![Frame::new(HEADERS, END_STREAM, 1, own.clone()), Frame::new(CONTINUATION, END_HEADERS, 1, forged.clone())],
        vec![Frame::new(HEADERS, END_STREAM, 1, own.clone()), Frame::new(CONTINUATION, END_HEADERS, 2, forged.clone())],
        vec![
            Frame::new(HEADERS, END_STREAM, 1, own.clone()),
            Frame::new(HEADERS, END_HEADERS | END_STREAM, 2, secrets.clone()),
            Frame::new(CONTINUATION, END_HEADERS, 1, forged.clone()),
        ],
        vec![
            Frame::new(HEADERS, END_HEADERS | END_STREAM, 1, own.clone()),
            Frame::new(CONTINUATION, END_HEADERS, 1, forged.clone()),
        ],
        vec![
            Frame::new(HEADERS, END_HEADERS | END_STREAM, 1, own.clone()),
            Frame::new(HEADERS, END_HEADERS | END_STREAM, 1, secrets.clone()),
        ],
        vec![Frame::new(HEADERS, END_HEADERS, 1, own.clone()), Frame::new(RST_STREAM, 0, 1, vec![0, 0, 0, 8])],
        vec![Frame::new(HEADERS, END_HEADERS | END_STREAM, 0, own.clone())],
        vec![
            Frame::new(SETTINGS, 0, 0, vec![0, 8, 0, 0, 0, 1]),
            Frame::new(HEADERS, END_HEADERS, 1, own),
            Frame::new(DATA, END_STREAM, 1, smuggled("frames")),
        ],
    ];
    for frames in cases {
        attacked.door.open(Protocol::Http2).exchange_briefly(&frames::connection(&frames));
    }
    assert!(!attacked.hold(&reader).is_empty(), "the first one is good");
}

fn trailers(attacked: &mut Attacked) {
    let reader = attacked.reader();
    let forged: [&[u8]; 4] =
        [b"Impersonate-User: admin", b"Authorization: Bearer forged", b"Content-Length: 500", b"X-Remote-User: admin"];
    for line in forged {
        let mut bytes =
            http1(&reader, &format!("GET {PODS}/trailers HTTP/1.1"), &[b"Transfer-Encoding: chunked", b"Trailer: x"]);
        bytes.extend_from_slice(&[b"0\r\n".as_slice(), line, b"\r\n\r\n"].concat());
        attacked.door.open(Protocol::Http1).exchange_briefly(&bytes);
        let (name, value) = std::str::from_utf8(line).unwrap().split_once(": ").unwrap();
        let trailers = frames::block([(name.to_ascii_lowercase().as_bytes(), value.as_bytes())]);
        let pseudo = frames::block([(b":path".as_slice(), SECRETS.as_bytes())]);
        for block in [trailers, pseudo] {
            let head = Frame::new(HEADERS, END_HEADERS, 1, fields(&reader, &format!("{PODS}/trailers"), &[]));
            let frames = [head, Frame::new(HEADERS, END_HEADERS | END_STREAM, 1, block)];
            attacked.door.open(Protocol::Http2).exchange_briefly(&frames::connection(&frames));
        }
    }
    assert!(attacked.hold(&reader).len() >= 4, "over HTTP/1.1 they are dropped, and the rest is the reader's");
}

fn expect(attacked: &mut Attacked) {
    let reader = attacked.reader();
    for expectation in
        [b"Expect: 100-continue".as_slice(), b"Expect: 100-Continue, x", b"Expect: \xff", b"Expect: 200-ok"]
    {
        for length in [b"Content-Length: 5".as_slice(), b"Content-Length: 0", b"Transfer-Encoding: chunked"] {
            let head = http1(&reader, &format!("GET {PODS}/expect HTTP/1.1"), &[expectation, length]);
            let mut wire = attacked.door.open(Protocol::Http1);
            wire.write(&head);
            wire.read_some(Duration::from_millis(100));
            wire.exchange_briefly(&smuggled("expect"));
        }
    }
    let arrived = attacked.hold(&reader);
    assert!(arrived.iter().all(|event| text(event, "/objectRef/resource") == "pods"), "{arrived:?}");
}
