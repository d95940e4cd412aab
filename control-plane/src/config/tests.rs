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
fn pomerium_is_off_unless_it_is_turned_on() {
    let folder = Folder::new();
    let with = |more: &str| format!("{}{}{more}\n", base(), account("alice", ""));
    let read = |more: &str| folder.parse(&with(more)).unwrap().pomerium;
    assert!(read("").is_none());
    assert!(read("pomerium: {enabled: false, maxLifetime: 1h}").is_none());
    let settings = read("pomerium: {enabled: true}\nsessions: {maxLifetime: 9h, idleTimeout: 1h}").unwrap();
    assert_eq!(settings.max_lifetime, Duration::from_secs(9 * 3600), "as long as sessions");
    assert!(settings.is_on("any") && settings.service_accounts.is_none());
    let settings =
        read("pomerium: {enabled: true, clusters: ['prod-*'], serviceAccounts: {userPrefix: 'sa:'}}").unwrap();
    assert!(settings.is_on("prod-1") && !settings.is_on("lab"));
    assert_eq!(settings.longest(), Duration::from_secs(90 * 24 * 3600));
    for (more, word) in [
        ("pomerium: {}", "enabled: is missing"),
        ("pomerium: {enabled: maybe}", "enabled"),
        ("pomerium: {enabled: true, maxLifetime: 13h}", "longer than a session"),
        ("pomerium: {enabled: true, clusters: []}", "clusters: is empty"),
        ("pomerium: {enabled: true, serviceAccounts: {}}", "userPrefix: is missing"),
        ("pomerium: {enabled: true, serviceAccounts: {userPrefix: ''}}", "userPrefix"),
        ("pomerium: {enabled: true, serviceAccounts: {userPrefix: 'system:'}}", "system:"),
        ("pomerium: {enabled: true, serviceAccounts: {userPrefix: 'a,'}}", "comma"),
        ("pomerium: {enabled: true, serviceAccounts: {userPrefix: 'al'}}", "\"alice\" could be a service account"),
        ("pomerium: {enabled: true, serviceAccounts: {userPrefix: 'sa:', maxLifetime: 400d}}", "out of range"),
    ] {
        let problems = folder.problems(&with(more));
        assert!(problems.len() == 1 && problems[0].contains(word), "{more}: {problems:?}");
    }
    let both = |prefix: &str| {
        let provider = provider(&format!(", userPrefix: \"{prefix}\""));
        format!("{}{provider}pomerium: {{enabled: true, serviceAccounts: {{userPrefix: 'sa:'}}}}\n", base())
    };
    assert!(folder.parse(&both("corp:")).is_ok() && folder.parse(&both("")).is_ok());
    assert_eq!(folder.problems(&both("sa:corp:")).len(), 1);
    assert_eq!(folder.problems(&both("s")).len(), 1);
    let problems = folder.problems(&format!("{}{}", base(), provider("").replace("corp", "service-accounts")));
    assert!(problems[0].contains("is the id of service accounts"), "{problems:?}");
    let ci = workload("");
    let problems = folder.problems(&ci.replace("id: ci", "id: service-accounts"));
    assert!(problems.iter().any(|problem| problem.contains("is the id of service accounts")), "{problems:?}");
    let accounts =
        |prefix: &str| format!("{ci}pomerium: {{enabled: true, serviceAccounts: {{userPrefix: '{prefix}'}}}}\n");
    assert!(folder.parse(&accounts("sa:")).is_ok());
    let problems = folder.problems(&accounts("ci:"));
    assert!(problems[0].contains("\"ci\" and service accounts can have the same names"), "{problems:?}");
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

fn workload(more: &str) -> String {
    format!(
        "{}{}workloads: [{{id: ci, issuer: \"https://ci.example\", audience: kubegate-ci, userPrefix: \"ci:\", \
         requiredClaims: {{owner: acme}}, rules: [{{user: \"{{sub}}\", groups: [x]}}]{more}}}]\n",
        base(),
        account("alice", "team")
    )
}

#[test]
fn a_workload_issuer_and_its_defaults() {
    let config = Folder::new().parse(&workload("")).unwrap();
    let ci = &config.workloads[0];
    assert_eq!((ci.group_prefix.as_str(), ci.max_token_lifetime), ("ci:", Duration::from_secs(3600)));
    assert_eq!(ci.keys, workload::KeySource::Discovery("https://ci.example".into()));
    assert_eq!(ci.rules[0].groups, ["ci:x"]);
}

#[test]
fn what_could_let_in_somebody_else_is_refused_at_the_start() {
    let folder = Folder::new();
    std::fs::write(folder.0.path().join("jwks.json"), "{\"keys\": []}").unwrap();
    let good = workload("");
    for (from, to, words) in [
        ("userPrefix: \"ci:\", ", "", "userPrefix: is missing"),
        ("userPrefix: \"ci:\"", "userPrefix: \"\"", "is empty"),
        ("userPrefix: \"ci:\"", "userPrefix: \"system:\"", "cannot begin a name"),
        ("userPrefix: \"ci:\"", "userPrefix: ali, groupPrefix: \"ci:\"", "the account \"alice\""),
        ("userPrefix: \"ci:\"", "userPrefix: \"ci:\", groupPrefix: te", "the accounts' group \"team\""),
        ("requiredClaims: {owner: acme}, ", "", "requiredClaims: is missing"),
        ("requiredClaims: {owner: acme}", "requiredClaims: {}", "requires no claim"),
        ("{owner: acme}", "{owner: \"*\"}", "may have any value"),
        ("{owner: acme}", "{owner: [acme, \"**\"]}", "may have any value"),
        ("{owner: acme}", "{owner: []}", "has no value"),
        ("{owner: acme}", "{iss: \"https://ci.example\"}", "is checked anyway"),
        ("audience: kubegate-ci, ", "", "audience: is missing"),
        ("kubegate-ci", "kubegate-cli", "a client id of ours"),
        ("https://ci.example", "https://kubegate.example.com", "is Kubegate itself"),
        ("https://ci.example", "http://ci.example", "is no URL on https"),
        ("issuer: \"https://ci.example\", ", "", "needs issuer or trustDomain"),
        ("issuer: \"https://ci.example\"", "trustDomain: prod.example", "has no discovery"),
        (
            "issuer: \"https://ci.example\"",
            "trustDomain: \"spiffe://prod.example\", jwksFile: jwks.json",
            "is not a trust domain",
        ),
        ("rules:", "jwksFile: short, rules:", "holds no JWK set"),
        ("rules:", "maxTokenLifetime: 2d, rules:", "out of range"),
        ("{sub}", "{sub}{owner}", "no text in between"),
        ("{sub}", "{sub", "a brace without its fellow"),
        ("id: ci", "id: accounts", "built-in accounts"),
        ("groups: [x]", "groups: [\"a,b\"]", "comma"),
        ("groups: [x]", "clusters: []", "names no cluster"),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from} is there");
        let problems = folder.problems(&text);
        assert!(problems.len() == 1 && problems[0].contains(words), "{to}: {problems:?}");
    }
}

