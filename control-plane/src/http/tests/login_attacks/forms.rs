//! Another site has a browser send our forms (CSRF): each form of ours, with each proof that the attacker may have.

use axum::http::StatusCode;

use super::super::device;
use super::super::pomerium::{OLD, ON};
use super::super::world::{Answer, Browser, PASSWORD, World, authorize_url, unescape};
use super::{has, routes};

/// What is sent by programs, with a credential in it that no browser adds by itself.
const OF_PROGRAMS: [&str; 13] = [
    "/logout/backchannel/{provider}",
    "/oauth/device_authorization",
    "/oauth/token",
    "/oauth/revoke",
    "/api/v1/revocations",
    "/api/v1/keys/rotations",
    "/api/v1/elevations",
    "/api/v1/service-accounts",
    "/api/v1/people/disable",
    "/api/v1/people/enable",
    "/scim/v2/{provider}/Users",
    "/scim/v2/{provider}/Groups",
    "/scim/v2/{provider}/{*rest}",
];

/// The forms of the pages; those that are for a session of their own, too.
const FORMS: [(&str, bool); 13] = [
    ("/login", false),
    ("/login/accounts", false),
    ("/device", false),
    ("/device/decision", true),
    ("/logout", true),
    ("/sessions/end", true),
    ("/sessions/end-all", true),
    ("/admin/sessions/end", true),
    ("/admin/sessions/end-all", true),
    ("/admin/users/disable", true),
    ("/admin/users/enable", true),
    ("/oauth/authorize", true),
    ("/pomerium", true),
];

type Fields = Vec<(String, String)>;

/// The hidden fields of the first form to `action` with `word` in it.
fn fields(page: &Answer, action: &str, word: &str) -> Fields {
    let mut forms = page.text.split("<form ").skip(1).map(|form| form.split("</form>").next().unwrap());
    let start = format!("action=\"{action}\"");
    let form = forms.find(|form| form.contains(&start) && form.contains(word));
    let form = form.unwrap_or_else(|| panic!("no form to {action} with {word}: {}", page.text));
    let hidden = form.split("<input type=\"hidden\" name=\"").skip(1).map(|input| {
        let (name, rest) = input.split_once("\" value=\"").unwrap();
        (name.to_owned(), unescape(rest.split('"').next().unwrap()))
    });
    hidden.collect()
}

/// What stands in a world to be attacked.
struct Target {
    world: World,
    user_code: String,
    pomerium: String,
    /// Sessions of alice and of bob that are not the browser's.
    sessions: [String; 2],
}

impl Target {
    async fn new() -> Self {
        let world = World::with(ON).await;
        let admin = world.token("alice").await;
        let body = serde_json::json!({"person": "accounts:eve", "reason": "left"});
        assert_eq!(world.api_post("/api/v1/people/disable", &admin, &body).await.status, StatusCode::OK);
        let asked = device::ask(&world, &[]).await;
        let mut sessions = Vec::new();
        for user in ["alice", "bob"] {
            let token = world.token(user).await;
            sessions.push(world.app.minter.verify_access(&token, world.clock.now()).unwrap().sid.to_string());
        }
        let pomerium = world.sign_in_url(OLD).await;
        let user_code = device::text(&asked, "user_code").to_owned();
        Self { user_code, pomerium, sessions: sessions.try_into().unwrap(), world }
    }

    /// A form as `browser` gets it, ready to be sent.
    async fn form(&self, browser: &mut Browser, path: &str) -> Fields {
        let (page, word, more): (&str, &str, &[(&str, &str)]) = match path {
            "/login" => ("/login", "", &[("email", "carol@example.com")]),
            "/login/accounts" => ("/login", "", &[("username", "bob"), ("password", PASSWORD)]),
            "/device" => ("/device", "", &[("user_code", &self.user_code)]),
            "/device/decision" => (&format!("/device?user_code={}", self.user_code), "", &[("decision", "allow")]),
            "/logout" | "/sessions/end-all" => ("/", "", &[]),
            "/sessions/end" => ("/", &self.sessions[0], &[]),
            "/admin/sessions/end" => ("/admin/sessions", &self.sessions[1], &[]),
            "/admin/sessions/end-all" => ("/admin/sessions?user=bob", "accounts:bob", &[]),
            "/admin/users/disable" => ("/admin/users", "accounts:bob", &[("reason", "INC-7")]),
            "/admin/users/enable" => ("/admin/users", "accounts:eve", &[("reason", "INC-7")]),
            "/oauth/authorize" => (&authorize_url(), "", &[("decision", "allow")]),
            "/pomerium" => (&self.pomerium, "", &[("decision", "allow")]),
            other => panic!("{other} has no test"),
        };
        let page = browser.get(page).await;
        // The address form is there only where addresses choose; its proof is that of the page.
        let action = if path == "/login" { "/login/accounts" } else { path };
        let mut fields = fields(&page, action, word);
        fields.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        fields
    }
}

