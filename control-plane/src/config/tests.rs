use std::time::Duration;

use kubegate_core::jws::PrivateJwk;

use super::*;
use crate::accounts::hash_password;

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const SHA: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let jwk = PrivateJwk::from(&SigningKey::from_seed([7; 32]));
        std::fs::write(dir.path().join("bundle-key.json"), serde_json::to_string(&jwk).unwrap()).unwrap();
        std::fs::write(dir.path().join("encryption-key"), KEY).unwrap();
        std::fs::write(dir.path().join("short"), "abc").unwrap();
        Self(dir)
    }

    fn parse_with(&self, text: &str, environment: &[(&str, &str)]) -> Result<Config, Problems> {
        let environment =
            |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Config::parse("kubegate.yaml", text, self.0.path(), &environment)
    }

    fn parse(&self, text: &str) -> Result<Config, Problems> {
        self.parse_with(text, &[])
    }

    /// What is wrong, without the places.
    fn problems(&self, text: &str) -> Vec<String> {
        let problems = self.parse(text).expect_err("a mistake");
        problems
            .list()
            .iter()
            .map(|problem| format!("{}: {} ({})", problem.path, problem.message, problem.remedy))
            .collect()
    }
}

fn base() -> String {
    format!(
        "issuer: https://kubegate.example.com\nstore: {{path: kubegate.db}}\npolicy: policy.yaml\n\
         keys: {{bundle: bundle-key.json, encryptionKeyFile: encryption-key}}\n\
         gateways: [{{name: edge, credentialSha256: {SHA}}}]\n"
    )
}

fn account(user: &str, groups: &str) -> String {
    let hash = hash_password(&"x".into()).unwrap();
    format!("accounts: [{{user: {user}, passwordHash: \"{hash}\", groups: [{groups}]}}]\n")
}

fn provider(more: &str) -> String {
    format!("providers: [{{id: corp, issuer: \"https://idp.example.com\", clientId: kubegate{more}}}]\n")
}

#[test]
fn the_least_configuration_and_its_defaults() {
    let folder = Folder::new();
    let config = folder.parse(&format!("{}{}", base(), account("alice", ""))).unwrap();
    assert_eq!(
        (config.public.to_string(), config.internal.to_string()),
        ("127.0.0.1:8080".into(), "127.0.0.1:8081".into())
    );
    assert_eq!(config.trusted_proxy_hops, 1);
    assert_eq!(config.sessions.token_lifetime, Duration::from_secs(600));
    assert_eq!(config.sessions.max_lifetime, Duration::from_secs(12 * 3600));
    assert_eq!(config.policy, folder.0.path().join("policy.yaml"));
    let person = kubegate_core::rule::Person { user: "alice", email: None, groups: &[], claims: &Default::default() };
    assert!(!config.admins.matches(&person), "nobody is an administrator unless named");
}