#[test]
fn workloads_stay_apart_from_people_and_from_one_another() {
    let folder = Folder::new();
    let of_people = |more: &str, audience: &str| {
        let ci = workload("").split("workloads:").nth(1).unwrap().replace("kubegate-ci", audience);
        format!("{}{}workloads:{ci}", base(), provider(more))
    };
    let prefixes = ", userPrefix: \"corp:\", groupPrefix: \"corp:\"";
    assert!(folder.parse(&of_people(prefixes, "kubegate-ci")).is_ok());
    let problems = folder.problems(&of_people(prefixes, "kubegate"));
    assert!(problems.len() == 1 && problems[0].contains("people's ID tokens"), "a provider's client id: {problems:?}");
    assert_eq!(folder.problems(&of_people("", "kubegate-ci")).len(), 2, "an empty prefix begins every name");
    let problems = folder.problems(&of_people(prefixes, "kubegate-ci").replace("id: ci", "id: corp"));
    assert!(problems.len() == 1 && problems[0].contains("id of the provider"), "{problems:?}");

    let second = |id: &str, audience: &str, prefix: &str| {
        format!(
            "{}  - {{id: {id}, issuer: \"https://other.example\", audience: {audience}, userPrefix: \"{prefix}\", \
             requiredClaims: {{owner: acme}}, rules: [{{user: \"{{sub}}\"}}]}}\n",
            workload("").replace("workloads: [", "workloads:\n  - ").replace("}]}]\n", "}]}\n")
        )
    };
    assert!(folder.parse(&second("other", "kubegate-other", "other:")).is_ok());
    for (id, audience, prefix, words) in [
        ("other", "kubegate-ci", "other:", "is that of another issuer too"),
        ("ci", "kubegate-other", "other:", "two issuers of workloads"),
        ("other", "kubegate-other", "ci:b:", "can have the same names"),
    ] {
        let problems = folder.problems(&second(id, audience, prefix));
        assert!(problems.iter().any(|problem| problem.contains(words)), "{words}: {problems:?}");
    }
}

