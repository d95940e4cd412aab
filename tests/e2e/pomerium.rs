//! pomerium-cli against Kubegate: its own messages, a real Envoy, a real API server and a real `kubectl`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use kubegate_tests::browser::{Browser, Login, Page};
use kubegate_tests::kubectl::Kubectl;
use kubegate_tests::pomerium_cli::{PREFIX, PomeriumCli, Release, Waiting, exec_credential};
use kubegate_tests::process::Running;
use kubegate_tests::world::{CLUSTER, CLUSTER_HOST, CONTROL_PLANE_HOST, World};
use kubegate_tests::{issuer, kubeconfig, paths, poll, raw};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::suite::{Suite, TEAM, Who, claims, done, refused};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long news may take.
const SOON: Duration = Duration::from_secs(5);

/// How long Chromium may take beside other tests.
const BROWSER: Duration = Duration::from_secs(120);

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test("pomerium::signs_in_and_kubectl_works", signs_in),
        suite.test("pomerium::a_revoked_token_is_refused_and_its_streams_are_cut", revoked),
        suite.test("pomerium::its_paths_never_reach_the_api_server", paths_stay_here),
        suite.test("pomerium::service_accounts_are_issued_and_revoked", service_accounts),
        suite.test("pomerium::hands_over_in_a_real_browser_without_scripts", in_a_browser),
    ]
}

fn cli(world: &World, release: Release) -> PomeriumCli {
    PomeriumCli { ca: world.pki.ca.clone(), host: CLUSTER_HOST.to_owned(), port: world.port, release }
}

/// Does what a person does, with a browser without scripts.
fn hand_over(world: &World, waiting: Waiting, release: Release, login: &Login) -> String {
    assert!(waiting.url.starts_with(&format!("{}/pomerium?", world.control_plane_url())), "{}", waiting.url);
    let browser = Browser::new(&world.pki.ca).unwrap();
    let page = browser.sign_in(&waiting.url, login).unwrap();
    let form = page.form("http://127.0.0.1:").unwrap_or_else(|| panic!("no form: {}", page.body));
    let end: Page = match release {
        Release::Older => browser.submit(&page, &form, &[]).unwrap(),
        Release::Newer => {
            let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
            browser.open(&format!("{}?{query}", form.action)).unwrap()
        }
    };
    assert_eq!((end.status, end.body.as_str()), (200, "login complete, you may close this page"));
    waiting.token().unwrap()
}

fn token_of(suite: &Suite, world: &World, who: Who, release: Release) -> String {
    hand_over(world, cli(world, release).login().unwrap(), release, &suite.login(who))
}

/// A `kubectl` that shows a token as pomerium-cli has it.
fn kubectl(world: &World, name: &str, token: &str) -> Kubectl {
    let dir = world.dir.join("pomerium");
    fs::create_dir_all(&dir).unwrap();
    let (file, server, control_plane): (PathBuf, _, _) =
        (dir.join(format!("{name}.kubeconfig")), world.cluster_url(), world.control_plane_url());
    let target = kubeconfig::Target {
        cluster: CLUSTER,
        server: &server,
        control_plane: &control_plane,
        ca: &world.pki.ca,
        namespace: TEAM,
    };
    kubeconfig::write_with_token(&file, target, &format!("{PREFIX}{token}")).unwrap();
    Kubectl::new(world.api.admin.binary(), &file).with_env("KUBECACHEDIR", dir.join(format!("{name}.cache")))
}

