//! The pages in a real Chromium (tests/pages): a sign-in by keyboard alone, with scripts off and on, from the URL
//! that `kubegate login` prints to its own last page; every page in every look.

use std::fs;
use std::process::Command;
use std::time::Duration;

use kubegate_tests::idp::{self, IdentityProvider as _};
use kubegate_tests::process::Running;
use kubegate_tests::world::{CLUSTER, World};
use kubegate_tests::{paths, poll};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::suite::{Suite, Who};

/// It takes 30 seconds on two idle cores; other tests run beside it.
const LIMIT: Duration = Duration::from_secs(300);

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![suite.test("pages::serve_everybody_in_a_real_browser", check)]
}

fn check(suite: &Suite, world: &World) {
    let description = world.dir.join("pages.json");
    fs::write(&description, describe(suite, world).to_string()).unwrap();
    let mut command = Command::new("node");
    command.arg("check.js").arg(&description).current_dir(paths::root().join("tests/pages"));
    let mut program = Running::start("pages", &world.dir.join("logs"), &command).unwrap();
    let ended =
        poll::until("the end of tests/pages/check.js", LIMIT, || program.exited().ok_or_else(|| program.log_tail()));
    let said = fs::read_to_string(program.log()).unwrap();
    let status = ended.unwrap_or_else(|error| panic!("{error:#}"));
    let wrong: Vec<&str> = said.lines().filter(|line| !line.starts_with("ok ")).collect();
    assert!(status.success(), "{status}:\n{}", wrong.join("\n"));
    for page in [
        "sign-in",
        "sign-in, wrong password",
        "sign-in by e-mail address",
        "sign-in, address of no provider",
        "sign-in, one provider alone",
        "consent",
        "code to paste",
        "code of another machine",
        "another machine asks",
        "another machine allowed",
        "another machine denied",
        "signed in",
        "signed out at the provider too",
        "home",
        "home, in German",
        "error: account disabled",
        "administration: status",
        "administration: sessions",
        "administration: users",
        "administration: a user disabled",
        "administration: a user enabled",
        "administration: providers",
    ] {
        for way in ["without scripts", "every look"] {
            assert!(said.contains(&format!("ok    {way}: {page}\n")), "it looked at {page}: {said}");
        }
    }
}

/// What `demo.json` tells of a demo, and a person of the external provider.
fn describe(suite: &Suite, world: &World) -> Value {
    let admin = suite.person(world, Who::Admin).login;
    let reader = suite.person(world, Who::Reader).login;
    let tourist = suite.person(world, Who::Tourist).login;
    let company = suite.person(world, Who::Dora).login;
    let provider = world.idp.as_ref().unwrap();
    json!({
        "controlPlane": {"url": world.control_plane_url()},
        "ca": world.pki.ca,
        "cluster": {"name": CLUSTER},
        "accounts": {
            "admin": {"user": admin.user, "password": admin.password},
            "reader": {"user": reader.user, "password": reader.password, "groups": ["team-a"]},
            "tourist": {"user": tourist.user, "password": tourist.password},
        },
        "company": {
            "provider": idp::PROVIDER, "issuer": provider.registration().issuer, "user": company.user, "password": company.password,
            "email": "dora@company.example",
            "shown": format!("{}dora@company.example", idp::PREFIX),
        },
    })
}
