//! What a kubeconfig looks like before and after.

use super::*;
use crate::oauth::ClusterInfo;

fn entry(context: &str) -> Entry {
    let cluster = ClusterInfo {
        name: "prod".into(),
        server: "https://prod.k8s.example.com".into(),
        certificate_authority_data: Some("LS0tLQ==".into()),
    };
    let helper =
        Helper { command: "kubegate".into(), server: "https://kubegate.example.com".parse().unwrap(), options: vec![] };
    Entry::new(context, cluster, helper)
}

fn edited(text: &str, set_current: bool) -> String {
    match apply(text, "config", &[entry("prod")], set_current).unwrap() {
        Change::Edited(text) => text,
        other => panic!("{other:?}"),
    }
}

const KUBECTLS_OWN: &str = "\
# my clusters
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: QUJD   # old
    server: https://10.0.0.1:6443
  name: home
# where I work
contexts:
- context:
    cluster: home
    user: me
  name: home

current-context: home # the usual
kind: Config
preferences: {colors: true}
users:
- name: me
  user:
    token: \"abc\"
    x-unknown: [1, 2]
";

#[test]
fn starts_a_new_file() {
    let text = edited("", false);
    assert!(text.starts_with("apiVersion: v1\nkind: Config\nclusters:\n- "), "{text}");
    for expected in [
        "apiVersion: client.authentication.k8s.io/v1",
        "command: kubegate",
        "interactiveMode: IfAvailable",
        "provideClusterInfo: true",
        "installHint: |",
        "certificate-authority-data: LS0tLQ==",
    ] {
        assert!(text.contains(expected), "{expected} in\n{text}");
    }
    assert!(!text.contains("current-context"));
}

#[test]
fn keeps_every_other_line() {
    let text = edited(KUBECTLS_OWN, false);
    let mut rest = text.lines();
    for line in KUBECTLS_OWN.lines() {
        assert!(rest.any(|new| new == line), "{line:?} in order in\n{text}");
    }
}

#[test]
fn a_second_time_changes_nothing() {
    for text in ["", KUBECTLS_OWN] {
        let once = edited(text, true);
        assert_eq!(apply(&once, "config", &[entry("prod")], true).unwrap(), Change::Nothing);
    }
}

#[test]
fn sets_the_current_context_in_place() {
    assert!(edited(KUBECTLS_OWN, true).contains("\ncurrent-context: prod # the usual\n"));
}

#[test]
fn fits_other_layouts() {
    for text in [
        "clusters: []\nusers: null\ncontexts:\n",
        "kind: Config\nclusters:\n  - name: a\n    cluster: {server: https://a}\n  # end\nusers: []  # none\n",
        "clusters:\r\n- name: a\r\n  cluster:\r\n    server: https://a\r\nusers: []\r\n",
        "---\nusers:\n-\n  name: a\n  user: {}",
    ] {
        edited(text, true);
    }
}

#[test]
fn writes_flow_style_anew_without_losing_a_field() {
    let json =
        r#"{"kind":"Config","apiVersion":"v1","users":[{"name":"me","user":{"token":"true","n":1.5}}],"x":null}"#;
    let Change::Rewritten(text) = apply(json, "config", &[entry("prod")], false).unwrap() else { panic!() };
    let config = model::parse(&text, "config").unwrap();
    let old = model::parse(json, "config").unwrap();
    assert_eq!(config.as_mapping_get("x"), old.as_mapping_get("x"));
    assert_eq!(
        config.as_mapping_get("users").unwrap().as_sequence_get(0),
        old.as_mapping_get("users").unwrap().as_sequence_get(0)
    );
}

#[test]
fn keeps_what_a_person_added_to_our_entries() {
    let text = edited(KUBECTLS_OWN, false)
        .replace("    user: kubegate-prod\n", "    user: kubegate-prod\n    namespace: team-a\n")
        .replace("https://prod.k8s.example.com", "https://old.example.com");
    let text = edited(&text, false);
    assert!(text.contains("namespace: team-a"), "{text}");
    assert!(!text.contains("old.example.com"), "{text}");
    assert_eq!(text.matches("kubegate-prod").count(), 4, "{text}");
}

#[test]
fn does_not_take_names_from_others() {
    let error = apply(KUBECTLS_OWN, "config", &[entry("home")], false).unwrap_err().to_string();
    assert!(error.contains("--context NAME"), "{error}");
    let mut other = entry("prod");
    other.helper.server = "https://other.example.com".parse().unwrap();
    let error = apply(&edited("", false), "config", &[other], false).unwrap_err().to_string();
    assert!(error.contains("user \"kubegate-prod\""), "{error}");
    let foreign = KUBECTLS_OWN.replace("name: home\n# where", "name: kubegate-prod\n# where");
    let error = apply(&foreign, "config", &[entry("prod")], false).unwrap_err().to_string();
    assert!(error.contains("cluster \"kubegate-prod\""), "{error}");
}

#[test]
fn says_where_a_file_is_broken() {
    let error = apply("a: b\nc: [\n", "config", &[entry("prod")], false).unwrap_err().to_string();
    assert!(error.starts_with("config:"), "{error}");
    assert!(apply("- a\n", "config", &[entry("prod")], false).is_err());
    assert!(apply("a: 1\n---\nb: 1\n", "config", &[entry("prod")], false).is_err());
    assert!(apply("clusters: 3\n", "config", &[entry("prod")], false).is_err());
}
