//! Every page with sample data, hostile wherever a person or a provider can write, in every language.

use kubegate_core::document::{Problem, Severity};

use super::super::api::status::{FailingView, GatewayView, LiveSetView, PolicyView, RefusedView, StatusView};
use super::super::messages::{Language, speaking};
use super::*;
use crate::policy::File;

const HOSTILE: &str = "<script>alert(1)</script>\"'&";

fn status(refused: bool) -> StatusView {
    let problem = Problem {
        severity: Severity::Error,
        file: HOSTILE.into(),
        line: 1,
        column: 2,
        path: HOSTILE.into(),
        message: HOSTILE.into(),
        remedy: HOSTILE.into(),
    };
    let refused = RefusedView {
        at: String::new(),
        message: HOSTILE.into(),
        problems: if refused { vec![problem] } else { vec![] },
    };
    StatusView {
        version: "0",
        started: String::new(),
        policy: PolicyView { version: "1.1".into(), since: String::new(), clusters: 1, rules: 1 },
        file: File::Refused,
        refused: Some(refused),
        failing: Some(FailingView { since: String::new(), message: HOSTILE.into() }),
        live_set: LiveSetView { version: "1.1".into(), signed_at: String::new(), revocations: 0, elevations: 0 },
        gateways: vec![GatewayView {
            name: HOSTILE.into(),
            waiting: 1,
            last_poll: Some(String::new()),
            version: Some("1.1".into()),
            behind: Some(1),
            holds: crate::polls::Holds::Newer,
            others: vec![crate::polls::Holds::Newest],
        }],
    }
}

fn session(is_this: bool) -> SessionView {
    SessionView {
        id: HOSTILE.into(),
        user: HOSTILE.into(),
        person: HOSTILE.into(),
        device: m::literal(HOSTILE),
        kind: m::text("kind-cli"),
        address: is_this.then(|| "192.0.2.7".to_owned()),
        provider: m::literal(HOSTILE),
        began: "2030-01-01 00:00 UTC".into(),
        used: "2030-01-01 00:00 UTC".into(),
        until: "2030-01-01 00:00 UTC".into(),
        is_this,
        is_idle: !is_this,
        action: "/sessions/end",
        csrf: "proof".into(),
    }
}

fn user(is_you: bool, is_disabled: bool) -> UserView {
    UserView {
        person: HOSTILE.into(),
        user: is_you.then(|| HOSTILE.to_owned()),
        seen: String::new(),
        live: 2,
        sessions: "/admin/sessions?user=a".into(),
        is_you,
        is_disabled,
        csrf: "proof".into(),
    }
}

fn administration() -> Vec<(&'static str, String)> {
    let all_of = AllOf { user: None, person: HOSTILE.into(), csrf: "proof".into() };
    let sessions = AdminSessionsPage {
        user: HOSTILE,
        sessions: vec![session(true), session(false)],
        all_of: vec![all_of],
        next: Some("/admin/sessions?after=1.s".into()),
        done: true,
    };
    let disabled = DisabledView {
        person: HOSTILE.into(),
        user: Some(HOSTILE.into()),
        reason: HOSTILE.into(),
        by: HOSTILE.into(),
        at: String::new(),
        csrf: "proof".into(),
    };
    let users = AdminUsersPage {
        user: HOSTILE,
        users: vec![user(true, false), user(false, false), user(false, true)],
        disabled: vec![disabled],
        next: Some("/admin/users?after=a".into()),
        done: Some("disabled"),
    };
    let provider = |good: Option<bool>, answered: bool| ProviderView {
        id: "corp",
        name: HOSTILE,
        kind: "OpenID Connect",
        discovers: good.is_some() || answered,
        groups: m::text("groups-file").with("file", HOSTILE),
        group_problem: answered.then(|| HOSTILE.to_owned()),
        push: (!answered).then(|| PushView {
            users: 1,
            groups: 2,
            pushed: None,
            failed: Some((String::new(), HOSTILE.to_owned())),
        }),
        issuer: "https:",
        asking: false,
        good,
        answered: answered.then(|| (String::new(), 2)),
        failed: (!answered).then(|| (String::new(), HOSTILE.to_owned())),
    };
    let providers = vec![provider(None, true), provider(Some(true), true), provider(Some(false), false)];
    let workloads = vec![WorkloadView { id: "ci", issuer: HOSTILE, audience: HOSTILE, prefix: HOSTILE }];
    vec![
        ("sessions of all", sessions.render().unwrap()),
        ("users", users.render().unwrap()),
        ("providers", AdminProvidersPage { providers, accounts: 1, workloads }.render().unwrap()),
        ("no providers", AdminProvidersPage { providers: vec![], accounts: 0, workloads: vec![] }.render().unwrap()),
        ("status", StatusPage { status: &status(true) }.render().unwrap()),
        ("status of a good policy", StatusPage { status: &status(false) }.render().unwrap()),
    ]
}

