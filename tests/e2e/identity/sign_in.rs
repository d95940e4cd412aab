//! A sign-in at the provider's own page, and what comes of it in the cluster.

use kubegate_tests::browser::Browser;
use kubegate_tests::html;
use kubegate_tests::world::World;
use url::Url;

use super::site::Site;
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
    let browser = Browser::new(&world.pki.ca).unwrap();
    let page = site.ask(&browser);
    let forms = html::forms(&page.body);
    let form = forms.iter().find(|form| form.fields.contains_key("password")).unwrap();
    let page = browser.submit(&page, form, &[("username", "dora"), ("password", "wrong")]).unwrap();
    assert_eq!(page.url.origin(), Url::parse(&site.provider().registration().issuer).unwrap().origin(), "still there");
    assert!(page.body.contains("name=\"password\""), "and asked again: {}", page.text());
    let home = browser.open(&site.url()).unwrap();
    assert!(home.form("/logout").is_none(), "nobody is signed in: {}", home.text());
}
