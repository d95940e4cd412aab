//! Signing out here, and at the provider.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::Instant;

use kubegate_tests::browser::{Browser, Page};
use kubegate_tests::kubectl::Session;
use kubegate_tests::person::Person;
use kubegate_tests::world::World;
use kubegate_tests::{html, poll};
use serde_json::Value;

use super::device::signs_in;
use super::site::Site;
use super::stream::{AT_ONCE, ends_at_once, goes_on, watching};
use crate::cut::PATIENCE;
use crate::suite::{done, refused};

pub(super) fn here(site: &Site, world: &World) {
    let [machine, mut desk] = ["lou"; 2].map(|user| site.person(world, user));
    let browser = signs_in(site, world, &machine);
    signs_in_with(&browser, &mut desk);
    let mut streams = [watching(&machine), watching(&desk)];
    let listed: Value = serde_json::from_str(&done(desk.kubegate(&["sessions", "--json"]))).unwrap();
    let kinds: Vec<&str> =
        listed["sessions"].as_array().unwrap().iter().map(|session| session["kind"].as_str().unwrap()).collect();
    for kind in ["browser", "cli", "device"] {
        assert!(kinds.contains(&kind), "{kind}: {listed}");
    }

    let home = browser.open(&site.url()).unwrap();
    let form = home.form("/logout").unwrap_or_else(|| panic!("no button: {}", home.text()));
    let page = browser.submit(&home, &form, &[]).unwrap();
    streams.iter_mut().for_each(ends_at_once);
    for person in [&machine, &desk] {
        let told = refused(person.kubegate(&["whoami"]));
        assert!(told.contains("you signed out"), "{told}");
    }
    assert!(page.text().contains("You are signed out"), "{}", page.text());
    // As a browser does by itself.
    let issuer = &site.provider().registration().issuer;
    let link = html::links(&page.body).into_iter().find(|link| link.starts_with(issuer)).unwrap();
    let last = confirmed(&browser, browser.open(&link).unwrap());
    assert!(
        last.url.as_str().starts_with(&format!("{}/logged-out?state=", site.url())),
        "{}: {}",
        last.url,
        last.text()
    );
    assert!(last.text().contains("signed out of Example company too"), "{}", last.text());
    let there = site.ask(&browser);
    assert!(there.body.contains("name=\"password\""), "the provider asks for the password again: {}", there.text());
}

/// Signs a person's computer in with a browser that somebody has signed in with already.
fn signs_in_with(browser: &Browser, person: &mut Person) {
    // In place of a browser, something that only notes the URL.
    let [script, noted] = ["note-url.sh", "noted-url"].map(|name| person.kubeconfig.with_file_name(name));
    fs::write(&script, format!("#!/bin/sh\nprintf %s \"$1\" > {0}.new && mv {0}.new {0}\n", noted.display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    person.kubectl = person.kubectl.clone().with_env("BROWSER", &script);
    thread::scope(|scope| {
        let login = scope.spawn(|| done(person.kubegate(&["login"])));
        let url = poll::until("the URL of the sign-in", PATIENCE, || {
            fs::read_to_string(&noted).map_err(|error| error.to_string())
        });
        browser.sign_in(&url.unwrap(), &person.login).unwrap();
        login.join().unwrap();
    });
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
    let people = ["vera"; 2].map(|user| site.person(world, user));
    let bystander = site.person(world, "dora");
    let mut streams: Vec<(&Person, Session)> = people.iter().map(|person| (person, watching(person))).collect();
    let mut going_on = watching(&bystander);
    site.provider().end_one_session("vera").unwrap();
    let began = Instant::now();
    let ended = poll::until("the end of one of the streams", PATIENCE, || {
        streams.iter_mut().position(|(_, stream)| stream.ended().is_some()).ok_or_else(|| "both are open".to_owned())
    });
    let (signed_out, _) = streams.remove(ended.unwrap());
    let took = began.elapsed();
    assert!(took < AT_ONCE, "it ended only after {took:?}");
    let told = refused(signed_out.kubegate(&["whoami"]));
    assert!(told.contains("signed out at your identity provider"), "{told}");
    let (_, other) = &mut streams[0];
    goes_on(other, "another session of the same person at the provider");
    site.provider().end_sessions("vera").unwrap();
    ends_at_once(other);
    goes_on(&mut going_on, "somebody else");
}
