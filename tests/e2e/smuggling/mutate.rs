//! The changes that make an attack of a good request, a function for each family.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::asking::{SECRETS, smuggled};
use super::case::{Draft, Field};
use super::reframe;
use crate::request_info::generate::Dice;

const FAMILIES: [fn(&mut Draft, &mut Dice); 30] = [
    identity,
    identity,
    name_case,
    underscore,
    percent,
    duplicate,
    whitespace,
    fold,
    odd_bytes,
    long,
    connection,
    forwarded,
    upgrade,
    path,
    path,
    path,
    target_form,
    hosts,
    lengths,
    trailers,
    chunks,
    early,
    expect,
    method,
    version,
    line_end,
    behind,
    token,
    splitting,
    reframe::any,
];

/// Names that carry identity to somebody.
const NAMES: [&str; 22] = [
    "Impersonate-User",
    "Impersonate-Group",
    "Impersonate-Uid",
    "Impersonate-Extra-scopes",
    "Impersonate-Extra-kubegate.io%2fsession",
    "Impersonate-Extra-kubegate.io%2Freal-user",
    "Impersonate-",
    "X-Remote-User",
    "X-Remote-Group",
    "X-Remote-Uid",
    "X-Remote-Extra-scopes",
    "Authorization",
    "Proxy-Authorization",
    "Cookie",
    "Audit-Id",
    "X-Request-Id",
    "X-Kubegate-Cluster",
    "X-Forwarded-User",
    "X-Forwarded-Client-Cert",
    "Sec-WebSocket-Protocol",
    "Kubegate.Cluster",
    "Wasm.Kubegate.Cluster",
];

const VALUES: [&str; 16] = [
    "",
    "admin",
    "system:admin",
    "system:masters",
    "team-a,system:masters",
    "bob@example.com",
    "alice@example.com",
    "system:serviceaccount:kube-system:default",
    "system:anonymous",
    "demo",
    "forged",
    "forged\u{e9}",
    "*",
    "Bearer forged",
    "Basic YWRtaW46YWRtaW4=",
    "base64url.bearer.authorization.k8s.io.Zm9yZ2Vk, v4.channel.k8s.io",
];

const BYTES: [&[u8]; 20] = [
    b"\0",
    b"\r",
    b"\n",
    b"\r\n",
    b"\t",
    b"\x0b",
    b"\x0c",
    b"\x1b",
    b"\x7f",
    b"\x80",
    b"\xa0",
    b"\xff",
    b"\xc0\xaf",
    b"\xe2\x80\xa8",
    b"\xc4\xb0",
    b" ",
    b",",
    b";",
    b":",
    b"\"",
];

const SPACES: [&[u8]; 12] =
    [b":", b":\t", b" : ", b"\t: ", b":  ", b": \t ", b":\r\n ", b":\x0b", b" :", b"", b"=", b"\0: "];

/// Makes one change.
pub(super) fn change(draft: &mut Draft, dice: &mut Dice) {
    dice.pick(&FAMILIES)(draft, dice);
}

fn identity(draft: &mut Draft, dice: &mut Dice) {
    for _ in 0..1 + dice.below(3) {
        let field = Field::new(dice.pick(&NAMES), dice.pick(&VALUES));
        put(draft, field, dice);
    }
}

fn name_case(draft: &mut Draft, dice: &mut Dice) {
    if dice.one_in(2) {
        identity(draft, dice);
    }
    let field = any_field(draft, dice);
    for byte in &mut field.name {
        *byte = if dice.one_in(2) { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() };
    }
}

fn underscore(draft: &mut Draft, dice: &mut Dice) {
    let mut name = dice.pick(&NAMES).as_bytes().to_vec();
    for byte in &mut name {
        if *byte == b'-' && dice.one_in(2) {
            *byte = dice.pick(b"__.~");
        }
    }
    let field = Field::new(name, dice.pick(&VALUES));
    put(draft, field, dice);
}

fn percent(draft: &mut Draft, dice: &mut Dice) {
    if dice.one_in(2) {
        let mut field = Field::new(dice.pick(&NAMES), dice.pick(&VALUES));
        escape_one(if dice.one_in(2) { &mut field.name } else { &mut field.value }, dice);
        put(draft, field, dice);
    } else {
        escape_one(&mut draft.target, dice);
    }
}

