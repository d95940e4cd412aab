//! A sign-in at the provider's own page, and what comes of it in the cluster.

use kubegate_tests::world::World;

use super::site::{self, Site};
use crate::suite::claims;

/// Where the group `engineers` may do something, and nobody else may.
pub(super) const PLACE: &str = "workshop";

pub(super) fn groups(site: &Site, world: &World) {
    let dora = site.person(world, "dora");
    let who = ["auth", "whoami", "-o", "jsonpath={.status.userInfo.username} {.status.userInfo.groups}"];
    let told = dora.kubectl.run(&who).unwrap().ok().unwrap();
    let groups = r#"["company:engineers","company:on-call","system:authenticated"]"#;
    assert_eq!(told, format!("company:dora@company.example {groups}"));
    dora.kubectl.run(&["get", "configmaps", "-n", PLACE]).unwrap().ok().unwrap();
    let token = claims(&dora.token().unwrap());
    assert!(token.auth_time.seconds() > 0, "the provider says when it was: {token:?}");
    assert_eq!(dora.sign_ins().unwrap().len(), 1);

    let erin = site.person(world, "erin");
    let told = erin.kubectl.run(&who).unwrap().ok().unwrap();
    assert_eq!(told, r#"company:erin@company.example ["system:authenticated"]"#);
    let refused = erin.kubectl.run(&["get", "configmaps", "-n", PLACE]).unwrap();
    assert!(refused.stderr.contains("cannot list resource"), "without the group RBAC refuses: {refused}");
}

pub(super) fn wrong_password(site: &Site, world: &World) {
    let mut login = site::login("dora");
    "wrong".clone_into(&mut login.password);
    let refused = site.sign_in(world, &login);
    let provider = &site.provider.registration().issuer;
    let told = match refused {
        // Some answer so, others show the form again.
        Err(error) => error.to_string(),
        Ok((_, page)) => panic!("signed in at {}: {}", page.url, page.text()),
    };
    assert!(told.contains(provider), "it ends at the provider's own page: {told}");
}
