//! A rule that demands a stronger sign-in, and `kubegate login --acr --max-age` at the external provider: what it gives is in
//! the session token and opens the way, and what it does not give is told.

use kubegate_tests::world::World;
use libtest_mimic::Trial;

use crate::suite::{Suite, Who, claims};

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test("step_up::the_refusal_names_the_command_that_helps", refused_and_helped),
        suite.test("step_up::a_stronger_sign_in_is_in_the_next_token", stronger),
        suite.test("step_up::what_the_provider_lacks_is_told", not_given),
    ]
}

fn refused_and_helped(suite: &Suite, world: &World) {
    let person = suite.person(world, Who::Dora);
    let kubectl = |args: &[&str]| person.kubectl.run(args).unwrap();
    kubectl(&["create", "configmap", "precious", "-n", "workshop"]).ok().unwrap();
    let refused = kubectl(&["delete", "configmap", "precious", "-n", "workshop"]);
    let command = refused.stderr.split("run: kubegate ").nth(1).unwrap_or_else(|| panic!("no command: {refused}"));
    let command: Vec<&str> = command.split_whitespace().collect();
    assert_eq!(command, ["login", "--acr", "phr", "--max-age", "15m"]);
    let login = person.kubegate(&command).unwrap();
    assert!(login.status.success(), "{login:?}");
    kubectl(&["delete", "configmap", "precious", "-n", "workshop"]).ok().unwrap();
}

fn stronger(suite: &Suite, world: &World) {
    let person = suite.person(world, Who::Dora);
    let before = claims(&person.token().unwrap());
    assert_eq!((before.acr.as_deref(), before.amr.as_slice()), (Some("pwd"), &["pwd".to_owned()][..]));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let login = person.kubegate(&["login", "--acr", "phr,phrh", "--max-age", "0s"]).unwrap();
    assert!(login.status.success(), "{login:?}");
    let after = claims(&person.token().unwrap());
    assert_eq!((after.acr.as_deref(), after.amr.as_slice()), (Some("phr"), &["hwk".to_owned(), "pin".to_owned()][..]));
    assert!(after.auth_time > before.auth_time && after.sid != before.sid, "{after:?}");
    assert_eq!(person.sign_ins().unwrap().len(), 2, "kubectl's, and the one that was asked for");
}

fn not_given(suite: &Suite, world: &World) {
    let person = suite.person(world, Who::Dora);
    let before = claims(&person.token().unwrap());
    let login = person.kubegate(&["login", "--acr", "loa4"]).unwrap();
    let said = String::from_utf8_lossy(&login.stderr);
    assert_eq!(login.status.code(), Some(3), "{said}");
    assert!(said.contains("a sign-in with acr loa4 was asked for") && said.contains("gave acr pwd"), "{said}");
    assert_eq!(claims(&person.token().unwrap()).sid, before.sid, "kubectl goes on with what it had");
}