/// Until the answer to the question whether the token is good is `wanted`.
fn until_checked(cli: &PomeriumCli, token: &str, wanted: u16) {
    poll::until(&format!("{wanted}"), PATIENCE, || match cli.check(token) {
        Ok(status) if status == wanted => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .unwrap();
}

fn signs_in(suite: &Suite, world: &World) {
    for release in [Release::Older, Release::Newer] {
        let cli = cli(world, release);
        assert_eq!(cli.check("nothing").unwrap(), 401, "never a redirect");
        let token = token_of(suite, world, Who::Reader, release);
        let credential = exec_credential(&token).unwrap();
        let end = credential["status"]["expirationTimestamp"].as_u64().unwrap();
        let left = end - issuer::now().seconds();
        assert!((11 * 3600..=12 * 3600).contains(&left), "the session's true end, in {left} s");
        assert_eq!(cli.check(&token).unwrap(), 200);

        let name = format!("{release:?}").to_lowercase();
        let kubectl = kubectl(world, &name, &token);
        kubectl.run(&["get", "pods"]).unwrap().ok().unwrap();
        let shown = kubectl.run(&["auth", "whoami", "-o", "json"]).unwrap().ok().unwrap();
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["status"]["userInfo"]["username"], "bob@example.com", "{shown}");
        let denied = kubectl.run(&["get", "nodes"]).unwrap();
        assert!(denied.stderr.contains("bob@example.com"), "the policy decides: {denied}");

        let routes = cli.routes(&token).unwrap();
        let expected = json!({
            "id": CLUSTER, "name": CLUSTER, "type": "http", "from": world.cluster_url(),
            "description": format!("Kubernetes cluster {CLUSTER}"),
            "connect_command": format!("pomerium-cli k8s exec-credential {}", world.cluster_url()),
        });
        assert_eq!(routes, [expected]);
        // The same token without its prefix, and a session token with it, are nothing.
        let session = suite.person(world, Who::Reader).token().unwrap();
        for (shown, status) in [(token.clone(), 401), (format!("{PREFIX}{session}"), 401), (session, 200)] {
            let authorization = format!("Authorization: Bearer {shown}").into_bytes();
            let path = format!("/api/v1/namespaces/{TEAM}/pods");
            let answer = raw::get(&world.pki.ca, CLUSTER_HOST, world.port, &path, &[&authorization]).unwrap();
            assert_eq!(answer.status, status, "{answer:?}");
        }
    }
    // Of whom no rule lets anything, the token is good all the same.
    let stranger = token_of(suite, world, Who::Erin, Release::Newer);
    assert_eq!(cli(world, Release::Newer).check(&stranger).unwrap(), 200);
}

fn revoked(suite: &Suite, world: &World) {
    let admin = suite.person(world, Who::Admin);
    done(admin.kubegate(&["login"]));
    let cli = cli(world, Release::Newer);
    let token = token_of(suite, world, Who::Reader, Release::Newer);
    let mut watch = kubectl(world, "revoked", &token).start(&["get", "pods", "--watch"]).unwrap();
    watch.wait_for("hello", PATIENCE).unwrap();
    let began = Instant::now();
    done(admin.kubegate(&["admin", "revoke", "--session", claims(&token).sid.as_str()]));
    poll::until("the end of the watch", PATIENCE, || watch.ended().map(drop).ok_or_else(|| watch.stdout())).unwrap();
    assert!(began.elapsed() < SOON, "only after {:?}", began.elapsed());
    until_checked(&cli, &token, 401);
    assert!(cli.routes(&token).unwrap_err().to_string().contains("401"));
}

fn paths_stay_here(suite: &Suite, world: &World) {
    let token = token_of(suite, world, Who::Admin, Release::Newer);
    let session = suite.person(world, Who::Admin).token().unwrap();
    let ask = |host: &str, method: &str, path: &str, headers: &str| {
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}:{}\r\nConnection: close\r\n{headers}\r\n", world.port);
        raw::send(&world.pki.ca, host, world.port, request.as_bytes()).unwrap()
    };
    let login = "/.pomerium/api/v1/login?pomerium_redirect_uri=http%3A%2F%2F127.0.0.1%3A7&mark=stays-here";
    let own = [format!("Authorization: Bearer {PREFIX}{token}\r\n"), format!("Authorization: Bearer {session}\r\n")];
    for authorization in ["", &own[0], &own[1]] {
        for (method, path, status) in [
            ("GET", login, 200),
            ("POST", login, 404),
            ("GET", "/.pomerium/?mark=stays-here", 404),
            ("GET", "/.pomerium/sign_out?mark=stays-here", 404),
            ("DELETE", "/.pomerium/api/v1/routes?mark=stays-here", 404),
            ("GET", "/.pomerium/../api/v1/pods?mark=stays-here", 400),
            ("GET", "/.pomerium%2f..%2fapi?mark=stays-here", 400),
        ] {
            let answer = ask(CLUSTER_HOST, method, path, authorization);
            assert_eq!(answer.status, status, "{method} {path} {authorization}: {answer:?}");
        }
    }
    let answer = ask(CLUSTER_HOST, "GET", login, "");
    assert!(answer.body.starts_with(&world.control_plane_url()), "the URL, and nothing else: {answer:?}");
    assert_eq!(answer.header("location"), None);
    for bad in ["http://evil.example:7", "http://localhost.evil.example:7", "http://a@127.0.0.1:7"] {
        let path = format!("/.pomerium/api/v1/login?pomerium_redirect_uri={bad}&mark=stays-here");
        assert_eq!(ask(CLUSTER_HOST, "GET", &path, "").status, 400, "{bad}");
    }
    // Which cluster it is, no header says; and the control plane's own host is none.
    let forged = "x-kubegate-cluster: demo\r\nkubegate.local: control-plane\r\n";
    assert_eq!(ask(CONTROL_PLANE_HOST, "GET", login, forged).status, 404);
    assert_eq!(ask(CONTROL_PLANE_HOST, "GET", "/.pomerium/api/v1/routes", &own[0]).status, 404);
    let elsewhere = format!("GET {login} HTTP/1.1\r\nHost: elsewhere.example.com\r\nConnection: close\r\n{forged}\r\n");
    let answer = raw::send(&world.pki.ca, CLUSTER_HOST, world.port, elsewhere.as_bytes()).unwrap();
    assert_eq!(answer.status, 404, "it is not on there: {answer:?}");

    // A request that does go there shows that the audit log would tell.
    ask(CLUSTER_HOST, "GET", "/metrics?mark=goes-there", &own[0]);
    let arrived = |mark: &str| world.api.audit_events(|event| event.to_string().contains(mark)).unwrap();
    poll::until("the audit event", PATIENCE, || {
        if arrived("goes-there").is_empty() { Err("none".to_owned()) } else { Ok(()) }
    })
    .unwrap();
    let there = [arrived("stays-here"), arrived("/.pomerium")].concat();
    assert!(there.is_empty(), "reached the API server: {there:?}");
}

