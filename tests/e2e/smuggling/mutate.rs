//! The changes that make an attack of a good request, a function for each family.

mod framing;
mod headers;
mod targets;

use super::case::{Draft, Field};
use super::reframe;
use crate::request_info::generate::Dice;

const FAMILIES: [fn(&mut Draft, &mut Dice); 30] = [
    headers::identity,
    headers::identity,
    headers::name_case,
    headers::underscore,
    headers::percent,
    headers::duplicate,
    headers::whitespace,
    headers::fold,
    headers::odd_bytes,
    headers::long,
    headers::connection,
    headers::forwarded,
    framing::upgrade,
    targets::path,
    targets::path,
    targets::path,
    targets::target_form,
    targets::hosts,
    framing::lengths,
    framing::trailers,
    framing::chunks,
    framing::early,
    framing::expect,
    framing::method,
    framing::version,
    framing::line_end,
    framing::behind,
    headers::token,
    headers::splitting,
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

/// Makes one change.
pub(super) fn change(draft: &mut Draft, dice: &mut Dice) {
    dice.pick(&FAMILIES)(draft, dice);
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