fn duplicate(draft: &mut Draft, dice: &mut Dice) {
    let mut field = any_field(draft, dice).clone();
    if dice.one_in(2) {
        field.value = dice.pick(&VALUES).as_bytes().to_vec();
    }
    put(draft, field, dice);
}

fn whitespace(draft: &mut Draft, dice: &mut Dice) {
    if dice.one_in(2) {
        identity(draft, dice);
    }
    let field = any_field(draft, dice);
    match dice.below(4) {
        0 => field.between = dice.pick(&SPACES).to_vec(),
        1 => field.name.insert(0, dice.pick(b" \t\x0b")),
        2 => field.value.push(dice.pick(b" \t\x0b\r")),
        _ => field.value.insert(0, dice.pick(b" \t\x0b")),
    }
}

fn fold(draft: &mut Draft, dice: &mut Dice) {
    let forged = format!("{}: {}", dice.pick(&NAMES), dice.pick(&VALUES));
    let fold = dice.pick(&["\r\n ", "\r\n\t", "\n ", "\r ", "\r\n \r\n ", "\r\n"]);
    let field = any_field(draft, dice);
    let at = dice.below(field.value.len() + 1);
    field.value.splice(at..at, [fold, &forged].concat().into_bytes());
}

fn odd_bytes(draft: &mut Draft, dice: &mut Dice) {
    if dice.one_in(3) {
        identity(draft, dice);
    }
    let bytes = dice.pick(&BYTES);
    let place = match dice.below(6) {
        0 => &mut draft.target,
        1 => &mut draft.method,
        2 => &mut draft.host,
        3 => &mut any_field(draft, dice).name,
        _ => &mut any_field(draft, dice).value,
    };
    let at = dice.below(place.len() + 1);
    place.splice(at..at, bytes.iter().copied());
}

fn long(draft: &mut Draft, dice: &mut Dice) {
    let size = dice.pick(&[200, 1000, 8000, 16_000, 40_000, 70_000]);
    match dice.below(6) {
        0 => draft.target.extend(vec![b'a'; size]),
        1 => draft.target.extend([b"?x=".as_slice(), &vec![b'a'; size]].concat()),
        2 => draft.fields.extend((0..size / 100).map(|_| Field::new("X-A", "b"))),
        3 => put(draft, Field::new(vec![b'a'; size], "b"), dice),
        4 => put(draft, Field::new("Impersonate-User", vec![b'a'; size]), dice),
        _ => put(draft, Field::new("X-A", vec![b'a'; size]), dice),
    }
}

fn connection(draft: &mut Draft, dice: &mut Dice) {
    let listed: Vec<&str> = (0..1 + dice.below(4))
        .map(|_| {
            let more = ["close", "keep-alive", "Upgrade", "TE", "Host", "Content-Length", "User-Agent", "", "\"x\""];
            if dice.one_in(2) { dice.pick(&NAMES) } else { dice.pick(&more) }
        })
        .collect();
    let list = listed.join(dice.pick(&[",", ", ", " ,\t", " ", ";", ",,"]));
    let name = dice.pick(&["Connection", "connection", "Proxy-Connection", "Keep-Alive", "TE", "Trailer"]);
    put(draft, Field::new(name, list), dice);
}

fn forwarded(draft: &mut Draft, dice: &mut Dice) {
    let names = [
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded-Port",
        "X-Forwarded-Prefix",
        "Forwarded",
        "X-Real-Ip",
        "True-Client-Ip",
        "Via",
        "X-Envoy-Original-Path",
        "X-Envoy-Original-Host",
        "X-Envoy-External-Address",
        "X-Envoy-Internal",
        "X-Envoy-Decorator-Operation",
        "X-Envoy-Retry-On",
        "X-Envoy-Upstream-Rq-Timeout-Ms",
        "X-Original-Url",
        "X-Rewrite-Url",
        "X-Http-Method-Override",
    ];
    let values = [
        "10.0.0.1",
        "127.0.0.1",
        "10.0.0.1, 10.0.0.2",
        "for=10.0.0.1;host=x",
        "https",
        "DELETE",
        "1",
        SECRETS,
        "",
        "\u{e9}",
    ];
    let field = Field::new(dice.pick(&names), dice.pick(&values));
    put(draft, field, dice);
}