/// Every page, with hostile text in every field that a person or provider can fill.
fn pages() -> Vec<(&'static str, String)> {
    let groups = [HOSTILE.to_owned()];
    let login = LoginPage {
        providers: vec![ProviderChoice { name: HOSTILE, href: "/login/corp?return_to=%2F".into() }],
        by_email: true,
        email: HOSTILE,
        accounts: true,
        csrf: "proof",
        return_to: HOSTILE,
        problem: Some(m::literal(HOSTILE)),
        username: HOSTILE,
        for_command_line: true,
        demand: Some(m::literal(HOSTILE)),
    };
    let consent = |on_this_computer| ConsentPage {
        user: HOSTILE,
        provider: m::literal(HOSTILE),
        on_this_computer,
        device: Some(HOSTILE),
        csrf: "proof",
        request: HOSTILE,
    };
    let device = |problem| DevicePage { csrf: "proof", code: HOSTILE, problem };
    let confirm = |elsewhere: bool| DeviceConfirmPage {
        user: HOSTILE,
        provider: m::literal(HOSTILE),
        code: "BCDF-GHJK",
        device: elsewhere.then_some(HOSTILE),
        client: elsewhere.then_some(HOSTILE),
        cluster: elsewhere.then_some(HOSTILE),
        address: "192.0.2.1".into(),
        here: "192.0.2.2".into(),
        elsewhere,
        at: "2023-11-14 22:13 UTC".into(),
        csrf: "proof",
    };
    let elevation = ElevationView {
        cluster: "prod",
        groups: &groups,
        reason: HOSTILE,
        by: HOSTILE,
        until: "2030-01-01 00:00 UTC".into(),
    };
    let person = HomePerson {
        user: HOSTILE,
        groups: &groups,
        until: "2030-01-01 00:00 UTC".into(),
        clusters: vec!["prod", "lab"],
        kubeconfig: HOSTILE.into(),
        elevations: vec![elevation],
        sessions: vec![session(true), session(false)],
        sign_out: "proof".into(),
        end_all: "proof".into(),
        device_flow: true,
        administrator: true,
        ended: true,
    };
    let text = m::text("error-denied").with("provider", HOSTILE).with("words", HOSTILE);
    let error = ErrorPage { text: &text, reference: "abc" };
    let server = "https://kubegate.example.com";
    let mut all = vec![
        ("login", login.render().unwrap()),
        ("consent", consent(true).render().unwrap()),
        ("consent for a code", consent(false).render().unwrap()),
        ("code", CodePage { code: HOSTILE }.render().unwrap()),
        ("device", device(Some(m::literal(HOSTILE))).render().unwrap()),
        ("device at first", device(None).render().unwrap()),
        ("device to confirm", confirm(true).render().unwrap()),
        ("device at the same place", confirm(false).render().unwrap()),
        ("device allowed", DeviceDonePage { user: Some(HOSTILE) }.render().unwrap()),
        ("device denied", DeviceDonePage { user: None }.render().unwrap()),
        (
            "signed out",
            SignedOutPage { everywhere: None, sessions: 2, there: Some(There { name: HOSTILE, url: "/x" }) }
                .render()
                .unwrap(),
        ),
        (
            "signed out everywhere",
            SignedOutPage { everywhere: Some(HOSTILE), sessions: 1, there: None }.render().unwrap(),
        ),
        ("signed in", SignedInPage { user: Some(HOSTILE) }.render().unwrap()),
        ("home", HomePage { person: Some(person), server }.render().unwrap()),
        ("home of nobody", HomePage { person: None, server }.render().unwrap()),
        ("error", error.render().unwrap()),
    ];
    all.extend(administration());
    all
}

#[test]
fn every_page_renders_escaped_and_with_what_assistive_technology_needs() {
    for (language, (name, html)) in
        Language::all().flat_map(|language| speaking(language, pages).into_iter().map(move |page| (language, page)))
    {
        let name = format!("{name} in {}", language.tag());
        assert!(!html.contains("<script"), "{name}: not escaped");
        assert!(!html.contains("style=") && !html.contains("onclick"), "{name}: nothing inline");
        assert!(!html.contains("http://") && !html.contains("src="), "{name}: nothing from elsewhere");
        let lang = format!("<!doctype html>\n<html lang=\"{}\">", language.tag());
        assert!(html.starts_with(&lang), "{name}: language");
        assert_eq!(html.matches("<h1>").count(), 1, "{name}: one heading");
        assert!(html.contains("<title>") && html.contains("<main id=\"main\">"), "{name}: title and landmark");
        for input in html.split("<input").skip(1).filter(|input| !input.contains("type=\"hidden\"")) {
            let id = input.split("id=\"").nth(1).unwrap().split('"').next().unwrap();
            assert!(html.contains(&format!("<label for=\"{id}\">")), "{name}: {id} has a label");
        }
    }
}

#[test]
fn pages_allow_nothing_but_their_own_style_and_forms() {
    let response = page(&CodePage { code: "x" }, StatusCode::OK, Some("http://127.0.0.1:8000"));
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert_eq!(
        policy,
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' http://127.0.0.1:8000; \
         frame-ancestors 'none'; base-uri 'none'"
    );
}
