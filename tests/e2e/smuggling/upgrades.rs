//! Ways out of HTTP/1.1: upgrades, HTTP/2 without agreement, early data.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use kubegate_tests::raw;
use kubegate_tests::world::CLUSTER_HOST;

use super::Attack;
use super::asking::{PODS, http1, http2, smuggled};
use super::attacked::Attacked;
use super::attacker::{Attacker, creates_in_its_namespace, text};
use super::wire::{Protocol, statuses};

pub(super) const ATTACKS: [(&str, Attack); 5] = [
    ("failed_upgrades_leave_no_tunnel_cve_2018_1002105", tunnel),
    ("bytes_behind_an_upgrade_wait_for_its_answer", behind_an_upgrade),
    ("h2c_is_not_spoken", h2c),
    ("http2_without_agreement_is_judged_alike", prior_knowledge),
    ("early_data_is_not_taken", early_data),
];

const UPGRADES: [&[&[u8]]; 3] = [
    &[
        b"Connection: Upgrade",
        b"Upgrade: websocket",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        b"Sec-WebSocket-Protocol: v5.channel.k8s.io",
    ],
    &[b"Connection: Upgrade", b"Upgrade: SPDY/3.1", b"X-Stream-Protocol-Version: v4.channel.k8s.io"],
    &[b"Connection: Upgrade", b"Upgrade: websocket"],
];

/// What cannot be upgraded: the API server answers 200, 400, 403 or 404.
const TARGETS: [&str; 5] = [
    "GET /api/v1/namespaces/team-a/pods HTTP/1.1",
    "GET /version HTTP/1.1",
    "GET /api/v1/namespaces/team-a/pods/nobody/exec?command=id&stdout=true HTTP/1.1",
    "POST /api/v1/namespaces/team-a/pods/nobody/exec?command=id&stdout=true HTTP/1.1",
    "POST /api/v1/namespaces/team-a/pods/nobody/portforward HTTP/1.1",
];

/// Somebody who may open streams.
fn opener(attacked: &Attacked) -> Attacker {
    attacked.attacker("bob@example.com", &["breakglass"], creates_in_its_namespace)
}

fn tunnel(attacked: &mut Attacked) {
    let opener = opener(attacked);
    let mut refused = 0;
    for (target, upgrade) in TARGETS.iter().flat_map(|target| UPGRADES.map(|upgrade| (target, upgrade))) {
        let mut wire = attacked.door.open(Protocol::Http1);
        wire.write(&http1(&opener, target, upgrade));
        wire.read_until(Duration::from_secs(2), |bytes| !statuses(bytes).is_empty());
        let answer = statuses(&wire.read);
        refused += usize::from(answer.first().is_some_and(|status| *status != 101));
        // As if a tunnel stood: with the attacker's own token, with none, and with a forged identity.
        wire.write(&smuggled("tunnel"));
        wire.write(b"GET /version HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        wire.exchange_briefly(&http1(&opener, "GET /api/v1/namespaces/kube-system/secrets/tunnel HTTP/1.1", &[]));
    }
    assert_eq!(refused, TARGETS.len() * UPGRADES.len(), "nothing here can be upgraded");
    no_tunnel(attacked, &opener, "tunnel");
}

/// The same without waiting for the answer.
fn behind_an_upgrade(attacked: &mut Attacked) {
    let opener = opener(attacked);
    let mut requests = Vec::new();
    for (target, upgrade) in TARGETS.iter().flat_map(|target| UPGRADES.map(|upgrade| (target, upgrade))) {
        let mut bytes = http1(&opener, target, upgrade);
        bytes.extend(smuggled("behind"));
        bytes.extend_from_slice(b"GET /version HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        requests.push(bytes);
    }
    attacked.door.send_all(Protocol::Http1, &requests);
    no_tunnel(attacked, &opener, "behind");
}

fn no_tunnel(attacked: &mut Attacked, opener: &Attacker, mark: &str) {
    let arrived = attacked.hold(opener);
    assert!(arrived.len() >= TARGETS.len(), "the upgrades themselves arrive");
    assert!(arrived.iter().all(|event| text(event, "/objectRef/name") != mark), "{arrived:?}");
}

fn h2c(attacked: &mut Attacked) {
    let reader = attacked.reader();
    let settings = b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA".as_slice();
    for lines in [
        [b"Connection: Upgrade, HTTP2-Settings".as_slice(), b"Upgrade: h2c", settings],
        [b"Connection: Upgrade", b"Upgrade: h2c", settings],
        [b"Connection: Upgrade", b"Upgrade: websocket, h2c", settings],
        [b"Connection: Upgrade", b"Upgrade: h2", settings],
        [b"Connection: Upgrade", b"Upgrade: TLS/1.0", b"X: y"],
    ] {
        let mut bytes = http1(&reader, &format!("GET {PODS}/h2c HTTP/1.1"), &lines);
        bytes.extend(http2(&reader, "/api/v1/namespaces/kube-system/secrets/h2c", &[]));
        let answer = attacked.door.open(Protocol::Http1).exchange_briefly(&bytes);
        assert!(!statuses(&answer).contains(&101), "{}", String::from_utf8_lossy(&answer));
    }
    attacked.hold(&reader);
}

/// HTTP/2 where HTTP/1.1 was agreed upon and the other way round; and where nothing was.
fn prior_knowledge(attacked: &mut Attacked) {
    let reader = attacked.reader();
    let path = "/api/v1/namespaces/kube-system/secrets/prior";
    attacked.door.open(Protocol::Http1).exchange_briefly(&http2(&reader, path, &[("impersonate-user", b"admin")]));
    attacked.door.open(Protocol::Http1).exchange_briefly(&http2(&reader, path, &[]));
    attacked.door.open(Protocol::Http2).exchange_briefly(&http1(&reader, &format!("GET {path} HTTP/1.1"), &[]));
    let config = Arc::new(raw::config(attacked.door.ca(), &[]).unwrap());
    let mut stream = raw::open(&config, CLUSTER_HOST, attacked.door.port()).unwrap();
    stream.write_all(&http2(&reader, path, &[])).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert!(attacked.hold(&reader).is_empty());
}

/// What is sent before the handshake is over can be sent again by anybody who saw it.
fn early_data(attacked: &mut Attacked) {
    let reader = attacked.reader();
    let mut config = raw::config(attacked.door.ca(), &[b"http/1.1"]).unwrap();
    config.enable_early_data = true;
    let config = Arc::new(config);
    let request = http1(&reader, &format!("GET {PODS}/early HTTP/1.1"), &[b"Early-Data: 1", b"Connection: close"]);
    for resumed in [false, true] {
        let mut stream = raw::open(&config, CLUSTER_HOST, attacked.door.port()).unwrap();
        assert!(stream.conn.early_data().is_none(), "Envoy's tickets offer none");
        stream.write_all(&request).unwrap();
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
        let kind = stream.conn.handshake_kind();
        assert_eq!(kind == Some(rustls::HandshakeKind::Resumed), resumed, "{kind:?}");
        assert!(!stream.conn.is_early_data_accepted());
    }
    assert_eq!(attacked.hold(&reader).len(), 2);
}
