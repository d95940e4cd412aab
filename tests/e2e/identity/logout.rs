//! Signing out here, and at the provider.

use std::time::Duration;

use kubegate_tests::browser::{Browser, Page};
use kubegate_tests::html;
use kubegate_tests::world::World;

use super::device::signs_in;
use super::sign_in::PLACE;
use super::site::Site;

/// How long the gateway may take to hear of it.
const AT_ONCE: Duration = Duration::from_secs(1);

pub(super) fn here(site: &Site, world: &World) {
    let lou = site.person(world, "lou");
    let browser = signs_in(site, world, &lou);
    let token = lou.token().unwrap();
    let home = browser.open(&site.url()).unwrap();
    let form = home.form("/logout").unwrap_or_else(|| panic!("no button: {}", home.text()));
    let page = browser.submit(&home, &form, &[]).unwrap();
    site.until_ended(world, &token, AT_ONCE);
    assert!(page.text().contains("You are signed out"), "{}", page.text());
    // As a browser does by itself.
    let issuer = &site.provider.registration().issuer;
    let link = html::links(&page.body).into_iter().find(|link| link.starts_with(issuer)).unwrap();
    let last = confirmed(&browser, browser.open(&link).unwrap());
    assert!(last.url.as_str().starts_with(&format!("{}/logged-out", site.url())), "{}: {}", last.url, last.text());
    assert!(last.text().contains("signed out of Example company too"), "{}", last.text());
    let there = site.ask(&browser);
    assert!(there.body.contains("name=\"password\""), "the provider asks for the password again: {}", there.text());
}

/// Says yes where the provider asks whether it is meant.
fn confirmed(browser: &Browser, page: Page) -> Page {
    let forms = html::forms(&page.body);
    match forms.iter().find(|form| form.fields.contains_key("xsrf")) {
        Some(form) => browser.submit(&page, form, &[("logout", "yes")]).unwrap(),
        None => page,
    }
}

pub(super) fn there(site: &Site, world: &World) {
    let [at_home, at_work] = ["vera"; 2].map(|user| site.person(world, user));
    for person in [&at_home, &at_work] {
        person.kubectl.run(&["get", "configmaps", "-n", PLACE]).unwrap().ok().unwrap();
    }
    let tokens = [&at_home, &at_work].map(|person| person.token().unwrap());
    let bystander = site.person(world, "dora").token().unwrap();
    site.provider.end_sessions("vera").unwrap();
    for token in &tokens {
        site.until_ended(world, token, AT_ONCE);
    }
    let out = at_home.kubegate(&["whoami"]).unwrap();
    assert!(!out.status.success(), "nor is there another: {out:?}");
    assert_eq!(site.status(world, &bystander), 200, "who was not signed out goes on");
}
