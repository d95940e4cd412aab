//! Tokens that are no good, each in its own way: 401 with a `Status`, and nothing reaches the API server.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kubegate_core::token::{ACCESS_TYPE, SESSION_TYPE, SessionClaims};
use kubegate_tests::issuer::{Issuer, fresh_key, now};
use kubegate_tests::kubectl::Kubectl;
use kubegate_tests::variant::Variant;
use kubegate_tests::world::{CLUSTER, CLUSTER_HOST, World};
use kubegate_tests::{kubeconfig, raw};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::suite::{Suite, TEAM};

const ALICE: &str = "alice@example.com";

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test("tokens::bad_ones_are_refused", bad_tokens),
        suite.test("tokens::no_credential_at_all", no_credential),
    ]
}

fn bad_tokens(_: &Suite, world: &World) {
    let issuer = Issuer::new(&world.control_plane_url()).unwrap();
    let configuration = issuer.plugin_configuration(&world.control_plane.policy).unwrap();
    let variant = Variant::of(&world.envoy, world.port).unwrap();
    let variant = variant.with_plugin_configuration(|plugin| *plugin = configuration.clone());
    let (_envoy, port) = variant.start("envoy-tokens", &world.dir.join("envoy"), &world.dir.join("logs")).unwrap();
    let get = |name: &str, token: &str| {
        let path = format!("/api/v1/namespaces/{TEAM}/pods/{name}");
        let authorization = format!("Authorization: Bearer {token}").into_bytes();
        raw::get(&world.pki.ca, CLUSTER_HOST, port, &path, &[&authorization]).unwrap()
    };
    let good = issuer.claims(CLUSTER, ALICE, &["platform-admins"]);
    let sign = |claims: &SessionClaims| issuer.token_key.sign(SESSION_TYPE, claims).unwrap();
    let answer = get("hello", &sign(&good));
    assert_eq!(answer.status, 200, "the good token is good: {answer:?}");

    for (name, token) in bad_ones(&issuer, &good) {
        let pod = format!("bad-token-{name}");
        let answer = get(&pod, &token);
        assert_eq!(answer.status, 401, "{name}: {answer:?}");
        let body = &answer.body[answer.body.find('{').unwrap_or(0)..=answer.body.rfind('}').unwrap_or(0)];
        let status: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{name}: {error}: {answer:?}"));
        assert_eq!((&status["kind"], &status["code"]), (&"Status".into(), &401.into()), "{name}: {status}");
        let arrived = world.api.audit_events(|event| event.to_string().contains(&pod)).unwrap();
        assert!(arrived.is_empty(), "{name} reached the API server: {arrived:?}");
    }
    kubectl_says_it_well(world, port, &sign(&SessionClaims { exp: now().before(Duration::from_secs(60)), ..good }));
}

fn bad_ones(issuer: &Issuer, good: &SessionClaims) -> Vec<(&'static str, String)> {
    let minute = Duration::from_secs(60);
    let sign = |claims: SessionClaims| issuer.token_key.sign(SESSION_TYPE, &claims).unwrap();
    let signed = sign(good.clone());
    let [header, claims, signature]: [&str; 3] = signed.split('.').collect::<Vec<_>>().try_into().unwrap();
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let decode = |part: &str| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap() };
    let with = |part: &str, key: &str, value: &str| {
        let mut content = decode(part);
        content[key] = value.into();
        encode(&content)
    };
    vec![
        ("expired", sign(SessionClaims { exp: now().before(minute), ..good.clone() })),
        ("not-yet-valid", sign(SessionClaims { nbf: now().after(minute * 5), ..good.clone() })),
        ("wrong-audience", sign(SessionClaims { aud: "elsewhere".into(), ..good.clone() })),
        ("wrong-issuer", sign(SessionClaims { iss: "https://evil.example.com".to_owned(), ..good.clone() })),
        ("wrong-typ", issuer.token_key.sign(ACCESS_TYPE, good).unwrap()),
        ("plain-typ", issuer.token_key.sign("JWT", good).unwrap()),
        ("wrong-key", fresh_key().unwrap().sign(SESSION_TYPE, good).unwrap()),
        ("key-of-bundles", issuer.bundle_key.sign(SESSION_TYPE, good).unwrap()),
        ("tampered", format!("{header}.{}.{signature}", with(claims, "user", "root"))),
        ("no-signature", format!("{header}.{claims}.")),
        ("alg-none", format!("{}.{claims}.", with(header, "alg", "none"))),
        ("alg-none-signed", format!("{}.{claims}.{signature}", with(header, "alg", "none"))),
        ("alg-hs256", format!("{}.{claims}.{signature}", with(header, "alg", "HS256"))),
        ("reserved-user", sign(SessionClaims { user: "system:admin".to_owned(), ..good.clone() })),
        ("group-with-comma", sign(SessionClaims { groups: vec!["a,system:masters".to_owned()], ..good.clone() })),
        ("garbage", "garbage".to_owned()),
        ("dots", "...".to_owned()),
        ("too-long", "a".repeat(20_000)),
    ]
}

/// What a person reads: client-go's own words for a 401.
fn kubectl_says_it_well(world: &World, port: u16, token: &str) {
    let file = world.dir.join("bad-token.kubeconfig");
    let server = format!("https://{CLUSTER_HOST}:{port}");
    let target = kubeconfig::Target {
        cluster: CLUSTER,
        server: &server,
        control_plane: &world.control_plane_url(),
        ca: &world.pki.ca,
        namespace: TEAM,
    };
    kubeconfig::write_with_token(&file, target, token).unwrap();
    let kubectl = Kubectl::new(world.api.admin.binary(), &file).with_env("KUBECACHEDIR", world.dir.join("bad-cache"));
    let answer = kubectl.run(&["get", "pods"]).unwrap();
    assert!(!answer.succeeded() && answer.stderr.contains("must be logged in"), "{answer}");
}

fn no_credential(_: &Suite, world: &World) {
    for path in
        ["/api/v1/namespaces", "/version", "/healthz", "/openid/v1/jwks", "/.well-known/openid-configuration", "/"]
    {
        let answer = raw::get(&world.pki.ca, CLUSTER_HOST, world.port, path, &[]).unwrap();
        assert_eq!(answer.status, 401, "{path}: {answer:?}");
    }
}
