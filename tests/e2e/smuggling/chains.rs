//! Another filter in the chain that means no good. Before ours, what it does to a request counts as if the client had
//! done it. Behind ours it can undo every decision: that order is refused before Envoy starts.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use kubegate_tests::paths;
use kubegate_tests::variant::Place;
use kubegate_tests::world::World;
use libtest_mimic::Trial;

use super::BOTH;
use super::asking::{PODS, SECRETS, get, http1};
use super::attacked::Attacked;
use super::attacker::text;
use super::hostile::{self, Act};
use super::wire::{Protocol, statuses};
use crate::sabotage::{self, Trap};
use crate::suite::Suite;
use Act::{Add, Replace, State};

pub(super) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test("smuggling::chains::a_filter_before_ours_cannot_add_an_identity", |_, world| identity(world)),
        suite.test("smuggling::chains::a_path_rewritten_before_ours_is_the_one_that_is_judged", |_, world| path(world)),
        suite.test("smuggling::chains::forged_filter_state_opens_nothing_before_ours", |_, world| state(world)),
        suite.test("smuggling::chains::forged_filter_state_opens_nothing_when_ours_traps", |_, world| trapping(world)),
        suite.test("smuggling::chains::a_filter_behind_ours_is_refused_before_the_start", |_, world| behind(world)),
    ]
}

const IDENTITY: [&[Act]; 12] = [
    &[Add("impersonate-user", "admin"), Add("impersonate-group", "system:masters")],
    &[Add("Impersonate-Group", "system:masters")],
    &[Replace("impersonate-uid", "0")],
    &[Add("impersonate-extra-kubegate.io%2fsession", "forged")],
    // Envoy has looked for underscores by now.
    &[Add("impersonate_user", "admin")],
    &[Add("Impersonate_Group", "system:masters")],
    &[Add("authorization", "Bearer forged")],
    &[Add("x-remote-user", "admin"), Add("x-remote-group", "system:masters")],
    &[Add("x_remote_user", "admin"), Add("x_forwarded_for", "10.0.0.1")],
    &[Add("connection", "impersonate-user, authorization")],
    &[Add("x-forwarded-for", "10.0.0.1"), Add("audit-id", "forged"), Add("x-kubegate-cluster", "demo")],
    &[Add("sec-websocket-protocol", "base64url.bearer.authorization.k8s.io.Zm9yZ2Vk")],
];

fn identity(world: &World) {
    let mut attacked = before(world, "identity", &IDENTITY);
    let arrived = try_each(&mut attacked, IDENTITY.len());
    // Those that are swallowed, and taken away; of the rest a client hears that it is refused.
    assert_eq!(arrived, ["h", "h", "i", "i", "j", "j", "k", "k"]);
}

const PATHS: [&[Act]; 12] = [
    &[Replace(":path", "/api/v1/namespaces/kube-system/secrets/p")],
    &[Replace(":path", "/api/v1/namespaces/team-a/../kube-system/secrets/p")],
    &[Replace(":path", "/api/v1/namespaces/team-a/pods/..%2F..%2F..%2Fkube-system/secrets/p")],
    &[Replace(":path", "//api/v1/namespaces/kube-system/secrets/p")],
    &[Replace(":path", "/api/v1/namespaces/team-a//pods/p")],
    &[Replace(":path", "/api/v1/namespaces/team-a/pods;/p")],
    &[Replace(":path", "https://127.0.0.1/api/v1/secrets")],
    &[Replace(":path", "/version HTTP/1.1\r\nimpersonate-user: admin")],
    &[Replace(":path", "")],
    &[Replace(":method", "DELETE")],
    &[Replace(":authority", "elsewhere.example.com")],
    &[Replace(":path", "/api/v1/namespaces/team-a/configmaps/rewritten")],
];

fn path(world: &World) {
    let mut attacked = before(world, "path", &PATHS);
    let arrived = try_each(&mut attacked, PATHS.len());
    assert_eq!(arrived, ["rewritten", "rewritten"], "what the reader may read as well");
}

const FORGED: [&[Act]; 4] = [
    &[State("kubegate.cluster", "demo"), Add("x-none", "1")],
    &[State("kubegate.cluster", "demo"), Add("impersonate-user", "admin"), Add("impersonate-group", "system:masters")],
    &[State("kubegate.local", "control-plane"), Add("x-kubegate-cluster", "demo")],
    &[State("kubegate.cluster", "elsewhere"), Add("x-none", "1")],
];

