//! The functions of core whose speed is watched, each on an input that is the same in every run.

#[path = "../../bench/company.rs"]
mod company;
mod issuer;

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;

use anyhow::{Result, ensure};
use kubegate_core::gateway::{Decision, Gateway};
use kubegate_core::impersonation::own_headers;
use kubegate_core::inbound::Inbound;
use kubegate_core::request::{Attributes, Target};
use kubegate_core::token::VerifiedToken;

use company::{HOST, Subject};
use issuer::{NOW, URL};

/// Something to do once, prepared.
pub type Job = Box<dyn FnOnce()>;

/// Makes jobs, as many as are asked for.
pub type Jobs = Box<dyn FnMut() -> Job>;

/// A function that is watched.
#[derive(Clone, Copy, Debug)]
pub struct Watched {
    /// Its name.
    pub name: &'static str,
    prepare: fn() -> Result<Jobs>,
}

impl Watched {
    /// Makes jobs in which nothing but that function is called.
    ///
    /// # Errors
    /// When the input cannot be made.
    pub fn prepare(self) -> Result<Jobs> {
        (self.prepare)()
    }
}

/// All of them.
pub const WATCHED: [Watched; 7] = [
    Watched { name: "token_verification", prepare: token_verification },
    Watched { name: "path_parsing", prepare: path_parsing },
    Watched { name: "decision_10_rules", prepare: || decision(10) },
    Watched { name: "decision_1000_rules", prepare: || decision(1000) },
    Watched { name: "decision_remembered", prepare: remembered },
    Watched { name: "header_building", prepare: header_building },
    Watched { name: "bundle_decode", prepare: bundle_decode },
];

/// What kubectl asks for; each is parsed once.
const PATHS: [(&str, &str); 8] = [
    ("GET", "/api/v1/namespaces/checkout-00000-prod/pods?limit=500"),
    ("GET", "/apis/apps/v1/namespaces/checkout-00000-prod/deployments/cart"),
    ("GET", "/api/v1/namespaces/checkout-00000-prod/pods/cart-5d8f/log?container=app&follow=true&tailLines=10"),
    ("POST", "/api/v1/namespaces/checkout-00000-prod/pods/cart-5d8f/exec?command=sh&container=app&stdin=true&tty=true"),
    ("GET", "/api/v1/pods?allowWatchBookmarks=true&resourceVersion=1234&timeoutSeconds=412&watch=true"),
    ("PATCH", "/apis/apps/v1/namespaces/checkout-00000-prod/deployments/cart?fieldManager=kubectl-client-side-apply"),
    ("GET", "/api/v1/namespaces/checkout-00000-prod/events?fieldSelector=involvedObject.name%3Dcart-5d8f"),
    ("GET", "/apis?timeout=32s"),
];

fn token_verification() -> Result<Jobs> {
    let keys = Rc::new(issuer::token_keys()?);
    let token: Rc<str> = issuer::token()?.into();
    VerifiedToken::verify(&token, &keys, URL)?;
    Ok(Box::new(move || {
        let (keys, token) = (Rc::clone(&keys), Rc::clone(&token));
        Box::new(move || drop(black_box(VerifiedToken::verify(&token, &keys, URL))))
    }))
}

fn path_parsing() -> Result<Jobs> {
    for (method, path) in PATHS {
        Attributes::of(method, &Target::parse(path)?)?;
    }
    let parse = || {
        for (method, path) in black_box(PATHS) {
            if let Ok(target) = Target::parse(path) {
                let _ = black_box(Attributes::of(method, &target));
            }
        }
    };
    Ok(Box::new(move || Box::new(parse)))
}

/// Of a request that was not made before, with a session token that the gateway has seen.
fn decision(rules: usize) -> Result<Jobs> {
    let gateway = asked_once(rules)?;
    let headers = headers()?;
    let mut number = 0_u64;
    Ok(Box::new(move || {
        number = number.saturating_add(1);
        let path: &'static str = format!("{}&resourceVersion={number:08}", Subject::PATH).leak();
        let (gateway, request) = (Rc::clone(&gateway), Inbound { path, ..parse(headers) });
        Box::new(move || {
            black_box(is_allowed(&mut gateway.borrow_mut(), request));
        })
    }))
}

/// Of a request that was made before, from its headers on.
fn remembered() -> Result<Jobs> {
    let gateway = asked_once(10)?;
    let headers = headers()?;
    Ok(Box::new(move || {
        let gateway = Rc::clone(&gateway);
        Box::new(move || {
            black_box(is_allowed(&mut gateway.borrow_mut(), parse(headers)));
        })
    }))
}

fn asked_once(rules: usize) -> Result<Rc<RefCell<Gateway>>> {
    let mut gateway = issuer::gateway();
    gateway.accept_inline(&issuer::bundle(rules)?.documents())?;
    ensure!(is_allowed(&mut gateway, parse(headers()?)), "the subject is not allowed its request");
    Ok(Rc::new(RefCell::new(gateway)))
}

/// A request's headers taken apart, and those of its impersonation made.
fn header_building() -> Result<Jobs> {
    let headers = headers()?;
    let claims = Rc::new(issuer::claims()?);
    Ok(Box::new(move || {
        let claims = Rc::clone(&claims);
        Box::new(move || {
            black_box(parse(headers));
            black_box(own_headers(&claims, &claims.groups));
        })
    }))
}

/// A bundle of 1,000 rules, from its text to the policy in force.
fn bundle_decode() -> Result<Jobs> {
    let bundle = Rc::new(issuer::bundle(1000)?);
    issuer::gateway().accept_inline(&bundle.documents())?;
    Ok(Box::new(move || {
        let (bundle, mut gateway) = (Rc::clone(&bundle), issuer::gateway());
        Box::new(move || {
            let _ = black_box(gateway.accept_inline(&bundle.documents()));
        })
    }))
}

type Headers = &'static [(&'static str, String)];

/// The headers of the subject's request, there for as long as the process.
fn headers() -> Result<Headers> {
    let mut headers = vec![
        (":method", "GET".to_owned()),
        (":scheme", "https".to_owned()),
        (":authority", HOST.to_owned()),
        (":path", Subject::PATH.to_owned()),
        ("x-request-id", "0f4c1d5e-33a5-4c53-9d1b-6f8a7b2c4d5e".to_owned()),
    ];
    headers.extend(Subject::headers(&issuer::token()?));
    Ok(headers.leak())
}

fn parse(headers: Headers) -> Inbound<'static> {
    let headers = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    Inbound::parse(headers).unwrap_or_default()
}

fn is_allowed(gateway: &mut Gateway, request: Inbound<'_>) -> bool {
    matches!(black_box(gateway.decide(black_box(request), NOW)), Decision::Allow(_))
}
