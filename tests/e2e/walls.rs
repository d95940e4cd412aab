//! The second wall: without the filter's word Envoy itself has no way to the API server.

use kubegate_core::token::SESSION_TYPE;
use kubegate_tests::envoy::Envoy;
use kubegate_tests::issuer::Issuer;
use kubegate_tests::paths;
use kubegate_tests::raw;
use kubegate_tests::variant::Variant;
use kubegate_tests::world::{CLUSTER, CLUSTER_HOST, World};
use libtest_mimic::Trial;

use crate::sabotage::{self, Trap};
use crate::suite::{Suite, TEAM, Who};

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test("walls::bootstrap_is_valid", |_, world| Envoy::validate(&world.envoy.config).unwrap()),
        suite.test("walls::nothing_passes_without_the_filter", without_the_filter),
        suite.test("walls::nothing_passes_when_the_filter_traps", trapping),
        suite.test("walls::no_secret_in_config_dump_and_logs", no_secrets),
    ]
}

fn without_the_filter(suite: &Suite, world: &World) {
    let variant = Variant::of(&world.envoy, world.port).unwrap().without_filter();
    let (_envoy, port) = variant.start("envoy-no-filter", &world.dir.join("envoy"), &world.dir.join("logs")).unwrap();
    nothing_passes(suite, world, port, "no-filter");
}

/// What the filter asks of Envoy while it decides and rewrites a request.
const HOST_CALLS: [&str; 5] = [
    "proxy_get_header_map_pairs",
    "proxy_remove_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_add_header_map_value",
    "proxy_set_property",
];

/// The filter, with a policy and a token under which it allows the request, traps at each step on the way there.
fn trapping(_: &Suite, world: &World) {
    let issuer = Issuer::new(&world.control_plane_url()).unwrap();
    let configuration = issuer.plugin_configuration(&world.control_plane.policy).unwrap();
    let claims = issuer.claims(CLUSTER, "alice@example.com", &["platform-admins"]);
    let authorization = format!("Authorization: Bearer {}", issuer.token_key.sign(SESSION_TYPE, &claims).unwrap());
    let behind_the_decision = Trap::AfterProperty("kubegate.cluster".len());
    let traps = HOST_CALLS.into_iter().map(Trap::Before).chain([behind_the_decision]);
    let mut tried = 0;
    for (number, trap) in traps.enumerate() {
        let module = world.dir.join(format!("trap-{number}.wasm"));
        if !sabotage::write(&paths::filter().unwrap(), trap, &module) {
            continue;
        }
        let variant = Variant::of(&world.envoy, world.port).unwrap().with_module(&module);
        let variant = variant.with_plugin_configuration(|plugin| *plugin = configuration.clone());
        let name = format!("envoy-trap-{number}");
        let (_envoy, port) = variant.start(&name, &world.dir.join("envoy"), &world.dir.join("logs")).unwrap();
        let path = format!("/api/v1/namespaces/{TEAM}/pods/{name}");
        // An upgrade, so that the filter makes all of these calls.
        let headers = [authorization.as_bytes(), b"Connection: Upgrade", b"Upgrade: websocket"];
        let answer = raw::get(&world.pki.ca, CLUSTER_HOST, port, &path, &headers).unwrap();
        assert!(answer.status >= 500, "{trap:?}: {answer:?}");
        let arrived = world.api.audit_events(|event| event.to_string().contains(&name)).unwrap();
        assert!(arrived.is_empty(), "{trap:?}: reached the API server: {arrived:?}");
        tried += 1;
    }
    assert!(tried >= 5, "the filter makes only {tried} of the host calls that are tried here");
}

/// Neither a good token nor forged headers get anywhere, on any method or way of asking.
fn nothing_passes(suite: &Suite, world: &World, port: u16, mark: &str) {
    let token = suite.person(world, Who::Admin).token().unwrap();
    let authorization = format!("Authorization: Bearer {token}");
    let forged = "Impersonate-User: alice@example.com\r\nImpersonate-Group: system:masters";
    let decided = "x-kubegate-decision: allow\r\nkubegate.decision: allow\r\nwasm.kubegate.decision: allow";
    for (number, headers) in ["", &authorization, forged, decided].into_iter().enumerate() {
        for method in ["GET", "POST", "DELETE"] {
            let path = format!("/api/v1/namespaces/{TEAM}/pods/{mark}-{number}");
            let request =
                format!("{method} {path} HTTP/1.1\r\nHost: {CLUSTER_HOST}\r\nConnection: close\r\n{headers}\r\n\r\n");
            let request = request.replace("\r\n\r\n\r\n", "\r\n\r\n");
            let answer = raw::send(&world.pki.ca, CLUSTER_HOST, port, request.as_bytes()).unwrap();
            assert!(matches!(answer.status, 403 | 500 | 503), "{mark} {method} {headers}: {answer:?}");
        }
    }
    let arrived = world.api.audit_events(|event| event.to_string().contains(&format!("{mark}-"))).unwrap();
    assert!(arrived.is_empty(), "{mark}: reached the API server: {arrived:?}");
}

fn no_secrets(suite: &Suite, world: &World) {
    let person = suite.person(world, Who::Reader);
    person.kubectl.run(&["get", "pods", "-n", TEAM]).unwrap().ok().unwrap();
    let token = person.token().unwrap();
    let of_envoy = std::fs::read_to_string(world.service_account.token_file()).unwrap();
    let of_gateway = std::fs::read_to_string(&world.control_plane.gateway_credential).unwrap();
    let dump = world.envoy.config_dump().unwrap();
    let log = world.envoy.access_log().unwrap();
    let control_plane_log = std::fs::read_to_string(world.control_plane.log()).unwrap();
    for (what, secret) in
        [("session token", &token), ("service account token", &of_envoy), ("gateway credential", &of_gateway)]
    {
        let signature = secret.trim().rsplit('.').next().unwrap();
        for (place, text) in
            [("config dump", &dump), ("Envoy's log", &log), ("control plane's log", &control_plane_log)]
        {
            assert!(!text.contains(signature), "the {what} is in the {place}");
        }
    }
}
