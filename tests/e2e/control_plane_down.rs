//! The control plane away: who is signed in goes on, and nothing is lost when it comes back.

use kubegate_tests::world::World;
use libtest_mimic::Trial;

use crate::suite::{Suite, TEAM, Who};

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![suite.test_alone("control_plane_down::signed_in_people_go_on", killed)]
}

fn killed(suite: &Suite, world: &mut World) {
    let person = suite.person(world, Who::Reader);
    let get = || person.kubectl.run(&["get", "pods", "-n", TEAM]).unwrap();
    get().ok().unwrap();
    let mut logs = person.kubectl.start(&["logs", "-f", "hello", "-n", TEAM, "--tail=1"]).unwrap();
    logs.wait_for("hello ", std::time::Duration::from_secs(20)).unwrap();

    world.control_plane.kill();
    for _ in 0..5 {
        get().ok().unwrap();
    }
    assert!(logs.ended().is_none(), "an open stream goes on");

    world.control_plane.restart().unwrap();
    get().ok().unwrap();
    // A new cluster token needs the refresh secret of before: no new sign-in.
    person.forget_token().unwrap();
    get().ok().unwrap();
    assert_eq!(person.sign_ins().unwrap().len(), 1, "refresh works after the restart");
}