fn csrf(fields: &Fields) -> String {
    fields.iter().find(|(name, _)| name == "csrf").unwrap().1.clone()
}

async fn send(browser: &mut Browser, path: &str, fields: &Fields, proof: Option<&str>) -> Answer {
    let form = fields.iter().filter(|(name, _)| name != "csrf").map(|(name, value)| (name.as_str(), value.as_str()));
    let form: Vec<_> = form.chain(proof.map(|proof| ("csrf", proof))).collect();
    browser.post(path, &form).await
}

#[test]
fn every_form_is_attacked() {
    let posts: Vec<&str> = routes().into_iter().filter(|(_, with)| has(with, "post")).map(|(path, _)| path).collect();
    assert!(posts.len() > 20, "{posts:?}");
    for path in posts {
        let listed = OF_PROGRAMS.contains(&path) || FORMS.iter().any(|(form, _)| *form == path);
        assert!(
            listed,
            "POST {path} is attacked by no test: put it into FORMS, or into OF_PROGRAMS if no cookie counts there"
        );
    }
}

#[tokio::test]
async fn no_form_is_taken_without_its_own_proof() {
    for (path, of_session) in FORMS {
        let target = Target::new().await;
        let mut alice = target.world.browser_of("alice").await;
        let old = csrf(&target.form(&mut alice, path).await);
        alice.sign_in("/login", "alice", PASSWORD).await.location();
        // Mallory has everything but alice's browser: even a session of hers.
        let mut mallory = target.world.browser_of("alice").await;
        let others = csrf(&target.form(&mut mallory, path).await);
        let good = target.form(&mut alice, path).await;
        let other_form = if path == "/logout" { "/sessions/end-all" } else { "/logout" };
        let of_other_form = csrf(&target.form(&mut alice, other_form).await);
        let own = csrf(&good);
        let mut cases = vec![
            ("no proof", None),
            ("an empty proof", Some("")),
            ("another browser's proof", Some(&*others)),
            ("the proof of another form", Some(&*of_other_form)),
            ("half a proof", own.get(..20)),
        ];
        if of_session {
            cases.push(("the proof of the session before", Some(&*old)));
        }
        let before = target.world.all_that_is_kept().await;
        for (what, proof) in cases {
            let answer = send(&mut alice, path, &good, proof).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}, {what}: {}", answer.text);
            assert!(answer.headers.get("set-cookie").is_none(), "{path}, {what}");
        }
        // The right proof, from a browser that has lost its own cookie or has no session.
        let mut stripped = target.world.browser();
        stripped.cookies = alice.cookies.iter().filter(|(name, _)| !name.ends_with("-browser")).cloned().collect();
        let answer = send(&mut stripped, path, &good, Some(&own)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}, without the browser's cookie");
        if of_session {
            let answer = send(&mut target.world.browser(), path, &good, Some(&own)).await;
            let refused = answer.status == StatusCode::FORBIDDEN
                || (answer.status == StatusCode::SEE_OTHER && !answer.location().contains("code="));
            assert!(refused, "{path}, with no cookie at all: {}", answer.status);
        }
        assert_eq!(target.world.all_that_is_kept().await, before, "{path}: nothing has changed");
        let done = send(&mut alice, path, &good, Some(&own)).await;
        let taken = [StatusCode::OK, StatusCode::SEE_OTHER, StatusCode::UNPROCESSABLE_ENTITY].contains(&done.status);
        assert!(taken, "{path}: with its own proof it is taken: {} {}", done.status, done.text);
        let changes = !["/login", "/device"].contains(&path);
        assert_eq!(
            target.world.all_that_is_kept().await != before,
            changes,
            "{path}: the attack would have done something"
        );
    }
}