fn service_accounts(suite: &Suite, world: &World) {
    let admin = suite.person(world, Who::Admin);
    done(admin.kubegate(&["login"]));
    let issue =
        ["admin", "service-accounts", "issue", "ci", "--cluster", CLUSTER, "--groups", "team-a", "--for", "30d"];
    let token = done(admin.kubegate(&issue)).trim().to_owned();
    let cli = cli(world, Release::Newer);
    assert_eq!(cli.check(&token).unwrap(), 200, "as `pomerium-cli --service-account` shows it");
    let left = exec_credential(&token).unwrap()["status"]["expirationTimestamp"].as_u64().unwrap();
    assert!(left - issuer::now().seconds() > 29 * 86400);
    let kubectl = kubectl(world, "ci", &token);
    kubectl.run(&["get", "pods"]).unwrap().ok().unwrap();
    let shown = kubectl.run(&["auth", "whoami", "-o", "json"]).unwrap().ok().unwrap();
    assert!(shown.contains("\"sa:ci\"") && shown.contains("\"team-a\""), "{shown}");
    assert_eq!(cli.routes(&token).unwrap().len(), 1);

    let listed = done(admin.kubegate(&["admin", "service-accounts", "list", "--json"]));
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let account = &listed["service_accounts"][0];
    assert_eq!((&account["user"], &account["clusters"]), (&json!("sa:ci"), &json!([CLUSTER])), "{listed}");
    assert!(!listed.to_string().contains(&token), "the token is shown once");
    done(admin.kubegate(&["admin", "service-accounts", "revoke", account["id"].as_str().unwrap()]));
    until_checked(&cli, &token, 401);
    let reader = suite.person(world, Who::Reader);
    done(reader.kubegate(&["login"]));
    assert!(refused(reader.kubegate(&issue)).contains("only administrators"));
}

fn in_a_browser(suite: &Suite, world: &World) {
    let login = suite.login(Who::Reader);
    let waiting: Vec<Waiting> = [Release::Older, Release::Newer, Release::Newer]
        .into_iter()
        .map(|release| cli(world, release).login().unwrap())
        .collect();
    let description = world.dir.join("pomerium.json");
    let urls: Vec<&str> = waiting.iter().map(|waiting| waiting.url.as_str()).collect();
    let content = json!({
        "controlPlane": {"url": world.control_plane_url()}, "ca": world.pki.ca,
        "account": {"user": login.user, "password": login.password}, "urls": urls,
    });
    fs::write(&description, content.to_string()).unwrap();
    let mut command = Command::new("node");
    command.arg("pomerium.js").arg(&description).current_dir(paths::root().join("tests/pages"));
    let mut program = Running::start("pomerium-pages", &world.dir.join("logs"), &command).unwrap();
    let ended = poll::until("the end of tests/pages/pomerium.js", BROWSER, || {
        program.exited().ok_or_else(|| program.log_tail())
    });
    let said = fs::read_to_string(program.log()).unwrap();
    let status = ended.unwrap_or_else(|error| panic!("{error:#}"));
    assert!(status.success(), "{status}:\n{said}");
    for waiting in waiting {
        let token = waiting.token().unwrap();
        assert_eq!(claims(&token).user, login.user);
        assert_eq!(cli(world, Release::Newer).check(&token).unwrap(), 200);
    }
}