/// The state alone opens no route, since ours answers all that it does not allow, and what it decides replaces it.
fn state(world: &World) {
    let mut attacked = before(world, "state", &FORGED);
    let reader = attacked.reader();
    for deed in 0..FORGED.len() {
        let line = format!("X-Deed: {}\r\n", hostile::letter(deed));
        for path in [PODS, SECRETS, "/version", "/.pomerium/x"] {
            let nobody = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{line}\r\n");
            let forged = nobody.replace(&line, &format!("{line}Authorization: Bearer forged\r\n"));
            for request in [nobody, forged] {
                let answer = statuses(&attacked.door.send(Protocol::Http1, request.as_bytes()));
                assert!(matches!(answer.as_slice(), [401 | 403 | 404]), "{request}: {answer:?}");
            }
        }
        let secrets = http1(&reader, &format!("GET {SECRETS} HTTP/1.1"), &[line.trim_end().as_bytes()]);
        assert_eq!(statuses(&attacked.door.send(Protocol::Http1, &secrets)), [403]);
    }
    assert!(attacked.hold(&reader).is_empty());
    let arrived = try_each(&mut attacked, FORGED.len());
    assert_eq!(arrived, ["a", "a", "c", "c", "d", "d"], "by our decision");
}

/// With the route open and an identity there already, all that is missing is our filter: it must not fail open.
fn trapping(world: &World) {
    let deeds: [&[Act]; 2] = [FORGED[1], &[Act::Trap]];
    let module = written(world, "trapping", &deeds);
    let ours = world.dir.join("trap-of-ours.wasm");
    assert!(sabotage::write(&paths::filter().unwrap(), Trap::AfterHeaders(2500), &ours), "ours reads headers");
    let mut attacked = Attacked::changed(world, "envoy-chain-trapping", |variant| {
        variant.with_module(&ours).with_neighbour(Place::Before, "hostile", &module)
    });
    let reader = attacked.reader();
    for (protocol, deed) in BOTH.into_iter().flat_map(|protocol| ["a", "b"].map(|deed| (protocol, deed))) {
        let long = [b'x'; 3000];
        let headers = [("X-Deed", deed.as_bytes()), ("X-Long", &long)];
        let answer = attacked.door.send(protocol, &get(protocol, &reader, PODS, &headers));
        assert!(protocol == Protocol::Http2 || statuses(&answer) == [503], "{}", String::from_utf8_lossy(&answer));
        // A trapped filter is loaded anew after a second.
        std::thread::sleep(std::time::Duration::from_secs(2));
    }
    assert!(attacked.hold(&reader).is_empty());
}

/// What nothing of ours could hold up; and the proof that the oracle sees it when somebody gets through.
const UNDOING: [(&[Act], &str); 6] = [
    (&[Add("impersonate-group", "system:masters")], "the identity is not"),
    (&[Replace("impersonate-user", "admin")], "the identity is not"),
    (&[Replace("impersonate-extra-kubegate.io%2fsession", "forged")], "the identity is not"),
    (&[Replace(":path", "/api/v1/namespaces/kube-system/secrets")], "the policy denies"),
    (&[Replace(":method", "DELETE")], "the policy denies"),
    (&[Replace("audit-id", "forged-by-a-filter-behind-ours-------")], "the audit id"),
];

fn behind(world: &World) {
    let module = written(world, "behind", &UNDOING.map(|(deed, _)| deed));
    let mut attacked = Attacked::changed(world, "envoy-chain-behind", |variant| {
        variant.with_neighbour(Place::Behind, "hostile", &module)
    });
    let check =
        Command::new(paths::binary("kubegate").unwrap()).args(["envoy", "check"]).arg(attacked.config()).output();
    let check = check.unwrap();
    let said = String::from_utf8_lossy(&check.stdout);
    assert_eq!(check.status.code(), Some(1), "{said}");
    assert!(said.contains("the filter \"hostile\" stands behind Kubegate's"), "{said}");

    let reader = attacked.reader();
    for (number, (deed, expected)) in UNDOING.into_iter().enumerate() {
        let letter = hostile::letter(number).to_string();
        let request = get(Protocol::Http1, &reader, &format!("{PODS}/behind"), &[("X-Deed", letter.as_bytes())]);
        attacked.door.send(Protocol::Http1, &request);
        let seen = attacked.arrived(&reader).expect_err("the oracle sees it");
        assert!(seen.starts_with(expected), "{deed:?}: {seen}");
    }
}

/// One request for each deed over each protocol; the names of what arrived, which is the reader's.
fn try_each(attacked: &mut Attacked, deeds: usize) -> Vec<String> {
    let reader = attacked.reader();
    for (deed, protocol) in
        (0..deeds).flat_map(|deed| BOTH.map(|protocol| (hostile::letter(deed).to_string(), protocol)))
    {
        let request = get(protocol, &reader, &format!("{PODS}/{deed}"), &[("X-Deed", deed.as_bytes())]);
        attacked.door.send(protocol, &request);
    }
    attacked.hold(&reader).iter().map(|event| text(event, "/objectRef/name").to_owned()).collect()
}

/// An Envoy with a filter before ours that can do these deeds.
fn before(world: &World, name: &str, deeds: &[&[Act]]) -> Attacked {
    let module = written(world, name, deeds);
    Attacked::changed(world, &format!("envoy-chain-{name}"), |variant| {
        variant.with_neighbour(Place::Before, "hostile", &module)
    })
}

fn written(world: &World, name: &str, deeds: &[&[Act]]) -> PathBuf {
    let module = world.dir.join(format!("hostile-{name}.wasm"));
    fs::write(&module, hostile::filter(deeds)).unwrap();
    module
}
