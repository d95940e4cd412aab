//! Paths, hosts and methods that two readers could read differently.

use super::asking::{PODS, SECRETS, get, http1};
use super::attacked::Attacked;
use super::attacker::{nothing, text};
use super::frames::{self, END_HEADERS, END_STREAM, Frame, HEADERS};
use super::wire::{Protocol, statuses};
use super::{Attack, BOTH};

pub(super) const ATTACKS: [(&str, Attack); 6] = [
    ("escaped_and_doubled_slashes_are_refused_cve_2021_29492_cve_2026_26205", slashes),
    ("absolute_targets_and_two_hosts_reach_no_other_path", absolute),
    ("streams_asked_for_by_get_are_create_kubernetes_78741_133515_134577", connecting),
    ("paths_open_to_anonymous_carry_no_credential_cve_2023_48312", anonymous),
    ("a_user_without_a_name_is_nobody_ghsa_4xh5_jcj2_ch8q", no_name),
    ("a_refusal_is_never_a_redirect_or_a_page", words),
];

fn slashes(attacked: &mut Attacked) {
    let reader = attacked.reader();
    let paths = [
        "/api/v1/namespaces/team-a%2F..%2Fkube-system/secrets",
        "/api/v1/namespaces/team-a/..%2f..%2fnamespaces%2fkube-system%2fsecrets",
        "/api/v1/namespaces/team-a/../kube-system/secrets",
        "/api/v1/namespaces/team-a/./../kube-system/secrets",
        "/api/v1/namespaces/team-a/%2e%2e/kube-system/secrets",
        "/api/v1/namespaces/team-a/pods/..;/../../kube-system/secrets",
        "//api/v1/namespaces/kube-system/secrets",
        "/api/v1//namespaces/team-a/pods",
        "/api/v1/namespaces/team-a//../kube-system/secrets",
        "/api/v1/namespaces/team-a\\..\\kube-system/secrets",
        "/api/v1/namespaces/team-a%5c..%5ckube-system/secrets",
        "/api/v1/namespaces/team-a%252f..%252fkube-system/secrets",
        "/api/v1/namespaces/team-a/pods%00/../../kube-system/secrets",
        "/api/v1/namespaces/team-a/pods#/../../kube-system/secrets",
        "/api/v1/namespaces/team-a/pods%23/../x",
        "/api/v1/namespaces/kube-system/secrets?/namespaces/team-a/pods",
        "/healthz/../api/v1/namespaces/kube-system/secrets",
        "/version/%2e%2e/api/v1/secrets",
        "/api/v1/namespaces/team-a/pods%3f/../x",
        "/%2561pi/v1/secrets",
        "/api/v1/namespaces/%c0%ae%c0%ae/secrets",
        "/api/v1/namespaces/team-a/pods/%e0%80%af",
    ];
    for (protocol, path) in BOTH.into_iter().flat_map(|protocol| paths.map(|path| (protocol, path))) {
        attacked.door.send(protocol, &get(protocol, &reader, path, &[]));
    }
    let arrived = attacked.hold(&reader);
    assert!(arrived.len() <= 8, "nearly all are refused: {arrived:?}");
}

fn absolute(attacked: &mut Attacked) {
    let reader = attacked.reader();
    let targets = [
        format!("https://127.0.0.1{PODS}/absolute-0"),
        format!("http://127.0.0.1{PODS}/absolute-1"),
        format!("https://elsewhere.example.com{PODS}/absolute-2"),
        format!("https://127.0.0.1{SECRETS}/absolute-3"),
        format!("https://user@127.0.0.1{PODS}/absolute-4"),
        format!("https://127.0.0.1:1{PODS}/absolute-5"),
        format!("https://127.0.0.1\\@elsewhere.example.com{PODS}/absolute-6"),
        format!("file://{PODS}/absolute-7"),
        format!("//127.0.0.1{SECRETS}/absolute-8"),
        "*".to_owned(),
        "127.0.0.1:443".to_owned(),
        format!("{PODS} {SECRETS}"),
    ];
    for target in &targets {
        for method in ["GET", "CONNECT", "OPTIONS"] {
            attacked.door.send(Protocol::Http1, &http1(&reader, &format!("{method} {target} HTTP/1.1"), &[]));
        }
    }
    for hosts in [
        b"Host: elsewhere.example.com".as_slice(),
        b"Host: 127.0.0.1",
        b"Host: localhost",
        b"X-Forwarded-Host: elsewhere.example.com",
    ] {
        attacked.door.send(Protocol::Http1, &http1(&reader, &format!("GET {PODS}/hosts HTTP/1.1"), &[hosts]));
    }
    let twice = [(":authority", b"elsewhere.example.com".as_slice())];
    for headers in [&[("host", b"elsewhere.example.com".as_slice())], &twice] {
        attacked.door.send(Protocol::Http2, &get(Protocol::Http2, &reader, &format!("{PODS}/hosts"), headers));
    }
    let arrived = attacked.hold(&reader);
    let wrong = ["absolute-2", "absolute-3", "absolute-8"];
    assert!(arrived.iter().all(|event| !wrong.contains(&text(event, "/objectRef/name"))), "{arrived:?}");
}

