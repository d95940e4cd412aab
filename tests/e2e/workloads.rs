//! A pod of another cluster, which has nothing but its service account's token: tokens of a real API server are traded,
//! and kubectl goes through Envoy with what comes of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use kubegate_tests::kubectl::{Kubectl, Outcome};
use kubegate_tests::person::Person;
use kubegate_tests::poll;
use kubegate_tests::world::{CLUSTER, World};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::suite::{PolicyFile, Suite, TEAM, Who, done, refused};

/// What its tokens are for: by discovery, and by a file with the keys.
const AUDIENCE: &str = "https://kubegate.example.com/workloads/build";
const AUDIENCE_OF_FILE: &str = "kubegate-by-file";

/// Who may what in the clusters: whose tokens are shown, and what the workload may see there.
const OBJECTS: &str = r"
apiVersion: v1
kind: Namespace
metadata: {name: ci}
---
apiVersion: v1
kind: Namespace
metadata: {name: strangers}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: deployer, namespace: ci}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: deployer, namespace: strangers}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: anybody-reads-the-keys}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: 'system:service-account-issuer-discovery'}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:unauthenticated'}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: deployers, namespace: team-a}
rules: [{apiGroups: [''], resources: [pods], verbs: [get, list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: deployers, namespace: team-a}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: deployers}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'build:deployers'}]
";

const RULE: &str = "rules:
  - name: deployers
    who: {groups: ['build:deployers']}
    clusters: [demo]
    may: [{verbs: [get, list, watch], apiGroups: ['*'], resources: ['*'], namespaces: [team-a]}]
";

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![suite.test_alone("workloads::a_service_account_of_another_cluster_uses_kubectl", service_account)]
}

/// A machine without a person, on which the platform puts a token into a file.
struct Machine {
    person: Person,
    file: PathBuf,
    kubectl: Kubectl,
}

impl Machine {
    fn new(suite: &Suite, world: &World, token: &str) -> Self {
        let person = suite.person(world, Who::Visitor);
        let (file, kubeconfig) = (person.cache.with_file_name("token"), person.cache.with_file_name("machine"));
        fs::write(&file, token).unwrap();
        let arguments = ["kubeconfig", "--cluster", CLUSTER, "--workload-token-file", text(&file), "--kubeconfig"];
        done(person.kubegate(&[arguments.as_slice(), &[text(&kubeconfig)]].concat()));
        let kubectl = Kubectl::new(world.api.admin.binary(), &kubeconfig)
            .with_env("XDG_CACHE_HOME", &person.cache)
            .with_env("KUBECACHEDIR", person.cache.with_file_name("kube-cache"));
        Self { person, file, kubectl }
    }