const WORKLOADS: &str = include_str!("../../../docs/workloads.md");

#[test]
fn the_recipes_for_workloads_are_good() {
    let folder = Folder::new();
    std::fs::write(folder.0.path().join("build-jwks.json"), "{\"keys\": []}").unwrap();
    let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(folder.0.path().join("build-ca.pem"), certificate).unwrap();
    let recipes: Vec<&str> =
        WORKLOADS.split("```yaml\n").skip(1).map(|text| text.split("```").next().unwrap()).collect();
    assert_eq!(recipes.len(), 7);
    for recipe in recipes {
        let config = folder.parse(&format!("{}{}{recipe}", base(), account("alice", "")));
        assert!(config.is_ok(), "{}\n{recipe}", config.unwrap_err());
    }
}

#[test]
fn token_keys_come_from_files() {
    let folder = Folder::new();
    let jwk = |seed: u8| SigningKey::from_seed([seed; 32]);
    let path = |name: &str| folder.0.path().join(name);
    std::fs::write(path("a.json"), serde_json::to_string(&PrivateJwk::from(&jwk(1))).unwrap()).unwrap();
    std::fs::write(path("b.json"), serde_json::to_string(jwk(2).public()).unwrap()).unwrap();
    let with = |keys: &str| {
        let keys = format!("encryptionKeyFile: encryption-key, {keys}");
        format!("{}{}", base().replace("encryptionKeyFile: encryption-key", &keys), account("alice", ""))
    };
    let config = folder.parse(&with("token: [a.json, b.json], oldEncryptionKeyFiles: [encryption-key]")).unwrap();
    let given = config.given_token_keys.unwrap();
    assert_eq!(given.signs.public().kid(), jwk(1).public().kid());
    assert_eq!(given.verify, [jwk(2).public().clone()]);
    assert_eq!(config.old_encryption_keys.len(), 1);
    assert_eq!(config.rotate_every, Duration::from_secs(30 * 24 * 3600));
    for (keys, words) in [
        ("token: []", "names no file"),
        ("token: [b.json]", "no private Ed25519 key"),
        ("token: [a.json, short]", "no Ed25519 key"),
        ("token: [a.json, a.json]", "the same key twice"),
        ("rotateEvery: 10m", "out of range"),
        ("oldEncryptionKeyFiles: [short]", "32 bytes"),
    ] {
        let problems = folder.problems(&with(keys));
        assert!(problems.len() == 1 && problems[0].contains(words), "{keys}: {problems:?}");
    }
}

const RECIPES: &str = include_str!("../../../docs/identity-providers.md");

