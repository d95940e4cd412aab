//! Changes of header lines.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{BYTES, NAMES, VALUES, any_field, escape_one, put};
use crate::request_info::generate::Dice;
use crate::smuggling::asking::{SECRETS, smuggled};
use crate::smuggling::case::{Draft, Field};

/// What may stand between name and value, and what may not.
const SPACES: [&[u8]; 12] =
    [b":", b":\t", b" : ", b"\t: ", b":  ", b": \t ", b":\r\n ", b":\x0b", b" :", b"", b"=", b"\0: "];

pub(super) fn identity(draft: &mut Draft, dice: &mut Dice) {
    for _ in 0..1 + dice.below(3) {
        let field = Field::new(dice.pick(&NAMES), dice.pick(&VALUES));
        put(draft, field, dice);
    }
}

pub(super) fn name_case(draft: &mut Draft, dice: &mut Dice) {
    if dice.one_in(2) {
        identity(draft, dice);
    }
    let field = any_field(draft, dice);
    for byte in &mut field.name {
        *byte = if dice.one_in(2) { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() };
    }
}

pub(super) fn underscore(draft: &mut Draft, dice: &mut Dice) {
    let mut name = dice.pick(&NAMES).as_bytes().to_vec();
    for byte in &mut name {
        if *byte == b'-' && dice.one_in(2) {
            *byte = dice.pick(b"__.~");
        }
    }
    let field = Field::new(name, dice.pick(&VALUES));
    put(draft, field, dice);
}

pub(super) fn percent(draft: &mut Draft, dice: &mut Dice) {
    if dice.one_in(2) {
        let mut field = Field::new(dice.pick(&NAMES), dice.pick(&VALUES));
        escape_one(if dice.one_in(2) { &mut field.name } else { &mut field.value }, dice);
        put(draft, field, dice);
    } else {
        escape_one(&mut draft.target, dice);
    }
}

pub(super) fn duplicate(draft: &mut Draft, dice: &mut Dice) {
    let mut field = any_field(draft, dice).clone();
    if dice.one_in(2) {
        field.value = dice.pick(&VALUES).as_bytes().to_vec();
    }
    put(draft, field, dice);
}

pub(super) fn whitespace(draft: &mut Draft, dice: &mut Dice) {
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

pub(super) fn fold(draft: &mut Draft, dice: &mut Dice) {
    let forged = format!("{}: {}", dice.pick(&NAMES), dice.pick(&VALUES));
    let fold = dice.pick(&["\r\n ", "\r\n\t", "\n ", "\r ", "\r\n \r\n ", "\r\n"]);
    let field = any_field(draft, dice);
    let at = dice.below(field.value.len() + 1);
    field.value.splice(at..at, [fold, &forged].concat().into_bytes());
}

pub(super) fn odd_bytes(draft: &mut Draft, dice: &mut Dice) {
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

pub(super) fn long(draft: &mut Draft, dice: &mut Dice) {
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

pub(super) fn connection(draft: &mut Draft, dice: &mut Dice) {
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

pub(super) fn forwarded(draft: &mut Draft, dice: &mut Dice) {
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

/// The attacker's own token in other places and forms.
pub(super) fn token(draft: &mut Draft, dice: &mut Dice) {
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
pub(super) fn splitting(draft: &mut Draft, dice: &mut Dice) {
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