fn upgrade(draft: &mut Draft, dice: &mut Dice) {
    let to = dice.pick(&[
        "websocket",
        "WebSocket",
        "SPDY/3.1",
        "h2c",
        "h2",
        "websocket, h2c",
        "TLS/1.0",
        "HTTP/2.0",
        "",
        "x",
    ]);
    let list =
        dice.pick(&["Upgrade", "upgrade, HTTP2-Settings", "Upgrade, Impersonate-User", "close", "keep-alive, Upgrade"]);
    put(draft, Field::new("Upgrade", to), dice);
    put(draft, Field::new("Connection", list), dice);
    for (name, value) in [
        ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Protocol", "v5.channel.k8s.io"),
        ("X-Stream-Protocol-Version", "v4.channel.k8s.io"),
    ] {
        if dice.one_in(2) {
            put(draft, Field::new(name, value), dice);
        }
    }
    if dice.one_in(2) {
        draft.behind.extend(smuggled("upgrade"));
    }
    draft.is_alone = true;
}

fn path(draft: &mut Draft, dice: &mut Dice) {
    let pieces = [
        "..",
        ".",
        "",
        "%2e%2e",
        "%2E.",
        "..;",
        ".;x=y",
        "%2f",
        "%2F..%2F",
        "%5c",
        "\\",
        "..\\",
        "%252f",
        "%252e%252e",
        "%00",
        "%c0%ae",
        "%c0%af",
        "%e0%80%af",
        "%ff",
        "#",
        "%23",
        "?",
        "%3f",
        ";",
        "%3b",
        "+",
        "%20",
        "*",
        "secrets",
        "kube-system",
        "namespaces",
        "team-a",
        "watch",
        "proxy",
        "exec",
        "log",
        "status",
        "pods",
        "nodes",
        "api",
        "v1",
        "%",
        "%zz",
        "%u002e",
    ];
    match dice.below(4) {
        0 => draft.target = dice.pick(&["/", "//", "/healthz/../", "/api/..", "/%61pi/v1/", "/./"]).into(),
        1 => draft.target = [SECRETS, "/hidden"].concat().into_bytes(),
        _ => {}
    }
    for _ in 0..1 + dice.below(4) {
        let slashes: Vec<usize> =
            draft.target.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at + 1).collect();
        let at = if slashes.is_empty() { 0 } else { slashes[dice.below(slashes.len())] };
        let piece = format!("{}{}", dice.pick(&pieces), dice.pick(&["/", "/", "", "//"]));
        draft.target.splice(at..at, piece.into_bytes());
    }
    if dice.one_in(4) {
        let query = dice.pick(&[
            "?fieldSelector=metadata.name%3Dhello",
            "?watch=1&timeoutSeconds=1",
            "?watch=%ff",
            "?a;b",
            "?limit=1?x",
            "?/../",
            "&x",
            "?fieldSelector=metadata.namespace%3Dkube-system",
            "??",
            "?dryRun=All",
            "?x=%0d%0aImpersonate-User:%20admin",
        ]);
        draft.target.extend_from_slice(query.as_bytes());
    }
}

fn target_form(draft: &mut Draft, dice: &mut Dice) {
    let prefix = dice.pick(&[
        "https://127.0.0.1",
        "http://127.0.0.1",
        "https://elsewhere.example.com",
        "https://user@127.0.0.1",
        "//127.0.0.1",
        "https://127.0.0.1:1",
        "https:",
        "http:///",
        "ftp://127.0.0.1",
        "https://127.0.0.1#",
        "https://127.0.0.1?",
        "HTTPS://127.0.0.1",
        "https://localhost",
        " ",
        "*",
        "127.0.0.1",
    ]);
    draft.target.splice(0..0, prefix.bytes());
    if dice.one_in(8) {
        draft.target = dice.pick(&["*", "127.0.0.1:443", "", "?", "https://"]).into();
    }
}

fn hosts(draft: &mut Draft, dice: &mut Dice) {
    let host = dice.pick(&[
        "elsewhere.example.com",
        "127.0.0.1:1",
        "127.0.0.1:443",
        "127.0.0.1.",
        "127.0.0.1@elsewhere.example.com",
        "localhost",
        "",
        "127.0.0.1, elsewhere.example.com",
        "127.0.0.1/x",
        "127.0.0.1#",
        "[::1]",
        "127.0.0.1\\",
        "127.0.0.1:",
        "0177.0.0.1",
        "127.1",
    ]);
    if dice.one_in(2) {
        draft.host = host.into();
    } else {
        let name = dice.pick(&["Host", "host", "HOST", "Host ", ":authority", ":path", ":method", ":scheme"]);
        put(draft, Field::new(name, host), dice);
    }
}

