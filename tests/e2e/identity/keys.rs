//! Other signing keys at the provider.

use std::collections::BTreeSet;

use kubegate_tests::http;
use kubegate_tests::world::World;
use serde_json::Value;

use super::sign_in::PLACE;
use super::site::Site;

pub(super) fn rotated(site: &Site, world: &World) {
    let before = site.person(world, "dora");
    let get = ["get", "configmaps", "-n", PLACE];
    before.kubectl.run(&get).unwrap().ok().unwrap();
    let old = published(site);

    site.provider().rotate_keys().unwrap();
    let new = published(site);
    assert!(
        new.is_superset(&old) && new.len() > old.len(),
        "the new one is published beside the old ones: {old:?} {new:?}"
    );
    before.kubectl.run(&get).unwrap().ok().unwrap();
    site.person(world, "dora").kubectl.run(&get).unwrap().ok().unwrap();
    before.forget_token().unwrap();
    before.kubectl.run(&get).unwrap().ok().unwrap();
    assert_eq!(before.sign_ins().unwrap().len(), 1, "who had signed in before goes on");
}

/// The ids of the keys that the provider publishes.
fn published(site: &Site) -> BTreeSet<String> {
    let get = |url: &str| -> Value {
        let text = http::plain_client().get(url).call().unwrap().body_mut().read_to_string().unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let discovery = get(&format!("{}/.well-known/openid-configuration", site.provider().registration().issuer));
    let keys = get(discovery["jwks_uri"].as_str().unwrap());
    keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}