#[test]
fn every_mistake_is_told_at_once_with_its_place_and_remedy() {
    let folder = Folder::new();
    let text = "\
issuer: http://kubegate.example.com/x
listen: {public: localhost, trustedProxyHops: many}
stroe: {path: kubegate.db}
policy: []
keys: {bundle: nowhere.json, encryptionKeyFile: short}
gateways:
  - {name: edge, credentialSha256: abc}
  - {name: edge2}
sessions: {tokenLifetime: 5, maxLifetime: 400d}
providers:
  - {id: Corp, type: saml, issuer: http://idp.example.com, extraParameters: {state: x}}
accounts:
  - {user: 'system:admin', passwordHash: secret, groups: ['a,b']}
";
    let problems = folder.parse(text).unwrap_err();
    let expected = [
        (1, "issuer", "is not on https"),
        (2, "listen.public", "is not an address and port"),
        (2, "listen.trustedProxyHops", "whole number"),
        (3, "stroe", "did you mean store?"),
        (1, "store", "is missing"),
        (4, "policy", "must be text"),
        (5, "keys.bundle", "cannot be read"),
        (5, "keys.encryptionKeyFile", "32 bytes"),
        (7, "gateways[0].credentialSha256", "64 digits"),
        (8, "gateways[1]", "has no credential"),
        (9, "sessions.tokenLifetime", "must be text"),
        (9, "sessions.maxLifetime", "out of range"),
        (11, "providers[0].id", "is not an id"),
        (11, "providers[0].type", "write oidc or github"),
        (11, "providers[0].issuer", "is not on https"),
        (11, "providers[0].clientId", "is missing"),
        (11, "providers[0].extraParameters.state", "Kubegate's own"),
        (13, "accounts[0].user", "system:"),
        (13, "accounts[0].passwordHash", "hash-password"),
        (13, "accounts[0].groups[0]", "comma"),
    ];
    for (line, path, words) in expected {
        let found = problems
            .list()
            .iter()
            .any(|problem| problem.line == line && problem.path == path && problem.to_string().contains(words));
        assert!(found, "{line}: {path}: {words} in\n{problems}");
    }
    assert_eq!(problems.list().len(), expected.len(), "and nothing else:\n{problems}");
}

#[test]
fn somebody_has_to_be_able_to_sign_in() {
    let problems = Folder::new().problems(&base());
    assert!(problems[0].contains("lets nobody sign in"), "{problems:?}");
}

#[test]
fn names_of_two_providers_stay_apart() {
    let folder = Folder::new();
    let two = |first: &str, second: &str| {
        format!(
            "{}providers:\n  - {{id: a, issuer: \"https://a.example\", clientId: x, {first}}}\n  - {{id: b, issuer: \
             \"https://b.example\", clientId: x, {second}}}\n",
            base()
        )
    };
    let prefixes = |prefix: &str| format!("userPrefix: \"{prefix}\", groupPrefix: \"{prefix}\"");
    assert!(folder.parse(&two(&prefixes("a:"), &prefixes("b:"))).is_ok());
    assert_eq!(folder.problems(&two(&prefixes(""), &prefixes("b:"))).len(), 2, "users and groups");
    assert_eq!(folder.problems(&two(&prefixes("a:"), &prefixes("a:b:"))).len(), 2, "one begins the other");
    assert_eq!(folder.problems(&two("userPrefix: \"a:\"", "userPrefix: \"b:\"")).len(), 1, "groups");

    let mixed = |provider_more: &str, groups: &str| {
        format!("{}{}{}", base(), provider(provider_more), account("alice", groups))
    };
    assert_eq!(folder.problems(&mixed("", "team")).len(), 2, "an empty prefix begins every name");
    assert_eq!(folder.problems(&mixed(", userPrefix: \"corp:\"", "team")).len(), 1);
    assert!(folder.parse(&mixed(", userPrefix: \"corp:\", groupPrefix: \"corp:\"", "team")).is_ok());
    assert!(folder.parse(&mixed(", userPrefix: \"corp:\"", "")).is_ok(), "accounts without groups");
    assert!(folder.parse(&format!("{}{}", base(), provider(""))).is_ok(), "a single provider needs no prefix");
}

#[test]
fn secrets_come_from_the_environment_first() {
    let folder = Folder::new();
    let text = format!("{}{}", base(), provider(", clientSecretFile: nowhere"));
    let with = [("KUBEGATE_PROVIDER_CORP_CLIENT_SECRET", "s3cret"), ("KUBEGATE_ENCRYPTION_KEY", "AAAA")];
    let problems = folder.parse_with(&text, &with).unwrap_err();
    assert_eq!(problems.list().len(), 1, "{problems}");
    assert!(problems.to_string().contains("KUBEGATE_ENCRYPTION_KEY"), "{problems}");
    let config = folder.parse_with(&text, &with[..1]).unwrap();
    let ClientAuthentication::Secret { secret, .. } = &config.providers[0].client_authentication else { panic!() };
    assert!(secret.matches("s3cret"));
    assert!(!format!("{config:?}").contains("s3cret"), "secrets are not printed");
}

#[test]
fn a_gateway_is_known_by_its_credential() {
    let folder = Folder::new();
    let config = folder.parse(&format!("{}{}", base(), account("alice", ""))).unwrap();
    assert!(config.gateways[0].is_shown_by(&"test".into()), "the SHA-256 of `test`");
    assert!(!config.gateways[0].is_shown_by(&"tset".into()));
    let short = base().replace(&format!("credentialSha256: {SHA}"), "credentialFile: short");
    let problems = folder.problems(&format!("{short}{}", account("alice", "")));
    assert!(problems[0].contains("fewer than 32"), "{problems:?}");
}

#[test]
fn the_example_of_the_help_is_good() {
    let folder = Folder::new();
    let hash = hash_password(&"x".into()).unwrap();
    let help = crate::command::AFTER_HELP.split("\n\n").nth(1).unwrap();
    let example: String = help.lines().map(|line| format!("{}\n", line.strip_prefix("  ").unwrap_or(line))).collect();
    let example = example.replace("/var/lib/kubegate/kubegate.db", "kubegate.db");
    let example = example.replacen('…', SHA, 1).replacen('…', &format!("\"{hash}\""), 1);
    let config = folder.parse_with(&example, &[("KUBEGATE_ENCRYPTION_KEY", KEY)]);
    assert!(config.is_ok(), "{}", config.unwrap_err());
}

const REFERENCE: &str = include_str!("../../../docs/configuration.md");

#[test]
fn the_example_of_the_reference_is_good() {
    let folder = Folder::new();
    std::fs::write(folder.0.path().join("corp-client-secret"), "s3cret\n").unwrap();
    let example = REFERENCE.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let hash = hash_password(&"x".into()).unwrap();
    let example = example.replace("/var/lib/kubegate/", "").replace("$argon2id$v=19$m=19456,t=2,p=1$…", &hash);
    let config = folder.parse(&example);
    assert!(config.is_ok(), "{}", config.unwrap_err());
}