fn lengths(draft: &mut Draft, dice: &mut Dice) {
    let lengths = [
        "0",
        "1",
        "5",
        "500",
        "+5",
        "-1",
        "0x5",
        "5, 5",
        "5,0",
        "05",
        " 5",
        "5 5",
        "",
        "99999999999999999999",
        "1e1",
        "\u{663}",
    ];
    let codings = [
        "chunked",
        "Chunked",
        "identity",
        "chunked, identity",
        "identity, chunked",
        "gzip, chunked",
        "xchunked",
        "chunked;x",
        "\"chunked\"",
        "chunked,",
        ",chunked",
        "chunked\x0b",
        "trailers",
        "",
    ];
    for _ in 0..1 + dice.below(2) {
        let field = if dice.one_in(2) {
            Field::new(dice.pick(&["Content-Length", "content-length", "Content_Length"]), dice.pick(&lengths))
        } else {
            Field::new(
                dice.pick(&["Transfer-Encoding", "transfer-encoding", "Transfer_Encoding", "TE"]),
                dice.pick(&codings),
            )
        };
        put(draft, field, dice);
    }
    draft.body.extend_from_slice(dice.pick(&["", "hello", "0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"]).as_bytes());
    draft.behind.extend(smuggled("length"));
    if dice.one_in(2) {
        draft.method = b"POST".to_vec();
    }
    draft.is_alone = true;
}

fn chunks(draft: &mut Draft, dice: &mut Dice) {
    put(draft, Field::new("Transfer-Encoding", "chunked"), dice);
    for _ in 0..dice.below(3) {
        let size = dice.pick(&[
            "5",
            "05",
            "5;x=y",
            "5 ",
            "0x5",
            "+5",
            "5\n",
            "ffffffffffffffff",
            "-1",
            "5;\r\n",
            "5\u{663}",
            "G",
        ]);
        draft.body.extend(format!("{size}\r\nhello{}", dice.pick(&["\r\n", "\n", "", "\r", "xx"])).into_bytes());
    }
    draft
        .body
        .extend_from_slice(dice.pick(&["0\r\n\r\n", "0\r\n", "0\n\n", "00\r\n\r\n", "0;x\r\n\r\n", "\r\n"]).as_bytes());
    draft.behind.extend(smuggled("chunk"));
    draft.is_alone = true;
}

fn trailers(draft: &mut Draft, dice: &mut Dice) {
    put(draft, Field::new("Transfer-Encoding", "chunked"), dice);
    put(draft, Field::new("Trailer", dice.pick(&NAMES)), dice);
    draft.body = b"0\r\n".to_vec();
    for _ in 0..1 + dice.below(3) {
        let name =
            if dice.one_in(4) { dice.pick(&[":path", ":method", "Host", "Content-Length"]) } else { dice.pick(&NAMES) };
        draft.trailers.push(Field::new(name, dice.pick(&VALUES)));
    }
    draft.is_alone = true;
}

fn early(draft: &mut Draft, dice: &mut Dice) {
    put(draft, Field::new("Early-Data", dice.pick(&["1", "0", "x"])), dice);
}

fn expect(draft: &mut Draft, dice: &mut Dice) {
    put(
        draft,
        Field::new("Expect", dice.pick(&["100-continue", "100-Continue", "100-continue, x", "200-ok", "", "\0"])),
        dice,
    );
    if dice.one_in(2) {
        put(draft, Field::new("Content-Length", dice.pick(&["0", "5", "500"])), dice);
        draft.behind.extend(smuggled("expect"));
        draft.is_alone = true;
    }
}

fn method(draft: &mut Draft, dice: &mut Dice) {
    draft.method = dice
        .pick(&[
            "HEAD",
            "POST",
            "PUT",
            "PATCH",
            "DELETE",
            "OPTIONS",
            "TRACE",
            "CONNECT",
            "PRI",
            "get",
            "GeT",
            "PROPFIND",
            "FOO",
            "",
            "GET ",
            " GET",
            "GET\t",
            "WATCH",
            "LIST",
            "GET\u{e9}",
        ])
        .into();
    draft.is_alone |= !matches!(draft.method.as_slice(), b"PUT" | b"PATCH" | b"DELETE" | b"OPTIONS");
}

