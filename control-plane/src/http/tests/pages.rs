//! What people and administrators see and do in a browser.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use saphyr::LoadableYamlNode as _;

use super::log::Log;
use super::world::{Answer, Browser, ISSUER, PASSWORD, World, unescape};

impl World {
    /// A browser in which somebody has signed in.
    pub(super) async fn browser_of(&self, user: &str) -> Browser {
        let mut browser = self.browser();
        let answer = browser.sign_in("/login", user, PASSWORD).await;
        assert_eq!(answer.location(), "/");
        browser
    }
}

impl Answer {
    /// The fields of each form to `action`: csrf, and `name`.
    fn forms(&self, action: &str, name: &str) -> Vec<(String, String)> {
        let field = |form: &str, name: &str| {
            let rest = form.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_default();
            unescape(rest.split('"').next().unwrap())
        };
        let start = format!("action=\"{action}\"");
        let forms = self.text.split(&start).skip(1);
        forms
            .map(|rest| rest.split("</form>").next().unwrap())
            .map(|form| (field(form, "csrf"), field(form, name)))
            .collect()
    }
}

async fn in_german(world: &World, path: &str, more: &[(&str, &str)]) -> Answer {
    let request = Request::get(path).header(header::ACCEPT_LANGUAGE, "de-AT,de;q=0.9,en;q=0.8");
    let request = more.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    world.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn pages_are_in_the_language_of_the_browser_or_in_the_one_chosen() {
    let world = World::new().await;
    let german = in_german(&world, "/login", &[]).await;
    assert!(german.text.contains("<html lang=\"de\">") && german.text.contains("<h1>Anmelden</h1>"), "{}", german.text);
    assert_eq!(german.header("content-language"), "de");
    assert!(german.text.contains("href=\"/language/en?return_to=%2Flogin\""), "{}", german.text);
    let missing = in_german(&world, "/nowhere?a=%3Cb%3E", &[]).await;
    assert!(missing.text.contains("Hier ist nichts") && !missing.text.contains("nowhere"), "{}", missing.text);
    let chosen = in_german(&world, "/login", &[("cookie", "__Host-kubegate-language=en")]).await;
    assert!(chosen.text.contains("<html lang=\"en\">") && chosen.text.contains("<h1>Sign in</h1>"), "{}", chosen.text);
    let nonsense = in_german(&world, "/login", &[("cookie", "__Host-kubegate-language=../xx")]).await;
    assert!(nonsense.text.contains("<html lang=\"de\">"), "{}", nonsense.text);

    let mut browser = world.browser();
    assert!(browser.get("/login").await.text.contains("<html lang=\"en\">"));
    assert_eq!(browser.get("/language/de?return_to=%2Flogin").await.location(), "/login");
    assert!(browser.get("/login").await.text.contains("<html lang=\"de\">"));
    for elsewhere in ["https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "%2F%5Cevil.example"] {
        assert_eq!(browser.get(&format!("/language/en?return_to={elsewhere}")).await.location(), "/", "{elsewhere}");
    }
    assert_eq!(browser.get("/language/xx").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_kubeconfig_of_ones_clusters_is_there_to_download() {
    let world = World::new().await;
    let mut alice = world.browser_of("alice").await;
    let file = alice.get("/kubeconfig").await;
    assert_eq!(file.status, StatusCode::OK, "{}", file.text);
    assert!(file.header("content-disposition").starts_with("attachment;"), "{:?}", file.headers);
    let parsed = saphyr::Yaml::load_from_str(&file.text).unwrap().remove(0);
    let only = |list: &str| parsed[list].as_sequence().unwrap().clone();
    assert_eq!(
        (only("clusters").len(), only("users").len(), only("contexts").len()),
        (1, 1, 1),
        "no lab: {}",
        file.text
    );
    assert_eq!(parsed["clusters"][0]["cluster"]["server"].as_str(), Some("https://prod.example.com"));
    assert_eq!(parsed["users"][0]["user"]["exec"]["command"].as_str(), Some("kubegate"));
    let args = parsed["users"][0]["user"]["exec"]["args"].as_sequence().unwrap();
    let args: Vec<&str> = args.iter().map(|arg| arg.as_str().unwrap()).collect();
    assert_eq!(args, ["credential", &format!("--server={ISSUER}"), "--cluster=prod"]);
    assert_eq!(parsed["current-context"].as_str(), Some("prod"));
    for secret in ["token", "password", "kgr_", "client-key"] {
        assert!(!file.text.contains(secret), "no secret in it: {}", file.text);
    }
    let home = alice.get("/").await.text;
    assert!(unescape(&home).contains(&file.text), "the same to copy: {home}");

    assert_eq!(alice.get("/kubeconfig?cluster=lab").await.status, StatusCode::NOT_FOUND, "no rule");
    assert_eq!(world.browser_of("bob").await.get("/kubeconfig").await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.browser().get("/kubeconfig").await.location(), "/login?return_to=%2F");
}

#[tokio::test]
async fn people_see_their_sessions_and_end_them_one_by_one_or_all() {
    let world = World::new().await;
    let mut alice = world.browser_of("alice").await;
    let token = world.signed_in("alice", None).await["access_token"].as_str().unwrap().to_owned();
    let home = alice.get("/").await;
    let forms = home.forms("/sessions/end", "session");
    assert_eq!(forms.len(), 3, "two browsers and a command line: {}", home.text);
    assert!(home.text.contains("command line") && home.text.contains("this one"), "{}", home.text);

    let mut bob = world.browser_of("bob").await;
    let (csrf, id) = &forms[1];
    let theft = bob.post("/sessions/end", &[("csrf", csrf), ("session", id)]).await;
    assert_eq!(theft.status, StatusCode::FORBIDDEN, "of another browser");
    let own = bob.get("/").await.forms("/sessions/end", "session").remove(0);
    let swapped = bob.post("/sessions/end", &[("csrf", &own.0), ("session", id)]).await;
    assert_eq!(swapped.status, StatusCode::FORBIDDEN, "for another session");
    assert_eq!(alice.post("/sessions/end", &[("session", id)]).await.status, StatusCode::FORBIDDEN, "without proof");

    for (csrf, id) in &forms[1..] {
        let ended = alice.post("/sessions/end", &[("csrf", csrf), ("session", id)]).await;
        assert_eq!(ended.location(), "/?done=session");
    }
    assert_eq!(world.api("/api/v1/whoami", &token).await.status, StatusCode::UNAUTHORIZED, "at once");
    let home = alice.get("/?done=session").await;
    assert!(home.text.contains("Its access is gone") && home.forms("/sessions/end", "session").len() == 1);

    let token = world.signed_in("alice", None).await["access_token"].as_str().unwrap().to_owned();
    let all = alice.get("/").await.forms("/sessions/end-all", "csrf").remove(0).0;
    assert_eq!(alice.post("/sessions/end-all", &[("csrf", "x")]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(alice.post("/sessions/end-all", &[("csrf", &all)]).await.location(), "/");
    assert!(alice.get("/").await.text.contains("href=\"/login\""), "this one too");
    assert_eq!(world.api("/api/v1/whoami", &token).await.status, StatusCode::UNAUTHORIZED);

    let (csrf, id) = bob.get("/").await.forms("/sessions/end", "session").remove(0);
    assert_eq!(bob.post("/sessions/end", &[("csrf", &csrf), ("session", &id)]).await.location(), "/");
    assert!(bob.get("/").await.text.contains("href=\"/login\""), "the own one signs out");
}

#[tokio::test]
async fn elevations_are_shown_to_whom_they_are_given() {
    let world = World::new().await;
    let token = world.signed_in("alice", None).await["access_token"].as_str().unwrap().to_owned();
    let mut bob = world.browser_of("bob").await;
    assert!(!bob.get("/").await.text.contains("More access for a while"));
    let elevation = serde_json::json!({
        "person": "bob", "cluster": "prod", "groups": ["platform-admins"], "duration": "1h", "reason": "INC-<7>"
    });
    assert_eq!(world.api_post("/api/v1/elevations", &token, &elevation).await.status, StatusCode::CREATED);
    let home = bob.get("/").await.text;
    for shown in ["More access for a while", "INC-&#60;7&#62;", "platform-admins", "alice", "--cluster prod"] {
        assert!(home.contains(shown), "{shown} in {home}");
    }
}

#[tokio::test]
async fn administrators_end_sessions_of_others_and_the_log_says_who_did() {
    let log = Log::begin();
    let world = World::new().await;
    let mut alice = world.browser_of("alice").await;
    let token = world.signed_in("bob", None).await["access_token"].as_str().unwrap().to_owned();
    let all = alice.get("/admin/sessions").await;
    assert_eq!(all.forms("/admin/sessions/end", "session").len(), 3, "{}", all.text);
    let bobs = alice.get("/admin/sessions?user=bob").await;
    let forms = bobs.forms("/admin/sessions/end", "session");
    assert!(forms.len() == 2 && bobs.text.contains("accounts:bob"), "{}", bobs.text);
    assert_eq!(alice.get("/admin/sessions?user=nobody").await.forms("/admin/sessions/end", "session").len(), 0);

    let (csrf, id) = &forms[0];
    assert_eq!(alice.post("/admin/sessions/end", &[("session", id)]).await.status, StatusCode::FORBIDDEN);
    let other = alice.post("/admin/sessions/end", &[("csrf", csrf), ("session", &forms[1].1)]).await;
    assert_eq!(other.status, StatusCode::FORBIDDEN, "a proof is for one session");
    let mut bob = world.browser_of("bob").await;
    let theft = bob.post("/admin/sessions/end", &[("csrf", csrf), ("session", id)]).await;
    assert_eq!(theft.status, StatusCode::FORBIDDEN, "bob is no administrator");

    log.take();
    for (csrf, id) in &forms {
        let ended = alice.post("/admin/sessions/end", &[("csrf", csrf), ("session", id)]).await;
        assert_eq!(ended.location(), "/admin/sessions?done=session");
    }
    let lines = log.take();
    assert!(lines.contains("revoked by an administrator") && lines.contains("administrator=\"alice\""), "{lines}");
    assert_eq!(world.api("/api/v1/whoami", &token).await.status, StatusCode::UNAUTHORIZED);
    let (csrf, person) =
        alice.get("/admin/sessions?user=bob").await.forms("/admin/sessions/end-all", "person").remove(0);
    assert_eq!(person, "accounts:bob");
    alice.post("/admin/sessions/end-all", &[("csrf", &csrf), ("person", &person)]).await.location();
    assert!(bob.get("/").await.text.contains("href=\"/login\""), "that of the browser, too");
}

#[tokio::test]
async fn administrators_disable_and_enable_people_with_a_reason() {
    let log = Log::begin();
    let world = World::new().await;
    let mut alice = world.browser_of("alice").await;
    let mut bob = world.browser_of("bob").await;
    let users = alice.get("/admin/users").await;
    let forms = users.forms("/admin/users/disable", "person");
    assert_eq!(forms.len(), 1, "not oneself: {}", users.text);
    let (csrf, person) = &forms[0];
    let form = |reason| [("csrf", csrf.as_str()), ("person", person.as_str()), ("reason", reason)];
    let without = alice.post("/admin/users/disable", &form("")).await;
    assert!(
        without.status == StatusCode::BAD_REQUEST && without.text.contains("The reason is missing"),
        "{}",
        without.text
    );
    assert!(bob.get("/").await.text.contains("Your access"), "nothing has changed");
    let done = alice.post("/admin/users/disable", &form("lost <laptop>")).await;
    assert_eq!(done.location(), "/admin/users?done=disabled");
    assert!(bob.get("/").await.text.contains("href=\"/login\""), "at once");
    let refused = bob.sign_in("/login", "bob", PASSWORD).await;
    assert!(
        refused.status == StatusCode::FORBIDDEN && refused.text.contains("lost &#60;laptop&#62;"),
        "{}",
        refused.text
    );
    assert!(log.take().contains("disabled by an administrator"));

    let users = alice.get("/admin/users").await;
    assert!(users.text.contains("Disabled by alice on"), "{}", users.text);
    let (csrf, person) = users.forms("/admin/users/enable", "person").remove(0);
    let form = [("csrf", csrf.as_str()), ("person", person.as_str()), ("reason", "found it")];
    assert_eq!(alice.post("/admin/users/enable", &form).await.location(), "/admin/users?done=enabled");
    assert!(log.take().contains("enabled by an administrator"));
    world.clock.advance(std::time::Duration::from_secs(12));
    assert_eq!(bob.sign_in("/login", "bob", PASSWORD).await.location(), "/");
    let found = alice.get("/admin/users?user=bob").await;
    assert!(found.text.contains("accounts:bob") && !found.text.contains("accounts:alice"), "{}", found.text);
}

#[tokio::test]
async fn the_pages_of_administrators_are_for_nobody_else() {
    let world = World::new().await;
    let mut bob = world.browser_of("bob").await;
    let pages = ["/admin", "/admin/sessions", "/admin/users", "/admin/providers"];
    for page in pages {
        let refused = bob.get(page).await;
        assert!(refused.status == StatusCode::FORBIDDEN && refused.text.contains("for administrators"), "{page}");
        assert!(!refused.text.contains("alice"), "{page}: {}", refused.text);
        let login = world.browser().get(page).await.location().to_owned();
        assert_eq!(login, format!("/login?return_to={}", page.replace('/', "%2F")));
    }
    for action in ["/admin/sessions/end", "/admin/sessions/end-all", "/admin/users/disable", "/admin/users/enable"] {
        assert_eq!(bob.post(action, &[("person", "accounts:alice")]).await.status, StatusCode::FORBIDDEN, "{action}");
    }
    assert!(!bob.get("/").await.text.contains("/admin"));
    let mut alice = world.browser_of("alice").await;
    for page in pages {
        assert_eq!(alice.get(page).await.status, StatusCode::OK, "{page}");
    }
    assert_eq!(alice.get("/status").await.location(), "/admin", "where it was before");
}

#[tokio::test]
async fn providers_are_shown_as_they_answered_and_not_asked_for_it() {
    // Nothing listens there.
    let world = World::with(
        "providers: [{id: corp, name: Corp, issuer: \"https://127.0.0.1:9\", clientId: kubegate, userPrefix: \"corp:\", groupPrefix: \"corp:\"}]\n",
    )
    .await;
    let mut alice = world.browser_of("alice").await;
    let before = alice.get("/admin/providers").await.text;
    assert!(before.contains("Nobody has needed it") && before.contains("There are 2 built-in accounts"), "{before}");
    assert!(alice.get("/admin/providers").await.text.contains("Nobody has needed it"), "looking asks nothing");
    let failed = alice.get("/login/corp").await;
    assert_eq!(failed.status, StatusCode::BAD_GATEWAY, "{}", failed.text);
    let after = alice.get("/admin/providers").await.text;
    assert!(after.contains("did not answer as it should") && after.contains("2027-01-15"), "{after}");
}

/// The page of providers says for each what it is, where groups come from, and how its pushing goes.
#[tokio::test]
async fn providers_of_every_kind_are_shown_with_what_they_are_for() {
    let other = "userPrefix: \"ID:\", groupPrefix: \"ID:\"";
    let provider = |id: &str, more: &str| format!("  - {{id: {id}, {}, {more}}}\n", other.replace("ID", id));
    let oidc = "issuer: \"https://idp.example.com/ID\", clientId: kubegate";
    let config = [
        "providers:\n".to_owned(),
        provider(
            "corp",
            &format!(
                "{}, groups: {{from: scim}}, scim: {{tokenFile: scim-token, link: {{attribute: externalId, claim: oid}}}}",
                oidc.replace("ID", "corp")
            ),
        ),
        provider("filed", &format!("{}, groups: {{from: file, file: groups.yaml}}", oidc.replace("ID", "filed"))),
        provider(
            "hub",
            "type: github, name: GitHub, url: \"https://github.example\", organizations: [example], clientId: x, clientSecretFile: scim-token",
        ),
        "workloads:\n  - {id: ci, issuer: \"https://ci.example\", audience: kubegate-ci, userPrefix: \"ci:\", \
         requiredClaims: {repository_owner: example}, rules: [{user: \"{sub}\"}]}\n"
            .to_owned(),
    ];
    let world = World::with_file("groups.yaml", "people: []\n", &config.concat()).await;
    let mut alice = world.browser_of("alice").await;
    let before = alice.get("/admin/providers").await.text;
    for shown in [
        "OpenID Connect",
        "what it pushes (SCIM)",
        "0 users, 0 groups",
        "none yet",
        "<dd>GitHub</dd>",
        "https://github.example",
        "organisations and teams",
        "no discovery document",
        "the file <code>",
        "groups.yaml",
        "kubegate-ci",
        "https://ci.example",
    ] {
        assert!(before.contains(shown), "{shown} in {before}");
    }
    assert_eq!(before.matches("Nobody has needed it").count(), 2, "GitHub has nothing to be asked for: {before}");
    assert!(!before.contains("is wrong as it is now") && !before.contains("Last push refused"), "{before}");

    let push = async |body: &str| {
        let request = Request::post("/scim/v2/corp/Users")
            .header(header::AUTHORIZATION, format!("Bearer {}", super::scim::TOKEN))
            .header(header::CONTENT_TYPE, "application/scim+json");
        world.send(request.body(Body::from(body.to_owned())).unwrap()).await.status
    };
    let user = "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"c@example.com\",\"externalId\":\"1\"}";
    assert_eq!(push(user).await, StatusCode::CREATED);
    assert_eq!(push("{\"schemas\":[]}").await, StatusCode::BAD_REQUEST);
    std::fs::write(world.dir.path().join("groups.yaml"), "people: [\n").unwrap();
    let after = alice.get("/admin/providers").await.text;
    for shown in ["one user, 0 groups", "Last push</dt><dd>2027-01-15", "Last push refused", "is wrong as it is now"] {
        assert!(after.contains(shown), "{shown} in {after}");
    }
}

#[tokio::test]
async fn the_start_page_leads_to_the_code_of_another_machine_where_that_is_allowed() {
    let link = "<a href=\"/device\">";
    let world = World::new().await;
    assert!(world.browser_of("alice").await.get("/").await.text.contains(link));
    let world = World::with("sessions: {deviceFlow: false}\n").await;
    assert!(!world.browser_of("alice").await.get("/").await.text.contains(link));
}

/// Whatever holds a session has a name in every language.
#[tokio::test]
async fn sessions_of_every_kind_have_a_name_and_idle_ones_say_so() {
    let world = World::new().await;
    let mut alice = world.browser_of("alice").await;
    let kinds = ["cli", "device", "workload", "pomerium", "service-account"];
    let live = kinds.map(|kind| (kind, "NULL, NULL"));
    // Idle time ended the one, whose streams may go on; an administrator the other, which is over.
    for (kind, ended) in live.into_iter().chain([("cli", "1800000000, 'idle'"), ("cli", "1800000000, 'administrator'")])
    {
        world
            .sql(&format!(
                "INSERT INTO session (id, kind, person, identity, auth_time, signed_in_at, created_at, last_used_at, \
                 expires_at, tokens_until, ended_at, ended_reason) VALUES (hex(randomblob(8)), '{kind}', 'accounts:alice', \
                 '{{\"provider\":\"accounts\",\"subject\":\"alice\",\"user\":\"alice\",\"groups\":[\"platform-admins\"],\
                 \"claims\":{{}}}}', 0, 1799990000, 1799990000, 1799990000, 1800003600, 1800000600, {ended})"
            ))
            .await;
    }
    let names = [
        (
            "en",
            [
                "browser",
                "command line",
                "command line, let in from another device",
                "workload",
                "pomerium-cli",
                "service account of pomerium-cli",
            ],
            "It has not been used for long",
        ),
        (
            "de",
            [
                "Browser",
                "Kommandozeile",
                "Kommandozeile, von einem anderen Gerät eingelassen",
                "Workload",
                "pomerium-cli",
                "Dienstkonto von pomerium-cli",
            ],
            "Sie wurde lange nicht benutzt",
        ),
    ];
    for (language, names, idle) in names {
        alice.get(&format!("/language/{language}")).await;
        for path in ["/", "/admin/sessions"] {
            let page = alice.get(path).await.text;
            for name in names {
                assert!(page.contains(&format!("<dd>{name}</dd>")), "{name} at {path}: {page}");
            }
            assert_eq!(page.matches(idle).count(), 1, "one is idle at {path}: {page}");
            let shown = page.matches("name=\"session\"").count();
            assert_eq!(shown, 7, "the browser's, one of each kind, and the idle one at {path}: {page}");
        }
    }
}

#[tokio::test]
async fn people_are_listed_page_by_page() {
    let world = World::new().await;
    let mut alice = world.browser_of("alice").await;
    for number in 0..120 {
        world
            .sql(&format!(
                "INSERT INTO session (id, kind, person, identity, auth_time, signed_in_at, created_at, last_used_at, \
                 expires_at) VALUES ('s{number:03}', 'cli', 'accounts:u{number:03}', \
                 '{{\"provider\":\"accounts\",\"subject\":\"u{number:03}\",\"user\":\"u{number:03}\",\"groups\":[],\
                 \"claims\":{{}}}}', 0, 1800000000, 1800000000, 1800000000, 1800003600)"
            ))
            .await;
    }
    for (path, action) in [("/admin/users", "/admin/users/disable"), ("/admin/sessions", "/admin/sessions/end")] {
        let first = alice.get(path).await;
        let next = first.text.split("href=\"").map(|rest| rest.split('"').next().unwrap());
        let next = unescape(next.filter(|href| href.contains("?after=")).last().unwrap());
        let second = alice.get(&next).await;
        let names = |page: &Answer| page.forms(action, "csrf").len();
        assert!(
            (99..=100).contains(&names(&first)) && (20..=21).contains(&names(&second)),
            "{path}: {}",
            names(&second)
        );
        assert!(!second.text.contains("?after="), "{path} ends");
    }
}