    /// What the credential helper says about a token that is not taken.
    fn refused(&self, token: &str) -> String {
        fs::write(&self.file, token).unwrap();
        refused(self.person.kubegate(&["credential", "--cluster", CLUSTER, "--workload-token-file", text(&self.file)]))
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn service_account(suite: &Suite, world: &mut World) {
    world.api.admin.apply(OBJECTS).unwrap();
    let policy = PolicyFile::of(world);
    policy.replace("rules:\n", RULE);
    let before = fs::read_to_string(&world.control_plane.config).unwrap();
    trust(world, &before);
    world.control_plane.restart().unwrap();

    let token = create_token(world, "ci", AUDIENCE);
    let machine = Machine::new(suite, world, &token);
    let whoami = machine.kubectl.run(&["auth", "whoami", "-o", "json"]).unwrap().ok().unwrap();
    let whoami: Value = serde_json::from_str(&whoami).unwrap();
    let user = &whoami["status"]["userInfo"];
    assert_eq!(user["username"], "build:ci/deployer", "as the API server sees it: {user}");
    assert!(user["groups"].as_array().unwrap().contains(&json!("build:deployers")), "{user}");
    // So often in a row that every worker of Envoy has the new rule.
    poll::until("the rule at every worker", Duration::from_secs(20), || {
        let get = || machine.kubectl.run(&["get", "pods", "-n", TEAM]).and_then(Outcome::ok);
        (0..6).try_for_each(|_| get().map(drop)).map_err(|error| error.to_string())
    })
    .unwrap();
    let other = machine.kubectl.run(&["get", "pods", "-n", "ci"]).unwrap();
    assert!(!other.succeeded(), "the policy holds for workloads too");
    nothing_is_stored(&machine, &token);

    // The keys from a file, which was empty when the control plane started.
    let by_file = create_token(world, "ci", AUDIENCE_OF_FILE);
    let keys = world.api.admin.run(&["get", "--raw", "/openid/v1/jwks"]).unwrap().ok().unwrap();
    fs::write(world.control_plane.config.with_file_name("jwks.json"), keys).unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    fs::write(&machine.file, by_file).unwrap();
    let whoami = machine.kubectl.run(&["auth", "whoami", "-o", "json"]).unwrap().ok().unwrap();
    assert!(whoami.contains("file:deployer"), "another token, another workload: {whoami}");

    for (token, why) in [
        (create_token(world, "ci", "https://kubegate.example.com"), "audience"),
        (create_token(world, "ci", &world.api.url), "audience"),
        (create_token(world, "strangers", AUDIENCE), "requiredClaims"),
        (expired(world, &token), "it has ended"),
        (forged(&token), "signature is wrong"),
    ] {
        let said = machine.refused(&token);
        assert!(said.contains(why), "{why}: {said}");
    }

    // It ends like any session, and the same token gives no other one.
    fs::write(&machine.file, &token).unwrap();
    machine.kubectl.run(&["get", "pods", "-n", TEAM]).unwrap().ok().unwrap();
    let admin = suite.person(world, Who::Admin);
    done(admin.kubegate(&["login"]));
    done(admin.kubegate(&["admin", "revoke", "--person", "build:system:serviceaccount:ci:deployer"]));
    poll::until("the gateways to know", Duration::from_secs(5), || {
        let outcome = machine.kubectl.run(&["get", "pods", "-n", TEAM]).map_err(|error| error.to_string())?;
        if outcome.succeeded() { Err("still let in".to_owned()) } else { Ok(()) }
    })
    .unwrap();
    assert!(machine.refused(&token).contains("ended by an administrator"));

    fs::write(&world.control_plane.config, before).unwrap();
    world.control_plane.restart().unwrap();
}

/// Has the control plane trust the API server's service accounts in the namespace `ci`.
fn trust(world: &World, before: &str) {
    let mut config: Value = serde_json::from_str(before).unwrap();
    fs::write(world.control_plane.config.with_file_name("jwks.json"), "{\"keys\": []}").unwrap();
    config["workloads"] = json!([
        {
            "id": "build", "issuer": world.api.url, "certificateAuthority": world.api.ca, "audience": AUDIENCE,
            "userPrefix": "build:", "requiredClaims": {"kubernetes.io.namespace": "ci"},
            "rules": [{
                "match": {"kubernetes.io.serviceaccount.name": "deploy*"},
                "user": "{kubernetes.io.namespace}/{kubernetes.io.serviceaccount.name}",
                "groups": ["deployers"], "clusters": [CLUSTER],
            }],
        },
        {
            "id": "file", "issuer": world.api.url, "jwksFile": "jwks.json", "audience": AUDIENCE_OF_FILE,
            "userPrefix": "file:", "requiredClaims": {"sub": "system:serviceaccount:ci:*"},
            "rules": [{"user": "{kubernetes.io.serviceaccount.name}"}],
        },
    ]);
    fs::write(&world.control_plane.config, config.to_string()).unwrap();
}

/// A token as a pod would have it.
fn create_token(world: &World, namespace: &str, audience: &str) -> String {
    let arguments = ["create", "token", "deployer", "-n", namespace, "--audience", audience, "--duration", "10m"];
    world.api.admin.run(&arguments).unwrap().ok().unwrap().trim().to_owned()
}

/// The same token an hour later, signed by the API server's own key.
fn expired(world: &World, token: &str) -> String {
    const SIGN: &str = "
        const [file, token] = process.argv.slice(1), crypto = require('crypto'), fs = require('fs');
        const [header, payload] = token.split('.'), claims = JSON.parse(Buffer.from(payload, 'base64url'));
        for (const name of ['exp', 'iat', 'nbf']) claims[name] -= 3600;
        const signed = header + '.' + Buffer.from(JSON.stringify(claims)).toString('base64url');
        const key = {key: fs.readFileSync(file), dsaEncoding: 'ieee-p1363'};
        console.log(signed + '.' + crypto.sign('sha256', Buffer.from(signed), key).toString('base64url'));";
    let key = world.dir.join("cluster/service-account.key");
    let key = if key.exists() { key } else { world.dir.join("cluster/pki/service-account.key") };
    let output = Command::new("node").args(["-e", SIGN]).arg(key).arg(token).output();
    done(output.map_err(Into::into)).trim().to_owned()
}

/// With a character of the signature changed.
fn forged(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{signed}.{other}{}", &signature[1..])
}

/// Neither the platform's token nor a refresh secret is anywhere but in the platform's own file.
fn nothing_is_stored(machine: &Machine, token: &str) {
    let mut kept = 0;
    for entry in fs::read_dir(machine.person.cache.join("kubegate")).unwrap() {
        let path = entry.unwrap().path();
        let content = fs::read_to_string(&path).unwrap();
        assert!(!content.contains(token) && !content.contains("kgr_"), "{}: {content}", path.display());
        kept += usize::from(content.contains("\"tokens\":{\"demo\""));
    }
    assert_eq!(kept, 1, "the session token alone");
}
