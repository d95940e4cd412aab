//! `kubegate-control-plane --check`.

use std::process::Command;

use kubegate_core::jws::{PrivateJwk, SigningKey};

const CONFIG: &str = "\
issuer: https://kubegate.example.com
store: {path: kubegate.db}
policy: policy.yaml
keys: {bundle: bundle-key.json}
gateways: [{name: edge, credentialSha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08}]
providers: [{id: corp, issuer: \"https://idp.example.com\", clientId: kubegate}]
";

/// What it prints to standard output and standard error, and its exit code.
fn check(policy: &str) -> (String, String, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    let key = serde_json::to_string(&PrivateJwk::from(&SigningKey::from_seed([7; 32]))).unwrap();
    // A mebibyte, for policies that refer to it.
    let authority = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", "MTIz".repeat(1 << 18));
    let files =
        [("bundle-key.json", key.as_str()), ("kubegate.yaml", CONFIG), ("policy.yaml", policy), ("ca.pem", &authority)];
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_kubegate-control-plane"))
        .args(["--config", "kubegate.yaml", "--check"])
        .env("KUBEGATE_ENCRYPTION_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

const POLICY: &str = "\
clusters: [{name: prod, hosts: [prod.example.com], server: \"https://prod.example.com\"}]
rules: []
";

#[test]
fn warnings_are_said_and_stop_nothing() {
    let (out, err, code) = check(POLICY);
    assert_eq!(out, "kubegate.yaml: good, with 1 cluster and 0 rules\n");
    assert!(
        err.starts_with("policy.yaml:1:12: warning: clusters[0]: no rule allows anything on this cluster"),
        "{err}"
    );
    assert_eq!((err.lines().count(), code), (1, Some(0)), "{err}");
}

#[test]
fn mistakes_are_said_and_count() {
    let (out, err, code) = check(&POLICY.replace("rules", "rule"));
    assert!(err.contains("did you mean rules?") && !err.contains("warning"), "{err}");
    assert_eq!((out.as_str(), code), ("", Some(1)));
}

#[test]
fn a_policy_that_gateways_cannot_take_is_a_mistake() {
    let clusters: Vec<String> = (0..15)
        .map(|number| {
            let host = format!("c{number}.example.com");
            format!("{{name: c{number}, hosts: [{host}], server: \"https://{host}\", certificateAuthority: ca.pem}}")
        })
        .collect();
    let (_, err, code) = check(&format!("clusters: [{}]\nrules: []\n", clusters.join(", ")));
    assert!(err.contains("27 MiB") && err.contains("no more than 24 MiB"), "{err}");
    assert_eq!(code, Some(1));
}
