//! Changes of the path, of its form and of the host.

use super::put;
use crate::request_info::generate::Dice;
use crate::smuggling::asking::SECRETS;
use crate::smuggling::case::{Draft, Field};

pub(super) fn path(draft: &mut Draft, dice: &mut Dice) {
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

pub(super) fn target_form(draft: &mut Draft, dice: &mut Dice) {
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

pub(super) fn hosts(draft: &mut Draft, dice: &mut Dice) {
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
