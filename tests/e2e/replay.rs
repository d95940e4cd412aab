//! `kubegate policy diff` on the access log that the suite's own Envoy has written, hostile requests and all.

use std::fs;

use kubegate_tests::poll;
use kubegate_tests::world::World;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::cut::PATIENCE;
use crate::suite::{ADMIN_VERBS, Suite, TEAM, Who, claims, done};

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![suite.test("replay::policy_diff_reads_every_record_of_the_access_log", replayed)]
}

fn replayed(suite: &Suite, world: &World) {
    let bob = suite.person(world, Who::Reader);
    bob.kubectl.run(&["get", "pods", "-n", TEAM]).unwrap().ok().unwrap();
    assert!(
        !bob.kubectl.run(&["get", "pods", "-n", "kube-system"]).unwrap().succeeded(),
        "what is refused is replayed, too"
    );
    let carol = suite.person(world, Who::Support).kubectl;
    carol.run(&["get", "pods", "-n", TEAM, "--as", "bob@example.com", "--as-group", "team-a"]).unwrap().ok().unwrap();
    let session = claims(&bob.token().unwrap()).sid;
    poll::until("what bob did in the access log", PATIENCE, || {
        let records = world.envoy.access_records().map_err(|error| error.to_string())?;
        let refused = |record: &&Value| record["session"] == session.as_str() && record["namespace"] == "kube-system";
        if records.iter().any(|record| refused(&record)) { Ok(()) } else { Err(format!("{} records", records.len())) }
    })
    .unwrap();

    // Envoy's own messages stand in the same log; the last line may be half written.
    let log = world.envoy.access_log().unwrap();
    let whole = log.rsplit_once('\n').unwrap().0;
    let records: Vec<&str> = whole.lines().filter(|line| line.starts_with('{')).collect();
    let (against, old) = (world.dir.join("audit.jsonl"), &world.control_plane.policy);
    let new = old.with_file_name("policy-with-creations-only.yaml");
    fs::write(&against, records.join("\n")).unwrap();
    fs::write(&new, fs::read_to_string(old).unwrap().replace(ADMIN_VERBS, "verbs: [create]")).unwrap();
    let [old, new, against] = [old, &new, &against].map(|file| file.display().to_string());
    let diff = done(bob.kubegate(&["policy", "diff", &old, &new, "--json", "--against", &against]));
    let diff: Value = serde_json::from_str(&diff).unwrap();
    eprintln!("{} records, of which {} were replayed", records.len(), diff["replayed"]);
    assert_eq!(diff["unreadable"], json!([]), "every record can be replayed");
    assert!(diff["replayed"].as_u64().is_some_and(|replayed| replayed >= 3), "those of above at least: {diff}");
}
