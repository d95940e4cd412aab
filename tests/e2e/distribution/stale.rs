//! A gateway that is kept from news for longer than `max_staleness` allows nothing, and recovers by itself.

use std::cell::Cell;
use std::thread::sleep;
use std::time::{Duration, Instant};

use kubegate_core::bundle::LiveEntries;
use kubegate_tests::fake_control_plane::Reply;
use kubegate_tests::poll;
use kubegate_tests::world::World;
use serde_json::json;

use crate::stage::Stage;
use crate::suite::{Suite, TEAM};

const MAX_STALENESS: Duration = Duration::from_secs(4);

/// The filter asks again after five seconds at the latest.
const RETRY: Duration = Duration::from_secs(7);

pub(super) fn stale(_: &Suite, world: &World) {
    let stage = Stage::start(world, "envoy-stale", |plugin| plugin["max_staleness"] = json!("4s"));
    let token = stage.token("a-session");
    let number = Cell::new(stage.first.version.counter);
    // A control plane that is there signs anew all the time.
    let renewing = |what: &str, limit: Duration, probe: &mut dyn FnMut() -> Result<(), String>| {
        let began = Instant::now();
        poll::until(what, limit, || {
            number.set(number.get() + 1);
            let served = stage.issuer.changed(&stage.first, number.get(), LiveEntries::default()).unwrap();
            stage.control_plane.reply(served.reply());
            sleep(Duration::from_millis(100));
            probe()
        })
        .unwrap();
        began.elapsed()
    };
    let allowed = || match stage.get(&token).status {
        200 => Ok(()),
        status => Err(format!("still {status}")),
    };
    renewing("the first bundle", RETRY, &mut || allowed());
    let began = Instant::now();
    renewing("more than max_staleness", RETRY, &mut || {
        assert_eq!(allowed(), Ok(()), "what is renewed does not become stale");
        if began.elapsed() > MAX_STALENESS * 5 / 4 { Ok(()) } else { Err("young".to_owned()) }
    });
    let kubectl = stage.kubectl(&token);
    let mut logs = kubectl.start(&["logs", "-f", "hello", "-n", TEAM, "--tail=1"]).unwrap();
    renewing("a stream", RETRY, &mut || if logs.stdout().is_empty() { Err(logs.stderr()) } else { Ok(()) });

    stage.control_plane.reply(Reply::Bytes(Vec::new()));
    let took = stage.until_status(&token, 503);
    assert!(took < MAX_STALENESS + Duration::from_secs(1), "{took:?}");
    let answer = stage.get(&token);
    assert!(answer.body.contains(r#""reason":"stale-live-set""#), "{answer:?}");
    let refused = kubectl.run(&["get", "pods", "-n", TEAM]).unwrap();
    assert!(refused.stderr.contains("last heard from its control plane"), "kubectl says why: {refused}");
    assert_eq!(logs.ended(), None, "an open stream goes on");

    let took = renewing("the recovery", RETRY, &mut || allowed());
    eprintln!("recovered after {took:?}");
}
