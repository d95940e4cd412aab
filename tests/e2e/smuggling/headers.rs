//! Headers that say who somebody is, where they come from, or what they asked for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::asking::{Header, PODS, get, http1};
use super::attacked::Attacked;
use super::attacker::text;
use super::wire::{Protocol, statuses};
use super::{Attack, BOTH};

pub(super) const ATTACKS: [(&str, Attack); 13] = [
    ("impersonation_is_taken_away_by_prefix_and_not_by_list", by_prefix),
    ("impersonated_extras_are_ours_in_every_percent_form", extras),
    ("commas_do_not_make_groups_kubernetes_94683", commas),
    ("headers_of_an_authenticating_proxy_do_not_arrive", authenticating_proxy),
    ("underscores_do_not_become_dashes_cve_2025_64484", underscores),
    ("connection_header_cannot_drop_the_impersonation_cve_2021_31999_cve_2025_48865", connection_lists),
    ("two_credentials_are_refused_cve_2026_31838", two_credentials),
    ("token_in_a_websocket_subprotocol_is_ours_or_refused", subprotocol),
    ("original_path_is_not_believed_cve_2023_27487", original_path),
    ("forwarded_addresses_are_not_believed", forwarded),
    ("whitespace_and_folded_lines_hide_nothing", whitespace),
    ("bytes_that_are_no_text_hide_nothing", no_text),
    ("long_values_and_many_headers_hide_nothing", long),
];

