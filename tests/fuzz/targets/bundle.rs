//! What the control plane answers. First as bytes that anybody could send; then, in the form of a bundle whose documents
//! are plain JSON, as if the control plane had signed them: a document that lacks a field gets a good one.
#![no_main]

use kubegate_core::bundle::{CHANGES_TYPE, Documents, LIVE_TYPE, POLICY_TYPE, Version, hash};
use kubegate_core::rule::Rule;
use kubegate_filter::bundle_sync::BundleSync;
use kubegate_fuzz::{BUNDLE, Envoy, HOST, ISSUER, NOW, REQUESTS, TOKEN, ask, bundle_key, gateway, patched};
use kubegate_fuzz::{shared_gateway, token_key};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|data: &[u8]| {
    hostile(data);
    if let Ok(text) = str::from_utf8(data) {
        signed(text);
    }
});

/// Nothing that is not signed changes what is in force.
fn hostile(body: &[u8]) {
    let envoy = Envoy::default();
    let gateway = shared_gateway();
    let mut gateway = gateway.borrow_mut();
    let before = gateway.tag();
    BundleSync::new(None, 1).on_answer(&&envoy, &mut gateway, Some(200), Some(b"\"etag\"".to_vec()), body);
    assert_eq!(gateway.tag(), before);
    let allowed = REQUESTS.map(|(method, path)| ask(&mut gateway, &TOKEN, method, path));
    assert_eq!(allowed, [true, false, false, true, false, true, false, false, true]);
}

/// Whatever is signed, nothing is allowed that no rule of it allows.
fn signed(text: &str) {
    let Ok(documents) = Documents::parse(text) else { return };
    let Some(bundle) = Signed::of(&documents) else { return };
    let mut gateway = gateway();
    let (before, versions) = (gateway.tag(), gateway.versions());
    if gateway.accept(&bundle.documents()).is_err() {
        assert_eq!(gateway.tag(), before, "all of it or nothing");
        return;
    }
    assert!(is_newer(gateway.versions(), versions), "{:?} after {versions:?}", gateway.versions());
    assert!(gateway.accept(&bundle.documents()).is_ok(), "the same once more changes nothing");
    let may = bundle.rules().iter().any(|rule| !rule.may.is_empty());
    for (method, path) in REQUESTS {
        let open_to_all = ["/apis", "/healthz"].contains(&path) || path.contains("selfsubject");
        assert!(!ask(&mut gateway, &TOKEN, method, path) || open_to_all || may, "{method} {path}");
    }
    let versions = gateway.versions();
    let taken = gateway.accept(&BUNDLE.documents()).is_ok();
    assert!(!taken || is_newer(gateway.versions(), versions), "{:?} after {versions:?}", gateway.versions());
}

/// Whether neither the policy's nor the live set's version is older than before.
fn is_newer(now: Option<(Version, Version)>, before: Option<(Version, Version)>) -> bool {
    let ((policy, live), (policy_before, live_before)) = (now.unwrap(), before.unwrap());
    policy >= policy_before && live >= live_before
}

/// A bundle's documents, signed.
struct Signed {
    policy: String,
    parts: Vec<String>,
    live: String,
    changes: String,
}

impl Signed {
    /// Signs JSON documents; the hashes that bind them are right unless they are given.
    fn of(plain: &Documents<'_>) -> Option<Self> {
        let document = |text: Option<&str>, good: Value| {
            let patch: Value = serde_json::from_str(text.unwrap_or("{}")).ok()?;
            patch.is_object().then(|| patched(good, &patch))
        };
        let version = |counter: u64| json!({"epoch": 0, "counter": counter});
        let good = json!({
            "issuer": ISSUER, "version": version(6), "keys": [token_key().public()],
            "clusters": [{"name": "prod", "hosts": [HOST], "server": "https://prod.example.com"}],
            "parts": plain.parts.iter().map(|part| hash(part)).collect::<Vec<_>>(),
        });
        let sign = |typ, content: &Value| bundle_key().sign(typ, content).unwrap();
        let policy = sign(POLICY_TYPE, &document(plain.policy, good)?);
        let good = json!({"version": version(8)});
        let live = sign(LIVE_TYPE, &document(plain.live, good)?);
        let good = json!({"version": version(9), "policy": hash(&policy), "live": hash(&live), "issued_at": NOW});
        let changes = sign(CHANGES_TYPE, &document(plain.changes, good)?);
        let parts = plain.parts.iter().map(|part| (*part).to_owned()).collect();
        Some(Self { policy, parts, live, changes })
    }

    fn documents(&self) -> Documents<'_> {
        let parts = self.parts.iter().map(String::as_str).collect();
        Documents { policy: Some(&self.policy), parts, live: Some(&self.live), changes: Some(&self.changes) }
    }

    fn rules(&self) -> Vec<Rule> {
        self.parts.iter().filter_map(|part| serde_json::from_str::<Vec<Rule>>(part).ok()).flatten().collect()
    }
}
