//! Every other credential that a real installation has: good where it belongs, and nothing on a cluster's host.

use std::fs;

use kubegate_core::token::POMERIUM_PREFIX;
use kubegate_tests::person::Person;
use kubegate_tests::world::{CLUSTER, World};
use kubegate_tests::{http, raw};
use serde_json::Value;

use super::{Asker, Shown, check_arrived, refused};
use crate::suite::{Suite, Who, done};

pub(super) fn run(suite: &Suite, world: &World) {
    let admin = suite.person(world, Who::Admin);
    done(admin.kubegate(&["login"]));
    let session = admin.token().unwrap();
    let pomerium = service_account(&admin);
    let prefixed = format!("{POMERIUM_PREFIX}{pomerium}");
    let (refresh, access) = at_the_control_plane(world, &admin);
    let workload = workload(world);
    let of_envoy = fs::read_to_string(world.service_account.token_file()).unwrap().trim().to_owned();
    at_the_api_server(world, &workload);
    at_the_api_server(world, &of_envoy);

    let asker = Asker::new(world, world.port);
    for (name, token) in [
        ("refresh-secret-of-a-session", &refresh),
        ("access-token-of-an-administrator", &access),
        ("service-account-of-pomerium-cli-as-a-session", &pomerium),
        ("session-as-a-service-account-of-pomerium-cli", &format!("{POMERIUM_PREFIX}{session}")),
        ("service-account-of-kubernetes", &workload),
        ("service-account-of-envoy", &of_envoy),
    ] {
        for shown in [Shown::InAuthorization, Shown::InWebSocketProtocol] {
            let answer = asker.get(&format!("attack-{name}"), token, shown);
            assert_eq!(refused(&answer, "the session token"), Ok(()), "{name}, {shown:?}");
        }
    }
    let name = "service-account-of-pomerium-cli-in-a-websocket";
    let answer = asker.get(&format!("attack-{name}"), &prefixed, Shown::InWebSocketProtocol);
    assert_eq!(refused(&answer, "the session token"), Ok(()), "{name}");

    for (mark, token) in [("control-session", &session), ("control-service-account", &prefixed)] {
        let answer = asker.get(mark, token, Shown::InAuthorization);
        assert_eq!(answer.0, 200, "{mark}: {answer:?}");
    }
    check_arrived(world, &["control-session".to_owned(), "control-service-account".to_owned()]);
}

/// A token for `pomerium-cli --service-account` that may do everything.
fn service_account(admin: &Person) -> String {
    let group = ["--groups", "platform-admins", "--for", "1h"];
    let issue = ["admin", "service-accounts", "issue", "attacks", "--cluster", CLUSTER];
    done(admin.kubegate(&[issue.as_slice(), &group].concat())).trim().to_owned()
}

/// A refresh secret that is good for another one, and an access token that the control plane takes.
fn at_the_control_plane(world: &World, admin: &Person) -> (String, String) {
    let cache = fs::read_dir(admin.cache.join("kubegate")).unwrap().map(|entry| entry.unwrap().path());
    let cache = cache.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "json")).unwrap();
    let cache: Value = serde_json::from_slice(&fs::read(cache).unwrap()).unwrap();
    let client = http::client(&world.pki.ca).unwrap();
    let secret = cache["refresh_secret"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", secret), ("client_id", "kubegate-cli")];
    let mut answer = client.post(cache["endpoints"]["token"].as_str().unwrap()).send_form(form).unwrap();
    let answer: Value = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
    let text = |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("no {name}: {answer}")).to_owned();
    let (refresh, access) = (text("refresh_token"), text("access_token"));
    let whoami = format!("{}/api/v1/whoami", world.control_plane_url());
    let answer = client.get(&whoami).header("authorization", format!("Bearer {access}")).call().unwrap();
    assert_eq!(answer.status(), 200, "the access token is good there");
    (refresh, access)
}

/// What a pod would have, for the API server itself.
fn workload(world: &World) -> String {
    let create = ["create", "token", "default", "-n", "default", "--duration", "10m"];
    world.api.admin.run(&create).unwrap().ok().unwrap().trim().to_owned()
}

/// The API server itself takes the token: only the filter is between them.
fn at_the_api_server(world: &World, token: &str) {
    let (host, port) = world.api.url.strip_prefix("https://").unwrap().split_once(':').unwrap();
    let header = format!("Authorization: Bearer {token}");
    let answer = raw::get(&world.api.ca, host, port.parse().unwrap(), "/api", &[header.as_bytes()]).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
}