/// Sends each header over both protocols with a path of its own; answers how many arrived as the reader's own requests,
/// which is the only way to arrive.
fn try_each(attacked: &mut Attacked, mark: &str, headers: &[&[Header<'_>]]) -> usize {
    let reader = attacked.reader();
    for (protocol, (number, headers)) in
        BOTH.into_iter().flat_map(|both| std::iter::repeat(both).zip(headers.iter().enumerate()))
    {
        let path = format!("{PODS}/{mark}-{number}");
        attacked.door.send(protocol, &get(protocol, &reader, &path, headers));
    }
    let arrived = attacked.hold(&reader);
    arrived.len()
}

fn by_prefix(attacked: &mut Attacked) {
    let names = [
        "Impersonate-User",
        "impersonate-user",
        "IMPERSONATE-GROUP",
        "Impersonate-Uid",
        "Impersonate-Extra-scopes",
        "Impersonate-Serviceaccount",
        "Impersonate-",
        "Impersonate-User-",
    ];
    let headers: Vec<[Header<'_>; 1]> = names.iter().map(|name| [(*name, b"system:admin".as_slice())]).collect();
    let mut headers: Vec<&[Header<'_>]> = headers.iter().map(<[_; 1]>::as_slice).collect();
    headers.push(&[("Impersonate-User", b""), ("Impersonate-Group", b"system:masters")]);
    headers.push(&[("Impersonate-User", b"bob@example.com"), ("Impersonate-Group", b"system:masters")]);
    headers.push(&[("Impersonate-User", b"system:serviceaccount:kube-system:default")]);
    assert_eq!(try_each(attacked, "prefix", &headers), 0, "a question that has to be refused, not swallowed");
}

fn extras(attacked: &mut Attacked) {
    let names = [
        "Impersonate-Extra-kubegate.io%2fsession",
        "Impersonate-Extra-kubegate.io%2Fsession",
        "Impersonate-Extra-%6bubegate.io%2fsession",
        "Impersonate-Extra-kubegate.io%252fsession",
        "Impersonate-Extra-kubegate.io%2freal-user",
        "Impersonate-Extra-",
        "Impersonate-Extra-%",
        "Impersonate-Extra-%00",
        "Impersonate%2dUser",
        "Impersonate%2DExtra%2Dscopes",
    ];
    let headers: Vec<[Header<'_>; 1]> = names.iter().map(|name| [(*name, b"forged".as_slice())]).collect();
    let headers: Vec<&[Header<'_>]> = headers.iter().map(<[_; 1]>::as_slice).collect();
    // The last two are other headers, which mean nothing to anybody.
    assert_eq!(try_each(attacked, "extra", &headers), 4);
}

fn commas(attacked: &mut Attacked) {
    let arrived = try_each(
        attacked,
        "comma",
        &[
            &[("Impersonate-Group", b"team-a,system:masters")],
            &[("Impersonate-User", b"bob@example.com"), ("Impersonate-Group", b"team-a, system:masters")],
            &[("Impersonate-User", b"bob@example.com,admin")],
        ],
    );
    assert_eq!(arrived, 0);
    for groups in [["team-a,system:masters"], ["system:masters\r\nImpersonate-Group: x"], ["a\u{e9}"]] {
        let joined = attacked.attacker("bob@example.com", &groups, super::attacker::nothing);
        let answer = attacked.door.send(Protocol::Http1, &http1(&joined, &format!("GET {PODS} HTTP/1.1"), &[]));
        assert_eq!(statuses(&answer), [401], "{groups:?} in a token");
        assert!(attacked.hold(&joined).is_empty());
    }
}

fn authenticating_proxy(attacked: &mut Attacked) {
    let headers: [&[Header<'_>]; 6] = [
        &[("X-Remote-User", b"admin"), ("X-Remote-Group", b"system:masters")],
        &[("x-remote-extra-scopes", b"all")],
        &[("X-Forwarded-User", b"admin"), ("X-Forwarded-Groups", b"system:masters")],
        &[("X-Forwarded-Client-Cert", b"By=x;Hash=y;Subject=\"O=system:masters\"")],
        &[("Proxy-Authorization", b"Bearer forged")],
        &[("Cookie", b"authorization=forged")],
    ];
    assert_eq!(try_each(attacked, "proxy", &headers), 12, "they are taken away, and the rest is the reader's");
}

fn underscores(attacked: &mut Attacked) {
    let names =
        ["Impersonate_User", "impersonate_group", "IMPERSONATE_Uid", "X_Remote_User", "x-remote_user", "Audit_Id", "_"];
    let headers: Vec<[Header<'_>; 1]> = names.iter().map(|name| [(*name, b"admin".as_slice())]).collect();
    let headers: Vec<&[Header<'_>]> = headers.iter().map(<[_; 1]>::as_slice).collect();
    assert_eq!(try_each(attacked, "underscore", &headers), 0);
}

fn connection_lists(attacked: &mut Attacked) {
    let lists: [&[u8]; 9] = [
        b"Impersonate-User",
        b"close, Impersonate-User, Impersonate-Group, Impersonate-Uid",
        b"keep-alive,impersonate-user",
        b"IMPERSONATE-USER\t,\timpersonate-extra-kubegate.io%2fsession",
        b"Authorization",
        b"Upgrade, Impersonate-User",
        b"Audit-Id, X-Forwarded-For",
        b",,,Impersonate-User,,",
        b"Transfer-Encoding, Content-Length, Host",
    ];
    let mut headers: Vec<Vec<Header<'_>>> = lists.iter().map(|list| vec![("Connection", *list)]).collect();
    headers.push(vec![("Connection", b"keep-alive"), ("Connection", b"Impersonate-User")]);
    headers.push(vec![("Proxy-Connection", b"Impersonate-User"), ("Keep-Alive", b"Impersonate-User")]);
    headers.push(vec![("Connection", b"Upgrade, Impersonate-User"), ("Upgrade", b"websocket")]);
    let headers: Vec<&[Header<'_>]> = headers.iter().map(Vec::as_slice).collect();
    let arrived = try_each(attacked, "connection", &headers);
    assert!(arrived >= 8, "over HTTP/1.1 they arrive, with all of the identity: {arrived}");
}

fn two_credentials(attacked: &mut Attacked) {
    let other = attacked.attacker("alice@example.com", &["platform-admins"], super::attacker::nothing);
    let other = format!("Bearer {}", other.token);
    let subprotocol = format!("base64url.bearer.authorization.k8s.io.{}", URL_SAFE_NO_PAD.encode(&other[7..]));
    let headers: [&[Header<'_>]; 5] = [
        &[("Authorization", other.as_bytes())],
        &[("authorization", b"Basic YWRtaW46YWRtaW4=")],
        &[("AUTHORIZATION", b"Bearer")],
        &[("Sec-WebSocket-Protocol", subprotocol.as_bytes())],
        &[("Sec-WebSocket-Protocol", b"v4.channel.k8s.io"), ("Sec-WebSocket-Protocol", subprotocol.as_bytes())],
    ];
    assert_eq!(try_each(attacked, "two", &headers), 0);
}

/// The API server itself would authenticate by it.
fn subprotocol(attacked: &mut Attacked) {
    let reader = attacked.reader();
    let good = format!("base64url.bearer.authorization.k8s.io.{}", URL_SAFE_NO_PAD.encode(&reader.token));
    let bad = format!("base64url.bearer.authorization.k8s.io.{}", URL_SAFE_NO_PAD.encode("forged"));
    for (number, (protocols, status)) in [
        (good.clone(), 404),
        (format!("v4.channel.k8s.io, {good}"), 404),
        (good.to_ascii_uppercase().replace(&good[38..].to_ascii_uppercase(), &good[38..]), 404),
        (bad.clone(), 401),
        (format!("{good}, {bad}"), 400),
        (format!("{good}="), 400),
    ]
    .into_iter()
    .enumerate()
    {
        let request = format!(
            "GET {PODS}/subprotocol-{number} HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-WebSocket-Protocol: {protocols}\r\n\r\n"
        );
        assert_eq!(statuses(&attacked.door.send(Protocol::Http1, request.as_bytes())), [status], "{protocols}");
    }
    assert_eq!(attacked.hold(&reader).len(), 3);
}

fn original_path(attacked: &mut Attacked) {
    let elsewhere: &[u8] = b"/api/v1/namespaces/kube-system/secrets/forged";
    let names =
        ["X-Envoy-Original-Path", "X-Original-Url", "X-Rewrite-Url", "X-Envoy-Original-Host", "X-Original-Method"];
    let headers: Vec<[Header<'_>; 1]> = names.iter().map(|name| [(*name, elsewhere)]).collect();
    let mut headers: Vec<&[Header<'_>]> = headers.iter().map(<[_; 1]>::as_slice).collect();
    headers.push(&[
        ("X-Http-Method-Override", b"DELETE"),
        ("X-Http-Method", b"DELETE"),
        ("X-Method-Override", b"DELETE"),
    ]);
    assert_eq!(try_each(attacked, "original", &headers), 12, "each is what it says in its own first line");
}

fn forwarded(attacked: &mut Attacked) {
    let headers: [&[Header<'_>]; 5] = [
        &[("X-Forwarded-For", b"10.0.0.1")],
        &[("X-Forwarded-For", b"10.0.0.1, 10.0.0.2"), ("X-Real-Ip", b"10.0.0.3")],
        &[("Forwarded", b"for=10.0.0.1;by=10.0.0.2;host=elsewhere.example.com")],
        &[("X-Envoy-External-Address", b"10.0.0.1"), ("X-Envoy-Internal", b"true")],
        &[("X-Request-Id", b"forged"), ("Audit-Id", b"forged")],
    ];
    assert_eq!(try_each(attacked, "forwarded", &headers), 10, "the oracle looks at the address and the audit id");
}

fn whitespace(attacked: &mut Attacked) {
    let reader = attacked.reader();
    let lines: [&[u8]; 12] = [
        b"Impersonate-User : admin",
        b"Impersonate-User\t: admin",
        b" Impersonate-User: admin",
        b"Impersonate-User:admin",
        b"X-A: b\r\n Impersonate-User: admin",
        b"X-A: b\r\n\tImpersonate-User: admin",
        b"X-A: b\nImpersonate-User: admin",
        b"X-A: b\rImpersonate-User: admin",
        b"X-A: b\r\r\nImpersonate-User: admin",
        b"X-A:\x0bImpersonate-User: admin",
        b"Imperson\r\n ate-User: admin",
        b": admin",
    ];
    for (number, line) in lines.iter().enumerate() {
        let request = http1(&reader, &format!("GET {PODS}/whitespace-{number} HTTP/1.1"), &[line]);
        attacked.door.send(Protocol::Http1, &request);
    }
    attacked.hold(&reader);
}

fn no_text(attacked: &mut Attacked) {
    let headers: [&[Header<'_>]; 8] = [
        &[("X-A", b"\0Impersonate-User: admin")],
        &[("X-A", b"\xff\xfe")],
        &[("Impersonate-User\0", b"admin")],
        &[("Impersonate-Us\u{e9}r", b"admin")],
        &[("Impersonate-User", b"\xff")],
        &[("Impersonate-User", b"admin\0")],
        &[("\u{130}mpersonate-User", b"admin")],
        &[("Authorization\0", b"Bearer forged")],
    ];
    let arrived = try_each(attacked, "text", &headers);
    assert!(arrived <= 4, "at most a value that nobody reads: {arrived}");
}

fn long(attacked: &mut Attacked) {
    let reader = attacked.reader();
    let value = vec![b'a'; 70_000];
    let many: Vec<Header<'_>> =
        vec![("X-A", b"b".as_slice()); 130].into_iter().chain([("Impersonate-User", b"admin".as_slice())]).collect();
    let under: Vec<Header<'_>> = vec![("X-A", b"b".as_slice()); 100];
    try_each(attacked, "long", &[&[("X-A", &value)], &[("Impersonate-User", &value)], &many]);
    let path = format!("{PODS}/long-allowed");
    attacked.door.send(Protocol::Http1, &get(Protocol::Http1, &reader, &path, &under));
    let events = attacked.hold(&reader);
    assert!(events.iter().any(|event| text(event, "/objectRef/name") == "long-allowed"), "{events:?}");
}