fn version(draft: &mut Draft, dice: &mut Dice) {
    draft.version = dice.pick(&[
        b"HTTP/1.0".as_slice(),
        b"HTTP/0.9",
        b"HTTP/1.2",
        b"HTTP/2.0",
        b"HTTP/1.1 ",
        b"http/1.1",
        b"HTTP/1.10",
        b"HTTP/01.1",
        b"",
        b"HTTP/1.1\r",
        b"HTTP/9.9",
        b"ICY/1.1",
        b"x HTTP/1.1",
    ]);
    draft.is_alone = true;
}

fn line_end(draft: &mut Draft, dice: &mut Dice) {
    draft.line_end = dice.pick(&[b"\n".as_slice(), b"\r", b"\r\r\n", b"\n\r", b"\r\n\r\n", b"\0\r\n"]);
    draft.behind.extend(smuggled("line"));
    draft.is_alone = true;
}

fn behind(draft: &mut Draft, dice: &mut Dice) {
    let between = dice.pick(&["", "\r\n", "\n", "\0", "x", "0\r\n\r\n", "\r\n\r\n"]);
    draft.behind.extend_from_slice(between.as_bytes());
    draft.behind.extend(smuggled("behind"));
    draft.is_alone = true;
}

/// The attacker's own token in other places and forms.
fn token(draft: &mut Draft, dice: &mut Dice) {
    let Some(at) = draft.fields.iter().position(|field| field.name.eq_ignore_ascii_case(b"authorization")) else {
        return;
    };
    let own = draft.fields[at].value.clone();
    let encoded = URL_SAFE_NO_PAD.encode(own.get(7..).unwrap_or_default());
    let subprotocol = format!("base64url.bearer.authorization.k8s.io.{encoded}");
    match dice.below(8) {
        0 => draft.fields[at] = Field::new("Sec-WebSocket-Protocol", subprotocol),
        1 => put(draft, Field::new("Sec-WebSocket-Protocol", subprotocol), dice),
        2 => put(draft, Field::new("Authorization", own), dice),
        3 => draft.fields[at].value = own.to_ascii_lowercase(),
        4 => draft.fields[at].value.truncate(dice.below(own.len() + 1)),
        5 => draft.fields[at].value.extend_from_slice(dice.pick(&[
            b"=".as_slice(),
            b".x",
            b", Bearer x",
            b" x",
            b"\t",
            b"\0",
        ])),
        6 => draft.fields[at]
            .value
            .splice(
                0..own.len().min(7),
                dice.pick(&["bearer ", "Bearer  ", "Bearer\t", "Bearer", "Bearer Pomerium-", "Token "]).bytes(),
            )
            .for_each(drop),
        _ => draft.fields[at].name = b"Proxy-Authorization".to_vec(),
    }
}

/// A line end where HTTP/1.1 would begin something new.
fn splitting(draft: &mut Draft, dice: &mut Dice) {
    let forged = format!("{}: {}", dice.pick(&NAMES), dice.pick(&VALUES));
    let whole = String::from_utf8(smuggled("split")).unwrap();
    let more = match dice.below(4) {
        0 => format!("\r\n{forged}"),
        1 => format!("\n{forged}"),
        2 => format!(" HTTP/1.1\r\nHost: 127.0.0.1\r\n{forged}\r\n\r\n{whole}"),
        _ => format!("\r\n\r\n{whole}"),
    };
    let place = match dice.below(5) {
        0 => &mut draft.target,
        1 => &mut draft.method,
        2 => &mut draft.host,
        3 => &mut any_field(draft, dice).name,
        _ => &mut any_field(draft, dice).value,
    };
    place.extend_from_slice(more.as_bytes());
    draft.is_alone = true;
}

fn escape_one(text: &mut Vec<u8>, dice: &mut Dice) {
    if text.is_empty() {
        return;
    }
    let at = dice.below(text.len());
    let byte = text[at];
    let escaped = match dice.below(3) {
        0 => format!("%{byte:02x}"),
        1 => format!("%{byte:02X}"),
        _ => format!("%25{byte:02x}"),
    };
    text.splice(at..=at, escaped.into_bytes());
}

fn any_field<'d>(draft: &'d mut Draft, dice: &mut Dice) -> &'d mut Field {
    let at = dice.below(draft.fields.len());
    &mut draft.fields[at]
}

fn put(draft: &mut Draft, field: Field, dice: &mut Dice) {
    let at = dice.below(draft.fields.len() + 1);
    draft.fields.insert(at, field);
}
