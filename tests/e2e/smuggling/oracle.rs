//! The API server's audit log says whether an attack came through: no event has an identity that we did not decide, and
//! none is of a request that the policy denies.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use kubegate_tests::poll;
use serde_json::{Value, json};

use super::attacker::{Attacker, text};
use super::follower::Follower;

const LIMIT: Duration = Duration::from_secs(3);

pub(super) struct Oracle {
    audit_log: Follower,
    access_log: Follower,
    /// By which the audit log names the attacked Envoy's service account token.
    token_id: String,
    /// The audit ids of requests whose client hung up before the answer.
    cut_off: HashSet<String>,
}

impl Oracle {
    /// From the logs' present ends on.
    pub(super) fn new(audit_log: &Path, access_log: &Path, token_id: String) -> Self {
        let (audit_log, access_log) = (Follower::new(audit_log), Follower::new(access_log));
        Self { audit_log, access_log, token_id, cut_off: HashSet::new() }
    }

    /// The new events that are of the attacked Envoy's, or of nobody: a request that was smuggled past Envoy has no
    /// credential at all.
    pub(super) fn events(&mut self) -> Vec<Value> {
        let mut events = self.audit_log.read();
        events.retain(|event| self.is_ours(event) || is_nobodys(event));
        events
    }

    /// Says what is wrong with an event.
    pub(super) fn judge(&mut self, event: &Value, attacker: &Attacker) -> Result<(), String> {
        let fail = |what: &str| Err(format!("{what}: {event}"));
        if !self.is_ours(event) {
            // When a client hangs up, the API server may stop while it looks at the gateway's credential.
            let cut_off = text(event, "/user/username").is_empty() && self.was_cut_off(text(event, "/auditID"));
            return if cut_off { Ok(()) } else { fail("a request reached the API server without a credential") };
        }
        let Some(person) = event.get("impersonatedUser") else {
            return fail("a request was made with the gateway's own rights");
        };
        let (person, expected) = (sorted(person), attacker.identity());
        if person != expected {
            return fail(&format!("the identity is not {expected}"));
        }
        if !attacker.may(event) {
            return fail("the policy denies this request");
        }
        if event["sourceIPs"] != json!(["127.0.0.1"]) {
            return fail("the address is not the client's");
        }
        if text(event, "/auditID").len() != 36 || text(event, "/auditID").contains("forged") {
            return fail("the audit id is not Envoy's");
        }
        Ok(())
    }

    /// Whether Envoy has a request of this id that it had forwarded when its client went away.
    fn was_cut_off(&mut self, audit_id: &str) -> bool {
        let seen = poll::until("Envoy's own record", LIMIT, || {
            for record in self.access_log.read() {
                let flags = text(&record, "/flags");
                if ["DC", "DR", "DPE"].iter().any(|flag| flags.split(',').any(|found| found == *flag)) {
                    self.cut_off.insert(text(&record, "/audit_id").to_owned());
                }
            }
            if self.cut_off.contains(audit_id) { Ok(()) } else { Err("none".to_owned()) }
        });
        seen.is_ok()
    }

    fn is_ours(&self, event: &Value) -> bool {
        let ids = event.pointer("/user/extra/authentication.kubernetes.io~1credential-id").and_then(Value::as_array);
        ids.is_some_and(|ids| ids.iter().any(|id| id == self.token_id.as_str()))
    }
}

fn is_nobodys(event: &Value) -> bool {
    matches!(text(event, "/user/username"), "" | "system:anonymous")
}

fn sorted(person: &Value) -> Value {
    let mut person = person.clone();
    if let Some(groups) = person.get_mut("groups").and_then(Value::as_array_mut) {
        groups.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    }
    person
}