#[test]
fn every_recipe_for_a_provider_is_good() {
    let folder = Folder::new();
    let write = |name: &str, content: &str| std::fs::write(folder.0.path().join(name), content).unwrap();
    write("client-secret", "s3cret");
    write("client-key.pem", include_str!("../http/tests/keys/ec.pem"));
    let of_groups = REFERENCE.split("<!-- groups file -->\n```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    write("groups.yaml", of_groups);
    let recipes: Vec<&str> = RECIPES.split("```yaml\n").skip(1).map(|text| text.split("```").next().unwrap()).collect();
    let mut ids = Vec::new();
    for recipe in &recipes {
        let config = folder.parse(&format!("{}{recipe}", base()));
        let config = config.unwrap_or_else(|problems| panic!("{problems}\n{recipe}"));
        ids.extend(config.providers.into_iter().map(|provider| provider.id));
    }
    let all = ["google", "entra", "okta", "keycloak", "auth0", "gitlab", "dex", "cognito", "ping", "github"];
    assert_eq!(ids, all);
}

#[test]
fn client_authentication_is_one_thing() {
    let folder = Folder::new();
    std::fs::write(folder.0.path().join("secret"), "s3cret").unwrap();
    std::fs::write(folder.0.path().join("key"), include_str!("../http/tests/keys/rsa.pem")).unwrap();
    std::fs::write(
        folder.0.path().join("sec1"),
        "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
    )
    .unwrap();
    for (fields, words) in [
        ("clientSecretFile: secret, clientKeyFile: key", "keep one of the two"),
        ("clientAuthentication: private_key_jwt", "name the file with the private key"),
        ("clientAuthentication: private_key_jwt, clientSecretFile: secret", "there is no key"),
        ("clientAuthentication: client_secret_post", "KUBEGATE_PROVIDER_CORP_CLIENT_SECRET"),
        ("clientAuthentication: none, clientSecretFile: secret", "take them out"),
        ("clientAuthentication: tls_client_auth", "client_secret_basic, client_secret_post, private_key_jwt or none"),
        ("clientKeyFile: secret", "neither a private key in PEM form nor a JWK"),
        ("clientKeyFile: sec1", "openssl pkcs8 -topk8 -nocrypt"),
        ("type: github, organizations: [x]", "is nothing that GitHub takes"),
        ("groups: {from: file}", "names no file"),
        ("groups: {from: file, file: secret}", "must be a mapping"),
        ("groups: {from: github}", "is not a source of groups"),
        ("groups: {from: scim}", "add `scim`"),
        ("groups: {from: idToken, graph: https://graph.microsoft.us}", "means nothing for this source"),
        ("groups: {from: entra, graph: http://graph.example}", "is not on https"),
        ("organizations: [x]", "means nothing for a provider of this type"),
        ("domains: [\"a@b\"]", "is not a domain"),
    ] {
        let fields =
            if fields.contains("github, ") { fields.replace("[x]", "[x], clientKeyFile: key") } else { fields.into() };
        let provider = provider(&format!(", {fields}"));
        let provider = if fields.contains("type: github") {
            provider.replace("issuer: \"https://idp.example.com\", ", "")
        } else {
            provider
        };
        let problems = folder.problems(&format!("{}{provider}", base()));
        assert!(problems.iter().any(|problem| problem.contains(words)), "{fields}: {problems:?}");
    }
    let debug = format!("{:?}", folder.parse(&format!("{}{}", base(), provider(", clientKeyFile: key"))).unwrap());
    assert!(debug.contains("RS256") && !debug.contains("MII"), "keys are not printed: {debug}");
}

#[test]
fn a_domain_chooses_one_provider_and_groups_that_none_gives_cannot_collide() {
    let folder = Folder::new();
    let two = |first: &str, second: &str| {
        format!(
            "{}providers:\n  - {{id: a, issuer: \"https://a.example\", clientId: x, userPrefix: \"a:\", {first}}}\n  - {{id: b, \
             issuer: \"https://b.example\", clientId: x, userPrefix: \"b:\", {second}}}\n",
            base()
        )
    };
    let apart = "groupPrefix: \"a:\"";
    let problems = folder
        .problems(&two(&format!("{apart}, domains: [example.com]"), "groupPrefix: \"b:\", domains: [Example.com]"));
    assert!(problems[0].contains("chooses the provider \"a\" already"), "{problems:?}");
    assert!(folder.parse(&two(apart, "groups: {from: none}")).is_ok());
    assert_eq!(folder.problems(&two(apart, "groups: {from: idToken}")).len(), 1, "an empty prefix begins every group");
}