fn connecting(attacked: &mut Attacked) {
    let reader = attacked.reader();
    let upgrade = [
        ("Connection", b"Upgrade".as_slice()),
        ("Upgrade", b"websocket"),
        ("Sec-WebSocket-Version", b"13"),
        ("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Protocol", b"v5.channel.k8s.io"),
    ];
    let paths = [
        "/api/v1/namespaces/team-a/pods/hello/exec?command=id&stdout=true",
        "/api/v1/namespaces/team-a/pods/hello/attach?stdout=true",
        "/api/v1/namespaces/team-a/pods/hello/portforward?ports=80",
        "/api/v1/namespaces/team-a/pods/hello/proxy/",
        "/api/v1/namespaces/team-a/services/hello/proxy/x",
        "/api/v1/proxy/namespaces/team-a/pods/hello/x",
        "/api/v1/nodes/hello/proxy/pods",
        "/api/v1/nodes/hello/proxy/exec/team-a/hello/hello?command=id",
    ];
    for path in paths {
        for headers in [[].as_slice(), &upgrade] {
            let answer = attacked.door.send(Protocol::Http1, &get(Protocol::Http1, &reader, path, headers));
            assert_eq!(statuses(&answer), [403], "{path}");
        }
        attacked.door.send(Protocol::Http2, &get(Protocol::Http2, &reader, path, &[]));
    }
    assert!(attacked.hold(&reader).is_empty());
}

fn anonymous(attacked: &mut Attacked) {
    let nobody = attacked.attacker("nobody@example.com", &[], nothing);
    let paths = [
        "/healthz",
        "/livez",
        "/readyz",
        "/version",
        "/openid/v1/jwks",
        "/.well-known/openid-configuration",
        "/metrics",
    ];
    for path in paths {
        for line in ["", "Authorization: \r\n", "Authorization: Bearer \r\n", "Impersonate-User: admin\r\n"] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{line}\r\n");
            let answer = statuses(&attacked.door.send(Protocol::Http1, request.as_bytes()));
            assert!(matches!(answer.as_slice(), [400 | 401 | 403]), "{path} {line:?}: {answer:?}");
        }
        let bare: [(&[u8], &[u8]); 4] =
            [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"127.0.0.1"), (b":path", path.as_bytes())];
        let frame = Frame::new(HEADERS, END_HEADERS | END_STREAM, 1, frames::block(bare));
        attacked.door.send(Protocol::Http2, &frames::connection(&[frame]));
    }
    assert!(attacked.hold(&nobody).is_empty());
}

/// The gateway's credential without a name to impersonate would be the gateway's own rights.
fn no_name(attacked: &mut Attacked) {
    for user in
        ["", " ", "system:admin", "system:serviceaccount:kubegate:kubegate", "system:anonymous", "a\nb", "\u{0}"]
    {
        let nameless = attacked.attacker(user, &["team-a", "platform-admins"], nothing);
        for path in [PODS, "/version"] {
            let request = http1(&nameless, &format!("GET {path} HTTP/1.1"), &[]);
            assert_eq!(statuses(&attacked.door.send(Protocol::Http1, &request)), [401], "{user:?}");
        }
        assert!(attacked.hold(&nameless).is_empty(), "{user:?}");
    }
    let groupless = attacked.attacker("bob@example.com", &["system:unauthenticated", ""], nothing);
    attacked.door.send(Protocol::Http1, &http1(&groupless, "GET /version HTTP/1.1", &[]));
    let arrived = attacked.arrived(&attacked.attacker("bob@example.com", &[], nothing));
    assert!(
        arrived.is_ok_and(|events| events.iter().all(|event| !event.to_string().contains("system:unauthenticated")))
    );
}

fn words(attacked: &mut Attacked) {
    let reader = attacked.reader();
    let bare = format!("GET {PODS} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\n");
    for request in [
        format!("{bare}\r\n"),
        format!("{bare}Authorization: Bearer forged\r\n\r\n"),
        format!("{bare}Cookie: session=forged\r\n\r\n"),
    ] {
        let answer = attacked.door.send(Protocol::Http1, request.as_bytes());
        let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        assert_eq!(statuses(&answer), [401], "{text}");
        assert!(
            text.contains("application/json") && text.contains("\"status\"") && !text.contains("location:"),
            "{text}"
        );
    }
    assert!(attacked.hold(&reader).is_empty());
}
