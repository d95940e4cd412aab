//! Changes of where a request ends, and of what follows it.

use super::{NAMES, VALUES, put};
use crate::request_info::generate::Dice;
use crate::smuggling::asking::smuggled;
use crate::smuggling::case::{Draft, Field};

pub(super) fn upgrade(draft: &mut Draft, dice: &mut Dice) {
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

pub(super) fn lengths(draft: &mut Draft, dice: &mut Dice) {
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

pub(super) fn chunks(draft: &mut Draft, dice: &mut Dice) {
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

pub(super) fn trailers(draft: &mut Draft, dice: &mut Dice) {
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

pub(super) fn early(draft: &mut Draft, dice: &mut Dice) {
    put(draft, Field::new("Early-Data", dice.pick(&["1", "0", "x"])), dice);
}

pub(super) fn expect(draft: &mut Draft, dice: &mut Dice) {
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

pub(super) fn method(draft: &mut Draft, dice: &mut Dice) {
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

pub(super) fn version(draft: &mut Draft, dice: &mut Dice) {
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

pub(super) fn line_end(draft: &mut Draft, dice: &mut Dice) {
    draft.line_end = dice.pick(&[b"\n".as_slice(), b"\r", b"\r\r\n", b"\n\r", b"\r\n\r\n", b"\0\r\n"]);
    draft.behind.extend(smuggled("line"));
    draft.is_alone = true;
}

pub(super) fn behind(draft: &mut Draft, dice: &mut Dice) {
    let between = dice.pick(&["", "\r\n", "\n", "\0", "x", "0\r\n\r\n", "\r\n\r\n"]);
    draft.behind.extend_from_slice(between.as_bytes());
    draft.behind.extend(smuggled("behind"));
    draft.is_alone = true;
}
