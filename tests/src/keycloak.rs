//! Keycloak, with the realm of tests/idp/keycloak-realm.json.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{Request, header};

use crate::idp::{CLIENT, IdentityProvider, IdpAccount, Place, Registration, wait_for_discovery};
use crate::process::Running;
use crate::{files, http, paths, port, template};

/// It takes 6 s on an idle core.
const START_LIMIT: Duration = Duration::from_secs(120);

const REALM: &str = "company";

/// Its administrator, as tests/tools/keycloak.sh made it.
const ADMINISTRATOR: (&str, &str) = ("admin", "for-tests-only");

/// Compiled once, lightly: it lives for a minute.
const JAVA: &str = "-Xms64m -Xmx512m -XX:MaxMetaspaceSize=256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1";

/// Running.
#[derive(Debug)]
pub struct Keycloak {
    registration: Registration,
    base: String,
    process: Running,
}

impl Keycloak {
    /// Starts it for the given people, with everything that it writes in `dir`.
    pub fn start(dir: &Path, place: Place<'_>, accounts: &[IdpAccount]) -> Result<Self> {
        let installed = paths::keycloak()?;
        let home = dir.join("keycloak");
        files::empty_dir(&home)?;
        for part in ["conf", "lib", "providers", "themes"] {
            symlink(installed.join(part), home.join(part))?;
        }
        fs::create_dir_all(home.join("data/h2"))?;
        fs::create_dir_all(home.join("data/import"))?;
        let store = "keycloakdb.mv.db";
        fs::copy(installed.join("store").join(store), home.join("data/h2").join(store))?;
        files::write_private(&home.join("data/import/realm.json"), realm(place, accounts)?.as_bytes())?;

        let port = port::free()?;
        let mut command = Command::new(installed.join("bin/kc.sh"));
        command.args(["start", "--optimized", "--import-realm", "--cache=local"]);
        command.args(["--http-enabled=true", "--http-host=127.0.0.1", "--hostname-strict=false"]);
        command.arg(format!("--http-port={port}"));
        command.arg(format!("--truststore-paths={}", place.ca.display()));
        command.arg(format!("-Dkc.home.dir={}", home.display()));
        command.env("JAVA_OPTS", JAVA);
        let mut process = Running::start("keycloak", dir, &command)?;
        let base = format!("http://127.0.0.1:{port}");
        let issuer = format!("{base}/realms/{REALM}");
        wait_for_discovery(&mut process, &issuer, START_LIMIT)?;
        let (client_id, client_secret) = CLIENT;
        // Groups come with the client, not with a scope.
        let scopes = &["email", "profile"];
        Ok(Self {
            registration: Registration { issuer, client_id, client_secret, scopes, fields: Value::Null },
            base,
            process,
        })
    }

    /// Speaks to its Admin API.
    fn administer(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let agent = http::plain_client();
        let token = self.administrators_token(&agent)?;
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/admin/realms/{REALM}{path}", self.base))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(if body.is_null() { String::new() } else { body.to_string() })?;
        let mut answer = agent.run(request).with_context(|| self.process.log_tail())?;
        let text = answer.body_mut().read_to_string()?;
        if !answer.status().is_success() {
            bail!("Keycloak answered {} to {method} {path}: {text}; {}", answer.status(), self.process.log_tail());
        }
        Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
    }

    fn administrators_token(&self, agent: &Agent) -> Result<String> {
        let url = format!("{}/realms/master/protocol/openid-connect/token", self.base);
        let (username, password) = ADMINISTRATOR;
        let form =
            [("grant_type", "password"), ("client_id", "admin-cli"), ("username", username), ("password", password)];
        let mut answer = agent.post(&url).send_form(form)?;
        let answer: Value = serde_json::from_str(&answer.body_mut().read_to_string()?)?;
        Ok(answer["access_token"].as_str().with_context(|| format!("no token: {answer}"))?.to_owned())
    }

    /// The path of a person in the Admin API.
    fn person(&self, user: &str) -> Result<String> {
        let found = self.administer("GET", &format!("/users?exact=true&username={user}"), &Value::Null)?;
        let id = found[0]["id"].as_str().with_context(|| format!("{user} is nobody at Keycloak: {found}"))?;
        Ok(format!("/users/{id}"))
    }

    /// The ids of a person's sessions.
    fn sessions(&self, user: &str) -> Result<Vec<String>> {
        let sessions = self.administer("GET", &format!("{}/sessions", self.person(user)?), &Value::Null)?;
        let id = |session: &Value| session["id"].as_str().map(str::to_owned).context("a session without an id");
        sessions.as_array().into_iter().flatten().map(id).collect()
    }

