//! Tokens that are no good, each in its own way: 401 with a `Status` that says why, and nothing reaches the API server.

mod claims;
mod encoding;
mod forge;
mod headers;
mod others;

use std::collections::BTreeSet;
use std::time::Duration;

use kubegate_tests::issuer::{Issuer, now};
use kubegate_tests::kubectl::Kubectl;
use kubegate_tests::variant::Variant;
use kubegate_tests::world::{CLUSTER, CLUSTER_HOST, World};
use kubegate_tests::{http, kubeconfig, poll, raw};
use libtest_mimic::Trial;
use serde_json::Value;
use ureq::Agent;

use crate::suite::{Suite, TEAM};
use forge::{Good, encode};

/// What the attack is called, why its token is refused, and how it is made from a good one.
type Attack = (&'static str, &'static str, Forge);

/// Makes a token from a good one.
type Forge = fn(&Good<'_>) -> String;

const TOO_LARGE: &str = "it is too large";
const MALFORMED: &str = "it is malformed";
const ALGORITHM: &str = "its algorithm is not EdDSA";
const TYPE: &str = "it is of another type";
const KEY: &str = "its signing key is not known";
const SIGNATURE: &str = "its signature is wrong";
const PAYLOAD: &str = "its content is not what such a document holds";
const ISSUER: &str = "was issued by somebody else";
const AUDIENCE: &str = "is for another cluster";
const EXPIRED: &str = "has expired";
const NOT_YET_VALID: &str = "is not valid yet";
const NAME: &str = "name";

const TABLE: [&[Attack]; 9] = [
    headers::ALGORITHMS,
    headers::KEYS,
    headers::TYPES,
    claims::CONTENT,
    claims::JSON,
    encoding::PARTS,
    encoding::BASE64,
    encoding::SIGNATURES,
    encoding::OTHER_KINDS,
];

/// A status and a body.
type Answer = (u16, String);

/// How a token is shown.
#[derive(Clone, Copy, Debug)]
enum Shown {
    InAuthorization,
    InWebSocketProtocol,
}

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test("tokens::attacks_are_refused", attacks),
        suite.test("tokens::none_of_another_kind_opens_a_cluster", others::run),
        suite.test("tokens::no_credential_at_all", no_credential),
    ]
}

/// Each attack is tried, then the good token that it was made from, which is served, and then the attack again, as
/// the filter remembers the good one now.
fn attacks(_: &Suite, world: &World) {
    let issuer = Issuer::new(&world.control_plane_url()).unwrap();
    let configuration = issuer.plugin_configuration(&world.control_plane.policy).unwrap();
    let variant = Variant::of(&world.envoy, world.port).unwrap();
    let variant = variant.with_plugin_configuration(|plugin| *plugin = configuration.clone());
    let (_envoy, port) = variant.start("envoy-tokens", &world.dir.join("envoy"), &world.dir.join("logs")).unwrap();
    let asker = Asker::new(world, port);
    let rows: Vec<&Attack> = TABLE.into_iter().flatten().collect();
    let names: BTreeSet<&str> = rows.iter().map(|(name, ..)| *name).collect();
    assert_eq!(names.len(), rows.len(), "each has a name of its own");

    let (mut served, mut wrong) = (Vec::new(), Vec::new());
    for (name, why, attack) in &rows {
        let good = Good::new(&issuer, name);
        let token = attack(&good);
        let mut attack = |when| {
            for shown in [Shown::InAuthorization, Shown::InWebSocketProtocol] {
                if can_be(&token, shown) {
                    let answer = asker.get(&format!("attack-{name}"), &token, shown);
                    let why = if is_as_it_is(&token, shown) { why } else { MALFORMED };
                    wrong.extend(refused(&answer, why).err().map(|found| format!("{name} {when}, {shown:?}: {found}")));
                }
            }
        };
        attack("at first");
        for shown in [Shown::InAuthorization, Shown::InWebSocketProtocol] {
            let answer = asker.get(&format!("control-{name}"), &good.token, shown);
            assert_eq!(answer.0, 200, "{name}: the good token, {shown:?}: {answer:?}");
        }
        attack("again");
        served.push(format!("control-{name}"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (name, token) in claims::ODD_BUT_GOOD {
        let answer = asker.get(&format!("control-{name}"), &token(&Good::new(&issuer, name)), Shown::InAuthorization);
        assert_eq!(answer.0, 200, "{name}: {answer:?}");
        served.push(format!("control-{name}"));
    }
    check_arrived(world, &served);
    let ended = Good::new(&issuer, "kubectl").but(|claims| claims.exp = now().before(Duration::from_secs(60)));
    kubectl_says_it_well(world, port, &ended);
}

/// What is asked, again and again on the same connection: for a pod, with a mark by which the audit log shows it.
struct Asker {
    client: Agent,
    port: u16,
}

impl Asker {
    fn new(world: &World, port: u16) -> Self {
        Self { client: http::client(&world.pki.ca).unwrap(), port }
    }

    /// The answer's status and body.
    fn get(&self, mark: &str, token: &str, shown: Shown) -> Answer {
        let (name, value) = match shown {
            Shown::InAuthorization => ("authorization", format!("Bearer {token}")),
            Shown::InWebSocketProtocol => {
                ("sec-websocket-protocol", format!("base64url.bearer.authorization.k8s.io.{}", encode(token)))
            }
        };
        let pod = format!("https://{CLUSTER_HOST}:{}/api/v1/namespaces/{TEAM}/pods/hello", self.port);
        let request = self.client.get(format!("{pod}?mark={mark}.")).header(name, value.as_bytes());
        let mut answer = request.call().unwrap_or_else(|error| panic!("{mark}: {error}"));
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }
}

/// Whether there is a way to send it so.
fn can_be(token: &str, shown: Shown) -> bool {
    matches!(shown, Shown::InWebSocketProtocol) || token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether it is read as the kind of token that it is meant for: no browser shows one of pomerium-cli's.
fn is_as_it_is(token: &str, shown: Shown) -> bool {
    matches!(shown, Shown::InAuthorization) || !token.starts_with(kubegate_core::token::POMERIUM_PREFIX)
}

/// Whether it is a 401 that kubectl understands, for the right reason; else what it is.
fn refused(answer: &Answer, why: &str) -> Result<(), String> {
    let (code, body) = answer;
    let status: Value = serde_json::from_str(body).unwrap_or_default();
    let message = status["message"].as_str().unwrap_or_default();
    let is_well = *code == 401 && status["kind"] == "Status" && status["code"] == 401 && message.contains(why);
    if is_well { Ok(()) } else { Err(format!("not 401 because {why:?}, but {code}: {body}")) }
}

/// All that was served is in the API server's audit log, and nothing that was refused.
fn check_arrived(world: &World, served: &[String]) {
    poll::until("the audit log", Duration::from_secs(20), || {
        let events = world.api.audit_events(|event| event["requestURI"].as_str().is_some_and(has_mark)).unwrap();
        let marks: BTreeSet<&str> = events.iter().filter_map(|event| mark(event["requestURI"].as_str()?)).collect();
        assert!(!marks.iter().any(|mark| mark.starts_with("attack-")), "reached the API server: {marks:?}");
        let missing: Vec<_> = served.iter().filter(|mark| !marks.contains(mark.as_str())).collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("not there: {missing:?}")) }
    })
    .unwrap();
}

fn has_mark(uri: &str) -> bool {
    mark(uri).is_some()
}

fn mark(uri: &str) -> Option<&str> {
    uri.split_once("?mark=")?.1.split_once('.').map(|(mark, _)| mark)
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
