//! What a real provider says of people after their sign-in reaches Envoy: other groups, a logout by either side, and that
//! somebody is no longer known there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::{Duration, Instant};

use kubegate_tests::browser::Browser;
use kubegate_tests::html;
use kubegate_tests::kubectl::Session;
use kubegate_tests::person::Person;
use kubegate_tests::poll;
use kubegate_tests::world::World;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::cut::PATIENCE;
use crate::suite::{Suite, Who, claims, done, refused};

/// How long it may take until the provider is asked again: it is asked every 10 seconds.
const ASKED: Duration = Duration::from_secs(25);

/// How long a stream may outlive what the provider told.
const AT_ONCE: Duration = Duration::from_secs(2);

const WATCH: [&str; 6] = ["get", "configmaps", "-n", "workshop", "--watch", "--output-watch-events"];

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test("sessions::a_change_of_groups_at_the_provider_reaches_envoy", groups_change),
        suite.test("sessions::a_logout_at_the_provider_cuts_streams_at_once", logged_out_there),
        suite.test("sessions::who_signs_out_in_the_browser_is_out_everywhere", logged_out_here),
        suite.test("sessions::who_has_left_the_company_is_out", left),
    ]
}

fn watching(person: &Person) -> Session {
    let seen = format!("of-{}", claims(&person.token().unwrap()).jti.to_ascii_lowercase().replace('_', "-"));
    let seen = format!("{}-x", seen.trim_end_matches('-'));
    person.kubectl.run(&["create", "configmap", &seen, "-n", "workshop"]).unwrap().ok().unwrap();
    let mut stream = person.kubectl.start(&WATCH).unwrap();
    stream.wait_for(&seen, PATIENCE).unwrap();
    stream
}

/// How long after now the stream ends.
fn end_of(stream: &mut Session, patience: Duration) -> Duration {
    let began = Instant::now();
    let ended = poll::until("the end of the stream", patience, || match stream.ended() {
        Some(_) => Ok(began.elapsed()),
        None => Err(stream.stdout()),
    });
    ended.unwrap()
}

fn groups_change(suite: &Suite, world: &World) {
    let gina = suite.person(world, Who::Gina);
    let dora = suite.person(world, Who::Dora);
    let (mut ending, mut going_on) = (watching(&gina), watching(&dora));
    let before = gina.token().unwrap();
    assert_eq!(claims(&before).groups, ["company:engineers"]);
    // Refresh tokens rotate: it is asked more than once before anything changes.
    thread::sleep(ASKED);
    assert_eq!(ending.ended(), None, "nothing has changed: {}", ending.stderr());
    let now = json!({"email": "gina@company.example", "email_verified": true, "groups": ["managers"]});
    world.idp.as_ref().unwrap().set_claims("gina", &now).unwrap();
    let took = end_of(&mut ending, ASKED);
    eprintln!("the stream ended {took:?} after the change");
    assert_eq!(going_on.ended(), None, "nobody else's ended: {}", going_on.stderr());
    // The API server's RBAC knows the engineers alone.
    let refused = gina.kubectl.run(&["get", "configmaps", "-n", "workshop"]).unwrap();
    assert!(refused.stderr.contains("is forbidden: User \"company:gina@company.example\" cannot list"), "{refused}");
    let after = claims(&gina.token().unwrap());
    assert_eq!(after.groups, ["company:managers"]);
    assert_eq!(after.sid, claims(&before).sid, "the same session");
    assert_eq!(gina.sign_ins().unwrap().len(), 1, "without asking for another sign-in");
}

fn logged_out_there(suite: &Suite, world: &World) {
    let other = suite.person(world, Who::Hugo);
    let mut going_on = watching(&other);
    let hugo = suite.person(world, Who::Hugo);
    let mut ending = watching(&hugo);
    world.idp.as_ref().unwrap().log_out("hugo").unwrap();
    let took = end_of(&mut ending, PATIENCE);
    assert!(took < AT_ONCE, "it ended only after {took:?}");
    let told = refused(hugo.kubegate(&["whoami"]));
    assert!(told.contains("signed out at your identity provider"), "{told}");
    assert_eq!(going_on.ended(), None, "another session of the same person at the provider: {}", going_on.stderr());
}

fn logged_out_here(suite: &Suite, world: &World) {
    let mut jana = suite.person(world, Who::Jana);
    // A browser that only notes the URL: the test opens it in one that keeps its cookies.
    let (script, noted) = (world.dir.join("people/note-url.sh"), world.dir.join("people/noted-url"));
    fs::write(&script, format!("#!/bin/sh\nprintf %s \"$1\" > {0}.new && mv {0}.new {0}\n", noted.display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    jana.kubectl = jana.kubectl.clone().with_env("BROWSER", &script);
    let browser = Browser::new(&world.pki.ca).unwrap();
    thread::scope(|scope| {
        let login = scope.spawn(|| done(jana.kubegate(&["login"])));
        let url = poll::until("the URL of the sign-in", PATIENCE, || {
            fs::read_to_string(&noted).map_err(|error| error.to_string())
        });
        browser.sign_in(&url.unwrap(), &jana.login).unwrap();
        login.join().unwrap();
    });
    let mut ending = watching(&jana);
    let listed: Value = serde_json::from_str(&done(jana.kubegate(&["sessions", "--json"]))).unwrap();
    let kinds: Vec<&str> =
        listed["sessions"].as_array().unwrap().iter().map(|session| session["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"cli") && kinds.contains(&"browser"), "{listed}");

    let home = browser.open(&world.control_plane_url()).unwrap();
    let page = browser.submit(&home, &home.form("/logout").unwrap(), &[]).unwrap();
    let took = end_of(&mut ending, PATIENCE);
    assert!(took < AT_ONCE, "it ended only after {took:?}");
    let issuer = &world.idp.as_ref().unwrap().issuer;
    let there = html::links(&page.body).into_iter().find(|link| link.starts_with(issuer)).unwrap();
    let asked = browser.open(&there).unwrap();
    let back = browser.submit(&asked, &asked.form(issuer).unwrap(), &[("logout", "yes")]).unwrap();
    assert!(back.url.as_str().starts_with(&format!("{}/logged-out?state=", world.control_plane_url())), "{}", back.url);
    assert!(back.text().contains("signed out of Example company too"), "{}", back.text());
    let told = refused(jana.kubegate(&["whoami"]));
    assert!(told.contains("you signed out"), "{told}");
}

fn left(suite: &Suite, world: &World) {
    let ines = suite.person(world, Who::Ines);
    let mut ending = watching(&ines);
    world.idp.as_ref().unwrap().take_out("ines").unwrap();
    let took = end_of(&mut ending, ASKED);
    eprintln!("the stream ended {took:?} after that");
    let told = refused(ines.kubegate(&["whoami"]));
    assert!(told.contains("no longer vouches for you"), "{told}");
}