    fn end_session(&self, id: &str) -> Result<()> {
        self.administer("DELETE", &format!("/sessions/{id}"), &Value::Null).map(drop)
    }
}

impl IdentityProvider for Keycloak {
    fn registration(&self) -> &Registration {
        &self.registration
    }

    fn rotate_keys(&self) -> Result<()> {
        let path = "/components?type=org.keycloak.keys.KeyProvider";
        let keys = self.administer("GET", path, &Value::Null)?;
        let priority =
            |key: &Value| key["config"]["priority"][0].as_str().and_then(|number| number.parse::<u32>().ok());
        let highest = keys.as_array().into_iter().flatten().filter_map(priority).max().unwrap_or(100);
        let priority = highest + 1;
        let realm = self.administer("GET", "", &Value::Null)?;
        let component = json!({
            "name": format!("key of priority {priority}"), "parentId": realm["id"],
            "providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider",
            "config": {"priority": [priority.to_string()], "algorithm": ["RS256"], "keySize": ["2048"]},
        });
        self.administer("POST", "/components", &component).map(drop)
    }

    fn set_groups(&self, user: &str, groups: &[&str]) -> Result<()> {
        let person = self.person(user)?;
        let of = |list: Value| -> Vec<(String, String)> {
            let text = |group: &Value, field: &str| group[field].as_str().unwrap_or_default().to_owned();
            list.as_array().into_iter().flatten().map(|group| (text(group, "id"), text(group, "name"))).collect()
        };
        let has = of(self.administer("GET", &format!("{person}/groups"), &Value::Null)?);
        for (id, _) in has.iter().filter(|(_, name)| !groups.contains(&name.as_str())) {
            self.administer("DELETE", &format!("{person}/groups/{id}"), &Value::Null)?;
        }
        let all = of(self.administer("GET", "/groups", &Value::Null)?);
        for group in groups.iter().filter(|group| has.iter().all(|(_, name)| name != *group)) {
            let (id, _) = all.iter().find(|(_, name)| name == group).with_context(|| format!("no group {group}"))?;
            self.administer("PUT", &format!("{person}/groups/{id}"), &Value::Null)?;
        }
        Ok(())
    }

    fn end_sessions(&self, user: &str) -> Result<()> {
        // One by one: `POST …/logout` for all of them tells of one alone.
        self.sessions(user)?.iter().try_for_each(|id| self.end_session(id))
    }

    fn end_one_session(&self, user: &str) -> Result<()> {
        let one = self.sessions(user)?.pop().with_context(|| format!("{user} has no session"))?;
        self.end_session(&one)
    }

    fn disable(&self, user: &str) -> Result<()> {
        self.administer("PUT", &self.person(user)?, &json!({"enabled": false})).map(drop)
    }
}

/// The realm file of a run.
fn realm(place: Place<'_>, accounts: &[IdpAccount]) -> Result<String> {
    let groups_of = |account: &IdpAccount| -> Vec<String> {
        let names = account.claims["groups"].as_array().into_iter().flatten();
        names.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let people = accounts.iter().map(|account| {
        let name = account.claims["name"].as_str().unwrap_or(account.user);
        let paths: Vec<String> = groups_of(account).iter().map(|group| format!("/{group}")).collect();
        json!({
            "username": account.user, "enabled": true, "firstName": name, "lastName": name,
            "email": account.claims["email"], "emailVerified": account.claims["email_verified"], "groups": paths,
            "realmRoles": [format!("default-roles-{REALM}")],
            "credentials": [{"type": "password", "value": account.password, "temporary": false}],
        })
    });
    let people: Vec<Value> = people.collect();
    let mut groups: Vec<String> = accounts.iter().flat_map(groups_of).collect();
    groups.sort_unstable();
    groups.dedup();
    let groups: Vec<Value> = groups.iter().map(|name| json!({"name": name})).collect();
    let (client_id, client_secret) = CLIENT;
    let values = [
        ("CLIENT_ID", client_id),
        ("CLIENT_SECRET", client_secret),
        ("CALLBACK", &place.callback()),
        ("SIGNED_OUT", &place.signed_out()),
        ("BACK_CHANNEL", &place.back_channel()),
        ("GROUPS", &Value::from(groups).to_string()),
        ("USERS", &Value::from(people).to_string()),
    ];
    let file = paths::root().join("tests/idp/keycloak-realm.json");
    template::render(&fs::read_to_string(&file).with_context(|| file.display().to_string())?, &values)
}
