//! Rules that deny, that deny on trial and that have a condition, through Envoy: what comes of the request, what the
//! person is told, and what the access log says.

use std::process::Command;
use std::time::Duration;

use kubegate_core::bundle::LiveEntries;
use kubegate_tests::world::{CLUSTER, CLUSTER_HOST, World};
use kubegate_tests::{paths, poll};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::stage::Stage;
use crate::suite::{Suite, TEAM};

const LIMIT: Duration = Duration::from_secs(10);

/// Behind the rules of the suite.
const RULES: &str = r#"
  - name: no-secrets
    who: {groups: [platform-admins]}
    clusters: ["*"]
    deny:
      - {verbs: ["*"], apiGroups: [""], resources: [secrets]}
  - name: no-configmaps-on-trial
    auditOnly: true
    who: {groups: [platform-admins]}
    clusters: ["*"]
    deny:
      - {verbs: ["*"], apiGroups: [""], resources: [configmaps]}
"#;

/// What the team's rule is from.
const HERE: &str = "  - name: team-a\n    when: cidr(\"127.0.0.1/32\").containsIP(source.address)\n";

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![suite.test("rules::deny_on_trial_and_when_count_in_envoy", all_three)]
}

fn all_three(_: &Suite, world: &World) {
    let stage = Stage::start(world, "envoy-rules", |_| {});
    // Beside the policy, for the certificate that it names.
    let policy = stage.policy().with_file_name("policy-with-rules.yaml");
    let text = std::fs::read_to_string(stage.policy()).unwrap();
    assert!(text.contains("  - name: team-a\n"), "{text}");
    std::fs::write(&policy, text.replace("  - name: team-a\n", HERE) + RULES).unwrap();
    stage.control_plane.reply(stage.issuer.served(&policy, 2, LiveEntries::default()).unwrap().reply());
    let alice = stage.token("alice");
    poll::until("the policy with these rules", LIMIT, || match stage.ask(&alice, &path("secrets", "first")).status {
        403 => Ok(()),
        status => Err(format!("still {status}")),
    })
    .unwrap();
    denied(&stage, &alice);
    on_trial(&stage, &alice);
    from_here_only(&stage, world);
}

fn denied(stage: &Stage<'_>, alice: &str) {
    let answer = stage.kubectl(alice).run(&["get", "secret", "denied", "-n", TEAM]).unwrap();
    assert!(answer.stderr.contains("the rule \"no-secrets\" of Kubegate's policy denies it"), "{answer}");
    let record = record_of(stage, "denied");
    let said = ["decision", "reason", "rule", "would_deny"].map(|field| record[field].as_str().unwrap_or_default());
    assert_eq!(said, ["deny", "denied", "no-secrets", ""], "{record}");
}

fn on_trial(stage: &Stage<'_>, alice: &str) {
    let answer = stage.kubectl(alice).run(&["get", "configmap", "on-trial", "-n", TEAM]).unwrap();
    assert!(answer.stderr.contains("configmaps \"on-trial\" not found"), "the API server says so: {answer}");
    let record = record_of(stage, "on-trial");
    let said = ["decision", "rule", "would_deny"].map(|field| record[field].as_str().unwrap_or_default());
    assert_eq!(said, ["allow", "platform-admins", "no-configmaps-on-trial"], "{record}");
    assert_eq!(record_of(stage, "denied")["would_deny"], Value::Null, "whom nothing on trial concerns");
}

/// The address is that of the connection, whatever a client says of it.
fn from_here_only(stage: &Stage<'_>, world: &World) {
    let bob = stage.sign(&stage.issuer.claims(CLUSTER, "bob@example.com", &["team-a"]));
    let ask = |name: &str, from: &str, forwarded_for: &str| {
        let url = format!("https://{CLUSTER_HOST}:{}{}", stage.port, path("pods", name));
        let headers = json!({"authorization": format!("Bearer {bob}"), "x-forwarded-for": forwarded_for});
        let mut client = Command::new("node");
        client.arg(paths::root().join("tests/e2e/http2.js")).arg(url).arg(&world.pki.ca);
        let output = client.args([headers.to_string(), from.to_owned()]).output().unwrap();
        (String::from_utf8(output.stdout).unwrap().trim().to_owned(), record_of(stage, name))
    };
    for (name, forwarded_for) in [("from-here", "127.0.0.1"), ("from-here-as-if-from-elsewhere", "127.0.0.2")] {
        let (status, record) = ask(name, "127.0.0.1", forwarded_for);
        assert_eq!((status.as_str(), record["rule"].as_str()), ("404", Some("team-a")), "{record}");
    }
    for (name, forwarded_for) in [("from-elsewhere", "127.0.0.2"), ("from-elsewhere-as-if-from-here", "127.0.0.1")] {
        let (status, record) = ask(name, "127.0.0.2", forwarded_for);
        assert_eq!((status.as_str(), record["reason"].as_str()), ("403", Some("no-rule")), "{record}");
        assert_eq!(record["client"], "127.0.0.2", "{record}");
    }
}

fn path(resource: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{TEAM}/{resource}/{name}")
}

/// What the access log says of the request for the object `name`.
fn record_of(stage: &Stage<'_>, name: &str) -> Value {
    poll::until(&format!("{name} in the access log"), LIMIT, || {
        let records = stage.envoy.access_records().map_err(|error| error.to_string())?;
        records.into_iter().find(|record| record["name"] == name).ok_or_else(|| "nothing".to_owned())
    })
    .unwrap()
}
